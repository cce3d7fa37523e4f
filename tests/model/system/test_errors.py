"""Errors of the operating system in words."""

import errno
import os
import pickle
from pathlib import Path

import pytest

from model.system.errors import FileError, MarqueError, file_errors, for_people
from model.system.files import make_folder, write_whole
from model.system.user_folders import user_data_dir


def test_a_full_disk_is_reported_with_the_file_that_was_written(tmp_path: Path) -> None:
    def write(_file: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as of write(2): it names no file

    with pytest.raises(FileError) as caught:
        write_whole(tmp_path / "labels.csv", write)
    assert str(caught.value) == f"{tmp_path}/labels.csv: the disk is full; free some space, or choose another place"
    assert caught.value.errno == errno.ENOSPC and isinstance(caught.value, OSError)
    assert list(tmp_path.iterdir()) == []


def test_files_and_folders_in_place_of_each_other_are_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="file/x: a part of this path is a file"):
        make_folder(tmp_path / "file" / "x")
    with pytest.raises(FileError, match="folder: this is a folder, and a file is needed; name a file"):
        write_whole(tmp_path / "folder", lambda file: file.write(b"x"))


def test_a_home_that_is_a_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    with pytest.raises(FileError, match=r"home/data: a part of this path is a file"):
        user_data_dir()


def test_the_file_that_an_error_names_wins_and_words_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"photo\.jpg: there is no such file"), file_errors("table.csv"):
        (tmp_path / "photo.jpg").read_bytes()
    with pytest.raises(FileError, match=r"^said$"), file_errors("table.csv"):
        raise FileError("said")


def test_what_is_a_defect_and_what_is_not() -> None:
    assert for_people(ValueError("x")) is None
    assert for_people(OSError(errno.EBADF, "Bad file descriptor")) is None
    assert for_people(OSError("no number")) is None
    told = for_people(PermissionError(errno.EACCES, "Permission denied", "a.jpg"))
    assert str(told) == "a.jpg: permission denied; change its permissions, or choose another place"
    error = MarqueError("what", advice="do", details="more")
    assert for_people(error) is error
    back = pickle.loads(pickle.dumps(error))
    assert (back.message, back.advice, back.details) == ("what", "do", "more")
    back = pickle.loads(pickle.dumps(told))
    assert str(back) == str(told) and back.errno == errno.EACCES
