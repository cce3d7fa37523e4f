"""The buttons of the page Explore."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import QButtonGroup, QComboBox, QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from app.core.points import By, Source
from app.ui import icons, keys
from app.ui.explore.map_view import Tool
from app.ui.widgets import tool_button

_NARROW = 1000
FORMATS = {"png": "picture", "svg": "drawing", "csv": "table of places"}
"""What a map can be saved as: ending and words."""


class Toolbar(QFrame):
    """Signals:
    source_wanted: (Source)
    by_wanted: (By)
    tool_wanted: (Tool)
    save_wanted: (one of FORMATS)
    """

    source_wanted = Signal(object)
    by_wanted = Signal(object)
    tool_wanted = Signal(object)
    save_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(44)
        self.source_box = _combo("whose photos are on the map", [one.value for one in Source], 172)
        self.by_box = _combo("what the colours mean", [f"by {one.value}" for one in By], 140)
        self.tool_buttons = {
            Tool.MOVE: tool_button("move", keys.MOVE_MAP, checkable=True),
            Tool.LASSO: tool_button("lasso", keys.LASSO, checkable=True),
            Tool.BOX: tool_button("square-dashed", keys.BOX, checkable=True),
        }
        self.fit_button = tool_button("maximize", keys.FIT_MAP)
        self.find_button = tool_button("crosshair", keys.FIND_CURRENT)
        self.unfold_button = tool_button("play", keys.Key("", ()), "unfold")
        self.save_button = tool_button(
            "download", keys.Key("save the map as picture, drawing or table", ()), "save map"
        )
        self.save_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        for kind, text in FORMATS.items():
            menu.addAction(f"{text} (.{kind})…").triggered.connect(partial(self._emit_save, kind))
        self.save_button.setMenu(menu)
        self.theme_button = tool_button("sun", keys.THEME)
        self._tools = QButtonGroup(self)
        for tool, button in self.tool_buttons.items():
            self._tools.addButton(button)
            button.clicked.connect(partial(self._emit_tool, tool))
        self.tool_buttons[Tool.MOVE].setChecked(True)
        self._lay_out()
        self.source_box.activated.connect(lambda place: self.source_wanted.emit([*Source][place]))
        self.by_box.activated.connect(lambda place: self.by_wanted.emit([*By][place]))
        self.show_unfolding(False)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self.source_box)
        row.addWidget(self.by_box)
        row.addSpacing(12)
        for widget in (*self.tool_buttons.values(), self.fit_button, self.find_button):
            row.addWidget(widget)
        row.addSpacing(12)
        row.addWidget(self.unfold_button)
        row.addStretch(1)
        row.addWidget(self.save_button)
        row.addSpacing(8)
        row.addWidget(self.theme_button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the last button loses its words; the tooltip has them."""
        super().resizeEvent(event)
        style = Qt.ToolButtonStyle
        look = style.ToolButtonIconOnly if self.width() < _NARROW else style.ToolButtonTextBesideIcon
        if self.save_button.toolButtonStyle() is not look:
            self.save_button.setToolButtonStyle(look)

    def show_source(self, source: Source, *, gallery: bool) -> None:
        """Whose photos are shown; without a gallery there is one choice only."""
        self.source_box.setCurrentIndex([*Source].index(source))
        model = self.source_box.model()
        if isinstance(model, QStandardItemModel):
            for place, one in enumerate(Source):
                model.item(place).setEnabled(gallery or one is Source.PROJECT)

    def show_tool(self, tool: Tool) -> None:
        """What dragging does."""
        self.tool_buttons[tool].setChecked(True)

    def show_unfolding(self, on: bool) -> None:
        """Whether t-SNE is at work."""
        words = "stop unfolding the map" if on else "unfold the map: neighbours together, the rest apart (t-SNE)"
        self.unfold_button.setText(" stop" if on else " unfold")
        self.unfold_button.setIcon(icons.icon("circle-stop" if on else "play"))
        self.unfold_button.setToolTip(words)
        self.unfold_button.setAccessibleName(words)

    def set_filled(self, full: bool) -> None:
        """Whether there are points."""
        for button in (
            *(*self.tool_buttons.values(), self.fit_button, self.find_button),
            *(self.unfold_button, self.save_button),
        ):
            button.setEnabled(full)

    def _emit_save(self, kind: str, _checked: bool = False) -> None:
        self.save_wanted.emit(kind)

    def _emit_tool(self, tool: Tool, _checked: bool = False) -> None:
        self.tool_wanted.emit(tool)


def _combo(words: str, texts: list[str], width: int) -> QComboBox:
    box = QComboBox()
    box.addItems(texts)
    box.setAccessibleName(words)
    box.setToolTip(words)
    box.setFixedWidth(width)
    return box
