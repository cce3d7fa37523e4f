"""Labels given by folders: `coarse/fine/photo.jpg`, or `coarse/photo.jpg` where the fine class is unknown."""

from __future__ import annotations

import os
from pathlib import Path

from model.contract.samples import DataError, Sample, known_class
from model.data.readers.reading import Reading, require_folder
from model.system.photo_files import listings

_Class = tuple[str, ...]  # (coarse,) or (coarse, fine)


def read_folder(path: Path, source: str | None = None) -> Reading:
    """Read `coarse/fine/**/photo.jpg`; a photo directly in `coarse/`, or in `coarse/class unknown/`, has no fine class.

    The photos are those that `scan` finds: hidden files, and files that are not pictures, are left alone. The source is
    the folder's name unless given. Samples come in the order of their paths.

    Raises:
        DataError: if the folder is missing or holds no class folder.
    """
    path = path.absolute()
    require_folder(path)
    reading = Reading()
    photos: dict[_Class, list[Path]] = {}
    repeated: list[Path] = []

    def problem(place: Path, reason: str) -> None:
        reading.problems.append(f"{place}: {reason}")

    for folder, entries in listings(path, problem=problem, skipped=reading.unread, repeated=repeated.append):
        photos.setdefault(folder.relative_to(path).parts[:2], []).extend(folder / entry.name for entry in entries)
    outside = sorted(photos.pop((), ()))
    reading.problems[:0] = [f"{photo}: the photo is not in a class folder" for photo in outside]
    if not photos:
        raise DataError(f"{path}: it has no class folders; put the photos into folders named type/class")
    typed = {names[0] for names in photos if len(names) > 1}
    for names in sorted(photos):
        if not photos[names] and (len(names) > 1 or names[0] not in typed):
            reading.problems.append(f"{path.joinpath(*names)}: this class has no photos")
        for photo in sorted(photos[names]):
            fine = known_class(names[1]) if len(names) > 1 else None
            group = str(photo.relative_to(path))
            reading.samples.append(Sample(photo, names[0], fine, source or path.name, group, origin=str(photo)))
    reading.problems += _under_another_class(path, repeated, reading.samples)
    return reading


def _under_another_class(path: Path, repeated: list[Path], samples: list[Sample]) -> list[str]:
    """Links to photos and folders of another class than their own; a second link from the same class does no harm."""
    problems = []
    places = {os.path.realpath(sample.path): sample for sample in samples} if repeated else {}
    for link in repeated:
        real = os.path.realpath(link)
        first = places.get(real) or next(
            (one for place, one in places.items() if place.startswith(real + os.sep)), None
        )
        if first is not None and first.path.relative_to(path).parts[:2] != link.relative_to(path).parts[:2]:
            kind = "folder" if real not in places else "photo"
            problems.append(f"{link}: the {kind} is the same as {first.path if kind == 'photo' else first.path.parent}")
    return problems
