"""The buttons of the page Explore: which view is shown, and what belongs to that view."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.core.explore.map_points import By
from app.ui.explore import actions
from app.ui.explore.map_view import Tool
from app.ui.explore.mistakes_session import TruthChoices
from app.ui.explore.source_box import SourceBox
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action
from app.ui.widgets.basics import ElidedBox, enable, fill_menu, tool_button

_ROOM_FOR_VIEWS, _ROOM_FOR_ALL = 1150, 1300  # pixels
_TYPING = 200  # milliseconds after the last letter


class View(StrEnum):
    """What the page shows."""

    MAP = "map"
    CONFUSIONS = "confusions"
    HIERARCHY = "hierarchy"


_FACES = {
    View.MAP: actions.SHOW_MAP,
    View.CONFUSIONS: actions.SHOW_CONFUSIONS,
    View.HIERARCHY: actions.SHOW_HIERARCHY,
}


class ExploreToolbar(QFrame):
    """Signals:
    view_wanted: (View)
    by_wanted: (By)
    tool_wanted: (Tool)
    search_wanted: (text)
    save_wanted: (an ending of FORMATS)
    truth_wanted: (place among the choices) what answers are compared with
    shares_wanted: (whether shares are shown in place of counts)
    """

    view_wanted = Signal(View)
    by_wanted = Signal(By)
    tool_wanted = Signal(Tool)
    search_wanted = Signal(str)
    save_wanted = Signal(str)
    truth_wanted = Signal(int)
    shares_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(44)
        self.view_buttons = {view: tool_button(action, view.value, checkable=True) for view, action in _FACES.items()}
        self.source_box = SourceBox()
        self.by_box = _combo("what the colours mean", [f"by {one.value}" for one in By], 132)
        self.tool_buttons = {
            Tool.MOVE: tool_button(actions.MOVE_MAP, checkable=True),
            Tool.LASSO: tool_button(actions.LASSO, checkable=True),
            Tool.BOX: tool_button(actions.BOX, checkable=True),
        }
        self.fit_button = tool_button(actions.FIT_MAP)
        self.find_button = tool_button(actions.FIND_CURRENT)
        self.search = QLineEdit(placeholderText="find", clearButtonEnabled=True)
        self.search.setToolTip(actions.FIND_ON_MAP.tooltip)
        self.search.setAccessibleName(actions.FIND_ON_MAP.title)
        self.search.setMinimumWidth(72)
        self.search.setMaximumWidth(180)
        self.search.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.unfold_button = tool_button(actions.UNFOLD, "unfold")
        self.save_button = self._saving_button()
        self.truth_box = _combo("where the true labels come from", [], 240)
        self.shares_button = tool_button(actions.SHARES, "shares", checkable=True)
        self.theme_button = tool_button(standard.THEME)
        self._controls: dict[Action[actions.ExplorePageState], QWidget] = {
            actions.MOVE_MAP: self.tool_buttons[Tool.MOVE],
            actions.LASSO: self.tool_buttons[Tool.LASSO],
            actions.BOX: self.tool_buttons[Tool.BOX],
            actions.FIT_MAP: self.fit_button,
            actions.FIND_CURRENT: self.find_button,
            actions.UNFOLD: self.unfold_button,
            actions.FIND_ON_MAP: self.search,
            actions.SAVE_MAP: self.save_button,
        }
        self._views, self._tools = _group(self.view_buttons), _group(self.tool_buttons)
        self._typed = QTimer(self, interval=_TYPING, singleShot=True)
        self._lay_out()
        self._connect()
        self.show_unfolding(False)
        self.show_view(View.MAP)

    def _saving_button(self) -> QToolButton:
        button = tool_button(actions.SAVE_MAP, "save map")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        fill_menu(menu, {action: partial(self.save_wanted.emit, kind) for kind, action in actions.SAVE_AS.items()})
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        self._of_map = [
            *(self.source_box, self.by_box, *self.tool_buttons.values(), self.fit_button, self.find_button),
            *(self.unfold_button, self.search, self.save_button),
        ]
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        for button in self.view_buttons.values():
            row.addWidget(button)
        row.addSpacing(12)
        for widget in (*self._of_map[:-2], self.truth_box, self.shares_button):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.search, 2)
        row.addWidget(self.save_button)
        row.addSpacing(4)
        row.addWidget(self.theme_button)

    def _connect(self) -> None:
        for view, button in self.view_buttons.items():
            button.clicked.connect(lambda _on=False, view=view: self.view_wanted.emit(view))
        for tool, button in self.tool_buttons.items():
            button.clicked.connect(lambda _on=False, tool=tool: self.tool_wanted.emit(tool))
        self.tool_buttons[Tool.MOVE].setChecked(True)
        self.by_box.activated.connect(lambda place: self.by_wanted.emit([*By][place]))
        self.truth_box.activated.connect(self.truth_wanted)
        self.shares_button.toggled.connect(self.shares_wanted)
        self.search.textEdited.connect(lambda _text: self._typed.start())
        self.search.returnPressed.connect(self._emit_search)
        self._typed.timeout.connect(self._emit_search)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """If there is little room buttons lose their words; the tooltips have them."""
        super().resizeEvent(event)
        style = Qt.ToolButtonStyle
        for needed, buttons in (
            (_ROOM_FOR_VIEWS, [*self.view_buttons.values()]),
            (_ROOM_FOR_ALL, [self.save_button]),
        ):
            look = style.ToolButtonIconOnly if self.width() < needed else style.ToolButtonTextBesideIcon
            for button in buttons:
                if button.toolButtonStyle() is not look:
                    button.setToolButtonStyle(look)

    def show_view(self, view: View) -> None:
        """Set the view; what belongs to others is hidden."""
        self.view_buttons[view].setChecked(True)
        for widget in self._of_map:
            widget.setVisible(view is View.MAP)
        self.truth_box.setVisible(view is not View.MAP)
        self.shares_button.setVisible(view is View.HIERARCHY)

    def show_by(self, by: By, possible: Collection[By]) -> None:
        """Set the meaning of the colours, and the other choices."""
        self.by_box.setCurrentIndex([*By].index(by))
        model = self.by_box.model()
        if isinstance(model, QStandardItemModel):
            for place, one in enumerate(By):
                model.item(place).setEnabled(one in possible)

    def show_truths(self, choices: TruthChoices) -> None:
        """Set the choices of what answers are compared with."""
        self.truth_box.clear()
        self.truth_box.addItems([truth.words for truth in choices.truths])
        self.truth_box.setCurrentIndex(choices.truths.index(choices.current))

    def show_tool(self, tool: Tool) -> None:
        """What dragging does."""
        self.tool_buttons[tool].setChecked(True)

    def show_unfolding(self, on: bool) -> None:
        """Set whether t-SNE is running."""
        words = "stop unfolding the map" if on else actions.UNFOLD.title
        self.unfold_button.setText(" stop" if on else " unfold")
        self.unfold_button.setIcon(icons.icon("circle-stop" if on else actions.UNFOLD.icon))
        self.unfold_button.setToolTip(words)
        self.unfold_button.setAccessibleName(words)

    def set_filled(self, full: bool) -> None:
        """Set whether there are points."""
        enable(self._controls, actions.ExplorePageState(has_points=full))

    def _emit_search(self) -> None:
        self._typed.stop()
        self.search_wanted.emit(self.search.text())


def _group(buttons: dict) -> QButtonGroup:
    group = QButtonGroup(next(iter(buttons.values())))
    for button in buttons.values():
        group.addButton(button)
    return group


def _combo(words: str, texts: list[str], width: int) -> QComboBox:
    box = ElidedBox()
    box.addItems(texts)
    box.setAccessibleName(words)
    box.setToolTip(words)
    box.setFixedWidth(width)
    return box
