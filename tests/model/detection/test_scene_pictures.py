"""Pictures that a finder learns from: boxes stay around what they were around."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.data.scenes import Scene
from model.detection.finder_batches import FinderPictures, PictureShares, batches
from model.detection.scene_pictures import CutOut, Example, pasted, tiled, windowed

RED, BLUE = (220, 20, 20), (20, 20, 220)


def example(box: tuple[int, int, int, int] = (40, 30, 90, 70), size: tuple[int, int] = (160, 120)) -> Example:
    """A grey picture with a red thing in a box."""
    picture = Image.new("RGB", size, (128, 128, 128))
    picture.paste(RED, box)
    return Example(picture, np.array([box], np.float32), np.array([0]), np.zeros((0, 4), np.float32))


def red_box(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture, int)
    rows, columns = np.nonzero((pixels[..., 0] > 180) & (pixels[..., 1] < 80) & (pixels[..., 2] < 80))
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize("seed", range(30))
def test_the_box_of_a_window_is_around_the_thing(seed: int) -> None:
    found = windowed(example(), 320, np.random.default_rng(seed))
    assert found.picture.size == (320, 320)
    if len(found.boxes):
        np.testing.assert_allclose(found.boxes[0], red_box(found.picture), atol=4)
    else:
        assert len(found.ignored) <= 1


@pytest.mark.parametrize("seed", range(10))
def test_the_boxes_of_tiles_are_around_the_things(seed: int) -> None:
    random = np.random.default_rng(seed)
    empty = Example(Image.new("RGB", (50, 50)), np.zeros((0, 4), np.float32), np.zeros(0, int), np.zeros((0, 4)))
    found = tiled([empty, example(), empty, empty], 320, random)
    np.testing.assert_allclose(found.boxes, red_box(found.picture)[None], atol=4)


def test_what_is_pasted_has_its_box_and_what_it_covers_is_ignored() -> None:
    ground = example((10, 10, 60, 50))
    covered = 0
    for seed in range(40):
        found = pasted(ground, [CutOut(Image.new("RGB", (40, 30), BLUE), 1)], np.random.default_rng(seed))
        assert found.kinds.tolist().count(1) == 1
        left, top, right, bottom = found.boxes[found.kinds == 1][0].astype(int)
        assert np.asarray(found.picture)[(top + bottom) // 2, (left + right) // 2].tolist() == list(BLUE)
        assert len(found.boxes) + len(found.ignored) == 2
        covered += len(found.ignored)
    assert 0 < covered < 40


def test_things_of_no_kind_get_no_box() -> None:
    found = pasted(example(), [CutOut(Image.new("RGB", (5, 5), BLUE), None)], np.random.default_rng(1))
    assert (found.kinds == 0).all()


@pytest.fixture
def pictures(tmp_path: Path) -> FinderPictures:
    def scene(name: str, box: tuple[int, int, int, int] | None) -> Scene:
        one = example() if box is None else example(box)
        one.picture.save(tmp_path / name)
        count = int(box is not None)
        return Scene(
            tmp_path / name,
            name,
            160,
            120,
            "drawn",
            np.array([box] if box else [], np.float32).reshape(-1, 4),
            np.zeros(count, np.int8),
            np.zeros(count, bool),
        )

    scenes = [scene("a.png", (40, 30, 90, 70)), scene("empty.png", None)]
    taught = [scene("full.png", (0, 0, 160, 120)), scene("b.png", (20, 20, 100, 90))]
    return FinderPictures(scenes, taught, PictureShares(0.2, 0.2, 0.2, 0.2), 64)


def test_a_picture_follows_from_its_seed(pictures: FinderPictures) -> None:
    assert len(pictures) == 4
    first, second = pictures.drawn((0, 3, 1)), pictures.drawn((0, 3, 1))
    assert np.array_equal(np.asarray(first.picture), np.asarray(second.picture))
    assert np.array_equal(first.boxes, second.boxes)
    assert any(
        not np.array_equal(np.asarray(first.picture), np.asarray(pictures.drawn((0, 3, place)).picture))
        for place in range(2, 5)
    )


def test_batches_that_begin_later_are_the_same(pictures: FinderPictures) -> None:
    whole = list(batches(pictures, 7, range(6), 2, 2))
    later = list(batches(pictures, 7, range(4, 6), 2, 1))
    for (some, wanted), (others, wanted_again) in zip(whole[4:], later, strict=True):
        assert some.shape == (2, 3, 64, 64)
        assert (some == others).all()
        assert all((a.boxes == b.boxes).all() for a, b in zip(wanted, wanted_again, strict=True))
