"""The trainer's command line: `python -m model.train --data KIND:PATH --out RUN`, or `--resume RUN`.

Reads and splits the data, trains, then evaluates, calibrates and exports `RUN/model.onnx`. Ctrl-C or SIGTERM writes a
checkpoint and ends with exit code 0.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Sequence
from types import FrameType

import tyro

from model import terminal
from model.bundle import BundleError
from model.calibrate import calibrate
from model.config import Command, Config
from model.data.pipeline import PictureForm, PictureStore
from model.data.readers import read_data
from model.data.samples import DataError, Sample
from model.data.splits import Split, class_disjoint, stratified
from model.evaluate import evaluate, show
from model.events import EventWriter, rewind
from model.export import ExportError, export
from model.labels import encode, taxonomy_of
from model.memory import keep_freed_memory
from model.network import WeightsError
from model.photo import PhotoError
from model.run import Run, RunError, check_free
from model.taxonomy import TaxonomyError
from model.terminal import note
from model.trainer import Trainer

_CACHE_MARGIN = 1.15
"""Pictures are cached larger than they are trained on, so that random crops have pixels to choose from."""


class StopRequest:
    """Set by SIGINT and SIGTERM; the second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._set)

    def _set(self, number: int, _frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        note("stopping after this step")

    def __call__(self) -> bool:
        """Whether a stop was asked for."""
        return self.requested


def new_run(command: Command) -> Run:
    """Read the data, split it, and make the run's folder.

    Raises:
        DataError, TaxonomyError, RunError: with a message for the user.
    """
    assert command.out is not None
    check_free(command.out)
    config = command.config.resolved()
    read = read_data(config.data.data, skip_bad=config.data.skip_bad)
    samples = _decodable(list(read.samples), config)
    skipped = len(read.skipped) + len(read.samples) - len(samples)
    for message in read.skipped[:10]:
        note(f"skipped: {message}")
    if skipped:
        note(f"{skipped} entries were skipped")
    if config.data.split == "class_disjoint":
        splits = class_disjoint(samples, validation=config.data.validation, seed=config.machine.seed)
    else:
        splits = stratified(samples, validation=config.data.validation, test=config.data.test, seed=config.machine.seed)
    taxonomy = taxonomy_of(_part(samples, splits, Split.TRAIN))
    counts = Counter(splits)
    note(
        f"{len(samples):,} photos, {len(taxonomy.coarse)} coarse and {len(taxonomy.fine)} fine classes to learn; "
        + ", ".join(f"{part.value} {counts[part]:,}" for part in Split)
    )
    return Run.create(command.out, config, taxonomy, samples, splits)


def _decodable(samples: list[Sample], config: Config) -> list[Sample]:
    """All samples, if every photo can be decoded; with --skip-bad those that can."""
    assert config.input.size is not None
    store = PictureStore(
        [sample.path for sample in samples],
        PictureForm(config.input.size, config.input.fit),
        budget=0,
        workers=config.machine.workers,
    )
    bad = {error.path: error for error in store.decode_all("checking photos")}
    if bad and not config.data.skip_bad:
        shown = [f"{sample.origin}: {bad[sample.path]}" for sample in samples if sample.path in bad]
        more = f"\nand {len(shown) - 10} more" if len(shown) > 10 else ""
        raise DataError("\n".join(shown[:10]) + more + "\nmend or remove them, or pass over them with --skip-bad")
    return [sample for sample in samples if sample.path not in bad]


def _part(samples: list[Sample], splits: Sequence[Split], part: Split) -> list[Sample]:
    return [sample for sample, own in zip(samples, splits, strict=True) if own is part]


def build_trainer(run: Run) -> Trainer:
    """The trainer of a run, with its pictures in memory where they fit. Raises DataError."""
    config, taxonomy = run.config(), run.taxonomy()
    samples, splits = run.samples()
    train, validation = (_part(samples, splits, part) for part in (Split.TRAIN, Split.VALIDATION))
    # validation on classes that the heads do not know would say nothing
    assert config.input.size is not None and config.input.train_size is not None
    larger = PictureForm(round(config.input.train_size * _CACHE_MARGIN), config.input.fit)
    final = PictureForm(config.input.size, config.input.fit)
    budget, workers = config.machine.cache_gb * 1e9, config.machine.workers
    pictures = PictureStore([s.path for s in train], larger, budget=budget, workers=workers)
    watched = PictureStore([s.path for s in validation], final, budget=budget / 4, workers=workers)
    gone = pictures.decode_all("reading photos") + watched.decode_all("reading validation photos")
    if gone:
        raise DataError("\n".join(map(str, gone[:10])) + f"\n{len(gone)} photos cannot be read any more")
    return Trainer(run, config, taxonomy, pictures, encode(train, taxonomy), (watched, encode(validation, taxonomy)))


def train(run: Run, stopped: StopRequest) -> bool:
    """Train a run from its beginning or its last checkpoint; True when it is finished, False when it was stopped.

    Raises:
        DataError, WeightsError, RunError, PhotoError: with a message for the user.
    """
    trainer = build_trainer(run)
    weights = run.config().network.weights
    assert weights is not None
    if run.checkpoint.is_file():
        trainer.load(run.load_checkpoint())
        note(f"continuing at epoch {trainer.epoch + 1}, step {trainer.step}")
    else:
        trainer.start_from(weights)
    rewind(run.events, trainer.step)
    with EventWriter(run.events) as events:
        events.write("start", trainer.step, device=str(trainer.device), epochs=trainer.epochs)
        return trainer.fit(events, stopped)


def finish(run: Run) -> None:
    """Evaluate, calibrate and export a trained run, and tell its followers that it is done.

    Raises:
        RunError, PhotoError, ExportError: with a message for the user.
    """
    step = run.load_checkpoint()["step"]
    with EventWriter(run.events) as events:
        if run.samples()[1].count(Split.TEST):
            result = evaluate(run)
            events.write("metric", step, **result["test"]["all"])
            show(result)
        calibrate(run)
        info = export(run, run.model, run.folder.name)
        events.write("done", step, model=run.model.name, fingerprint=info.fingerprint)
    terminal.result(f"identification model: {run.model}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0 finished or stopped with a checkpoint, 2 cannot be done as asked."""
    command = tyro.cli(Command, args=arguments, prog="python -m model.train", config=(tyro.conf.EnumChoicesFromValues,))
    keep_freed_memory()
    stopped = StopRequest()
    try:
        run = Run.open(command.resume) if command.resume else new_run(command)
        if not train(run, stopped):
            note(f"stopped; go on with: python -m model.train --resume {run.folder}")
            return 0
        finish(run)
    except (DataError, TaxonomyError, WeightsError, RunError, PhotoError, ExportError, BundleError) as error:
        return terminal.fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
