"""CSV files as rows with their line numbers, so that every message can name its line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from model.contract.samples import DataError
from model.system.reading import TABLE, must_fit, open_regular, regular_file

_MOST_COLUMNS = 10_000
_SHOWN_COLUMNS, _SHOWN_TEXT = 30, 500


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One record: its place ("labels.csv:17") and its values by column name."""

    origin: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The columns of a CSV file, its rows, and a message for each row whose number of values is wrong."""

    columns: tuple[str, ...]
    rows: list[CsvRow]
    problems: list[str]


def read_table(path: Path, required: Sequence[str], *, strip: bool = True, names: str | None = None) -> CsvTable:
    """Read a comma-separated file in UTF-8, with or without a byte order mark; empty lines are passed over.

    Args:
        path: the file.
        required: columns that must be there.
        strip: drop spaces at both ends of a value; not in files that the program wrote.
        names: the column of file names, which are kept as they are; they may hold bytes that are not UTF-8, as names of
            files on Linux may, and come as Python's own functions give such names.

    Raises:
        DataError: if the file is missing or not such a file, has no rows, or lacks one of the `required` columns.
    """
    try:
        must_fit(regular_file(path).st_size, TABLE, path)
        try:
            lines = _lines(path, "strict")
        except UnicodeDecodeError:
            if names is None:
                raise
            lines = _lines(path, "surrogateescape")
            _must_be_names(lines, names, path)
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: the file is not in UTF-8 (byte {error.start}); save it as CSV UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror})") from error
    if not lines:
        raise DataError(f"{path}: the file is empty; its first line must name the columns {', '.join(required)}")
    columns = _checked_header(path, [name.strip() for name in lines[0][1]], required)
    if len(lines) == 1:
        raise DataError(f"{path}: there are no rows below the column names")
    rows: list[CsvRow] = []
    problems: list[str] = []
    for number, record in lines[1:]:
        origin = f"{path}:{number}"
        values = [
            value.strip() if strip and name != names else value
            for value, name in zip_longest(record, columns[: len(record)])
        ]
        if len(values) == len(columns):
            rows.append(CsvRow(origin, dict(zip(columns, values, strict=True))))
        else:
            problems.append(f"{origin}: {len(values)} values, but {len(columns)} columns")
    return CsvTable(columns, rows, problems)


def _lines(path: Path, errors: str) -> list[tuple[int, list[str]]]:
    with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", errors=errors, newline="") as file:
        return _numbered(file, path)


def _must_be_names(lines: Sequence[tuple[int, list[str]]], names: str, path: Path) -> None:
    """Raise a DataError if bytes that are not UTF-8 occur outside the column of file names."""
    header = [name.strip() for name in lines[0][1]] if lines else []
    for number, record in lines:
        for place, value in enumerate(record):
            if not _is_text(value) and (number == lines[0][0] or header[place : place + 1] != [names]):
                raise DataError(f"{path}:{number}: the file is not in UTF-8; save it as CSV UTF-8")


def _is_text(value: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in value)


def _numbered(file: TextIO, path: Path) -> list[tuple[int, list[str]]]:
    """Records that are not blank, each with the line on which it begins."""
    lines: list[tuple[int, list[str]]] = []
    begin = 1
    reader = csv.reader(file, strict=True)
    try:
        for values in reader:
            if any("\0" in value for value in values):
                raise DataError(f"{path}:{begin}: holds zero bytes, which are not text; save it as CSV UTF-8")
            if any(value.strip() for value in values):
                lines.append((begin, values))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{begin}: not a comma-separated file ({error})") from None
    return lines


def _checked_header(path: Path, columns: list[str], required: Sequence[str]) -> tuple[str, ...]:
    for name in required:
        if name not in columns:
            shown = ", ".join(columns[:_SHOWN_COLUMNS])[:_SHOWN_TEXT]
            raise DataError(f"{path}: column '{name}' is missing; the columns are: {shown}")
    if len(columns) > _MOST_COLUMNS:
        raise DataError(f"{path}: has {len(columns)} columns, and at most {_MOST_COLUMNS} are taken")
    for name, times in Counter(columns).items():
        if name and times > 1:
            raise DataError(f"{path}: column '{name}' occurs twice")
    return tuple(columns)
