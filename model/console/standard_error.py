"""Standard error of our commands: only the program writes to it; what libraries write there goes to a file.

Pillow, libtiff, onnxruntime and CUDA write to file descriptor 2 past Python. Within `ours_alone` that descriptor leads
to `libraries.log` in the user's data folder, and the program's own words go to a duplicate of what it was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from model.system.user_folders import user_data_dir

LIBRARIES_LOG = "libraries.log"
_LARGEST = 1 << 20  # bytes
_STDERR = 2

_words: TextIO | None = None


def words() -> TextIO | None:
    """Where the program's words go; None without standard error (a window without a terminal)."""
    return _words if _words is not None else sys.stderr


@contextmanager
def ours_alone() -> Iterator[None]:
    """Within, `words` alone reaches whoever reads standard error. Costs one open file, nothing while it runs."""
    global _words
    if _words is not None:  # a command called by another one
        yield
        return
    _open_standard_streams()
    before = sys.stderr
    if before is not None:
        with suppress(OSError, ValueError):
            before.flush()
    kept = os.dup(_STDERR)
    place = _libraries_file()
    os.dup2(place, _STDERR)
    os.close(place)
    if _is_descriptor_two(before):  # otherwise somebody is reading, as tests do
        _words = os.fdopen(os.dup(kept), "w", 1, before.encoding, before.errors)
    try:
        yield
    finally:
        ours, _words = _words, None
        os.dup2(kept, _STDERR)
        os.close(kept)
        if ours is not None:
            with suppress(OSError):  # its reader has gone
                ours.close()


def keep_small() -> None:
    """Begin the libraries' file again if it has grown large; called now and then."""
    if _words is None:
        return
    with suppress(OSError):  # not a file but the null device
        if os.fstat(_STDERR).st_size > _LARGEST:
            os.ftruncate(_STDERR, 0)


def _open_standard_streams() -> None:
    # a descriptor that was closed before the start would go to the next file that is opened, and take what is printed
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _libraries_file() -> int:
    with suppress(OSError):
        place = user_data_dir() / LIBRARIES_LOG
        opened = os.open(place, os.O_CREAT | os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if os.fstat(opened).st_size > _LARGEST:
            os.ftruncate(opened, 0)
        return opened
    return os.open(os.devnull, os.O_WRONLY)


def _is_descriptor_two(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == _STDERR
    except (OSError, ValueError):
        return False
