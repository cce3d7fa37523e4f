"""The page Review: a project's photos, their answers, and the person's labels."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.project.results import PhotoResult
from app.core.recognition.features import NOBODY
from app.core.review import arrangement as arrange
from app.core.review.arrangement import Order
from app.ui.background.model_loading import Loaded
from app.ui.page.context import PageContext
from app.ui.page.navigation import CurrentPhoto, EnrolPhotos, PageRequest, ShowPhotos, ShowProject
from app.ui.page.page import Page
from app.ui.project.relabel_box import RelabelBox
from app.ui.review import actions
from app.ui.review.enrolment import EnrolmentJobs
from app.ui.review.export.export_dialogs import ExportDialogs
from app.ui.review.export.export_jobs import ExportJobs
from app.ui.review.filter_bar import FilterBar
from app.ui.review.photo_listing import PhotoListing
from app.ui.review.photo_viewer import PhotoViewer
from app.ui.review.photo_views import PhotoViews
from app.ui.review.proposal_bar import ProposalBar
from app.ui.review.proposals import Proposals
from app.ui.review.review_session import ReviewSession
from app.ui.review.selection import PhotoSelection
from app.ui.review.threshold_box import ThresholdBox
from app.ui.review.toolbar import ReviewToolbar, VerdictBar
from app.ui.review.verdicts import VerdictCommands
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.basics import Splitter, bind
from app.ui.widgets.drawing_pauses import draw_unseen
from app.ui.widgets.drop_target import local_files
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.notice_bar import NoticeBar

_ARRANGE = 300  # milliseconds between two arrangements while a run brings more
_FOLLOW = 40  # milliseconds that a photo must be current before it is opened


class ReviewPage(Page):
    """Joins the open project with list and views; `app.core` decides what a step means."""

    id, icon, key = "review", "list-checks", "2"
    action_set = actions.ON_PAGE
    answers = (ShowProject, ShowPhotos, EnrolPhotos)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        project, thumbnails = context.project, context.thumbnails
        self.project, self._signals, self._identify_folder = project, context.signals, context.identify_folder
        self.session = ReviewSession(project)
        self.outputs = ExportJobs(self)
        project.closer.add_user(self.outputs.tasks)
        self.listing = PhotoListing(thumbnails, self)
        self.toolbar, self.filters, self.verdicts = ReviewToolbar(), FilterBar(), VerdictBar()
        self.bar, self.notice = ProposalBar(), NoticeBar()
        self._views = PhotoViews(self.listing)
        self.grid, self.table = self._views.grid, self._views.table
        self.chosen = PhotoSelection(self.listing, self.grid.selectionModel(), self)
        self.verdict_commands = VerdictCommands(project, self.listing, self.chosen, self._go, self)
        self.viewer = PhotoViewer(context.services.answers, thumbnails)
        self.relabel_box, self.threshold_box = RelabelBox(self), ThresholdBox(self)
        self.proposals = Proposals(project, self.session, self.bar, self)
        self.enrolling = EnrolmentJobs(self.session, self.chosen, self.notice, self)
        self.export_dialogs = ExportDialogs(project, self.outputs, self.toolbar, self)
        self.empty = EmptyState(
            "list-checks",
            "Label a whole folder, then look through it",
            "Every decision is kept at once and can be undone, also after a restart.",
            "identify a folder",
        )
        self._arranging = QTimer(self, interval=_ARRANGE, singleShot=True)
        self._following = QTimer(self, interval=_FOLLOW, singleShot=True)
        self._drawn = False
        self.jobs = (self.outputs.jobs,)
        self._lay_out()
        self.splitters = (self.columns,)
        self._connect()
        self._update_stack()

    # building

    def _lay_out(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.viewer, 1)
        column.addWidget(self.verdicts)
        self.columns = Splitter("review", Qt.Orientation.Horizontal)
        for widget in (self._views, middle, self.viewer.panel):
            self.columns.addWidget(widget)
        self.columns.setStretchFactor(0, 3)
        self.columns.setStretchFactor(1, 2)
        self.columns.set_defaults([480, 440, 288])
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.columns)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for part in (self.errors, self.toolbar, self.filters, self.bar, self.notice):
            whole.addWidget(part)
        whole.addWidget(self._stack, 1)

    def _connect(self) -> None:
        project, toolbar, filters = self.project, self.toolbar, self.filters
        project.opened.connect(self._on_opened)
        project.grown.connect(self._on_grown)
        project.labelled.connect(self._on_labelled)
        project.steps_changed.connect(toolbar.show_steps)
        project.problem.connect(self.errors.show_problem)
        filters.changed.connect(self._on_filter)
        self._arranging.timeout.connect(lambda: self._views.in_place(self.arrange))
        self._following.timeout.connect(self._follow)
        self.chosen.moved.connect(self._following.start)
        self.table.sorting_wanted.connect(filters.set_order)
        self.viewer.problem.connect(self.errors.show_problem)
        self.viewer.heat_ended.connect(lambda: self.verdicts.heat_button.setChecked(False))
        self.relabel_box.chosen.connect(self.verdict_commands.relabel)
        self.relabel_box.left.connect(self.focus)
        self.threshold_box.chosen.connect(project.choose_thresholds)
        self.threshold_box.reset.connect(lambda: project.choose_thresholds(None))
        self.proposals.changed.connect(self._on_proposal)
        self.outputs.problem.connect(self.errors.show_problem)
        self.empty.asked.connect(self._identify_folder)
        toolbar.folder_button.clicked.connect(self._identify_folder)
        toolbar.theme_button.clicked.connect(self.theme_wanted)
        toolbar.undo_button.clicked.connect(self.undo)
        toolbar.redo_button.clicked.connect(self.redo)
        toolbar.table_button.toggled.connect(self._views.show_table)
        toolbar.suggest_button.clicked.connect(self.proposals.suggest)
        toolbar.accept_button.clicked.connect(self.proposals.accept_surest)
        toolbar.thresholds_button.clicked.connect(self._open_thresholds)
        toolbar.project_button.follow(project)
        self.verdicts.heat_button.toggled.connect(self.viewer.set_heat)
        toolbar.watch_button.clicked.connect(project.watch)
        project.watching.changed.connect(lambda: toolbar.show_watched(project.watching.places()))
        self.enrolling.offer_in(toolbar, self.verdicts)
        self._connect_pages()
        self._bind_keys()

    def _connect_pages(self) -> None:
        signals, chosen, enrolling = self._signals, self.chosen, self.enrolling
        chosen.moved.connect(lambda: signals.current_changed.emit(CurrentPhoto(chosen.image())))
        chosen.changed.connect(lambda: signals.chosen_in_review.emit(self.listing.images(chosen.places())))
        signals.chosen_on_map.connect(chosen.choose)
        signals.photo_clicked.connect(self._show_photo)
        signals.undo_wanted.connect(self.undo)
        signals.redo_wanted.connect(self.redo)
        enrolling.wanted.connect(signals.enrol_wanted)
        enrolling.undo_wanted.connect(signals.gallery_undo_wanted)
        signals.enrolled.connect(enrolling.show_done)
        signals.gallery_undo_changed.connect(enrolling.show_next_undo)

    def _bind_keys(self) -> None:
        verdicts, here = self.verdicts, Qt.ShortcutContext.WidgetWithChildrenShortcut
        for button, key, act in (
            (verdicts.accept_button, actions.ACCEPT, self.verdict_commands.accept),
            (verdicts.relabel_button, actions.RELABEL, self.relabel),
            (verdicts.type_button, actions.TO_TYPE, self.verdict_commands.to_type),
            (verdicts.unknown_button, actions.TO_UNKNOWN, self.verdict_commands.to_unknown),
            (verdicts.exclude_button, actions.EXCLUDE, self.verdict_commands.exclude),
            (verdicts.enrol_button, actions.ENROL, self.enrolling.enrol),
            (verdicts.next_button, actions.NEXT_UNDECIDED, lambda: self.step_undecided(1)),
            (verdicts.compare_button, standard.COMPARE, self.viewer.toggle_compare),
        ):
            button.clicked.connect(lambda _on=False, act=act: act())
            bind(self.columns, key, act, here)  # not while somebody types into the search
        for key, act in (
            *((actions.NEXT, lambda: self.step(1)), (actions.PREVIOUS, lambda: self.step(-1))),
            (actions.CLEAR, self.verdict_commands.clear),
            (actions.PREVIOUS_UNDECIDED, lambda: self.step_undecided(-1)),
            (actions.LIKE_THIS, self.select_like_this),
            (standard.HEAT, verdicts.heat_button.toggle),
            (standard.FIT, self.viewer.view.fit),
            (standard.ACTUAL, self.viewer.view.actual_size),
            *((actions.LARGER, lambda: self.grid.zoom(1)), (actions.SMALLER, lambda: self.grid.zoom(-1))),
        ):
            bind(self.columns, key, act, here)
        for key, act in (
            (standard.UNDO, self.undo),
            (standard.REDO, self.redo),
            (actions.SEARCH, self.filters.search.setFocus),
            (standard.BACK, self.back),
            (standard.THEME, self.theme_wanted.emit),
            (actions.FOLDER, self._identify_folder),
        ):
            bind(self, key, act)

    # what a person does

    def relabel(self) -> None:
        """Ask for another label."""
        rows = self.chosen.rows()
        if len(rows):
            self.relabel_box.ask_about(self.project, rows, self.viewer.mapTo(self, QPoint(12, 12)))

    def undo(self) -> None:
        """Undo the last step."""
        if not self.outputs.busy():
            self.project.turn(back=True)

    def redo(self) -> None:
        """Redo the step that was undone."""
        if not self.outputs.busy():
            self.project.turn(back=False)

    def step(self, by: int) -> None:
        """The next photo of the list, or the one before."""
        count = self.listing.rowCount()
        if count:
            self._go(min(max(self.chosen.place() + by, 0), count - 1))

    def step_undecided(self, by: int) -> None:
        """The next photo that is not decided, or the one before."""
        place = self.listing.next_undecided(self.chosen.place(), by)
        if place == NOBODY:
            self.project.said.emit("no undecided photo " + ("after" if by > 0 else "before") + " this one in the list")
        else:
            self._go(place)

    def select_like_this(self) -> None:
        """List all photos that are shown as the same class, and choose them."""
        rows, columns = self.chosen.rows(), self.project.columns
        label = columns.names[columns.shown.label[rows[0]]] if len(rows) else ""
        if label:
            self.filters.set_label(label)
            self.grid.selectAll()

    def back(self) -> None:
        """Esc: close side by side, leave a proposal, show all photos again."""
        if self.viewer.leave_compare():
            return
        if not self.proposals.leave() and not self.filters.filter().is_all:
            self.filters.clear()

    # the list

    def arrange(self) -> None:
        """Filter and sort again; current and chosen photos stay so if they are still listed."""
        self._arranging.stop()
        listing, filters = self.listing, self.filters
        listing.filter, listing.order, listing.descending = filters.filter(), filters.order(), filters.descending()
        listing.only = self.proposals.images()
        if not self.chosen.rearrange():
            self.viewer.show_nothing("nothing fits the filter" if len(self.project.columns) else "")
        columns = self.project.columns
        counts = arrange.counts(columns)
        self.filters.show_facts(self.listing.rowCount(), counts, arrange.labels_in_use(columns))
        self.threshold_box.show_counts(counts)
        self._update_stack()

    def focus(self) -> None:
        """Let the keys go to the list of photos."""
        self._views.view().setFocus()

    def go(self, request: PageRequest) -> None:
        """List the photos of a request and no others, all chosen, until the person goes back to the list."""
        if isinstance(request, ShowPhotos | EnrolPhotos):
            self.proposals.show_only(request.images, request.what)
            self.chosen.choose(request.images)
            self.focus()
        if isinstance(request, EnrolPhotos):
            self.enrolling.enrol()

    def take_drop(self, data: QMimeData) -> bool:
        """Identify the files into the project."""
        local = local_files(data)
        if local:
            self.project.identify(local)
        return bool(local)

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.toolbar.theme_button.setIcon(icons.icon("sun" if dark else "moon"))
        self.viewer.panel.theme_changed()

    def use_model(self, loaded: Loaded) -> None:
        """This identification model is in use."""
        self.session.use_model(loaded)

    def stop(self) -> None:
        """Wait for this page's workers."""
        self.viewer.stop()
        self.outputs.stop()

    def _go(self, place: int) -> None:
        self.chosen.go(place)
        self._views.view().scrollTo(self.listing.index(place, 0))

    # what happened

    def _show_photo(self, photo: CurrentPhoto) -> None:
        place = self.listing.place_of(photo.image)
        if place != NOBODY:
            self._go(place)

    def _on_opened(self) -> None:
        self.relabel_box.leave()  # the request was for photos of the other project
        self.proposals.leave()
        self.chosen.forget()
        self.listing.show(self.project.columns)
        self.viewer.show_nothing()
        self.arrange()

    def _on_grown(self) -> None:
        if self.listing.columns is not self.project.columns:
            self.chosen.keep()
            self.listing.show(self.project.columns)
        if self.project.model is not None:
            self.threshold_box.show_thresholds(self.project.model.thresholds)
        if self.listing.rowCount() == 0:
            self.arrange()
        elif not self._arranging.isActive():
            self._arranging.start()

    def _on_labelled(self, rows: np.ndarray) -> None:
        self.listing.refresh(rows)
        self.proposals.refresh()
        self.arrange()
        self._following.start()

    def _on_filter(self) -> None:
        order = self.filters.order()
        if order in (Order.ODD, Order.ALIKE):
            self.session.likeness(order, self.chosen.image(), partial(self._on_likeness, order))
        self.arrange()

    def _on_proposal(self) -> None:
        self.arrange()
        if self.proposals.active() and self.listing.rowCount():
            self._go(0)

    def _on_likeness(self, order: Order, values: np.ndarray) -> None:
        if order is not self.filters.order():
            return
        self.listing.likeness = values
        self.arrange()
        if self.listing.rowCount() and self.relabel_box.isHidden():
            self._go(0)

    def _follow(self) -> None:
        wanted = self.chosen.image()

        def show(result: PhotoResult | None) -> None:
            if result is not None and wanted == self.chosen.image():
                self.viewer.show_result(result, self.project.model)

        if wanted != NOBODY and self.isVisible():  # otherwise when it is
            self.project.find(wanted, show)

    def showEvent(self, event: QShowEvent) -> None:
        """Open the current photo; the first time, prepare what that needs once nothing else is to be done."""
        super().showEvent(event)
        self._following.start()
        if not self._drawn:
            self._drawn = True
            QTimer.singleShot(0, self, lambda: draw_unseen(self.filters, self.columns))

    def _open_thresholds(self) -> None:
        self.threshold_box.open(self.toolbar.thresholds_button.mapToGlobal(QPoint(0, 36)))

    def _update_stack(self) -> None:
        full = len(self.project.columns) > 0
        self._stack.setCurrentIndex(1 if full else 0)
        self.filters.setVisible(full and not self.proposals.active())
        self.toolbar.set_filled(full)
