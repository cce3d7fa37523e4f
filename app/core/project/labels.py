"""The person's labels of images; every change is a step of the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.project.journal_steps import JournalStep, StepKind, Turn, begin
from app.core.project.project_database import ProjectDatabase
from app.core.project.records import SubjectId


class Verdict(StrEnum):
    """What a person decided about an image."""

    ACCEPTED = "accepted"
    """The model's answer is right; coarse and fine are that answer, as it was then."""
    CORRECTED = "corrected"
    """Coarse and fine are the person's; fine is empty if only the type is given."""
    UNKNOWN = "unknown"
    """Nobody can say what it is; coarse and fine are empty."""
    EXCLUDED = "excluded"
    """Not to be labelled, exported or filed."""


VERDICTS = (*Verdict,)
"""A column of verdicts holds places in it."""


@dataclass(frozen=True)
class Label:
    """A person's label of an image. coarse and fine are empty if they are not given."""

    verdict: Verdict
    coarse: str = ""
    fine: str = ""


class LabelTable:
    """The labels of a project.

    A change is one transaction: the labels and the journal's entry are written together or not at all.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def all(self) -> dict[SubjectId, Label]:
        """Subject -> label, for the subjects that have one."""
        return self._labels(self._database.read("SELECT image, verdict, coarse, fine FROM label"))

    def of(self, subjects: Sequence[SubjectId]) -> dict[SubjectId, Label]:
        """Subject -> label, for those among `subjects` that have one."""
        query = "SELECT image, verdict, coarse, fine FROM label WHERE image IN ({})"
        return self._labels(self._database.read_each(query, subjects))

    def _labels(self, rows: Iterable[tuple]) -> dict[SubjectId, Label]:
        with self._database.contents("the label of an image"):
            return {SubjectId(subject): _label(columns) for subject, *columns in rows}

    def set(self, labels: Mapping[SubjectId, Label | None], title: str) -> JournalStep | None:
        """Set or (None) remove labels in one step; None if nothing changes.

        Args:
            labels: subject -> its new label.
            title: of the step, for the undo button ("accept 12 images").

        Raises:
            ProjectError: if the disk refuses; nothing was changed then.
        """
        before = self.of(list(labels))
        changed = {subject: label for subject, label in labels.items() if before.get(subject) != label}
        if not changed:
            return None
        with self._database.change() as connection:
            number = begin(connection, StepKind.LABELS, title)
            connection.executemany(
                "INSERT INTO label_change VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(number, image, *_columns(before.get(image)), *_columns(new)) for image, new in changed.items()],
            )
            _write(connection, changed.items())
        return JournalStep(number, StepKind.LABELS, title)

    def turn(
        self, action: JournalStep, _progress: Callable[[int], None], _cancelled: Callable[[], bool], *, back: bool
    ) -> Turn:
        """Give the images of a step their labels from before it (`back`), or from after it; for the journal."""
        side = "before" if back else "after"
        rows = self._database.read(
            f"SELECT image, {side}_verdict, {side}_coarse, {side}_fine FROM label_change WHERE action = ?", (action.id,)
        )
        with self._database.contents("a label that is to come back"):
            labels = [(image, None if columns[0] is None else _label(columns)) for image, *columns in rows]
        return Turn(write=lambda connection: _write(connection, labels))

    def can_be_taken_back(self, _action: JournalStep) -> bool:
        """Labels can always be undone."""
        return True


def _columns(label: Label | None) -> tuple[str | None, str | None, str | None]:
    return (None, None, None) if label is None else (label.verdict.value, label.coarse, label.fine)


def _label(columns: Sequence[str | None]) -> Label:
    """Raises ValueError or TypeError if these do not make a label."""
    verdict, coarse, fine = columns
    # adding to a text raises if the file holds something else
    return Label(Verdict(verdict or ""), "" + (coarse or ""), "" + (fine or ""))


def _write(connection: sqlite3.Connection, labels: Iterable[tuple[int, Label | None]]) -> None:
    for image, label in labels:
        if label is None:
            connection.execute("DELETE FROM label WHERE image = ?", (image,))
        else:
            connection.execute("INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?)", (image, *_columns(label)))
