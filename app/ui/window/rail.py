"""The pages on the left, help at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout

from app.ui.page.page import Page
from app.ui.widgets import icons
from app.ui.widgets.action import Action
from app.ui.widgets.basics import bind
from app.ui.window import actions


class Rail(QFrame):
    """Signals:
    chosen: (place) a page was chosen
    """

    chosen = Signal(int)

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(72)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        self._buttons = QButtonGroup(self)
        for place, page in enumerate(pages):
            action = page.show_action()
            button = _button(action, page.action_set.title)
            button.setCheckable(True)
            self._buttons.addButton(button, place)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            bind(self, action, button.click)
        column.addStretch(1)
        self.help_button = _button(actions.HELP, "keys")
        column.addWidget(self.help_button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._buttons.idClicked.connect(self.chosen)
        self.mark(0)

    def mark(self, place: int) -> None:
        """Emphasise the page on show."""
        self._buttons.button(place).setChecked(True)


def _button(action: Action[object], word: str) -> QToolButton:
    button = QToolButton()
    button.setText(word)
    button.setIcon(icons.icon(action.icon))
    button.setToolTip(action.tooltip)
    button.setIconSize(QSize(22, 22))
    button.setFixedSize(56, 52)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    button.setAccessibleName(action.title)
    return button
