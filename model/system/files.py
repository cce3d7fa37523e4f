"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from model.system.errors import file_errors
from model.system.unfinished import part_beside

_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""The error numbers of file systems without hard links: exFAT, network drives, those in user space."""

ARCHIVE_FAULTS = (ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What numpy raises for an archive of arrays that is cut off, damaged or not an archive."""

LONGEST_NAME = 255
"""Bytes of a file's name, on the file systems of today; some count characters."""


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place, bring it to the disk and move it there; what was there before stays until then.

    The new file has the permissions of the one that it replaces.

    Args:
        write: is given the open file.

    Raises:
        FileError: if it cannot be written. After any error, here or in `write`, nothing is left beside its place.
    """
    with file_errors(path), part_beside(path) as (file, part):
        write(file)
        close_on_disk(file)
        take_place(part, path)


def close_on_disk(file: BinaryIO) -> None:
    """Bring a written file to the disk and close it, as Windows cannot move an open file. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def take_place(part: Path, path: Path) -> None:
    """Put a finished file in the place of another one, with the permissions of that one. Raises OSError."""
    with suppress(OSError):
        part.chmod(stat.S_IMODE(path.stat().st_mode))
    part.replace(path)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing. Raises FileError."""
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def free_names(place: Path) -> Iterator[Path]:
    """`labels.csv`, `labels (2).csv`, `labels (3).csv` and so on; see `numbered`."""
    return (numbered(place, number) for number in count(1))


def numbered(place: Path, number: int, *, room: int = 0) -> Path:
    """The place with a number in its name, from 2 on; a name that is too long is shortened before its ending.

    Args:
        room: bytes to leave free for a longer name that is made from this one.
    """
    ending = f" ({number}){place.suffix}" if number > 1 else place.suffix
    return place.with_name(shortened(place.stem, LONGEST_NAME - room - len(os.fsencode(ending))) + ending)


def shortened(name: str, longest: int) -> str:
    """The beginning of a file's name, at most so many bytes."""
    while name and len(os.fsencode(name)) > longest:
        name = name[: min(len(name) - 1, max(longest, 0))]
    return name


def rename_without_overwriting(part: Path, target: Path) -> None:
    """Give a file its name; `part` may be left as a second name of it. Raises FileExistsError, OSError."""
    if os.name == "nt":
        part.rename(target)  # refuses where the target exists
        return
    try:
        os.link(part, target)  # refuses where the target exists; rename would replace it
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "the file exists already", str(target)) from None
        part.rename(target)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, before something is removed that only they now lead to."""
    if os.name == "nt":
        return  # the system has no such call
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        return  # some file systems cannot; they keep the order by themselves, or not at all
    finally:
        os.close(descriptor)
