"""Files that appear whole or not at all, and never over another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from model.files import rename_without_overwriting
from model.unfinished import part_beside


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
