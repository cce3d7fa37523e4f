"""The page Gallery: what the program compares photos with, and how to teach it something new."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.core.teaching.cleanup import Finding
from app.ui.background.model_loading import Loaded
from app.ui.gallery import actions
from app.ui.gallery.class_commands import Commands
from app.ui.gallery.class_name_box import AskBox
from app.ui.gallery.class_tree import ClassTree
from app.ui.gallery.cleanup_view import CleanupView
from app.ui.gallery.gallery_button import AddressBox, GalleryChoice
from app.ui.gallery.gallery_session import GalleryClass, GallerySession
from app.ui.gallery.gallery_transfers import GalleryTransfers
from app.ui.gallery.photo_drops import PhotoDrops
from app.ui.gallery.reference_panel import ReferencePanel
from app.ui.gallery.toolbar import GalleryToolbar
from app.ui.page.context import PageContext
from app.ui.page.navigation import PageRequest, ShowClass
from app.ui.page.page import Page
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.basics import Splitter, bind, label
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.notice_bar import NoticeBar


class GalleryPage(Page):
    """Joins the session with its views; `app.core` decides what a change means.

    Signals:
        gallery_wanted: (GalleryChoice) use this gallery from now on
        again_wanted: try again to open the gallery
        declined: (fingerprint) nothing should be re-embedded for this model
    """

    gallery_wanted = Signal(GalleryChoice)
    again_wanted = Signal()
    declined = Signal(str)

    id, icon, key = "gallery", "library-big", "3"
    action_set = actions.ON_PAGE
    answers = (ShowClass,)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._dialogs, self._signals = context.dialogs, context.signals
        self.session = GallerySession(context.services.gallery, self)
        self.jobs = (self.session.jobs,)
        self.notice, self.toolbar = NoticeBar(), GalleryToolbar()
        self.search = QLineEdit(placeholderText="search classes", clearButtonEnabled=True)
        self.search.setAccessibleName(actions.SEARCH.title)
        self.search.setToolTip(actions.SEARCH.tooltip)
        self.tree = ClassTree()
        self.new_button = QPushButton("new class: drop photos here")
        self.new_button.setObjectName("dropCard")
        self.new_button.setToolTip(actions.NEW_CLASS.tooltip)
        self.references = ReferencePanel(self.session, context.thumbnails)
        self.cards = self.references.cards
        self.cleaning = CleanupView(context.thumbnails)
        self.no_model = EmptyState(
            "library-big",
            "No identification model is loaded",
            "A gallery belongs to a model, which compares its reference photos.",
            "choose an identification model",
        )
        self.empty = EmptyState(
            "library-big",
            "Teach the program something new",
            "Drop photos of one class here. It is recognised from now on, without training.",
            "new class",
        )
        self.unusable = EmptyState(
            "library-big",
            "The gallery that you chose cannot be used",
            "Photos are identified without it. The line above says why; another one can be chosen at the upper left.",
            "try again",
        )
        self.waiting = label("loading the identification model", "muted")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.box, self.address_box = AskBox(self), AddressBox(self)
        self.commands = Commands(self.session, self.tree, self.cards, self.box, self._corner)
        self.transfers = GalleryTransfers(self.session, self.notice)
        self.drops = PhotoDrops(self, self.commands, self.tree, self.cards, self.new_button)
        self._loading = False
        self._lay_out()
        self.splitters = (self.columns,)
        self._connect()
        self._bind_keys()

    # building

    def _lay_out(self) -> None:
        side = QWidget()
        side.setObjectName("panel")
        side.setMinimumWidth(220)
        left = QVBoxLayout(side)
        left.setContentsMargins(8, 8, 8, 8)
        left.setSpacing(8)
        for widget in (self.search, self.tree, self.new_button):
            left.addWidget(widget)
        self.views = QStackedWidget()
        self.views.addWidget(self.references)
        self.views.addWidget(self.cleaning)
        self.columns = Splitter("gallery", Qt.Orientation.Horizontal)
        self.columns.addWidget(side)
        self.columns.addWidget(self.views)
        self.columns.setStretchFactor(1, 1)
        self.columns.set_defaults([280, 928])
        self.stack = QStackedWidget()
        for one in (self.no_model, self.empty, self.unusable, self.columns, self.waiting):
            self.stack.addWidget(one)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.errors)
        whole.addWidget(self.toolbar)
        whole.addWidget(self.notice)
        whole.addWidget(self.stack, 1)
        self._update_stack()

    def _connect(self) -> None:
        toolbar, session, commands, gallery = self.toolbar, self.session, self.commands, self.toolbar.gallery_button
        commands.problem.connect(self.errors.show_problem)
        session.shown.connect(self._on_shown)
        session.problem.connect(self.errors.show_problem)
        session.said.connect(self.said)
        session.changed.connect(self._signals.gallery_changed)
        session.other_references.connect(self._signals.other_references)
        session.took.connect(self._signals.enrolled)
        self._signals.enrol_wanted.connect(session.take_reviewed)
        self._signals.gallery_undo_wanted.connect(self.undo)
        commands.photos_wanted.connect(self._choose_photos)
        self.transfers.declined.connect(self.declined)
        self.search.textChanged.connect(self.tree.search)
        self.tree.chosen.connect(self._on_chosen)
        self.tree.itemClicked.connect(lambda: self.toolbar.clean_button.setChecked(False))
        self.cards.selectionModel().selectionChanged.connect(self._enable)
        self.no_model.asked.connect(self._signals.model_wanted)
        self.unusable.asked.connect(self.again_wanted)
        for box in (self.box, self.address_box):
            box.left.connect(self.focus)
        gallery.chosen.connect(self.gallery_wanted)
        gallery.address_wanted.connect(self.ask_address)
        gallery.export_wanted.connect(self.transfers.export_to)
        gallery.import_wanted.connect(self.transfers.import_from)
        gallery.locate_wanted.connect(self.transfers.look_for_pictures)
        gallery.reembed_wanted.connect(lambda: self.transfers.look_behind(asked=True))
        self.address_box.answered.connect(lambda address: self.gallery_wanted.emit(GalleryChoice(address)))
        self.references.locate_button.clicked.connect(gallery.ask_folder)
        self.cards.locate_wanted.connect(self._locate)
        self.cleaning.near_changed.connect(self._look_over_again)
        self.cleaning.remove_wanted.connect(lambda one: session.remove([one]))
        self.cleaning.relabel_wanted.connect(lambda one, label: session.relabel([one], label))
        for button, act in (
            (self.empty.button, commands.new_class),
            (self.new_button, commands.new_class),
            (toolbar.new_button, commands.new_class),
            (toolbar.add_button, commands.add_photos),
            (toolbar.rename_button, commands.rename),
            (toolbar.merge_button, commands.merge),
            (toolbar.move_button, commands.move_class),
            (toolbar.relabel_button, commands.relabel),
            (toolbar.remove_button, self._remove),
            (toolbar.undo_button, self.undo),
            (toolbar.redo_button, self.redo),
            (toolbar.theme_button, self.theme_wanted.emit),
        ):
            button.clicked.connect(lambda _on=False, act=act: act())
        toolbar.clean_button.toggled.connect(self._show_cleaning)

    def _bind_keys(self) -> None:
        for key, act in (
            (actions.NEW_CLASS, self.commands.new_class),
            (actions.ADD_PHOTOS, self.commands.add_photos),
            (actions.RENAME, self.toolbar.rename_button.click),
            (actions.MERGE, self.toolbar.merge_button.click),
            (actions.MOVE, self.toolbar.move_button.click),
            (actions.MENU, self.toolbar.gallery_button.open_menu),
            (actions.LOCATE, self._locate),
            (actions.CLEAN_UP, self.toolbar.clean_button.toggle),
            (standard.UNDO, self.undo),
            (standard.REDO, self.redo),
            (actions.SEARCH, self.search.setFocus),
            (standard.BACK, self.back),
            (standard.THEME, self.theme_wanted.emit),
        ):
            bind(self, key, act)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        bind(self.tree, actions.REMOVE, self._remove, here)  # not while somebody types
        bind(self.cards, actions.REMOVE, self._remove_photos, here)
        bind(self.cards, actions.RELABEL, self.toolbar.relabel_button.click, here)

    # what a person does

    def undo(self) -> None:
        """Undo the last change."""
        self.session.turn(back=True)
        self._look_over_again()

    def redo(self) -> None:
        """Redo the change that was undone."""
        self.session.turn(back=False)
        self._look_over_again()

    def ask_address(self) -> None:
        """Ask for the address of a gallery that a team shares."""
        loaded = self.session.loaded
        place = loaded.chosen if loaded is not None else None
        self.address_box.ask(place, QPoint(12, self.toolbar.geometry().bottom()))

    def back(self) -> None:
        """Esc: close the box, leave cleaning up, show all classes again."""
        boxes = [box for box in (self.box, self.address_box) if not box.isHidden()]
        if boxes:
            boxes[0].leave()
        elif self.toolbar.clean_button.isChecked():
            self.toolbar.clean_button.setChecked(False)
        else:
            self.search.clear()

    def _choose_photos(self, label: GalleryClass) -> None:
        if files := self._dialogs.for_photos(f"Photos of {label.fine}"):
            self.commands.teach(files, label)

    # calls of others

    def model_loading(self, name: str) -> None:
        """Show only this while an identification model is being loaded."""
        self._loading = bool(name)
        self._update_stack()

    def use_model(self, loaded: Loaded) -> None:
        """Another identification model, with another gallery, is in use."""
        self._loading = False
        for box in (self.box, self.address_box):
            box.leave()
        self.transfers.stop()
        self.errors.clear()
        self.notice.clear()
        self.toolbar.show_gallery(loaded.chosen)
        self.cleaning.set_adds_only(loaded.shared)
        self.session.use_model(loaded)
        if loaded.gallery_problem:
            self.errors.show_problem(loaded.gallery_problem)
        self.transfers.look_behind(asked=False)
        self._look_over_again()

    def lose_gallery(self, why: str) -> None:
        """The shared gallery cannot be reached any longer."""
        self.session.lose_gallery(why)
        self.errors.show_problem(why)

    def go(self, request: PageRequest) -> None:
        """Show the class of a request."""
        if isinstance(request, ShowClass):
            self.tree.go(GalleryClass(request.coarse, request.fine))

    def decline(self, fingerprints: Iterable[str]) -> None:
        """Do not offer to re-embed anything for these models."""
        self.transfers.asked_no.update(fingerprints)

    def count(self) -> int:
        """How many reference photos there are."""
        return len(self.session.contents.references)

    def focus(self) -> None:
        """Let the keys go to the classes."""
        self.tree.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """The page is shown, with changes that others have made meanwhile."""
        super().showEvent(event)
        self.session.look_again()

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.toolbar.theme_changed(dark)

    def stop(self) -> None:
        """Wait for this page's worker."""
        self.transfers.stop()
        self.session.stop()

    # what happened

    def _on_shown(self) -> None:
        contents = self.session.contents
        self.tree.show_classes(contents.references)
        if self.commands.goal is not None:
            self.tree.go(self.commands.goal)
            self.commands.goal = None
        self.toolbar.show_steps(contents.undo, contents.redo)
        self._signals.gallery_undo_changed.emit(contents.undo or "")
        self._update_stack()
        now = {one.id: one for one in contents.references}

        def stands(finding: Finding) -> bool:
            return all(now.get(one.id) == one for one in (finding.first, finding.second))

        alike, odd = self.cleaning.findings()
        self.cleaning.show_findings(([one for one in alike if stands(one)], [one for one in odd if stands(one)]))

    def _on_chosen(self) -> None:
        self.references.show_node(self.tree.node())
        self._enable()

    def _enable(self) -> None:
        cleaning = self.toolbar.clean_button.isChecked()  # which has its own buttons
        node = None if cleaning else self.tree.node()
        self.toolbar.show_chosen(
            is_class=node is not None and node.fine is not None,
            is_type=node is not None and node.fine is None,
            photos=0 if cleaning else len(self.cards.chosen()),
        )

    def _update_stack(self) -> None:
        loaded, filled = self.session.loaded, bool(self.session.contents.references)
        shown: QWidget = self.columns if filled else self.empty
        if loaded is None:
            shown = self.no_model
        elif loaded.chosen is not None and loaded.gallery_problem and not filled:
            shown = self.unusable
        if self._loading or (loaded is not None and not self.session.ready):
            shown = self.waiting
        self.stack.setCurrentWidget(shown)
        self.toolbar.show_use(
            ready=shown not in (self.no_model, self.waiting),
            can_change=shown in (self.empty, self.columns),
            filled=filled,
        )
        self.commands.enabled = actions.NEW_CLASS.enabled(self.toolbar.state)

    def _corner(self) -> QPoint:
        return self.stack.mapTo(self, QPoint(296, 12))

    def _remove(self) -> None:
        if actions.REMOVE.enabled(self.toolbar.state):  # not while cleaning up, when the class is hidden
            self.commands.remove()

    def _remove_photos(self) -> None:
        if actions.REMOVE.enabled(self.toolbar.state):
            self.commands.remove_photos()

    def _locate(self) -> None:
        if actions.LOCATE.enabled(self.toolbar.state):
            self.toolbar.gallery_button.ask_folder()

    def _show_cleaning(self, on: bool) -> None:
        self.views.setCurrentIndex(int(on))
        self._enable()
        self._look_over_again()
        (self.cleaning.view if on else self.tree).setFocus()

    def _look_over_again(self) -> None:
        if self.toolbar.clean_button.isChecked():
            self.cleaning.show_waiting()
            self.session.look_over(self.cleaning.near(), self._on_findings)

    def _on_findings(self, found: tuple[list[Finding], list[Finding]]) -> None:
        self.cleaning.show_findings(found)
        self.session.locate(self.cleaning.references(), self.cleaning.show_pictures)
