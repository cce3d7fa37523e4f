"""Beside the map: the meaning of the colours, and what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.explore import actions
from app.ui.widgets import theme
from app.ui.widgets.basics import enable, frame, label
from app.ui.widgets.thumbnail import paint_picture
from model.system.plain_text import one_line
from model.system.wording import counted

_COLOUR, _COUNT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_ACROSS, _SHOWN = 3, 6
_GAP = 6


class Legend(QListWidget):
    """A line for each group: colour, word, count.

    Signals:
        group_clicked: (place of the group)
    """

    group_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("list")
        self.setAccessibleName("what the colours mean; a click chooses these photos")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setItemDelegate(_Delegate(self))
        self.itemClicked.connect(lambda item: self.group_clicked.emit(self.row(item)))

    def show_groups(self, words: Sequence[str], colours: Sequence[QColor], counts: Sequence[int]) -> None:
        """List these groups, in their order."""
        at = self.verticalScrollBar().value()
        self.clear()
        for word, colour, count in zip(words, colours, counts, strict=True):
            item = QListWidgetItem(word)
            item.setData(_COLOUR, colour)
            item.setData(_COUNT, f"{count:,}")
            item.setToolTip(f"{word}: {count:,}")
            self.addItem(item)
        self.verticalScrollBar().setValue(at)

    def texts(self) -> list[tuple[str, str, str]]:
        """Word, colour and count of each line."""
        items = [self.item(row) for row in range(self.count())]
        return [(item.text(), item.data(_COLOUR).name(), item.data(_COUNT)) for item in items]


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, theme.HIT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """A dot, the word, the count at the right edge."""
        tokens, where = theme.tokens(), QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(where, QColor(tokens.raised))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(index.data(_COLOUR))
        painter.drawEllipse(QRectF(where.left() + 12, where.center().y() - 4.5, 10, 10))
        room = where.adjusted(32, 0, -12, 0)
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(tokens.muted))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(room, right, index.data(_COUNT))
        room.setRight(room.right() - painter.fontMetrics().horizontalAdvance(index.data(_COUNT)) - 8)
        painter.setFont(theme.font(theme.BODY))
        painter.setPen(QColor(tokens.text))
        words = painter.fontMetrics().elidedText(one_line(index.data()), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()


class Preview(QWidget):
    """The first of the chosen photos."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: Callable[[], list[tuple[QPixmap | None, bool]]] = list
        self._count = 0
        self.show_pictures(0, list)

    def show_pictures(self, count: int, pictures: Callable[[], list[tuple[QPixmap | None, bool]]]) -> None:
        """Show this many; `pictures` is called at paint time for each picture and whether it is missing."""
        self._count, self._pictures = min(count, _SHOWN), pictures
        self.setFixedHeight(-(-self._count // _ACROSS) * (52 + _GAP))
        self.setVisible(self._count > 0)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the pictures in rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = (self.width() - (_ACROSS - 1) * _GAP) / _ACROSS
        for number, (picture, missing) in enumerate(self._pictures()[:_SHOWN]):
            x, y = number % _ACROSS * (side + _GAP), number // _ACROSS * (52 + _GAP)
            paint_picture(painter, QRectF(x, y, side, 52), picture, missing=missing)
        painter.end()


class MapSidebar(QFrame):
    """Legend above, choice below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setMinimumWidth(200)
        self.total = label("", "strong")
        self.legend = Legend()
        self.chosen = label("", "muted")
        self.chosen.setWordWrap(True)
        self.preview = Preview()
        self.open_button = QPushButton("open in Review")
        self.open_button.setProperty("kind", "primary")
        self.relabel_button = QPushButton("give another label")
        self.enrol_button = QPushButton("enrol in the gallery")
        self.identify_button = QPushButton("identify into the project")
        self.identify_button.setToolTip("add the chosen test photos to the project and identify them")
        buttons = (self.open_button, self.identify_button, self.relabel_button, self.enrol_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 12)
        column.setSpacing(8)
        self.total.setContentsMargins(12, 0, 12, 0)
        column.addWidget(self.total)
        column.addWidget(self.legend, 1)
        column.addWidget(frame("rule"))
        below = QVBoxLayout()
        below.setContentsMargins(12, 4, 12, 0)
        below.setSpacing(8)
        for widget in (self.chosen, self.preview, *buttons):
            below.addWidget(widget)
        column.addLayout(below)
        self.show_chosen(0, 0)

    def show_chosen(self, photos: int, references: int) -> None:
        """Show how many are chosen, of the project and of the gallery."""
        self._say_chosen([*_counted(photos, "photo"), *_counted(references, "reference")])
        self.identify_button.hide()
        self._enable(photos > 0, "")

    def show_chosen_tests(self, photos: int, here: int, absent: int) -> None:
        """Show how many test photos of a training are chosen, and how many of them are in the project and not."""
        self._say_chosen(_counted(photos, "test photo"))
        if photos and here:
            self.say(self.chosen.text() + (f", {here:,} in the project" if absent else ", in the project"))
        self.identify_button.setVisible(absent > 0 or not photos)
        self.identify_button.setEnabled(absent > 0)
        why = "none of these test photos is in the project; identify them into it first"
        self._enable(here > 0, why if photos else "")

    def _say_chosen(self, parts: Sequence[str]) -> None:
        nothing = "Nothing chosen. Draw a lasso (L) or a box (B), or click."
        self.say(f"{' and '.join(parts)} chosen" if parts else nothing)

    def _enable(self, on: bool, why: str) -> None:
        """Say whether something can be done with the chosen photos, and if not, why."""
        controls = {
            actions.OPEN_CHOSEN: self.open_button,
            actions.RELABEL: self.relabel_button,
            actions.ENROL: self.enrol_button,
        }
        enable(controls, actions.ExplorePageState(has_points=True, has_chosen=on))
        for action, button in controls.items():
            words = f"{action.tooltip}, with your labels" if action is actions.ENROL else action.tooltip
            button.setToolTip(words if on else why or words)

    def say(self, words: str) -> None:
        """Say this of what is chosen."""
        self.chosen.setText(words)


def _counted(count: int, one: str) -> list[str]:
    """A count in words; empty for 0."""
    return [counted(count, one)] if count else []
