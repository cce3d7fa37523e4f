"""CSV files as rows with their line numbers, so that every message can say where it comes from."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from model.data.samples import DataError
from model.reading import TABLE, must_fit, open_regular, regular_file

_MOST_COLUMNS = 10_000
_SHOWN_COLUMNS, _SHOWN_TEXT = 30, 500


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its place ("labels.csv:17") and its values by column name."""

    origin: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a CSV file, its rows, and a message for each row whose number of values is wrong."""

    columns: tuple[str, ...]
    rows: list[Row]
    problems: list[str]


def read_table(path: Path, required: Sequence[str], *, strip: bool = True) -> Table:
    """Read a comma-separated file in UTF-8, with or without a byte order mark; empty lines are passed over.

    Args:
        path: the file.
        required: columns that must be there.
        strip: take spaces at both ends of a value for carelessness; not so in files that the program wrote.

    Raises:
        DataError: if the file is missing or is no such file, has no rows, or lacks one of the `required` columns.
    """
    try:
        must_fit(regular_file(path).st_size, TABLE, path)
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            lines = _numbered(file, path)
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
        raise DataError(f"{path}: there is no row beneath the column names")
    rows: list[Row] = []
    problems: list[str] = []
    for number, record in lines[1:]:
        origin = f"{path}:{number}"
        values = [value.strip() for value in record] if strip else record
        if len(values) == len(columns):
            rows.append(Row(origin, dict(zip(columns, values, strict=True))))
        else:
            problems.append(f"{origin}: {len(values)} values, but {len(columns)} columns")
    return Table(columns, rows, problems)


def _numbered(file: TextIO, path: Path) -> list[tuple[int, list[str]]]:
    """Records that are not blank, each with the line on which it begins."""
    lines: list[tuple[int, list[str]]] = []
    begin = 1
    reader = csv.reader(file, strict=True)
    try:
        for values in reader:
            if any("\0" in value for value in values):
                raise DataError(f"{path}:{begin}: holds bytes of zeros, which are no text; save it as CSV UTF-8")
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
