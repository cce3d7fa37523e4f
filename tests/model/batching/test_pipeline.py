from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.batching.pipeline import Augmentation, PictureForm, PictureStore
from model.contract.photo import FitPolicy, PhotoError
from model.contract.samples import Box, Sample


def sample_of(path: Path, box: Box | None = None) -> Sample:
    return Sample(path, "boat", None, "test", str(path), str(path), box)


FORM = PictureForm(24, FitPolicy.SQUASH)


@pytest.fixture
def paths(picture_folder: Path) -> list[Sample]:
    return [sample_of(path) for path in sorted(picture_folder.rglob("*.jpg"))[:30]]


def test_cached_and_streamed_pictures_are_the_same(paths: list[Sample]) -> None:
    cached = PictureStore(paths, FORM, budget=1e9, workers=2)
    assert cached.decode_all("reading") == []
    streamed = PictureStore(paths, FORM, budget=0, workers=2)
    groups = [np.array([3, 1]), np.array([7]), np.array([0, 0, 29]), np.array([5]), np.array([2, 4])]
    for one, other in zip(cached.batches(groups), streamed.batches(groups), strict=True):
        assert one.dtype == torch.uint8 and one.shape[1:] == (3, 24, 24)
        assert torch.equal(one, other)
    expected = FORM.decode(paths[3])
    assert np.array_equal(next(streamed.batches(groups))[0].permute(1, 2, 0).numpy(), expected)


def test_in_order_covers_everything_once(paths: list[Sample]) -> None:
    store = PictureStore(paths, FORM, budget=0, workers=2)
    sizes = [len(batch) for batch in store.in_order(8)]
    assert sizes == [8, 8, 8, 6]


def test_unreadable_photos_are_found_in_every_mode(paths: list[Sample], tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(paths[0].path.read_bytes()[:300])
    for budget in (0, 1e9):
        store = PictureStore([paths[0], sample_of(bad), paths[1]], FORM, budget=budget, workers=2)
        assert [error.path for error in store.decode_all("reading")] == [bad]
    with pytest.raises(PhotoError):
        list(PictureStore([sample_of(bad)], FORM, budget=0, workers=1).in_order(1))


def test_each_picture_is_augmented_by_itself_and_the_seed_repeats_it(paths: list[Sample]) -> None:
    store = PictureStore(paths[:1] * 6, FORM, budget=0, workers=2)
    pictures = next(store.in_order(6))
    augment = Augmentation(16, crop_scale=0.4, colour=0.3, trivial=False, exchange=0.5, erase=0.5)
    one = augment(pictures, range(6))
    assert torch.equal(one[[4, 1]], augment(pictures[:2], [4, 1]))
    assert one.dtype == torch.uint8 and one.shape == (6, 3, 16, 16)
    assert len({picture.numpy().tobytes() for picture in one}) == 6


def test_a_share_of_the_pictures_has_red_and_blue_exchanged() -> None:
    picture = torch.tensor([200, 100, 50], dtype=torch.uint8)[:, None, None].expand(3, 8, 8)
    augment = Augmentation(8, crop_scale=1.0, colour=0, trivial=False, exchange=0.25, erase=0)
    seen = [tuple(one[:, 0, 0].tolist()) for one in augment(picture.expand(400, 3, 8, 8), range(400))]
    assert set(seen) == {(200, 100, 50), (50, 100, 200)}
    assert 70 < seen.count((50, 100, 200)) < 130


def test_pictures_are_decoded_with_red_and_blue_exchanged(paths: list[Sample]) -> None:
    exchanged = PictureForm(FORM.size, FORM.fit, exchanged=True)
    assert (exchanged.decode(paths[0]) == FORM.decode(paths[0])[..., ::-1]).all()
    (batch,) = PictureStore(paths[:2], exchanged, budget=0, workers=1).in_order(2)
    (plain,) = PictureStore(paths[:2], FORM, budget=0, workers=1).in_order(2)
    assert torch.equal(batch, plain.flip(1))


def test_pictures_are_decoded_mirrored(paths: list[Sample]) -> None:
    mirrored = PictureForm(FORM.size, FORM.fit, mirrored=True)
    assert (mirrored.decode(paths[0]) == FORM.decode(paths[0])[:, ::-1]).all()
    (batch,) = PictureStore(paths[:2], mirrored, budget=0, workers=1).in_order(2)
    (plain,) = PictureStore(paths[:2], FORM, budget=0, workers=1).in_order(2)
    assert torch.equal(batch, plain.flip(3)) and not torch.equal(batch, plain)


def test_a_box_is_cut_out(tmp_path: Path) -> None:
    path = tmp_path / "two.png"
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    picture[:, 20:] = 200
    Image.fromarray(picture).save(path)
    left, right = (FORM.decode(sample_of(path, box)) for box in ((0, 0, 20, 20), (20, 0, 40, 20)))
    assert not left.any() and (right == 200).all()
