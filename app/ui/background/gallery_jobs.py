"""Work on the gallery, which belongs to the model's thread: one job after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition

from PySide6.QtCore import QObject, Signal

from app.core.gallery.gallery import GalleryError
from app.core.gallery.selection import GallerySelection
from app.core.recognition.engine import Engine, EngineError
from app.ui.background.model_in_use import ModelInUse
from app.ui.background.service import ServiceTurn


@dataclass(eq=False)
class GalleryWork:
    """A job for the gallery; the GUI thread sets `cancelled`.

    Attributes:
        steps: a generator function of engine and gallery selection. Each value reaches the GUI thread; the photo on
            show comes between two of them. Asks its third argument whether to end early.
    """

    steps: Callable[[Engine, GallerySelection, Callable[[], bool]], Iterator[object]]
    cancelled: bool = False


@dataclass(frozen=True)
class GalleryValue:
    """A value that work on the gallery has yielded."""

    work: GalleryWork
    value: object


@dataclass(frozen=True)
class GalleryEnd:
    """Work on the gallery has ended: `message` is empty unless it failed."""

    work: GalleryWork
    message: str


class GalleryJobs(QObject):
    """Signals:
    advanced: (GalleryValue)
    ended: (GalleryEnd)
    """

    advanced = Signal(GalleryValue)
    ended = Signal(GalleryEnd)

    def __init__(self, changed: Condition, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = changed
        self._works: deque[GalleryWork] = deque()

    def add(self, work: GalleryWork) -> None:
        """Read or change the gallery, after the waiting work and before folder and project continue."""
        with self._changed:
            self._works.append(work)
            self._changed.notify()

    def drop(self) -> None:
        """End all waiting work: it is meant for a gallery that is no longer in use."""
        with self._changed:
            dropped, self._works = self._works, deque()
        for work in dropped:
            self.ended.emit(GalleryEnd(work, ""))

    def waits(self) -> bool:
        """Whether there is work."""
        return bool(self._works)

    def serve(self, model: ModelInUse, turn: ServiceTurn) -> None:
        """Do one job after the other."""
        while not turn.must_end():
            with self._changed:
                if not self._works:
                    return
                work = self._works.popleft()
            self._serve_one(work, model, turn)

    def _serve_one(self, work: GalleryWork, model: ModelInUse, turn: ServiceTurn) -> None:
        def cancelled() -> bool:
            return work.cancelled or turn.must_end()

        message, engine = "", model.identifier.engine
        try:
            for value in work.steps(engine, model.selection, cancelled):
                model.take_gallery()
                self.advanced.emit(GalleryValue(work, value))
                turn.let_others_in()
        except EngineError as error:
            message = model.leave_gpu(engine, error)
        except GalleryError as error:
            message = str(error)
            model.lose_gallery(error)
        finally:
            model.take_gallery()
            self.ended.emit(GalleryEnd(work, message))
