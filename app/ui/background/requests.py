"""Numbers of requests."""

from __future__ import annotations

import itertools

_numbers = itertools.count(1)


def next_request() -> int:
    """A number for a request, larger than all before; the asker keeps the newest and drops other answers."""
    return next(_numbers)
