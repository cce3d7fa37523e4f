"""Which XMP sidecars belong to a photo: `a.xmp`, `a.jpg.xmp` and their spellings in upper and mixed case.

`a.jpg.xmp` belongs to `a.jpg`. `a.xmp` belongs to every `a.*` that can have a sidecar: to a RAW and the JPEG of the
same shot, both. Darktable's `a_01.jpg.xmp`, a second development of `a.jpg`, belongs to `a.jpg` unless a photo has that
name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.system.file_placement import folded
from model.system.errors import file_error
from model.system.files import LONGEST_NAME

ENDING = ".xmp"

_NO_PHOTOS = (
    ".aae .bak .cos .csv .cube .dop .htm .html .icc .ini .json .log .md .on1 .part .pdf .pp3 .sha256 .thm .tsv .txt "
    ".url .xml .yaml .yml"
)
_OWNS_NOTHING = frozenset({"", ENDING, *_NO_PHOTOS.split()})
"""Endings of files that have no XMP sidecar. Any other file may be a photo in an unknown format."""
_DUPLICATE = re.compile(r"(.+)_\d{2,}(\.[^.]+)", re.DOTALL)


@dataclass(frozen=True)
class Sidecar:
    """A sidecar of a photo. others: further files in the folder to which it also belongs."""

    path: Path
    others: tuple[Path, ...] = ()


class Sidecars:
    """Finds the sidecars of many photos. Each folder is read once, so use an object for one piece of work only."""

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}

    def of(self, photo: Path) -> tuple[Sidecar, ...]:
        """All sidecars that belong to a photo: `a.jpg.xmp`, `a.xmp`, then darktable's others.

        Raises:
            FileError: if the folder cannot be listed, so nobody knows which sidecars exist.
        """
        return tuple(
            Sidecar(photo.parent / name, tuple(photo.parent / other for other in others))
            for name, others in self._folder(photo.parent).of(photo.name)
        )

    def to_write(self, photo: Path) -> Path:
        """The sidecar that takes keywords: one that belongs only to this photo, else a new one. Raises FileError.

        A new one is `a.xmp` where `a.jpg.xmp` would be too long a name and no other file has a claim to `a.xmp`.
        """
        new = place_for_new(photo)
        alone = [one.path for one in self.of(photo) if not one.others]
        mine = (one for one in alone if folded(one.name) in (folded(new.name), folded(photo.stem + ENDING)))
        if is_too_long(new) and self._folder(photo.parent).has_stem_alone(photo.name):
            new = short_place_for_new(photo)
        return next(mine, new)

    def _folder(self, folder: Path) -> _Folder:
        if folder not in self._folders:
            self._folders[folder] = _Folder(_files(folder))
        return self._folders[folder]


def place_for_new(photo: Path) -> Path:
    """The place of a photo's new sidecar, which cannot belong to another photo: `a.jpg.xmp`."""
    return photo.with_name(photo.name + ENDING)


def short_place_for_new(photo: Path) -> Path:
    """`a.xmp`, which is no longer than the photo's own name."""
    return photo.with_suffix(ENDING)


def is_too_long(place: Path) -> bool:
    """Whether the name is longer than file systems allow."""
    return len(os.fsencode(place.name)) > LONGEST_NAME


def beside(sidecar: Path, photo: Path, target: Path) -> Path:
    """The place of a photo's sidecar when the photo is at `target`: its name changes like the photo's."""
    if target.name == photo.name:
        return target.with_name(sidecar.name)
    ending = sidecar.name[-len(ENDING) :]
    stem = sidecar.name[: -len(ENDING)]
    if folded(stem) == folded(photo.name):
        return target.with_name(target.name + ending)
    if folded(stem) == folded(photo.stem):
        return target.with_name(target.stem + ending)
    number = stem[len(photo.stem) : len(stem) - len(photo.suffix)]  # darktable's _01
    return target.with_name(f"{target.stem}{number}{target.suffix}{ending}")


class _Folder:
    """The content of a folder by folded names, which are the same in upper and lower case."""

    def __init__(self, names: list[str]) -> None:
        self._sidecars: dict[str, list[str]] = {}  # by their names without .xmp
        self._duplicates: dict[str, list[str]] = {}  # darktable's sidecars, by the names of their photos
        self._named: dict[str, list[str]] = {}  # files that can have a sidecar
        self._stems: dict[str, list[str]] = {}  # the same by their names without ending
        for name in names:
            if _is_sidecar(name):
                self._sidecars.setdefault(folded(_stem(name)), []).append(name)
        self._names = names
        if self._sidecars:
            self._find_owners()

    def _find_owners(self) -> None:
        for name in self._names:
            stem, ending = os.path.splitext(name)  # noqa: PTH122 -- a Path for each name of a large folder takes its time
            if ending.lower() not in _OWNS_NOTHING:
                self._named.setdefault(folded(name), []).append(name)
                self._stems.setdefault(folded(stem), []).append(name)
        for key, sidecars in self._sidecars.items():
            original = _DUPLICATE.fullmatch(key)
            if original and key not in self._named and key not in self._stems:
                self._duplicates.setdefault(original[1] + original[2], []).extend(sidecars)

    def has_stem_alone(self, photo: str) -> bool:
        """Whether `a.xmp` would belong to this photo and to no other file."""
        if not self._named:
            self._find_owners()
        stem = folded(_stem(photo))
        return stem not in self._named and _with(photo, self._stems.get(stem, [])) == [photo]

    def of(self, photo: str) -> Iterator[tuple[str, list[str]]]:
        """Each sidecar of a photo, with the names of the other files that it belongs to."""
        if not self._sidecars:
            return
        full, stem = folded(photo), folded(_stem(photo))
        namesakes = _with(photo, self._named.get(full, []))
        for sidecar in self._sidecars.get(full, ()):
            # a.jpg and A.JPG can be two photos of one folder
            owners = [name for name in namesakes if name == _stem(sidecar)] or namesakes
            if photo in owners:
                yield sidecar, [name for name in owners if name != photo]
        if stem not in self._named:  # otherwise it is the a.jpg.xmp of another photo
            sidecars, alike = self._sidecars.get(stem, []), _with(photo, self._stems.get(stem, []))
            for sidecar in sidecars:
                owners = [name for name in alike if _takes(name, sidecar, sidecars)]
                if photo in owners:
                    yield sidecar, [name for name in owners if name != photo]
        for sidecar in self._duplicates.get(full, ()):
            yield sidecar, [name for name in namesakes if name != photo]


def _with(photo: str, names: list[str]) -> list[str]:
    return names if photo in names else [*names, photo]  # a photo of any name, also a missing one, has sidecars


def _takes(owner: str, sidecar: str, sidecars: list[str]) -> bool:
    """Whether an `a.*` goes with this spelling of `a.xmp`: with its own spelling if that exists, else with all."""
    return _stem(sidecar) == _stem(owner) or all(_stem(one) != _stem(owner) for one in sidecars)


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122


def _is_sidecar(name: str) -> bool:
    return len(name) > len(ENDING) and name[-len(ENDING) :].lower() == ENDING


def _files(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as listing:
            return [entry.name for entry in listing if _is_file(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise file_error(error, folder) from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
