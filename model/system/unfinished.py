"""Unfinished files: each is beside its place under a short name of its own until it is complete.

A program that is killed leaves such a file behind. So each process keeps a list of the files that it began, in the
user's
data folder, under a lock that the operating system frees when the process ends; the next start removes what is on the
lists of processes that have ended. Where the data folder has no locks, nothing is noted and nothing removed.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from model.system.user_folders import user_data_dir

_FOLDER = "unfinished"
_LIST, _LOCK = ".list", ".lock"
_NAME = re.compile(r"\.marque-[0-9a-f]{12}\.part")
_COMPANIONS = ("-journal", "-wal", "-shm")
"""What SQLite puts beside a database."""
_OURS_ALONE = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_log = logging.getLogger(__name__)


@contextmanager
def part_beside(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new, empty, open file in the folder of `target`, and its place; removed at the end unless it was moved away.

    It is made exclusively, so that no file or link that somebody put there is written to. Its name is short, whatever
    the target's is.

    Raises:
        OSError: if it cannot be made; the error names `target`.
    """
    part = target.with_name(f".marque-{secrets.token_hex(6)}.part")
    _lists.note(part)
    try:
        descriptor = os.open(part, _OURS_ALONE, 0o666)
    except OSError as error:
        error.filename = str(target)
        raise
    file = os.fdopen(descriptor, "w+b")
    try:
        yield file, part
        file.close()
    except BaseException:
        with suppress(OSError):  # on a full disk it fails again, and only the first error says which file
            file.close()
        raise
    finally:
        for companion in ("", *_COMPANIONS):
            with suppress(OSError):
                part.with_name(part.name + companion).unlink(missing_ok=True)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A new, empty folder beside `target`; removed with its content at the end, unless it was moved. Raises OSError."""
    part = target.with_name(f".marque-{secrets.token_hex(6)}.part")
    _lists.note(part)
    part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove what processes that were killed have left half-written; called when a program starts."""
    try:
        lists = sorted((user_data_dir() / _FOLDER).glob(f"*{_LIST}"))
    except OSError:  # the home cannot be read, so nothing was noted there either
        return
    for found in lists:
        _remove_listed(found)


def _lock(listed: Path) -> FileLock:
    # where the file system has no locks, filelock would take the file itself for one, which a crash does not free
    return FileLock(listed.with_suffix(_LOCK), fallback_to_soft=False)


def _remove_listed(found: Path) -> None:
    lock = _lock(found)
    try:
        with lock.acquire(blocking=False):
            away = [part for part in _parts(found) if not _removed(part)]
            if away:  # on a drive that is away
                found.write_bytes(b"".join(os.fsencode(part) + b"\0" for part in away))
            else:
                found.unlink(missing_ok=True)
                found.with_suffix(_LOCK).unlink(missing_ok=True)
    except Timeout:
        return  # its process is still running
    except (OSError, NotImplementedError) as error:
        _log.warning("%s: cannot be looked through (%s)", found, error)


def _parts(found: Path) -> list[Path]:
    # the list is only believed where it names files as we name them
    places = (Path(os.fsdecode(raw)) for raw in found.read_bytes().split(b"\0") if raw)
    return [place for place in places if _NAME.fullmatch(place.name) and place.is_absolute()]


def _removed(part: Path) -> bool:
    """Whether nothing is left of a part; False if its folder cannot be reached."""
    if not part.parent.is_dir():
        return False
    try:
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        for companion in ("", *_COMPANIONS):
            part.with_name(part.name + companion).unlink(missing_ok=True)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)
    return True


class _Lists:
    """The list of this process: made with its first file, removed at its end."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process = 0
        self._file: BinaryIO | None = None

    def note(self, part: Path) -> None:
        """Note a place before its file is made, unless the data folder cannot be written or has no locks."""
        with self._guard:
            if self._process != os.getpid():  # also in a process that was forked off
                self._process, self._file = os.getpid(), None
                with suppress(OSError, NotImplementedError):
                    self._begin()
            if self._file is not None:
                with suppress(OSError):  # a full disk
                    self._file.write(os.fsencode(part.absolute()) + b"\0")

    def _begin(self) -> None:
        folder = user_data_dir() / _FOLDER
        folder.mkdir(exist_ok=True)
        place = folder / f"{secrets.token_hex(6)}{_LIST}"
        lock = _lock(place)
        try:
            lock.acquire(blocking=False)
        except (OSError, NotImplementedError):
            place.with_suffix(_LOCK).unlink(missing_ok=True)
            raise
        self._file = place.open("wb", buffering=0)
        atexit.register(self._end, self._process, self._file, place, lock)

    def _end(self, process: int, file: BinaryIO, place: Path, lock: FileLock) -> None:
        if process != os.getpid():
            return
        with suppress(OSError):
            file.close()
            place.unlink(missing_ok=True)
            lock.release()
            place.with_suffix(_LOCK).unlink(missing_ok=True)


_lists = _Lists()
