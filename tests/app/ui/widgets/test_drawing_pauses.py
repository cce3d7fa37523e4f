"""What keeps the GUI thread from waiting."""

from __future__ import annotations

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.drawing_pauses import draw_unseen
from tests.app.ui.conftest import OpenWindow


class Counted(QWidget):
    """Counts its paint events."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(10, 10)
        self.drawn = 0

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Nothing to be seen."""
        self.drawn += 1


def test_what_is_hidden_is_drawn_and_stays_hidden(qtbot: QtBot) -> None:
    page, seen, hidden = QWidget(), Counted(), Counted()
    layout = QVBoxLayout(page)
    for widget in (seen, hidden):
        layout.addWidget(widget)
    hidden.hide()
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: seen.drawn > 0)
    before = seen.drawn
    draw_unseen(seen, hidden)
    assert hidden.drawn == 1 and hidden.isHidden()
    assert seen.drawn == before


def test_review_has_drawn_what_photos_will_bring_up_before_there_are_any(open_marque: OpenWindow, qtbot: QtBot) -> None:
    window = open_marque()
    page = window.review
    counted = Counted(page.columns)
    window.show_page(1)
    qtbot.waitUntil(lambda: counted.drawn == 1)
    assert not page.columns.isVisible()
