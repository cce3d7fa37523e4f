from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.system.photo_files import HEIC_ADVICE, natural_key, scan, skipped_in_words


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def names(folder: Path, **options: Any) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in scan([folder], **options)]


def test_files_come_in_natural_order_before_the_folders_of_their_folder(tmp_path: Path) -> None:
    for name in (
        "b/10.jpg",
        "b/9.jpg",
        "a10.JPG",
        "a2.jpeg",
        "A1.png",
        "notes.txt",
        ".hidden.jpg",
        ".git/x.jpg",
        "a/c/1.webp",
    ):
        touch(tmp_path / name)
    assert names(tmp_path) == ["A1.png", "a2.jpeg", "a10.JPG", "a/c/1.webp", "b/9.jpg", "b/10.jpg"]
    assert names(tmp_path, recursive=False) == ["A1.png", "a2.jpeg", "a10.JPG"]


def test_odd_names_are_found(tmp_path: Path) -> None:
    odd = [
        "Kreuzer Köln ²³.jpg",
        "船 ٣.png",
        "new\nline.jpg",
        "%41.jpg",
        "x" * 240 + ".jpg",
        "-v.jpg",
        "🚗.gif",
        ". .jpg"[1:],
    ]
    for name in odd:
        touch(tmp_path / name)
    raw = os.fsdecode(b"latin1-\xe9.jpg")
    touch(tmp_path / raw)
    assert sorted(names(tmp_path)) == sorted([*odd, raw])


def test_loops_of_links_end_and_each_file_comes_once(tmp_path: Path) -> None:
    first = touch(tmp_path / "a" / "1.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "same.jpg").symlink_to(first)
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert names(tmp_path) == ["same.jpg"]
    assert list(scan([first, tmp_path, tmp_path / "a", first])) == [first]


def test_a_link_to_a_photo_that_is_away_is_reported(tmp_path: Path) -> None:
    (tmp_path / "away.jpg").symlink_to(tmp_path / "drive" / "away.jpg")
    (tmp_path / "notes.txt").symlink_to(tmp_path / "drive" / "notes.txt")
    problems: dict[Path, str] = {}
    assert list(scan([tmp_path], problem=problems.__setitem__)) == []
    assert problems == {tmp_path / "away.jpg": "the link leads to a file that is not there"}


def test_a_named_file_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    raw = touch(tmp_path / "photo.from_phone")
    assert list(scan([raw])) == [raw]
    assert names(tmp_path) == []


def test_a_pipe_that_looks_like_a_photo_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.jpg")
    assert names(tmp_path) == []


def test_unreadable_folders_are_reported_and_the_rest_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "a" / "1.jpg")
    touch(tmp_path / "b" / "2.jpg")
    real_scandir = os.scandir

    def refusing(
        folder: str | Path,
    ) -> AbstractContextManager[
        Iterator[os.DirEntry[str]]
    ]:  # the tests may run as root, for whom no folder is unreadable
        if Path(folder).name == "a":
            raise PermissionError(13, "Permission denied", str(folder))
        return real_scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    problems: list[tuple[Path, str]] = []
    found = list(scan([tmp_path / "gone", tmp_path], problem=lambda path, reason: problems.append((path, reason))))
    assert found == [tmp_path / "b" / "2.jpg"]
    assert problems == [
        (tmp_path / "gone", "there is no such file or folder"),
        (tmp_path / "a", "the folder cannot be read (Permission denied)"),
    ]


def test_a_cancelled_scan_stops(tmp_path: Path) -> None:
    for i in range(5):
        touch(tmp_path / f"{i}.jpg")
    found: list[Path] = []
    found.extend(scan([tmp_path], cancelled=lambda: len(found) >= 2))
    assert len(found) == 2


def test_the_scan_streams(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.jpg")
    touch(tmp_path / "b" / "2.jpg")
    stream = scan([tmp_path])
    assert next(stream).name == "1.jpg"
    touch(tmp_path / "b" / "3.jpg")
    assert [path.name for path in stream] == ["2.jpg", "3.jpg"]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12)))
def test_natural_keys_of_any_names_compare(words: list[str]) -> None:
    ordered = sorted(words, key=natural_key)
    assert sorted(ordered, key=natural_key) == ordered
    assert sorted(words) == sorted(ordered)


@given(st.text("ab_ ", max_size=4), st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_in_names_compare_as_numbers(word: str, low: int, high: int) -> None:
    assert (natural_key(f"{word}{low}.jpg") < natural_key(f"{word}{high}.jpg")) == (low < high)


def test_very_many_names_come_in_natural_order(tmp_path: Path) -> None:
    names = [f"IMG {number}.jpg" for number in range(2500)]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in scan([tmp_path])] == names


def test_folders_of_systems_and_hidden_names_are_left_out(tmp_path: Path) -> None:
    for folder in ("@eaDir", "$RECYCLE.BIN", "#recycle", "lost+found", "__MACOSX", ".thumbnails", ".Trash-1000", ".x"):
        touch(tmp_path / "ships" / folder / "deep" / "1.jpg")
    touch(tmp_path / "ships" / "._2.JFIF")
    assert names(tmp_path) == []
    wanted = [touch(tmp_path / "ships" / name) for name in ("2.JFIF", "3.JPG")]
    assert list(scan([tmp_path])) == wanted


def test_what_is_named_is_entered_whatever_its_name(tmp_path: Path) -> None:
    inside = touch(tmp_path / "@eaDir" / "a" / "1.jpg")
    hidden = touch(tmp_path / ".hidden.jpg")
    assert list(scan([tmp_path / "@eaDir", hidden])) == [inside, hidden]


def test_kinds_that_cannot_be_read_are_counted_once(tmp_path: Path) -> None:
    for name in ("1.CR2", "2.nef", "a/3.dng", "clip.MP4", "new.jxl", "notes.txt", "plan.psd", ".4.cr2", "@eaDir/5.cr2"):
        touch(tmp_path / name)
    (tmp_path / "b.arw").mkdir()
    skipped: Counter[str] = Counter()
    assert list(scan([tmp_path], skipped=skipped)) == []
    assert skipped_in_words(skipped) == "1 JPEG XL photo, 1 Photoshop document, 3 RAW photos and 1 video skipped"
    assert skipped_in_words({}) == ""
    assert skipped_in_words({"video": 2}) == "2 videos skipped"


def test_without_the_extra_heic_photos_are_counted_with_the_advice(tmp_path: Path) -> None:
    touch(tmp_path / "1.HEIC")
    script = f"""
import sys
from collections import Counter
sys.modules["pillow_heif"] = None
from model.system.photo_files import scan, skipped_in_words
skipped = Counter()
print(list(scan([{str(tmp_path)!r}], skipped=skipped)), skipped_in_words(skipped))"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.strip() == f"[] 1 HEIC photo skipped; {HEIC_ADVICE}"
    assert [path.name for path in scan([tmp_path])] == ["1.HEIC"]


def test_pipes_sockets_and_devices_are_named_as_such(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.jpg"))
        (tmp_path / "link.jpg").symlink_to("/dev/zero")
        problems: list[str] = []
        named = [tmp_path / name for name in ("pipe.jpg", "socket.jpg", "link.jpg", "gone.jpg")]
        assert not list(scan([*named, "nul\0"], problem=lambda path, reason: problems.append(reason)))
    assert problems == [
        "it is a named pipe, not a file",
        "it is a socket, not a file",
        "it is a device, not a file",
        "there is no such file or folder",
        "there is no such file or folder",
    ]
