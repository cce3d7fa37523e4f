"""The reports of a training so far, as curves: its events, read as they come."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from model.contract.events import EVENTS_FILE, Event, EventFollower
from model.system.outputs import Output, write_to

_PACE_STEPS = 50
_THIN = 1200
_MANY = 1 << 53


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of a training.

    Attributes:
        step, steps: finished steps and their total (None while unknown). epoch, epochs: the current one, from 1, and
        their total. seconds_left: for the steps at their present pace, without what comes after the last; None if
        unknown. images_per_second: present pace, None if unknown. done: whether the model file exists.
        finishing: whether all steps are done but not the evaluation and export.
    """

    step: int = 0
    steps: int | None = None
    epoch: int = 0
    epochs: int | None = None
    seconds_left: float | None = None
    images_per_second: float | None = None
    done: bool = False
    finishing: bool = False

    @property
    def share(self) -> float:
        """Share of the steps, 0 to 1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0


@dataclass
class _Series:
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class History:
    """The events of one run, in memory; `poll` reads the new ones."""

    def __init__(self, folder: Path) -> None:
        self._follower = EventFollower(folder / EVENTS_FILE)
        self._forget()

    def _forget(self) -> None:
        self._series: dict[str, _Series] = {}
        self._rows: list[Event] = []
        self._paces: list[tuple[float, int]] = []
        self._epochs: int | None = None
        self._batches: int | None = None
        self._step = self._epoch = 0
        self._done = False
        self.device = ""
        """The device that trains it, by torch's name."""
        self.fingerprint = ""
        """Fingerprint of the resulting identification model."""
        self.warnings: list[str] = []

    def poll(self) -> bool:
        """Read what is new; whether there was anything. Raises OSError."""
        before = self._follower.rewound
        new = list(self._follower.poll())
        if self._follower.rewound != before:
            self._forget()
        for event in new:
            self._take(event)
        return bool(new)

    def _take(self, event: Event) -> None:
        values = event.values
        self._step = max(self._step, event.step)
        self._done = event.kind == "done"
        if event.kind == "start":
            self._epochs = _count(values.get("epochs"))
            self._batches = _count(values.get("batches", self._batches))
            self._paces = []
            self.device = str(values.get("device", ""))
        elif event.kind == "step":
            self._epoch = _count(values.get("epoch")) or 0
            self._paces = [*self._paces[-_PACE_STEPS:], (event.time, event.step)]
            self._add(event, values)
        elif event.kind == "epoch":
            self._epoch = (_count(values.get("epoch")) or 0) + 1
            self._batches = self._batches or round(event.step / self._epoch)
            # the means of an epoch repeat what its steps reported
            self._add(event, {name: value for name, value in values.items() if name.startswith("val_")})
        elif event.kind == "done":
            self.fingerprint = str(values.get("fingerprint", ""))
        elif event.kind == "warning":
            self.warnings.append(str(values.get("message", "")))

    def _add(self, event: Event, values: dict) -> None:
        self._rows.append(event)
        for name, value in values.items():
            if name == "epoch" or not (value is None or isinstance(value, int | float)):
                continue
            series = self._series.setdefault(name, _Series())
            series.steps.append(event.step)
            series.values.append(math.nan if value is None else float(value))

    def progress(self) -> TrainingProgress:
        """Its progress."""
        steps = self._batches * self._epochs if self._batches and self._epochs else None
        (first, before), (last, after) = (self._paces[0], self._paces[-1]) if self._paces else ((0.0, 0), (0.0, 0))
        pace = (last - first) / (after - before) if after > before else None
        finishing = not self._done and self._epochs is not None and self._epoch >= self._epochs
        if self._done or finishing:
            steps = self._step
        speeds = self._series.get("images_per_second", _Series()).values[-_PACE_STEPS:]
        return TrainingProgress(
            step=self._step,
            steps=steps,
            epoch=min(self._epoch + 1, self._epochs or 1),
            epochs=self._epochs,
            seconds_left=pace * (steps - self._step) if pace and steps and steps > self._step else None,
            images_per_second=float(np.nanmedian(speeds)) if speeds else None,
            done=self._done,
            finishing=finishing,
        )

    def names(self) -> list[str]:
        """The existing curves."""
        return list(self._series)

    def curve(self, name: str, smoothing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values, few enough to draw. Args: smoothing: share of the past in each value, 0 to below 1."""
        series = self._series.get(name)
        if series is None:
            return np.empty(0), np.empty(0)
        steps, values = np.array(series.steps, dtype=float), np.array(series.values)
        finite = np.isfinite(values)
        steps, values = steps[finite], smooth(values[finite], smoothing)
        every = -(-len(steps) // _THIN) if len(steps) else 1
        chosen = np.unique(np.append(np.arange(0, len(steps), every), len(steps) - 1)) if len(steps) else slice(0)
        return steps[chosen], values[chosen]

    def events(self) -> Sequence[Event]:
        """The steps and epochs, in their order."""
        return self._rows


def _count(value: Any) -> int | None:
    """A number of epochs or steps from a file; None if it is not one."""
    return value if isinstance(value, int) and 0 <= value < _MANY else None


def smooth(values: np.ndarray, share: float) -> np.ndarray:
    """Exponential moving average that is unbiased from the first value on: the start is not drawn towards zero."""
    if share <= 0 or not len(values):
        return values
    from scipy.signal import lfilter  # slow to import, and the program starts without it

    sums = lfilter([1 - share], [1, -share], values)
    return sums / (1 - share ** np.arange(1, len(values) + 1))


def write_table(histories: Iterable[tuple[str, History]], place: Path | Output) -> None:
    """All steps and epochs of some runs as one CSV file. Raises FileError."""
    events_of = [(name, history.events()) for name, history in histories]
    columns: dict[str, None] = {}
    for _, events in events_of:
        for event in events:
            columns.update(dict.fromkeys(event.values))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["run", "kind", "step", "time", *columns], lineterminator="\n")
    writer.writeheader()
    for name, events in events_of:
        for event in events:
            writer.writerow({"run": name, "kind": event.kind, "step": event.step, "time": event.time, **event.values})
    write_to(place, lambda file: file.write(text.getvalue().encode()))
