"""Follows the end of a text file that another process writes; memory stays bounded however long the file gets."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from model.system.reading import open_regular

_MOST = 256 * 1024  # bytes of one look; older text is skipped


@dataclass(frozen=True)
class Tail:
    """New text.

    Attributes: lines: complete lines. partial: the beginning of an unfinished line; replaces what was read of it
        before. restarted: whether it replaces everything that was read before. skipped: bytes that were skipped before
        it.
    """

    lines: tuple[str, ...]
    partial: str
    restarted: bool
    skipped: int = 0


class LogTail:
    """Follows a file that may be missing at first, grow, or begin again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self._offset = 0
        self._partial = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def poll(self) -> Tail | None:
        """The new text; None if nothing was added. Raises OSError for a file that cannot be read."""
        try:
            file = open_regular(self.path)
        except FileNotFoundError:
            return None
        with file:
            end = file.seek(0, 2)
            restarted = self._offset == 0
            if end < self._offset:
                self._forget()
                restarted = True
            if end == self._offset:
                return None
            skipped = 0
            if end - self._offset > _MOST:
                self._forget()
                self._offset = file.seek(end - _MOST)
                self._offset += len(file.readline())  # the rest of a line
                restarted, skipped = True, self._offset
            file.seek(self._offset)
            data = file.read(end - self._offset)
        self._offset += len(data)
        *lines, self._partial = (self._partial + self._decoder.decode(data)).replace("\r\n", "\n").split("\n")
        return Tail(tuple(map(_overwritten, lines)), _overwritten(self._partial), restarted, skipped)


def _overwritten(line: str) -> str:
    """What a terminal shows of a line that was overwritten again and again, like a progress bar."""
    return line.rstrip("\r").rpartition("\r")[2]
