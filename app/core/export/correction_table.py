"""A table of labels as a person or a spreadsheet has saved it: comma, semicolon or tab, UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.core.export.label_table import TableError, unguarded
from model.system.errors import file_error
from model.system.reading import SMALL, read_file

_DELIMITERS = ",;\t"
_NAMES = ("file", "path")
_OURS = {"path", "status", "label", "level", "reason", "coarse", "fine", "coarse_confidence", "fine_confidence"}
_WORKBOOK = b"PK\x03\x04"
_MOST = 16 * SMALL  # a million rows


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table. origin: its place ("labels.csv:17"); line: where it begins; name: its file as it stands
    there; values: by
    column.
    """

    origin: str
    line: int
    name: str
    values: dict[str, str]

    def value(self, column: str) -> str:
        """A cell without the apostrophe for spreadsheets and without spaces at its ends; "" without such a column."""
        return unguarded(self.values.get(column, "")).strip()


@dataclass(frozen=True)
class CorrectionTable:
    """The rows of a table.

    Attributes:
        place: of the file.
        is_ours: it has the columns of our exports.
    """

    place: Path
    rows: list[TableRow]
    is_ours: bool

    @classmethod
    def read(cls, place: Path) -> Self:
        """Read a table with the columns `file` (or `path`) and `coarse`, and where wanted `fine` and `verdict`.

        Raises:
            TableError: if the file cannot be read, is not a table, or lacks a column.
        """
        try:
            content = read_file(place, _MOST)
        except OSError as error:
            raise TableError.like(file_error(error, place)) from error
        text = _decoded(content, place)
        lines = _records(text, place)
        if not lines:
            raise TableError(f"{place}: the file is empty")
        header = [name.strip().casefold() for name in lines[0][1]]
        name = next((column for column in _NAMES if column in header), None)
        if name is None or not {"coarse", "verdict"} & set(header):
            raise TableError(f"{place}: the first line must name the columns file (or path), coarse and fine")
        twice = next((column for column, times in Counter(header).items() if column and times > 1), None)
        if twice is not None:
            raise TableError(f"{place}: the column {twice} occurs twice")
        rows = []
        for number, record in lines[1:]:
            if len(record) > len(header) and any(record[len(header) :]):
                raise TableError(f"{place}:{number}: {len(record)} values, but {len(header)} columns")
            values = dict(zip(header, record, strict=False))
            rows.append(TableRow(f"{place.name}:{number}", number, values.get(name, ""), values))
        return cls(place, rows, is_ours=set(header) >= _OURS)


def _decoded(content: bytes, place: Path) -> str:
    if content.startswith(_WORKBOOK):
        raise TableError(f"{place}: this is a workbook", advice="save it as CSV UTF-8 first")
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        # names of files on Linux need not be text; they are in the form of Python's own functions
        text = content.decode("utf-8-sig", "surrogateescape")
    except UnicodeDecodeError as error:
        raise TableError(f"{place}: not readable text (byte {error.start})", advice="save it as CSV UTF-8") from None
    if "\0" in text:
        raise TableError(f"{place}: this is not text", advice="save it as CSV UTF-8")
    return text


def _records(text: str, place: Path) -> list[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line on which it begins."""
    first = text.partition("\n")[0]
    skipped = 0
    if first.casefold().startswith("sep="):  # a hint that Excel reads and writes
        delimiter, skipped = first[4:5], 1
        text = text.partition("\n")[2]
    else:
        delimiter = max(_DELIMITERS, key=first.count)
    lines, begin = [], 1 + skipped
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or ",", strict=True)
    try:
        for values in reader:
            if any(value.strip() for value in values):
                lines.append((begin, values))
            begin = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise TableError(f"{place}:{begin}: this is not a table ({error})") from None
    return lines
