"""The chosen training: its actions, and its figures beside those of the model in use."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.training.runs import TrainingState
from app.core.training.training_watch import TrainingRow
from app.ui.train import actions
from app.ui.train.training_list import state_words
from app.ui.widgets.basics import ElidedLabel, WrappedLabel, enable, frame, label
from model.contract.bundle import BundleInfo
from model.contract.commands import ComparisonReport
from model.contract.run_layout import metrics_on_all

_FIGURES = {
    "fine_accuracy": "class right",
    "coarse_accuracy": "type right",
    "fine_recall_1": "nearest photo right (R@1)",
    "map_at_r": "MAP@R",
}
_DASH = "–"
_STOP = "write a checkpoint and end; it can be resumed"
_COMPARE = "measure the model in use on the photos that this training held out"
_LEAVE = "leave the queue; it can be started again"


class TrainingDetail(QWidget):
    """Signals:
    stop_wanted, resume_wanted, remove_wanted, use_wanted, sooner_wanted, later_wanted, comparison_wanted: the chosen
        training
    """

    stop_wanted = Signal()
    resume_wanted = Signal()
    remove_wanted = Signal()
    use_wanted = Signal()
    sooner_wanted = Signal()
    later_wanted = Signal()
    comparison_wanted = Signal()

    def __init__(self, *, can_compare: bool, parent: QWidget | None = None) -> None:
        """Args: can_compare: whether the libraries that measure a model are installed."""
        super().__init__(parent)
        self._can_compare = can_compare
        self._in_use: BundleInfo | None = None
        self._row: TrainingRow | None = None
        self._versus: ComparisonReport | None = None
        self._comparing = False
        self._name, self._words = ElidedLabel(kind="strong"), WrappedLabel("muted")
        self._words.setMaximumHeight(96)
        self.stop_button = _button("stop", _STOP, self.stop_wanted)
        self.resume_button = _button("resume", "continue where it was stopped", self.resume_wanted)
        self.remove_button = _button("remove", "take it out of the list; its files stay", self.remove_wanted)
        self.sooner_button = _button("sooner", actions.SOONER.tooltip, self.sooner_wanted)
        self.later_button = _button("later", actions.LATER.tooltip, self.later_wanted)
        self.use_button = _button("use this model", "identify with it from now on", self.use_wanted)
        self.compare_button = _button("compare on the same photos", _COMPARE, self.comparison_wanted)
        self.use_button.setProperty("kind", "primary")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (
            *(self.stop_button, self.sooner_button, self.later_button),
            *(self.resume_button, self.remove_button),
        ):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._note = label("", "caption")
        self._note.setWordWrap(True)
        self._figures = QWidget()
        self._grid = QGridLayout(self._figures)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(frame("rule"))
        for widget in (self._name, self._words):
            column.addWidget(widget)
        column.addLayout(buttons)
        column.addWidget(self._figures)
        column.addWidget(self._note)
        column.addWidget(self.compare_button)
        column.addWidget(self.use_button)
        self._cells = self._make_cells()
        self.show_row(None)

    def use_model(self, info: BundleInfo) -> None:
        """Take the model in use, to compare with."""
        self._in_use = info
        self.show_row(self._row)

    def show_versus(self, found: ComparisonReport | None, comparing: bool) -> None:
        """The model in use on the photos that the chosen training held out, if it was measured; whether it is now."""
        if (found, comparing) != (self._versus, self._comparing):
            self._versus, self._comparing = found, comparing
            self.show_row(self._row)

    def words(self) -> str:
        """The text about the training."""
        return self._words.whole()

    def figures(self) -> dict[str, tuple[str, str]]:
        """The shown figures: of this training and of the model in use."""
        return {name: (own.text(), other.text()) for name, (own, other) in self._cells.items()}

    def show_row(self, row: TrainingRow | None) -> None:
        """Show a training."""
        self._row = row
        self.setVisible(row is not None)
        if row is None:
            return
        self._name.set_whole(row.record.name)
        self._words.set_whole("\n".join([_described(row), *row.warnings[-1:]]).strip())
        self._words.setToolTip(row.reason)
        active = row.state in (TrainingState.RUNNING, TrainingState.WAITING)
        idle = row.state in (TrainingState.STOPPED, TrainingState.FAILED)
        self.stop_button.setVisible(active or row.state is TrainingState.STOPPING)
        self.stop_button.setEnabled(active)
        waits = row.state is TrainingState.WAITING
        self.stop_button.setText("leave the queue" if waits else "stop")
        self.stop_button.setToolTip(_LEAVE if waits else _STOP)
        moving = {actions.SOONER: self.sooner_button, actions.LATER: self.later_button}
        for button in moving.values():
            button.setVisible(waits and row.waiting > 1)
        enable(moving, actions.TrainPageState(has_trainings=True, place=row.place, waiting=row.waiting))
        self.resume_button.setVisible(idle)
        self.resume_button.setEnabled(row.resumable)
        self.resume_button.setText("resume" if row.progress.step else "start again")
        self.remove_button.setVisible(idle or row.state is TrainingState.FINISHED)
        self.use_button.setVisible(row.model is not None)
        is_used = self._in_use is not None and self._in_use.fingerprint == row.fingerprint
        self.use_button.setEnabled(not is_used)
        self.use_button.setText("this model is in use" if is_used else "use this model")
        self._figures.setVisible(bool(row.figures))
        self._note.setVisible(bool(row.figures))
        others = metrics_on_all(self._in_use.training.get("metrics")) if self._in_use else {}
        if self._versus is not None:
            others = self._versus.figures
        comparable = self._can_compare and bool(row.figures) and self._in_use is not None and not is_used
        self.compare_button.setVisible(comparable and self._versus is None)
        self.compare_button.setEnabled(not self._comparing)
        self.compare_button.setText("comparing" if self._comparing else "compare on the same photos")
        self._note.setText(_note_of(self._versus))
        for name, (own, other) in self._cells.items():
            own.setText(_shown(row.figures.get(name)))
            other.setText(_shown(others.get(name)))

    def _make_cells(self) -> dict[str, tuple[Any, Any]]:
        for place, words in enumerate(("on held-out photos", "this", "in use")):
            self._grid.addWidget(label(words, "caption"), 0, place)
        cells = {}
        for row, (name, words) in enumerate(_FIGURES.items(), start=1):
            cells[name] = label(_DASH), label(_DASH, "muted")
            self._grid.addWidget(label(words), row, 0)
            for place, cell in enumerate(cells[name], start=1):
                self._grid.addWidget(cell, row, place)
        return cells


def _described(row: TrainingRow) -> str:
    if row.state is TrainingState.FAILED:
        return f"failed: {row.reason}"
    progress, words = row.progress, state_words(row)
    if progress.steps and row.state in (TrainingState.RUNNING, TrainingState.STOPPING) and not progress.finishing:
        words += f" · step {progress.step:,} of about {progress.steps:,}"
        if progress.images_per_second:
            words += f" · {progress.images_per_second:,.0f} photos per second"
    return words


def _note_of(versus: ComparisonReport | None) -> str:
    if versus is None:
        return "Each on its own held-out photos: only figures on the same photos can be compared."
    words = f"Both on the same {versus.photos:,} photos, held out here. The model in use may have learned from them."
    if versus.unknown:
        words += f" It does not know the classes of {versus.unknown:,}, which count as wrong."
    return words


def _shown(value: Any) -> str:
    return f"{100 * value:.1f}\u2009%" if isinstance(value, int | float) else _DASH


def _button(text: str, words: str, signal: Any) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(words)
    button.clicked.connect(partial(_emit, signal))
    return button


def _emit(signal: Any, _checked: bool = False) -> None:
    signal.emit()
