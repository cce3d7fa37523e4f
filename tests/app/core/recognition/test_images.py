from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.recognition.images import PhotoError, advice, load, thumbnail


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


@pytest.mark.parametrize(("name", "damaged"), [("a.CR2", False), ("a.mov", False), ("a.jpg", True)])
def test_a_photo_of_another_format_is_not_called_damaged(tmp_path: Path, name: str, damaged: bool) -> None:
    (tmp_path / name).write_text("no picture")
    with pytest.raises(PhotoError) as found:
        load(tmp_path / name)
    words = advice(found.value.reason, "exclude it")
    assert words.endswith(", or exclude it.")
    assert ("damaged" in words, "Convert it to JPEG" in words) == (damaged, not damaged)
