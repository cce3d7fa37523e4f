"""The one kind of error that a person may see, and how errors of the operating system are put into words."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from model.system.plain_text import one_line


class MarqueError(Exception):
    """Something that a person can understand and mend; anything else that is raised is a defect of the program.

    Names of files and classes in it are data: control codes of a terminal become visible escapes, also new lines.

    Attributes:
        message: what happened, to which file; one line.
        advice: what to do about it, or "".
        details: what an engineer would want to know, or ""; shown on demand.
        lines: more of the same kind as the message, one per line.
    """

    def __init__(self, message: str, *, advice: str = "", details: str = "", lines: Sequence[str] = ()) -> None:
        self.message = one_line(message)
        self.advice = one_line(advice)
        self.details = details
        self.lines = tuple(map(one_line, lines))
        super().__init__(self.message)

    @classmethod
    def of_lines(cls, lines: Sequence[str]) -> Self:
        """An error of several lines, the first of which says most."""
        return cls(lines[0], lines=lines[1:])

    @classmethod
    def like(cls, error: MarqueError) -> Self:
        """The same words as an error of this class."""
        return cls(error.message, advice=error.advice, details=error.details, lines=error.lines)

    def __str__(self) -> str:
        """One text for people: the message, and the advice after a semicolon; further lines below."""
        first = f"{self.message}; {self.advice}" if self.advice else self.message
        return "\n".join([first, *self.lines])


class ReaderGoneError(Exception):
    """The reader of the program's output has gone (`head`). It only ends the work, and nobody sees it."""


class FileError(MarqueError, OSError):
    """A file or folder that the operating system does not let us read or write; it is also an OSError."""

    def __reduce__(self) -> tuple[type[FileError], tuple[str], dict[str, object]]:
        """With the fields of OSError, which pickling would lose on the way from another process."""
        kept = {name: getattr(self, name) for name in ("errno", "strerror", "filename")}
        return type(self), (self.message,), self.__dict__ | kept


_OTHER_PLACE = "choose another place"
_BY_NAME = {
    "ENOSPC": ("the disk is full", "free some space, or choose another place"),
    "EDQUOT": ("your share of the disk is used up", "free some space, or choose another place"),
    "EFBIG": ("the file would become larger than is allowed there", _OTHER_PLACE),
    "EROFS": ("this place is read-only", _OTHER_PLACE),
    "EACCES": ("permission denied", "change its permissions, or choose another place"),
    "EPERM": ("this is not permitted", "change its permissions, or choose another place"),
    "EISDIR": ("this is a folder, and a file is needed", "name a file"),
    "ENOTDIR": ("a part of this path is a file, and a folder is needed", "name another folder"),
    "EEXIST": ("something with this name exists", "name another place"),
    "ENOTEMPTY": ("the folder is not empty", "name another folder"),
    "ENOENT": ("there is no such file or folder", "check the path"),
    "ENAMETOOLONG": ("the name is too long", "choose a shorter one"),
    "ELOOP": ("the links form a circle", "name the file itself"),
    "EIO": ("the disk reports an error", "check the disk and its cable"),
    "ENODEV": ("the drive is gone", "connect it again"),
    "ENXIO": ("the drive is gone, or this is not a file", "connect it again, or name a file"),
    "ENOMEDIUM": ("there is no medium in the drive", "put it in again"),
    "ESTALE": ("the network drive has lost it", "connect the drive again"),
    "ENOTCONN": ("the network drive is not connected", "connect it again"),
    "ETIMEDOUT": ("the network drive does not answer", "connect it again"),
    "EHOSTDOWN": ("the network drive does not answer", "connect it again"),
    "EHOSTUNREACH": ("the network drive does not answer", "connect it again"),
    "EBUSY": ("another program is using it", "close that program and try again"),
    "ETXTBSY": ("another program is using it", "close that program and try again"),
    "EXDEV": ("this needs both places on one disk", _OTHER_PLACE),
    "EMFILE": ("too many files are open at once", "close something and try again"),
    "ENFILE": ("too many files are open on this computer", "close some programs and try again"),
    "ENOMEM": ("there is not enough memory", "close some programs and try again"),
}
"""Faults of the computer, not of the program: what is wrong and what to do about it."""

_WORDS = {getattr(errno, name): words for name, words in _BY_NAME.items() if hasattr(errno, name)}
"""No system has all of them."""


def file_error(error: OSError, path: Path | str | None = None) -> FileError:
    """An error of the operating system in words.

    Args:
        path: what it is about, if the error itself names no file.
    """
    if isinstance(error, FileError):
        return error
    words, advice = _WORDS.get(error.errno or 0, ((error.strerror or str(error) or "it cannot be used").lower(), ""))
    # of two names the second one is the target
    place = next((one for one in (error.filename2, error.filename, path) if one is not None), None)
    worded = FileError(words if place is None else f"{_shown(place)}: {words}", advice=advice)
    worded.errno, worded.strerror, worded.filename = error.errno, error.strerror, place
    return worded


@contextmanager
def file_errors(path: Path | str) -> Iterator[None]:
    """Within, an error of the operating system becomes a FileError about `path`, or about the file that it names."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise file_error(error, path) from error


def for_people(error: BaseException) -> MarqueError | None:
    """An error as a person may see it; None where it is a defect of the program.

    Errors of disks and permissions are not defects, wherever they are raised.
    """
    if isinstance(error, MarqueError):
        return error
    if isinstance(error, OSError) and error.errno in _WORDS:
        return file_error(error)
    if isinstance(error, MemoryError):
        words, advice = _WORDS[errno.ENOMEM]
        return MarqueError(words, advice=advice)
    return None


def _shown(place: object) -> str:
    return place.decode(errors="backslashreplace") if isinstance(place, bytes) else str(place)
