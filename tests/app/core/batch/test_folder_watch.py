from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import main
from app.core.batch import folder_watch as watch_module
from app.core.batch.folder_watch import SETTLE, FolderWatcher, ProjectWatch
from app.core.project.project import Project
from app.core.project.records import FoundFile, Outcome
from model.system.photo_files import scan
from tests.app.tiny import colour_picture
from tests.checkout import ROOT


def put(path: Path, content: bytes = b"photo") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def handed(watcher: FolderWatcher, *times: float) -> list[str]:
    """Names of what the looks at these times hand over."""
    return [file.path.name for now in times for file in watcher.look(now)]


def test_a_new_file_comes_once_after_it_has_settled(tmp_path: Path) -> None:
    watcher = FolderWatcher(tmp_path)
    assert handed(watcher, 0, 1) == []
    new = put(tmp_path / "inner" / "a.jpg")
    assert handed(watcher, 2, 3, 3.9) == []
    assert watcher.look(4) == [FoundFile.of(new)]
    assert handed(watcher, 6, 8, 100) == [] and watcher.new_problems() == []


def test_files_come_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.jpg", "9.jpg", "b/1.jpg", "a.png", "notes.txt", ".hidden.jpg", "x.jpg.part"):
        put(tmp_path / name)
    assert handed(FolderWatcher(tmp_path), 0, 2) == ["9.jpg", "10.jpg", "a.png", "1.jpg"]


def test_a_file_that_grows_waits(tmp_path: Path) -> None:
    watcher, path = FolderWatcher(tmp_path), tmp_path / "a.jpg"
    for now in range(10):
        put(path, b"x" * (now + 1))
        assert handed(watcher, now) == []
    assert handed(watcher, 10, 10.5, 11) == ["a.jpg"]


def test_a_file_of_the_same_size_that_was_written_again_waits(tmp_path: Path) -> None:
    watcher, path = FolderWatcher(tmp_path), put(tmp_path / "a.jpg")
    assert handed(watcher, 0) == []
    os.utime(path, ns=(0, 12345))
    assert handed(watcher, 2, 3) == []
    assert handed(watcher, 4) == ["a.jpg"]


def test_an_empty_file_waits_until_there_is_something_in_it(tmp_path: Path) -> None:
    watcher, path = FolderWatcher(tmp_path), put(tmp_path / "a.jpg", b"")
    assert handed(watcher, 0, 2, 4, 60) == [] and watcher.new_problems() == []
    put(path)
    assert handed(watcher, 62, 64) == ["a.jpg"]


def test_a_file_that_stays_empty_is_handed_over_to_be_shown(tmp_path: Path) -> None:
    watcher, path = FolderWatcher(tmp_path), put(tmp_path / "a.jpg", b"")
    assert handed(watcher, 0, 2, 119) == []
    assert handed(watcher, 121, 123) == ["a.jpg"]
    put(path)
    assert handed(watcher, 125, 127) == ["a.jpg"]


def test_a_file_that_changed_comes_again(tmp_path: Path) -> None:
    watcher, path = FolderWatcher(tmp_path), put(tmp_path / "a.jpg")
    assert handed(watcher, 0, 2) == ["a.jpg"]
    put(path, b"another photo")
    assert handed(watcher, 4, 6, 8) == ["a.jpg"]


def test_known_files_do_not_come_unless_they_changed(tmp_path: Path) -> None:
    known = [FoundFile.of(put(tmp_path / "f" / name)) for name in ("a.jpg", "b.jpg")]
    put(known[1].path, b"changed while nobody watched")
    assert handed(FolderWatcher(tmp_path, known), 0, 2, 4) == ["b.jpg"]


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.7, 1.0, 2.0, 2.5]), st.sampled_from(["", "grow", "touch"])), max_size=20)
)
def test_what_changed_less_than_the_settling_time_ago_never_comes(steps: list[tuple[float, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, watcher = put(Path(folder) / "a.jpg"), FolderWatcher(Path(folder))
        now, changed, waiting = 0.0, 0.0, True
        for number, (later, action) in enumerate(steps):
            now += later
            if action == "grow":
                put(path, b"x" * (number + 10))
            elif action == "touch":
                os.utime(path, ns=(0, number + 1))
            if action:
                changed, waiting = now, True
            if watcher.look(now):
                assert waiting and now - changed >= SETTLE
                waiting = False
        assert len([file for later in (3, 6) for file in watcher.look(now + later)]) == waiting


def test_a_folder_that_is_gone_is_reported_once_and_its_files_stay_known(tmp_path: Path) -> None:
    place = tmp_path / "drive"
    put(place / "a.jpg")
    watcher = FolderWatcher(place)
    assert handed(watcher, 0, 2) == ["a.jpg"] and watcher.new_problems() == []
    for now in (4, 10):
        place.rename(tmp_path / "away")
        assert handed(watcher, now) == []
        assert watcher.new_problems() == [f"{place}: the folder is gone; it will be watched again when it is back"]
        assert handed(watcher, now + 1) == [] and watcher.new_problems() == []
        (tmp_path / "away").rename(place)
        assert handed(watcher, now + 2, now + 5) == [] and watcher.new_problems() == []
    put(place / "b.jpg")
    assert handed(watcher, 20, 22) == ["b.jpg"]


def test_an_inner_folder_that_cannot_be_read_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "inner" / "a.jpg")
    put(tmp_path / "b.jpg")
    watcher, listed = FolderWatcher(tmp_path), os.scandir
    assert handed(watcher, 0, 2) == ["b.jpg", "a.jpg"]

    def refuse(folder: Path) -> Any:
        if Path(folder).name == "inner":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        put(tmp_path / "c.jpg")
        assert handed(watcher, 4) == []
        assert watcher.new_problems() == [f"{tmp_path / 'inner'}: the folder cannot be read (Permission denied)"]
        assert handed(watcher, 6) == ["c.jpg"] and watcher.new_problems() == []
    assert handed(watcher, 8, 10, 12) == []


def test_a_file_that_another_program_holds_is_reported_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, watcher, opened = put(tmp_path / "a.jpg"), FolderWatcher(tmp_path), Path.open

    def refuse(file: Path, *how: Any) -> Any:
        if file.name == "a.jpg":
            raise PermissionError(13, "in use by another program")
        return opened(file, *how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        assert handed(watcher, 0, 2) == []
        assert watcher.new_problems() == [f"{path}: cannot be read yet (in use by another program); tried again"]
        assert handed(watcher, 4, 6) == [] and watcher.new_problems() == []
    assert handed(watcher, 8, 10) == ["a.jpg"]


def test_a_listing_that_is_behind_the_file_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, watcher = put(tmp_path / "a.jpg"), FolderWatcher(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(FoundFile, "of", lambda _: FoundFile(path, 99, 1))
        assert handed(watcher, 0, 2, 4) == []
    assert handed(watcher, 6, 8) == ["a.jpg"]


def test_a_file_that_goes_and_comes_back_is_new(tmp_path: Path) -> None:
    watcher, path = FolderWatcher(tmp_path), put(tmp_path / "a.jpg")
    assert handed(watcher, 0) == []
    path.rename(tmp_path / "a.gone")
    assert handed(watcher, 2, 4) == []
    (tmp_path / "a.gone").rename(path)
    assert handed(watcher, 6, 8, 10) == ["a.jpg"]


def test_it_finds_what_the_scan_finds_whatever_is_linked_where(tmp_path: Path) -> None:
    top = tmp_path / "top"
    put(tmp_path / "outside" / "o.jpg")
    for name in ("b.jpg", "z/1.jpg", "z/10.jpg", "c/deep/d.png"):
        put(top / name)
    (top / "a.jpg").symlink_to(top / "b.jpg")  # comes before what it leads to
    (top / "y.jpg").symlink_to(top / "c" / "deep" / "d.png")
    (top / "z" / "0.jpg").symlink_to(tmp_path / "outside" / "o.jpg")
    (top / "loop").symlink_to(top, target_is_directory=True)
    (top / "other").symlink_to(tmp_path / "outside", target_is_directory=True)
    (top / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    watcher = FolderWatcher(top)
    assert watcher.look(0) == []
    assert [file.path for file in watcher.look(2)] == sorted(scan([top]))


def test_with_many_known_files_new_ones_are_seen_at_once_and_changes_by_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_LOOKED_AT", 10)
    known = [FoundFile.of(put(tmp_path / f"{i}.jpg")) for i in range(45)]
    watcher, turns = FolderWatcher(tmp_path, known), 5
    put(tmp_path / "new.jpg")
    assert handed(watcher, 0, 2) == ["new.jpg"]
    for file in known:
        put(file.path, b"changed")
    again = handed(watcher, *range(4, 4 + 2 * (turns + 1), 2))
    assert sorted(again) == sorted(file.path.name for file in known)


def test_very_many_files_come_in_several_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_AT_ONCE", 3)
    for i in range(10):
        put(tmp_path / f"{i % 2}" / f"{i}.jpg")
    watcher = FolderWatcher(tmp_path)
    looks = [handed(watcher, now) for now in (0, 2, 2.1, 2.2, 2.3, 2.4)]
    assert [len(names) for names in looks] == [0, 3, 3, 3, 1, 0]
    assert sorted(name for names in looks for name in names) == [f"{i}.jpg" for i in range(10)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "work.marque") as created:
        yield created


def test_a_project_watches_the_sources_that_still_exist(project: Project, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for folder in (first, second, third):
        put(folder / "old.jpg")
    numbers = [project.sources.add(folder, watched=folder != second) for folder in (first, second, third)]
    project.images.add(numbers[0], [FoundFile.of(first / "old.jpg")])
    shutil.rmtree(third)
    watch = ProjectWatch(project)
    assert watch.places == [first, third]
    put(first / "new.jpg")
    assert [watch.look(now) for now in (0, 2, 4)] == [0, 1, 0]
    assert len(watch.new_problems()) == 1 and watch.new_problems() == []
    assert [image.path for image in project.images.all()] == [first / "old.jpg", first / "new.jpg"]
    project.predictions.store("m", [Outcome(2, error="not a picture")])
    put(first / "new.jpg", b"changed")
    assert [watch.look(now) for now in (6, 8)] == [0, 1]
    assert project.images.all()[1].error is None


def test_adding_a_source_again_leaves_it_watched(project: Project, tmp_path: Path) -> None:
    def watched() -> list[bool]:
        return [watched for _, _, watched in project.sources.all()]

    assert project.sources.add(tmp_path) == 1 and watched() == [False]
    assert project.sources.add(tmp_path, watched=True) == 1 and watched() == [True]
    assert project.sources.add(tmp_path) == 1 and watched() == [True]
    assert project.sources.add(tmp_path, watched=False) == 1 and watched() == [False]


def test_wrong_use_is_explained(tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    photo, place = str(next(photos.rglob("*.jpg"))), str(tmp_path / "work.marque")
    model = ["--model", str(tiny_model), "--gallery", "none"]
    assert main(["identify", str(photos), "--watch", *model]) == 2
    assert main(["identify", photo, "--watch", "--project", place, *model]) == 2
    told = capsys.readouterr().err
    assert "--watch needs a project" in told and "only folders can be watched" in told


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.slow
def test_the_command_watches_until_it_is_stopped(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    place = tmp_path / "work.marque"
    arguments = ["identify", str(photos), "--project", str(place), "--model", str(tiny_model), "--watch", "--json"]
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", *arguments]
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    told: list[dict] = []

    def until(event: str) -> dict:
        while not told or told[-1]["event"] != event:
            told.append(json.loads(run.stderr.readline()))
        return told.pop()

    assert until("watching")["folders"] == [str(photos)]
    first = until("arrived")
    assert (first["photos"], first["predicted"], first["waiting"]) == (12, 12, 0)
    colour_picture((220, 20, 30), size=(900, 600)).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    slowly = photos / "new" / "slow.jpg"
    for part in range(1, 4):  # never still for the settling time
        put(slowly, content[: part * len(content) // 3])
        time.sleep(SETTLE / 2 if part < 3 else 0)
    second = until("arrived")
    assert (second["photos"], second["predicted"], second["failed"]) == (1, 13, 0)
    run.send_signal(signal.SIGINT)
    done = until("done")
    assert run.wait(timeout=30) == 0
    assert (done["interrupted"], done["photos"], done["images"], done["failed"]) == (False, 13, 13, 0)
    with Project.open(place) as project:
        assert project.sources.all() == [(1, photos, True)]
        assert slowly in {image.path for image in project.images.all()}
