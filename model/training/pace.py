"""How fast a network is trained on this computer: `python -m model.pace --backbone resnet18 --size 160`.

A few steps of the trainer itself on drawn pictures, from no weights; prints one line of JSON: backbone, size, device
("cpu", "cuda") and images_per_second.
"""

from __future__ import annotations

import statistics
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from model.contract.commands import PaceReport
from model.contract.config import Config
from model.contract.events import EventFollower, EventWriter
from model.data.readers import read_data
from model.system.errors import file_errors
from model.training.distributed import Ranks, choose_accelerator
from model.training.run_setup import create_run
from model.training.session import build_trainer

_DATA = "demo:"
_EVERY = 2  # of its pictures; more of them would not change the result
_WARM_UP = 2  # steps before the measurement
_STEPS = 2  # least number of steps that count
_SECONDS = 4.0  # least seconds that they take
_SMALL = {"batch_coarse": 2, "batch_fine": 3, "batch_images": 4}
"""On a CPU the size of a batch hardly changes the pace, and a full batch of a large network takes minutes."""


class _EnoughError(Exception):
    """The steps are done; nothing is kept of them."""


class _Clock:
    """Says before each step whether to stop."""

    def __init__(self) -> None:
        self._steps = 0
        self._start = 0.0

    def __call__(self) -> bool:
        if self._steps == _WARM_UP:
            self._start = time.monotonic()
        if self._steps >= _WARM_UP + _STEPS and time.monotonic() - self._start >= _SECONDS:
            raise _EnoughError
        self._steps += 1
        return False


def measure(backbone: str, size: int) -> PaceReport:
    """Train a few steps and return how fast they were.

    Raises:
        DataError, RunError, PhotoError, FileError: if they cannot be trained; with a message for the user.
    """
    device = choose_accelerator("auto")
    settings = {
        "data": {"data": (_DATA,)},
        "network": {"backbone": backbone, "weights": "none"},
        "input": {"size": size},
        "optimiser": {"epochs": 10_000, **(_SMALL if device == "cpu" else {})},
    }
    config = Config.model_validate(settings).resolved()
    with file_errors(gettempdir()), TemporaryDirectory() as folder:
        run = create_run(Path(folder) / "run", config, read_data((_DATA,)).samples[::_EVERY])
        trainer = build_trainer(run, Ranks(config.machine), watched=())
        with EventWriter(run.events) as events, suppress(_EnoughError):
            trainer.fit(events, _Clock())
        written = EventFollower(run.events).poll()
        paces = [event.values["images_per_second"] for event in written if event.kind == "step"]
    pace = round(statistics.median(paces[_WARM_UP:]), 2)
    return PaceReport(backbone=backbone, size=size, device=device, images_per_second=pace)
