"""Folders that are watched: new and changed photos, each once and only when it is completely written.

It looks again and again, as file systems report nothing across a network. Nothing here waits or keeps time: the caller
passes the time.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from app.core.project.project import Project
from app.core.project.records import FoundFile, modified
from app.core.system.paths import tidy
from model.system.photo_files import listings, natural_key, skipped_in_words

SETTLE = 2.0
"""Seconds for which a file must not change before it counts as complete."""

SETTLE_EMPTY = 120.0
"""The same for an empty file, which is probably about to be written; one that stays empty is shown with that error."""

_LOOKED_AT = 5000
"""Known files whose size and time one look checks; with more, the looks take turns."""

_AT_ONCE = 5000
"""The most files that one look hands over; the next looks hand over the others."""


class _Seen(NamedTuple):
    """A file as it was last seen. since: the time of the first look that saw it like this, or None once it is known."""

    size: int
    modified: int
    since: float | None


class FolderWatcher:
    """Watches one folder with all folders in it. For use by one thread.

    A file counts as complete when two looks, at least `settle` seconds apart (`SETTLE_EMPTY` if it is empty), saw the
    same size and time, and it can be opened. A file that changes later is handed over again.

    Attributes:
        skipped: how many files of which kind are known and cannot be read, at the last look.
    """

    def __init__(self, place: Path, known: Iterable[FoundFile] = (), *, settle: float = SETTLE) -> None:
        """Reads nothing yet.

        Args:
            place: the folder; it may be missing for a time.
            known: files that are not handed over as they are; those elsewhere are passed over.
        """
        self.place = tidy(place)
        self._settle = settle
        self._folders: dict[str, dict[str, _Seen]] = {}
        for file in known:
            folder, name = os.path.split(file.path)
            self._folders.setdefault(folder, {})[name] = _Seen(file.size, file.modified, None)
        self._turn = 0
        self.skipped: Counter[str] = Counter()
        self._problems: dict[Path, str] = {}
        self._reported: dict[Path, str] = {}

    def look(self, now: float) -> list[FoundFile]:
        """The files that became complete, in natural order; only some of them if there are very many.

        Args:
            now: seconds on a clock that never goes back.
        """
        self._problems = {}
        if not self.place.is_dir():
            self._problems[self.place] = "the folder is gone; it will be watched again when it is back"
            return []
        self._turn += 1
        turns = 1 + sum(map(len, self._folders.values())) // _LOOKED_AT
        found: list[FoundFile] = []
        folders: dict[str, dict[str, _Seen]] = {}
        self.skipped = Counter()
        listed = listings(self.place, in_order=False, problem=self._problems.__setitem__, skipped=self.skipped)
        for folder, entries in listed:
            name = str(folder)
            folders[name] = self._look_into(entries, self._folders.get(name, {}), turns, now, found)
        self._folders = self._out_of_sight() | folders
        return sorted(found, key=lambda file: (natural_key(str(file.path)), file.path))

    def new_problems(self) -> list[str]:
        """Paths that the last look could not read, each only once, when it becomes unreadable or its reason changes."""
        before, self._reported = self._reported, self._problems
        return [f"{path}: {reason}" for path, reason in self._problems.items() if before.get(path) != reason]

    def _look_into(
        self,
        entries: list[os.DirEntry[str]],
        before: dict[str, _Seen],
        turns: int,
        now: float,
        found: list[FoundFile],
    ) -> dict[str, _Seen]:
        """The state of one folder's files; those that became complete are added to `found`."""
        turn = self._turn % turns
        after = {}
        for entry in entries:
            name = entry.name
            seen = before.get(name)
            if seen is not None and seen.since is None and hash(name) % turns != turn:
                after[name] = seen
                continue
            try:
                status = entry.stat()
            except OSError as error:
                if not isinstance(error, FileNotFoundError):  # this file went away after the listing
                    self._problems[Path(entry.path)] = f"cannot be checked ({error.strerror})"
                continue
            if seen is None or (seen.size, seen.modified) != (status.st_size, modified(status)):
                seen = _Seen(status.st_size, modified(status), now)
            elif seen.since is not None and self._has_settled(seen, now) and len(found) < _AT_ONCE:
                seen = self._completed(Path(entry.path), seen, now, found)
            after[name] = seen
        return after

    def _has_settled(self, seen: _Seen, now: float) -> bool:
        assert seen.since is not None
        return now - seen.since >= (self._settle if seen.size else SETTLE_EMPTY)

    def _completed(self, path: Path, seen: _Seen, now: float, found: list[FoundFile]) -> _Seen:
        """A file that has settled is handed over, if it can be read and is as the listing said.

        A listing may be behind: Windows brings it up to date when the file is closed, network drives some time later.
        """
        try:
            with path.open("rb") as file:
                file.read(1)
            really = FoundFile.of(path)
        except OSError as error:  # on Windows also while another program writes
            self._problems[path] = f"cannot be read yet ({error.strerror}); tried again"
            return seen
        if (really.size, really.modified) != (seen.size, seen.modified):
            return _Seen(seen.size, seen.modified, now)
        found.append(really)
        return seen._replace(since=None)

    def _out_of_sight(self) -> dict[str, dict[str, _Seen]]:
        """The files in folders that could not be read: they are still known when the folders are back."""
        return {
            folder: files
            for folder, files in (self._folders.items() if self._problems else ())
            if not self._problems.keys().isdisjoint((Path(folder), *Path(folder).parents))
        }


class ProjectWatch:
    """The watched sources of a project, as they were when this was made. For use by one thread.

    Attributes:
        places: the folders.
    """

    def __init__(self, project: Project, *, settle: float = SETTLE) -> None:
        """Files that are already in the project are not taken in again unless they change. Raises ProjectError."""
        self._project = project
        known = [FoundFile(image.path, image.size, image.modified) for image in project.images.all()]
        self._watchers = {
            number: FolderWatcher(place, known, settle=settle)
            for number, place, watched in project.sources.all()
            if watched
        }

    @property
    def places(self) -> list[Path]:
        """The folders that are watched."""
        return [watcher.place for watcher in self._watchers.values()]

    def look(self, now: float) -> int:
        """Take the files that became complete into the project; how many are new there or have changed.

        Args:
            now: seconds on a clock that never goes back.

        Raises:
            ProjectError: if the project cannot be written.
        """
        touched = 0
        for source, watcher in self._watchers.items():
            if found := watcher.look(now):
                touched += self._project.images.add(source, found)
        return touched

    def new_problems(self) -> list[str]:
        """What the last look could not read; each comes once."""
        return [problem for watcher in self._watchers.values() for problem in watcher.new_problems()]

    def skipped(self) -> str:
        """The files at the last look that Marque knows but cannot read, in words; "" without any."""
        return skipped_in_words(sum((watcher.skipped for watcher in self._watchers.values()), Counter()))
