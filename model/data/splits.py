"""Which photos are trained on and which are tested: splits by group, stratified by class, or with disjoint classes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np

from model.contract.choices import FOLDS
from model.contract.samples import DataError, Sample
from model.data.csvfile import CsvRow, read_table
from model.data.readers.table import BOX_COLUMNS, parse_box
from model.system.files import write_whole
from model.system.reading import parse_json

_COLUMNS = ("path", "coarse", "fine", "source", "group", "split", *BOX_COLUMNS, "attributes")
_MIN_GROUPS = 3  # a class with as many groups is in the training and in the test split

_Group = tuple[str, str]  # source, group
_Label = tuple[str, str]  # coarse, and fine or ""
_Stratum = tuple[str, _Label]  # source, or "" where the class has too few groups in each


class Split(StrEnum):
    """What a photo is used for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNSEEN = "unseen"
    """Its class is left out of the training altogether, to measure answers to unknown classes."""


def stratified(
    samples: Sequence[Sample],
    *,
    validation: float,
    test: float,
    seed: int,
    known: Mapping[tuple[str, str], Split] | None = None,
) -> list[Split]:
    """Deal whole groups to the splits so that each class has its share of photos in each of them.

    A group (of a source) never straddles splits. The class is the fine one where known, else the coarse one, taken
    per source. A class with at least three groups has one in train and, with `test` > 0, one in test; a class with
    fewer has one in train. If groups hold photos of several classes, this is done as far as possible. The rarest
    classes are dealt first, as in Sechidis et al., "On the stratification of multi-label data" (2011).

    Args:
        samples: photos in any order; the same order and seed give the same splits.
        validation: share of the photos for validation, at least 0.
        test: share of the photos for test, at least 0; both together leave something for training.
        seed: of the random choice among the groups of a class.
        known: source and group -> the part that it already has; the others are dealt so that the shares come out right.

    Returns:
        The split of each sample.

    Raises:
        ValueError: if the shares are negative or leave nothing for training.
    """
    if not (validation >= 0 and test >= 0 and validation + test < 1):
        raise ValueError(f"shares must not be negative and leave some training data: {validation=}, {test=}")
    # the order decides which split gets the only group left: test before validation
    shares = {Split.TRAIN: 1 - validation - test, Split.TEST: test, Split.VALIDATION: validation}
    rng = np.random.default_rng(seed)
    photos_of = _photos_by_stratum(samples)
    split_of: dict[_Group, Split] = dict(known or {})
    owed = dict.fromkeys(shares, 0.0)
    for photos in sorted(photos_of.values(), key=len):
        for split, share in shares.items():
            # what rounding leaves over goes to the next class, but no more than one photo of it
            owed[split] = min(1.0, max(-1.0, owed[split])) + share * sum(photos.values())
        _deal(photos, owed, split_of, rng, must_test=test > 0 and len(photos) >= _MIN_GROUPS)
    return [split_of[sample.source, sample.group] for sample in samples]


def _photos_by_stratum(samples: Sequence[Sample]) -> dict[_Stratum, dict[_Group, int]]:
    """How many photos each group has of each class; all in order of first occurrence."""
    by_source: dict[_Stratum, dict[_Group, int]] = {}
    for sample in samples:
        counts = by_source.setdefault((sample.source, _label(sample)), {})
        group = (sample.source, sample.group)
        counts[group] = counts.get(group, 0) + 1
    pooled: dict[_Stratum, dict[_Group, int]] = {}
    for (source, label), counts in by_source.items():
        pooled.setdefault((source if len(counts) >= _MIN_GROUPS else "", label), {}).update(counts)
    return pooled


def _deal(
    photos: dict[_Group, int],
    owed: dict[Split, float],
    split_of: dict[_Group, Split],
    rng: np.random.Generator,
    must_test: bool,
) -> None:
    """Deal the groups of one class, largest first, each to the split that is owed most photos."""
    lacking = [Split.TRAIN, Split.TEST] if must_test else [Split.TRAIN]
    for group in photos:
        if group in split_of:
            owed[split_of[group]] -= photos[group]
            lacking = [split for split in lacking if split is not split_of[group]]
    free = [group for group in photos if group not in split_of]
    free = [free[i] for i in rng.permutation(len(free))]
    free.sort(key=lambda group: -photos[group])
    for place, group in enumerate(free):
        candidates = lacking if len(free) - place <= len(lacking) else list(owed)
        chosen = max(candidates, key=lambda split: owed[split])
        split_of[group] = chosen
        owed[chosen] -= photos[group]
        lacking = [split for split in lacking if split is not chosen]


def class_disjoint(
    samples: Sequence[Sample], *, validation: float, seed: int, tested: Collection[str] | None = None
) -> list[Split]:
    """The zero-shot protocol: no fine class of the test photos is seen in training.

    A share `validation` of the training photos is set aside by `stratified`. Photos without a fine class are for
    training, except those whose group holds a tested photo: they may show the same object.

    Args:
        tested: the fine classes of the test; those of `later_half` if None.

    Raises:
        DataError: if no source has two fine classes.
        ValueError: if `validation` is not in [0, 1).
    """
    tested = later_half(samples) if tested is None else tested
    seen_in_test = {(sample.source, sample.group) for sample in samples if sample.fine in tested}

    def is_tested(sample: Sample) -> bool:
        return sample.fine in tested or (sample.fine is None and (sample.source, sample.group) in seen_in_test)

    splits = [Split.TEST if is_tested(sample) else Split.TRAIN for sample in samples]
    trained = [i for i, split in enumerate(splits) if split is Split.TRAIN]
    dealt = stratified([samples[i] for i in trained], validation=validation, test=0.0, seed=seed)
    for i, split in zip(trained, dealt, strict=True):
        splits[i] = split
    return splits


def without_classes(
    samples: Sequence[Sample], left_out: Collection[str], *, validation: float, test: float, seed: int
) -> list[Split]:
    """`stratified`, but photos of the classes in `left_out` are UNSEEN, with photos of their groups without a class."""
    splits = class_disjoint(samples, validation=0.0, seed=seed, tested=left_out)
    known = [i for i, split in enumerate(splits) if split is Split.TRAIN]
    dealt = stratified([samples[i] for i in known], validation=validation, test=test, seed=seed)
    result = [Split.UNSEEN] * len(samples)
    for i, split in zip(known, dealt, strict=True):
        result[i] = split
    return result


def some_classes(samples: Sequence[Sample], share: float, seed: int) -> set[str]:
    """A random `share` of each source's fine classes, at least one of each source that has two or more."""
    rng = np.random.default_rng(seed)
    chosen: set[str] = set()
    for classes in _fine_by_source(samples).values():
        if len(classes) >= 2:
            chosen |= set(rng.choice(classes, max(1, round(share * len(classes))), replace=False).tolist())
    return chosen


def later_half(samples: Sequence[Sample]) -> set[str]:
    """The fine classes that the zero-shot protocol tests: in each source the later half in order of first occurrence.

    Of an odd number the training has one more. Raises DataError if no source has two fine classes.
    """
    fine_of = _fine_by_source(samples)
    tested = {fine for classes in fine_of.values() for fine in classes[(len(classes) + 1) // 2 :]}
    if not tested:
        found = sum(len(classes) for classes in fine_of.values())
        raise DataError(f"the class-disjoint split needs a source with at least two classes; found {found} in all")
    return tested


def fold_of_classes(samples: Sequence[Sample], fold: int) -> set[str]:
    """One of FOLDS equal stretches of each source's fine classes, in order of first occurrence."""
    return {
        fine
        for classes in _fine_by_source(samples).values()
        for fine in classes[len(classes) * fold // FOLDS : len(classes) * (fold + 1) // FOLDS]
    }


def _fine_by_source(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """Source -> the fine classes that occur first in it, in order of first occurrence."""
    home_of: dict[str, str] = {}
    for sample in samples:
        if sample.fine is not None:
            home_of.setdefault(sample.fine, sample.source)
    fine_of: dict[str, list[str]] = {}
    for fine, source in home_of.items():
        fine_of.setdefault(source, []).append(fine)
    return fine_of


def _label(sample: Sample) -> _Label:
    return sample.coarse, sample.fine or ""


def write_split(path: Path, samples: Sequence[Sample], splits: Sequence[Split]) -> None:
    """Write samples and splits as CSV with absolute paths; the file appears whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for sample, split in zip(samples, splits, strict=True):
        labels = (sample.coarse, sample.fine or "", sample.source, sample.group)
        attributes = json.dumps(dict(sample.attributes), ensure_ascii=False, sort_keys=True)
        box = sample.box or ("", "", "", "")
        writer.writerow((sample.path.absolute(), *labels, split.value, *box, attributes))
    write_whole(path, lambda file: file.write(text.getvalue().encode()))


def read_split(path: Path) -> tuple[list[Sample], list[Split]]:
    """What `write_split` wrote; it does not check whether the photos still exist.

    Raises:
        DataError: if the file is missing or a row is not as `write_split` writes it.
    """
    table = read_table(path, required=_COLUMNS, strip=False)
    if table.problems:
        raise DataError(table.problems[0])
    samples: list[Sample] = []
    splits: list[Split] = []
    for row in table.rows:
        values = row.values
        for column in ("path", "coarse", "source", "group"):
            if not values[column]:
                raise DataError(f"{row.origin}: column '{column}' is empty")
        if values["split"] not in list(Split):
            raise DataError(f"{row.origin}: split '{values['split']}' is not one of {', '.join(Split)}")
        splits.append(Split(values["split"]))
        samples.append(
            Sample(
                path=Path(values["path"]),
                coarse=values["coarse"],
                fine=values["fine"] or None,
                source=values["source"],
                group=values["group"],
                origin=row.origin,
                box=parse_box(row),
                attributes=_attributes(row),
            )
        )
    return samples, splits


def _attributes(row: CsvRow) -> dict[str, float]:
    text = row.values["attributes"]
    try:
        values = parse_json(text.encode())
        return {str(name): float(value) for name, value in values.items()}
    except (ValueError, TypeError, AttributeError):
        raise DataError(f"{row.origin}: column 'attributes' is not a JSON object of numbers: {text}") from None
