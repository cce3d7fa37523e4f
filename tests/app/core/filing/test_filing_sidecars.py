"""Sidecars go with the photos that are filed, and come back with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.core.project.filed import FiledFile, FiledState, FiledTable
from app.core.project.project import Project
from app.core.recognition.engine import Engine
from app.core.system import file_placement
from tests.app.core.filing.filing_commands import FINE, Identify, file, scan, tree, undo
from tests.app.foreign import execute
from tests.app.tiny import COLOURS, colour_picture

# sidecars


@pytest.mark.parametrize("sidecar", ["a.xmp", "a.XMP", "a.jpg.xmp", "A.JPG.XMP"])
def test_a_sidecar_goes_with_its_photo_and_back(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, sidecar: str, capsys: pytest.CaptureFixture
) -> None:
    identify("a.jpg", "b.jpg")
    (folder / sidecar).write_text("rating")
    into = tmp_path / "s"
    assert file(place, into, "--move", "--dry-run") == 0
    told = capsys.readouterr()
    assert f"{folder / sidecar} -> sedan/{sidecar}" in told.out and "2 photos and 1 sidecar would be filed" in told.err
    for _ in range(2):
        assert file(place, into, "--move") == 0
        assert tree(folder) == set() and tree(into) == {"sedan/", "sedan/a.jpg", "sedan/b.jpg", f"sedan/{sidecar}"}
        assert undo(place) == 0
        assert tree(folder) == {"a.jpg", "b.jpg", sidecar} and not into.exists()
        assert undo(place, "--redo") == 0 and not tree(folder)
        assert undo(place) == 0
    assert file(place, into) == 0
    assert (into / "sedan" / sidecar).read_text() == "rating" == (folder / sidecar).read_text()
    assert undo(place) == 0 and not into.exists() and (folder / sidecar).read_text() == "rating"


def test_an_undo_that_ends_between_a_sidecar_and_its_note_is_finished(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify("a.jpg")
    (folder / "a.jpg.xmp").write_text("rating")
    assert file(place, tmp_path / "s", "--move") == 0
    note = FiledTable.change

    def ends(filed: FiledTable, row: FiledFile, state: FiledState, **more: Any) -> None:
        if row.sidecar and state is FiledState.UNDONE:
            raise KeyboardInterrupt
        note(filed, row, state, **more)

    with monkeypatch.context() as patch:
        patch.setattr(FiledTable, "change", ends)
        assert undo(place) == 130
    assert tree(folder) == {"a.jpg", "a.jpg.xmp"}
    assert undo(place) == 0
    with Project.open(place) as project:
        assert {state for (state,) in execute(project.path, "SELECT state FROM filed")} <= {"undone"}
    assert file(place, tmp_path / "s", "--move") == 0 and not tree(folder)


def test_a_sidecar_that_others_need_is_copied_and_reported(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    identify("a.jpg")
    (folder / "a.nef").write_text("raw")
    (folder / "a.xmp").write_text("of both")
    assert file(place, tmp_path / "s", "--move") == 0
    assert "a.nef needs it too" in capsys.readouterr().err
    assert tree(folder) == {"a.nef", "a.xmp"} and (tmp_path / "s/sedan/a.xmp").read_text() == "of both"
    assert undo(place) == 0
    assert tree(folder) == {"a.jpg", "a.nef", "a.xmp"} and not (tmp_path / "s").exists()


def test_a_raw_that_comes_after_the_plan_keeps_its_sidecar(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify("a.jpg")
    (folder / "a.xmp").write_text("of both")
    sync = file_placement.sync_folder

    def later(*of: Path) -> None:
        sync(*of)
        (folder / "a.nef").write_text("raw")

    monkeypatch.setattr(file_placement, "sync_folder", later)
    assert file(place, tmp_path / "s", "--move") == 0
    assert tree(folder) == {"a.nef", "a.xmp"} and (tmp_path / "s/sedan/a.xmp").exists()


def test_photos_that_share_a_sidecar_take_it_along_when_all_of_them_go(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    identify("a.jpg", "a.jpeg")
    (folder / "a.xmp").write_text("of both")
    assert file(place, tmp_path / "s", "--move") == 0
    assert tree(folder) == set() and tree(tmp_path / "s") == {"sedan/", "sedan/a.jpg", "sedan/a.jpeg", "sedan/a.xmp"}
    assert undo(place) == 0
    assert tree(folder) == {"a.jpg", "a.jpeg", "a.xmp"} and not (tmp_path / "s").exists()


def test_what_a_sidecar_holds_since_goes_back_with_it(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    identify("a.jpg", "b.jpg")
    (folder / "a.xmp").write_text("rating 3")
    assert file(place, tmp_path / "s", "--move") == 0
    (tmp_path / "s/sedan/a.xmp").write_text("rating 5")
    assert main(["export", str(place), "--format", "xmp"]) == 1  # a.xmp is none
    assert (tmp_path / "s/sedan/b.jpg.xmp").exists()
    assert undo(place) == 0
    assert (folder / "a.xmp").read_text() == "rating 5" and (folder / "b.jpg.xmp").exists()
    assert not (tmp_path / "s").exists()


def test_a_sidecar_of_somebody_else_is_not_taken_for_that_of_a_filed_photo(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    identify("a.jpg")
    (tmp_path / "s/sedan").mkdir(parents=True)
    (tmp_path / "s/sedan/a.xmp").write_text("of a photo that was deleted")
    assert file(place, tmp_path / "s", "--move") == 0
    assert tree(tmp_path / "s") == {"sedan/", "sedan/a.xmp", "sedan/a (2).jpg"}
    assert undo(place) == 0 and tree(tmp_path / "s") == {"sedan/", "sedan/a.xmp"}


def test_photos_of_the_same_name_keep_their_sidecars_apart(place: Path, tmp_path: Path, tiny_engine: Engine) -> None:
    for name in ("x", "y"):
        (tmp_path / "p" / name).mkdir(parents=True)
        colour_picture(COLOURS[FINE], seed=ord(name)).save(tmp_path / "p" / name / "a.jpg")
        (tmp_path / "p" / name / "a.jpg.xmp").write_text(name)
    scan(place, tmp_path / "p", tiny_engine)
    assert file(place, tmp_path / "s", "--move") == 0
    assert (tmp_path / "s/sedan/a.jpg.xmp").read_text() == "x"
    assert (tmp_path / "s/sedan/a (2).jpg.xmp").read_text() == "y"
