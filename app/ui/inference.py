"""The one thread that identifies: it owns the identification model and the gallery, and answers in signals."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition

from PIL import Image
from PySide6.QtCore import QObject, QThread, Signal

from app.core import paths
from app.core.engine import Device, Engine, EngineError, ProviderReport
from app.core.gallery import Gallery, GalleryError
from app.core.identify import Identification, Identifier
from app.core.pipeline import identify_paths
from app.ui.loading import Batches
from model.bundle import BundleError, BundleInfo

log = logging.getLogger(__name__)

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the photo; right and bottom exclusive."""

_BATCH_CPU, _BATCH_GPU = 4, 32  # small on the CPU: the photo on show waits for one batch at most


@dataclass(frozen=True)
class ModelRequest:
    """Which files to open; `gallery` None means the one beside the model, where there is one."""

    model: Path
    gallery: Path | None
    device: Device


@dataclass(frozen=True)
class Loaded:
    """What is in use now. `gallery_problem` says why there is no gallery although a file was found."""

    info: BundleInfo
    provider: ProviderReport
    gallery_size: int
    gallery_problem: str | None


@dataclass(frozen=True)
class Answer:
    """The identification of the photo on show, and where the picture of each neighbour lies, None where it does not."""

    identification: Identification
    pictures: tuple[Path | None, ...]


class Inference(QThread):
    """Takes requests from the GUI thread and serves them one at a time: model, photo on show, then the folder.

    Signals:
        loaded: (Loaded)
        load_failed: (message)
        answered: (request, Answer)
        answer_failed: (request, message)
        advanced: (generation, list of Identification), at most 20 times a second
        bulk_failed: (generation, message); the rest of that folder is given up
    """

    loaded = Signal(object)
    load_failed = Signal(str)
    answered = Signal(int, object)
    answer_failed = Signal(int, str)
    advanced = Signal(int, object)
    bulk_failed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._model: ModelRequest | None = None
        self._photo: tuple[int, Image.Image, Box | None] | None = None
        self._folder: deque[Path] = deque()
        self._generation = 0
        self._stopping = False
        # touched by this thread only
        self._identifier: Identifier | None = None
        self._gallery: Gallery | None = None
        self._batch = _BATCH_CPU

    def open_model(self, request: ModelRequest) -> None:
        """Load another identification model; the running folder is given up."""
        with self._changed:
            self._model = request
            self._folder.clear()
            self._changed.notify()

    def identify(self, request: int, image: Image.Image, box: Box | None = None) -> None:
        """Identify the photo on show or a part of it, before the folder goes on; replaces one that is still waiting."""
        with self._changed:
            self._photo = (request, image, box)
            self._changed.notify()

    def begin_folder(self, generation: int) -> None:
        """Give up the folder in work; what follows belongs to `generation`."""
        with self._changed:
            self._generation = generation
            self._folder.clear()

    def add_to_folder(self, files: Sequence[Path]) -> None:
        """More photos for the folder in work."""
        with self._changed:
            self._folder.extend(files)
            self._changed.notify()

    def stop(self) -> None:
        """End after the batch in work and wait for the thread."""
        with self._changed:
            self._stopping = True
            self._folder.clear()
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        """Serve requests until `stop`. A fault in one request is reported, and the next one is served."""
        while self._wait_for_work():
            try:
                self._serve_urgent()
                self._serve_folder()
            except Exception:
                # a defect: to the log and the error bar. The thread goes on, or the window would wait for ever.
                log.exception("identifying failed")
                sys.excepthook(*sys.exc_info())
        self._close_gallery()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not (self._stopping or self._model or self._has_photos()):
                self._changed.wait()
            return not self._stopping

    def _has_photos(self) -> bool:
        return self._identifier is not None and bool(self._photo or self._folder)

    def _serve_urgent(self) -> None:
        with self._changed:
            model, self._model = self._model, None
        if model is not None:
            self._load(model)
        with self._changed:
            photo, self._photo = (self._photo, None) if self._identifier is not None else (None, self._photo)
        if photo is not None and self._identifier is not None:
            self._answer(self._identifier, *photo)

    def _load(self, request: ModelRequest) -> None:
        try:
            engine = Engine(request.model, device=request.device)
        except (BundleError, EngineError) as error:
            self.load_failed.emit(str(error))
            return
        self._close_gallery()
        gallery_path = request.gallery or paths.bundled_gallery(request.model)
        problem = None
        if gallery_path is not None:
            try:
                self._gallery = Gallery.open(gallery_path, engine.info.fingerprint, read_only=True)
            except GalleryError as error:
                problem = str(error)
        self._identifier = Identifier(engine, self._gallery)
        self._batch = _BATCH_CPU if engine.provider.used == "CPU" else _BATCH_GPU
        size = len(self._gallery) if self._gallery is not None else 0
        self.loaded.emit(Loaded(engine.info, engine.provider, size, problem))

    def _close_gallery(self) -> None:
        if self._gallery is not None:
            self._gallery.close()
            self._gallery = None

    def _answer(self, identifier: Identifier, request: int, image: Image.Image, box: Box | None) -> None:
        try:
            (found,) = identifier.identify([image if box is None else image.crop(box)])
        except (EngineError, GalleryError) as error:
            self.answer_failed.emit(request, str(error))
            return
        gallery = self._gallery
        pictures = tuple(gallery.picture(n.reference) if gallery is not None else None for n in found.neighbours)
        self.answered.emit(request, Answer(found, pictures))

    def _serve_folder(self) -> None:
        if self._identifier is None:
            return
        generation = self._generation

        def cancelled() -> bool:
            return self._stopping or self._model is not None or self._generation != generation

        def emit(found: list[Identification]) -> None:
            self.advanced.emit(generation, found)

        batches = Batches(emit)
        try:
            for found in identify_paths(
                self._identifier, self._next_files(generation), batch=self._batch, cancelled=cancelled
            ):
                if cancelled():
                    return
                batches.add(*found)
                if self._photo is not None:
                    self._serve_urgent()
            batches.flush()
        except (EngineError, GalleryError) as error:
            self.bulk_failed.emit(generation, str(error))

    def _next_files(self, generation: int) -> Iterator[Path]:
        """Files of the folder in work as long as there are any; the decoding threads pull here."""
        while True:
            with self._changed:
                if not self._folder or self._generation != generation:
                    return
                path = self._folder.popleft()
            yield path
