"""What a reader returns, and the checks that hold for the samples of every reader."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from model.contract.photo import PhotoError, upright_size
from model.contract.samples import Box, DataError, Sample


@dataclass
class Reading:
    """What was read.

    Attributes:
        samples: in reading order.
        problems: a message for each entry that cannot be used.
        unread: how many files there are of kinds that are known and cannot be read; see `skipped_in_words`.
    """

    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)


def with_checked_photos(samples: Sequence[Sample]) -> Reading:
    """Look at the header of every picture: leave out those that cannot be opened, clip boxes to the picture."""
    # opening files is mostly waiting, so there are more threads than cores
    with ThreadPoolExecutor(max_workers=4 * (os.cpu_count() or 1)) as pool:
        return _collected(pool.map(_with_checked_photo, samples, chunksize=64))


def without_contradictions(samples: Iterable[Sample]) -> Reading:
    """Keep the first entry for each object, and the entries of a fine class under the parent that it had first."""
    reading = Reading()
    first_of: dict[tuple[str, Box | None], Sample] = {}
    first_under: dict[str, Sample] = {}
    for sample in samples:
        known = first_of.setdefault((str(sample.path), sample.box), sample)
        if known is not sample:
            reading.problems.append(
                f"{sample.origin}: {sample.path.name} is already listed at {known.origin} as {_label(known)}"
                + ("" if _label(known) == _label(sample) else f", here as {_label(sample)}")
            )
            continue
        if sample.fine is not None:
            parent = first_under.setdefault(sample.fine, sample)
            if parent.coarse != sample.coarse:
                reading.problems.append(
                    f"{sample.origin}: class '{sample.fine}' has the type '{sample.coarse}', "
                    f"but the type '{parent.coarse}' at {parent.origin}"
                )
                continue
        reading.samples.append(sample)
    return reading


def require_folder(path: Path) -> None:
    """Raise a DataError if `path` is not a folder."""
    if not path.is_dir():
        found = "this is a file, not a folder" if path.exists() else "the folder does not exist"
        raise DataError(f"{path}: {found}")


def _collected(results: Iterable[Sample | str]) -> Reading:
    reading = Reading()
    for result in results:
        if isinstance(result, Sample):
            reading.samples.append(result)
        else:
            reading.problems.append(result)
    return reading


def _with_checked_photo(sample: Sample) -> Sample | str:
    try:
        str(sample.path).encode()
    except UnicodeEncodeError:
        return f"{str(sample.path)!a}: the file name is not in the system's encoding; rename the file"
    try:
        width, height = upright_size(sample.path)
    except PhotoError as error:
        place = "" if sample.origin == str(sample.path) else f"{sample.path}: "
        return f"{sample.origin}: {place}{error.reason}"
    if sample.box is None:
        return sample
    left, top, right, bottom = sample.box
    clipped = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    if clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
        return f"{sample.origin}: box {sample.box} holds no part of {sample.path.name} ({width} x {height} pixels)"
    return sample if clipped == sample.box else replace(sample, box=clipped)


def _label(sample: Sample) -> str:
    return sample.coarse if sample.fine is None else f"{sample.coarse}/{sample.fine}"
