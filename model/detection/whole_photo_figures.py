"""How good the program is on whole photos, as people have them: `marque identify` on labelled photos, counted.

The program itself is started, as a person would start it: with its finder, its cut-outs, its gallery and thresholds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.contract.bundle import read_info
from model.contract.samples import DataError, Sample
from model.data.csvfile import read_table
from model.detection.finding_metrics import Interval, figures_table, share

_MARQUE = "import sys; from app.cli import main; sys.exit(main())"
_AT_ONCE = 200
"""Photos named on one command line; Windows allows 32,000 letters."""


class PhotoAnswer(NamedTuple):
    """What the program says of a labelled photo.

    Attributes:
        type_right, class_right: whether its best guesses are right.
        given: whether it gives a class, and not only a type or nothing.
        group: number of the group that the photo is in.
    """

    type_right: bool
    class_right: bool
    given: bool
    group: int


class WholePhotoFigures(NamedTuple):
    """Shares of photos, with 95 % intervals by bootstrap over groups.

    Attributes:
        photos: how many.
        class_right, type_right: best guess, also where the program gives none.
        class_given: photos that get a class.
        given_wrong: of these, those whose class is wrong.
    """

    photos: int
    class_right: Interval
    type_right: Interval
    class_given: Interval
    given_wrong: Interval


def whole_photo_figures(samples: Sequence[Sample], model: Path, options: Sequence[str]) -> dict[str, WholePhotoFigures]:
    """Figures for the photos of known classes, and for those of other ones, where there are any.

    Args:
        samples: labelled photos; those without a class are passed over.
        model: the identification model.
        options: more options of `marque identify`, for instance of its finder.

    Raises:
        DataError: if the program cannot identify them; with its own words.
    """
    labelled = [sample for sample in samples if sample.fine is not None]
    known = set(read_info(model).taxonomy.fine)
    answers = _answers(labelled, model, options)
    figures = {}
    for name, rows in (
        ("known classes", [row for row, one in enumerate(labelled) if one.fine in known]),
        ("other classes", [row for row, one in enumerate(labelled) if one.fine not in known]),
    ):
        if rows:
            figures[name] = counted_answers([answers[row] for row in rows])
    return figures


def _answers(samples: Sequence[Sample], model: Path, options: Sequence[str]) -> list[PhotoAnswer]:
    groups = {group: number for number, group in enumerate(dict.fromkeys((one.source, one.group) for one in samples))}
    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(samples), _AT_ONCE):
            table = Path(folder) / f"{start}.csv"
            photos = [str(sample.path.resolve()) for sample in samples[start : start + _AT_ONCE]]
            command = [sys.executable, "-c", _MARQUE, "identify", *photos, "--model", str(model), "--out", str(table)]
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
            if not table.is_file():
                raise DataError(f"marque identify ended without a table: {done.stderr.strip()[-500:]}")
            rows |= {row.values["path"]: row.values for row in read_table(table, ("path", "level")).rows}
    return [
        _answer(sample, rows.get(str(sample.path.resolve())), groups[sample.source, sample.group]) for sample in samples
    ]


def _answer(sample: Sample, row: dict[str, str] | None, group: int) -> PhotoAnswer:
    if row is None:
        raise DataError(f"{sample.path}: the program's table does not have this photo")
    return PhotoAnswer(
        row["coarse"] == sample.coarse,
        row["fine"] == sample.fine,
        row["level"] == "fine",
        group,
    )


def counted_answers(answers: Sequence[PhotoAnswer]) -> WholePhotoFigures:
    """The figures of some answers."""
    type_right, class_right, given, groups = (np.array(column) for column in zip(*answers, strict=True))
    _, group = np.unique(groups, return_inverse=True)
    everything = np.ones(len(answers), bool)
    return WholePhotoFigures(
        len(answers),
        share(class_right, everything, group),
        share(type_right, everything, group),
        share(given, everything, group),
        share(~class_right, given, group),
    )


def whole_photo_table(figures: dict[str, WholePhotoFigures]) -> str:
    """The figures as a Markdown table, a column each."""
    rows: list[tuple[str, Callable[[WholePhotoFigures], str]]] = [
        ("photos", lambda one: f"{one.photos:,}"),
        ("class right, best guess", lambda one: one.class_right.in_percent()),
        ("type right, best guess", lambda one: one.type_right.in_percent()),
        ("class given", lambda one: one.class_given.in_percent()),
        ("... wrong of these", lambda one: one.given_wrong.in_percent()),
    ]
    return figures_table(figures, rows)
