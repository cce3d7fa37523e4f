"""What a command says as lines of JSON: one object per line, whose `event` says what it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from model.console.command import write_line
from model.console.standard_error import keep_small

JSON_OPTION = "--json"

Advance = Callable[[int, int | None], None]
"""Takes the number that is done and the total (None while it is unknown)."""

_BETWEEN = 0.5  # seconds from one line of progress to the next


def event(name: str, facts: Mapping[str, Any]) -> str:
    """ASCII alone: bytes of a file name that are not text come as escapes that readers of JSON understand."""
    return json.dumps({"event": name} | dict(facts))


def lines_of_progress(facts: Mapping[str, Any] | None = None) -> Advance:
    """Writes a line at the first call, then at most twice a second, and when all is done.

    Args:
        facts: what every line says besides.
    """
    start = time.monotonic()
    written = float("-inf")

    def advance(done: int, total: int | None) -> None:
        nonlocal written
        keep_small()
        now = time.monotonic()
        if now - written < _BETWEEN and done != total:
            return
        written = now
        rate = done / (now - start) if done else 0.0
        left = round((total - done) / rate, 1) if rate and total is not None else None
        counts = {"done": done, "total": total, "rate": round(rate, 2), "seconds_left": left}
        write_line(event("progress", {**(facts or {}), **counts}))

    return advance
