"""Files that a run has read into memory: are they still the same when it ends?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.core.system.database import must_be_same
from model.system.errors import MarqueError
from model.system.reading import regular_file


class ReplacedError(MarqueError):
    """A file that was deleted or replaced while it was in use; the message names it."""


class FilesInUse:
    """The identity of some files when a run begins."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Args: files: what each is ("model") -> where it is; missing ones are left to their readers."""
        self._files = []
        for kind, path in files.items():
            try:
                found = regular_file(path)
            except OSError:
                continue
            self._files.append((kind, path, (found.st_dev, found.st_ino)))

    def changed(self) -> list[str]:
        """A sentence for each file that was replaced or removed. Changes inside a file are not detected."""
        sentences = []
        for kind, path, identity in self._files:
            try:
                must_be_same(path, identity, ReplacedError, kind)
            except ReplacedError as error:
                sentences.append(f"{error.message}; the answers come from the {kind} as it was when the run began")
        return sentences
