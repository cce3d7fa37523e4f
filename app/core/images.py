"""Finding image files and opening them; the program opens photographs nowhere else."""

from __future__ import annotations

import heapq
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from PIL import Image, ImageOps

from model.photo import PhotoError
from model.photo import read_rgb as load
from model.photo_files import has_photo_suffix

__all__ = ["PhotoError", "listings", "load", "natural_key", "scan", "thumbnail"]

_RUN = 1000  # names that are sorted at once
_first = itemgetter(0)
_log = logging.getLogger(__name__)


def _log_problem(path: Path, reason: str) -> None:
    _log.warning("%s: %s", path, reason)


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorting key that puts `photo2` before `photo10` and does not tell upper from lower case."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part)) if part.isdigit() and part.isascii() else (1, part) for part in parts if part)


def scan(
    paths: Iterable[Path | str],
    *,
    recursive: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
    problem: Callable[[Path, str], None] = _log_problem,
) -> Iterator[Path]:
    """The photos under `paths`, one after the other while the disk is being read.

    A file that is named is taken whatever its ending; in a folder the ending decides. Within a folder: files in natural
    order, then its folders. Names that begin with a dot are left out, links are followed, and each file comes once
    however many ways lead to it, so that a link to a parent folder does no harm.

    Args:
        paths: files and folders.
        recursive: also look into the folders of folders.
        cancelled: asked between files; the scan ends when it answers True.
        problem: told of each path that does not exist or cannot be read, with the reason; the scan goes on.
    """
    seen: set[str] = set()
    for path in map(Path, paths):
        if path.is_dir():
            for folder, files in listings(path, recursive=recursive, seen=seen, problem=problem):
                for entry in files:
                    if cancelled():
                        return
                    yield folder / entry.name
        elif path.is_file():
            if cancelled():
                return
            if (real := os.path.realpath(path)) not in seen:
                seen.add(real)
                yield path
        else:
            problem(path, "there is no such file or folder")


def listings(
    top: Path,
    *,
    recursive: bool = True,
    in_order: bool = True,
    seen: set[str] | None = None,
    problem: Callable[[Path, str], None] = _log_problem,
) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Each folder from `top` down with the photos in it that `scan` would find there.

    Args:
        top: an existing folder.
        recursive: also the folders of folders.
        in_order: whether the photos of a folder must come in natural order; half of the time goes into that.
        seen: real paths that came already and do not come again; those that come are added.
        problem: as of `scan`.
    """
    seen = set() if seen is None else seen
    pending = [top]
    while pending:
        folder = pending.pop()
        real_folder = os.path.realpath(folder)
        if real_folder in seen:  # a real folder is entered once, which ends loops of links
            continue
        seen.add(real_folder)
        try:
            files, folders = _listing(folder, problem)
        except OSError as error:
            problem(folder, f"the folder cannot be read ({error.strerror})")
            continue
        if recursive:
            pending.extend(folder / entry.name for entry in reversed(_sorted(folders)))
        # of a file and a link to it the first one comes, so with links the order matters
        if in_order or any(entry.is_symlink() for entry in files):
            files = _sorted(files)
        yield folder, _new(files, real_folder, seen)


def _new(files: Iterable[os.DirEntry[str]], real_folder: str, seen: set[str]) -> list[os.DirEntry[str]]:
    """Those that did not come already."""
    new = []
    for entry in files:
        real = os.path.realpath(entry.path) if entry.is_symlink() else f"{real_folder}{os.sep}{entry.name}"
        if real not in seen:
            seen.add(real)
            new.append(entry)
    return new


def _sorted(entries: Sequence[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    # in runs that are merged: one sort of 100,000 names would keep every other thread from the interpreter
    keyed = [((natural_key(entry.name), entry.name), entry) for entry in entries]
    runs = (sorted(keyed[start : start + _RUN], key=_first) for start in range(0, len(keyed), _RUN))
    return [entry for _, entry in heapq.merge(*runs, key=_first)]


def _listing(
    folder: Path, problem: Callable[[Path, str], None]
) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """The photos and the folders in a folder, in no order."""
    files: list[os.DirEntry[str]] = []
    folders: list[os.DirEntry[str]] = []
    with os.scandir(folder) as listing:
        for entry in listing:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    folders.append(entry)
                elif has_photo_suffix(entry.name) and entry.is_file():
                    files.append(entry)
            except OSError as error:  # a link to itself
                problem(folder / entry.name, f"the link cannot be followed ({error.strerror})")
    return files, folders


def thumbnail(path: Path, side: int) -> Image.Image:
    """The picture upright in RGB, no larger than `side` x `side` pixels, proportions kept.

    A JPEG is decoded at a fraction of its size, several times faster than in full.

    Raises:
        PhotoError: as `load` does.
    """
    image = _reduced_jpeg(path, side) or load(path)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    return image


def _reduced_jpeg(path: Path, side: int) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            if image.format not in ("JPEG", "MPO"):
                return None
            image.draft("RGB", (side, side))
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # `load` knows how to say what is wrong with the file
