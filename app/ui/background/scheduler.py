"""The one thread that identifies: it owns the identification model and the gallery, and answers in signals."""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Condition

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, QThread, Signal

from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_stage
from app.core.gallery.gallery import Gallery, GalleryError
from app.core.gallery.references import is_shared, shown
from app.core.gallery.selection import GallerySelection
from app.core.project.schema import ProjectError
from app.core.recognition.engine import BATCH, Engine, EngineError, ProviderReport
from app.core.recognition.evidence import Evidence
from app.core.recognition.identifier import Identification, Identifier
from app.core.recognition.pipeline import identify_paths
from app.core.system import paths
from app.core.system.thread_priority import lower_thread_priority
from app.ui.background.photo_loading import Batches
from app.ui.background.requests import Answer, GalleryWork, Loaded, ModelRequest, ProjectRun, Question
from model.contract.bundle import BundleError

log = logging.getLogger(__name__)

_BATCH_CPU, _BATCH_GPU = 4, 32  # small on the CPU: the photo on show waits for one batch at most
_DEFECT = "a defect of Marque stopped it; the line at the top says more"
_TELL_SECONDS = 0.05  # progress reaches the GUI at most 20 times a second


class ModelScheduler(QThread):
    """Takes requests from the GUI thread and serves them one at a time: model, photo on show, gallery, folder, project.

    Signals:
        connecting: (address, without password) before a shared gallery is opened
        loaded: (Loaded)
        load_failed: (ModelRequest, message)
        moved: (ProviderReport) the GPU failed, and the model runs there from now on
        answered: (request, Answer)
        answer_failed: (request, message)
        advanced: (generation, list of Identification), at most 20 times a second
        bulk_failed: (generation, message); the rest of that folder is given up
        run_advanced: (ProjectRun, Progress), at most 20 times a second, and at the end
        run_ended: (ProjectRun, message), empty unless it failed
        gallery_advanced: (GalleryWork, value)
        gallery_ended: (GalleryWork, message), empty unless it failed
        gallery_lost: (message) the shared gallery cannot be reached any longer; photos are identified without it
    """

    connecting = Signal(str)
    loaded = Signal(object)
    load_failed = Signal(object, str)
    moved = Signal(object)
    answered = Signal(int, object)
    answer_failed = Signal(int, str)
    advanced = Signal(int, object)
    bulk_failed = Signal(int, str)
    run_advanced = Signal(object, object)
    run_ended = Signal(object, str)
    gallery_advanced = Signal(object, object)
    gallery_ended = Signal(object, str)
    gallery_lost = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._model: ModelRequest | None = None
        self._questions: dict[object, Question] = {}
        self._run: ProjectRun | None = None
        self._folder: deque[Path] = deque()
        self._works: deque[GalleryWork] = deque()
        self._generation = 0
        self._stopping = False
        # touched by this thread only
        self._opened: tuple[ModelRequest, Engine] | None = None
        self._identifier: Identifier | None = None
        self._shelf: GallerySelection | None = None
        self._batch = _BATCH_CPU
        self._provider: ProviderReport | None = None  # as it was told last

    def open_model(self, request: ModelRequest) -> None:
        """Load another identification model.

        Where it can be opened, the running folder and what is done to the gallery are given up, and the run over a
        project goes on with it; where it cannot, everything goes on as before.
        """
        with self._changed:
            self._model = request
            self._changed.notify()

    def ask(self, asker: object, question: Question) -> None:
        """Answer for the photo on show before the folder goes on; replaces what the same asker still waits for."""
        with self._changed:
            self._questions[asker] = question
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

    def begin_run(self, run: ProjectRun) -> None:
        """Identify a project's images; the run before it must have ended."""
        with self._changed:
            self._run = run
            self._changed.notify()

    def do_gallery(self, work: GalleryWork) -> None:
        """Read or change the gallery, after the works that wait and before the folder and the project go on."""
        with self._changed:
            self._works.append(work)
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
        lower_thread_priority()
        while self._wait_for_work():
            try:
                self._serve_at_once()
                self._change_over()
                self._serve_gallery()
                self._serve_folder()
                self._serve_run()
                self._tell_provider()
            except Exception:
                # a defect: to the log and the error bar. The thread goes on, or the window would wait for ever.
                log.exception("identifying failed")
                sys.excepthook(*sys.exc_info())
        self._close_shelf()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not (self._stopping or self._model or self._opened or self._has_work()):
                self._changed.wait()
            return not self._stopping

    def _has_work(self) -> bool:
        return self._identifier is not None and bool(self._questions or self._works or self._folder or self._run)

    def _serve_at_once(self) -> None:
        """What does not wait for the work under way: another model, the photos on show."""
        self._try_model()
        while self._identifier is not None:
            self._tell_provider()
            with self._changed:
                asker = next(iter(self._questions), None)
                question = self._questions.pop(asker, None)
            if question is None:
                return
            self._answer(self._identifier, question)

    def _tell_provider(self) -> None:
        provider = None if self._identifier is None else self._identifier.engine.provider
        if provider is not None and provider is not self._provider:
            self._provider, self._batch = provider, _BATCH_CPU
            self.moved.emit(provider)

    def _try_model(self) -> None:
        with self._changed:
            request, self._model = self._model, None
        if request is None:
            return
        try:
            self._opened = request, Engine(request.model, device=request.device)
        except (BundleError, EngineError) as error:
            self.load_failed.emit(request, str(error))

    def _gives_way(self) -> bool:
        """Whether the work under way is to end: another model is ready, or the program is being closed."""
        return self._stopping or self._opened is not None

    def _change_over(self) -> None:
        """Use the model that was opened, once nothing of the one before is under way."""
        if self._opened is None:
            return
        (request, engine), self._opened = self._opened, None
        with self._changed:
            self._folder.clear()
            dropped, self._works = self._works, deque()
        for work in dropped:  # they were meant for the gallery that is in use now
            self.gallery_ended.emit(work, "")
        self._close_shelf()
        info = engine.info
        supplied = paths.bundled_gallery(request.model)
        chosen = request.gallery or request.chosen.get(info.fingerprint)
        if chosen is not None and is_shared(chosen):
            self.connecting.emit(shown(chosen))
        shelf = self._shelf = GallerySelection(info.fingerprint, info.embedding_dim, named=chosen, supplied=supplied)
        self._identifier = Identifier(engine, shelf.gallery)
        self._provider = engine.provider
        self._batch = _BATCH_CPU if engine.provider.used == "CPU" else _BATCH_GPU
        gallery = shelf.gallery
        size = len(gallery) if gallery is not None else 0
        place = gallery.path if isinstance(gallery, Gallery) else None
        self.loaded.emit(Loaded(request.model, info, engine.provider, size, shelf.problem, place, chosen))

    def _close_shelf(self) -> None:
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def _serve_gallery(self) -> None:
        while not self._gives_way():
            with self._changed:
                if self._identifier is None or self._shelf is None or not self._works:
                    return
                work = self._works.popleft()
            self._do(work, self._identifier, self._shelf)

    def _do(self, work: GalleryWork, identifier: Identifier, shelf: GallerySelection) -> None:
        def cancelled() -> bool:
            return work.cancelled or self._gives_way()

        message, engine = "", identifier.engine
        try:
            for value in work.steps(engine, shelf, cancelled):
                identifier.gallery = shelf.gallery
                self.gallery_advanced.emit(work, value)
                self._serve_at_once()
        except EngineError as error:
            message = self._after_failure(identifier, engine, error)
        except GalleryError as error:
            message = str(error)
            self._lose(error)
        finally:
            identifier.gallery = shelf.gallery
            self.gallery_ended.emit(work, message)

    def _after_failure(self, identifier: Identifier, engine: Engine, error: EngineError) -> str:
        """Leave the GPU where it failed in what was done to the gallery with this engine; what to say of it."""
        try:
            if identifier.engine is engine:  # else it was left meanwhile
                identifier.leave_gpu(error)
        except EngineError as last:
            return str(last)
        self._tell_provider()  # before the message of what has to be done again, which stays in sight
        return f"{identifier.engine.provider.reason}. The model runs on the CPU from now on: try again."

    def _lose(self, error: GalleryError) -> bool:
        """Give up a gallery on a server that failed; False where the gallery is a file, whose faults may pass."""
        identifier, shelf = self._identifier, self._shelf
        if identifier is None or shelf is None or not shelf.shared or shelf.gallery is None:
            return False
        try:  # it may only have refused what was asked of it
            len(shelf.gallery)
        except GalleryError:
            shelf.give_up(str(error))
            identifier.gallery = None
            self.gallery_lost.emit(str(error))
        return identifier.gallery is None

    def _answer(self, identifier: Identifier, asked: Question) -> None:
        try:
            try:
                answer = self._identify(identifier, asked)
            except GalleryError as error:
                if not self._lose(error):
                    raise
                answer = self._identify(identifier, asked)
        except (EngineError, GalleryError) as error:
            self.answer_failed.emit(asked.request, str(error))
        except Exception:
            self.answer_failed.emit(asked.request, _DEFECT)
            raise
        else:
            self.answered.emit(asked.request, answer)

    def _identify(self, identifier: Identifier, asked: Question) -> Answer:
        image = asked.image if asked.box is None else asked.image.crop(asked.box)
        found = asked.known or identifier.identify([image])[0]
        heat = self._heat(identifier, image, found.evidence) if asked.heat else None
        gallery = identifier.gallery
        pictures = tuple(gallery.picture(n.reference) if gallery is not None else None for n in found.neighbours)
        return Answer(found, pictures, heat)

    def _heat(self, identifier: Identifier, image: Image.Image, evidence: Evidence | None) -> np.ndarray | None:
        """Of the best guess; None where only the gallery knows it."""
        if evidence is None or not evidence.classes or evidence.classes[0].enrolled:
            return None
        guess = identifier.engine.info.taxonomy.fine_index.get(evidence.classes[0].name)
        if guess is None:  # what a project shows may be of another model
            return None
        return identifier.heat(image, guess)

    def _serve_folder(self) -> None:
        if self._identifier is None:
            return
        generation = self._generation

        def cancelled() -> bool:
            return self._gives_way() or self._generation != generation

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
                self._serve_at_once()
                self._serve_gallery()
            batches.flush()
        except EngineError as error:
            self.bulk_failed.emit(generation, str(error))
        except GalleryError as error:
            self._lose(error)
            self.bulk_failed.emit(generation, str(error))
        except Exception:
            self.bulk_failed.emit(generation, _DEFECT)
            raise

    def _next_files(self, generation: int) -> Iterator[Path]:
        """Files of the folder in work as long as there are any; the decoding threads pull here."""
        while True:
            with self._changed:
                if not self._folder or self._generation != generation:
                    return
                path = self._folder.popleft()
            yield path

    def _serve_run(self) -> None:
        run, identifier = self._run, self._identifier
        if run is None or identifier is None:
            return

        def cancelled() -> bool:
            return run.cancelled or self._gives_way()

        message, goes_on = "", False
        changed: tuple[int, ...] = ()
        problems: tuple[str, ...] = ()
        told = float("-inf")
        try:
            stage = LocalRunner(identifier, batch=BATCH)
            for progress in run_stage(
                run.project, stage, find=run.find, cancelled=cancelled, paused=lambda: run.paused
            ):
                changed, problems = changed + progress.changed, problems + progress.problems
                if time.monotonic() - told >= _TELL_SECONDS:
                    self.run_advanced.emit(run, replace(progress, changed=changed, problems=problems))
                    changed, problems, told = (), (), time.monotonic()
                self._serve_at_once()
                self._serve_gallery()
                self._serve_folder()
            goes_on = self._opened is not None and not run.cancelled  # with another model
            self.run_advanced.emit(run, replace(progress, changed=changed, problems=problems))
        except (EngineError, ProjectError) as error:
            message = str(error)
        except GalleryError as error:
            message = str(error)
            self._lose(error)
        finally:
            if not goes_on:
                self._run = None
                self.run_ended.emit(run, message)
