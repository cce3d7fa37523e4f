"""Reading photos and folders away from the GUI thread: the photo on show, thumbnails, folder scans."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from PIL import Image
from PySide6.QtCore import QObject, QSize, QThreadPool, Signal
from PySide6.QtGui import QImage, QPixmap

from app.core.recognition import images
from model.system import photo_files

THUMBNAIL_SIDE = 256
"""Longest side of a thumbnail in device pixels: enough for 128 at twice the density."""
_THUMBNAIL_BYTES = 96 * 2**20
_THUMBNAILS_WAITING = 96
_SMALLEST_LEVEL = 900
_LARGEST_SHOWN = 8192
_BATCH_SECONDS = 0.05  # results reach the GUI at most 20 times a second

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photograph.

    Attributes:
        image: the picture in full, RGB; what is identified and cropped.
        levels: the same for the screen, each half the size of the one before. The first is smaller than `image` only if
            that has a side of more than 8192 pixels.
    """

    image: Image.Image
    levels: tuple[QImage, ...]

    @property
    def size(self) -> QSize:
        """Width and height of the full picture, pixels."""
        return QSize(*self.image.size)


def make_photo(image: Image.Image) -> Photo:
    """Prepare an RGB picture for the screen. Takes as long as a copy of the pixels: call it on a worker."""
    shown = image
    while max(shown.size) > _LARGEST_SHOWN:
        shown = shown.reduce(2)
    levels = [to_qimage(shown)]
    while max(shown.size) > _SMALLEST_LEVEL:
        shown = shown.reduce(2)
        levels.append(to_qimage(shown))
    return Photo(image, tuple(levels))


def to_qimage(image: Image.Image) -> QImage:
    """An RGB picture as 32-bit QImage, which the window paints without converting."""
    data = image.tobytes("raw", "BGRX")
    # the copy owns its pixels; the first one borrows `data`
    return QImage(data, image.width, image.height, image.width * 4, QImage.Format.Format_RGB32).copy()


def from_qimage(picture: QImage) -> Image.Image:
    """A QImage as RGB picture, transparency on white."""
    if picture.hasAlphaChannel():
        rgba = picture.convertToFormat(QImage.Format.Format_RGBA8888)
        image = Image.frombuffer("RGBA", (rgba.width(), rgba.height()), bytes(rgba.constBits()), "raw", "RGBA", 0, 1)
        ground = Image.new("RGB", image.size, (255, 255, 255))
        ground.paste(image, mask=image.getchannel("A"))
        return ground
    plain = picture.convertToFormat(QImage.Format.Format_RGB32)
    data = bytes(plain.constBits())
    return Image.frombuffer("RGB", (plain.width(), plain.height()), data, "raw", "BGRX", plain.bytesPerLine(), 1)


class PhotoLoader(QObject):
    """Decodes the photo on show. Only the newest request is answered; an older one is dropped even when it is ready.

    Signals:
        loaded: (request, Photo)
        failed: (request, reason as a sentence)
    """

    loaded = Signal(int, Photo)
    failed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self, maxThreadCount=2)
        self._newest = 0

    def load(self, request: int, source: Path | QImage) -> None:
        """Ask for a file or a pasted picture; `request` must be larger than all before."""
        self._newest = request
        self._pool.start(lambda: self._work(request, source))

    def stop(self) -> None:
        """Wait for the worker; nothing is emitted afterwards."""
        self._newest = -1
        self._pool.clear()
        self._pool.waitForDone()

    def _work(self, request: int, source: Path | QImage) -> None:
        if request != self._newest:
            return
        try:
            photo = make_photo(images.load(source) if isinstance(source, Path) else from_qimage(source))
        except images.PhotoError as error:
            if request == self._newest:
                self.failed.emit(request, error.reason)
            return
        if request == self._newest:
            self.loaded.emit(request, photo)


class Thumbnails(QObject):
    """Small pictures by path, made by workers, the most recently requested first, kept up to a number of bytes.

    Signals:
        ready: (path); `get` then has it.
    """

    ready = Signal(Path)
    _made = Signal(Path, QImage)  # an empty one if the file cannot be read

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self, maxThreadCount=2)
        self._kept: OrderedDict[Path, QPixmap | None] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._in_work: set[Path] = set()
        self._made.connect(self._keep)

    def get(self, path: Path) -> QPixmap | None:
        """The thumbnail, or None if it is not made yet or the file cannot be read; asks for a missing one."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        with self._lock:
            if path in self._in_work:
                return None
            self._waiting[path] = None
            self._waiting.move_to_end(path)
            while len(self._waiting) > _THUMBNAILS_WAITING:  # scrolled past: requested again when it is next painted
                self._waiting.popitem(last=False)
        self._pool.start(self._work)
        return None

    def is_unreadable(self, path: Path) -> bool:
        """Whether it was tried without a picture: the file is missing or damaged."""
        return path in self._kept and self._kept[path] is None

    def stop(self) -> None:
        """Forget what is waiting and wait for the workers."""
        with self._lock:
            self._waiting.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def _work(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            path, _ = self._waiting.popitem()
            self._in_work.add(path)
        try:
            picture = to_qimage(images.thumbnail(path, THUMBNAIL_SIDE))
        except images.PhotoError:
            picture = QImage()  # the row says why, once the photo itself has been read
        self._made.emit(path, picture)

    def _keep(self, path: Path, picture: QImage) -> None:
        with self._lock:
            self._in_work.discard(path)
        self._kept[path] = None if picture.isNull() else QPixmap.fromImage(picture)
        self._bytes += picture.sizeInBytes()
        while self._bytes > _THUMBNAIL_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= 0 if oldest is None else oldest.width() * oldest.height() * oldest.depth() // 8
        self.ready.emit(path)


@dataclass(frozen=True)
class FoundFiles:
    """Photos that a scan has found; `scan` is its number."""

    scan: int
    files: Sequence[Path]


class FolderScan(QObject):
    """Walks folders on a worker and streams the photos found.

    Signals:
        found: (FoundFiles)
        problem: (scan number, path, reason) for each path that cannot be read
        finished: (scan number, the files that Marque knows and cannot read, in words)
    """

    found = Signal(FoundFiles)
    problem = Signal(int, Path, str)
    finished = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self, maxThreadCount=1)
        self._newest = 0

    def start(self, number: int, paths: Sequence[Path]) -> None:
        """Begin a scan; a scan with another number ends, one with the same number goes first."""
        self._newest = number
        wanted = tuple(paths)
        self._pool.start(lambda: self._work(number, wanted))

    def cancel(self) -> None:
        """End the scan without `finished`."""
        self._newest = -1

    def stop(self) -> None:
        """End the scan and wait for its worker."""
        self.cancel()
        self._pool.clear()
        self._pool.waitForDone()

    def _work(self, number: int, paths: tuple[Path, ...]) -> None:
        def cancelled() -> bool:
            return self._newest != number

        def problem(path: Path, reason: str) -> None:
            self.problem.emit(number, path, reason)

        skipped: Counter[str] = Counter()
        batches: Batches[Path] = Batches(lambda batch: self.found.emit(FoundFiles(number, batch)))
        for path in photo_files.scan(paths, cancelled=cancelled, problem=problem, skipped=skipped):
            batches.add(path)
        if not cancelled():
            batches.flush()
            self.finished.emit(number, photo_files.skipped_in_words(skipped))


class Batches(Generic[T]):
    """Collects items and passes them on at most 20 times a second; the first ones at once."""

    def __init__(self, emit: Callable[[list[T]], None]) -> None:
        self._emit = emit
        self._items: list[T] = []
        self._last = 0.0

    def add(self, *items: T) -> None:
        """Take items; passes the collected ones on when it is time."""
        self._items.extend(items)
        if time.monotonic() - self._last >= _BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Pass the collected items on."""
        if self._items:
            self._emit(self._items)
            self._items = []
        self._last = time.monotonic()
