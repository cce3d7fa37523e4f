"""Commands for classes and reference photos: ask for name and type if needed, then call the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Signal

from app.core.teaching.job_result import photos
from app.ui.gallery.class_name_box import Ask, AskBox
from app.ui.gallery.class_tree import ClassTree
from app.ui.gallery.gallery_session import GalleryClass, GallerySession
from app.ui.gallery.reference_cards import ReferenceCards


class Commands(QObject):
    """Acts on the choice in the tree and among the cards.

    Signals:
        photos_wanted: (GalleryClass) ask for photos of this class
        problem: (text)

    Attributes:
        enabled: whether there is a gallery that classes can be added to.
        goal: the class that becomes current as soon as it exists.
    """

    photos_wanted = Signal(GalleryClass)
    problem = Signal(str)

    def __init__(
        self, session: GallerySession, tree: ClassTree, cards: ReferenceCards, box: AskBox, at: Callable[[], QPoint]
    ) -> None:
        """`at`: where the box appears."""
        super().__init__(session)
        self._session, self._tree, self._cards, self._box, self._at = session, tree, cards, box, at
        self.enabled = False
        self.goal: GalleryClass | None = None

    def new_class(self) -> None:
        """Ask for a name and a type, then for photos."""
        if not self.enabled:
            return
        node = self._tree.node()
        ask = Ask("New class", "choose photos", kind=node.coarse if node is not None else "")
        self._ask(ask, self.photos_wanted.emit)

    def add_photos(self) -> None:
        """Ask for more photos of the chosen class."""
        node = self._class()
        if node is not None:
            self.photos_wanted.emit(node)

    def teach(self, paths: Sequence[Path], node: GalleryClass | None) -> None:
        """Add photos and folders to a class; for a type, or for None, ask for the name first."""
        if node is not None and node.fine is not None:
            self._teach(paths, node)
            return
        kind = node.coarse if node is not None else ""
        if len(paths) == 1:  # a folder suggests its name; drives can hang, so they are not looked at here
            self._session.later(paths[0].is_dir, partial(self._ask_new_class, paths, kind))
        else:
            self._ask_new_class(paths, kind, False)

    def rename(self) -> None:
        """Ask for another name of the chosen class."""
        node = self._class()
        if node is not None:
            ask = Ask(f"Rename {node.fine}", "rename", "merge", name=node.fine or "", kind=node.coarse, lines=("name",))
            self._ask(ask, partial(self._relabel_class, node), without=node.fine)

    def merge(self) -> None:
        """Ask for the class that takes the chosen one in."""
        node = self._class()
        if node is not None:
            ask = Ask(f"Merge {node.fine} into", "merge", lines=("name",), only_known=True)
            self._ask(ask, partial(self._relabel_class, node), without=node.fine)

    def move_class(self) -> None:
        """Ask for another type of the chosen class."""
        node = self._class()
        if node is None:
            return
        known = self._session.taxonomy
        if known is not None and node.fine in known.fine_index:
            it_knows = f"The identification model itself knows {node.fine} as {node.coarse}."
            self.problem.emit(f"{it_knows} Only your own classes can be moved.")
            return
        ask = Ask(f"Move {node.fine} to the type", "move", name=node.fine or "", kind=node.coarse, lines=("kind",))
        self._ask(ask, partial(self._relabel_class, node))

    def relabel(self) -> None:
        """Ask for another class of the chosen photos."""
        chosen = self._cards.chosen()
        if chosen:
            ask = Ask(f"Another class for {photos(len(chosen))}", "relabel", kind=chosen[0].coarse)
            self._ask(ask, partial(self._session.relabel, chosen))

    def remove_photos(self) -> None:
        """Remove the chosen photos from the gallery; the class itself only on request."""
        if self._cards.chosen():
            self._session.remove(self._cards.chosen())

    def remove(self) -> None:
        """Remove the chosen photos from the gallery, else the chosen class or type."""
        node = self._tree.node()
        if self._cards.chosen():
            self.remove_photos()
        elif node is not None and node.fine is not None:
            self._session.remove_class(node)
        elif node is not None:
            self._session.remove(self._session.of(node))

    def _class(self) -> GalleryClass | None:
        node = self._tree.node()
        return node if node is not None and node.fine is not None else None

    def _ask(self, ask: Ask, then: Callable[[GalleryClass], None], without: str | None = None) -> None:
        types, type_of = self._session.known()
        offered = {name: kind for name, kind in type_of.items() if name != without}
        self._box.ask(ask, types, offered, self._at(), lambda coarse, fine: then(GalleryClass(coarse, fine)))

    def _ask_new_class(self, paths: Sequence[Path], kind: str, is_folder: bool) -> None:
        what = paths[0].name if len(paths) == 1 else photos(len(paths))
        name = paths[0].name if is_folder else ""
        ask = Ask(f"New class from {what}", "add class", "add photos", name=name, kind=kind)
        self._ask(ask, partial(self._teach, paths))

    def _teach(self, paths: Sequence[Path], label: GalleryClass) -> None:
        self.goal = label
        self._session.teach(paths, label)

    def _relabel_class(self, old: GalleryClass, new: GalleryClass) -> None:
        self.goal = new
        self._session.relabel_class(old, new)
