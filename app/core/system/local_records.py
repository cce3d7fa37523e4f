"""What this computer knows about projects, in the user's own data folder: names of things, by the project's number.

A project's file can come from anywhere, so what it says about this computer is only believed if it is recorded here. A
record is an empty file whose name says everything. So it cannot be misread, it appears at once or not at all, and two
programs can write at the same time.
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
    """The end of a sentence about something unknown here, if there are no records of any project; "" if there are."""
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
        """Keep records of a project. Args: project: its number, `Project.id`; names: without path separators."""
        folder = self._folder(project)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).touch()
        sync_folder(folder)

    def has(self, project: str, name: str) -> bool:
        """Whether there is a record with this name."""
        return (self._folder(project) / name).exists()

    def names(self, project: str) -> set[str]:
        """The records of a project."""
        with suppress(FileNotFoundError):
            return {place.name for place in self._folder(project).iterdir()}
        return set()

    def carry_over(self, project: str, copy: str) -> None:
        """Copy the records of a project for a copy of it that this program has made."""
        names = self.names(project)
        if names:
            self.keep(copy, names)

    def _folder(self, project: str) -> Path:
        if not _NUMBER.fullmatch(project):
            raise ValueError(f"{project!r} is not a project number")
        return user_data_dir() / self._kind / project
