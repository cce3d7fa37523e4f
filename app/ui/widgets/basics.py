"""Small widgets that every page uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QMenu,
    QSizePolicy,
    QSplitter,
    QSplitterHandle,
    QStyle,
    QStyleOptionComboBox,
    QToolButton,
    QWidget,
)

from app.ui.widgets import icons, theme
from app.ui.widgets.action import Action, PageState
from model.system.plain_text import one_line


def label(text: str = "", kind: str = "", parent: QWidget | None = None) -> QLabel:
    """A label in one of the stylesheet's kinds: muted, caption, strong, title, figure. Text is plain, never markup."""
    result = QLabel(text, parent)
    result.setTextFormat(Qt.TextFormat.PlainText)
    if kind:
        result.setProperty("kind", kind)
    return result


def for_button(text: str) -> str:
    """A text with a name in it for a button or a menu: an & is shown, and does not underline."""
    return one_line(text).replace("&", "&&")


def tool_button(action: Action[Any], text: str = "", *, checkable: bool = False) -> QToolButton:
    """A toolbar button: icon, word, or both, and the key in the tooltip."""
    button = QToolButton()
    if action.icon:
        button.setIcon(icons.icon(action.icon))
        button.setIconSize(QSize(18, 18))
    button.setCheckable(checkable)
    button.setToolTip(action.tooltip)
    button.setAccessibleName(action.title)
    if text:
        button.setText(f" {text}" if action.icon else text)  # the style leaves too little room between icon and word
        style = Qt.ToolButtonStyle
        button.setToolButtonStyle(style.ToolButtonTextBesideIcon if action.icon else style.ToolButtonTextOnly)
    return button


def small_button(icon_name: str, words: str) -> QToolButton:
    """A button with one small icon; its words are the tooltip and the accessible name."""
    button = QToolButton()
    button.setIcon(icons.icon(icon_name))
    button.setIconSize(QSize(14, 14))
    button.setToolTip(words)
    button.setAccessibleName(words)
    return button


def bind(
    widget: QWidget,
    action: Action[Any],
    act: Callable[[], object],
    context: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
) -> None:
    """Let an action's keys act while the widget is in sight (or, by its context, while it or a child has the focus)."""
    for sequence in action.keys:
        QShortcut(QKeySequence(sequence), widget, context=context).activated.connect(act)


def fill_menu(menu: QMenu, actions: Mapping[Action[Any], Callable[[], object]]) -> dict[Action[Any], QAction]:
    """Give a menu its entries, a line between two sections; what each does comes with its action.

    Returns:
        the entries.
    """
    entries: dict[Action[Any], QAction] = {}
    for action, act in actions.items():
        if entries and action.menu != next(reversed(entries)).menu:
            menu.addSeparator()
        title = action.menu_title or action.title
        entry = menu.addAction(f"{title}\t{action.shown}" if action.keys else title)
        entry.triggered.connect(lambda _on=False, act=act: act())
        entries[action] = entry
    return entries


def enable(controls: Mapping[Action[PageState], QWidget | QAction], state: PageState) -> None:
    """Enable the buttons and menu entries of possible actions, and disable the others."""
    for action, control in controls.items():
        control.setEnabled(action.enabled(state))


def frame(name: str) -> QFrame:
    """A frame that the stylesheet addresses by this name."""
    result = QFrame()
    result.setObjectName(name)
    return result


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis if it does not fit; the tooltip then has all of it."""

    def __init__(self, text: str = "", kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if kind:
            self.setProperty("kind", kind)
        self._whole = ""
        self.set_whole(text)

    def set_whole(self, text: str) -> None:
        """Show a text."""
        self._whole = text
        self.setAccessibleName(text)
        self._elide()

    def whole(self) -> str:
        """The text without ellipsis."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: QEvent) -> None:
        """Fit the text to a new font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(one_line(self._whole), Qt.TextElideMode.ElideRight, max(0, self.width()))
        self.setText(shown)
        self.setToolTip(one_line(self._whole) if shown != self._whole else "")


class WrappedLabel(QLabel):
    """A text over as many lines as it takes; a name may also be broken after an underscore or a stroke."""

    def __init__(self, kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        if kind:
            self.setProperty("kind", kind)
        self._whole = ""

    def set_whole(self, text: str) -> None:
        """Show a text."""
        self._whole = text
        self.setAccessibleName(text)
        self.setText(re.sub(r"([_/\\-])", "\\1\u200b", text))

    def whole(self) -> str:
        """The text without its break points."""
        return self._whole


class IconLabel(QWidget):
    """An icon in a theme colour, painted each time so that it follows the theme."""

    def __init__(self, name: str, token: str = "muted", side: int = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._token = name, token
        self.setFixedSize(side, side)

    def set_icon(self, name: str, token: str) -> None:
        """Show another icon; `token` names a colour of the theme."""
        self._name, self._token = name, token
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the icon."""
        painter = QPainter(self)
        icons.paint(painter, self.rect(), self._name, getattr(theme.tokens(), self._token))
        painter.end()


class Splitter(QSplitter):
    """A splitter with a thin line and a wide grip; double-click restores its default place.

    Signals:
        reset: a handle was double-clicked.
    """

    reset = Signal()

    def __init__(self, name: str, orientation: Qt.Orientation) -> None:
        super().__init__(orientation)
        self.setObjectName(name)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(1)
        self._defaults: list[int] = []
        self.reset.connect(lambda: self.setSizes(self._defaults))

    def set_defaults(self, sizes: list[int]) -> None:
        """The sizes in pixels at first and after a double-click."""
        self._defaults = sizes
        self.setSizes(sizes)

    def createHandle(self) -> QSplitterHandle:
        """The handle that knows the double-click."""
        return _Handle(self.orientation(), self)


class _Handle(QSplitterHandle):
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        splitter = self.splitter()
        if isinstance(splitter, Splitter):
            splitter.reset.emit()
        event.accept()


class ElidedBox(QComboBox):
    """A box of choices that shortens what it shows in the middle: names of trainings often differ at their end."""

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        """The painted text, shortened to the room."""
        super().initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self)
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideMiddle, room.width()
        )
