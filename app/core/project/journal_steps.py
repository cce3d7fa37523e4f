"""The steps of a project's journal: what was done, in words, in its order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class StepKind(StrEnum):
    """What a step changed: labels, or files."""

    LABELS = "labels"
    FILES = "files"


class Undone(IntEnum):
    """Whether a step is taken back, in the column `undone`."""

    NO = 0
    YES = 1
    IN_PART = 2
    """A filing of which something is filed still, and something is not: because files were away or had changed when it
    was taken back, or because it was being done again when the program stopped. It is never forgotten."""


@dataclass(frozen=True)
class JournalStep:
    """One step of the journal."""

    id: int
    kind: StepKind
    title: str


@dataclass(frozen=True)
class Turn:
    """How far a step was taken back or done again.

    Attributes:
        problems: what had to be left as it is (a file that changed since), in words.
        stays: nothing of it could be taken back or done again.
        rest: something of it is still done.
        write: what it changes in the project's tables, in the transaction that turns the step.
    """

    problems: list[str] = field(default_factory=list)
    stays: bool = False
    rest: bool = False
    write: Callable[[sqlite3.Connection], None] = lambda _connection: None


def begin(connection: sqlite3.Connection, kind: StepKind, title: str) -> int:
    """A new step; its number. What was undone before it can no longer be done again, as everywhere."""
    connection.execute("DELETE FROM action WHERE undone = ?", (Undone.YES,))
    (number,) = connection.execute(
        "INSERT INTO action (kind, title) VALUES (?, ?) RETURNING id", (kind, title)
    ).fetchone()
    return int(number)
