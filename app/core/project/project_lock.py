"""One writer: only one process at a time moves files for a project, undoes steps or updates its format.

The lock is a file beside the project. The operating system holds it for a process and frees it when the process ends in
any way; it also works between computers that share a drive. A second file says who holds it.
"""

from __future__ import annotations

import json
import os
import platform
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from app.core.project.project_format import ProjectError
from model.system.files import write_whole
from model.system.reading import parse_json, read_file

_LOCK, _HOLDER = ".lock", ".holder"
_LONGEST = 4096  # bytes of a holder's file that are read
_LONGEST_WORDS = 80  # characters of what such a file says of program and computer
_PAUSE = 0.1  # seconds between two attempts


class ProjectBusyError(ProjectError):
    """Another program, or another part of this one, is changing the project; the message says which."""


@dataclass(frozen=True)
class Holder:
    """Who has a lock.

    Attributes:
        program: its name for itself ("marque file"). process: its number. computer: the name of its computer.
        since: seconds since 1970.
    """

    program: str
    process: int
    computer: str
    since: float

    @classmethod
    def this(cls, program: str) -> Self:
        """This process as the holder, from now on."""
        return cls(program, os.getpid(), platform.node(), time.time())

    def __str__(self) -> str:
        began = datetime.fromtimestamp(self.since)
        when = f"{began:%H:%M:%S}" if began.date() == datetime.now().date() else f"{began:%Y-%m-%d %H:%M}"
        where = "" if self.computer == platform.node() else f" on the computer {self.computer}"
        return f"{self.program} (process {self.process}{where}, since {when})"


class ProjectLock:
    """The lock of one project; the same object takes and frees it, on any thread."""

    def __init__(self, project: Path, program: str) -> None:
        """Args: program: the name of this program in the messages of others ("marque file")."""
        self._project, self._program = project, program
        place = project.resolve()
        self._lock_file = place.with_name(f".{place.name}{_LOCK}")
        self._holder_file = place.with_name(f".{place.name}{_HOLDER}")
        # on a file system without locks, filelock would use the file itself as one, which a crash does not free
        self._lock = FileLock(self._lock_file, thread_local=False, fallback_to_soft=False)

    def take(self) -> str | None:
        """Take the lock if it is free; None, or who has it, in words.

        Raises:
            ProjectError: if no lock is possible in this place.
        """
        try:
            self._refuse_foreign()
            self._lock.acquire(blocking=False)
        except Timeout:
            return self._who()
        except (OSError, NotImplementedError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ProjectError(
                f"{self._project}: the project cannot be locked, so its files and steps cannot be changed here "
                f"({self._lock_file.name}: {why or error})",
                advice="change that, or work in a copy of the project on a disk of this computer",
            ) from error
        with suppress(OSError):  # a full disk: others then cannot say who has it
            text = json.dumps(asdict(Holder.this(self._program)))
            write_whole(self._holder_file, lambda file: file.write(text.encode()))
        return None

    def free(self) -> None:
        """Free the lock."""
        with suppress(OSError):
            self._holder_file.unlink(missing_ok=True)
        if os.name != "nt":  # there it is removed with the release
            with suppress(OSError):
                # whoever has opened it meanwhile finds that it no longer has a name, and tries again
                self._lock_file.unlink(missing_ok=True)
        self._lock.release()

    def _refuse_foreign(self) -> None:
        """Raises OSError if the lock's name belongs to something else than an ordinary file (a link, a pipe)."""
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(self._lock_file.lstat().st_mode):
                raise OSError(None, "something that is not a file has the name of the lock")

    def _who(self) -> str:
        try:
            if self._holder_file.is_symlink():
                return _NOBODY_KNOWN
            found = Holder(**parse_json(read_file(self._holder_file, _LONGEST)))
            names = (found.program, found.computer)
            if not all(isinstance(name, str) and name.isprintable() and len(name) < _LONGEST_WORDS for name in names):
                return _NOBODY_KNOWN
            if type(found.process) is not int:
                return _NOBODY_KNOWN
            return str(found)
        except (OSError, ValueError, TypeError, OverflowError):  # not written yet, or written by something else
            return _NOBODY_KNOWN


_NOBODY_KNOWN = "another program"


@contextmanager
def only_writer(project: Path, program: str, wait: Callable[[str], bool] | None = None) -> Iterator[None]:
    """Hold the lock of a project within the block.

    Args:
        project: its file.
        program: the name of this program in the messages of others ("marque file").
        wait: called again and again while somebody else has the lock, with words that name them; False gives up.
            Without it, a lock that is not free fails at once.

    Raises:
        ProjectBusyError: if somebody else has it.
        ProjectError: if no lock is possible in this place.
    """
    lock = ProjectLock(project, program)
    while (holder := lock.take()) is not None:
        if wait is None or not wait(holder):
            raise ProjectBusyError(
                f"{project}: {holder} is changing files or steps of this project", advice="try again when it is done"
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.free()
