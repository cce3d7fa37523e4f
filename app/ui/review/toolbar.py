"""The buttons of the page Review: for the project, and for the chosen photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from app.core.project.journal import NextSteps
from app.ui.project.project_menu import ProjectButton
from app.ui.review import actions
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action
from app.ui.widgets.basics import enable, fill_menu, tool_button

_NARROW = 1000
_ICON = QSize(16, 16)  # no toolbar has more buttons


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
        self.folder_button = tool_button(actions.FOLDER, "folder")
        self.watch_button = tool_button(actions.WATCH, "watch", checkable=True)
        self.table_button = tool_button(actions.TABLE, checkable=True)
        self.accept_button = tool_button(actions.ACCEPT_SUREST, "accept surest")
        self.suggest_button = tool_button(actions.SUGGEST, "suggestions")
        self.thresholds_button = tool_button(actions.THRESHOLDS)
        self.output_button = tool_button(actions.OUTPUT, "export")
        self.output_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.undo_button = tool_button(standard.UNDO)
        self.redo_button = tool_button(standard.REDO)
        self.theme_button = tool_button(standard.THEME)
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
        for button in (self.folder_button, *self._on_photos(), self.undo_button, self.redo_button):
            button.setIconSize(_ICON)
        self._state = actions.ReviewPageState()
        self._controls: dict[Action[actions.ReviewPageState], QWidget] = {
            actions.ACCEPT_SUREST: self.accept_button,
            actions.SUGGEST: self.suggest_button,
            actions.THRESHOLDS: self.thresholds_button,
            actions.TABLE: self.table_button,
            actions.OUTPUT: self.output_button,
            actions.WATCH: self.watch_button,
            standard.UNDO: self.undo_button,
            standard.REDO: self.redo_button,
        }
        self.show_steps(NextSteps())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """If there is little room the buttons lose their words; the tooltips have them."""
        super().resizeEvent(event)
        style = Qt.ToolButtonStyle
        look = style.ToolButtonIconOnly if self.width() < _NARROW else style.ToolButtonTextBesideIcon
        for button in (self.folder_button, self.watch_button, *self._on_photos()):
            if button.text() and button.toolButtonStyle() is not look:
                button.setToolButtonStyle(look)

    def show_steps(self, steps: NextSteps) -> None:
        """What can be undone and done again."""
        undo, redo = (step.title if step is not None else None for step in steps)
        self._change(replace(self._state, undo=undo, redo=redo))
        for button, action, title in (
            (self.undo_button, standard.UNDO, undo),
            (self.redo_button, standard.REDO, redo),
        ):
            button.setToolTip(action.tooltip if title is None else f"{action.title}: {title} ({action.shown})")

    def show_watched(self, places: Sequence[Path]) -> None:
        """Set which folders are watched."""
        self.watch_button.setChecked(bool(places))
        names = ", ".join(place.name for place in places)
        self.watch_button.setToolTip(f"watching {names}" if places else actions.WATCH.tooltip)

    def set_filled(self, full: bool) -> None:
        """Set whether the project has photos."""
        self._change(replace(self._state, has_photos=full))

    def _change(self, state: actions.ReviewPageState) -> None:
        self._state = state
        enable(self._controls, state)

    def _on_photos(self) -> tuple[QToolButton, ...]:
        return (
            *(self.accept_button, self.suggest_button, self.thresholds_button),
            *(self.table_button, self.output_button, self.watch_button),
        )

    def _output_menu(self) -> QMenu:
        menu = QMenu(self)
        entries = fill_menu(
            menu,
            {
                **{action: partial(self.export_wanted.emit, kind) for kind, action in actions.EXPORTS.items()},
                actions.SIDECARS: self.sidecars_wanted.emit,
                actions.COPIES: self.copies_wanted.emit,
                actions.FILING: self.filing_wanted.emit,
                actions.ENROL: self.enrol_wanted.emit,
            },
        )
        self.enrol_action = entries[actions.ENROL]
        return menu


class VerdictBar(QFrame):
    """The buttons for labels of the chosen photos, each with its key in the tooltip; none of them takes the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("verdicts")
        self.setFixedHeight(44)
        self.accept_button = tool_button(actions.ACCEPT, "accept")
        self.relabel_button = tool_button(actions.RELABEL, "relabel")
        self.type_button = tool_button(actions.TO_TYPE)
        self.unknown_button = tool_button(actions.TO_UNKNOWN)
        self.exclude_button = tool_button(actions.EXCLUDE)
        self.enrol_button = tool_button(actions.ENROL)
        self.next_button = tool_button(actions.NEXT_UNDECIDED)
        self.heat_button = tool_button(standard.HEAT, checkable=True)
        self.compare_button = tool_button(standard.COMPARE)
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
