"""What kind of file this is, by its name and its first bytes: a picture, a sidecar, or one of Marque's own kinds."""

from __future__ import annotations

import mmap
from contextlib import suppress
from pathlib import Path

from model.system.photo_files import PHOTO_SUFFIXES, UNREADABLE, suffix_of

PHOTO, SIDECAR, PROJECT, GALLERY, MODEL = "photo", "sidecar", "project", "gallery", "model"

_BY_SUFFIX = {
    **UNREADABLE,
    **dict.fromkeys(PHOTO_SUFFIXES, PHOTO),
    ".xmp": SIDECAR,
    ".marque": PROJECT,
    ".gallery": GALLERY,
    ".onnx": MODEL,
}
_SQLITE, _APPLICATION = b"SQLite format 3\0", slice(68, 72)
_BY_APPLICATION = {b"MQUP": PROJECT, b"MQUG": GALLERY}
"""The kinds by SQLite's application id; app/core writes these."""
_PHOTOS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MODEL_START, _MODEL_KEY = b"\x08", b"\x0a\x06marque\x12"
"""An ONNX file begins with its IR version; the key of our metadata stands near its end, as protobuf writes it."""
_HEAD = 72


def kind_of(path: Path) -> str | None:
    """One of the kinds above, or of `UNREADABLE`, by the name or else by the content; None for every other file.

    Raises:
        OSError: if the file cannot be read.
    """
    return kind_by_name(path.name) or _kind_by_content(path)


def kind_by_name(name: str) -> str | None:
    """The same by a file's name alone."""
    return _BY_SUFFIX.get(suffix_of(name))


def _kind_by_content(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head.startswith(_SQLITE):
            return _BY_APPLICATION.get(head[_APPLICATION])
        if _begins_a_photo(head):
            return PHOTO
        if head.startswith(_MODEL_START):
            with suppress(ValueError), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                return MODEL if whole.rfind(_MODEL_KEY) >= 0 else None
    return None


def _begins_a_photo(head: bytes) -> bool:
    in_a_box = (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1")
    bitmap = head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"
    return head.startswith(_PHOTOS) or in_a_box or bitmap
