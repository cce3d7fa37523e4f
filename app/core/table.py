"""The table of labels as a CSV file, written while the run goes on."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from app.core.decide import Status
from app.core.evidence import NEIGHBOURS_KEPT
from app.core.identify import Identification
from model.errors import MarqueError

COLUMNS = (
    "path",
    "status",
    "label",
    "level",
    "confidence",
    "reason",
    "coarse",
    "coarse_confidence",
    "fine",
    "fine_confidence",
    *(f"neighbour_{i}" for i in range(1, NEIGHBOURS_KEPT + 1)),
    *(f"neighbour_{i}_similarity" for i in range(1, NEIGHBOURS_KEPT + 1)),
    "model",
)


class TableError(MarqueError):
    """The table cannot be written; the message names the file."""


def row(identification: Identification, model: str) -> dict[str, str]:
    """The fields of one photo by column; figures with four decimals. `model` fills the last column."""
    fields = dict.fromkeys(COLUMNS, "")
    fields |= {"path": "" if identification.path is None else str(identification.path), "model": model}
    decision = identification.decision
    if decision is None:
        return fields | {"status": Status.ERROR.value, "reason": identification.error or ""}
    fields |= {
        "status": decision.status.value,
        "label": decision.label,
        "level": decision.level.value,
        "confidence": f"{decision.confidence:.4f}",
        "reason": decision.reason,
        "coarse": decision.coarse,
        "coarse_confidence": f"{decision.coarse_confidence:.4f}",
        "fine": decision.fine,
        "fine_confidence": f"{decision.fine_confidence:.4f}",
    }
    for i, neighbour in enumerate(identification.neighbours[:NEIGHBOURS_KEPT], start=1):
        fields[f"neighbour_{i}"] = neighbour.reference.fine or neighbour.reference.coarse
        fields[f"neighbour_{i}_similarity"] = f"{neighbour.similarity:.4f}"
    return fields


class LabelTable:
    """A CSV file in the making, beside its final place: `labels.csv.part` until `finish` or `keep_incomplete`.

    Every `write` reaches the file at once, so a run that dies leaves its rows in the `.part` file. Text is UTF-8; bytes
    of a file name that are not are written as they are.
    """

    def __init__(self, path: Path, model: str) -> None:
        """Begin the table.

        Args:
            path: where it will be; an existing file stays until `finish`.
            model: fills the last column, name and fingerprint of the identification model.

        Raises:
            TableError: if the place cannot be written to.
        """
        self.path = path
        self._model = model
        self._part = path.with_name(path.name + ".part")
        if path.is_dir():
            raise TableError(f"{path}: this is a folder; name a file")
        try:
            self._file = self._part.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        except OSError as error:
            raise TableError(f"{path}: the table cannot be written ({error.strerror})") from error
        self._writer = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        self._writer.writeheader()

    def write(self, identifications: Iterable[Identification]) -> None:
        """Append rows.

        Raises:
            TableError: if the disk refuses.
        """
        try:
            self._writer.writerows(row(identification, self._model) for identification in identifications)
            self._file.flush()
        except OSError as error:
            raise TableError(f"{self._part}: the table cannot be written ({error.strerror})") from error

    def finish(self) -> Path:
        """Put the whole table in its place; that place.

        Raises:
            TableError: if the disk refuses.
        """
        return self._move_to(self.path)

    def keep_incomplete(self) -> Path:
        """Put the rows of an interrupted run beside the place, as `labels.incomplete.csv`; that file.

        Raises:
            TableError: if the disk refuses.
        """
        return self._move_to(self.path.with_name(f"{self.path.stem}.incomplete{self.path.suffix}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # only rows whose `write` has failed are still unwritten here, and that was reported
        with contextlib.suppress(OSError):
            self._file.close()

    def _move_to(self, place: Path) -> Path:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(place)
        except OSError as error:
            raise TableError(f"{place}: the table cannot be written ({error.strerror})") from error
        return place
