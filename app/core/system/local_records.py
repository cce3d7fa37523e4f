"""What this computer knows of projects, in the user's own data folder: names of things, by the project's number.

A project's file can come from anywhere, so what it says of this computer is only believed where it is found here. A
record is an empty file, and all it says is its name. So there is nothing in it to be read wrongly, it appears at once
or not at all, and two programs can write at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from model.system.files import sync_folder
from model.system.user_folders import user_data_dir

SCANNED, FILINGS = "scanned", "filings"
"""The kinds of records: folders that were scanned, steps that were begun."""

_NUMBER = re.compile("[0-9a-f]{32}")


def perhaps_lost() -> str:
    """Words behind a sentence on what is not known here, where there is no record of any project; "" where there is."""
    with suppress(OSError):
        folder = user_data_dir()
        if not any(place.is_dir() and any(place.iterdir()) for place in (folder / SCANNED, folder / FILINGS)):
            return f"; this also happens when Marque's data folder was lost or moved ({folder})"
    return ""


class LocalRecords:
    """One kind of records. All methods raise OSError."""

    def __init__(self, kind: str) -> None:
        """Args: kind: names their folder."""
        self._kind = kind

    def keep(self, project: str, names: Iterable[str]) -> None:
        """Keep records of a project. Args: project: its number, `Project.id`; names: none with a separator of paths."""
        folder = self._folder(project)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).touch()
        sync_folder(folder)

    def has(self, project: str, name: str) -> bool:
        """Whether there is a record of this name."""
        return (self._folder(project) / name).exists()

    def names(self, project: str) -> set[str]:
        """Those of a project."""
        with suppress(FileNotFoundError):
            return {place.name for place in self._folder(project).iterdir()}
        return set()

    def carry_over(self, project: str, copy: str) -> None:
        """Let those of a project hold for a copy of it that this program has made, too."""
        names = self.names(project)
        if names:
            self.keep(copy, names)

    def _folder(self, project: str) -> Path:
        if not _NUMBER.fullmatch(project):
            raise ValueError(f"{project!r} is not a project number")
        return user_data_dir() / self._kind / project
