"""The page Identify: toolbar, photo, strip of opened photos, prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QModelIndex, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout

from app.core.recognition import images
from app.ui.background.model_loading import Loaded
from app.ui.background.photo_answers import Answer
from app.ui.background.photo_loading import Photo
from app.ui.identify import actions
from app.ui.identify.filmstrip import Filmstrip
from app.ui.identify.identify_session import IdentifySession
from app.ui.page.context import PageContext
from app.ui.page.page import Page
from app.ui.photo import heat_map
from app.ui.photo.neighbour_strip import Near
from app.ui.photo.prediction_panel import PredictionPanel
from app.ui.photo.side_by_side import NO_PICTURE, CompareView
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action
from app.ui.widgets.basics import Splitter, bind, enable, frame, tool_button
from app.ui.widgets.drop_target import local_files
from app.ui.widgets.empty_state import EmptyState


class IdentifyPage(Page):
    """Joins the session with its views; decides nothing itself."""

    id, icon, key = "identify", "scan-search", "1"
    action_set = actions.ON_PAGE

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._project, self._dialogs, self._signals = context.project, context.dialogs, context.signals
        self.session = IdentifySession(context.services.answers, context.services.folder, context.thumbnails, self)
        self.jobs = (self.session.jobs,)
        self.compare = CompareView()
        self.view = self.compare.main
        self.strip = Filmstrip(self.session.photos)
        self.panel = PredictionPanel(context.thumbnails)
        self.no_photo = EmptyState(
            "image",
            "Drop photos here, or open a folder",
            "Ctrl+V pastes a photo or files from anywhere.",
            "open a folder",
        )
        self.no_model = EmptyState(
            "box",
            "No identification model yet",
            "Choose the file (ending in .onnx) that a training wrote, or that came with Marque.",
            "choose an identification model",
        )
        self._stack = QStackedWidget()
        self._loading = ""
        # an answer that comes at once replaces the last one without a flash of an empty panel
        self._waiting = QTimer(self, interval=150, singleShot=True)
        self._waiting.timeout.connect(lambda: self.panel.show_waiting(self.session.subject(), self._waiting_word()))
        self._build_toolbar()
        self._lay_out()
        self.splitters = (self.rows, self.columns)
        self._connect()
        self.update_stack()

    # building

    def _build_toolbar(self) -> None:
        self.toolbar = frame("toolbar")
        self.toolbar.setFixedHeight(44)
        self._open = tool_button(actions.OPEN, "open")
        self._folder = tool_button(standard.FOLDER, "folder")
        self._paste = tool_button(actions.PASTE, "paste")
        self._fit = tool_button(actions.FIT)
        self._actual = tool_button(actions.ACTUAL, "1:1")
        self.crop_button = tool_button(actions.CROP, checkable=True)
        self.compare_button = tool_button(actions.COMPARE, checkable=True)
        self.heat_button = tool_button(actions.HEAT, checkable=True)
        self.theme_button = tool_button(standard.THEME)
        self._controls: dict[Action[actions.IdentifyPageState], QToolButton] = {
            actions.FIT: self._fit,
            actions.ACTUAL: self._actual,
            actions.CROP: self.crop_button,
            actions.COMPARE: self.compare_button,
            actions.HEAT: self.heat_button,
        }
        row = QHBoxLayout(self.toolbar)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        for button in (self._open, self._folder, self._paste):
            row.addWidget(button)
        row.addStretch(1)
        for button in self._controls.values():
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self.theme_button)

    def _lay_out(self) -> None:
        self.rows = Splitter("rows", Qt.Orientation.Vertical)
        self.rows.addWidget(self.compare)
        self.rows.addWidget(self.strip)
        self.rows.setStretchFactor(0, 1)
        self.rows.set_defaults([560, 140])
        self.columns = Splitter("columns", Qt.Orientation.Horizontal)
        self.columns.addWidget(self.rows)
        self.columns.addWidget(self.panel)
        self.columns.setStretchFactor(0, 1)
        self.columns.set_defaults([880, 320])
        for page in (self.no_model, self.no_photo, self.columns):
            self._stack.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.errors)
        whole.addWidget(self.toolbar)
        whole.addWidget(self._stack, 1)

    def _connect(self) -> None:
        session, strip = self.session, self.strip
        session.first_found.connect(lambda row: strip.setCurrentIndex(session.photos.index(row)))
        session.photo_ready.connect(self._on_photo)
        session.photo_failed.connect(self._on_photo_failed)
        session.answered.connect(self._on_answer)
        session.answer_failed.connect(self._on_answer_failed)
        session.problem.connect(self.errors.show_problem)
        session.said.connect(self.said)
        self._signals.other_references.connect(session.gallery_changed)
        session.identified.connect(lambda answers: self._project.record(session.opened(), answers.found))
        session.photos.modelReset.connect(self._on_cleared)
        session.photos.rowsInserted.connect(self.update_stack)
        strip.selectionModel().currentChanged.connect(self._on_current)
        self.view.cropped.connect(self._on_cropped)
        self.view.crop_cleared.connect(lambda: self._on_cropped(None))
        self.panel.neighbour_chosen.connect(self._toggle_neighbour)
        self.no_photo.asked.connect(self.choose_folder)
        self.no_model.asked.connect(self._signals.model_wanted)
        self.crop_button.toggled.connect(self.view.set_cropping)
        self.compare_button.clicked.connect(self.toggle_compare)
        for button, key, act in (
            (self._open, actions.OPEN, self.choose_files),
            (self._folder, standard.FOLDER, self.choose_folder),
            (self._paste, actions.PASTE, self.paste),
            (self._fit, actions.FIT, self.view.fit),
            (self._actual, actions.ACTUAL, lambda: self.view.actual_size()),
            (self.theme_button, standard.THEME, self.theme_wanted.emit),
        ):
            button.clicked.connect(lambda _on=False, act=act: act())
            bind(self, key, act)
        bind(self, actions.CROP, self.crop_button.click)
        bind(self, actions.HEAT, self.heat_button.click)
        self.heat_button.toggled.connect(self._on_heat)
        bind(self, standard.NEXT, lambda: strip.step(1))
        bind(self, standard.PREVIOUS, lambda: strip.step(-1))
        bind(self, standard.BACK, self.back)
        # Space presses the focused button, except on the photo and the strip
        for widget in (self.compare, strip):
            bind(widget, actions.COMPARE, self.toggle_compare, Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # what a person does

    def choose_files(self) -> None:
        """Ask for photos and open them."""
        if files := self._dialogs.for_photos("Open photos"):
            self.open(files)

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        if folder := self._dialogs.for_folder("Open a folder of photos"):
            self.open([folder])

    def paste(self) -> None:
        """Identify what is on the clipboard."""
        if not self.open_data(QGuiApplication.clipboard().mimeData(), append=True):
            self.show_problem("The clipboard holds no photo and no files. Copy one, then paste again.")

    # calls of the window

    def open_data(self, data: QMimeData, *, append: bool) -> bool:
        """Open what was dropped or pasted: files, folders, a picture, or text with paths; False for anything else."""
        local = local_files(data)
        if local:
            self.session.open(local, append=append)
            return True
        if data.hasImage():
            picture = data.imageData()
            if isinstance(picture, QImage) and not picture.isNull():
                self.session.paste(picture)
                return True
        lines = [Path(line.strip().strip('"')) for line in data.text().splitlines() if line.strip()]
        if lines and all(path.is_absolute() for path in lines):
            self.session.open(lines, append=append)
            return True
        return False

    def open(self, paths: Sequence[Path]) -> None:
        """Open photos and folders."""
        self.session.open(paths)

    def model_loading(self, name: str) -> None:
        """Show that an identification model is being loaded; empty: none is."""
        self._loading = name
        self.update_stack()

    def use_model(self, loaded: Loaded) -> None:
        """An identification model is ready."""
        self._loading = ""
        self.session.use_model(loaded)
        self.update_stack()
        entry = self.session.entry()
        if entry is not None and entry.status is None:
            self._waiting.start()

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.theme_button.setIcon(icons.icon("sun" if dark else "moon"))
        self.panel.theme_changed()

    def stop(self) -> None:
        """Wait for this page's workers."""
        self.session.stop()
        self.compare.stop()

    # behaviour

    def update_stack(self) -> None:
        """Show the photo, or the empty state that teaches the next action."""
        has_model = self.session.loaded() is not None or bool(self._loading)
        has_photo = self.session.photos.rowCount() > 0
        self._stack.setCurrentIndex(0 if not has_model else 2 if has_photo else 1)
        enable(self._controls, actions.IdentifyPageState(has_model, has_photo))

    def toggle_compare(self) -> None:
        """Side by side with the nearest neighbour that has a picture, or back."""
        if not self.compare.toggle_nearest(self.panel.near()):
            self.errors.show_problem(NO_PICTURE)
        self._mark_compared()

    def back(self) -> None:
        """Esc: first close side by side, then clear the crop box, then put the crop tool away."""
        if self.compare.leave():
            self._mark_compared()
        elif not self.view.clear_crop():
            self.crop_button.setChecked(False)

    def _toggle_neighbour(self, near: Near) -> None:
        self.compare.toggle(near)
        self._mark_compared()

    def _mark_compared(self) -> None:
        near = self.compare.near()
        self.panel.neighbours.mark(near)
        self.compare_button.setChecked(near is not None)

    def _waiting_word(self) -> str:
        return "identifying" if self.session.loaded() is not None else "waiting for the identification model"

    def _on_cleared(self) -> None:
        self._waiting.stop()
        self.compare.leave()
        self._mark_compared()
        self.view.show_photo(None)
        self.panel.show_waiting("", "")
        self.errors.clear()
        self.update_stack()

    def _on_current(self, current: QModelIndex) -> None:
        if current.isValid():
            self.session.select(current.row())
            self._waiting.start()

    def _on_photo(self, photo: Photo) -> None:
        self.compare.show_photo(photo, "")
        self._mark_compared()

    def _on_photo_failed(self, reason: str) -> None:
        self._waiting.stop()
        self.compare.leave()
        self._mark_compared()
        self.view.show_message(f"{self.session.subject()}\n{reason}")
        self.panel.show_error(self.session.subject(), reason, images.advice(reason, "choose another photo"))

    def _on_cropped(self, box: QRect | None) -> None:
        self.session.set_crop(box)
        if box is not None:
            self._waiting.start()

    def _on_answer(self, answer: Answer) -> None:
        self._waiting.stop()
        loaded = self.session.loaded()
        if loaded is not None:
            self.panel.show_answer(self.session.subject(), loaded.info, answer.identification, answer.pictures)
            self._mark_compared()

        self.view.show_heat(heat_map.as_picture(answer.heat) if self.heat_button.isChecked() else None)
        if self.heat_button.isChecked() and answer.heat is None:
            self.heat_button.setChecked(False)
            self.errors.show_problem(heat_map.CANNOT_TELL)

    def _on_heat(self, on: bool) -> None:
        self.session.set_heat(on)
        if not on:
            self.view.show_heat(None)

    def _on_answer_failed(self, message: str) -> None:
        self._waiting.stop()
        self.panel.show_error(self.session.subject(), message, "")
        self.errors.show_problem(f"{self.session.subject()} was not identified: {message}")
