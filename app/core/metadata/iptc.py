"""The keywords in the older IPTC block of a JPEG (IIM in a Photoshop segment); read, never written.

Programs that find no keywords in XMP take these. Once a label has put some into XMP, they look no further, so the
person's own keywords must be copied there too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from app.core.metadata.xmp_packet import segments

_APP13 = 0xED
_PHOTOSHOP = b"Photoshop 3.0\0"
_RESOURCE, _IPTC = b"8BIM", 0x0404
_DATASET = 0x1C
_CHARACTER_SET, _KEYWORD = (1, 90), (2, 25)
_UTF8 = b"\x1b%G"
_EXTENDED = 0x8000


def iptc_keywords(jpeg: bytes) -> list[str]:
    """The keywords, in their order; none if the block is missing or damaged."""
    block = b""
    with suppress(IndexError, ValueError):
        for marker, _, body, end in segments(jpeg):
            if marker == _APP13 and jpeg.startswith(_PHOTOSHOP, body):
                block += jpeg[body + len(_PHOTOSHOP) : end]
    utf8, found = False, []
    for number, value in _datasets(b"".join(_resources(block))):
        utf8 = utf8 or (number == _CHARACTER_SET and value == _UTF8)
        if number == _KEYWORD:
            found.append(value)
    return [_text(value, utf8=utf8) for value in found]


def _resources(block: bytes) -> Iterator[bytes]:
    """The content of each IPTC resource."""
    at = 0
    while block.startswith(_RESOURCE, at) and at + 12 <= len(block):
        number = int.from_bytes(block[at + 4 : at + 6])
        name = 1 + block[at + 6]
        size_at = at + 6 + name + name % 2
        size = int.from_bytes(block[size_at : size_at + 4])
        if number == _IPTC:
            yield block[size_at + 4 : size_at + 4 + size]
        at = size_at + 4 + size + size % 2


def _datasets(block: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while at + 5 <= len(block) and block[at] == _DATASET:
        size = int.from_bytes(block[at + 3 : at + 5])
        if size & _EXTENDED:  # no keyword is that long
            return
        yield (block[at + 1], block[at + 2]), block[at + 5 : at + 5 + size]
        at += 5 + size


def _text(value: bytes, *, utf8: bool) -> str:
    """A value; many programs write UTF-8 without saying so."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("utf-8" if utf8 else "cp1252", "replace")
