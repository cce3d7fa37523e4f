"""The menu of the project: new, open, save as, the places of its photos; and its file dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton, QWidget

from app.core.project.default_project import is_unsaved, unsaved_name
from app.core.project.project import SUFFIX, Project
from app.core.system import paths
from app.ui.project import actions
from app.ui.project.open_project import OpenProject
from app.ui.widgets import icons
from app.ui.widgets.basics import fill_menu, for_button
from app.ui.widgets.file_dialogs import NEVER_OVER_ANOTHER

_FILTER = f"Projects of Marque (*{SUFFIX})"


def new_place() -> Path:
    """The place of a project that nobody has named yet."""
    return unsaved_name(paths.user_data_dir(), datetime.now())


def title(path: Path, unnamed: Path) -> str:
    """A project's name for people; unnamed: the folder of projects that nobody has named yet."""
    return f"{path.stem.removeprefix('unsaved ')} (unnamed)" if is_unsaved(path, unnamed) else path.stem


def folder_to_locate(project: Project) -> Path | None:
    """The folder whose new place is asked for: the first missing one, else the first. Drives can hang."""
    folders = [place for _, place, _ in project.sources.all()]
    return next((folder for folder in folders if not folder.exists()), next(iter(folders), None))


class ProjectButton(QToolButton):
    """Shows which project is open; its menu has the actions for the project as a whole.

    Signals:
        open_wanted: (path, whether to make it), save_wanted: (path)
        corrections_wanted: (a table in which labels were corrected)
        retry_wanted: try the unreadable files again
        again_wanted: identify everything again
        relocate_wanted: (old folder, new folder)
        folders_asked: the photos have moved: call `ask_where` with `folder_to_locate`
    """

    open_wanted = Signal(Path, bool)
    save_wanted = Signal(Path)
    retry_wanted = Signal()
    corrections_wanted = Signal(Path)
    again_wanted = Signal()
    relocate_wanted = Signal(Path, Path)
    folders_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIcon(icons.icon("save"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAccessibleName("project")
        self._path: Path | None = None
        self._unnamed = paths.user_data_dir()  # asked once, as asking makes the folder
        menu = QMenu(self)
        entries = fill_menu(
            menu,
            {
                actions.NEW: lambda: self.open_wanted.emit(new_place(), True),
                actions.OPEN: self._ask_open,
                actions.SAVE_COPY: self._ask_save,
                actions.LOCATE: self.folders_asked.emit,
                actions.CORRECTIONS: self._ask_table,
                actions.RETRY: self.retry_wanted.emit,
                actions.IDENTIFY_AGAIN: self.again_wanted.emit,
            },
        )
        self._recent_menu = QMenu("recent projects", menu)
        menu.insertMenu(entries[actions.SAVE_COPY], self._recent_menu)
        entries[actions.IDENTIFY_AGAIN].setToolTip("with the gallery as it is now; your labels stay")
        menu.setToolTipsVisible(True)
        self.setMenu(menu)
        self.show_project(None, [])

    def follow(self, project: OpenProject) -> None:
        """Show which project is open, and carry out the entries of its menu."""

        def show() -> None:
            self.show_project(project.project.path if project.project is not None else None, project.recent)

        show()
        project.opened.connect(show)
        self.open_wanted.connect(lambda path, create: project.open(path, create=create))
        self.save_wanted.connect(project.save_as)
        self.retry_wanted.connect(project.retry_failed)
        self.again_wanted.connect(project.identify_again)
        self.relocate_wanted.connect(project.relocate)
        self.folders_asked.connect(lambda: project.ask(folder_to_locate, self.ask_where))

    def show_project(self, path: Path | None, recent: Sequence[Path]) -> None:
        """Show which project is open, and the recent ones, the last one first."""
        self._path = path
        self.setToolTip(str(path) if path is not None else "no project is open")
        name = "no project" if path is None else title(path, self._unnamed)
        self.setText(f" {for_button(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 180))}")
        self._recent_menu.clear()
        for one in recent:
            action = self._recent_menu.addAction(for_button(title(one, self._unnamed)))
            action.setToolTip(str(one))
            action.setEnabled(one != path)  # a missing one is noticed when it is opened: drives can hang
            action.triggered.connect(lambda _on=False, one=one: self.open_wanted.emit(one, False))

    def ask_where(self, old: Path | None) -> None:
        """Ask for the new place of a folder; None: the project has none."""
        if old is None:
            return
        name = QFileDialog.getExistingDirectory(self, f"Where is “{old.name}” now?", str(old.parent))
        if name:
            self.relocate_wanted.emit(old, Path(name))

    def _ask_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a project", self._folder(), _FILTER)
        if name:
            self.open_wanted.emit(Path(name), False)

    def _ask_table(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import corrections", self._folder(), "Tables (*.csv *.txt *.tsv)")
        if name:
            self.corrections_wanted.emit(Path(name))

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save a copy of the project", self._folder(), _FILTER, options=NEVER_OVER_ANOTHER
        )
        if name:
            path = Path(name)
            self.save_wanted.emit(path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX))

    def _folder(self) -> str:
        named = self._path is not None and not is_unsaved(self._path, self._unnamed)
        return str(self._path.parent if self._path is not None and named else Path.home())
