"""What a person can do on every page, and the actions of all pages as the list of keys shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.ui.identify import actions as identify
from app.ui.page.page import Page
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet

MODEL_MENU: Action[object] = Action("window.model_menu", "choose the identification model", ("Ctrl+I",))
MODEL_FILE: Action[object] = Action("window.model_file", "use another model file…", menu="model")
HELP: Action[object] = Action("window.help", "show these keys", ("?",), icon="keyboard")

_ON_MANY_PAGES: tuple[Action[Any], ...] = (
    *(identify.OPEN, standard.FOLDER, identify.PASTE, standard.NEXT, standard.PREVIOUS, standard.FIT),
    *(standard.ACTUAL, standard.COMPARE, standard.HEAT, standard.BACK, standard.UNDO, standard.REDO, standard.THEME),
)


def of_window(pages: Sequence[Page]) -> ActionSet[object]:
    """What the window does, whichever of its pages is on show."""
    return ActionSet("Keys", (MODEL_MENU, MODEL_FILE, *(page.show_action() for page in pages), HELP))


def sections(pages: Sequence[Page]) -> dict[str, list[Action[Any]]]:
    """The list of keys: those of many pages, then those of each page."""
    window = of_window(pages)
    everywhere = [*_ON_MANY_PAGES, *window]
    listed = {action.id for action in everywhere}
    sets = [page.action_set for page in pages]
    own = {one.title: [action for action in one if action.id not in listed] for one in sets}
    whole = {window.title: everywhere, **own}
    return {title: [action for action in actions if action.keys] for title, actions in whole.items()}
