"""Files that appear whole or not at all, and never over another."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from model.unfinished import part_beside

_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What file systems without hard links answer: exFAT, network drives, those in user space."""


def write_new(target: Path, write: Callable[[BinaryIO], object], like: Path) -> None:
    """Write a file beside its place, bring it to the disk and give it its name; folders are made as needed.

    Args:
        write: is given the open file.
        like: a file whose times and permissions it takes.

    Raises:
        FileExistsError: if something is there; it stays as it was.
        OSError: if it cannot be written. Whatever is raised, nothing is left beside its place.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with part_beside(target) as (file, part):
        write(file)
        file.flush()
        os.fsync(file.fileno())
        file.close()  # Windows moves no open file
        shutil.copystat(like, part)
        rename_without_overwriting(part, target)


def copy_new(source: Path, target: Path) -> None:
    """A copy with the times of its source. Raises as `write_new`."""
    with source.open("rb") as original:
        write_new(target, lambda copy: shutil.copyfileobj(original, copy, 1 << 20), source)


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
