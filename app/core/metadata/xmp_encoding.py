"""How the text of a packet of XMP is encoded: UTF-8, UTF-16 and UTF-32, or what an XML declaration names.

A packet is written back in its own encoding; characters that this does not have become character references.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from model.system.errors import MarqueError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, which has the same beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_BEGINNINGS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(r"""<\?xml\s[^<>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_LONGEST_DECLARATION = 400
_OF_ONE_BYTE = re.compile(r"ascii|iso8859-\d+|cp125\d")


class XmpError(MarqueError):
    """A packet that is not XMP, or that cannot be changed safely; the message says why, without the file."""


@dataclass(frozen=True)
class Decoded:
    """The text of a packet, without the byte order mark and NULs at its end, and how it was encoded."""

    text: str
    encoding: str
    mark: bytes

    def encoded(self, text: str) -> bytes:
        """Another text in the same encoding."""
        return self.mark + text.encode(self.encoding, "xmlcharrefreplace")


def decoded(packet: bytes) -> Decoded:
    """The text of a packet.

    Raises:
        XmpError: if its bytes are not in the encoding of its beginning or its declaration, or XMP has no such encoding.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if packet.startswith(mark)), (b"", ""))
    content = packet[len(mark) :]
    if not encoding:
        encoding = next((name for start, name in _BEGINNINGS if content.startswith(start)), "")
    encoding = _checked(encoding, content)
    width = {"utf-16": 2, "utf-32": 4}.get(encoding[:6], 1)
    # some cameras end a packet as a C string
    whole = len(content) - len(content) % width
    if not content[whole:].strip(b"\0"):
        content = content[:whole]
    try:
        text = content.decode(encoding).rstrip("\0")
    except UnicodeDecodeError as error:
        raise XmpError(f"it is not in {encoding.upper()}: byte {len(mark) + error.start + 1}") from error
    if "\0" in text:  # the parser would take it as another encoding
        raise XmpError(f"it is not in {encoding.upper()}: there are NULs in it")
    return Decoded(text, encoding, mark)


def _checked(encoding: str, content: bytes) -> str:
    """The encoding of a packet's beginning ("" for one of single bytes), or else the one that it names."""
    beginning = content[:_LONGEST_DECLARATION].decode(encoding or "latin-1", "replace")
    found = _DECLARED.match(beginning)
    if found is None:
        return encoding or "utf-8"
    try:
        declared = codecs.lookup(found[1]).name
    except LookupError:
        declared = ""
    if not encoding and (declared == "utf-8" or _OF_ONE_BYTE.fullmatch(declared)):
        return declared
    if encoding and declared in (encoding, encoding.removesuffix("-le").removesuffix("-be")):
        return encoding
    if encoding or declared.startswith(("utf-16", "utf-32")):
        raise XmpError(f"it says that it is in {found[1]}, but it is not")
    raise XmpError(f"it is in {found[1]}, which XMP cannot be in")
