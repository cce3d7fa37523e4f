"""Photos with a teacher's boxes as scenes: what the teacher is sure of is learned, and the rest left open."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.contract.finding import KINDS, overlaps
from model.contract.photo import PhotoError, upright_size
from model.contract.samples import DataError
from model.data.csvfile import CsvRow, read_table
from model.data.scenes import Scene
from model.detection.teacher import COLUMNS

_SURE = 0.5
"""Score from which on a teacher's box is taken for true; below it, nothing is learned there."""
_DOUBTED = 0.3
"""Score from which on a teacher's box that no person drew is left out of the empty places of a scene."""
_SAME = 0.3
"""Overlap (IoU) from which on a teacher's box and a person's are around one thing."""


def read_taught(folder: Path, table: Path, left_out: Collection[Path]) -> list[Scene]:
    """The photos of a folder that a teacher found something in for sure.

    Args:
        folder: that the table's files are in.
        table: as `python -m model.detection.teacher` writes it.
        left_out: photos that nothing may learn from, as resolved paths.

    Raises:
        DataError: if the table cannot be used, or a photo of it cannot be read.
    """
    found = []
    for name, rows in itertools.groupby(read_table(table, COLUMNS).rows, key=lambda row: row.values["file"]):
        lines = list(rows)
        path = folder / name
        boxes, kinds, scores = _boxes(lines)
        if path.resolve() in left_out or not (scores >= _SURE).any():
            continue
        try:
            width, height = upright_size(path)
        except PhotoError as error:
            raise DataError(f"{lines[0].origin}: {error}") from error
        found.append(Scene(path, name, width, height, folder.name, boxes, kinds, scores < _SURE))
    return found


def without_doubted(scenes: Sequence[Scene], table: Path) -> list[Scene]:
    """The scenes, where nothing is learned from places at which the teacher sees what no person has boxed.

    Args:
        scenes: with the boxes of people.
        table: the teacher's boxes on the same photos; those of files that are not among them are passed over.

    Raises:
        DataError: if the table cannot be used.
    """
    taught = {
        name: _boxes(list(rows))
        for name, rows in itertools.groupby(
            read_table(table, COLUMNS).rows, key=lambda row: Path(row.values["file"]).name
        )
    }
    found = []
    for scene in scenes:
        boxes, _, scores = taught.get(Path(scene.file_name).name, _NOTHING)
        more = boxes[(scores >= _DOUBTED) & (overlaps(boxes, scene.boxes).max(1, initial=0.0) < _SAME)]
        found.append(
            replace(
                scene,
                boxes=np.concatenate([scene.boxes, more]),
                kinds=np.concatenate([scene.kinds, np.zeros(len(more), np.int8)]),
                crowd=np.concatenate([scene.crowd, np.ones(len(more), bool)]),
            )
        )
    return found


def _boxes(rows: Sequence[CsvRow]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, kinds and scores of one photo's rows; the row of a photo without boxes has none."""
    full = [row for row in rows if row.values["score"]]
    try:
        boxes = [[float(row.values[side]) for side in ("x1", "y1", "x2", "y2")] for row in full]
        kinds = [KINDS.index(row.values["kind"]) for row in full]
        scores = [float(row.values["score"]) for row in full]
    except ValueError as error:
        raise DataError(f"{rows[0].origin}: not a teacher's box ({error})") from None
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(kinds, np.int8), np.array(scores, np.float32)


_NOTHING = _boxes([])
