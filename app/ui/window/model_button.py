"""The identification model in use, and the menu to choose another one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.core.system import paths
from app.ui.widgets import icons
from app.ui.widgets.basics import fill_menu, for_button
from app.ui.window import actions

_WIDTH = 220
_WORDS = {"marque": "most accurate", "marque-lite": "fastest, less accurate"}
"""What the supplied models are good for."""


class ModelButton(QToolButton):
    """Signals:
    chosen: (Path) identify with this model from now on
    file_wanted: ask for a model's file
    """

    chosen = Signal(Path)
    file_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("model")
        self.setIcon(icons.icon("chevron-down"))
        self.setIconSize(QSize(14, 14))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the icon behind the words
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._supplied = paths.bundled_models()
        self._used: Path | None = None
        self._calibrated = True
        self._words = ""
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self.show_words("no identification model")
        self.show_used(None)

    def show_words(self, words: str) -> None:
        """Its text: a model's name, or what is happening to one."""
        self._words = words
        self.setAccessibleName(words)
        self.setText(for_button(self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, _WIDTH)))
        self._tell()

    def words(self) -> str:
        """The same, not shortened."""
        return self._words

    def show_used(self, used: Path | None, *, calibrated: bool = True) -> None:
        """Tick the model that is in use, None for none; one that was not supplied gets a line of its own."""
        self._used, self._calibrated = used, calibrated
        self._menu.clear()
        group = QActionGroup(self._menu)
        own = () if used is None or used in self._supplied else (used,)
        for path in (*self._supplied, *own):
            words = _WORDS.get(path.stem, "") if path in self._supplied else "your own"
            action = self._menu.addAction(for_button(f"{path.stem} - {words}" if words else path.stem))
            action.setCheckable(True)
            action.setChecked(path == used)
            group.addAction(action)
            action.triggered.connect(lambda _on=False, path=path: self._choose(path))
        if not self._menu.isEmpty():
            self._menu.addSeparator()
        fill_menu(self._menu, {actions.MODEL_FILE: self.file_wanted.emit})
        self._tell()

    def _choose(self, path: Path) -> None:
        if path != self._used:
            self.chosen.emit(path)
            # the menu has ticked what was clicked; the tick is only right once it is in use
            self.show_used(self._used, calibrated=self._calibrated)

    def _tell(self) -> None:
        doubt = "" if self._calibrated else "its confidences are not calibrated: too few validation photos"
        lines = (self._words, str(self._used or ""), doubt, actions.MODEL_MENU.tooltip)
        self.setToolTip("\n".join(filter(None, lines)))
