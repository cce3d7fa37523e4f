"""The table of labels as a CSV file, written during the run."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self, TextIO

from app.core.project.results import PhotoResult
from app.core.recognition.decision import Status
from app.core.recognition.evidence import NEIGHBOURS_KEPT
from app.core.recognition.identifier import Identification
from model.system.errors import MarqueError, ReaderGoneError, file_error
from model.system.files import free_names
from model.system.outputs import Output, Written, put_free

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

VERDICT = "verdict"
"""The column that exports of a project have at the end: what the person decided, or empty."""
EXPORT_COLUMNS = (*COLUMNS, VERDICT)
KIND = "table of labels"

_PART = ".part"
_RAW = "surrogateescape"  # writes bytes of a file name that are not text as they are

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GUARD = "'"


class TableError(MarqueError):
    """The table cannot be written; the message names the file."""


def row(identification: Identification, model: str) -> dict[str, str]:
    """The fields of one photo by column; numbers have four decimals. `model` fills the last column."""
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


def export_row(result: PhotoResult, model: str) -> dict[str, str]:
    """The fields of one image of a project, by EXPORT_COLUMNS."""
    return row(result.identification(), model) | {VERDICT: "" if result.label is None else result.label.verdict.value}


def guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what could begin one, or begins with one."""
    return _GUARD + text if text.startswith((*_FORMULA, _GUARD)) else text


def unguarded(text: str) -> str:
    """The opposite of `guarded`; other text as it is."""
    return text[1:] if text.startswith(_GUARD) and text[1:].startswith((*_FORMULA, _GUARD)) else text


class CsvRows:
    """Rows of CSV that every reader splits correctly."""

    def __init__(self, file: TextIO) -> None:
        """Args: file: open with `newline=""`."""
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(self, values: Sequence[str]) -> None:
        """Append a row. Raises OSError."""
        # the library does not quote a lone carriage return, which readers take as the end of the row
        odd = "\r" in "".join(values)
        (self._quoted if odd else self._plain).writerow(values)


def why_unwritable(values: Collection[str], *, raw: bool = False) -> str:
    """Why texts cannot be written to a file; "" if they can.

    Args:
        raw: the format takes names of files that are not text, byte by byte.
    """
    errors = _RAW if raw else "strict"
    try:
        "".join(values).encode("utf-8", errors)  # all of a row at once, as there are many
        return ""
    except UnicodeEncodeError:
        pass
    for text in values:
        try:
            text.encode("utf-8", errors)
        except UnicodeEncodeError:
            return f"{text}: this name is not UTF-8 text, so it cannot be written to the file; rename it"
    return ""


class LabelCsv:
    """An unfinished CSV file beside its final place: `labels.csv.part` until `finish` or `keep_incomplete`.

    Every `write` reaches the file at once, so a run that dies leaves its rows in the `.part` file. If that name is
    taken, the next free one is used. A pipe or device is written to directly. Text is UTF-8; bytes of a file name that
    are not are written as they are.

    Attributes:
        left_out: a sentence for each photo whose name cannot be written to the table.
    """

    def __init__(self, output: Output, model: str) -> None:
        """Begin the table.

        Args:
            output: where it will be; an existing file stays until `finish`.
            model: fills the last column, name and fingerprint of the identification model.

        Raises:
            TableError: if the place cannot be written to.
        """
        self.left_out: list[str] = []
        self._output, self._model = output, model
        self._part = output.real
        try:
            file = output.stream() if output.streams else self._begun()
            self._text = io.TextIOWrapper(file, encoding="utf-8", errors=_RAW, newline="")
            self._rows = CsvRows(self._text)
            self._rows.write(COLUMNS)
        except OSError as error:
            raise self._fault(error) from error

    def write(self, identifications: Iterable[Identification]) -> None:
        """Append rows.

        Raises:
            TableError: if the disk refuses.
            ReaderGoneError: if whoever reads the stream has gone.
        """
        try:
            for identification in identifications:
                values = list(row(identification, self._model).values())
                if why := why_unwritable(values, raw=True):
                    self.left_out.append(why)
                else:
                    self._rows.write(values)
            self._text.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except OSError as error:
            raise self._fault(error) from error

    def finish(self) -> Written:
        """Put the finished table in its place, or beside it if another file has come there meanwhile.

        Raises:
            TableError, OutputError: if the disk refuses.
        """
        if self._output.streams:
            self._close()
            return Written(self._output.place)
        self._synced()
        return self._output.put(self._part)

    def keep_incomplete(self) -> Path:
        """Put the rows of an interrupted run beside the place, as `labels.incomplete.csv` or the next free name.

        Raises:
            TableError: if the disk refuses.
        """
        place = self._output.place
        if self._output.streams:
            self._close()
            return place
        self._synced()
        try:
            kept = put_free(self._part, self._output.real.with_name(f"{place.stem}.incomplete{place.suffix}"))
            self._part.unlink(missing_ok=True)
        except OSError as error:
            raise self._fault(error) from error
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # only rows whose `write` failed are unwritten here, and that was reported
        with suppress(OSError):
            self._text.close()

    def _begun(self) -> BinaryIO:
        # under a name of its own, which the next start does not remove: these rows may be hours of work
        real = self._output.real
        for self._part in free_names(real.with_name(real.name + _PART)):
            with suppress(FileExistsError):
                return self._part.open("xb")
        raise AssertionError("there is always a free name")

    def _synced(self) -> None:
        try:
            self._text.flush()
            os.fsync(self._text.fileno())
        except OSError as error:
            raise self._fault(error) from error
        self._close()

    def _close(self) -> None:
        try:
            self._text.close()
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> TableError:
        error.filename = error.filename2 = None  # the person has named another file
        return TableError.like(file_error(error, self._output.place))
