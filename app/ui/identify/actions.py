"""What a person can do on the page Identify."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet


@dataclass(frozen=True)
class IdentifyPageState:
    """Whether there is an identification model (or one is being loaded), and whether photos are open."""

    has_model: bool = False
    has_photo: bool = False


def _on_photo(state: IdentifyPageState) -> bool:
    return state.has_model and state.has_photo


_Action = Action[IdentifyPageState]
OPEN: _Action = Action("identify.open", "open photos", ("Ctrl+O",), icon="image")
PASTE: _Action = Action("identify.paste", "paste a photo or files", ("Ctrl+V",), icon="clipboard-paste")
FIT: _Action = standard.FIT.when(_on_photo)
ACTUAL: _Action = standard.ACTUAL.when(_on_photo)
CROP: _Action = Action(
    "identify.crop", "draw a crop box, also with Shift and drag", ("B",), icon="crop", enabled=_on_photo
)
COMPARE: _Action = standard.COMPARE.when(_on_photo)
HEAT: _Action = standard.HEAT.when(_on_photo)

ON_PAGE: ActionSet[IdentifyPageState] = ActionSet(
    "Identify",
    (
        *(OPEN, standard.FOLDER, PASTE, standard.NEXT, standard.PREVIOUS, FIT, ACTUAL, CROP, COMPARE, HEAT),
        *(standard.BACK, standard.THEME),
    ),
)
