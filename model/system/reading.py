"""Files that come from elsewhere: opened only where they are files, read only up to a size, checked before use.

Opening a named pipe may wait for ever, and a device may do something when it is opened, so neither is opened. A fault
of a file is an OSError whose `strerror` is for people (a FileError if it is found here), a fault of its content a
ValueError.
"""

from __future__ import annotations

import errno
import math
import os
import stat
import tokenize
import tomllib
import zipfile
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import numpy as np
from pydantic_core import from_json

from model.system.errors import FileError
from model.system.files import ARCHIVE_FAULTS

SMALL = 64 << 20
"""Far more bytes than a document for one person (settings, a record, a plan, figures) ever has."""
TABLE = 1 << 30
"""Far more bytes than a table that people read or write ever has."""
LARGE = 4 << 30
"""Far more bytes than the arrays or the checkpoint of one training ever have."""

_PLAIN = 1 << 20  # bytes of a TOML file; the reader needs seconds for that many
_BOM = b"\xef\xbb\xbf"
_LARGEST_INTEGER = 2**63 - 1
_LONGEST_EMPTY = 1 << 24  # most rows of an array without columns: claiming them costs no bytes
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # numpy's own
_KINDS = "biufU"  # truth values, numbers and texts, as numpy calls them
_OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_OTHERS = (
    (stat.S_ISDIR, errno.EISDIR, "it is a folder, not a file"),
    (stat.S_ISFIFO, errno.EINVAL, "it is a named pipe, not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "it is a socket, not a file"),
    (stat.S_ISBLK, errno.EINVAL, "it is a device, not a file"),
    (stat.S_ISCHR, errno.EINVAL, "it is a device, not a file"),
)


def regular_file(path: Path) -> os.stat_result:
    """The system's facts about a file, links followed; it is not opened.

    Raises:
        OSError: if it is missing, or something else is in its place (a folder, a named pipe, a socket, a device).
    """
    found = path.stat()
    _must_be_regular(found, path)
    return found


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading. Raises OSError as `regular_file`, without waiting for anything."""
    regular_file(path)
    descriptor = os.open(path, _OPENING)
    try:
        _must_be_regular(os.fstat(descriptor), path)  # something else may have taken its place meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: Path, most: int = SMALL) -> bytes:
    """The content of a file.

    Args:
        most: bytes that it may have.

    Raises:
        OSError: as `regular_file`; if it is larger.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        must_fit(size, most, path)
        content = file.read(size + 1)
        if len(content) > size:  # it grows, or is made up by the system and has no size
            content += file.read(most - size)
    must_fit(len(content), most, path)
    return content


def must_fit(size: int, most: int, path: Path) -> None:
    """Raises OSError if a file of so many bytes is larger than such a file can be."""
    if size > most:
        raise _refused(
            path, errno.EFBIG, f"it has {_size_words(size)}, and a file of this kind has at most {_size_words(most)}"
        )


def parse_json(content: bytes) -> Any:
    """A JSON document as Python values; numbers are finite, whole ones fit 64 bits, texts can be encoded.

    Raises:
        ValueError: if it is not JSON (in UTF-8, less than 200 levels deep), or a number is out of range.
    """
    values = from_json(content.removeprefix(_BOM), allow_inf_nan=False)
    _must_be_in_range(values)
    return values


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML document as Python values.

    Raises:
        OSError: as `read_file`.
        ValueError: if it is not TOML, is nested too deeply, or holds NaN or a number that is out of range.
    """
    content = read_file(path, _PLAIN)
    try:
        values = tomllib.loads(content.removeprefix(_BOM).decode())
        _must_be_in_range(values)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return values


def read_arrays(path: Path, most: int = LARGE) -> dict[str, np.ndarray]:
    """All arrays of an archive that `np.savez` wrote, without pickled objects.

    Args:
        most: bytes that the arrays may take in memory together.

    Raises:
        OSError: as `read_file`.
        ValueError: if it is damaged or something else, or claims more than it holds.
    """
    with open_regular(path) as file:
        must_fit(os.fstat(file.fileno()).st_size, most, path)
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if sum(member.file_size for member in members) > most:
                    raise ValueError(f"unpacked it would take more than {_size_words(most)}")
                return {member.filename.removesuffix(".npy"): read_array(archive, member) for member in members}
        except ARCHIVE_FAULTS as error:
            raise ValueError(first_line(error)) from error
        except OSError as error:
            if error.errno == errno.EINVAL:  # it refers to something before its beginning
                raise ValueError("its parts are outside it") from error
            raise


def read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array of an archive; memory is taken only for what is there.

    Raises:
        ValueError: if it does not have the size that it claims, or holds objects. Other errors as in `ARCHIVE_FAULTS`.
    """
    if member.compress_type not in _PACKINGS:
        raise ValueError(f"'{member.filename}' is packed as numpy packs nothing")
    with archive.open(member) as content:
        claimed = _claimed_bytes(content)
        there = member.file_size - content.tell()
    if claimed != there:
        raise ValueError(f"'{member.filename}' claims {claimed} bytes and has {there}")
    with archive.open(member) as content:
        try:
            return np.asarray(np.lib.format.read_array(content, allow_pickle=False))
        except MemoryError as error:
            raise ValueError(f"'{member.filename}' does not fit into memory ({_size_words(claimed)})") from error


def _claimed_bytes(content: IO[bytes]) -> int:
    """Bytes of the array that begins here, as its header has it; read up to the end of the header."""
    version = np.lib.format.read_magic(content)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"arrays of numpy's format {version} are not read")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, _, kind = read_header(content)
    except (SyntaxError, tokenize.TokenError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError("the header of an array is damaged") from error
    if kind.kind not in _KINDS or not kind.itemsize:
        raise ValueError(f"holds {kind}, which is neither numbers nor texts")
    count = math.prod(shape)
    if any(length < 0 for length in shape) or (not count and max(shape) > _LONGEST_EMPTY):
        raise ValueError(f"no array has the shape {shape}")
    return count * kind.itemsize


def _must_be_regular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    for is_one, number, said in _OTHERS:
        if is_one(found.st_mode):
            raise _refused(path, number, said)
    raise _refused(path, errno.EINVAL, "it is not a file")


def _refused(path: Path, number: int, said: str) -> FileError:
    error = FileError(f"{path}: {said}")
    error.errno, error.strerror, error.filename = number, said, os.fspath(path)
    return error


def _must_be_in_range(value: Any) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is NaN or too large")
    elif isinstance(value, int):
        if not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
            raise ValueError("a number is too large")
    elif isinstance(value, dict):
        for one in value.values():
            _must_be_in_range(one)
    elif isinstance(value, list):
        for one in value:
            _must_be_in_range(one)


def _size_words(size: int) -> str:
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


def first_line(error: BaseException) -> str:
    """The first line of an error, without what a library adds below it."""
    return (str(error).splitlines() or [type(error).__name__])[0]
