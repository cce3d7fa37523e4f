"""Words for counts and long lists, as messages have them."""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 20
"""Lines of one kind that a command shows at most."""


def counted(number: int, one: str, more: str | None = None) -> str:
    """So many of something; more: the word for several, `one` with an s unless it is given."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def first_of(lines: Sequence[str], most: int = LISTED) -> list[str]:
    """The first of many lines, and a line that says how many there are besides."""
    left = len(lines) - most
    return [*lines[:most], *([f"and {left:,} more"] if left > 0 else [])]
