"""One training in this process: from a run folder to a trained network, with checkpoints on the way."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from model.batching.pipeline import PictureForm, PictureStore
from model.console.console import note
from model.contract.events import EventWriter, rewind
from model.contract.samples import DataError, Sample
from model.data.labels import encode
from model.data.splits import Split
from model.training.distributed import Ranks
from model.training.run_folder import RunFolder
from model.training.run_setup import part
from model.training.teacher import lesson_for
from model.training.trainer import Trainer

_CACHE_MARGIN = 1.15
"""Pictures are cached larger than they are trained on, so that random crops have pixels to choose from."""


class StopRequest:
    """What SIGINT, SIGTERM and (Windows) Ctrl-Break ask for.

    While steps are trained, the first one ends the training after the step; a second one, and any at another time,
    interrupts at once. Files are always written whole.
    """

    def __init__(self) -> None:
        self.requested = self.patient = False
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._set)

    def _set(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested or not self.patient:
            raise KeyboardInterrupt
        self.requested = True
        note("stopping after this step")

    def __call__(self) -> bool:
        """Whether a stop was asked for."""
        return self.requested


def build_trainer(run: RunFolder, ranks: Ranks, watched: Sequence[Sample] | None = None) -> Trainer:
    """The trainer of a run, with its pictures in memory where they fit. Raises DataError, RunError, PhotoError.

    Args:
        watched: photos on which to follow the progress; None for those of the validation part.
    """
    config, taxonomy = run.config(), run.taxonomy()
    samples, splits = run.samples()
    train = part(samples, splits, Split.TRAIN)
    validation = part(samples, splits, Split.VALIDATION) if watched is None else watched
    assert config.input.size is not None and config.input.train_size is not None
    largest = max(config.input.train_size, config.input.finish_size or 0)
    larger = PictureForm(round(largest * _CACHE_MARGIN), config.input.fit)
    final = PictureForm(config.input.size, config.input.fit)
    budget, workers = config.machine.cache_gb * 1e9, config.machine.workers
    pictures = PictureStore(train, larger, budget=budget, workers=workers)
    followed = PictureStore(validation, final, budget=budget / 4, workers=workers)
    gone = [error for store in (pictures, followed) if store.is_cached for error in store.decode_all("reading photos")]
    if gone:
        advice = "put them back, or start a new run with --skip-bad"
        raise DataError.of_lines([*map(str, gone[:10]), f"{len(gone)} photos cannot be read any more; {advice}"])
    teacher = config.teacher.teacher
    lesson = None if teacher is None else ranks.first_alone(lambda: lesson_for(run, Path(teacher)))
    return Trainer(
        run,
        config,
        taxonomy,
        pictures,
        encode(train, taxonomy, config.loss.label_attributes),
        (followed, encode(validation, taxonomy)),
        ranks,
        lesson,
    )


def train(
    run: RunFolder, stopped: StopRequest, ranks: Ranks | None = None, watched: Sequence[Sample] | None = None
) -> bool:
    """Train a run from its beginning or its last checkpoint; True when it is finished, False when it was stopped.

    Args:
        ranks: the processes that train it together; None for this one as the run's settings say.
        watched: photos on which to follow the progress; None for those of the validation part.

    Raises:
        DataError, WeightsError, RunError, PhotoError: with a message for the user.
    """
    ranks = ranks or Ranks(run.config().machine)
    trainer = build_trainer(run, ranks, watched)
    weights = run.config().network.weights
    assert weights is not None
    if run.checkpoint.is_file():
        trainer.load(run.load_checkpoint())
        if ranks.is_first:
            note(f"continuing at epoch {trainer.epoch + 1}, step {trainer.step}")
    else:
        trainer.start_from(weights)
    if ranks.is_first:
        rewind(run.events, trainer.step, trainer.epoch)
    with EventWriter(run.events if ranks.is_first else None) as events:
        events.write("start", trainer.step, device=str(trainer.device), epochs=trainer.epochs, batches=trainer.batches)
        stopped.patient = True
        finished = trainer.fit(events, stopped)
        stopped.patient = False
        return finished


def is_trained(run: RunFolder) -> bool:
    """Whether all epochs are done, so that at most the figures and the model file are missing."""
    return run.checkpoint.is_file() and run.load_checkpoint()["epoch"] >= (run.config().optimiser.epochs or 0)
