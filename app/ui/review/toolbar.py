"""The buttons of the page Review: what concerns the project, and what concerns the chosen photos."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from app.core.export.exporters import EXPORTERS
from app.ui.project.project_menu import ProjectButton
from app.ui.widgets import keys
from app.ui.widgets.basics import small_button, tool_button

_NARROW = 1000
_WATCH = "watch the folders of this project: photos are identified as they arrive"


class ReviewToolbar(QFrame):
    """Signals:
    export_wanted: (kind) one of the formats of EXPORTERS
    sidecars_wanted: keywords beside the photos
    copies_wanted: copies of the photos, with keywords inside
    filing_wanted: photos into folders
    enrol_wanted: the chosen photos into the gallery
    """

    export_wanted = Signal(str)
    sidecars_wanted = Signal()
    copies_wanted = Signal()
    filing_wanted = Signal()
    enrol_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(44)
        self.project_button = ProjectButton()
        self.folder_button = _button("folder-plus", "identify a folder into this project", "folder")
        self.watch_button = _button("eye", _WATCH, "watch")
        self.watch_button.setCheckable(True)
        self.table_button = _button("table-2", "show the photos as a table")
        self.table_button.setCheckable(True)
        self.accept_button = _button(
            "check", "accept all answers from a confidence on, with a preview", "accept surest"
        )
        self.suggest_button = _button("lightbulb", "groups that are probably shown as the wrong class", "suggestions")
        self.thresholds_button = _button("sliders-horizontal", "how sure an answer must be")
        self.output_button = _button("file-output", "export, sidecars, filing, enrolment", "export")
        self.output_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.undo_button = _button("undo-2", keys.UNDO.tooltip)
        self.redo_button = _button("redo-2", keys.REDO.tooltip)
        self.theme_button = tool_button("sun", keys.THEME)
        self.output_button.setMenu(self._output_menu())
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        for widget in (self.project_button, self.folder_button, self.watch_button):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in self._on_photos()[:-1]:
            row.addWidget(widget)
        row.addSpacing(8)
        for widget in (self.undo_button, self.redo_button, self.theme_button):
            row.addWidget(widget)
        self.show_steps(None, None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the buttons lose their words; the tooltips have them."""
        super().resizeEvent(event)
        style = Qt.ToolButtonStyle
        look = style.ToolButtonIconOnly if self.width() < _NARROW else style.ToolButtonTextBesideIcon
        for button in (self.folder_button, self.watch_button, *self._on_photos()):
            if button.text() and button.toolButtonStyle() is not look:
                button.setToolButtonStyle(look)

    def show_steps(self, undo: str | None, redo: str | None) -> None:
        """What can be undone and done again, by its title."""
        for button, key, title in ((self.undo_button, keys.UNDO, undo), (self.redo_button, keys.REDO, redo)):
            button.setEnabled(title is not None)
            button.setToolTip(key.tooltip if title is None else f"{key.words}: {title} ({key.shown})")

    def show_watched(self, places: Sequence[Path]) -> None:
        """Which folders are watched."""
        self.watch_button.setChecked(bool(places))
        names = ", ".join(place.name for place in places)
        self.watch_button.setToolTip(f"watching {names}" if places else _WATCH)

    def set_filled(self, full: bool) -> None:
        """Whether the project has photos."""
        for button in self._on_photos():
            button.setEnabled(full)

    def _on_photos(self) -> tuple[QToolButton, ...]:
        return (
            *(self.accept_button, self.suggest_button, self.thresholds_button),
            *(self.table_button, self.output_button, self.watch_button),
        )

    def _output_menu(self) -> QMenu:
        menu = QMenu(self)
        for kind, one in EXPORTERS.items():
            menu.addAction(f"{one.words} ({one.suffix})…").triggered.connect(partial(self._emit_export, kind))
        menu.addSeparator()
        menu.addAction("keywords beside the photos (XMP sidecars)").triggered.connect(self.sidecars_wanted)
        menu.addAction("copies of the photos with the keywords inside…").triggered.connect(self.copies_wanted)
        menu.addAction("photos into folders by their labels…").triggered.connect(self.filing_wanted)
        menu.addSeparator()
        self.enrol_action = menu.addAction(f"{keys.ENROL.words}\t{keys.ENROL.shown}")
        self.enrol_action.triggered.connect(self.enrol_wanted)
        return menu

    def _emit_export(self, kind: str, _checked: bool = False) -> None:
        self.export_wanted.emit(kind)


class VerdictBar(QFrame):
    """What the person says of the chosen photos, each with its key in the tooltip; none of them takes the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("verdicts")
        self.setFixedHeight(44)
        self.accept_button = tool_button("check", keys.ACCEPT, "accept")
        self.relabel_button = tool_button("tag", keys.RELABEL, "relabel")
        self.type_button = tool_button("corner-up-left", keys.TO_TYPE)
        self.unknown_button = tool_button("circle-question-mark", keys.TO_UNKNOWN)
        self.exclude_button = tool_button("ban", keys.EXCLUDE)
        self.enrol_button = tool_button("library-big", keys.ENROL)
        self.next_button = tool_button("chevron-right", keys.NEXT_UNDECIDED)
        self.heat_button = tool_button("flame", keys.HEAT, checkable=True)
        self.compare_button = tool_button("columns-2", keys.COMPARE)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(2)
        for button in self._buttons()[:7]:
            row.addWidget(button)
        row.addStretch(1)
        for button in self._buttons()[7:]:
            row.addWidget(button)
        for button in self._buttons():
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _buttons(self) -> tuple[QToolButton, ...]:
        return (
            *(self.accept_button, self.relabel_button, self.type_button, self.unknown_button, self.exclude_button),
            *(self.enrol_button, self.next_button, self.heat_button, self.compare_button),
        )


def _button(icon: str, words: str, text: str = "") -> QToolButton:
    button = small_button(icon, words)
    button.setIconSize(tool_button(None, keys.THEME, "x").iconSize())
    if text:
        button.setText(f" {text}")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
