"""What a person can do on every page, and the actions of all pages as the list of keys shows them."""

from __future__ import annotations

from typing import Any

from app.ui.explore import actions as explore
from app.ui.gallery import actions as gallery
from app.ui.identify import actions as identify
from app.ui.review import actions as review
from app.ui.train import actions as train
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet

MODEL_MENU: Action[object] = Action("window.model_menu", "choose the identification model", ("Ctrl+I",))
MODEL_FILE: Action[object] = Action("window.model_file", "use another model file…", menu="model")
IDENTIFY: Action[object] = Action("window.identify", "the page Identify", ("1",), icon="scan-search")
REVIEW: Action[object] = Action("window.review", "the page Review", ("2",), icon="list-checks")
GALLERY: Action[object] = Action("window.gallery", "the page Gallery", ("3",), icon="library-big")
EXPLORE: Action[object] = Action("window.explore", "the page Explore", ("4",), icon="chart-scatter")
TRAIN: Action[object] = Action("window.train", "the page Train", ("5",), icon="graduation-cap")
HELP: Action[object] = Action("window.help", "show these keys", ("?",), icon="keyboard")

OF_WINDOW: ActionSet[object] = ActionSet(
    "Keys", (MODEL_MENU, MODEL_FILE, IDENTIFY, REVIEW, GALLERY, EXPLORE, TRAIN, HELP)
)
OF_PAGES: tuple[ActionSet[Any], ...] = (
    *(identify.ON_PAGE, review.ON_PAGE, gallery.ON_PAGE, explore.ON_PAGE, train.ON_PAGE),
)

_EVERYWHERE: tuple[Action[Any], ...] = (
    *(identify.OPEN, standard.FOLDER, identify.PASTE, standard.NEXT, standard.PREVIOUS, standard.FIT),
    *(standard.ACTUAL, standard.COMPARE, standard.HEAT, standard.BACK, standard.UNDO, standard.REDO, standard.THEME),
    *OF_WINDOW,
)


def sections() -> dict[str, list[Action[Any]]]:
    """The list of keys: those of many pages, then those of each page."""
    listed = {action.id for action in _EVERYWHERE}
    own = {page.title: [action for action in page if action.id not in listed] for page in OF_PAGES}
    whole = {OF_WINDOW.title: [*_EVERYWHERE], **own}
    return {title: [action for action in actions if action.keys] for title, actions in whole.items()}
