"""Reads labelled photographs of several kinds into one list of samples; see `read_data`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from model.contract.samples import DataError, Dataset
from model.data.demo import demo_folder
from model.data.readers.cars196 import read_cars196
from model.data.readers.coco import read_coco_labels
from model.data.readers.folder import read_folder
from model.data.readers.reading import Reading, with_checked_photos, without_contradictions
from model.data.readers.table import read_labels
from model.system.photo_files import skipped_in_words
from model.system.wording import first_of

_SHOWN_PROBLEMS = 5
_FORMS = "cars196:DIR, coco:FILE.json, folder:DIR, table:FILE.csv, demo: (or demo:DIR)"

_READERS: dict[str, Callable[[str], Reading]] = {
    "cars196": lambda path: read_cars196(Path(path)),
    "coco": lambda path: read_coco_labels(Path(path)),
    "folder": lambda path: read_folder(Path(path)),
    "table": lambda path: read_labels(Path(path)),
    "demo": lambda path: read_folder(demo_folder(Path(path) if path else None), source="demo"),
}


def read_data(specs: Sequence[str], *, skip_bad: bool = False, any_type: bool = False) -> Dataset:
    """Read all of `specs`, in their order, into one data set.

    Args:
        specs: each `KIND:PATH`: `cars196:DIR`, `coco:FILE.json`, `folder:DIR`, `table:FILE.csv`, `demo:` or `demo:DIR`.
        skip_bad: pass over entries that cannot be used and list them in `Dataset.skipped`, instead of failing.
        any_type: let a class have photos of several types, as it may where nothing is learned from them.

    Raises:
        DataError: for an unknown kind, a missing folder, file or column, and when nothing is left; without `skip_bad`
            also for every bad entry: no label, a missing or unreadable picture, a bad box, a class without photos, a
            photo listed twice, a fine class under two coarse classes.
    """
    if not specs:
        raise DataError(f"no data named; give one or more of {_FORMS}")
    samples = []
    problems = []
    unread: Counter[str] = Counter()
    for spec in specs:
        reading = _read(spec)
        unread += reading.unread
        checked = with_checked_photos(reading.samples)
        samples += checked.samples
        problems += reading.problems + checked.problems
    consistent = Reading(samples) if any_type else without_contradictions(samples)
    problems += consistent.problems
    if problems and not skip_bad:
        raise DataError.of_lines([*first_of(problems, _SHOWN_PROBLEMS), *filter(None, [skipped_in_words(unread)])])
    if not consistent.samples:
        nothing = ": ".join(filter(None, (f"no usable photo in {', '.join(specs)}", skipped_in_words(unread))))
        raise DataError(nothing, lines=first_of(problems, _SHOWN_PROBLEMS))
    return Dataset(tuple(consistent.samples), tuple(problems), skipped_in_words(unread))


def _read(spec: str) -> Reading:
    kind, colon, path = spec.partition(":")
    if not colon or kind not in _READERS:
        raise DataError(f"'{spec}' has no known kind of data; give one of {_FORMS}")
    if not path and kind != "demo":
        raise DataError(f"'{spec}' has no path; give one of {_FORMS}")
    return _READERS[kind](path)
