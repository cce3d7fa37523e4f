"""The buttons of the page Gallery: what concerns the gallery, the class, what concerns the chosen photos, undo."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from app.core.gallery.references import Place, is_shared
from app.core.gallery.selection import ADDS_ONLY
from app.ui.gallery.gallery_button import GalleryButton
from app.ui.widgets import icons, keys
from app.ui.widgets.basics import tool_button

_SPACING = 4
_HARMLESS = "can be undone, and the files stay"
_ROOM = 32  # margins, and what keeps the gallery apart from the classes


class GalleryToolbar(QFrame):
    """What it offers depends on what is chosen; the narrower the window, the fewer buttons keep their words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(44)
        self.gallery_button = GalleryButton()
        self.new_button = tool_button("plus", keys.NEW_CLASS, "new class")
        self.add_button = tool_button("image-plus", keys.ADD_PHOTOS, "add photos")
        self.rename_button = tool_button("pencil", keys.RENAME, "rename")
        self.merge_button = tool_button("merge", keys.MERGE, "merge")
        self.move_button = tool_button("folder-tree", keys.MOVE, "move")
        self.relabel_button = tool_button("tag", keys.RELABEL_REFERENCES, "relabel photos")
        self.remove_button = tool_button("trash-2", keys.REMOVE, "remove class")
        self.clean_button = tool_button("brush-cleaning", keys.CLEAN_UP, "clean up", checkable=True)
        self.undo_button = tool_button("undo-2", keys.UNDO)
        self.redo_button = tool_button("redo-2", keys.REDO)
        self.theme_button = tool_button("sun", keys.THEME)
        self._adds_only = False
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
        self.add_button.setEnabled(is_class)
        for button in self._of_class:
            button.setEnabled(is_class and not self._adds_only)
        self.relabel_button.setEnabled(photos > 0 and not self._adds_only)
        self.remove_button.setEnabled((is_class or is_type or photos > 0) and not self._adds_only)
        words = "remove photos" if photos else "remove type" if is_type else "remove class"
        self.remove_button.setText(f" {words}")
        removing = f"{words} ({keys.REMOVE.shown})"
        self.remove_button.setToolTip(_refused(removing) if self._adds_only else f"{removing}; {_HARMLESS}")
        self.remove_button.setAccessibleName(words)
        self._fit()

    def show_steps(self, undo: str | None, redo: str | None) -> None:
        """What undo and redo would do."""
        for button, key, title in ((self.undo_button, keys.UNDO, undo), (self.redo_button, keys.REDO, redo)):
            button.setEnabled(title is not None)
            button.setToolTip(f"{key.words}: {title} ({key.shown})" if title else key.tooltip)
        if self._adds_only:
            if undo:
                self.undo_button.setToolTip(f"{self.undo_button.toolTip()}\nOnly as long as this gallery stays open.")
            self.redo_button.setToolTip(_refused(keys.REDO.tooltip))

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.theme_button.setIcon(icons.icon("sun" if dark else "moon"))

    def show_gallery(self, place: Place | None) -> None:
        """Say which gallery is in use; to one that a team shares photos are added, and that is all."""
        self.gallery_button.show_place(place)
        self._adds_only = place is not None and is_shared(place)
        tips = {self.rename_button: keys.RENAME, self.merge_button: keys.MERGE, self.move_button: keys.MOVE}
        for button, key in {**tips, self.relabel_button: keys.RELABEL_REFERENCES}.items():
            button.setToolTip(_refused(key.tooltip) if self._adds_only else key.tooltip)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the buttons to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Icons alone, first of what is wanted least, until all have room."""
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
    """The tooltip of what cannot be done to the gallery in use."""
    return f"{what}: not here.\n{ADDS_ONLY}"
