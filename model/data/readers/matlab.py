"""Variables of MATLAB files, without objects; checked before scipy reads them, which some damaged files crash."""

from __future__ import annotations

import io
import math
import zlib
from typing import Any, Literal, NamedTuple

from scipy.io import loadmat

_HEADER, _VERSION = 128, 0x0100
_INT8, _INT32, _UINT32, _MATRIX, _PACKED = 1, 5, 6, 14, 15
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""How numbers and texts are stored, and their bytes."""
_CELLS, _STRUCTURES, _TEXT = 1, 2, 4
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800
_DEEPEST, _LONGEST_FIELD, _MOST_DIMENSIONS = 8, 64, 8


class _Element(NamedTuple):
    kind: int
    begin: int
    end: int
    following: int


def variables(content: bytes, largest: int) -> dict[str, Any]:
    """The variables of a file of MATLAB 5, each squeezed.

    Args:
        largest: bytes that they may take unpacked.

    Raises:
        ValueError: if it is damaged or something else, holds objects, or is too large.
    """
    order: Literal["little", "big"] = "big" if content[126:128] == b"MI" else "little"
    if content[126:128] not in (b"IM", b"MI") or int.from_bytes(content[124:126], order) != _VERSION:
        raise ValueError("not in the format of MATLAB 5")
    file, at, room = _Elements(content, order), _HEADER, largest
    while at < len(content):
        variable, inside = file.at(at, len(content)), file
        at = variable.following
        if variable.kind == _PACKED:
            at = variable.end  # these have no padding
            inside = _Elements(_unpacked(content[variable.begin : variable.end], room), order)
            variable = inside.at(0, len(inside.content))
        room -= variable.end - variable.begin
        inside.check(variable)
    try:
        return loadmat(io.BytesIO(content), squeeze_me=True)
    except Exception as error:  # for a damaged file scipy raises errors of any kind
        raise ValueError(str(error)) from error


def _unpacked(packed: bytes, room: int) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, room + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(content) > room:
        raise ValueError("unpacked it is larger than such a file can be")
    if not unpacking.eof:
        raise ValueError("a packed variable is cut short")
    return content


class _Elements:
    """The parts of a file: a kind and a length each, and what that holds."""

    def __init__(self, content: bytes, order: Literal["little", "big"]) -> None:
        self.content, self._order = content, order

    def at(self, place: int, end: int, *kinds: int) -> _Element:
        """The element that begins at a place: it must be of one of these kinds, and not reach beyond the end."""
        if place + 8 > end:
            raise ValueError("cut short")
        kind, size = self._number(place), self._number(place + 4)
        if kind >> 16:  # a small element has both in four bytes
            found = _Element(kind & 0xFFFF, place + 4, place + 4 + (kind >> 16), place + 8)
            if found.end > found.following:
                raise ValueError("an element is longer than its room")
        else:
            found = _Element(kind, place + 8, place + 8 + size, place + 8 + -(-size // 8) * 8)
        if found.end > end or (kinds and found.kind not in kinds):
            raise ValueError(f"an element of kind {found.kind} with {found.end - found.begin} bytes in the wrong place")
        return found

    def check(self, element: _Element, depth: int = 0) -> None:
        """Raises ValueError if a variable, or something in it, is not as it should be."""
        if element.kind != _MATRIX or depth > _DEEPEST:
            raise ValueError(f"an element of kind {element.kind} in the wrong place")
        end = element.end
        if element.begin == end:
            return  # an empty variable
        flags = self.at(element.begin, end, _UINT32)
        shape = self.at(flags.following, end, _INT32)
        name = self.at(shape.following, end, _INT8)
        if flags.end - flags.begin != 8 or (shape.end - shape.begin) % 4:
            raise ValueError("the head of a variable is damaged")
        lengths = [self._number(place) for place in range(shape.begin, shape.end, 4)]
        if not 2 <= len(lengths) <= _MOST_DIMENSIONS or math.prod(lengths) > len(self.content):
            raise ValueError(f"no variable has the shape {lengths[:_MOST_DIMENSIONS]}")
        self._check_content(self._number(flags.begin), math.prod(lengths), name.following, end, depth)

    def _check_content(self, flags: int, count: int, at: int, end: int, depth: int) -> None:
        kind = flags & 0xFF
        if kind in (_CELLS, _STRUCTURES):
            if kind == _STRUCTURES:
                fields, at = self._fields(at, end)
                count *= fields
            for _ in range(count):
                part = self.at(at, end, _MATRIX)
                self.check(part, depth + 1)
                at = part.following
        elif kind == _TEXT or kind in _NUMBERS:
            for _ in range(2 if flags & _COMPLEX else 1):
                data = self.at(at, end, *_WIDTHS)
                if data.end - data.begin != count * _WIDTHS[data.kind] and kind != _TEXT:  # a letter takes some bytes
                    raise ValueError(f"{count} numbers in {data.end - data.begin} bytes")
                at = data.following
        else:
            raise ValueError("holds objects instead of numbers, texts and structures")

    def _fields(self, at: int, end: int) -> tuple[int, int]:
        """How many fields a structure has, and where their content begins."""
        length = self.at(at, end, _INT32)
        names = self.at(length.following, end, _INT8)
        longest = self._number(length.begin)
        if length.end - length.begin != 4 or not 1 <= longest <= _LONGEST_FIELD:
            raise ValueError("the fields of a structure are damaged")
        for place in range(names.begin, names.end, longest):
            if b"\0" not in self.content[place : min(place + longest, names.end)]:
                raise ValueError("the name of a field does not end")
        return (names.end - names.begin) // longest, names.following

    def _number(self, place: int) -> int:
        return int.from_bytes(self.content[place : place + 4], self._order)
