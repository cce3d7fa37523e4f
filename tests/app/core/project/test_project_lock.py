from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import main
from app.core.project.project import Project
from app.core.project.project_lock import ProjectBusyError, ProjectLock, only_writer
from app.core.project.schema import ProjectError

HOLDS = """
import sys
from pathlib import Path
from app.core.project.project_lock import only_writer
with only_writer(Path(sys.argv[1]), "the other program"):
    print("has it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    Project.create(tmp_path / "work.marque").close()
    return tmp_path / "work.marque"


@pytest.fixture
def other(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock until it is ended."""
    command = [sys.executable, "-c", HOLDS, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "has it\n"
        yield process
        process.kill()


@pytest.mark.parametrize(
    "command",
    [["undo"], ["undo", "--redo"], ["file", "--into", "sorted"], ["export", "--format", "xmp"]],
    ids=["undo", "redo", "file", "sidecars"],
)
def test_a_second_command_fails_at_once_and_names_the_first(
    command: list[str], place: Path, other: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    assert main([name, str(place), *options]) == 2
    said = capsys.readouterr().err
    assert f"the other program (process {other.pid}, since " in said and str(place) in said


def test_a_process_that_is_killed_frees_the_lock_and_the_next_one_leaves_nothing_behind(
    place: Path, other: subprocess.Popen[str]
) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    with only_writer(place, "this program"):
        pass
    assert list(place.parent.iterdir()) == [place]


def test_waiting_ends_when_the_other_is_done_or_when_it_is_given_up(place: Path, other: subprocess.Popen[str]) -> None:
    asked: list[str] = []

    def patient(holder: str) -> bool:
        asked.append(holder)
        if len(asked) == 2 and other.stdin is not None:
            other.stdin.close()
            other.wait()
        return True

    with pytest.raises(ProjectBusyError, match="the other program"), only_writer(place, "this", lambda _: False):
        pass
    with only_writer(place, "this", patient):
        assert str(other.pid) in asked[0]


def test_a_project_under_another_name_has_the_same_lock(place: Path, other: subprocess.Popen[str]) -> None:
    (place.parent / "link.marque").symlink_to(place)
    with pytest.raises(ProjectBusyError), only_writer(place.parent / "link.marque", "this program"):
        pass


def test_what_is_written_about_the_holder_is_not_believed_blindly(place: Path, other: subprocess.Popen[str]) -> None:
    note = place.with_name(".work.marque.holder")
    fair = json.loads(note.read_text())
    for bad in (
        b"",
        b"\xff\xfe",
        b"[1]",
        b"null",
        b"[" * 4000,
        json.dumps(fair | {"program": "\x1b[31mred"}).encode(),
        json.dumps(fair | {"computer": "x" * 1000}).encode(),
        json.dumps(fair | {"process": {}}).encode(),
        json.dumps(fair | {"since": 1e300}).encode(),
        json.dumps(fair | {"since": "NaN"}).encode(),
    ):
        note.write_bytes(bad)
        assert ProjectLock(place, "this program").take() == "another program"
    note.write_text(json.dumps(fair | {"computer": "elsewhere"}))
    assert "on the computer elsewhere" in str(ProjectLock(place, "this program").take())


def test_a_link_in_the_place_of_the_lock_is_not_followed(place: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    place.with_name(".work.marque.lock").symlink_to(precious)
    with pytest.raises(ProjectError, match="cannot be locked"), only_writer(place, "this program"):
        pass
    assert precious.read_text() == "mine"
    place.with_name(".work.marque.lock").unlink()
    place.with_name(".work.marque.holder").symlink_to(precious)
    with only_writer(place, "this program"):
        pass
    assert precious.read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="files are locked in another way there")
def test_a_file_system_without_locks_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_file: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(ProjectError, match=r"cannot be locked.*on a disk of this computer"), only_writer(place, "this"):
        pass
    monkeypatch.undo()
    with only_writer(place, "this program"):
        pass
