from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.contract.config import Config
from model.train import finish
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from tests.model.small import SMALL

SHAPES = {"boat": ("ferry", "tug", "yacht"), "car": ("coupe", "van")}


def draw(path: Path, colour: tuple[int, int, int], bars: int, rng: np.random.Generator) -> None:
    """A picture whose colour shows the coarse class and whose number of bars shows the fine class."""
    image = Image.fromarray(rng.integers(60, 120, (40, 48, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(image)
    for bar in range(bars):
        left = 4 + 9 * bar + int(rng.integers(0, 3))
        pen.rectangle((left, 8, left + 5, 32), fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=92)


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """coarse/fine/*.jpg: two coarse and five fine classes, 12 photos each, and a few with the coarse class alone."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(5)
    for coarse, colour in (("boat", (230, 60, 40)), ("car", (40, 90, 240))):
        for number, fine in enumerate(SHAPES[coarse]):
            for i in range(12):
                draw(folder / coarse / fine / f"{i:02}.jpg", colour, 1 + 2 * number, rng)
        for i in range(3):
            draw(folder / coarse / f"plain{i}.jpg", colour, 2, rng)
    return folder


@pytest.fixture(scope="session")
def small_run(picture_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished training of a small network on `picture_folder`, not to be changed."""
    config = Config.model_validate({**SMALL, "data": {"data": [f"folder:{picture_folder}"], "validation": 0.2}})
    run = new_run(tmp_path_factory.mktemp("runs") / "small", config)
    assert train(run, StopRequest())
    finish(run)
    return run
