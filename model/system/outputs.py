"""The one guard for every file that is written at a place that a person named, or that follows from such a name.

An output never replaces something that is not that very output. Never replaced: what the same command reads, a photo or
video, a sidecar, a project, gallery or model, when something else is written. Replaced when the person said so
(`force`): every other file. Replaced without asking: what Marque wrote there itself, if it is unchanged.

All of this is checked twice: before the work, so that nobody waits an hour for a refusal, and when the finished file
gets its name. What has appeared or changed there in between stays; the output then takes a free name beside it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from model.system.errors import FileError, MarqueError, ReaderGoneError, file_error
from model.system.files import close_on_disk, free_names, rename_without_overwriting, take_place, write_whole
from model.system.signatures import GALLERY, PROJECT, kind_by_name, kind_of
from model.system.unfinished import part_beside
from model.system.written import expect, remember, remembered

_COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a database, and would read as part of it."""
_DATABASES = (GALLERY, PROJECT)
_DESCRIPTOR = re.compile(r"/dev/(?:(stdout)|(stderr)|fd/(\d+))|/proc/self/fd/(\d+)")
_IGNORES_CASE = sys.platform in ("darwin", "win32")
"""Whether `N.onnx` and `n.onnx` are one file, as a rule: judged from this system, before the files exist."""
_Seen = str | tuple[int, ...] | None
"""What was at a place: the digest of our own output, the identity of a foreign file, or nothing."""


class OutputError(MarqueError):
    """Nothing may or can be written there; the message names the place and says why."""


class TakenError(OutputError):
    """A file is there that would be replaced if the person agreed."""


@dataclass(frozen=True)
class Written:
    """Where an output is now.

    Attributes:
        place: as the person named it, or a free name beside it.
        note: why it is not at the place that was named, one sentence; "" where it is.
    """

    place: Path
    note: str = ""


class Output:
    """A file that is to be written; making one checks its place.

    Attributes:
        place: as it was named.
        real: the same with all links resolved.
        kind: what it is, in the words of the program ("table of labels").
        streams: it goes straight into a pipe or device, and is not a file.
    """

    def __init__(self, place: Path, kind: str, *, inputs: Iterable[Path] = (), force: bool = False) -> None:
        """Check a place before the work begins.

        Args:
            place: where the output is to be. If it is a link, what it points to is replaced, and the link stays.
            kind: what it is; a file of ours of another kind is not replaced without `force`.
            inputs: what the same command reads, or writes besides, files or folders; it is never replaced.
            force: the person has agreed to lose an existing file.

        Raises:
            OutputError: if the output may not, or cannot, be written there.
        """
        self.place, self.kind = place, kind
        self._inputs, self._force = tuple(inputs), force
        self.streams = _is_stream(place)
        self.real = place
        self._seen: _Seen = None
        if not self.streams:
            with self._faults():
                self.real = Path(os.path.realpath(place))
                self._seen = self._checked()

    def write(self, write: Callable[[BinaryIO], object]) -> Written:
        """Write the whole output; it appears whole or not at all.

        Args:
            write: is given the open file.

        Raises:
            OutputError: if the disk refuses. After any error, here or in `write`, nothing is left beside the place.
            ReaderGoneError: if the reader of the stream has gone.
        """
        with self._faults():
            if self.streams:
                with self.stream() as stream:
                    write(stream)
                return Written(self.place)
            with part_beside(self.real) as (file, part):
                write(file)
                close_on_disk(file)
                return self.put(part)

    def stream(self) -> BinaryIO:
        """The pipe or device, open for writing. Raises OSError."""
        found = _DESCRIPTOR.fullmatch(str(self.place))
        if found is None:
            return self.place.open("wb")
        out, err, *numbers = found.groups()
        number = 1 if out else 2 if err else int(next(number for number in numbers if number))
        # not opened again: that would begin at the start of a file that the shell appends to
        return os.fdopen(os.dup(number), "wb")

    def put(self, part: Path) -> Written:
        """Give a finished, closed file in the same folder its name, and remember it.

        Raises:
            OutputError: if the disk refuses.
        """
        with self._faults():
            digest = _digest(part)
            real = self.real
            expect(real, self.kind, digest)
            if self._seen is not None and self._seen == self._seen_now():
                take_place(part, real)
                remember(real, self.kind, digest)
                return Written(self.place)
            placed = put_free(part, real)
            part.unlink(missing_ok=True)  # a second name of it, where there are hard links
            remember(placed, self.kind, digest)
            if placed == real:
                return Written(self.place)
            return Written(
                self.place.with_name(placed.name) if self.place.name == real.name else placed,
                f"{self.place}: another file has come there meanwhile and stays; the {self.kind} is {placed.name}",
            )

    def _checked(self) -> _Seen:
        self._check_companions()
        try:
            status = self.real.stat()
        except FileNotFoundError:
            if any(_will_be_same(one, self.real) for one in self._inputs):
                raise OutputError(f"{self.place}: this belongs to the same command; choose another name") from None
            self._check_folder()
            return None
        if stat.S_ISDIR(status.st_mode):
            raise OutputError(f"{self.place}: this is a folder; name a file")
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"{self.place}: this is neither a file nor a pipe; name a file")
        if any(_same(status, one) for one in self._inputs):
            raise OutputError(f"{self.place}: this is what is being read; choose another name")
        self._check_folder()
        return self._checked_existing(status)

    def _checked_existing(self, status: os.stat_result) -> _Seen:
        known = remembered(self.real)
        digest = _digest(self.real) if known else ""
        if (self.kind, digest) in known:
            return digest
        found = kind_of(self.real) or kind_by_name(self.place.name)
        if found is not None and found != self.kind:
            raise OutputError(f"{self.place}: this is a {found}, which is never replaced; choose another name")
        if self._force:
            return _who(status)
        if not known:
            why = "a file that Marque did not write"
        elif digest in (written for _, written in known):
            why = f"a {known[0][0]}, not a {self.kind}"
        else:
            why = "a file that was changed since Marque wrote it"
        raise TakenError(f"{self.place}: {why} is there", advice="choose another name, or replace it with --force")

    def _check_folder(self) -> None:
        folder = self.real.parent
        if not folder.exists():
            raise OutputError(f"{self.place}: the folder {folder} does not exist", advice="make it first")
        if not folder.is_dir():
            raise OutputError(f"{self.place}: {folder} is a file, not a folder")
        if not os.access(folder, os.W_OK):
            raise OutputError(f"{self.place}: nothing can be written into {folder}")

    def _check_companions(self) -> None:
        """SQLite takes a file with such a name for a part of the database beside it."""
        databases = [place for place in self._inputs if not place.is_dir()]
        for place in databases:
            if any(_same_name(Path(f"{place}{end}"), self.real) for end in _COMPANIONS):
                raise OutputError(f"{self.place}: this name belongs to {place.name}; choose another one")
        if self.kind in _DATABASES and any(os.path.lexists(f"{self.real}{end}") for end in _COMPANIONS):
            raise OutputError(
                f"{self.place}: a program has it open, or was ended while it had", advice="close it first"
            )

    def _seen_now(self) -> _Seen:
        try:
            status = self.real.stat()
            return _digest(self.real) if isinstance(self._seen, str) else _who(status)
        except FileNotFoundError:
            return None

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except FileError as error:
            raise OutputError.like(error) from error
        except OSError as error:
            error.filename = error.filename2 = None  # the unfinished file, which the person does not know
            raise OutputError.like(file_error(error, self.place)) from error


def write_to(place: Path | Output, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file of the program's own, which is replaced, or an output by its rules; where it is now.

    Raises:
        FileError, OutputError: if the disk refuses.
    """
    if isinstance(place, Output):
        return place.write(write).place
    write_whole(place, write)
    return place


def put_free(part: Path, place: Path) -> Path:
    """Give a file its name, or the next free one like it; that name. Nothing is replaced. Raises OSError."""
    for candidate in free_names(place):
        with suppress(FileExistsError):
            rename_without_overwriting(part, candidate)
            return candidate
    raise AssertionError("there is always a free name")


def _is_stream(place: Path) -> bool:
    if _DESCRIPTOR.fullmatch(str(place)):
        return True
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _same(status: os.stat_result, other: Path) -> bool:
    try:
        return os.path.samestat(status, other.stat())
    except OSError:
        return False


def _will_be_same(one: Path, other: Path) -> bool:
    """Whether two places, one of which has no file yet, will be one file.

    On a drive that ignores case where the system does not (exFAT on Linux) nothing is lost: `put` finds the first file.
    """
    return _same_name(one, other) if _IGNORES_CASE else os.path.realpath(one) == os.path.realpath(other)


def _same_name(one: Path, other: Path) -> bool:
    """Whether two names are the same to a file system that ignores case."""
    return os.path.realpath(one).casefold() == os.path.realpath(other).casefold()


def _who(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
