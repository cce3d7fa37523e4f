"""Files appear whole or not at all and never replace another; files are removed only if another copy exists."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.core.system.content_digest import new_digest
from model.system.files import close_on_disk, rename_without_overwriting, sync_folder
from model.system.reading import open_regular
from model.system.unfinished import part_beside

if sys.platform != "win32":
    import fcntl

_CHUNK = 1 << 20
_CANNOT_SYNC = {errno.EBADF, errno.EINVAL, errno.ENOTSUP, errno.EROFS, errno.EACCES, errno.EPERM}
"""Windows needs the file open for writing; a read-only medium has nothing to bring to the disk."""

_NO_PERMISSIONS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
"""The error numbers of FAT, exFAT and network drives when permissions should be kept."""


class OtherContentError(Exception):
    """A file does not have the expected content, or is the only one that has it."""


def write_new(target: Path, write: Callable[[BinaryIO], object], like: Path) -> None:
    """Write a file beside its place, bring it to the disk and give it its name; folders are made as needed.

    Args:
        write: called with the open file.
        like: a file whose times it takes, and its permissions if the file system has any.

    Raises:
        FileExistsError: if something is there; it is not changed.
        OSError: if it cannot be written; it names the file in question. Whatever is raised, nothing is left beside
            its place.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with part_beside(target) as (file, part), _about(target, instead_of=part):
        write(file)
        close_on_disk(file)
        _take_times(part, like)
        rename_without_overwriting(part, target)


def _take_times(part: Path, like: Path) -> None:
    try:
        shutil.copystat(like, part)
    except OSError as error:
        if error.errno not in _NO_PERMISSIONS:
            raise
        status = like.stat()
        os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_new(source: Path, target: Path, digest: str | None = None) -> str:
    """Copy a file with its times; the digest of its content (see `content_digest`).

    Args:
        digest: the one that the content must have.

    Raises:
        OtherContentError: if the content has another digest; then there is no copy.
        FileExistsError, OSError: as `write_new`, and as `open_regular` for the source.
    """
    found = new_digest()

    def write(copy: BinaryIO) -> None:
        while chunk := _read(original, source):
            found.update(chunk)
            copy.write(chunk)
        if digest is not None and found.hexdigest() != digest:
            raise OtherContentError(source)

    with open_regular(source) as original:
        write_new(target, write, source)
    return found.hexdigest()


def remove_spare(spare: Path, kept: Path) -> None:
    """Remove a file that has another whole copy, which is on the disk.

    Both are locked meanwhile: two programs that each remove the other's copy must not remove both.

    Raises:
        OtherContentError: if `kept` is not another file with the same content; then `spare` stays.
        OSError: if one of them cannot be read, or `spare` cannot be removed, also because another program is about to
            remove it.
    """
    with open_regular(spare) as one, open_regular(kept) as other:
        if _is_one_entry(spare, kept):
            raise OtherContentError(spare)
        _lock(one, spare, to_remove=True)
        if not os.path.sameopenfile(one.fileno(), other.fileno()):  # the two may be names of one file
            _lock(other, kept, to_remove=False)
        if not _same_content(one, spare, other, kept):
            raise OtherContentError(spare)
        _bring_to_disk(other)
        sync_folder(Path(os.path.realpath(kept)).parent)
        compared, now = os.fstat(one.fileno()), spare.lstat()
        if not os.path.samestat(compared, now) or compared.st_mtime_ns != now.st_mtime_ns:
            raise OtherContentError(spare)  # a link, or something has taken its place meanwhile
        if not os.path.samestat(os.fstat(other.fileno()), kept.stat()):
            raise OtherContentError(kept)
        if sys.platform == "win32":
            one.close()  # it cannot remove an open file, which is also why nobody can remove the other one
        spare.unlink()


def same_content(first: Path, second: Path) -> bool:
    """Whether both are ordinary files, or links to such, with the same content. False where one cannot be read."""
    try:
        with open_regular(first) as one, open_regular(second) as other:
            return _same_content(one, first, other, second)
    except OSError:
        return False


def folded(name: str | Path) -> str:
    """A name or path as file systems see it that ignore case and Unicode forms."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(name)).casefold())


def _lock(file: BinaryIO, place: Path, *, to_remove: bool) -> None:
    """Keep other processes from removing an open file, or from counting on it, until it is closed.

    Raises:
        BlockingIOError: if one of them is at it.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if to_remove else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(error.errno, "another program is moving or removing it", str(place)) from error
        except OSError:
            return  # network drives do not lock files that are open for reading only


def _bring_to_disk(file: BinaryIO) -> None:
    """Bring a file that is open for reading to the disk, if the system and the file system can."""
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _is_one_entry(first: Path, second: Path) -> bool:
    """Whether two paths lead to one name in one folder, so that removing one removes the other."""
    one, other = (Path(os.path.realpath(place)) for place in (first, second))
    return folded(one.name) == folded(other.name) and one.samefile(other) and one.parent.samefile(other.parent)


def _same_content(one: BinaryIO, first: Path, other: BinaryIO, second: Path) -> bool:
    if os.fstat(one.fileno()).st_size != os.fstat(other.fileno()).st_size:
        return False
    while True:
        here, there = _read(one, first), _read(other, second)
        if here != there:
            return False
        if not here:
            return True


def _read(file: BinaryIO, place: Path) -> bytes:
    with _about(place):
        return file.read(_CHUNK)


@contextmanager
def _about(place: Path, instead_of: Path | None = None) -> Iterator[None]:
    """Within, errors of the operating system name this file if they name none, or only its part."""
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename) == str(instead_of):
            error.filename = str(place)
        raise
