"""Image files that no camera writes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

from PIL import Image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    path: Path,
    width: int,
    height: int,
    packed: bytes,
    *,
    depth: int = 8,
    colour: int = 2,
    before: bytes = b"",
    after: bytes = b"",
) -> None:
    """A PNG file of compressed rows, with chunks before and after them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    end = png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + before + png_chunk(b"IDAT", packed) + after + end)


def jpeg_of_many_scans(width: int, height: int, *, scans: int) -> bytes:
    """A progressive JPEG whose last scan is there many times over."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (90, 60, 30)).save(out, "JPEG", progressive=True)
    content = out.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * scans + content[-2:]


def write_heic(path: Path, size: tuple[int, int], colour: tuple[int, int, int], *, orientation: int = 1) -> None:
    """A HEIC photo of one colour."""
    import pillow_heif

    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = pillow_heif.from_pillow(Image.new("RGB", size, colour))
    picture.save(path, quality=90, exif=exif.tobytes())
