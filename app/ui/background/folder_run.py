"""The photos that were opened on the page Identify, one batch after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition

from PySide6.QtCore import QObject, Signal

from app.core.gallery.gallery import GalleryError
from app.core.recognition.engine import EngineError
from app.core.recognition.identifier import Identification
from app.core.recognition.pipeline import identify_paths
from app.ui.background.model_in_use import ModelInUse
from app.ui.background.photo_loading import Batches
from app.ui.background.service import DEFECT, ServiceTurn


@dataclass(frozen=True)
class FolderAnswers:
    """Photos of a folder that were identified, or cannot be read."""

    generation: int
    found: Sequence[Identification]


class FolderRun(QObject):
    """Signals:
    advanced: (FolderAnswers), at most 20 times a second
    failed: (generation, message); the rest of that folder is abandoned
    """

    advanced = Signal(FolderAnswers)
    failed = Signal(int, str)

    def __init__(self, changed: Condition, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = changed
        self._files: deque[Path] = deque()
        self._generation = 0

    def begin(self, generation: int) -> None:
        """Drop the current folder; what follows belongs to `generation`."""
        with self._changed:
            self._generation = generation
            self._files.clear()

    def add(self, files: Sequence[Path]) -> None:
        """More photos for the current folder."""
        with self._changed:
            self._files.extend(files)
            self._changed.notify()

    def drop(self) -> None:
        """Drop what waits."""
        with self._changed:
            self._files.clear()

    def waits(self) -> bool:
        """Whether there are photos."""
        return bool(self._files)

    def serve(self, model: ModelInUse, turn: ServiceTurn) -> None:
        """Identify the current folder to its end."""
        generation = self._generation

        def cancelled() -> bool:
            return turn.must_end() or self._generation != generation

        def emit(found: list[Identification]) -> None:
            self.advanced.emit(FolderAnswers(generation, found))

        batches, files = Batches(emit), self._next_files(generation)
        try:
            for found in identify_paths(model.identifier, files, batch=model.batch, cancelled=cancelled):
                if cancelled():
                    return
                batches.add(*found)
                turn.let_others_in()
            batches.flush()
        except EngineError as error:
            self.failed.emit(generation, str(error))
        except GalleryError as error:
            model.lose_gallery(error)
            self.failed.emit(generation, str(error))
        except Exception:
            self.failed.emit(generation, DEFECT)
            raise

    def _next_files(self, generation: int) -> Iterator[Path]:
        """Files of the current folder as long as there are any; the decoding threads pull here."""
        while True:
            with self._changed:
                if not self._files or self._generation != generation:
                    return
                path = self._files.popleft()
            yield path
