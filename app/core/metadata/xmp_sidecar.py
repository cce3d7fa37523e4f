"""XMP sidecars: files beside photos that take the keywords of labels and keep what other programs have put there.

Programs that read a sidecar use its lists instead of those inside the photo. So a new one begins with the words that
the photo holds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.core.metadata.labelled_file import words_inside
from app.core.metadata.sidecars import Sidecars, is_too_long
from app.core.metadata.xmp import merged
from app.core.metadata.xmp_encoding import XmpError
from app.core.metadata.xmp_packet import takes
from app.core.metadata.xmp_text import ListName
from model.system.errors import FileError, MarqueError
from model.system.files import close_on_disk, rename_without_overwriting, take_place
from model.system.reading import open_regular, read_file
from model.system.unfinished import part_beside

_LARGEST = 16 << 20
_TRIES = 3
_BEGINNING = 1 << 20
"""Bytes that hold everything but the pixels in nearly all JPEGs."""


class SidecarError(MarqueError):
    """A sidecar that cannot be read or written; the message names the file."""


def read_sidecar(place: Path) -> bytes:
    """The content of a sidecar.

    Raises:
        SidecarError: if it is not a file (a named pipe, a link), is too large or cannot be read.
    """
    try:
        if place.is_symlink():
            raise SidecarError(f"{place}: this sidecar is a link to another file; left as it is")
        return read_file(place, _LARGEST)
    except OSError as error:
        raise SidecarError(f"{place}: the sidecar cannot be read ({error.strerror})") from error


def write_sidecar(photo: Path, path: tuple[str, ...], sidecars: Sidecars | None = None) -> Path | None:
    """Put a label's keywords into the photo's sidecar, made if missing; the file, or None if there is nothing to do.

    Args:
        path: of `keywords`; empty removes an earlier label's keywords.
        sidecars: for many photos, so that each folder is read once.

    Raises:
        SidecarError: if an existing sidecar is not XMP, or the place cannot be written; it stays as it was then.
    """
    try:
        place = (sidecars or Sidecars()).to_write(photo)
    except FileError as error:
        raise SidecarError.like(error) from error
    for _ in range(_TRIES):
        there = os.path.lexists(place)
        if not path and not there:
            return None
        before = read_sidecar(place) if there else None
        try:
            after = merged(before, path, {} if there else _words_inside(photo))
        except XmpError as error:
            raise SidecarError(f"{place}: this sidecar cannot be changed ({error}); left as it is") from error
        if after == before:
            return None
        with suppress(_ChangedError):
            _write(place, before, after)
            return place
    raise SidecarError(f"{place}: another program is writing this sidecar; left as it is", advice="try again later")


def _words_inside(photo: Path) -> Mapping[ListName, Sequence[str]]:
    """The person's keywords in a photo itself; none if it, or its packet, cannot be read."""
    try:
        with open_regular(photo) as file:
            content = file.read(_BEGINNING)
            if not takes(content):
                return {}
            words = words_inside(content)
            return words if words is not None else words_inside(content + file.read()) or {}
    except OSError:
        return {}


class _ChangedError(Exception):
    """Another program has written the sidecar since it was read."""


def _write(place: Path, before: bytes | None, after: bytes) -> None:
    """Put a sidecar in place of the one that was read. Raises _ChangedError, SidecarError; then it is unchanged."""
    try:
        with part_beside(place) as (file, part):
            file.write(after)
            close_on_disk(file)
            if before is None:
                rename_without_overwriting(part, place)
                return
            if not os.path.lexists(place) or read_sidecar(place) != before:
                raise _ChangedError
            take_place(part, place)
    except FileExistsError:
        raise _ChangedError from None
    except OSError as error:
        advice = "give the photo a shorter name" if is_too_long(place) else ""
        raise SidecarError(f"{place}: the sidecar cannot be written ({error.strerror})", advice=advice) from error
