"""A run's events: one JSON object a line, appended by the trainer, followed by the program while the run continues."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from model.system.files import write_whole
from model.system.reading import must_fit, open_regular, parse_json, read_file, regular_file

EVENTS_FILE = "events.jsonl"

_LARGEST = 512 << 20  # bytes of a file; a million steps take 300 MB
_LONGEST = 1 << 20  # bytes of a line
_MANY = 1 << 53

Kind = Literal["start", "step", "epoch", "metric", "warning", "stopped", "done"]
_KINDS = get_args(Kind)


@dataclass(frozen=True)
class Event:
    """One line of the file. `step` counts optimiser steps since the start of the run, `time` is seconds since 1970."""

    kind: Kind
    step: int
    time: float
    values: dict[str, Any] = field(default_factory=dict)


class EventWriter:
    """Appends events; every line is flushed at once, so that a follower sees it."""

    def __init__(self, path: Path | None) -> None:
        """Args: path: None for a process that has nothing to report, because another does. Raises OSError."""
        if path and path.exists():
            regular_file(path)
        self._file = path.open("a", encoding="utf-8", newline="\n") if path else None
        # a writer was killed: its half line must not swallow the next
        if self._file and path and _ends_within_a_line(path):
            self._file.write("\n")

    def write(self, kind: Kind, step: int, **values: Any) -> None:
        """Append one event. Values must be JSON types; NaN and infinity become null, as JSON has no word for them."""
        if self._file is None:
            return
        line = {"kind": kind, "step": step, "time": round(time.time(), 3), **{k: _finite(v) for k, v in values.items()}}
        self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Write what is left to the disk and close the file."""
        if self._file is None:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class EventFollower:
    """Reads the events that came since the last call; a line that is still being written waits for the next one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._identity: tuple[int, int] | None = None
        self.rewound = 0
        """How often the file has begun again: each time, its events come again from the start."""

    def poll(self) -> Iterator[Event]:
        """New events in order; none where the file does not exist yet. A damaged line is passed over.

        Where a resumed run has rewound the file, its events come again from the start. Raises OSError.
        """
        try:
            file = open_regular(self._path)
        except FileNotFoundError:
            return
        with file:
            state = os.fstat(file.fileno())
            must_fit(state.st_size, _LARGEST, self._path)
            # rewinding puts another file in its place, which may already have grown past the old one
            if (state.st_dev, state.st_ino) != self._identity or state.st_size < self._offset:
                self._offset = 0
                self.rewound += self._identity is not None
            self._identity = (state.st_dev, state.st_ino)
            file.seek(self._offset)
            while line := file.readline(_LONGEST):
                if not line.endswith(b"\n") and len(line) < _LONGEST:
                    return
                self._offset += len(line)
                event = _parse(line)
                if event is not None:
                    yield event


def read_events(path: Path) -> list[Event]:
    """All complete events of a file."""
    return list(EventFollower(path).poll())


def rewind(path: Path, step: int, epoch: int) -> None:
    """Drop what a run that is resumed at `step`, in `epoch`, will report again; its curves must not fold back.

    These are all events after that step, the ends of that and later epochs, and the final figures. The file is replaced
    in one move, so a crash leaves the old or the new one.
    """
    if not path.exists():
        return

    def is_told_again(event: Event) -> bool:
        again = event.kind in ("metric", "done") or (
            event.kind == "epoch" and _is_from(event.values.get("epoch", 0), epoch)
        )
        return event.step > step or (event.step == step and again)

    kept = [
        line
        for line in read_file(path, _LARGEST).splitlines()
        if (event := _parse(line)) is not None and not is_told_again(event)
    ]
    write_whole(path, lambda file: file.write(b"".join(line + b"\n" for line in kept)))


def _parse(line: bytes) -> Event | None:
    try:
        values = parse_json(line)
        kind, step, when = values.pop("kind"), values.pop("step"), values.pop("time")
    except (ValueError, KeyError, AttributeError, TypeError):  # not JSON, or not an object with these names
        return None
    if kind not in _KINDS or not isinstance(step, int) or not 0 <= step < _MANY or not isinstance(when, int | float):
        return None
    return Event(kind=kind, step=step, time=float(when), values=values)


def _is_from(number: Any, epoch: int) -> bool:
    return isinstance(number, int) and number >= epoch


def _ends_within_a_line(path: Path) -> bool:
    with open_regular(path) as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value
