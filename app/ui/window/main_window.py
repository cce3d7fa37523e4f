"""The main window: rail, pages, status bar, and what joins them."""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from app.core.recognition.engine import Device  # isort: skip

import logging
from pathlib import Path

from PySide6.QtCore import QByteArray, QMimeData, QSize
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.core.gallery.references import Place
from app.core.system import paths
from app.ui.background.model_loading import Loaded
from app.ui.background.model_services import ModelServices
from app.ui.background.photo_loading import Thumbnails
from app.ui.explore.page import ExplorePage
from app.ui.gallery.page import GalleryPage
from app.ui.identify.page import IdentifyPage
from app.ui.page.context import PageContext
from app.ui.page.navigation import PageRequest, PageSignals
from app.ui.page.page import Page
from app.ui.project.open_project import OpenProject
from app.ui.project.project_menu import new_place
from app.ui.review.page import ReviewPage
from app.ui.train.page import TrainPage
from app.ui.widgets import theme
from app.ui.widgets.basics import Splitter, bind
from app.ui.widgets.drop_target import DropTarget
from app.ui.widgets.file_dialogs import FileDialogs
from app.ui.window import actions, fault_log, settings
from app.ui.window.garbage_collector import GarbageCollector
from app.ui.window.help_sheet import HelpSheet
from app.ui.window.model_choice import ModelChoice
from app.ui.window.rail import Rail
from app.ui.window.status_bar import StatusBar

log = logging.getLogger(__name__)

_FIRST_SIZE = QSize(1280, 800)
_LEAST_SIZE = QSize(960, 640)


class MainWindow(QMainWindow):
    """Owns the workers, the settings and the pages, and stops the workers when it is closed."""

    def __init__(
        self, *, gallery: Place | None = None, theme_name: theme.ThemeName | None = None, device: Device = "auto"
    ) -> None:
        super().__init__()
        self.setWindowTitle("Marque")
        self.setMinimumSize(_LEAST_SIZE)
        self._settings_file = paths.user_config_dir() / "settings.json"
        paths.user_data_dir()  # if no log is possible, that is known before any thread starts
        self.settings = settings.load(self._settings_file)
        self.asking = FileDialogs(self, lambda: self.settings.last_folder, self._remember_folder)
        self._asked_theme = theme_name
        self.faults = fault_log.FaultLog(self)
        self._collector = GarbageCollector(self)
        self.services = ModelServices(self)
        self.models = ModelChoice(self.services.loading, self.settings, self._save_settings, gallery, device)
        self.thumbnails = Thumbnails(self)
        self.project = OpenProject(self.services.runs, self)
        self.project.recent = self.settings.recent_projects
        self.signals = PageSignals(self)
        context = PageContext(self.services, self.project, self.thumbnails, self.asking, self.signals)
        self.identify, self.review, self.gallery = IdentifyPage(context), ReviewPage(context), GalleryPage(context)
        self.explore, self.train = ExplorePage(context), TrainPage(context)
        self.all_pages: tuple[Page, ...] = (self.identify, self.review, self.gallery, self.explore, self.train)
        self.gallery.decline(self.settings.reembedding_declined)
        self.status = StatusBar()
        self._build()
        self.help = HelpSheet(self.all_pages, self._central)
        self._connect()
        self._restore()
        self.set_theme(theme_name or self.settings.theme or theme.system_theme())
        self.faults.install()
        self.services.scheduler.start()

    # building

    def _build(self) -> None:
        self.rail = Rail(self.all_pages)
        self.pages = QStackedWidget()
        for page in self.all_pages:
            self.pages.addWidget(page)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self.rail)
        body.addWidget(self.pages, 1)
        self._central = central = QWidget()
        whole = QVBoxLayout(central)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(body, 1)
        whole.addWidget(self.status)
        self.setCentralWidget(central)
        self.dropping = DropTarget(self, central)

    def _connect(self) -> None:
        for page in self.all_pages:
            page.theme_wanted.connect(self.toggle_theme)
            page.said.connect(self.status.jobs.say)
            page.requested.connect(self._go)
            for source in page.jobs:
                self.status.jobs.follow(source)
        project = self.project
        for source in (project.running.jobs, project.waits.jobs):
            self.status.jobs.follow(source)
        project.said.connect(self.status.jobs.say)
        project.opened.connect(self._on_project)
        project.open_failed.connect(self._on_project_failed)
        self.signals.gallery_changed.connect(self.status.show_gallery)
        self.signals.model_wanted.connect(self.choose_model)
        self.signals.model_chosen.connect(lambda model: self.models.open(model, remember=True))
        self.gallery.gallery_wanted.connect(lambda choice: self.models.choose_gallery(choice.place))
        self.gallery.again_wanted.connect(self.models.open_again)
        self.gallery.declined.connect(self.models.decline)
        self.services.loading.gallery_lost.connect(self._on_gallery_lost)
        self.status.model.chosen.connect(lambda model: self.models.open(model, remember=True))
        self.status.model.file_wanted.connect(self.choose_model)
        self.models.loading.connect(self._on_loading)
        self.services.loading.connecting.connect(self.status.show_connecting)
        self.models.loaded.connect(self._on_loaded)
        self.models.moved.connect(self._on_moved)
        self.models.failed.connect(self._on_load_failed)
        self.faults.raised.connect(self._show_problem)
        self.dropping.dropped.connect(self.open_dropped)
        self.rail.help_button.clicked.connect(self.help.toggle)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_theme)
        bind(self, actions.HELP, self.help.toggle)
        bind(self, actions.MODEL_MENU, self.status.model.showMenu)
        self.rail.chosen.connect(self.show_page)

    def _restore(self) -> None:
        self.resize(_FIRST_SIZE)
        if self.settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(self.settings.geometry.encode("ascii", "replace")))
        for splitter in self._splitters():
            sizes = self.settings.splitters.get(splitter.objectName(), [])
            if len(sizes) == splitter.count() and all(size > 0 for size in sizes):
                splitter.setSizes(sizes)

    def _splitters(self) -> list[Splitter]:
        return [splitter for page in self.all_pages for splitter in page.splitters]

    # requests of the person

    def show_page(self, place: int) -> None:
        """Show one of the pages of the rail."""
        self.pages.setCurrentIndex(place)
        self.rail.mark(place)
        self._front().focus()

    def _front(self) -> Page:
        return self.all_pages[self.pages.currentIndex()]

    def _go(self, request: PageRequest) -> None:
        place = next(place for place, page in enumerate(self.all_pages) if isinstance(request, page.answers))
        self.show_page(place)
        self.all_pages[place].go(request)

    def choose_model(self) -> None:
        """Ask for an identification model and load it."""
        if model := self.asking.for_model():
            self.models.open(model, remember=True)

    def open_dropped(self, data: QMimeData) -> None:
        """Let the current page use what was dropped, else open it on the page Identify."""
        if not (self._front().take_drop(data) or self.identify.open_data(data, append=False)):
            self.identify.show_problem(
                "This is not a file that Marque can open. Save it on this computer, then drop the file."
            )

    def toggle_theme(self) -> None:
        """Change to the other theme and remember it."""
        other = theme.ThemeName.LIGHT if theme.tokens().name is theme.ThemeName.DARK else theme.ThemeName.DARK
        self.settings.theme = other
        self._save_settings()
        self.set_theme(other)

    def set_theme(self, name: theme.ThemeName) -> None:
        """Show a theme."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, name)
        for page in self.all_pages:
            page.theme_changed(name is theme.ThemeName.DARK)

    def open_first_model(self, model: Path | None) -> None:
        """Load the requested model, else the one that was chosen last, else the supplied one."""
        if not self.models.open_first(model):
            self.status.show_no_model()

    # events

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the window's place, stop the workers, restore the hooks."""
        self.settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        self.settings.splitters = {one.objectName(): one.sizes() for one in self._splitters() if all(one.sizes())}
        self._save_settings()
        self.project.cancel_run()  # first, as then no page waits for its end
        for page in self.all_pages:
            page.stop()
        self.project.stop()
        self.thumbnails.stop()
        self.services.scheduler.stop()
        self.project.close()
        self._collector.stop()
        self.faults.remove()
        super().closeEvent(event)

    def _on_loaded(self, loaded: Loaded) -> None:
        self.status.show_loaded(loaded)
        self.project.use_model(loaded)
        for page in self.all_pages:
            page.use_model(loaded)
        if loaded.gallery_problem:
            words = "The gallery cannot be used: photos are identified without it. The page Gallery (3) says more."
            if loaded.gallery_size:
                words = "Your own gallery cannot be used; the supplied one is used instead."
            self.identify.show_problem(words, loaded.gallery_problem)

    def _on_moved(self, loaded: Loaded) -> None:
        self.status.show_provider(loaded.provider)
        self._show_problem("The GPU failed: photos are identified on the CPU from now on.", loaded.provider.reason)

    def _on_gallery_lost(self, why: str) -> None:
        self.gallery.lose_gallery(why)
        self.status.show_lost_gallery(why)
        self.identify.show_problem(
            "The shared gallery can no longer be reached: photos are identified without it. The page Gallery (3) "
            "says more.",
            why,
        )

    def open_first_project(self) -> None:
        """The project of last time, or a new one."""
        last = self.settings.project
        if last is not None:
            self.project.open(last)  # if that is gone, `_on_project_failed` makes a new one
        else:
            self.project.open(new_place(), create=True)

    def _on_project(self) -> None:
        project = self.project.project
        if project is not None:
            self.settings.project = project.path
            self.settings.recent_projects = self.project.recent
            self._save_settings()

    def _on_project_failed(self, made: bool) -> None:
        if self.project.project is None and not made:  # another new one would fail in the same way
            self.project.open(new_place(), create=True)

    def _on_loading(self, name: str) -> None:
        self.status.show_loading(name)
        for page in self.all_pages:
            page.model_loading(name)

    def _on_load_failed(self, words: str, details: str) -> None:
        loaded = self.models.in_use
        if loaded is not None:
            self.status.show_loaded(loaded)
            self.status.show_gallery(self.gallery.count())
        else:
            self.status.show_no_model()
        for page in self.all_pages:
            page.model_loading("")
        self._show_problem(words, details)

    def _show_problem(self, words: str, details: str) -> None:
        """Show it on the current page."""
        self._front().show_problem(words, details)

    def _on_system_theme(self) -> None:
        if self.settings.theme is None and self._asked_theme is None:
            self.set_theme(theme.system_theme())

    def _remember_folder(self, folder: Path) -> None:
        self.settings.last_folder = folder
        self._save_settings()

    def _save_settings(self) -> None:
        try:
            settings.save(self._settings_file, self.settings)
        except OSError as error:
            log.warning("settings were not saved: %s", error)
