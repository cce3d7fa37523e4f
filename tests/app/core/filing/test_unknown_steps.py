"""Steps of filing that this computer does not know: a project from elsewhere, or one that was crafted."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.core.project.project import Project
from model.system.user_folders import HOME_VARIABLE
from tests.app.core.filing.filing_commands import Identify, file, tree, undo

# steps from elsewhere


def crafted(place: Path, victim: Path, state: str) -> None:
    """A step that nobody began here: it would remove `victim`."""
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("INSERT INTO action (id, kind, title) VALUES (7, 'files', 'move 1 photo')")
        copy = victim.with_name("copy")
        shutil.copy2(victim, copy)
        facts = victim.stat()
        database.execute(
            "INSERT INTO filed (action, image, move, source, target, size, modified, state) VALUES (7,1,1,?,?,?,?,?)",
            (os.fsencode(victim), os.fsencode(copy), facts.st_size, facts.st_mtime_ns, state),
        )


@pytest.mark.parametrize("state", ["placed", "planned", "done", "returning"])
def test_a_crafted_project_moves_nothing_before_the_person_has_seen_it(
    identify: Identify, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture, state: str
) -> None:
    identify("a.jpg")
    (tmp_path / "other").mkdir()
    victim = tmp_path / "other/letter.txt"
    victim.write_text("precious")
    crafted(place, victim, state)
    before = tree(tmp_path / "other")
    model = tmp_path / "none.onnx"
    assert undo(place) == 1
    told = capsys.readouterr()
    assert str(victim) in told.out + told.err and "--trust" in told.err
    assert tree(tmp_path / "other") == before and not model.exists()
    if state != "done":
        assert file(place, tmp_path / "s") == 1 and tree(tmp_path / "other") == before
    assert undo(place, "--trust") == 0 and tree(tmp_path / "other") < before  # the person wanted that
    assert undo(place) == 0


def test_a_step_that_was_changed_since_is_not_known_any_more(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    identify("a.jpg")
    assert file(place, tmp_path / "s", "--move") == 0
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("UPDATE filed SET source = ?", (os.fsencode(tmp_path / "elsewhere.jpg"),))
    assert undo(place) == 1
    assert tree(folder) == set() and (tmp_path / "s/sedan/a.jpg").exists() and not (tmp_path / "elsewhere.jpg").exists()


def test_a_project_from_another_computer_asks_once(
    identify: Identify,
    folder: Path,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    identify("a.jpg")
    assert file(place, tmp_path / "s", "--move") == 0
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "another home"))
    assert undo(place) == 1 and tree(folder) == set()
    assert (
        "not started on this computer; this also happens when Marque's data folder was lost" in capsys.readouterr().err
    )
    assert undo(place, "--trust") == 0 and tree(folder) == {"a.jpg"}
    assert undo(place, "--redo") == 0 and undo(place) == 0 and tree(folder) == {"a.jpg"}


def test_steps_of_a_copy_that_was_saved_under_another_name_are_known(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    identify("a.jpg")
    assert file(place, tmp_path / "s", "--move") == 0
    with Project.open(place) as project:
        project.save_as(tmp_path / "copy.marque")
    assert undo(tmp_path / "copy.marque") == 0 and tree(folder) == {"a.jpg"}


def test_a_filing_that_cannot_be_remembered_is_not_begun(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, marque_home: Path, capsys: pytest.CaptureFixture
) -> None:
    identify("a.jpg")
    shutil.rmtree(marque_home / "data/filings", ignore_errors=True)
    (marque_home / "data").mkdir(exist_ok=True)
    (marque_home / "data/filings").write_text("a file in the place of the folder")
    assert file(place, tmp_path / "s", "--move") == 2
    assert "filings" in capsys.readouterr().err and tree(folder) == {"a.jpg"} and not (tmp_path / "s").exists()
    (marque_home / "data/filings").unlink()
    assert undo(place) == 0 and "nothing to undo" in capsys.readouterr().err
