"""The page Gallery: what the program compares photos with, and how it is taught something new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.core.gallery import Reference
from app.core.upkeep import Finding
from app.ui import keys
from app.ui.error_bar import ErrorBar
from app.ui.gallery.ask import Ask, AskBox
from app.ui.gallery.cards import Cards
from app.ui.gallery.cleaning import CleanUp
from app.ui.gallery.desk import Desk, Label
from app.ui.gallery.toolbar import Toolbar
from app.ui.gallery.tree import ClassTree, Node
from app.ui.identify.empty import EmptyState
from app.ui.inference import Inference, Loaded
from app.ui.loading import Thumbnails
from app.ui.widgets import ElidedLabel, Splitter, bind, label

_TEACH = "Choose a class, or drop photos on one or on “new class” to show the program something new."


class GalleryPage(QWidget):
    """Joins the desk with its views; what a change means is decided in `app.core`.

    Signals:
        photos_wanted: (type, class) ask for photos of this class
        model_wanted: ask for an identification model
        theme_wanted: change to the other theme
    """

    photos_wanted = Signal(object)
    model_wanted = Signal()
    theme_wanted = Signal()

    def __init__(self, inference: Inference, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAcceptDrops(True)
        self.desk = Desk(inference, self)
        self.errors, self.toolbar = ErrorBar(), Toolbar()
        self.search = QLineEdit(placeholderText="search classes", clearButtonEnabled=True)
        self.search.setAccessibleName(keys.SEARCH_CLASSES.words)
        self.search.setToolTip(keys.SEARCH_CLASSES.tooltip)
        self.tree = ClassTree()
        self.new_button = QPushButton("new class: drop photos here")
        self.new_button.setObjectName("dropCard")
        self.new_button.setToolTip(keys.NEW_CLASS.tooltip)
        self.heading = ElidedLabel(_TEACH, "muted")
        self.cards = Cards(thumbnails)
        self.cleaning = CleanUp(thumbnails)
        self.no_model = EmptyState(
            "library-big",
            "No identification model is loaded",
            "A gallery belongs to a model: its reference photos are compared by it.",
            "choose an identification model",
        )
        self.empty = EmptyState(
            "library-big",
            "Show the program something new",
            "Drop photos of one class here. It is told from now on, without training.",
            "new class",
        )
        self.waiting = label("loading the identification model", "muted")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.box = AskBox(self)
        self._loading = False
        self._goal: Node | None = None  # to be current as soon as it is there
        self._shown: Node | None = None
        self._lay_out()
        self._connect()
        self._bind_keys()

    # building

    def _lay_out(self) -> None:
        side, main = QWidget(), QWidget()
        side.setObjectName("panel")
        side.setMinimumWidth(220)
        left = QVBoxLayout(side)
        left.setContentsMargins(8, 8, 8, 8)
        left.setSpacing(8)
        for widget in (self.search, self.tree, self.new_button):
            left.addWidget(widget)
        right = QVBoxLayout(main)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        self.heading.setContentsMargins(12, 8, 12, 4)
        right.addWidget(self.heading)
        right.addWidget(self.cards, 1)
        self.views = QStackedWidget()
        self.views.addWidget(main)
        self.views.addWidget(self.cleaning)
        self.columns = Splitter("gallery", Qt.Orientation.Horizontal)
        self.columns.addWidget(side)
        self.columns.addWidget(self.views)
        self.columns.setStretchFactor(1, 1)
        self.columns.set_defaults([280, 928])
        self.stack = QStackedWidget()
        for one in (self.no_model, self.empty, self.columns, self.waiting):
            self.stack.addWidget(one)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.errors)
        whole.addWidget(self.toolbar)
        whole.addWidget(self.stack, 1)
        self._update_stack()

    def _connect(self) -> None:
        toolbar, desk = self.toolbar, self.desk
        desk.shown.connect(self._on_shown)
        desk.problem.connect(self.errors.show_problem)
        self.search.textChanged.connect(self.tree.search)
        self.tree.chosen.connect(self._on_chosen)
        self.tree.itemClicked.connect(lambda: self.toolbar.clean_button.setChecked(False))
        self.cards.selectionModel().selectionChanged.connect(self._enable)
        self.no_model.asked.connect(self.model_wanted)
        self.box.left.connect(self.focus_list)
        self.cleaning.remove_wanted.connect(lambda one: desk.remove([one]))
        self.cleaning.relabel_wanted.connect(lambda one, label: desk.relabel([one], label))
        for button, act in (
            (self.empty.button, self.new_class),
            (self.new_button, self.new_class),
            (toolbar.new_button, self.new_class),
            (toolbar.add_button, self.add_photos),
            (toolbar.rename_button, self.rename),
            (toolbar.merge_button, self.merge),
            (toolbar.move_button, self.move_class),
            (toolbar.relabel_button, self.relabel),
            (toolbar.remove_button, self.remove),
            (toolbar.undo_button, self.undo),
            (toolbar.redo_button, self.redo),
            (toolbar.theme_button, self.theme_wanted.emit),
        ):
            button.clicked.connect(lambda _on=False, act=act: act())
        toolbar.clean_button.toggled.connect(self._show_cleaning)

    def _bind_keys(self) -> None:
        for key, act in (
            (keys.NEW_CLASS, self.new_class),
            (keys.ADD_PHOTOS, self.add_photos),
            (keys.RENAME, self.rename),
            (keys.MERGE, self.merge),
            (keys.MOVE, self.move_class),
            (keys.CLEAN_UP, self.toolbar.clean_button.toggle),
            (keys.UNDO, self.undo),
            (keys.REDO, self.redo),
            (keys.SEARCH_CLASSES, self.search.setFocus),
            (keys.BACK, self.back),
            (keys.THEME, self.theme_wanted.emit),
        ):
            bind(self, key, act)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        bind(self.tree, keys.REMOVE, self.remove, here)  # not where somebody types
        bind(self.cards, keys.REMOVE, self.remove_photos, here)
        bind(self.cards, keys.RELABEL_REFERENCES, self.relabel, here)

    # what a person does

    def new_class(self) -> None:
        """Ask for a name and a type, then for photos."""
        if not self.toolbar.new_button.isEnabled():
            return
        node = self.tree.node()
        ask = Ask("New class", "choose photos", kind=node[0] if node is not None else "")
        self._ask(ask, lambda coarse, fine: self.photos_wanted.emit((coarse, fine)))

    def add_photos(self) -> None:
        """Ask for more photos of the chosen class."""
        node = self._class()
        if node is not None:
            self.photos_wanted.emit(node)

    def teach(self, paths: Sequence[Path], node: Node | None) -> None:
        """Add photos and folders to a class; for a type, or None, ask for the name first."""
        if node is not None and node[1] is not None:
            self._teach(paths, node)
            return
        what = paths[0].name if len(paths) == 1 else f"{len(paths):,} photos"
        name = paths[0].name if len(paths) == 1 and paths[0].is_dir() else ""
        ask = Ask(
            f"New class from {what}", "add class", "add photos", name=name, kind=node[0] if node is not None else ""
        )
        self._ask(ask, lambda coarse, fine: self._teach(paths, (coarse, fine)))

    def rename(self) -> None:
        """Ask for another name of the chosen class."""
        node = self._class()
        if node is not None:
            ask = Ask(f"Rename {node[1]}", "rename", "merge", name=node[1] or "", kind=node[0], lines=("name",))
            self._ask(ask, lambda coarse, fine: self._relabel_class(node, (coarse, fine)), without=node[1])

    def merge(self) -> None:
        """Ask for the class that takes the chosen one in."""
        node = self._class()
        if node is not None:
            ask = Ask(f"Merge {node[1]} into", "merge", lines=("name",), only_known=True)
            self._ask(ask, lambda coarse, fine: self._relabel_class(node, (coarse, fine)), without=node[1])

    def move_class(self) -> None:
        """Ask for another type of the chosen class."""
        node = self._class()
        if node is None:
            return
        known = self.desk.taxonomy
        if known is not None and node[1] in known.fine_index:
            self.errors.show_problem(
                f"The identification model itself knows {node[1]} as {node[0]}. Only your own classes can be moved."
            )
            return
        ask = Ask(f"Move {node[1]} to the type", "move", name=node[1] or "", kind=node[0], lines=("kind",))
        self._ask(ask, lambda coarse, fine: self._relabel_class(node, (coarse, fine)))

    def relabel(self) -> None:
        """Ask for another class of the chosen photos."""
        chosen = self.cards.chosen()
        if chosen:
            count = "1 photo" if len(chosen) == 1 else f"{len(chosen):,} photos"
            ask = Ask(f"Another class for {count}", "relabel", kind=chosen[0].coarse)
            self._ask(ask, lambda coarse, fine: self.desk.relabel(chosen, (coarse, fine)))

    def remove_photos(self) -> None:
        """Take the chosen photos out of the gallery; the class itself only where it is asked for."""
        if self.cards.chosen():
            self.desk.remove(self.cards.chosen())

    def remove(self) -> None:
        """Take the chosen photos out of the gallery, else the chosen class or type."""
        node = self.tree.node()
        if not self.toolbar.remove_button.isEnabled():
            return
        if self.cards.chosen():
            self.remove_photos()
        elif node is not None and node[1] is not None:
            self.desk.remove_class(node)
        elif node is not None:
            self.desk.remove(self._references(node))

    def undo(self) -> None:
        """Take the last change back."""
        self.desk.turn(back=True)
        self._look_over_again()

    def redo(self) -> None:
        """Make the change again that was taken back."""
        self.desk.turn(back=False)
        self._look_over_again()

    def back(self) -> None:
        """Esc: out of the box, out of cleaning up, all classes again."""
        if not self.box.isHidden():
            self.box.leave()
        elif self.toolbar.clean_button.isChecked():
            self.toolbar.clean_button.setChecked(False)
        else:
            self.search.clear()

    # what others do

    def show_loading(self, on: bool) -> None:
        """An identification model is being loaded, or no longer."""
        self._loading = on
        self._update_stack()

    def use_model(self, loaded: Loaded) -> None:
        """Another identification model, with another gallery, is in use."""
        self._loading = False
        self.box.leave()
        self.errors.clear()
        self.desk.use_model(loaded)

    def focus_list(self) -> None:
        """Let the keys go to the classes."""
        self.tree.setFocus()

    def theme_changed(self, dark: bool) -> None:
        """Offer the other theme."""
        self.toolbar.theme_changed(dark)

    def stop(self) -> None:
        """Wait for this page's worker."""
        self.desk.stop()

    # photos that are dropped

    def target_at(self, point: QPoint) -> Node | None:
        """What photos dropped at a point of the page belong to; None: to a new class."""
        viewport = self.tree.viewport()
        if self.tree.isVisible() and viewport.rect().contains(inside := viewport.mapFrom(self, point)):
            return self.tree.node_at(inside)
        cards = self.cards.viewport()
        over_cards = self.cards.isVisible() and cards.rect().contains(cards.mapFrom(self, point))
        return self.tree.node() if over_cards else None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped."""
        if self.stack.currentWidget() in (self.empty, self.columns) and _local(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where they would go."""
        event.acceptProposedAction()
        node = self.target_at(event.position().toPoint())
        self._mark(node, new=node is None)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag went elsewhere."""
        self._mark(None, new=False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Teach what was dropped."""
        self._mark(None, new=False)
        event.acceptProposedAction()
        self.teach(_local(event), self.target_at(event.position().toPoint()))

    def _mark(self, node: Node | None, *, new: bool) -> None:
        self.tree.mark(node)
        self.new_button.setProperty("kind", "target" if new else "")
        self.new_button.style().polish(self.new_button)

    # what happened

    def _on_shown(self) -> None:
        contents = self.desk.contents
        self.tree.show_classes(contents.references)
        if self._goal is not None:
            self.tree.go(self._goal)
            self._goal = None
        self.toolbar.show_steps(contents.undo, contents.redo)
        self._update_stack()
        now = {one.id: one for one in contents.references}

        def stands(finding: Finding) -> bool:
            return all(now.get(one.id) == one for one in (finding.first, finding.second))

        alike, odd = self.cleaning.findings()
        self.cleaning.show_findings(([one for one in alike if stands(one)], [one for one in odd if stands(one)]))

    def _on_chosen(self, node: Node | None) -> None:
        references = self._references(node) if node is not None else []
        if node == self._shown:
            self.cards.show_again(references)
        else:
            self.cards.listing.show(references)
            self._shown = node
        self.heading.set_whole(_heading(node, len(references)) if node is not None else _TEACH)
        self.desk.locate(references, self.cards.show_pictures)
        self._enable()

    def _enable(self) -> None:
        cleaning = self.toolbar.clean_button.isChecked()  # which has its own buttons
        node = None if cleaning else self.tree.node()
        self.toolbar.show_chosen(
            is_class=node is not None and node[1] is not None,
            is_type=node is not None and node[1] is None,
            photos=0 if cleaning else len(self.cards.chosen()),
        )

    def _update_stack(self) -> None:
        shown: QWidget = self.columns if self.desk.contents.references else self.empty
        if self.desk.taxonomy is None:
            shown = self.no_model
        if self._loading or (self.desk.taxonomy is not None and not self.desk.ready):
            shown = self.waiting
        self.stack.setCurrentWidget(shown)
        self.toolbar.new_button.setEnabled(shown in (self.empty, self.columns))
        self.toolbar.clean_button.setEnabled(shown is self.columns)

    def _show_cleaning(self, on: bool) -> None:
        self.views.setCurrentIndex(int(on))
        self._enable()
        self._look_over_again()
        (self.cleaning.view if on else self.tree).setFocus()

    def _look_over_again(self) -> None:
        if self.toolbar.clean_button.isChecked():
            self.cleaning.show_waiting()
            self.desk.look_over(self._on_findings)

    def _on_findings(self, found: tuple[list[Finding], list[Finding]]) -> None:
        self.cleaning.show_findings(found)
        self.desk.locate(self.cleaning.references(), self.cleaning.show_pictures)

    # helpers

    def _class(self) -> Label | None:
        node = self.tree.node()
        return node if node is not None and node[1] is not None else None

    def _references(self, node: Node) -> list[Reference]:
        coarse, fine = node
        return [one for one in self.desk.contents.references if one.coarse == coarse and fine in (None, one.fine)]

    def _ask(self, ask: Ask, then: Callable[[str, str], None], without: str | None = None) -> None:
        types, type_of = self.desk.known()
        offered = {name: kind for name, kind in type_of.items() if name != without}
        self.box.ask(ask, types, offered, self.stack.mapTo(self, QPoint(296, 12)), then)

    def _teach(self, paths: Sequence[Path], label: Label) -> None:
        self._goal = label
        self.desk.teach(paths, label)

    def _relabel_class(self, old: Label, new: Label) -> None:
        self._goal = new
        self.desk.relabel_class(old, new)


def _heading(node: Node, count: int) -> str:
    coarse, fine = node
    photos = f"{count:,} reference photo{'' if count == 1 else 's'}"
    return f"{fine} · {coarse} · {photos}" if fine is not None else f"{coarse} · {photos}"


def _local(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
