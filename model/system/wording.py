"""Words for counts and long lists, as messages have them."""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 20
"""The most lines of one kind that a command shows."""


def counted(number: int, one: str, more: str | None = None) -> str:
    """A count with its word; more: the plural, `one` with an s unless it is given."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def first_of(lines: Sequence[str], most: int = LISTED) -> list[str]:
    """The first of many lines, and one that says how many more there are."""
    left = len(lines) - most
    return [*lines[:most], *([f"and {left:,} more"] if left > 0 else [])]
