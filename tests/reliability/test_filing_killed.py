"""A filing, its undo and its redo, killed right before each of their system calls: nothing is lost, nothing is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_project
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier
from tests.app.tiny import COLOURS, colour_picture, write_tiny_model
from tests.reliability.killing import Commands, Moment, cannot_trace

pytestmark = pytest.mark.skipif(bool(cannot_trace()), reason=cannot_trace() or "strace can trace")

KINDS = ("file", "undo", "redo")


class Stage:
    """A folder of photos with sidecars and their project; set up as it was before every kill."""

    FILE, UNDO, REDO = "file", "undo", "undo --redo"

    def __init__(self, folder: Path, commands: Commands) -> None:
        self.folder, self.commands = folder, commands
        self.photos, self.sorted, self.project = (folder / name for name in ("photos", "sorted", "work.marque"))
        self._kept = folder.with_name("kept")
        self.photos.mkdir(parents=True)
        for number, fine in enumerate(COLOURS):
            if number < 2:
                colour_picture(COLOURS[fine], seed=number).save(self.photos / f"{number}.jpg")
        (self.photos / "0.xmp").write_text("of the first photo")
        (self.photos / "1.jpg.xmp").write_text("of the second photo")
        with Project.create(self.project) as project:
            project.sources.add(self.photos)
            scanned_folders.remember(project, [self.photos])
            engine = Engine(write_tiny_model(folder / "tiny.onnx"), "cpu")
            list(run_project(project, LocalRunner(Identifier(engine, None))))
        self.before = self._files(self.photos)

    def prepare(self, kind: str) -> tuple[object, ...]:
        """Everything as it is before a command, and its words."""
        for earlier in {"file": (), "undo": (self.FILE,), "redo": (self.FILE, self.UNDO)}[kind]:
            assert self.commands.run(*self._words(earlier)).code == 0
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.folder, self._kept, symlinks=True)
        return self._words({"file": self.FILE, "undo": self.UNDO, "redo": self.REDO}[kind])

    def reset(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder, symlinks=True)

    def _words(self, command: str) -> tuple[object, ...]:
        name, *rest = command.split()
        return (name, self.project, *(("--into", self.sorted, "--move") if name == "file" else rest))

    def check_whole(self) -> None:
        """Every photo and sidecar is whole in one place at least; what has a name of ours is whole."""
        here, there = self._files(self.photos), self._files(self.sorted)
        for name, content in self.before.items():
            copies = [files[name] for files in (here, there) if name in files]
            assert copies and set(copies) == {content}, name

    def check_all_in(self, folder: Path) -> None:
        """Everything is there once, and nothing else is anywhere."""
        other = self.sorted if folder == self.photos else self.photos
        assert self._files(folder) == self.before and not self._files(other)
        assert not list(self.folder.rglob(".marque-*"))
        with Project.open(self.project) as project:
            assert {image.path.parent.is_relative_to(folder) for image in project.images.all()} == {True}
            assert not project.filed.in_the_middle()

    def recover(self, kind: str, number: int) -> None:
        """What a person does next, one way or the other; ends right."""
        if number % 2:
            redo = kind == "redo" and number % 4 == 1
            again = self.commands.run(*self._words(self.REDO if redo else self.FILE))
            assert again.code == 0, again.err
            self.check_all_in(self.sorted)
        for _ in range(2):  # what was filed before the kill, and after it
            undone = self.commands.run(*self._words(self.UNDO))
            assert undone.code == 0, undone.err
        self.check_all_in(self.photos)
        assert not os.path.lexists(self.sorted), "the folders that were made are gone"

    @staticmethod
    def _files(folder: Path) -> dict[str, bytes]:
        files = (place for place in folder.rglob("*") if place.is_file() and not place.name.startswith(".marque-"))
        return {place.name: place.read_bytes() for place in files}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    home = tmp_path / "stage" / "home"
    home.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUE_HOME", str(home))
        with Commands(tmp_path, MARQUE_HOME=str(home)) as commands:
            yield Stage(tmp_path / "stage", commands)


def kill_at(stage: Stage, kind: str, every: int) -> int:
    """Kills at every so many-th moment; how many kills that were."""
    words = stage.prepare(kind)
    moments = stage.commands.moments(*words)
    kills = 0
    for number, moment in enumerate(moments[::every]):
        stage.reset()
        ended = stage.commands.kill(*words, at=moment)
        kills += ended.code is None
        stage.check_whole()
        stage.recover(kind, number)
    return kills


@pytest.mark.parametrize("kind", KINDS)
def test_a_filing_killed_at_some_of_its_calls_ends_right(stage: Stage, kind: str) -> None:
    assert kill_at(stage, kind, 97) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_filing_killed_at_each_of_its_calls_ends_right(stage: Stage, kind: str) -> None:
    assert kill_at(stage, kind, 1) > 100


def test_a_name_of_ours_is_given_only_to_a_whole_file(stage: Stage) -> None:
    """Killed before each naming of a file."""
    words = stage.prepare("file")
    for number in (1, 4):
        stage.reset()
        assert stage.commands.kill(*words, at=Moment("link", number)).code is None
        stage.check_whole()
        stage.recover("file", number)
