"""Types against types: how often a photo of one is taken for another, as a matrix of tinted cells."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.core.explore.confusion import Crossing
from app.ui.widgets import theme
from app.ui.widgets.status_face import percent
from model.system.plain_text import one_line

_LEAST, _MOST = 24, 64  # side of a cell, pixels
_NAMES = 128  # room for a type's name
_TITLE = 22
_FAINT, _FULL = 0.10, 0.85  # of a tint


class TypeMatrix(QWidget):
    """A row for each type that photos are of, a column for each that they are taken for.

    Signals:
        cell_chosen: (type, type it is taken for)
    """

    cell_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("types by what they are taken for; Enter lists the classes behind a cell")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._crossing: Crossing | None = None
        self._shares = False
        self._current = (0, 0)
        self._hovered: tuple[int, int] | None = None

    def show_crossing(self, crossing: Crossing) -> None:
        """Show other figures."""
        self._crossing = crossing
        last = max(len(crossing.types) - 1, 0)
        self._current = (min(self._current[0], last), min(self._current[1], last))
        self._hovered = None
        side = _NAMES + _LEAST * len(crossing.types)
        self.setMinimumSize(_TITLE + side + 12, _TITLE + side + 12)
        self.update()

    def set_shares(self, on: bool) -> None:
        """Write shares of a row into the cells in place of counts."""
        self._shares = on
        self.update()

    def cell(self, row: int, column: int) -> QRect:
        """Where a cell is, pixels."""
        side = self._side()
        return QRect(_TITLE + _NAMES + column * side, _TITLE + _NAMES + row * side, side, side)

    def text(self, row: int, column: int) -> str:
        """The text of a cell, empty for none: a count, from 1,000 on as 1.6k, or a share as a number of hundredths."""
        crossing = self._crossing
        if crossing is None or not crossing.counts[row, column]:
            return ""
        if self._shares:  # a per-cent sign would not fit into a small cell
            return percent(crossing.share(row, column)).rstrip("\u2009%")
        count = int(crossing.counts[row, column])
        return str(count) if count < 1000 else f"{count / 1000:.1f}k" if count < 9950 else f"{count / 1000:.0f}k"

    def sentence(self, row: int, column: int) -> str:
        """A cell in words."""
        crossing = self._crossing
        if crossing is None:
            return ""
        name, other, count = crossing.types[row], crossing.types[column], int(crossing.counts[row, column])
        whole = f"of {int(crossing.counts[row].sum()):,} photos of type {name}"
        if row != column:
            return f"{whole}, {count:,} are taken for {other} ({percent(crossing.share(row, column))})"
        inside = int(crossing.within[row])
        return (
            f"{whole}, {count:,} are of the right type ({percent(crossing.share(row, row))}),\n"
            f"{inside:,} of these taken for another class of it"
        )

    # Qt's side

    def sizeHint(self) -> QSize:
        """Room for cells of a good size."""
        count = len(self._crossing.types) if self._crossing is not None else 0
        return QSize(_TITLE + _NAMES + 40 * count + 12, _TITLE + _NAMES + 40 * count + 12)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cells take the available room."""
        super().resizeEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Names, cells, a frame about the current one."""
        crossing = self._crossing
        if crossing is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_names(painter, crossing)
        most = max((crossing.share(r, c) for r, c in self._cells() if r != c), default=0.0) or 1.0
        painter.setFont(theme.font(theme.CAPTION))
        for row, column in self._cells():
            self._paint_cell(painter, row, column, crossing.share(row, column) / (1.0 if row == column else most))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for cell, token in ((self._hovered, "muted"), (self._current if self.hasFocus() else None, "accent")):
            if cell is not None:
                painter.setPen(QPen(QColor(getattr(theme.tokens(), token)), 2))
                painter.drawRect(self.cell(*cell).adjusted(0, 0, -1, -1))
        painter.end()

    def event(self, event: QEvent) -> bool:
        """The tooltip shows a cell in words."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self._at(event.pos())
            if cell is not None:
                QToolTip.showText(event.globalPos(), self.sentence(*cell), self, self.cell(*cell))
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Frame the cell beneath the pointer."""
        self._hovered = self._at(event.position().toPoint())
        self.setCursor(Qt.CursorShape.PointingHandCursor if self._hovered else Qt.CursorShape.ArrowCursor)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is beneath it."""
        super().leaveEvent(event)
        self._hovered = None
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click lists what is behind a cell."""
        cell = self._at(event.position().toPoint())
        if cell is not None and event.button() is Qt.MouseButton.LeftButton:
            self._current = cell
            self._choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, Enter lists."""
        steps = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
        step = steps.get(Qt.Key(event.key()))
        count = len(self._crossing.types) if self._crossing is not None else 0
        if step is not None and count:
            row, column = (min(max(at + by, 0), count - 1) for at, by in zip(self._current, step, strict=True))
            self._current = (row, column)
            self.setAccessibleDescription(self.sentence(row, column))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and count:
            self._choose()
        else:
            super().keyPressEvent(event)

    def _choose(self) -> None:
        if self._crossing is not None:
            row, column = self._current
            self.cell_chosen.emit(self._crossing.types[row], self._crossing.types[column])

    def _side(self) -> int:
        count = max(len(self._crossing.types) if self._crossing is not None else 0, 1)
        room = min(self.width(), self.height()) - _TITLE - _NAMES - 12
        return max(_LEAST, min(_MOST, room // count))

    def _cells(self) -> list[tuple[int, int]]:
        count = len(self._crossing.types) if self._crossing is not None else 0
        return [(row, column) for row in range(count) for column in range(count)]

    def _at(self, where: QPoint) -> tuple[int, int] | None:
        side, corner = self._side(), _TITLE + _NAMES
        column, row = (where.x() - corner) // side, (where.y() - corner) // side
        count = len(self._crossing.types) if self._crossing is not None else 0
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def _paint_names(self, painter: QPainter, crossing: Crossing) -> None:
        tokens, side = theme.tokens(), self._side()
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(tokens.muted))
        words = "photos of ↓\ntaken for, % →" if self._shares else "photos of ↓\ntaken for →"
        corner = QRectF(0, 0, _TITLE + _NAMES - 8, _TITLE + _NAMES - 8)
        painter.drawText(corner, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, words)
        painter.setFont(theme.font(12))
        metrics = painter.fontMetrics()
        for place, name in enumerate(crossing.types):
            touched = self._hovered or (self._current if self.hasFocus() else None)
            words = metrics.elidedText(one_line(name), Qt.TextElideMode.ElideRight, _NAMES - 8)
            row = self.cell(place, 0)
            painter.setPen(QColor(tokens.accent if touched and touched[0] == place else tokens.text))
            painter.drawText(QRect(_TITLE, row.top(), _NAMES - 8, side), middle | Qt.AlignmentFlag.AlignRight, words)
            column = self.cell(0, place)
            painter.setPen(QColor(tokens.accent if touched and touched[1] == place else tokens.text))
            painter.save()
            painter.translate(column.left(), column.top() - 8)
            painter.rotate(-90)
            painter.drawText(QRect(0, 0, _NAMES + _TITLE - 8, side), middle | Qt.AlignmentFlag.AlignLeft, words)
            painter.restore()

    def _paint_cell(self, painter: QPainter, row: int, column: int, strength: float) -> None:
        """Mistakes in the colour of danger, the right type in that of ok; the root makes small shares visible."""
        tokens, where, words = theme.tokens(), self.cell(row, column), self.text(row, column)
        ground = QColor(tokens.surface)
        if words:
            tint = QColor(tokens.ok if row == column else tokens.danger)
            amount = _FAINT + (_FULL - _FAINT) * strength**0.5 * (0.5 if row == column else 1.0)
            ground = _mixed(ground, tint, amount)
        painter.fillRect(where.adjusted(0, 0, -1, -1), ground)
        if words and painter.fontMetrics().horizontalAdvance(words) <= where.width() - 3:
            inks = (tokens.text, tokens.surface)
            painter.setPen(QColor(max(inks, key=lambda ink: theme.contrast(ink, ground.name()))))
            painter.drawText(where, Qt.AlignmentFlag.AlignCenter, words)


def _mixed(one: QColor, other: QColor, share: float) -> QColor:
    def between(a: int, b: int) -> int:
        return round(a + (b - a) * share)

    return QColor(
        between(one.red(), other.red()), between(one.green(), other.green()), between(one.blue(), other.blue())
    )
