"""The trainings and their state, curves and output; only files, no window."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.core.system.log_tail import LogTail, Tail
from app.core.system.paths import bundled_models
from app.core.training.paces import CPU, CUDA
from app.core.training.runs import Record, Runs, TrainingState
from app.core.training.training_history import History, TrainingProgress
from model.contract.bundle import read_info
from model.contract.commands import PaceReport
from model.contract.run_layout import RunLayout

log = logging.getLogger(__name__)

Curves = dict[str, tuple[np.ndarray, np.ndarray]]
"""Name of a figure -> steps and values."""


_NETWORK = (("network", "backbone"), ("input", "train_size"))


@dataclass(frozen=True)
class TrainingRow:
    """A training as the list shows it.

    Attributes:
        reason: of a failure.
        figures: on the held-out photos, empty before the end. model: the resulting identification model, or None.
        fingerprint: of that model. resumable: whether it can be resumed. place, waiting: its place in the queue, from
        1, and how many wait; 0 if it does not wait.
    """

    record: Record
    state: TrainingState
    reason: str
    progress: TrainingProgress
    warnings: tuple[str, ...]
    figures: dict[str, Any]
    model: Path | None
    fingerprint: str
    resumable: bool
    place: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class StartingPoint:
    """A start for a new training: a finished training's folder, or the file of a supplied model."""

    name: str
    weights: Path
    backbone: str


class TrainingWatch:
    """Watches the trainings in a folder; used on one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: Runs | None = None
        self._histories: dict[str, History] = {}
        self._drawn: dict[str, float] = {}
        self._tail: tuple[str, LogTail] | None = None

    @property
    def runs(self) -> Runs:
        """The trainings themselves."""
        if self._runs is None:
            self._runs = Runs(self._folder)
        return self._runs

    def history(self, name: str, folder: Path) -> History:
        """The reports of a training; remembers how far they were read."""
        if name not in self._histories:
            self._histories[name] = History(folder)
        return self._histories[name]

    def look(self, shown: Collection[str], smoothing: float) -> tuple[list[TrainingRow], dict[str, Curves]]:
        """All trainings, and the changed curves of those that are shown."""
        records = self.runs.records()
        names = {record.name for record in records}
        for name in self._histories.keys() - names:
            del self._histories[name]
        # a run that is shown again must be drawn again
        self._drawn = {name: smoothing for name, smoothing in self._drawn.items() if name in shown}
        rows, curves = [], {}
        queue = [record.name for record in self.runs.queue()]
        for record in records:
            alive = self.runs.is_alive(record)
            history = self.history(record.name, record.folder)
            try:
                if history.poll():
                    self._drawn.pop(record.name, None)
            except OSError:  # a drive is away: keep what is known
                log.debug("the events of %s cannot be read", record.folder)
            row = self._row(record, history, alive)
            if record.name in queue:
                row = replace(row, place=queue.index(record.name) + 1, waiting=len(queue))
            rows.append(row)
            if record.name in shown and self._drawn.get(record.name) != smoothing:
                self._drawn[record.name] = smoothing
                curves[record.name] = {name: history.curve(name, smoothing) for name in history.names()}
        return rows, curves

    def printed(self, name: str) -> Tail | None:
        """What the trainer of a run has printed since the last call; for another run everything."""
        if not name:
            self._tail = None
            return None
        path = self.runs.log_file(self.runs.record(name))
        first = self._tail is None or self._tail[0] != name or self._tail[1].path != path
        if first:
            self._tail = (name, LogTail(path))
        assert self._tail is not None
        return self._tail[1].poll() or (Tail((), "", restarted=True) if first else None)

    def starts(self) -> list[StartingPoint]:
        """The possible starts of a new training: trainings, the newest first, and the supplied models."""
        found = []
        for record in self.runs.records():
            run = RunLayout(record.folder)
            if run.checkpoint.is_file() and run.model.is_file():
                backbone = _setting(run.settings(), "network", "backbone")
                if isinstance(backbone, str) and backbone:
                    found.append(StartingPoint(f"training '{record.name}'", record.folder, backbone))
        supplied = [(path, read_info(path)) for path in bundled_models()]
        return found[::-1] + [
            StartingPoint(f"identification model '{info.name}'", path, str(info.training["backbone"]))
            for path, info in supplied
            if "backbone" in info.training
        ]

    def paces(self) -> list[PaceReport]:
        """Photos per second of these trainings, the newest last."""
        found = []
        for record in self.runs.records():
            history = self.history(record.name, record.folder)
            with suppress(OSError):  # a drive is away: keep what is known
                history.poll()
            pace = history.progress().images_per_second
            settings = RunLayout(record.folder).settings()
            backbone, size = (_setting(settings, part, name) for part, name in _NETWORK)
            if (
                pace and isinstance(backbone, str) and isinstance(size, int) and size > 0 and record.arguments
            ):  # others may come from another computer
                device = CUDA if history.device.startswith(CUDA) else CPU
                found.append(PaceReport(backbone=backbone, size=size, device=device, images_per_second=pace))
        return found

    def _row(self, record: Record, history: History, alive: bool) -> TrainingRow:
        progress = history.progress()
        state, reason = self.runs.state(record, alive=alive, done=progress.done)
        run = RunLayout(record.folder)
        finished = state is TrainingState.FINISHED
        return TrainingRow(
            record=record,
            state=state,
            reason=reason,
            progress=progress,
            warnings=tuple(history.warnings),
            figures=run.held_out_metrics() if finished else {},
            model=run.model if finished and run.model.is_file() else None,
            fingerprint=history.fingerprint,
            resumable=bool(record.arguments) or run.is_run(),
        )


def _setting(settings: Mapping[str, Any], part: str, name: str) -> Any:
    """One of them, or None."""
    of_part = settings.get(part)
    return of_part.get(name) if isinstance(of_part, dict) else None
