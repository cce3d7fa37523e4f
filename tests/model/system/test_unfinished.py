"""Files in the making: exclusive, short names, nothing left after a kill."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model.system import unfinished
from model.system.files import write_whole
from model.system.unfinished import part_beside, remove_leftovers

_DIES_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from model.system import unfinished
from model.system.files import write_whole
def write(file):
    file.write(b"half")
    file.flush()
    print("written", flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
write_whole(Path(sys.argv[1]), write)
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_killed_writer_leaves_the_old_file_and_the_next_start_removes_the_rest(tmp_path: Path, home: Path) -> None:
    place = tmp_path / "table.csv"
    place.write_bytes(b"before")
    with subprocess.Popen(
        [sys.executable, "-c", _DIES_WHILE_WRITING, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        remove_leftovers()  # it is at work: its file stays
        assert len(list(tmp_path.glob(".marque-*.part"))) == 1
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert writer.wait(30) == -signal.SIGKILL
    remove_leftovers()
    assert place.read_bytes() == b"before"
    assert list(tmp_path.glob(".marque-*")) == []
    assert list((home / "data" / "unfinished").glob("*.list")) == []


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    place = tmp_path / ("n" * 251 + ".csv")
    write_whole(place, lambda file: file.write(b"whole"))
    assert place.read_bytes() == b"whole"


def test_a_list_that_names_other_files_removes_none_of_them(tmp_path: Path, home: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a photo")
    lists = home / "data" / "unfinished"
    lists.mkdir(parents=True)
    (lists / "crafted.list").write_bytes(os.fsencode(photo) + b"\0.marque-000000000000.part\0")
    remove_leftovers()
    assert photo.read_bytes() == b"a photo" and not (lists / "crafted.list").exists()


def test_a_folder_in_the_making_is_removed_but_not_what_a_link_leads_to(tmp_path: Path, home: Path) -> None:
    half, link, whole = (
        tmp_path / ".marque-0123456789ab.part",
        tmp_path / ".marque-ba9876543210.part",
        tmp_path / "whole",
    )
    for folder in (half, whole):
        folder.mkdir()
        (folder / "config.json").write_bytes(b"{}")
    link.symlink_to(whole)
    lists = home / "data" / "unfinished"
    lists.mkdir(parents=True)
    (lists / "dead.list").write_bytes(os.fsencode(half) + b"\0" + os.fsencode(link) + b"\0")
    remove_leftovers()
    assert not half.exists() and not link.is_symlink() and (whole / "config.json").exists()


def test_a_part_is_gone_whatever_is_raised(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), part_beside(tmp_path / "x") as (file, part):
        file.write(b"half")
        assert part.is_file()
        raise RuntimeError
    assert list(tmp_path.glob(".marque-*")) == []


def test_the_new_file_has_the_permissions_of_the_old_one(tmp_path: Path) -> None:
    place = tmp_path / "x"
    place.write_bytes(b"before")
    place.chmod(0o640)
    write_whole(place, lambda file: file.write(b"after"))
    assert place.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name == "nt", reason="Windows locks by other means")
@pytest.mark.filterwarnings("error")
def test_where_the_data_folder_has_no_locks_nothing_is_noted_and_nothing_removed(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on some network drives."""
    lists = home / "data" / "unfinished"
    lists.mkdir(parents=True)
    part = tmp_path / ".marque-0123456789ab.part"
    part.write_bytes(b"perhaps of a program that is at work")
    (lists / "another.list").write_bytes(os.fsencode(part) + b"\0")

    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", flock)
    monkeypatch.setattr(unfinished, "_lists", unfinished._Lists())
    remove_leftovers()
    assert part.exists()
    write_whole(tmp_path / "table.csv", lambda file: file.write(b"whole"))
    assert (tmp_path / "table.csv").read_bytes() == b"whole"
    assert [one.name for one in lists.glob("*.list")] == ["another.list"]
