"""What a person can do on the page Gallery."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet


@dataclass(frozen=True)
class GalleryPageState:
    """What the gallery in use allows, and the current choice.

    Attributes:
        ready: there is a gallery, or one can be chosen.
        can_change: classes can be added.
        filled: there are reference photos.
        adds_only: a team shares it, so photos can only be added.
        is_class, is_type: a class or a type is chosen.
        photos: number of chosen reference photos. undo, redo: titles of the steps that can be undone and redone.
    """

    ready: bool = False
    can_change: bool = False
    filled: bool = False
    adds_only: bool = False
    is_class: bool = False
    is_type: bool = False
    photos: int = 0
    undo: str | None = None
    redo: str | None = None


def _ready(state: GalleryPageState) -> bool:
    return state.ready


def _own(state: GalleryPageState) -> bool:
    return not state.adds_only


def _own_class(state: GalleryPageState) -> bool:
    return state.is_class and not state.adds_only


def _removable(state: GalleryPageState) -> bool:
    return (state.is_class or state.is_type or state.photos > 0) and not state.adds_only


_Action = Action[GalleryPageState]
NEW_CLASS: _Action = Action(
    "gallery.new_class", "new class", ("Ctrl+N",), icon="plus", enabled=lambda state: state.can_change
)
ADD_PHOTOS: _Action = Action(
    "gallery.add_photos",
    "add photos to the class",
    ("Ctrl+O",),
    icon="image-plus",
    enabled=lambda state: state.is_class,
)
RENAME: _Action = Action("gallery.rename", "rename the class", ("F2",), icon="pencil", enabled=_own_class)
MERGE: _Action = Action(
    "gallery.merge", "merge the class into another one", ("Ctrl+M",), icon="merge", enabled=_own_class
)
MOVE: _Action = Action(
    "gallery.move", "move the class to another type", ("Ctrl+Shift+M",), icon="folder-tree", enabled=_own_class
)
RELABEL: _Action = Action(
    "gallery.relabel",
    "another class for the chosen photos",
    ("R",),
    icon="tag",
    enabled=lambda state: state.photos > 0 and not state.adds_only,
)
REMOVE: _Action = Action(
    "gallery.remove", "remove the chosen photos, or the class", ("Del",), icon="trash-2", enabled=_removable
)
CLEAN_UP: _Action = Action(
    "gallery.clean_up",
    "clean up",
    ("Ctrl+L",),
    icon="brush-cleaning",
    enabled=lambda state: state.can_change and state.filled,
)
SEARCH: _Action = Action("gallery.search", "search classes", ("Ctrl+F",))
MENU: _Action = Action(
    "gallery.menu", "choose, import or export a gallery", ("Ctrl+G",), icon="library-big", enabled=_ready
)
USE_OWN: _Action = Action(
    "gallery.use_own", "use your own gallery, which starts from the supplied one", menu="gallery/use"
)
USE_FILE: _Action = Action("gallery.use_file", "use another gallery file…", menu="gallery/use")
USE_SHARED: _Action = Action("gallery.use_shared", "use a gallery that a team shares…", menu="gallery/use")
IMPORT: _Action = Action("gallery.import", "import a gallery into this one…", menu="gallery/transfers", enabled=_own)
EXPORT: _Action = Action(
    "gallery.export",
    "export this gallery as one file…",
    menu="gallery/transfers",
    enabled=lambda state: state.filled,
)
LOCATE: _Action = Action(
    "gallery.locate",
    "locate pictures that have moved",
    ("Ctrl+Shift+L",),
    menu="gallery/pictures",
    menu_title="locate pictures…",
    icon="folder-open",
    enabled=lambda state: state.filled and not state.adds_only,
)
REEMBED: _Action = Action(
    "gallery.reembed", "re-embed references of other models", menu="gallery/pictures", enabled=_own
)

ON_PAGE: ActionSet[GalleryPageState] = ActionSet(
    "Gallery",
    (
        *(NEW_CLASS, ADD_PHOTOS, RENAME, MERGE, MOVE, RELABEL, REMOVE, CLEAN_UP, SEARCH, MENU),
        *(USE_OWN, USE_FILE, USE_SHARED, IMPORT, EXPORT, LOCATE, REEMBED),
        *(standard.UNDO, standard.REDO, standard.BACK, standard.THEME),
    ),
)
