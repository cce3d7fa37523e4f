"""Photos of nearly the same look, by drawn pictures and what people do to copies of a photo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from model.contract.photo import PhotoError
from model.data.demo import demo_folder
from model.data.lookalikes import alike, clusters, looks


@pytest.fixture(scope="module")
def drawn() -> list[Path]:
    """Some of the pictures of the demo set, one of each class: no two show the same."""
    return [sorted(folder.glob("*.jpg"))[0] for folder in sorted(demo_folder(None).glob("*/*")) if folder.is_dir()]


@pytest.mark.parametrize(
    "copied",
    [
        lambda picture: picture,
        lambda picture: picture.resize((90, 70)),
        lambda picture: ImageOps.mirror(picture),
        lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
        lambda picture: ImageEnhance.Contrast(picture).enhance(1.3),
        lambda picture: picture.convert("L").convert("RGB"),
    ],
    ids=["same", "size", "mirrored", "brightness", "contrast", "grey"],
)
def test_a_copy_looks_alike_and_nothing_else(
    tmp_path: Path, drawn: list[Path], copied: Callable[[Image.Image], Image.Image]
) -> None:
    with Image.open(drawn[1]) as picture:
        copied(picture.convert("RGB")).save(tmp_path / "copy.jpg", quality=60)
    assert alike(looks([tmp_path / "copy.jpg"]), looks(drawn)).tolist() == [[0, 1]]


def test_clusters_are_chains_of_pairs(tmp_path: Path, drawn: list[Path]) -> None:
    with Image.open(drawn[1]) as picture:
        ImageOps.mirror(picture).save(tmp_path / "mirrored.jpg")
        picture.resize((60, 60)).save(tmp_path / "small.png")
    hashes = looks([drawn[0], tmp_path / "small.png", drawn[1], drawn[2], tmp_path / "mirrored.jpg"])
    found = clusters(hashes)
    assert found[1] == found[2] == found[4]
    assert len(set(found.tolist())) == 3
    named = clusters(hashes, together=["a", "b", "c", "a", "d"])
    assert named[0] == named[3]
    assert named[1] == named[2] == named[4] != named[0]


def test_no_photos_have_no_pairs() -> None:
    nothing = looks([])
    assert nothing.shape == (0, 2, 255)
    assert alike(nothing, nothing).shape == (0, 2)
    assert clusters(nothing).dtype == np.int64


def test_a_damaged_photo_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(PhotoError, match=r"a\.jpg"):
        looks([tmp_path / "a.jpg"])
