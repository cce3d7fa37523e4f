"""The person's decisions on the chosen photos: right, another label, only the type, unknown, excluded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QObject

from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId, subjects_of
from app.ui.project.open_project import OpenProject
from app.ui.review.photo_listing import PhotoListing
from app.ui.review.selection import PhotoSelection
from model.system.wording import counted


class VerdictCommands(QObject):
    """Labels the chosen photos, each time as one step of the journal, and moves on to the next one."""

    def __init__(
        self,
        project: OpenProject,
        listing: PhotoListing,
        chosen: PhotoSelection,
        go: Callable[[int], None],
        parent: QObject | None = None,
    ) -> None:
        """Args: go: makes a row of the list current, in view and chosen alone."""
        super().__init__(parent)
        self._project, self._listing, self._chosen, self._go = project, listing, chosen, go

    def accept(self) -> None:
        """Accept the answers of the chosen photos."""
        columns = self._project.columns
        labels = {columns.subject(row): columns.accepted(row) for row in self._chosen.rows().tolist()}
        known = {subject: label for subject, label in labels.items() if label is not None}
        self._label(known, "accept")

    def relabel(self, label: Label, images: np.ndarray) -> None:
        """Give these photos, int64 numbers, another label; moves on only if no others have been chosen meanwhile."""
        labels, chosen = dict.fromkeys(subjects_of(images), label), set(self._subjects())
        self._label(labels, f"{label.fine or label.coarse}:", advance=chosen == set(labels))

    def to_type(self) -> None:
        """Keep only the type."""
        columns = self._project.columns
        labels = {}
        for row in self._chosen.rows().tolist():
            kind = columns.names[columns.shown.type[row]]
            if kind:
                labels[columns.subject(row)] = Label(Verdict.CORRECTED, kind, "")
        self._label(labels, "keep only the type for")

    def to_unknown(self) -> None:
        """Mark as unknown."""
        self._label(dict.fromkeys(self._subjects(), Label(Verdict.UNKNOWN)), "unknown:")

    def exclude(self) -> None:
        """Exclude from exports and filing."""
        self._label(dict.fromkeys(self._subjects(), Label(Verdict.EXCLUDED)), "exclude")

    def clear(self) -> None:
        """Remove the person's labels."""
        self._label(dict.fromkeys(self._subjects()), "clear the label of", advance=False)

    def _subjects(self) -> list[SubjectId]:
        return subjects_of(self._chosen.images())

    def _label(self, labels: Mapping[SubjectId, Label | None], verb: str, *, advance: bool = True) -> None:
        if not labels:
            return
        places = self._chosen.places()
        self._project.label(labels, f"{verb} {counted(len(labels), 'photo')}")
        if advance and len(places):
            following = int(places[-1]) + 1
            if following < self._listing.rowCount():  # it is current also when the filter drops those before it
                self._go(following)
