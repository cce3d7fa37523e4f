"""The gallery in use and the actions for it as a whole: the button with its menu, and the box for an address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QMenu, QPushButton, QToolButton, QVBoxLayout
from PySide6.QtWidgets import QWidget as Widget

from app.core.gallery.references import Place, address_problem, is_shared, shown, team_is_missing
from app.core.gallery.selection import ADDS_ONLY
from app.core.teaching.gallery_exchange import SUFFIX
from app.ui.gallery import actions
from app.ui.widgets import icons
from app.ui.widgets.basics import fill_menu, for_button, label
from app.ui.widgets.file_dialogs import NEVER_OVER_ANOTHER
from app.ui.widgets.popup import Popup

_FILTER = f"Galleries of Marque (*{SUFFIX})"
_WIDTH = 420


def title(place: Place | None) -> str:
    """A gallery's name for people; None: the supplied one with the user's additions."""
    if place is None:
        return "own gallery"
    if is_shared(place):
        return f"shared: {shown(place).rpartition('/')[2]}"
    return Path(place).name.removesuffix(SUFFIX)


@dataclass(frozen=True)
class GalleryChoice:
    """A gallery that is to be used; None: the supplied one with the user's own photos."""

    place: Place | None


class GalleryButton(QToolButton):
    """Signals:
    chosen: (GalleryChoice) use this gallery from now on
    address_wanted: ask for the address of a shared one
    export_wanted, import_wanted: (Path)
    locate_wanted: (Path) look for pictures in this folder
    reembed_wanted: look for references of other models
    """

    chosen = Signal(GalleryChoice)
    address_wanted = Signal()
    export_wanted = Signal(Path)
    import_wanted = Signal(Path)
    locate_wanted = Signal(Path)
    reembed_wanted = Signal()

    def __init__(self, parent: Widget | None = None) -> None:
        super().__init__(parent)
        self.setIcon(icons.icon(actions.MENU.icon))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAccessibleName("gallery")
        self._place: Place | None = None
        menu = QMenu(self, toolTipsVisible=True)
        self.entries = fill_menu(
            menu,
            {
                actions.USE_OWN: lambda: self._choose(None),
                actions.USE_FILE: self._ask_file,
                actions.USE_SHARED: self._ask_address,
                actions.IMPORT: self._ask_import,
                actions.EXPORT: self._ask_export,
                actions.LOCATE: self.ask_folder,
                actions.REEMBED: self.reembed_wanted.emit,
            },
        )
        for action in (actions.USE_OWN, actions.USE_FILE, actions.USE_SHARED):
            self.entries[action].setCheckable(True)
        self.setMenu(menu)
        self.show_place(None)

    def show_place(self, place: Place | None) -> None:
        """Say which gallery is in use."""
        self._place = place
        whole = "your own gallery, which starts from the supplied one" if place is None else shown(place)
        self.setToolTip(f"{whole}\n{actions.MENU.tooltip}")
        self.setText(f" {for_button(self.fontMetrics().elidedText(title(place), Qt.TextElideMode.ElideRight, 150))}")
        shared = place is not None and is_shared(place)
        self.entries[actions.USE_OWN].setChecked(place is None)
        self.entries[actions.USE_FILE].setChecked(place is not None and not shared)
        self.entries[actions.USE_SHARED].setChecked(shared)
        for action in (actions.LOCATE, actions.IMPORT, actions.REEMBED):
            self.entries[action].setToolTip(ADDS_ONLY if shared else "")

    def open_menu(self) -> None:
        """Open the menu, if anything can be done."""
        if self.isEnabled():
            self.showMenu()

    def ask_folder(self) -> None:
        """Ask for the folder that holds the pictures now."""
        name = QFileDialog.getExistingDirectory(self, "Which folder holds the pictures?", str(Path.home()))
        if name:
            self.locate_wanted.emit(Path(name))

    def _choose(self, place: Place | None) -> None:
        if place != self._place:
            self.chosen.emit(GalleryChoice(place))
        self.show_place(self._place)  # the menu has ticked what was clicked; the tick is only right once it is in use

    def _ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Use a gallery", str(Path.home()), _FILTER)
        if name:
            self._choose(Path(name))
        self.show_place(self._place)

    def _ask_address(self) -> None:
        self.show_place(self._place)
        self.address_wanted.emit()

    def _ask_import(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import a gallery", str(Path.home()), _FILTER)
        if name:
            self.import_wanted.emit(Path(name))

    def _ask_export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Export the gallery", str(Path.home() / f"my{SUFFIX}"), _FILTER, options=NEVER_OVER_ANOTHER
        )
        if name:
            path = Path(name)
            self.export_wanted.emit(path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX))


class AddressBox(Popup):
    """Asks for the address of a shared gallery.

    Signals:
        answered: (address)
    """

    answered = Signal(str)

    def __init__(self, parent: Widget) -> None:
        super().__init__(parent)
        self.setFixedWidth(_WIDTH)
        about = label("Its address is that of a PostgreSQL database with the extension pgvector.", "muted")
        self._hint = label("", "muted")
        self._hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for words in (about, self._hint):
            words.setWordWrap(True)
        self.line = QLineEdit(placeholderText="postgresql://user@host/database")
        self.line.setAccessibleName("address of the shared gallery")
        self.line.setToolTip("postgresql://user@host/database (Return connects, Esc closes)")
        self.line.installEventFilter(self)
        self.action_button, cancel = QPushButton("connect"), QPushButton("cancel")
        self.action_button.setProperty("kind", "primary")
        self.action_button.setToolTip("connect (Return)")
        cancel.setToolTip("cancel (Esc)")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.action_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        for widget in (label("A gallery that a team shares", "strong"), about, self.line, self._hint):
            column.addWidget(widget)
        column.addLayout(buttons)
        self.line.textChanged.connect(self._on_typed)
        self.line.returnPressed.connect(self._answer)
        self.action_button.clicked.connect(self._answer)
        cancel.clicked.connect(self.leave)

    def ask(self, place: Place | None, at: QPoint) -> None:
        """Show the box at a point of its page, with the address that is in use."""
        self.line.setText(shown(place) if place is not None and is_shared(place) else "")
        self._on_typed()
        self.adjustSize()
        self.show_at(at, self.line)

    def hint(self) -> str:
        """What is wrong with the address, or missing."""
        return self._hint.text()

    def _on_typed(self) -> None:
        typed = self.line.text().strip()
        problem, command = address_problem(typed), team_is_missing()
        missing = f"Shared galleries need one more package. Install it, then start the program again:\n{command}"
        self._hint.setText(missing if command else problem if typed else "")
        self.action_button.setEnabled(not problem and not command)
        self.adjustSize()

    def _answer(self) -> None:
        if self.action_button.isEnabled():
            self.leave()
            self.answered.emit(self.line.text().strip())
