"""Actions that several pages have, with the same keys on all of them."""

from __future__ import annotations

from typing import Protocol

from app.ui.widgets.action import Action


class Steps(Protocol):
    """The state of a page that can undo."""

    @property
    def undo(self) -> str | None:
        """The title of the step that can be undone."""

    @property
    def redo(self) -> str | None:
        """The title of the step that can be redone."""


FOLDER: Action[object] = Action("folder", "open a folder", ("Ctrl+Shift+O",), icon="folder-open")
NEXT: Action[object] = Action("next", "next photo", ("J", "Right"))
PREVIOUS: Action[object] = Action("previous", "previous photo", ("K", "Left"))
FIT: Action[object] = Action("fit", "fit the photo to the window", ("F",), icon="expand")
ACTUAL: Action[object] = Action("actual", "one pixel to one pixel, also by double-click", ("O",))
COMPARE: Action[object] = Action("compare", "side by side with a neighbour", ("Space",), icon="columns-2")
HEAT: Action[object] = Action("heat", "show where the answer comes from", ("H",), icon="flame")
BACK: Action[object] = Action("back", "back: close side by side, clear the crop box", ("Esc",))
UNDO: Action[Steps] = Action("undo", "undo", ("Ctrl+Z",), icon="undo-2", enabled=lambda state: state.undo is not None)
REDO: Action[Steps] = Action(
    "redo", "redo", ("Ctrl+Shift+Z", "Ctrl+Y"), icon="redo-2", enabled=lambda state: state.redo is not None
)
THEME: Action[object] = Action("theme", "change between dark and light", ("Ctrl+T",), icon="sun")
ENROL: Action[object] = Action("enrol", "enrol the chosen photos in the gallery", ("E",), icon="library-big")
