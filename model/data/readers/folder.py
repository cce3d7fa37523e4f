"""Labels given by folders: `coarse/fine/photo.jpg`, or `coarse/photo.jpg` where the fine class is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from model.data.readers.reading import Reading, require_folder
from model.data.samples import DataError, Sample
from model.photo_files import has_photo_suffix


def read_folder(path: Path, source: str | None = None) -> Reading:
    """Read `coarse/fine/**/photo.jpg`; a photo directly in `coarse/` has no fine class.

    Hidden files and files that are no pictures are left alone. The source is the folder's name unless given. Samples
    come in the order of their paths.

    Raises:
        DataError: if the folder is missing or holds no class folder.
    """
    path = path.absolute()
    require_folder(path)
    reading = Reading()
    reading.problems += [f"{photo}: the photo lies outside of any class folder" for photo in _photos(path.iterdir())]
    coarse_folders = _folders(path)
    if not coarse_folders:
        raise DataError(f"{path}: there is no class folder; put the photos into folders named coarse/fine")
    for coarse in coarse_folders:
        labelled: list[tuple[Path, str | None]] = [(photo, None) for photo in _photos(coarse.iterdir())]
        fine_folders = _folders(coarse)
        for fine in fine_folders:
            photos = _photos(fine.rglob("*"))
            if not photos:
                reading.problems.append(f"{fine}: there is no photo of this class")
            labelled += [(photo, fine.name) for photo in photos]
        if not labelled and not fine_folders:
            reading.problems.append(f"{coarse}: there is no photo of this class")
        for photo, fine_name in labelled:
            group = str(photo.relative_to(path))
            reading.samples.append(Sample(photo, coarse.name, fine_name, source or path.name, group, origin=str(photo)))
    return reading


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _photos(entries: Iterable[Path]) -> list[Path]:
    return sorted(
        entry
        for entry in entries
        if has_photo_suffix(entry.name) and not entry.name.startswith(".") and entry.is_file()
    )
