"""The photo on show: identified before everything else, with the pictures beside it and the map behind its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Condition

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, Signal

from app.core.gallery.gallery import GalleryError
from app.core.recognition.engine import EngineError
from app.core.recognition.evidence import Evidence
from app.core.recognition.identifier import Identification, Identifier
from app.ui.background.model_in_use import ModelInUse
from app.ui.background.service import DEFECT, ServiceTurn

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the photo; right and bottom exclusive."""


@dataclass(frozen=True, eq=False)
class Question:
    """The photo on show.

    Attributes:
        request: number of the answer.
        image: the whole photo, RGB.
        box: the part of it to identify. known: an earlier result; then it is not identified again. heat: whether to
        make the map of what speaks for the best guess.
    """

    request: int
    image: Image.Image
    box: Box | None = None
    known: Identification | None = None
    heat: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer for a photo.

    Attributes:
        request: the question's number.
        identification: of the photo. pictures: where the picture of each neighbour is, None if it is not on this
        computer.
        heat: where in the photo (or its box) the evidence for the best guess is, float32 [h, w] from 0 to 1; None if it
            was not requested or the model cannot make one.
    """

    request: int
    identification: Identification
    pictures: tuple[Path | None, ...]
    heat: np.ndarray | None = None


class PhotoAnswers(QObject):
    """Signals:
    answered: (Answer)
    failed: (request, message)
    """

    answered = Signal(Answer)
    failed = Signal(int, str)

    def __init__(self, changed: Condition, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = changed
        self._questions: dict[object, Question] = {}

    def ask(self, asker: object, question: Question) -> None:
        """Answer for the photo on show before other work continues; replaces what the same asker still waits for."""
        with self._changed:
            self._questions[asker] = question
            self._changed.notify()

    def waits(self) -> bool:
        """Whether a photo on show has no answer yet."""
        return bool(self._questions)

    def serve(self, model: ModelInUse, _turn: ServiceTurn) -> None:
        """Answer all questions: each takes a moment, so a model that is ready waits for them too."""
        while (question := self._next()) is not None:
            self._answer(model, question)
            model.report_provider()

    def _next(self) -> Question | None:
        with self._changed:
            return self._questions.pop(next(iter(self._questions), None), None)

    def _answer(self, model: ModelInUse, asked: Question) -> None:
        try:
            try:
                answer = _identify(model.identifier, asked)
            except GalleryError as error:
                if not model.lose_gallery(error):
                    raise
                answer = _identify(model.identifier, asked)
        except (EngineError, GalleryError) as error:
            self.failed.emit(asked.request, str(error))
        except Exception:
            self.failed.emit(asked.request, DEFECT)
            raise
        else:
            self.answered.emit(answer)


def _identify(identifier: Identifier, asked: Question) -> Answer:
    image = asked.image if asked.box is None else asked.image.crop(asked.box)
    found = asked.known or identifier.identify([image])[0]
    heat = _heat(identifier, image, found.evidence) if asked.heat else None
    gallery = identifier.gallery
    pictures = tuple(gallery.picture(n.reference) if gallery is not None else None for n in found.neighbours)
    return Answer(asked.request, found, pictures, heat)


def _heat(identifier: Identifier, image: Image.Image, evidence: Evidence | None) -> np.ndarray | None:
    """The map for the best guess; None if only the gallery knows it."""
    if evidence is None or not evidence.classes or evidence.classes[0].enrolled:
        return None
    guess = identifier.engine.info.taxonomy.fine_index.get(evidence.classes[0].name)
    if guess is None:  # what a project shows may be from another model
        return None
    return identifier.heat(image, guess)
