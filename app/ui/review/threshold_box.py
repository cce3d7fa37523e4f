"""How sure an answer must be: two sliders whose effect on the whole project shows at once."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from app.core.review.arrangement import Show
from app.ui.widgets.basics import label
from model.contract.bundle import Thresholds


class ThresholdBox(QFrame):
    """A small box over the page.

    Signals:
        chosen: (Thresholds) decide by these
        reset: decide as the identification model recommends
    """

    chosen = Signal(Thresholds)
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.setFixedWidth(360)
        self._thresholds = Thresholds()
        self.fine, self._fine_figure = _slider("least probability of a class"), label("", "muted")
        self.coarse, self._coarse_figure = _slider("least probability of a type"), label("", "muted")
        self._counts = label("", "muted")
        self._counts.setWordWrap(True)
        again = QPushButton("as the identification model recommends")
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        rows: tuple[tuple[str, QSlider, QLabel], ...] = (
            ("class from", self.fine, self._fine_figure),
            ("type from", self.coarse, self._coarse_figure),
        )
        for row, (words, slider, figure) in enumerate(rows):
            grid.addWidget(label(words), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(figure, row, 2)
            figure.setMinimumWidth(40)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        column.addWidget(label("An answer must be this sure", "strong"))
        column.addLayout(grid)
        column.addWidget(self._counts)
        column.addWidget(again)
        self.fine.valueChanged.connect(self._on_moved)
        self.coarse.valueChanged.connect(self._on_moved)
        again.clicked.connect(self.reset)

    def open(self, at: QPoint) -> None:
        """Show the box at a point of the screen."""
        self.move(at)
        self.show()

    def show_thresholds(self, thresholds: Thresholds) -> None:
        """Set the sliders to these thresholds."""
        self._thresholds = thresholds
        for slider, value in ((self.fine, thresholds.fine), (self.coarse, thresholds.coarse)):
            slider.blockSignals(True)
            slider.setValue(round(100 * value))
            slider.blockSignals(False)
        self._write()

    def show_counts(self, counts: dict[Show, int]) -> None:
        """Show the effect on the photos."""
        parts = (Show.IDENTIFIED, Show.COARSE_ONLY, Show.UNKNOWN)
        self._counts.setText(" · ".join(f"{counts[show]:,} {show.value}" for show in parts))

    def _on_moved(self) -> None:
        self._write()
        fine, coarse = self.fine.value() / 100, self.coarse.value() / 100
        self.chosen.emit(self._thresholds.model_copy(update={"fine": fine, "coarse": coarse}))

    def _write(self) -> None:
        self._fine_figure.setText(f"{self.fine.value()} %")
        self._coarse_figure.setText(f"{self.coarse.value()} %")


def _slider(words: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setAccessibleName(words)
    slider.setToolTip(words)
    return slider
