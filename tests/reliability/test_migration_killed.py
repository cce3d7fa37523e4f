"""An update of a project's format that is killed leaves the old format or the new one, and its content."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.core.project.project import Project
from app.core.project.project_format import SCHEMA
from app.core.system.paths import HOME_VARIABLE
from tests.app.core.project.test_project import old_project
from tests.reliability.killing import Commands, Moment, cannot_trace

pytestmark = pytest.mark.skipif(bool(cannot_trace()), reason=cannot_trace() or "strace can trace")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commands]:
    home = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    with Commands(tmp_path, **{HOME_VARIABLE: str(home)}) as running:
        yield running


def old_with_log(folder: Path) -> Path:
    """A project of format 2 whose last image is still in the log beside it."""
    made = old_project(folder / "made.marque", 2)
    with closing(sqlite3.connect(made)) as writer:
        writer.execute("INSERT INTO image (source, path, size, modified) VALUES (1, ?, 4, 5)", (b"/photos/b.jpg",))
        writer.commit()
        (folder / "kept").mkdir()
        for ending in ("", "-wal"):
            shutil.copy(f"{made}{ending}", folder / "kept" / f"work.marque{ending}")
    assert (folder / "kept" / "work.marque-wal").stat().st_size
    return folder / "kept"


def check(commands: Commands, kept: Path, folder: Path, at: Moment) -> None:
    """Kill an update at a moment, then see that the next start has the whole project."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder)
    place = folder / "work.marque"
    commands.kill("undo", place, at=at)
    with closing(sqlite3.connect(place)) as database:
        ((version,),) = database.execute("PRAGMA user_version").fetchall()
    assert version in (2, SCHEMA)
    assert commands.run("undo", place).code == 0
    with Project.open(place) as project:
        assert [image.path.name for image in project.images.all()] == ["a.jpg", "b.jpg"]
    backups = sorted(path.name for path in folder.iterdir() if path != place)
    assert backups == ["work.marque.format2.backup"], f"at {at}"
    with Project.open(folder / backups[0]) as before:
        assert len(before.images.all()) == 2


def test_an_update_is_killed_now_and_then(commands: Commands, tmp_path: Path) -> None:
    kept = old_with_log(tmp_path)
    shutil.copytree(kept, tmp_path / "first")
    moments = commands.moments("undo", tmp_path / "first" / "work.marque")
    assert len(moments) > 30
    for moment in moments[:: max(len(moments) // 8, 1)]:
        check(commands, kept, tmp_path / "work", moment)


@pytest.mark.slow
def test_an_update_is_killed_before_every_call(commands: Commands, tmp_path: Path) -> None:
    kept = old_with_log(tmp_path)
    shutil.copytree(kept, tmp_path / "first")
    for moment in commands.moments("undo", tmp_path / "first" / "work.marque"):
        check(commands, kept, tmp_path / "work", moment)
