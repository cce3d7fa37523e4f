"""Which files are photos and which folders are entered: the one answer for window, commands and trainer."""

from __future__ import annotations

import heapq
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path

from model.system.reading import regular_file
from model.system.wording import counted

HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""File name endings of photos that take the extra `heic`."""
HEIC_ADVICE = 'to read HEIC photos: pip install "marque[heic]"'

PHOTO_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
) | (HEIC_SUFFIXES if find_spec("pillow_heif") else frozenset())
"""File name endings, in lower case, that a folder scan takes for photos."""

_RAW = (
    ".3fr .ari .arw .bay .cap .cr2 .cr3 .crw .dcr .dcs .dng .drf .eip .erf .fff .gpr .iiq .k25 .kdc .mdc .mef "
    ".mos .mrw .nef .nrw .orf .ori .pef .ptx .pxn .raf .raw .rw2 .rwl .rwz .sr2 .srf .srw .x3f"
)
_VIDEO = (
    ".3g2 .3gp .asf .avi .braw .flv .insv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .r3d .vob .webm .wmv .lrv"
)
UNREADABLE = {
    **dict.fromkeys(_RAW.split(), "RAW photo"),
    **dict.fromkeys(_VIDEO.split(), "video"),
    **dict.fromkeys(HEIC_SUFFIXES - PHOTO_SUFFIXES, "HEIC photo"),
    ".jxl": "JPEG XL photo",
    **dict.fromkeys((".j2c", ".j2k", ".jp2", ".jpf", ".jpx"), "JPEG 2000 photo"),
    **dict.fromkeys((".psb", ".psd"), "Photoshop document"),
}
"""Kinds of picture that are known and cannot be read, by file name ending in lower case."""

_NEVER_ENTERED = frozenset(
    {
        "$recycle.bin",
        "#recycle",
        "#snapshot",
        "@eadir",
        "@recycle",
        "__macosx",
        "lost+found",
        "system volume information",
    }
)
"""Folders, in lower case, in which systems keep previews, deleted files and copies, besides those with a dot."""

_RUN = 1000  # names that are sorted at once
_first = itemgetter(0)
_log = logging.getLogger(__name__)


def suffix_of(name: str) -> str:
    """A file name's ending in lower case, with the dot; "" without one."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""


def skipped_in_words(skipped: Mapping[str, int]) -> str:
    """What `scan` counted, as "31 RAW photos and 2 videos skipped"; "" where nothing was."""
    parts = [counted(count, kind) for kind, count in sorted(skipped.items()) if count]
    if not parts:
        return ""
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{listed} skipped" + (f"; {HEIC_ADVICE}" if skipped.get("HEIC photo") else "")


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorting key that puts `photo2` before `photo10` and treats upper and lower case alike."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part)) if part.isdigit() and part.isascii() else (1, part) for part in parts if part)


def _log_problem(path: Path, reason: str) -> None:
    _log.warning("%s: %s", path, reason)


def scan(
    paths: Iterable[Path | str],
    *,
    recursive: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
    problem: Callable[[Path, str], None] = _log_problem,
    skipped: Counter[str] | None = None,
) -> Iterator[Path]:
    """The photos under `paths`, one after the other while the disk is being read.

    A file that is named is always taken; in a folder the ending decides, and hidden files and folders, and those in
    which systems keep previews and deleted files, are left out. Within a folder: files in natural order, then its
    folders. Links are followed, and each file comes once however many paths lead to it, so a link to a parent folder
    does no harm.

    Args:
        paths: files and folders.
        recursive: also look into the folders of folders.
        cancelled: asked between files; the scan ends when it answers True.
        problem: called for each path that does not exist or cannot be read, with the reason; the scan continues.
        skipped: counts the files of kinds that are known and cannot be read; see `skipped_in_words`.
    """
    seen: set[str] = set()
    for path in map(Path, paths):
        if path.is_dir():
            for folder, files in listings(path, recursive=recursive, seen=seen, problem=problem, skipped=skipped):
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
            problem(path, _why_not(path))


def _why_not(path: Path) -> str:
    """Why a path is neither a file nor a folder."""
    try:
        regular_file(path)
    except FileNotFoundError:
        return "there is no such file or folder"
    except OSError as error:
        return error.strerror or "it cannot be looked at"
    except ValueError:  # a name with a NUL
        return "there is no such file or folder"
    return "it appeared or changed just now"


def listings(
    top: Path,
    *,
    recursive: bool = True,
    in_order: bool = True,
    seen: set[str] | None = None,
    problem: Callable[[Path, str], None] = _log_problem,
    skipped: Counter[str] | None = None,
    repeated: Callable[[Path], None] = lambda _path: None,
) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Each folder from `top` down with the photos in it that `scan` would find there.

    Args:
        top: an existing folder.
        recursive: also the folders of folders.
        in_order: whether the photos of a folder must come in natural order; sorting takes half of the time.
        seen: real paths that were found before and are left out; new ones are added.
        problem: as in `scan`.
        skipped: as in `scan`.
        repeated: called for each photo and folder that was already reached by another path.
    """
    seen = set() if seen is None else seen
    pending = [top]
    while pending:
        folder = pending.pop()
        real_folder = os.path.realpath(folder)
        if real_folder in seen:  # a real folder is entered once, which ends loops of links
            repeated(folder)
            continue
        seen.add(real_folder)
        try:
            files, folders = _listing(folder, problem, Counter() if skipped is None else skipped)
        except OSError as error:
            problem(folder, f"the folder cannot be read ({error.strerror})")
            continue
        if recursive:
            pending.extend(folder / entry.name for entry in reversed(_sorted(folders)))
        # of a file and a link to it the first one counts, so with links the order matters
        if in_order or any(entry.is_symlink() for entry in files):
            files = _sorted(files)
        yield folder, _new(files, real_folder, seen, repeated)


def _new(
    files: Iterable[os.DirEntry[str]], real_folder: str, seen: set[str], repeated: Callable[[Path], None]
) -> list[os.DirEntry[str]]:
    """Those that were not found before."""
    new = []
    for entry in files:
        real = os.path.realpath(entry.path) if entry.is_symlink() else f"{real_folder}{os.sep}{entry.name}"
        if real not in seen:
            seen.add(real)
            new.append(entry)
        else:
            repeated(Path(entry.path))
    return new


def _sorted(entries: Sequence[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    # sorted in runs and merged: one sort of 100,000 names would keep every other thread from the interpreter
    keyed = [((natural_key(entry.name), entry.name), entry) for entry in entries]
    runs = (sorted(keyed[start : start + _RUN], key=_first) for start in range(0, len(keyed), _RUN))
    return [entry for _, entry in heapq.merge(*runs, key=_first)]


def _listing(
    folder: Path, problem: Callable[[Path, str], None], skipped: Counter[str]
) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """The photos and the folders in a folder, unsorted; what cannot be read is counted."""
    files: list[os.DirEntry[str]] = []
    folders: list[os.DirEntry[str]] = []
    with os.scandir(folder) as listing:
        for entry in listing:
            name = entry.name
            if name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    if name.lower() not in _NEVER_ENTERED:
                        folders.append(entry)
                elif (suffix := suffix_of(name)) in PHOTO_SUFFIXES:
                    if entry.is_file():
                        files.append(entry)
                    elif entry.is_symlink() and not Path(entry.path).exists():
                        problem(folder / name, "the link leads to a file that is not there")
                elif suffix in UNREADABLE and entry.is_file():
                    skipped[UNREADABLE[suffix]] += 1
            except OSError as error:  # a link to itself
                problem(folder / name, f"the link cannot be followed ({error.strerror})")
    return files, folders
