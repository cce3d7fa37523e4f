"""The buttons of the page Gallery: for the gallery, the class, the chosen photos, and undo."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from app.core.gallery.references import Place, is_shared
from app.core.gallery.selection import ADDS_ONLY
from app.ui.gallery import actions
from app.ui.gallery.gallery_button import GalleryButton
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action
from app.ui.widgets.basics import enable, tool_button

_SPACING = 4
_HARMLESS = "can be undone, and the files stay"
_ROOM = 32  # margins, and the gap between the gallery and the classes


class GalleryToolbar(QFrame):
    """It offers what suits the choice; the narrower the window, the fewer buttons keep their words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(44)
        self.gallery_button = GalleryButton()
        self.new_button = tool_button(actions.NEW_CLASS, "new class")
        self.add_button = tool_button(actions.ADD_PHOTOS, "add photos")
        self.rename_button = tool_button(actions.RENAME, "rename")
        self.merge_button = tool_button(actions.MERGE, "merge")
        self.move_button = tool_button(actions.MOVE, "move")
        self.relabel_button = tool_button(actions.RELABEL, "relabel photos")
        self.remove_button = tool_button(actions.REMOVE, "remove class")
        self.clean_button = tool_button(actions.CLEAN_UP, "clean up", checkable=True)
        self.undo_button = tool_button(standard.UNDO)
        self.redo_button = tool_button(standard.REDO)
        self.theme_button = tool_button(standard.THEME)
        self.state = actions.GalleryPageState()
        self._controls: dict[Action[actions.GalleryPageState], QWidget | QAction] = {
            actions.NEW_CLASS: self.new_button,
            actions.ADD_PHOTOS: self.add_button,
            actions.RENAME: self.rename_button,
            actions.MERGE: self.merge_button,
            actions.MOVE: self.move_button,
            actions.RELABEL: self.relabel_button,
            actions.REMOVE: self.remove_button,
            actions.CLEAN_UP: self.clean_button,
            actions.MENU: self.gallery_button,
            standard.UNDO: self.undo_button,
            standard.REDO: self.redo_button,
            **self.gallery_button.entries,
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(_SPACING)
        self._of_class = (self.rename_button, self.merge_button, self.move_button)
        row.addWidget(self.gallery_button)
        row.addSpacing(8)
        for widget in (self.new_button, self.add_button, *self._of_class, self.relabel_button, self.remove_button):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in (self.clean_button, self.undo_button, self.redo_button, self.theme_button):
            row.addWidget(widget)
            widget.setIconSize(QSize(18, 18))
        self.show_chosen(is_class=False, is_type=False, photos=0)
        self.show_steps(None, None)

    def show_chosen(self, *, is_class: bool, is_type: bool, photos: int) -> None:
        """Offer what can be done: with a class, a type, a number of chosen photos."""
        self._change(replace(self.state, is_class=is_class, is_type=is_type, photos=photos))
        words = "remove photos" if photos else "remove type" if is_type else "remove class"
        self.remove_button.setText(f" {words}")
        removing = f"{words} ({actions.REMOVE.shown})"
        self.remove_button.setToolTip(_refused(removing) if self.state.adds_only else f"{removing}; {_HARMLESS}")
        self.remove_button.setAccessibleName(words)
        self._fit()

    def show_steps(self, undo: str | None, redo: str | None) -> None:
        """Set what undo and redo would do."""
        self._change(replace(self.state, undo=undo, redo=redo))
        for button, action, title in (
            (self.undo_button, standard.UNDO, undo),
            (self.redo_button, standard.REDO, redo),
        ):
            button.setToolTip(f"{action.title}: {title} ({action.shown})" if title else action.tooltip)
        if self.state.adds_only:
            if undo:
                self.undo_button.setToolTip(f"{self.undo_button.toolTip()}\nOnly while this gallery stays open.")
            self.redo_button.setToolTip(_refused(standard.REDO.tooltip))

    def show_use(self, *, ready: bool, can_change: bool, filled: bool) -> None:
        """Offer what can be done with the gallery: it is there or can be chosen, can be added to, has references."""
        self._change(replace(self.state, ready=ready, can_change=can_change, filled=filled))

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.theme_button.setIcon(icons.icon("sun" if dark else "moon"))

    def show_gallery(self, place: Place | None) -> None:
        """Show which gallery is in use; one that a team shares only takes new photos."""
        self.gallery_button.show_place(place)
        self._change(replace(self.state, adds_only=place is not None and is_shared(place)))
        tips = {self.rename_button: actions.RENAME, self.merge_button: actions.MERGE, self.move_button: actions.MOVE}
        for button, action in {**tips, self.relabel_button: actions.RELABEL}.items():
            button.setToolTip(_refused(action.tooltip) if self.state.adds_only else action.tooltip)
        self._fit()

    def _change(self, state: actions.GalleryPageState) -> None:
        self.state = state
        enable(self._controls, state)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the buttons to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Reduce buttons to icons, the least important first, until all have room."""
        style = Qt.ToolButtonStyle
        steps: tuple[tuple[QToolButton, ...], ...] = (
            (*self._of_class, self.relabel_button),
            (self.clean_button, self.add_button),
            (self.new_button, self.remove_button),
        )
        for button in (one for step in steps for one in step):
            button.setToolButtonStyle(style.ToolButtonTextBesideIcon)
        for step in steps:
            if self._width_needed() <= self.width():
                break
            for button in step:
                button.setToolButtonStyle(style.ToolButtonIconOnly)

    def _width_needed(self) -> int:
        buttons = self.findChildren(QToolButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
        return sum(button.sizeHint().width() + _SPACING for button in buttons) + _ROOM


def _refused(what: str) -> str:
    """The tooltip of an action that the gallery in use does not allow."""
    return f"{what}: not in this gallery.\n{ADDS_ONLY}"
