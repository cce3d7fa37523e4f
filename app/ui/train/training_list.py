"""The list of trainings: colour, name, state and progress of each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QProgressBar, QToolButton, QVBoxLayout, QWidget

from app.core.training.runs import TrainingState
from app.core.training.training_watch import TrainingRow
from app.ui.background.jobs import clock_text
from app.ui.widgets import theme
from app.ui.widgets.basics import ElidedLabel, IconLabel
from app.ui.widgets.status_face import StatusFace

FACES = {
    TrainingState.WAITING: StatusFace("waiting", "hourglass", "muted"),
    TrainingState.RUNNING: StatusFace("running", "play", "accent"),
    TrainingState.STOPPING: StatusFace("stopping", "circle-stop", "caution"),
    TrainingState.STOPPED: StatusFace("stopped", "circle-stop", "muted"),
    TrainingState.FINISHED: StatusFace("finished", "circle-check", "ok"),
    TrainingState.FAILED: StatusFace("failed", "circle-alert", "danger"),
}


def state_words(row: TrainingRow) -> str:
    """State and progress of a training in one line."""
    progress, parts = row.progress, [FACES[row.state].word]
    if row.state in (TrainingState.RUNNING, TrainingState.STOPPING):
        if progress.finishing:
            return f"{parts[0]} · evaluating, then writing the model"
        if not progress.step:
            return f"{parts[0]} · reading the photos"
        parts.append(f"epoch {progress.epoch} of {progress.epochs}")
        if progress.seconds_left is not None:
            parts.append(f"about {clock_text(progress.seconds_left)} left")
    elif row.state is TrainingState.WAITING:
        return f"{parts[0]} · next" if row.place <= 1 else f"{parts[0]} · place {row.place} of {row.waiting}"
    elif row.state is TrainingState.STOPPED and progress.step:
        parts.append("trained; figures and model are missing" if progress.finishing else f"at epoch {progress.epoch}")
        parts[1] += f" of {progress.epochs}" if not progress.finishing and progress.epochs else ""
    elif row.state is TrainingState.FAILED:
        parts.append(row.reason.splitlines()[0] if row.reason else "")
    return " · ".join(parts)


_HEIGHT = 60


class TrainingList(QListWidget):
    """Signals:
    chosen: (name) another training is current
    shown_changed: the curves of other trainings are wanted (`shown`)
    """

    chosen = Signal(str)
    shown_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("list")
        self.setAccessibleName("trainings")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._lines: dict[str, _Line] = {}
        self._hidden: set[str] = set()
        self.currentItemChanged.connect(lambda item, _before: self.chosen.emit(_name(item) if item else ""))

    def show_rows(self, rows: Sequence[TrainingRow]) -> None:
        """Update the list; the newest is at the top."""
        names = [row.record.name for row in reversed(rows)]
        if names != [_name(self.item(place)) for place in range(self.count())]:
            self._rebuild(rows, names)
        for row in rows:
            self._lines[row.record.name].show_row(row)

    def colours(self) -> dict[str, QColor]:
        """The colour of each training's curves, in the current theme."""
        return {name: line.swatch.colour() for name, line in self._lines.items()}

    def shown(self) -> set[str]:
        """Names of the trainings whose curves are shown."""
        return set(self._lines) - self._hidden

    def choose(self, name: str) -> None:
        """Make a training current."""
        for place in range(self.count()):
            if _name(self.item(place)) == name:
                self.setCurrentRow(place)

    def _rebuild(self, rows: Sequence[TrainingRow], names: list[str]) -> None:
        current = _name(self.currentItem()) if self.currentItem() else ""
        known, places = set(self._lines), {row.record.name: place for place, row in enumerate(rows)}
        self.blockSignals(True)
        self.clear()
        self._lines.clear()
        for name in names:
            item = QListWidgetItem(self)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, name)
            line = self._lines[name] = _Line(name, places[name], name not in self._hidden)
            line.swatch.toggled.connect(lambda on, name=name: self._show(name, on))
            item.setSizeHint(QSize(0, _HEIGHT))
            self.setItemWidget(item, line)
        self.blockSignals(False)
        new = [name for name in names if name not in known]
        self.choose(new[0] if new else current)
        if self.currentRow() < 0 and names:
            self.setCurrentRow(0)
        if not names:
            self.chosen.emit("")
        self.shown_changed.emit()

    def _show(self, name: str, on: bool) -> None:
        (self._hidden.discard if on else self._hidden.add)(name)
        self.shown_changed.emit()


class _Line(QWidget):
    def __init__(self, name: str, place: int, shown: bool) -> None:
        super().__init__()
        self.swatch = _Swatch(name, place, shown)
        self._icon = IconLabel("clock", "muted", 16)
        self._name, self._state = ElidedLabel(name), ElidedLabel(kind="caption")
        self._progress = QProgressBar(textVisible=False)
        self._progress.setRange(0, 1000)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self._name)
        words.addWidget(self._state)
        words.addWidget(self._progress)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 6, 8, 6)
        row.setSpacing(4)
        row.addWidget(self.swatch)
        row.addLayout(words, 1)
        row.addWidget(self._icon)

    def show_row(self, row: TrainingRow) -> None:
        """Update the line."""
        face = FACES[row.state]
        self._icon.set_icon(face.icon, face.token)
        self._state.set_whole(state_words(row))
        self._progress.setVisible(
            row.state in (TrainingState.RUNNING, TrainingState.STOPPING)
            or (row.state in (TrainingState.STOPPED, TrainingState.FAILED) and row.progress.step > 0)
        )
        self._progress.setValue(round(1000 * row.progress.share))


class _Swatch(QToolButton):
    """A disc in the colour of the curves, filled if they are shown."""

    def __init__(self, name: str, place: int, shown: bool) -> None:
        super().__init__()
        self._place = place
        self.setCheckable(True)
        self.setChecked(shown)
        self.setFixedSize(theme.HIT, theme.HIT)
        self.setToolTip("show or hide its curves")
        self.setAccessibleName(f"curves of {name}")

    def colour(self) -> QColor:
        """The colour in the current theme."""
        return theme.class_colour(self._place)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The disc, and a ring for the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.colour(), 2))
        painter.setBrush(self.colour() if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(self.rect().center(), 5, 5)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.tokens().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(self.rect().center(), 10, 10)
        painter.end()


def _name(item: QListWidgetItem) -> str:
    return str(item.data(Qt.ItemDataRole.UserRole))
