import numpy as np

from model.data.strangers import stranger


def test_pictures_are_the_same_for_the_same_seed_and_differ_else() -> None:
    pictures = [np.asarray(stranger(seed)) for seed in range(30)]
    assert all(picture.shape == (224, 224, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert all(np.array_equal(picture, np.asarray(stranger(seed))) for seed, picture in enumerate(pictures[:6]))
    assert len({picture.tobytes() for picture in pictures}) == 30
    assert all(picture.std() > 2 for picture in pictures)  # none is a plain colour
