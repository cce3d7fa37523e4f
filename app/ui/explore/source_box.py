"""The choice of whose photos are on the map: the project's, the gallery's, or the test photos of a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.explore.held_out import Training
from app.core.explore.map_points import Source
from app.ui.widgets.basics import ElidedBox

_PLAIN = (Source.PROJECT, Source.GALLERY, Source.BOTH)
_WORDS = "whose photos are on the map"
_WIDTH = 156
_MOST = 420  # pixels of the list that unfolds


class SourceBox(ElidedBox):
    """Signals:
    source_wanted: (Source) the project, the gallery, or both
    training_wanted: (Training) its test photos
    other_wanted: the test photos of a training that is not listed
    """

    source_wanted = Signal(Source)
    training_wanted = Signal(Training)
    other_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(_WORDS)
        self.setFixedWidth(_WIDTH)
        self.setMaxVisibleItems(16)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._choices: list[Source | Training | None] = []  # None for the line between them, and for another training
        self._trainings: list[Training] = []
        self._current: Source | Training = Source.PROJECT
        self._gallery = True
        self._fill()
        self.activated.connect(self._on_activated)

    def show_current(self, current: Source | Training, *, gallery: bool) -> None:
        """Whose photos are shown; `gallery`: whether there is one to choose."""
        self._current, self._gallery = current, gallery
        self._fill()

    def show_trainings(self, trainings: Sequence[Training]) -> None:
        """Offer the test photos of these."""
        self._trainings = list(trainings)
        if not self.view().isVisible():  # else the list would change beneath the pointer; the next look brings them
            self._fill()

    def texts(self) -> list[str]:
        """The choices."""
        return [self.itemText(place) for place in range(self.count()) if self.itemText(place)]

    def _fill(self) -> None:
        """A training that is shown is listed, even if it comes from elsewhere."""
        trainings = self._trainings
        if isinstance(self._current, Training) and self._current not in trainings:
            trainings = [self._current, *trainings]
        self._choices = [*_PLAIN, None, *trainings, None]
        self.clear()
        self.addItems([source.value for source in _PLAIN])
        self.insertSeparator(len(_PLAIN))
        for training in trainings:
            self.addItem(f"test photos of {training.name}")
            self.setItemData(self.count() - 1, str(training.folder), Qt.ItemDataRole.ToolTipRole)
        self.addItem("test photos of another training…")
        model = self.model()
        if isinstance(model, QStandardItemModel):
            for place, source in enumerate(_PLAIN):
                model.item(place).setEnabled(self._gallery or source is Source.PROJECT)
        self.setCurrentIndex(self._choices.index(self._current))
        named = isinstance(self._current, Training)
        self.setToolTip(f"{_WORDS}: {self.currentText()}" if named else _WORDS)
        widest = max(self.fontMetrics().horizontalAdvance(text) for text in self.texts())
        self.view().setMinimumWidth(min(widest + 48, _MOST))

    def _on_activated(self, place: int) -> None:
        """Nothing is shown as chosen before it is on the map."""
        wanted = self._choices[place]
        self.setCurrentIndex(self._choices.index(self._current))
        if isinstance(wanted, Training):
            self.training_wanted.emit(wanted)
        elif isinstance(wanted, Source):
            self.source_wanted.emit(wanted)
        else:
            self.other_wanted.emit()


def ask_for_training(parent: QWidget, begin: Path) -> Training | None:
    """Ask for the folder of a training; None if the person does not choose one."""
    name = QFileDialog.getExistingDirectory(parent, "Choose the folder of a finished training", str(begin))
    return Training(Path(name).name, Path(name)) if name else None
