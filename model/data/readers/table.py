"""Labels in a CSV file, one row a photo (or an object, where a photo with boxes shows several)."""

from __future__ import annotations

import math
from pathlib import Path

from model.contract.samples import Box, DataError, Sample, known_class
from model.data.csvfile import CsvRow, CsvTable, read_table
from model.data.readers.reading import Reading

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
_TEXT_COLUMNS = ("file", "coarse", "fine", "group", "source")


def read_labels(path: Path) -> Reading:
    """Read a CSV file with the columns `file` and `coarse`, and optionally `fine`, `group`, `source` and a box.

    Files are relative to the folder of the CSV file; spaces around a name are dropped unless a file has the name with
    them. A box is `x1`, `y1`, `x2`, `y2` in pixels of the upright picture, right and bottom exclusive. Every other
    column that holds nothing but numbers becomes an attribute; the others are ignored. Without a `source` column the
    source is the name of the CSV file.

    Raises:
        DataError: if the file cannot be read as such, or a column is missing.
    """
    table = read_table(path, required=("file", "coarse"), names="file")
    boxes = [name for name in BOX_COLUMNS if name in table.columns]
    if boxes and len(boxes) < len(BOX_COLUMNS):
        raise DataError(f"{path}: a box needs the columns x1, y1, x2 and y2; there is only {', '.join(boxes)}")
    numeric = _numeric_columns(table)
    reading = Reading(problems=list(table.problems))
    for row in table.rows:
        try:
            reading.samples.append(_sample(path, row, numeric))
        except DataError as problem:
            reading.problems.append(str(problem))
    return reading


def _sample(path: Path, row: CsvRow, numeric: list[str]) -> Sample:
    for column in ("file", "coarse"):
        value = row.values[column]
        # a name may consist of spaces alone
        if not value.strip() and not (column == "file" and value and (path.parent / value).is_file()):
            raise DataError(f"{row.origin}: column '{column}' is empty")
    file = _named(path.parent, row)
    return Sample(
        path=file,
        coarse=row.values["coarse"],
        fine=known_class(row.values.get("fine")),
        source=row.values.get("source") or path.stem,
        # a file is its own group: several objects of one photo stay together
        group=row.values.get("group") or str(file),
        origin=row.origin,
        box=parse_box(row),
        attributes={name: number for name in numeric if math.isfinite(number := float(row.values[name] or "nan"))},
    )


def _named(folder: Path, row: CsvRow) -> Path:
    """The file of a row: of exactly that name where there is one, else without spaces at its ends."""
    name = row.values["file"]
    exact = (folder / name).absolute()
    if name != name.strip() and not exact.is_file():
        exact = (folder / name.strip()).absolute()
    try:
        name.encode()
    except UnicodeEncodeError:
        if not exact.is_file():
            raise DataError(f"{row.origin}: the file is not in UTF-8; save it as CSV UTF-8") from None
    return exact


def parse_box(row: CsvRow) -> Box | None:
    """The box in a row's columns x1, y1, x2, y2 (fractions are rounded); None where all are empty or missing.

    Raises:
        DataError: if one of them is not a number, some are empty, or the box has no area.
    """
    texts = [row.values.get(name, "") for name in BOX_COLUMNS]
    if not any(texts):
        return None
    numbers = []
    for name, text in zip(BOX_COLUMNS, texts, strict=True):
        number = _number(text)
        if number is None or not math.isfinite(number):
            raise DataError(f"{row.origin}: column '{name}' of the box is not a number ('{text}')")
        numbers.append(round(number))
    left, top, right, bottom = numbers
    if left >= right or top >= bottom:
        raise DataError(f"{row.origin}: the box {left}, {top}, {right}, {bottom} has no area; x2 and y2 must be larger")
    return left, top, right, bottom


def _numeric_columns(table: CsvTable) -> list[str]:
    """Columns other than ours in which every value that is not empty is a number, and at least one is."""
    others = [name for name in table.columns if name and name not in _TEXT_COLUMNS and name not in BOX_COLUMNS]
    numeric = []
    for name in others:
        filled = [row.values[name] for row in table.rows if row.values[name]]
        if filled and all(_number(text) is not None for text in filled):
            numeric.append(name)
    return numeric


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
