"""Stanford Cars (Krause et al., 2013) in the layout of its devkit, with the body types as coarse classes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from model.contract.photo import PhotoError, upright_size
from model.contract.samples import DataError, Sample
from model.data.body_types import body_type
from model.data.csvfile import read_table
from model.data.readers.matlab import variables
from model.data.readers.reading import Reading, require_folder
from model.system.reading import read_file

_HALVES = (
    (Path("devkit/cars_train_annos.mat"), "cars_train"),
    (Path("devkit/cars_test_annos_withlabels.mat"), "cars_test"),
)
_LOOKED_AT = 50
_DIGITS = 9  # of a class's number
_LARGEST = 64 << 20  # bytes; the annotations of the whole set have less than one million
_LOG = logging.getLogger(__name__)

_Row = tuple[int, str, str, Any, Path]  # class id, file name, origin, annotation, photo folder
_FIELDS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")


def read_cars196(path: Path) -> Reading:
    """Read the training half, the test half, or both, whichever `path` holds.

    Fine is the model (class name of the devkit), coarse its body type from `body_types.csv`, or from the model's name
    if there is no such file. Samples come in the order of the devkit's classes, which the class-disjoint split
    relies on, then of the file names.

    Raises:
        DataError: if the folder, its devkit, an annotated photo folder or a body type is missing.
    """
    path = path.absolute()
    require_folder(path)
    meta = path / "devkit" / "cars_meta.mat"
    names = [str(name) for name in np.atleast_1d(_load(meta, "class_names"))]
    halves = [(path / labels, path / photos) for labels, photos in _HALVES if (path / labels).exists()]
    if not halves:
        raise DataError(f"{path}: it has neither {_HALVES[0][0]} nor {_HALVES[1][0]}")
    rows: list[_Row] = []
    for labels, photos in halves:
        if not photos.is_dir():
            raise DataError(f"{photos}: the folder does not exist, but {labels.name} describes its photos")
        rows += _rows(labels, photos, len(names))
    coarse_of = _body_types(path, names, {row[0] for row in rows}, meta)
    rows.sort(key=lambda row: (*row[:2], str(row[4])))
    cropped = {photos for _, photos in halves if _are_crops([row for row in rows if row[4] == photos])}
    for photos in sorted(cropped):
        _LOG.warning("%s: the photos are already cut to their boxes; the boxes are not used", photos)
    return Reading([_sample(row, names, coarse_of, with_box=row[4] not in cropped) for row in rows])


def _rows(annotations: Path, photos: Path, classes: int) -> list[_Row]:
    """The annotations of one half."""
    table = np.atleast_1d(_load(annotations, "annotations"))
    missing = [name for name in _FIELDS if name not in (table.dtype.names or ())]
    if missing:
        hint = "; take the annotations with labels" if "class" in missing else ""
        raise DataError(f"{annotations}: field '{missing[0]}' is missing{hint}")
    rows = []
    for number, entry in enumerate(table, start=1):
        origin = f"{annotations}: entry {number}"
        class_id = _whole(entry, "class", origin)
        if not 1 <= class_id <= classes:
            raise DataError(f"{origin}: class {class_id}, but cars_meta.mat names {classes} classes")
        rows.append((class_id, str(entry["fname"]), origin, entry, photos))
    return rows


def _are_crops(rows: list[_Row]) -> bool:
    """Whether every box ends at the lower right corner of its photo, seen in a few of them.

    There are copies of the data set whose photos were cut to the boxes while the boxes were left as they were: they
    would cut away half of the car.
    """
    ends = []
    for _, file, origin, entry, photos in rows[:: len(rows) // _LOOKED_AT + 1]:
        try:
            end = tuple(_whole(entry, field, origin) for field in _FIELDS[2:4])
            ends.append(end == upright_size(photos / file))
        except PhotoError:
            continue  # the check of all photos reports it
    return bool(ends) and all(ends)


def _sample(row: _Row, names: list[str], coarse_of: dict[int, str], with_box: bool) -> Sample:
    class_id, file, origin, entry, photos = row
    name = names[class_id - 1]
    year = name.split()[-1]
    left, top, right, bottom = (_whole(entry, field, origin) for field in _FIELDS[:4])
    return Sample(
        path=photos / file,
        coarse=coarse_of[class_id],
        fine=name,
        source="cars196",
        group=f"{photos.name}/{file}",
        origin=origin,
        # MATLAB counts from one and includes the last pixel
        box=(left - 1, top - 1, right, bottom) if with_box else None,
        attributes={"year": float(year)} if len(year) == 4 and year.isdecimal() else {},
    )


def _body_types(path: Path, names: list[str], used: set[int], meta: Path) -> dict[int, str]:
    """Class id -> body type, at least for the classes in use."""
    file = path / "body_types.csv"
    if not file.exists():
        try:
            return {class_id: body_type(names[class_id - 1]) for class_id in used}
        except DataError as problem:
            raise DataError(f"{meta}: {problem}; add a body_types.csv with class_id, class_name, body_type") from None
    table = read_table(file, required=("class_id", "class_name", "body_type"))
    if table.problems:
        raise DataError(table.problems[0])
    types: dict[int, str] = {}
    for row in table.rows:
        text, name, coarse = (row.values[column] for column in ("class_id", "class_name", "body_type"))
        if (
            not text.isdecimal()
            or len(text) > _DIGITS
            or not 1 <= int(text) <= len(names)
            or names[int(text) - 1] != name
        ):
            raise DataError(f"{row.origin}: cars_meta.mat has no class {text} '{name}'")
        if not coarse:
            raise DataError(f"{row.origin}: column 'body_type' is empty")
        if types.setdefault(int(text), coarse) != coarse:
            raise DataError(f"{row.origin}: class '{name}' is '{types[int(text)]}' further up and '{coarse}' here")
    for class_id in sorted(used - types.keys()):
        raise DataError(f"{file}: class {class_id} '{names[class_id - 1]}' is missing")
    return types


def _whole(entry: Any, field: str, origin: str) -> int:
    try:
        return int(entry[field])
    except (ValueError, TypeError, OverflowError):
        raise DataError(f"{origin}: '{field}' is not a whole number") from None


def _load(path: Path, variable: str) -> Any:
    """A variable of a MATLAB file."""
    try:
        content = read_file(path, _LARGEST)
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist") from None
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror})") from error
    try:
        found = variables(content, _LARGEST)
    except ValueError as error:
        raise DataError(f"{path}: not a MATLAB file that can be read ({error})") from error
    if variable not in found:
        raise DataError(f"{path}: variable '{variable}' is missing")
    return found[variable]
