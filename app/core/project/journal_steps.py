"""The steps of a project's journal: what was done, in words, in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from app.core.project.project_database import ProjectDatabase

Write = Callable[[sqlite3.Connection], None]
"""Changes tables inside a transaction."""


class StepKind(StrEnum):
    """The kind of step: it changed labels or files."""

    LABELS = "labels"
    FILES = "files"


class Undone(IntEnum):
    """Whether a step is undone, in the column `undone`."""

    NO = 0
    YES = 1
    IN_PART = 2
    """A filing that is partly undone: files were away or had changed when it was undone, or the program stopped while
    it was redone. It is never removed."""


@dataclass(frozen=True)
class JournalStep:
    """One step of the journal."""

    id: int
    kind: StepKind
    title: str


@dataclass(frozen=True)
class Turn:
    """How far a step was undone or redone.

    Attributes:
        problems: what had to be left as it is (a file that changed since), in words.
        stays: nothing of it could be undone or redone. rest: part of it is still done. write: its changes to the
        project's tables, made in the transaction that turns the step.
    """

    problems: list[str] = field(default_factory=list)
    stays: bool = False
    rest: bool = False
    write: Write = lambda _connection: None


def begin(connection: sqlite3.Connection, kind: StepKind, title: str) -> int:
    """A new step; its number. What was undone before it can no longer be redone, as everywhere."""
    connection.execute("DELETE FROM action WHERE undone = ?", (Undone.YES,))
    (number,) = connection.execute(
        "INSERT INTO action (kind, title) VALUES (?, ?) RETURNING id", (kind, title)
    ).fetchone()
    return int(number)


class StepTable:
    """The steps of a project's journal."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def last_done(self) -> JournalStep | None:
        """The last step that is not undone."""
        return next(iter(self._select("WHERE undone = 0 ORDER BY id DESC LIMIT 1")), None)

    def in_part_since(self, step: int) -> list[JournalStep]:
        """Partly undone steps after this one, the last one first."""
        return self._select(f"WHERE id > ? AND undone = {Undone.IN_PART} ORDER BY id DESC", step)

    def first_undone(self) -> JournalStep | None:
        """The first undone step after the last one that is done, of which something can be redone."""
        found = self._select(
            f"WHERE (undone = {Undone.YES} OR undone = {Undone.IN_PART} "
            "AND id IN (SELECT action FROM filed WHERE state = 'undone')) "
            "AND id > (SELECT coalesce(max(id), 0) FROM action WHERE undone = 0) ORDER BY id LIMIT 1"
        )
        return next(iter(found), None)

    def set_undone(self, step: JournalStep, undone: Undone, write: Write = lambda _connection: None) -> None:
        """Note whether a step is undone, in one transaction with its changes to other tables."""
        with self._database.change() as connection:
            write(connection)
            connection.execute("UPDATE action SET undone = ? WHERE id = ?", (undone, step.id))

    def is_undone(self, step: JournalStep) -> bool:
        """Whether a step is noted as undone, at least in part."""
        return bool(self._database.read("SELECT undone FROM action WHERE id = ?", (step.id,))[0][0])

    def forget(self, step: JournalStep) -> None:
        """Remove a step of which nothing was done."""
        with self._database.change() as connection:
            connection.execute("DELETE FROM action WHERE id = ?", (step.id,))

    def _select(self, which: str, *values: int) -> list[JournalStep]:
        rows = self._database.read(f"SELECT id, kind, title FROM action {which}", values)
        with self._database.contents("a step of its journal"):
            return [JournalStep(number, StepKind(kind), title) for number, kind, title in rows]
