"""The photo that is current in the list: large, with its neighbours, its bars and where its answer comes from."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.project.records import KnownModel
from app.core.project.results import PhotoResult
from app.core.recognition import images
from app.ui.background.photo_answers import Answer, PhotoAnswers, Question
from app.ui.background.photo_loading import Photo, PhotoLoader, Thumbnails
from app.ui.background.requests import next_request
from app.ui.photo import heat_map
from app.ui.photo.neighbour_strip import Near
from app.ui.photo.prediction_panel import PredictionPanel
from app.ui.photo.side_by_side import NO_PICTURE, CompareView
from model.contract.photo import MISSING

_LOCATE = "Where the photos were moved: locate them, in the menu of the project."
_OTHERWISE = "exclude it"


class PhotoViewer(QWidget):
    """Shows one result. Its panel is elsewhere on the page, so it is an attribute.

    Signals:
        problem: (text)
        heat_ended: the model cannot show where its answer comes from
    """

    problem = Signal(str)
    heat_ended = Signal()

    def __init__(self, answers: PhotoAnswers, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.compare = CompareView()
        self.view = self.compare.main
        self.view.crop_enabled = False
        self.panel = PredictionPanel(thumbnails)
        self._answers = answers
        self._loader = PhotoLoader(self)
        self._request = 0
        self._result: PhotoResult | None = None
        self._model: KnownModel | None = None
        self._photo: Photo | None = None
        self._heat = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.compare)
        self._loader.loaded.connect(self._on_photo)
        self._loader.failed.connect(self._on_photo_failed)
        answers.answered.connect(self._on_answer)
        self.panel.neighbour_chosen.connect(self._toggle_neighbour)

    def stop(self) -> None:
        """Wait for the workers."""
        self._loader.stop()
        self.compare.stop()

    def show_nothing(self, words: str = "") -> None:
        """No photo is current."""
        self._request = next_request()
        self._result, self._photo = None, None
        self.compare.show_message(words)
        self.panel.show_waiting("", "")

    def show_result(self, result: PhotoResult, model: KnownModel | None) -> None:
        """Show an image; if it is shown already, update only a changed answer or label."""
        if result == self._result and model is self._model:
            return
        same = self._result is not None and self._result.image.path == result.image.path and self._photo is not None
        self._result, self._model = result, model
        if result.image.error is not None:
            self._request = next_request()
            self._photo = None
            self.compare.show_message(f"{result.image.path.name}\n{result.image.error}")
            advice = images.advice(result.image.error, _OTHERWISE)
            self.panel.show_error(result.image.path.name, result.image.error, advice)
            return
        self._request = next_request()
        if same:
            self._ask()
        else:
            self._photo = None  # until the other one is there, as it could be taken for this image's
            self._loader.load(self._request, result.image.path)

    def set_heat(self, on: bool) -> None:
        """Whether to show where the answer comes from."""
        self._heat = on
        if not on:
            self.view.show_heat(None)
        elif self._photo is not None:
            self._request = next_request()
            self._ask()

    def toggle_compare(self) -> None:
        """Side by side with the nearest neighbour that has a picture, or back."""
        if not self.compare.toggle_nearest(self.panel.near()):
            self.problem.emit(NO_PICTURE)
        self.panel.neighbours.mark(self.compare.near())

    def leave_compare(self) -> bool:
        """Back to the photo alone; True if there were two."""
        left = self.compare.leave()
        self.panel.neighbours.mark(None)
        return left

    def _toggle_neighbour(self, near: Near) -> None:
        self.compare.toggle(near)
        self.panel.neighbours.mark(self.compare.near())

    def _ask(self) -> None:
        result = self._result
        if result is None or self._photo is None:
            return
        if result.evidence is None or result.answer is None:
            self.panel.show_waiting(result.image.path.name, "not identified yet")
            return
        known = result.identification()
        self._answers.ask(self, Question(self._request, self._photo.image, known=known, heat=self._heat))

    def _on_photo(self, request: int, photo: Photo) -> None:
        if request == self._request:
            self._photo = photo
            self.compare.show_photo(photo, "")
            self.panel.neighbours.mark(None)
            self._ask()

    def _on_photo_failed(self, request: int, reason: str) -> None:
        if request == self._request and self._result is not None:
            name = self._result.image.path.name
            self._photo = None
            self.compare.show_message(f"{name}\n{reason}")
            self.panel.show_error(name, reason, _LOCATE if reason == MISSING else images.advice(reason, _OTHERWISE))

    def _on_answer(self, answer: Answer) -> None:
        if answer.request != self._request or self._result is None or self._model is None:
            return
        self.panel.show_answer(self._result.image.path.name, self._model, answer.identification, answer.pictures)
        self.panel.neighbours.mark(self.compare.near())
        if self._heat:
            self.view.show_heat(heat_map.as_picture(answer.heat))
            if answer.heat is None:
                self.problem.emit(heat_map.CANNOT_TELL)
                self.heat_ended.emit()
