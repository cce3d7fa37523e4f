"""What a person can do on the page Explore."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.explore.map_export import FORMATS
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet, always


@dataclass(frozen=True)
class ExplorePageState:
    """Whether there are points on the map, and whether some that are photos of the project are chosen."""

    has_points: bool = False
    has_chosen: bool = False


def _with_points(state: ExplorePageState) -> bool:
    return state.has_points


def _with_chosen(state: ExplorePageState) -> bool:
    return state.has_chosen


_Action = Action[ExplorePageState]
SHOW_MAP: _Action = Action("explore.show_map", "the map", ("M",), icon="chart-scatter")
SHOW_CONFUSIONS: _Action = Action(
    "explore.show_confusions", "classes that are taken for each other", ("C",), icon="arrow-left-right"
)
SHOW_HIERARCHY: _Action = Action(
    "explore.show_hierarchy", "types that are taken for each other", ("H",), icon="grid-3x3"
)
MOVE_MAP: _Action = Action("explore.move_map", "move the map by dragging", ("V",), icon="move", enabled=_with_points)
LASSO: _Action = Action("explore.lasso", "choose points with a lasso", ("L",), icon="lasso", enabled=_with_points)
BOX: _Action = Action("explore.box", "choose points in a box", ("B",), icon="square-dashed", enabled=_with_points)
FIT_MAP: _Action = Action("explore.fit_map", "fit the map to the window", ("F",), icon="maximize", enabled=_with_points)
FIND_CURRENT: _Action = Action(
    "explore.find_current",
    "find the photo that is current in Review",
    ("G",),
    icon="crosshair",
    enabled=_with_points,
)
FIND_ON_MAP: _Action = Action(
    "explore.find", "find photos on the map by name or class", ("Ctrl+F",), enabled=_with_points
)
# they belong to the project, and the page does not know its steps
UNDO: _Action = standard.UNDO.when(always)
REDO: _Action = standard.REDO.when(always)
UNFOLD: _Action = Action(
    "explore.unfold",
    "unfold the map: neighbours together, the rest apart (t-SNE)",
    icon="play",
    enabled=_with_points,
)
SHARES: _Action = Action("explore.shares", "shares of each type's photos instead of counts")
SAVE_MAP: _Action = Action(
    "explore.save_map",
    "save the map as picture, drawing or table",
    icon="download",
    enabled=_with_points,
)
SAVE_AS: dict[str, _Action] = {
    kind: Action(f"explore.save_{kind}", f"{text} (.{kind})…", menu="save") for kind, text in FORMATS.items()
}
RELABEL: _Action = Action("explore.relabel", "give the chosen photos another label", ("R",), enabled=_with_chosen)
ENROL: _Action = standard.ENROL.when(_with_chosen)
OPEN_CHOSEN: _Action = Action(
    "explore.open_chosen",
    "open the chosen photos in Review",
    ("Return", "Enter"),
    enabled=_with_chosen,
)

ON_PAGE: ActionSet[ExplorePageState] = ActionSet(
    "Explore",
    (
        *(SHOW_MAP, SHOW_CONFUSIONS, SHOW_HIERARCHY, MOVE_MAP, LASSO, BOX, FIT_MAP, FIND_CURRENT, FIND_ON_MAP),
        *(RELABEL, ENROL, OPEN_CHOSEN),
        *(UNFOLD, SHARES, SAVE_MAP, *SAVE_AS.values()),
        *(standard.FOLDER, UNDO, REDO, standard.BACK, standard.THEME),
    ),
)
