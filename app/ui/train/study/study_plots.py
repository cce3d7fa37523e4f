"""A study's plots: differences from the baselines with their intervals, and R@1 against epoch."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.core.training.study import Curve, MeasuredStudy, StudyLine
from app.ui.train.plot import Plot, Readout
from app.ui.train.study.study_table import chance, number, span, unit
from app.ui.widgets import theme
from app.ui.widgets.basics import ElidedLabel, WrappedLabel, label
from model.system.plain_text import one_line

_SHAPES = {"better": ("o", "ok"), "worse": ("s", "danger"), "not distinguishable": ("d", "muted")}
"""Verdict -> marker and colour."""
_UNTESTED = ("x", "muted")
_SIGNS = {"better": "●", "worse": "■", "not distinguishable": "◆", "": "✕"}
_NO_CURVES = "The study has no curves.csv, so R@1 against epoch is not known."
_STEP = 20  # pixels a line of the differences
_NAMES = 230  # pixels for their names, at most
_ROOM = 32  # pixels for the axis above them
_STROKES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
_HUES = 20
_NAMED = 8
_TICKS = 8


def cell_colour(place: int) -> QColor:
    """The colour of a study's cell, by its place among the cells, whatever is chosen."""
    return theme.class_colour(place)


class Differences(QFrame):
    """A line for each comparison that has a common seed, the largest on top; a click chooses it.

    Signals:
        chosen: (StudyLine)
    """

    chosen = Signal(StudyLine)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._study: MeasuredStudy | None = None
        self._lines: list[StudyLine] = []
        self._bold: set[tuple[str, str]] = set()
        self.plot, self.readout = _Clicked(), Readout(self)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.getPlotItem().getViewBox().invertY(True)
        self.plot.showAxis("top")
        self.plot.pointed.connect(self._on_pointed)
        self.plot.left.connect(self.readout.hide)
        self.plot.clicked.connect(self._on_clicked)
        self._title = ElidedLabel()
        self.legend = ElidedLabel(kind="caption")
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.nothing = _empty("No cell is compared with another yet.")
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._scroll.viewport().setAutoFillBackground(False)  # the card's colour beneath the lines
        self._scroll.setWidget(self.plot)
        _card(self, self._title, self.legend, self._scroll, self.nothing)

    def draw(self, study: MeasuredStudy, chosen: Sequence[StudyLine]) -> None:
        """Draw all comparisons, those of the chosen lines emphasised."""
        tested = [line for line in study.lines if line.comparison is not None and line.comparison.seeds]
        self._study, self._lines = study, sorted(tested, key=lambda line: -_mean(line))
        bold = {_pair(line) for line in chosen}
        moved, self._bold = bool(self._bold) and bold != self._bold, bold
        points = ", points" if unit(study) == "points" else ""
        self._title.set_whole(f"difference of {study.words}{points}")
        verdicts = {_verdict(line) for line in tested}
        signs = [f"{sign} {verdict or 'not tested'}" for verdict, sign in _SIGNS.items() if verdict in verdicts]
        self.legend.set_whole("   ".join(signs))
        self._scroll.setVisible(bool(tested))
        self.nothing.setVisible(not tested)
        self.plot.clear()
        if not tested:
            return
        zero = pyqtgraph.InfiniteLine(pos=0, angle=90, movable=False)
        zero.setPen(pyqtgraph.mkPen(theme.tokens().muted, width=1, style=Qt.PenStyle.DashLine))
        self.plot.addItem(zero)
        for verdict in verdicts:
            for chosen_ones in (False, True):
                self._draw_kind(verdict, chosen_ones)
        self._name_them()
        self.plot.setYRange(-0.7, len(tested) - 0.3, padding=0)
        self.plot.setMinimumHeight(_STEP * len(tested) + _ROOM)
        self.plot.setMaximumHeight(2 * _STEP * len(tested) + _ROOM)  # a few lines do not drift apart
        if moved and len(chosen) == 1 and chosen[0] in self._lines:
            place = _ROOM + _STEP * self._lines.index(chosen[0])
            QTimer.singleShot(0, self, partial(self._scroll.ensureVisible, 0, place, 0, 3 * _STEP))
        self._style()

    def _draw_kind(self, verdict: str, bold: bool) -> None:
        """The comparisons with one verdict, chosen or not."""
        assert self._study is not None
        places = [
            place
            for place, line in enumerate(self._lines)
            if _verdict(line) == verdict and (_pair(line) in self._bold) is bold
        ]
        if not places:
            return
        marker, token = _SHAPES.get(verdict, _UNTESTED)
        colour = QColor(theme.tokens().text if bold else getattr(theme.tokens(), token))
        own = [self._lines[place].comparison for place in places]
        x = self._study.scale * np.array([one.mean for one in own if one])
        half = self._study.scale * np.nan_to_num(np.array([one.half for one in own if one]))
        y = np.array(places, dtype=float)
        bars = pyqtgraph.ErrorBarItem(
            x=x, y=y, left=half, right=half, beam=0.3, pen=pyqtgraph.mkPen(colour, width=2.4 if bold else 1.4)
        )
        self.plot.addItem(bars)
        brush = QColor(getattr(theme.tokens(), token))
        points = pyqtgraph.ScatterPlotItem(x=x, y=y, symbol=marker, size=10 if bold else 8, pen=None, brush=brush)
        self.plot.addItem(points)

    def _name_them(self) -> None:
        """Names at the left; with the baseline's name if a cell has several."""
        often = len({line.cell for line in self._lines}) < len(self._lines)
        metrics = QFontMetrics(theme.font(theme.CAPTION))
        names = []
        for place, line in enumerate(self._lines):
            assert line.comparison is not None
            name = f"{line.cell} − {line.comparison.baseline}" if often else line.cell
            names.append((place, metrics.elidedText(one_line(name), Qt.TextElideMode.ElideRight, _NAMES)))
        self.plot.getAxis("left").setTicks([names])

    def words(self, line: StudyLine) -> str:
        """A comparison in words."""
        assert self._study is not None
        own, study = line.comparison, self._study
        assert own is not None
        head = f"<b>{html.escape(own.cell)}</b><br>less {html.escape(own.baseline)}, {len(own.seeds)} common seeds<br>"
        difference = f"{number(study, own.mean, '+')} {'points' if unit(study) == 'points' else ''}".strip()
        return f"{head}{difference}, 95 % interval {span(study, own)}<br>p {chance(own)} · {html.escape(own.verdict)}"

    def apply_theme(self, chosen: Sequence[StudyLine]) -> None:
        """Colours of the current theme."""
        self._style()
        if self._study is not None:
            self.draw(self._study, chosen)

    def _style(self) -> None:
        self.plot.apply_theme("")
        self.plot.getAxis("left").setWidth(_NAMES + 8)
        self.plot.getAxis("left").setStyle(tickLength=0)
        self.plot.showAxis("bottom", False)
        above = self.plot.getAxis("top")  # where it is visible without scrolling
        above.setPen(theme.tokens().line)
        above.setTextPen(theme.tokens().muted)
        above.setStyle(tickFont=theme.font(theme.CAPTION), tickLength=-4)
        above.setGrid(30)

    def _at(self, place: QPointF) -> StudyLine | None:
        row = round(place.y())
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def _on_pointed(self, place: QPointF, on_screen: QPoint) -> None:
        line = self._at(place)
        self.readout.say(self.words(line) if line else "", on_screen)

    def _on_clicked(self, place: QPointF) -> None:
        line = self._at(place)
        if line is not None:
            self.chosen.emit(line)


class Epochs(QFrame):
    """R@1 against epoch of the chosen cells and their baselines: mean over seeds, band of one standard deviation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.plot, self.readout = Plot(), Readout(self)
        self.plot.pointed.connect(self._on_pointed)
        self.plot.left.connect(self._on_left)
        self._shown: dict[str, tuple[Curve, QColor]] = {}
        self._line = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self.legend = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        self.legend.setObjectName("legend")
        self.legend.setProperty("kind", "caption")
        self.nothing = _empty("")
        note = label("band: one standard deviation", "caption")
        note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        _card(self, label("R@1 (%) against epoch"), note, self.legend, self.plot, self.nothing)
        self.apply_theme()

    def draw(self, study: MeasuredStudy, colours: Mapping[str, tuple[int, QColor]]) -> None:
        """Draw the curves of some cells. Args: colours: cell -> its place among the cells, and its colour."""
        curves = study.curves
        self._shown = {cell: (curves[cell], colour) for cell, (_, colour) in colours.items() if cell in curves}
        self.plot.clear()
        self.plot.addItem(self._line, ignoreBounds=True)
        self._line.hide()
        if curves:
            self.nothing.set_whole("Choose lines of the table to draw their curves.")
        else:
            self.nothing.set_whole(_NO_CURVES if study.done else "The curves come with the first finished run.")
        self.nothing.setVisible(not self._shown)
        self.plot.setVisible(bool(self._shown))
        self.legend.setVisible(bool(self._shown))
        names = [_dotted(colour, cell) for cell, (_, colour) in list(self._shown.items())[:_NAMED]]
        more = len(self._shown) - _NAMED
        self.legend.setText("&nbsp;&nbsp; ".join([*names, f"and {more} more"] if more > 0 else names))
        for cell, (curve, colour) in self._shown.items():
            style = _STROKES[colours[cell][0] // _HUES % len(_STROKES)]
            low, high = (
                pyqtgraph.PlotCurveItem(curve.epochs, 100 * (curve.mean + side * curve.spread), pen=None)
                for side in (-1, 1)
            )
            self.plot.addItem(low)  # not drawn, but the band must be visible
            self.plot.addItem(high)
            light = QColor(colour)
            light.setAlphaF(0.15)
            self.plot.addItem(pyqtgraph.FillBetweenItem(low, high, brush=light), ignoreBounds=True)
            drawn = self.plot.plot(
                curve.epochs, 100 * curve.mean, pen=pyqtgraph.mkPen(colour, width=1.8, style=style), antialias=True
            )
            if len(curve.epochs) == 1:  # one point is not a line
                drawn.setData(curve.epochs, 100 * curve.mean, symbol="o", symbolSize=6, symbolBrush=colour)

        last = max((curve.epochs[-1] for curve, _ in self._shown.values()), default=1)
        step = max(1, round(last / _TICKS))
        self.plot.getAxis("bottom").setTickSpacing(step, step)  # epochs are whole numbers

    def words_at(self, epoch: float) -> str:
        """The values at an epoch as rich text, the best first."""
        found = []
        for cell, (curve, colour) in self._shown.items():
            place = int(np.abs(curve.epochs - epoch).argmin())
            found.append((curve.mean[place], curve.spread[place], cell, colour))
        found.sort(key=lambda one: -one[0])
        lines = [f"epoch {max(round(epoch), 1)}"]
        lines += [
            f"{_dotted(colour, cell)}: {100 * mean:.2f} ± {100 * spread:.2f}"
            for mean, spread, cell, colour in found[:_NAMED]
        ]
        more = len(found) - _NAMED
        return "<br>".join([*lines, f"and {more} more"] if more > 0 else lines)

    def apply_theme(self) -> None:
        """Colours of the current theme."""
        self.plot.apply_theme("epoch")
        self.plot.showGrid(x=True, y=True, alpha=0.12)
        self._line.setPen(pyqtgraph.mkPen(theme.tokens().muted, width=1, style=Qt.PenStyle.DashLine))

    def _on_pointed(self, place: QPointF, on_screen: QPoint) -> None:
        self._line.setVisible(bool(self._shown))
        self._line.setValue(place.x())
        self.readout.say(self.words_at(place.x()) if self._shown else "", on_screen)

    def _on_left(self) -> None:
        self._line.hide()
        self.readout.hide()


class _Clicked(Plot):
    """Signals:
    clicked: (place in the plot)
    """

    clicked = Signal(QPointF)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Report where it was clicked."""
        super().mouseReleaseEvent(event)
        box = self.getPlotItem().getViewBox()
        self.clicked.emit(box.mapSceneToView(QPointF(self.mapToScene(event.position().toPoint()))))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Everything is always shown."""


def _dotted(colour: QColor, cell: str) -> str:
    """A name behind a dot in its colour, rich text."""
    return f'<span style="color: {colour.name()}">●</span>&nbsp;{html.escape(cell).replace(" ", "&nbsp;")}'


def _card(card: QFrame, title: QWidget, legend: QWidget, *below: QWidget) -> None:
    head = QHBoxLayout()
    head.setSpacing(12)
    head.addWidget(title, 1 if isinstance(title, ElidedLabel) else 0)
    head.addWidget(legend, 1)
    column = QVBoxLayout(card)
    column.setContentsMargins(12, 8, 12, 8)
    column.setSpacing(4)
    column.addLayout(head)
    for widget in below:
        column.addWidget(widget, 0 if isinstance(widget, QLabel) and not isinstance(widget, WrappedLabel) else 1)


def _empty(words: str) -> WrappedLabel:
    result = WrappedLabel("muted")
    result.setAlignment(Qt.AlignmentFlag.AlignCenter)
    result.set_whole(words)
    return result


def _mean(line: StudyLine) -> float:
    return line.comparison.mean if line.comparison else -math.inf


def _verdict(line: StudyLine) -> str:
    verdict = line.comparison.verdict if line.comparison else ""
    return verdict if verdict in _SHAPES else ""


def _pair(line: StudyLine) -> tuple[str, str]:
    return line.cell, line.comparison.baseline if line.comparison else ""
