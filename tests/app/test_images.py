from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.core.images import PhotoError, load, natural_key, scan, thumbnail


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def names(folder: Path, **options) -> list[str]:
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

    def refusing(folder):  # the tests may run as root, for whom no folder is unreadable
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


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", ".jpg"), ("L", ".jpg"), ("CMYK", ".jpg"), ("P", ".png"), ("I;16", ".png")]
)
def test_thumbnails_fit_and_look_like_the_photo(tmp_path: Path, mode: str, suffix: str) -> None:
    gradient = np.linspace(0, 255, 900).astype(np.uint8)[None].repeat(600, axis=0)
    picture = (
        Image.fromarray(gradient.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(gradient).convert(mode)
    )
    path = tmp_path / f"photo{suffix}"
    picture.save(path)
    small = thumbnail(path, 96)
    assert (small.mode, small.size) == ("RGB", (96, 64))
    whole = load(path).resize((96, 64))
    assert np.abs(np.asarray(small, np.int16) - np.asarray(whole, np.int16)).mean() < 4


def test_thumbnails_are_upright_and_never_enlarged(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40)).save(tmp_path / "turned.jpg", exif=exif)
    assert thumbnail(tmp_path / "turned.jpg", 32).size == (16, 32)
    assert thumbnail(tmp_path / "turned.jpg", 500).size == (40, 80)


def test_thumbnails_of_bad_files_say_why(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(PhotoError, match="not a picture"):
        thumbnail(tmp_path / "text.jpg", 32)
    Image.effect_noise((300, 300), 80).convert("RGB").save(tmp_path / "cut.jpg")
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(PhotoError, match="damaged or cut short"):
        thumbnail(tmp_path / "cut.jpg", 32)


def test_very_many_names_come_in_natural_order(tmp_path):
    names = [f"IMG {number}.jpg" for number in range(2500)]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in scan([tmp_path])] == names
