"""How a run tells how it goes, on standard error: a bar and sentences for people, or lines of JSON for scripts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.cli.terminal import complain, progress_bar
from app.core.stage import Processor

Fact = str | int | float | bool | None | list[str]
Advance = Callable[[int, int | None], None]
"""Told how many photos are done, and of how many; None while that is not known."""

_BETWEEN = 0.5  # seconds from one line of progress to the next


@dataclass(frozen=True)
class Report:
    """Tells of one run.

    Attributes:
        as_json: an object a line, with what it is in `event`, instead of words.
    """

    as_json: bool = False

    def warning(self, text: str) -> None:
        """Something that does not end the run."""
        self._problem("warning", text)

    def error(self, text: str) -> None:
        """What ended the run."""
        self._problem("error", text)

    def done(self, sentences: Sequence[str], facts: Mapping[str, Fact]) -> None:
        """The run is over, also when it was interrupted; as of `tell`."""
        self.tell("done", sentences, facts)

    def tell(self, name: str, sentences: Sequence[str], facts: Mapping[str, Fact]) -> None:
        """The same in sentences, a line each, and as the event `name` with facts."""
        for line in [_event(name, **facts)] if self.as_json else sentences:
            complain(line)

    @contextmanager
    def running(self, description: str, *, bar: bool = True) -> Iterator[Advance]:
        """Within, the yielded function tells the progress. bar: whether a bar may be drawn, on a terminal."""
        if self.as_json:
            yield _lines_of_progress()
            return
        with progress_bar(shown=bar) as progress:
            task = progress.add_task(description, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    def _problem(self, name: str, text: str) -> None:
        complain(_event(name, text=text) if self.as_json else f"marque: {text}")


def speed(photos: int, seconds: float, provider: Processor, interrupted: bool) -> dict[str, Fact]:
    """What every run tells at its end."""
    return {
        "interrupted": interrupted,
        "photos": photos,
        "seconds": round(seconds, 3),
        "rate": round(photos / seconds, 2) if seconds else 0.0,
        "processor": provider.name,
        "reason": provider.reason,
    }


def _lines_of_progress() -> Advance:
    """A line at the first call, then twice a second at most, and when all is done."""
    start = time.monotonic()
    told = float("-inf")

    def advance(done: int, total: int | None) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _BETWEEN and done != total:
            return
        told = now
        rate = done / (now - start) if done else 0.0
        left = round((total - done) / rate, 1) if rate and total is not None else None
        complain(_event("progress", done=done, total=total, rate=round(rate, 2), seconds_left=left))

    return advance


def _event(name: str, **facts: Fact) -> str:
    """ASCII alone: bytes of a file name that are no text come as escapes that readers of JSON understand."""
    return json.dumps({"event": name, **facts})
