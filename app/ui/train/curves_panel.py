"""Curves of any number of trainings, a chart for each kind of figure; colour shows the training, stroke the figure."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.training.training_watch import Curves
from app.ui.train.plot import Plot, Readout
from app.ui.widgets import theme
from app.ui.widgets.basics import ElidedLabel, frame, label

_STROKES = (
    (Qt.PenStyle.SolidLine, "━"),
    (Qt.PenStyle.DashLine, "╍"),
    (Qt.PenStyle.DotLine, "┈"),
)
_TWO_COLUMNS = 680
_CHART_HEIGHT = 236


@dataclass(frozen=True)
class _Kind:
    """A chart: its title, its figures with their words, and whether a log axis makes sense."""

    title: str
    figures: dict[str, str]
    logarithmic: bool = False


_KINDS = (
    _Kind("loss", {"loss": ""}, logarithmic=True),
    _Kind("right on the validation photos", {"val_fine": "class", "val_coarse": "type", "val_recall_1": "R@1"}),
    _Kind("loss by term", {"fine": "class", "coarse": "type", "distance": "distance"}, logarithmic=True),
    _Kind("share of active hinges", {"fine_active": "class", "coarse_active": "type"}),
    _Kind(
        "mean distances",
        {"d_plus": "same class", "d_minus": "same type", "d_negative": "another type"},
    ),
    _Kind("learning rate", {"lr": ""}, logarithmic=True),
    _Kind("photos per second", {"images_per_second": ""}, logarithmic=True),
)


class _Chart(QFrame):
    def __init__(self, kind: _Kind) -> None:
        super().__init__()
        self.setObjectName("card")
        self.kind = kind
        self._drawn: dict[tuple[str, str], pyqtgraph.PlotDataItem] = {}
        self._data: dict[str, Curves] = {}
        self._shown: Mapping[str, QColor] = {}
        self.plot = Plot()
        self._line = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self._line.hide()
        self.plot.addItem(self._line, ignoreBounds=True)
        self._strokes = ElidedLabel(kind="caption")
        self._strokes.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(label(kind.title))
        head.addWidget(self._strokes, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        self.setFixedHeight(_CHART_HEIGHT)
        self._legend()
        self.point_at(None)

    def draw(self, data: Mapping[str, Curves], shown: Mapping[str, QColor]) -> None:
        """Draw the figures of the trainings on show, each in its colour."""
        self._shown = shown
        self._data = {
            run: {name: curves[name] for name in self.kind.figures if name in curves}
            for run, curves in data.items()
            if run in shown
        }
        wanted = {(run, name) for run, curves in self._data.items() for name in curves}
        for gone in self._drawn.keys() - wanted:
            self.plot.removeItem(self._drawn.pop(gone))
        for run, name in wanted:
            item = self._drawn.get((run, name))
            if item is None:
                item = self._drawn[run, name] = self.plot.plot(antialias=True)
            stroke = _STROKES[list(self.kind.figures).index(name)][0]
            item.setPen(pyqtgraph.mkPen(shown[run], width=1.6, style=stroke))
            steps, values = self._data[run][name]
            item.setData(steps, values)
            # one point is not a line: the first epoch of a new training
            item.setSymbol("o" if len(steps) == 1 else None)
            item.setSymbolSize(5)
            item.setSymbolBrush(shown[run])
            item.setSymbolPen(None)

    def point_at(self, step: float | None) -> None:
        """Draw the cursor at a step."""
        self._line.setVisible(step is not None)
        if step is not None:
            self._line.setValue(step)

    def words_at(self, step: float) -> str:
        """The values at a step as rich text, a line for each training on show."""
        lines = [f"step {max(step, 0):,.0f}"]
        for run, words in self.values_at(step).items():
            name = f"{html.escape(run)}: " if len(self._shown) > 1 else ""
            lines.append(f'<span style="color: {self._shown[run].name()}">●</span> {name}{words}')
        return "<br>".join(lines)

    def values_at(self, step: float) -> dict[str, str]:
        """The values nearest to a step, of every training on show."""
        found = {}
        for run, curves in self._data.items():
            parts = []
            for name, (steps, values) in curves.items():
                if len(steps):
                    value = values[int(np.abs(steps - step).argmin())]
                    parts.append(f"{self.kind.figures[name]} {value:.4g}".strip())
            if parts:
                found[run] = ", ".join(parts)
        return found

    def _legend(self) -> None:
        words = [f"{_STROKES[place][1]} {word}" for place, word in enumerate(self.kind.figures.values()) if word]
        self._strokes.set_whole("   ".join(words))

    def set_log(self, on: bool) -> None:
        """Use powers of ten upwards, if that makes sense."""
        self.plot.setLogMode(y=on and self.kind.logarithmic)

    def apply_theme(self) -> None:
        """Take the colours of the current theme."""
        self.plot.apply_theme("step")
        self.plot.showGrid(x=True, y=True, alpha=0.12)
        self._line.setPen(pyqtgraph.mkPen(theme.tokens().muted, width=1, style=Qt.PenStyle.DashLine))


class CurvesPanel(QScrollArea):
    """All charts; the cursor is at the same step in all of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("curves")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._data: dict[str, Curves] = {}
        self._body = frame("page")
        self._grid = QGridLayout(self._body)
        self._grid.setContentsMargins(12, 12, 12, 12)
        self._grid.setSpacing(12)
        self.charts = [_Chart(kind) for kind in _KINDS]
        for chart in self.charts:
            chart.plot.pointed.connect(partial(self.point_at, chart))
            chart.plot.left.connect(self._point_nowhere)
        self.readout = Readout(self)
        self._columns = 0
        self.setWidget(self._body)
        self._arrange(1)
        self.apply_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns if there is room."""
        super().resizeEvent(event)
        self._arrange(2 if self.viewport().width() >= _TWO_COLUMNS else 1)

    def take(self, curves: Mapping[str, Curves], colours: Mapping[str, QColor], shown: Collection[str]) -> None:
        """Draw what is new.

        Args:
            curves: of the trainings that have changed.
            colours: of every training in the list; the others are dropped. shown: whose curves are drawn. Hidden curves
                are kept: curves are sent only once, so a training that is hidden and shown again between two updates
                would lose them.
        """
        self._data = {run: data for run, data in (self._data | dict(curves)).items() if run in colours}
        drawn = {run: colour for run, colour in colours.items() if run in shown}
        for chart in self.charts:
            chart.draw(self._data, drawn)

    def set_log(self, on: bool) -> None:
        """Use powers of ten upwards."""
        for chart in self.charts:
            chart.set_log(on)

    def apply_theme(self) -> None:
        """Take the colours of the current theme."""
        for chart in self.charts:
            chart.apply_theme()

    def picture(self) -> QImage:
        """All charts as on the screen."""
        return self._body.grab().toImage()

    def point_at(self, chart: _Chart, place: QPointF, on_screen: QPoint) -> None:
        """Show a step in all charts, and beside the mouse the values of its own chart."""
        for one in self.charts:
            one.point_at(place.x())
        self.readout.say(chart.words_at(place.x()), on_screen)

    def _point_nowhere(self) -> None:
        for one in self.charts:
            one.point_at(None)
        self.readout.hide()

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for place, chart in enumerate(self.charts):
            self._grid.addWidget(chart, place // columns, place % columns)
        self._grid.setRowStretch(len(self.charts), 1)
        for column in range(2):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
