"""The packet of XMP inside a photo's file: found and replaced. Pixels are not touched.

All other bytes stay as they are, except the index of a JPEG's further pictures (MPF: previews, depth, brightness),
which says where they are. A JPEG holds the packet in an APP1 segment, a PNG in an iTXt chunk; a PNG of ImageMagick has
it in hexadecimal digits, and gets an iTXt chunk instead. XMP beyond 64 KB in a JPEG is in further segments, to which a
mark in the packet leads; they stay. A file with two packets that differ is left alone, as programs do not agree on
which one counts.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from model.system.errors import MarqueError

_JPEG = b"\xff\xd8\xff"
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_FURTHER_SEGMENT = b"http://ns.adobe.com/xmp/extension/\0"
_FURTHER = re.compile(rb"""HasExtendedXMP(?:\s*=\s*["']|[^<>]*>)\s*([0-9A-Fa-f]{32})""")
_PACKET_END = b"<?xpacket end="
_INDEX_SEGMENT = b"MPF\0"
_PICTURES = 0xB002
_LARGEST_IN_JPEG = 65_502
_APP0, _APP1, _APP2, _SCAN, _END = 0xE0, 0xE1, 0xE2, 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}

_PNG = b"\x89PNG\r\n\x1a\n"
_XMP_CHUNK = b"XML:com.adobe.xmp\0"
_TEXT_CHUNKS = (b"iTXt", b"tEXt", b"zTXt")
_HEX_CHUNKS = (b"Raw profile type xmp\0", b"Raw profile type APP1\0")
_AFTER_HEADER = len(_PNG) + 25
_LARGEST_UNPACKED = 16 << 20

SIGNATURE = 8
"""Bytes from a file's beginning that `takes` needs."""


class PacketError(MarqueError):
    """The file cannot take a packet; the message is a reason for the user, without the file."""


def takes(beginning: bytes) -> bool:
    """Whether a file with this beginning is of a format that can hold a packet."""
    return beginning.startswith((_JPEG, _PNG))


@dataclass(frozen=True)
class Embedded:
    """The XMP of a file: its packets (there should be one), and what further segments of a JPEG add."""

    packets: tuple[bytes, ...]
    extension: bytes | None = None


def read_packet(content: bytes) -> Embedded:
    """The packets in a JPEG or PNG; one that occurs several times counts once.

    Raises:
        PacketError: if the file is damaged.
    """
    slot = _find(content)
    return Embedded(slot.packets, slot.extension)


def with_packet(content: bytes, packet: bytes) -> bytes:
    """The same JPEG or PNG with another packet in place of its own; further segments stay.

    Raises:
        PacketError: if the file is damaged, has several packets that differ, or has no room for the packet.
    """
    slot = _find(content)
    if len(slot.packets) > 1:
        raise PacketError("it holds several packets of XMP that differ, and stays as it is")
    edits = list(zip(slot.places, [slot.wrap(packet), *[b""] * len(slot.places[1:])], strict=True))
    if slot.index is not None:
        growth = [(start > slot.index, len(text) - (end - start)) for (start, end), text in edits]
        total, behind = sum(more for _, more in growth), sum(more for after, more in growth if after)
        with _damage_told():
            content = _with_index_moved(content, slot.index, total, behind)
    for (start, end), text in reversed(edits):
        content = content[:start] + text + content[end:]
    return content


@dataclass(frozen=True)
class _Slot:
    """Where a file's packet belongs.

    Attributes:
        places: start and end of all segments or chunks that hold it; without any, the empty place for one. packets:
        their contents, each once. wrap: turns a packet into the bytes for the first place. index: where the index of a
        JPEG's further pictures begins, or None.
        extension: more XMP in further segments.
    """

    places: list[tuple[int, int]]
    packets: tuple[bytes, ...]
    wrap: Callable[[bytes], bytes]
    index: int | None = None
    extension: bytes | None = None


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
    new, index, leading = 2, None, True
    places, packets, further = [], [], []
    for marker, begins, body, ends in segments(content):
        if marker == _APP1 and content.startswith(_XMP_SEGMENT, body):
            places.append((begins, ends))
            packets.append(content[body + len(_XMP_SEGMENT) : ends])
        elif marker == _APP1 and content.startswith(_FURTHER_SEGMENT, body):
            further.append(content[body + len(_FURTHER_SEGMENT) : ends])
        elif marker == _APP2 and content.startswith(_INDEX_SEGMENT, body):
            index = body + len(_INDEX_SEGMENT)
        # a new one belongs after JFIF and Exif, and before everything else
        leading = leading and (marker == _APP0 or (marker == _APP1 and content.startswith(b"Exif\0", body)))
        if leading:
            new = ends
    extension = _extension(packets[0], further) if packets else None
    return _Slot(places or [(new, new)], _each_once(packets), _as_segment, index, extension)


def _each_once(packets: list[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(packets))


def _extension(packet: bytes, further: list[bytes]) -> bytes | None:
    """The XMP in further segments to which a packet leads: each has the mark, the whole length, its place, a part."""
    found = _FURTHER.search(packet)
    mark = found[1].upper() if found else b""
    parts = sorted(
        (int.from_bytes(one[36:40]), int.from_bytes(one[32:36]), one[40:])
        for one in further
        if one[:32].upper() == mark
    )
    if not parts:
        return None
    whole = b"".join(part for _, _, part in parts)
    position = 0
    for place, length, part in parts:
        if (place, length) != (position, len(whole)):
            raise PacketError("its extended XMP is incomplete, and stays as it is")
        position += len(part)
    if hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() != mark:
        raise PacketError("its extended XMP is damaged, and stays as it is")
    return whole


def segments(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Marker, start, start of the body, and end, of each segment before the pixels of a JPEG.

    Raises:
        ValueError, IndexError: if it is damaged.
    """
    position = 2
    while True:
        start = position
        if content[position] != 0xFF:
            raise ValueError
        while content[position + 1] == 0xFF:  # any number of these may come before a marker
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
        packet = _without_padding(packet)
    if len(packet) > _LARGEST_IN_JPEG:
        raise PacketError("its XMP would be larger than the 64 KB that a JPEG has room for")
    length = 2 + len(_XMP_SEGMENT) + len(packet)
    return bytes((0xFF, _APP1)) + length.to_bytes(2) + _XMP_SEGMENT + packet


def _without_padding(packet: bytes) -> bytes:
    """A packet without the white space at its end, which leaves room for programs that change it in place."""
    end = packet.rfind(_PACKET_END)
    return packet if end < 0 else packet[:end].rstrip() + b"\n" + packet[end:].rstrip()


def _with_index_moved(content: bytes, index: int, growth: int, behind: int) -> bytes:
    """Correct the index of further pictures (CIPA DC-007), a TIFF directory, before the first picture grows.

    Args:
        index: where it begins; the other pictures' places are counted from there.
        growth: of the first picture, bytes, may be below 0. behind: the part of it that is after the index.
    """
    order: Literal["little", "big"] = "little" if content[index : index + 2] == b"II" else "big"

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(content[at : at + size], order)

    changed = bytearray(content)

    def add(at: int, more: int) -> None:
        changed[at : at + 4] = (number(at) + more).to_bytes(4, order)

    directory = index + number(index + 4)
    for field in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if number(field, 2) != _PICTURES:
            continue
        first = index + number(field + 8)
        if first + number(field + 4) > len(content):
            raise ValueError
        add(first + 4, growth)  # its size
        for other in range(first + 16, first + number(field + 4), 16):
            add(other + 8, behind)  # its place
    return bytes(changed)


def _find_in_png(content: bytes) -> _Slot:
    position = len(_PNG)
    places, packets = [], []
    while True:
        length, kind = int.from_bytes(content[position : position + 4]), content[position + 4 : position + 8]
        body, end = position + 8, position + 12 + length
        if end > len(content):
            raise ValueError
        packet = _packet_in_chunk(kind, content[body : end - 4]) if kind in _TEXT_CHUNKS else None
        if packet is not None:
            places.append((position, end))
            packets.append(packet)
        if kind == b"IEND":
            return _Slot(places or [(_AFTER_HEADER, _AFTER_HEADER)], _each_once(packets), _as_chunk)
        position = end


def _packet_in_chunk(kind: bytes, body: bytes) -> bytes | None:
    """The packet in a chunk of text, if there is one."""
    if body.startswith(_XMP_CHUNK):
        return _text_of(kind, body[len(_XMP_CHUNK) :])
    name = next((name for name in _HEX_CHUNKS if body.startswith(name)), None)
    if name is None:
        return None
    # a line with the kind, a line with the length, lines of digits
    _, digits = _text_of(kind, body[len(name) :]).strip().split(b"\n", 1)
    _, _, digits = digits.lstrip().partition(b"\n")
    profile = bytes.fromhex(digits.decode("ascii"))
    if name == _HEX_CHUNKS[0]:
        return profile.removeprefix(_XMP_SEGMENT)
    return profile[len(_XMP_SEGMENT) :] if profile.startswith(_XMP_SEGMENT) else None


def _text_of(kind: bytes, body: bytes) -> bytes:
    """The text of a chunk, after its keyword."""
    if kind == b"tEXt":
        return body
    if kind == b"zTXt":  # how it is compressed, then the text
        return _unpacked(body[1:])
    # compressed or not, how, two names of its language, then the text
    _language, _translated, text = body[2:].split(b"\0", 2)
    return _unpacked(text) if body[0] else text


def _unpacked(text: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(text, _LARGEST_UNPACKED)
    if not unpacker.eof:
        raise ValueError
    return unpacked


def _as_chunk(packet: bytes) -> bytes:
    body = b"iTXt" + _XMP_CHUNK + bytes(4) + packet
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
