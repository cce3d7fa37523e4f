"""The packet of XMP inside a photo's file: found, and another put in its place. No pixel is touched.

All other bytes stay as they are, but for the index of a JPEG's further pictures (MPF: previews, depth, brightness),
which tells where they lie. A JPEG holds the packet in an APP1 segment, a PNG in an iTXt chunk. XMP beyond 64 KB in a
JPEG lies in further segments, to which a mark in the packet leads; both stay.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from model.errors import MarqueError

_JPEG = b"\xff\xd8\xff"
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_INDEX_SEGMENT = b"MPF\0"
_PICTURES = 0xB002
_LARGEST_IN_JPEG = 65_502
_APP0, _APP1, _APP2, _SCAN, _END = 0xE0, 0xE1, 0xE2, 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}

_PNG = b"\x89PNG\r\n\x1a\n"
_XMP_CHUNK = b"XML:com.adobe.xmp\0"
_AFTER_HEADER = len(_PNG) + 25
_LARGEST_UNPACKED = 16 << 20

SIGNATURE = 8
"""Bytes from a file's beginning that `takes` needs."""


class PacketError(MarqueError):
    """The file takes no packet; the message is a reason for the user, without the file."""


def takes(beginning: bytes) -> bool:
    """Whether a file that begins so is of a format into which a packet can be put."""
    return beginning.startswith((_JPEG, _PNG))


def read_packet(content: bytes) -> bytes | None:
    """The packet in a JPEG or PNG, None where it has none. Raises PacketError if the file is damaged."""
    return _find(content).packet


def with_packet(content: bytes, packet: bytes) -> bytes:
    """The same JPEG or PNG with another packet, in the place of the one that it had.

    Raises:
        PacketError: if the file is damaged, or the packet does not fit into it.
    """
    slot = _find(content)
    wrapped = slot.wrap(packet)
    if slot.index is not None:
        growth = len(wrapped) - (slot.end - slot.start)
        with _damage_told():
            content = _with_index_moved(content, slot.index, growth, behind=slot.start > slot.index)
    return content[: slot.start] + wrapped + content[slot.end :]


@dataclass(frozen=True)
class _Slot:
    """Where a file's packet belongs.

    Attributes:
        start, end: of the segment or chunk that holds it; the same where there is none yet.
        packet: what it holds.
        wrap: a packet as the bytes that go between `start` and `end`.
        index: where the index of a JPEG's further pictures begins, or None.
    """

    start: int
    end: int
    packet: bytes | None
    wrap: Callable[[bytes], bytes]
    index: int | None = None


def _find(content: bytes) -> _Slot:
    with _damage_told():
        return _find_in_jpeg(content) if content.startswith(_JPEG) else _find_in_png(content)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (IndexError, ValueError, OverflowError, zlib.error):
        raise PacketError("the blocks before its pixels are damaged") from None


def _find_in_jpeg(content: bytes) -> _Slot:
    start = end = 2
    packet = index = None
    leading = True
    for marker, begins, body, ends in _segments(content):
        if marker == _APP1 and packet is None and content.startswith(_XMP_SEGMENT, body):
            start, end, packet = begins, ends, content[body + len(_XMP_SEGMENT) : ends]
        elif marker == _APP2 and content.startswith(_INDEX_SEGMENT, body):
            index = body + len(_INDEX_SEGMENT)
        # a new one belongs behind JFIF and Exif, and before all else
        leading = leading and (marker == _APP0 or (marker == _APP1 and content.startswith(b"Exif\0", body)))
        if leading:
            start = end = ends
    return _Slot(start, end, packet, _as_segment, index)


def _segments(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Marker, start, start of the body, and end, of each segment before the pixels of a JPEG."""
    position = 2
    while True:
        start = position
        if content[position] != 0xFF:
            raise ValueError
        while content[position + 1] == 0xFF:  # a marker may be preceded by any number of these
            position += 1
        marker = content[position + 1]
        if marker in (_SCAN, _END):
            return
        position += 2
        if marker in _WITHOUT_LENGTH:
            continue
        end = position + int.from_bytes(content[position : position + 2])
        if not position + 2 <= end < len(content):
            raise ValueError
        yield marker, start, position + 2, end
        position = end


def _as_segment(packet: bytes) -> bytes:
    if len(packet) > _LARGEST_IN_JPEG:
        raise PacketError("its XMP would be larger than the 64 KB that a JPEG has room for")
    length = 2 + len(_XMP_SEGMENT) + len(packet)
    return bytes((0xFF, _APP1)) + length.to_bytes(2) + _XMP_SEGMENT + packet


def _with_index_moved(content: bytes, index: int, growth: int, *, behind: bool) -> bytes:
    """Correct the index of further pictures (CIPA DC-007), a TIFF directory, before the first picture grows.

    Args:
        index: where it begins; the other pictures' places are counted from there.
        growth: bytes, also below 0.
        behind: whether the first picture grows behind the index.
    """
    order: Literal["little", "big"] = "little" if content[index : index + 2] == b"II" else "big"

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(content[at : at + size], order)

    changed = bytearray(content)

    def add(at: int) -> None:
        changed[at : at + 4] = (number(at) + growth).to_bytes(4, order)

    directory = index + number(index + 4)
    for field in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if number(field, 2) != _PICTURES:
            continue
        first = index + number(field + 8)
        if first + number(field + 4) > len(content):
            raise ValueError
        add(first + 4)  # its size
        for other in range(first + 16, first + number(field + 4), 16):
            if behind:
                add(other + 8)  # its place
    return bytes(changed)


def _find_in_png(content: bytes) -> _Slot:
    position = len(_PNG)
    while True:
        length, kind = int.from_bytes(content[position : position + 4]), content[position + 4 : position + 8]
        body, end = position + 8, position + 12 + length
        if end > len(content):
            raise ValueError
        if kind == b"iTXt" and content.startswith(_XMP_CHUNK, body):
            return _Slot(position, end, _text_of(content[body + len(_XMP_CHUNK) : end - 4]), _as_chunk)
        if kind == b"IEND":
            return _Slot(_AFTER_HEADER, _AFTER_HEADER, None, _as_chunk)
        position = end


def _text_of(body: bytes) -> bytes:
    """The text of an iTXt chunk after its keyword: packed or not, how, two names of its language, then the text."""
    _language, _translated, text = body[2:].split(b"\0", 2)
    if not body[0]:
        return text
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(text, _LARGEST_UNPACKED)
    if not unpacker.eof:
        raise ValueError
    return unpacked


def _as_chunk(packet: bytes) -> bytes:
    body = b"iTXt" + _XMP_CHUNK + bytes(4) + packet
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
