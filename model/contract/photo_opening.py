"""Opening a photo so that no file can do harm: only known formats, bounded memory, bounded time, no raw warnings."""

from __future__ import annotations

import ctypes
import errno
import io
import logging
import os
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import PIL
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from model.system.errors import FileError, MarqueError
from model.system.photo_files import HEIC_ADVICE, HEIC_SUFFIXES, PHOTO_SUFFIXES, UNREADABLE, suffix_of
from model.system.reading import open_regular

MAX_PIXELS = 400_000_000
"""Images above this are refused, except JPEG files that can be decoded line by line at a fraction of their size."""
MAX_BYTES = 1 << 30
"""Memory that the pixels of one photo may take while it is read, turned and converted."""
MAX_SECONDS = 30.0
"""Time that decoding one photo may take, without the time of the disk or the network."""

MISSING = "the file does not exist"
"""Reason of a PhotoError; it separates a file that was moved from a damaged one."""
OTHER_FORMAT = "which Marque cannot read"
"""Part of the reason for a file in a format that is known and not read, by its ending; it is not damaged."""
NO_PERMISSION = "no permission to read the file"
"""The same for a file that exists and may be readable another time."""

# the limits here hold for every photo and are checked before its pixels are decoded
Image.MAX_IMAGE_PIXELS = None
# faults of a file are a PhotoError; these are about metadata that nobody here reads
warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)(\.|$)")
logging.getLogger("PIL").addHandler(logging.NullHandler())

_COMMON = ("JPEG", "PNG", "GIF", "BMP", "PPM")
# TGA files have no signature, so that format comes last
_OTHERS = {"TIFF": "Tiff", "WEBP": "WebP", "AVIF": "Avif", "TGA": "Tga"}
_HEIF = "HEIF"
_JPEG = frozenset({"JPEG", "MPO"})
_IN_ONE_CALL = frozenset({"TIFF", "WEBP", "AVIF", _HEIF})  # decoded by a library that cannot be interrupted
_QUICK = 16_000_000  # pixels that every such library decodes in a few seconds
_AT_ONCE = 1 << 20  # bytes; no decoder of Pillow needs more of a file in one piece
_HEADER = 256  # bytes of a header that are read at once
_LITTLE = 4096  # bytes of a progressive JPEG whose scans are decoded in a few seconds, however many they are

_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}  # all other modes: 4
_MOST_A_PIXEL = 12
_UPRIGHT = 1
_ORIENTATION_TAG = 0x0112
_START_OF_SCAN, _SEQUENTIAL = 0xDA, (0xC0, 0xC1)

# Pillow's decoders report damaged files with any of these
DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, MemoryError, ArithmeticError),
    *(RuntimeError, struct.error, zlib.error),
)
"""What Pillow raises for a damaged file."""


class PhotoError(MarqueError):
    """A file that cannot be read as a picture. `reason` is a sentence for the user, without the path."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self) -> tuple[type[PhotoError], tuple[Path, str]]:
        """Its own arguments, for pickling between processes."""
        return type(self), (self.path, self.reason)


class _Refused(Exception):  # noqa: N818
    """A file is given up while Pillow reads it; not one of the classes that Pillow takes for damage."""


_read = io.BufferedReader.read  # so that many short reads do not look it up each time


class _Source(io.BufferedReader):
    """A file as Pillow reads it: counts the time that passes between reads, and bounds what one read brings."""

    def __init__(self, file: io.BufferedReader) -> None:
        super().__init__(file.detach())
        self.size = os.fstat(self.fileno()).st_size
        self.left = MAX_SECONDS
        self._resumed = time.monotonic()
        self._little = 0  # reads that were short
        self._handing = threading.Lock()
        self._used = self._left_behind = False

    def use(self) -> None:
        """A thread reads it from now on."""
        self._used = True

    def used_no_more(self) -> None:
        """The thread has ended; if it was not waited for, it closes the file."""
        with self._handing:
            self._used = False
            if self._left_behind:
                self.close()

    def leave(self) -> None:
        """Close it, or let the thread close it that still reads it."""
        with self._handing:
            self._left_behind = self._used
        if not self._left_behind:
            self.close()

    def read(self, size: int | None = -1, /) -> bytes:
        """As for every file. Raises _Refused."""
        if size is not None and 0 <= size <= _HEADER:
            self._little += 1
            if self._little & 63:  # in headers the clock is checked now and then
                return _read(self, size)
        self.left -= time.monotonic() - self._resumed
        if self.left < 0:
            raise _Refused(_too_slow())
        if size is None or size < 0:
            if self.size > MAX_BYTES:
                raise _Refused(f"{self.size / 2**30:,.1f} GiB are more than this program reads of such a file at once")
        elif size > _AT_ONCE:
            size = _AT_ONCE
        try:
            return _read(self, size)
        finally:
            self._resumed = time.monotonic()


@contextmanager
def opened(path: Path | str) -> Iterator[ImageFile]:
    """Open an image file, without its pixels; whatever goes wrong with it, here or in the block, becomes a PhotoError.

    Raises:
        PhotoError: if the file is missing, empty, not a file at all (a pipe, a device), not an image in a format that
            this program reads, damaged, or larger than MAX_PIXELS.
    """
    path = path if isinstance(path, Path) else Path(path)
    try:
        source = _Source(open_regular(path))
        try:
            image = _identified(source, path)
            _check_pixels(image, source)
            yield image
        finally:
            source.leave()
    except _Refused as refusal:
        raise PhotoError(path, str(refusal)) from None
    except FileNotFoundError:
        raise PhotoError(path, MISSING) from None
    except FileError as error:  # something else than a file
        folder = error.errno == errno.EISDIR
        raise PhotoError(path, "this is a folder, not a picture" if folder else str(error.strerror)) from None
    except PermissionError:
        # Windows refuses to open a folder in these words
        reason = "this is a folder, not a picture" if path.is_dir() else NO_PERMISSION
        raise PhotoError(path, reason) from None
    except MemoryError:
        raise PhotoError(path, "there is not enough memory for this picture") from None
    except DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:
            raise PhotoError(path, f"the file cannot be read ({error.strerror})") from error
        raise PhotoError(path, f"damaged or cut short ({error})") from error


def decode(image: ImageFile) -> None:
    """Read the pixels of an opened image, reduced where they would take more than MAX_BYTES.

    Only in the block of `opened`, which turns what is raised into a PhotoError: too large, too slow, damaged.
    """
    within_memory(image)
    if image.format in _JPEG and (image.info.get("progressive") or _pixels(image) > _QUICK):
        image.decodermaxblock = _LITTLE
    if image.format in _IN_ONE_CALL and _pixels(image) > _QUICK:
        _decode_in_thread(image)
    else:
        image.load()
    within_memory(image)  # a PNG file may say after its pixels that they must be turned


def within_memory(image: ImageFile) -> None:
    """Have a JPEG decoded at a half, a quarter or an eighth of its size if its pixels would take too much memory.

    Only in the block of `opened`, like `decode`.
    """
    if _pixels(image) * _MOST_A_PIXEL <= MAX_BYTES or (wanted := _held(image)) <= MAX_BYTES:
        return
    width, height = image.size
    if image.format in _JPEG and image.tile:
        for part in (2, 4, 8):
            if wanted / part**2 <= MAX_BYTES:
                image.draft(image.mode, (width // part, height // part))
                return
    raise _Refused(
        f"{width:,} x {height:,} pixels would take {wanted >> 20:,} MiB of memory, "
        f"more than this program uses for a photo ({MAX_BYTES >> 20:,} MiB)"
    )


def orientation(image: ImageFile) -> int:
    """EXIF orientation, 1 to 8; a damaged EXIF block does not make the picture unreadable."""
    try:
        return image.getexif().get(_ORIENTATION_TAG, _UPRIGHT)
    except DAMAGE:
        return _UPRIGHT


def _identified(source: _Source, path: Path) -> ImageFile:
    """The image in a file, its header read."""
    if not source.size:  # this also covers files of /proc, which may take for ever to read
        raise _Refused("the file is empty")
    try:
        return Image.open(source, formats=_COMMON)
    except UnidentifiedImageError:
        suffix = suffix_of(path.name)
    try:
        image = Image.open(source, formats=_other_formats())
    except UnidentifiedImageError:
        raise _Refused(_unread(suffix) or "not a picture in a format this program reads") from None
    if image.format == "TIFF":
        _silence_libtiff()
        if UNREADABLE.get(suffix) == "RAW photo":  # all that Pillow finds in it is the preview
            raise _Refused(_unread(suffix))
    return image


@cache
def _other_formats() -> tuple[str, ...]:
    """The formats that Pillow loads only on request, as far as this copy has them."""
    for module in _OTHERS.values():
        with suppress(ImportError):
            import_module(f"PIL.{module}ImagePlugin")
    if HEIC_SUFFIXES <= PHOTO_SUFFIXES:
        with suppress(ImportError, OSError):  # installed, but for another computer
            import_module("pillow_heif").register_heif_opener(thumbnails=False)
    return tuple(name for name in (*_OTHERS, _HEIF) if name in Image.OPEN)


def _unread(suffix: str) -> str:
    """Why a file of a known kind is not read, by its ending; "" for other kinds."""
    kind = UNREADABLE.get(suffix, "")
    advice = f"; {HEIC_ADVICE}" if suffix in HEIC_SUFFIXES else ""
    return f"this is a {kind}, {OTHER_FORMAT}{advice}" if kind else ""


def _check_pixels(image: ImageFile, source: _Source) -> None:
    if _pixels(image) > MAX_PIXELS and not (image.format in _JPEG and _is_sequential(source)):
        size = f"{_pixels(image) / 1e6:,.0f} megapixels"
        raise _Refused(f"{size} are more than this program opens ({MAX_PIXELS / 1e6:,.0f})")


def _is_sequential(source: _Source) -> bool:
    """Whether a JPEG is decoded line by line; others hold all coefficients in memory, whatever the size."""
    place = source.tell()
    try:
        source.seek(2)
        sequential, components = False, 0
        while (head := source.read(4)) and len(head) == 4 and head[0] == 0xFF:
            marker, length = head[1], int.from_bytes(head[2:], "big")
            body = source.read(max(length - 2, 0))
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                sequential, components = marker in _SEQUENTIAL, body[5] if len(body) > 5 else 0
            if marker == _START_OF_SCAN:
                return sequential and bool(body) and body[0] == components
        return False
    finally:
        source.seek(place)


def _pixels(image: Image.Image) -> int:
    return image.width * image.height


def _held(image: ImageFile) -> int:
    """Bytes that the pixels take while they are decoded, turned and converted to RGB."""
    each = _BYTES_A_PIXEL.get(image.mode, 4)
    known = image.format != "PNG" or "exif" in image.info or not image.tile  # otherwise Pillow decodes all of it to see
    turned = each if known and orientation(image) != _UPRIGHT else 0
    converted = 0 if image.mode == "RGB" and "transparency" not in image.info else 4
    return _pixels(image) * (each + turned + converted)


def _too_slow() -> str:
    return f"given up, as decoding it takes more than {MAX_SECONDS:,.0f} seconds"


def _decode_in_thread(image: ImageFile) -> None:
    """Decode, waiting MAX_SECONDS at most. Nothing can end the thread; it closes the file when it is done."""
    source = image.fp
    assert isinstance(source, _Source)
    failed: list[Exception] = []

    def work() -> None:
        try:
            image.load()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            failed.append(error)
        finally:
            source.used_no_more()

    source.use()
    thread = threading.Thread(target=work, name="decode a large photo", daemon=True)
    thread.start()
    thread.join(MAX_SECONDS)
    if thread.is_alive():
        raise _Refused(_too_slow())
    if failed:
        raise failed[0]


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from printing on standard error: Pillow raises the same faults.

    The library is beside Pillow's modules if Pillow was installed as a wheel; otherwise it is the system's.
    """
    beside = Path(PIL.__file__).parent
    found = [
        *sorted((beside.parent / "pillow.libs").glob("libtiff*")),
        *sorted((beside / ".dylibs").glob("libtiff*")),
    ]
    for name in (*map(str, found), "libtiff.so.6", "libtiff.so.5", "libtiff.6.dylib"):
        try:
            library = ctypes.CDLL(name)
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)
        except (OSError, AttributeError):
            continue
        return
