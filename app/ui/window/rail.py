"""The pages on the left, help at the bottom."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from app.ui.widgets import icons
from app.ui.widgets.action import Action
from app.ui.widgets.basics import bind
from app.ui.window import actions

_PAGES = tuple(
    zip(
        (actions.IDENTIFY, actions.REVIEW, actions.GALLERY, actions.EXPLORE, actions.TRAIN),
        (page.title for page in actions.OF_PAGES),
        strict=True,
    )
)


class Rail(QFrame):
    """Signals:
    chosen: (place) a page was chosen
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(72)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        self._buttons = QButtonGroup(self)
        for place, (action, word) in enumerate(_PAGES):
            button = _button(action, word)
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
