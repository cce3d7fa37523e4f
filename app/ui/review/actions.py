"""What a person can do on the page Review."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.export.exporters import EXPORTERS
from app.ui.project import actions as project
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet


@dataclass(frozen=True)
class ReviewPageState:
    """Whether the project has photos, and the titles of the steps that can be undone and done again."""

    has_photos: bool = False
    undo: str | None = None
    redo: str | None = None


def _with_photos(state: ReviewPageState) -> bool:
    return state.has_photos


_Action = Action[ReviewPageState]
FOLDER: _Action = replace(standard.FOLDER, title="identify a folder into this project", icon="folder-plus")
# the arrows belong to the list
NEXT: _Action = replace(standard.NEXT, keys=("J",))
PREVIOUS: _Action = replace(standard.PREVIOUS, keys=("K",))
WATCH: _Action = Action(
    "review.watch",
    "watch the folders of this project: photos are identified as they arrive",
    icon="eye",
    enabled=_with_photos,
)
ACCEPT_SUREST: _Action = Action(
    "review.accept_surest",
    "accept all answers above a confidence, with a preview",
    icon="check",
    enabled=_with_photos,
)
SUGGEST: _Action = Action(
    "review.suggest",
    "groups that are probably shown as the wrong class",
    icon="lightbulb",
    enabled=_with_photos,
)
THRESHOLDS: _Action = Action(
    "review.thresholds", "how sure an answer must be", icon="sliders-horizontal", enabled=_with_photos
)
TABLE: _Action = Action("review.table", "show the photos as a table", icon="table-2", enabled=_with_photos)
OUTPUT: _Action = Action(
    "review.output", "export, sidecars, filing, enrolment", icon="file-output", enabled=_with_photos
)
ACCEPT: _Action = Action("review.accept", "accept the answer", ("Return", "Enter"), icon="check")
RELABEL: _Action = Action("review.relabel", "give another label", ("R",), icon="tag")
TO_TYPE: _Action = Action("review.to_type", "keep the type only", ("C",), icon="corner-up-left")
TO_UNKNOWN: _Action = Action("review.to_unknown", "unknown", ("U",), icon="circle-question-mark")
EXCLUDE: _Action = Action("review.exclude", "exclude from exports and filing", ("X",), icon="ban")
ENROL: _Action = replace(standard.ENROL, menu="output/gallery")
CLEAR: _Action = Action("review.clear", "clear your label", ("Backspace",))
NEXT_UNDECIDED: _Action = Action("review.next_undecided", "next undecided photo", ("N",), icon="chevron-right")
PREVIOUS_UNDECIDED: _Action = Action("review.previous_undecided", "previous undecided photo", ("P",))
LIKE_THIS: _Action = Action("review.like_this", "select all that are shown as this class", ("S",))
SEARCH: _Action = Action("review.search", "search in file names and labels", ("Ctrl+F",))
LARGER: _Action = Action("review.larger", "larger thumbnails, also with Ctrl and wheel", ("Ctrl++", "Ctrl+="))
SMALLER: _Action = Action("review.smaller", "smaller thumbnails", ("Ctrl+-",))
EXPORTS: dict[str, _Action] = {
    kind: Action(f"review.export_{kind}", f"{one.words} ({one.suffix})…", menu="output/exports")
    for kind, one in EXPORTERS.items()
}
SIDECARS: _Action = Action("review.sidecars", "keywords beside the photos (XMP sidecars)", menu="output/photos")
COPIES: _Action = Action("review.copies", "copies of the photos with the keywords inside…", menu="output/photos")
FILING: _Action = Action("review.filing", "photos into folders by their labels…", menu="output/photos")

ON_PAGE: ActionSet[ReviewPageState] = ActionSet(
    "Review",
    (
        *(ACCEPT, RELABEL, TO_TYPE, TO_UNKNOWN, EXCLUDE, ENROL, CLEAR, NEXT_UNDECIDED, PREVIOUS_UNDECIDED),
        *(LIKE_THIS, SEARCH, LARGER, SMALLER),
        *(FOLDER, WATCH, ACCEPT_SUREST, SUGGEST, THRESHOLDS, TABLE, OUTPUT),
        *project.OF_PROJECT,
        *(*EXPORTS.values(), SIDECARS, COPIES, FILING),
        *(NEXT, PREVIOUS, standard.FIT, standard.ACTUAL, standard.COMPARE, standard.HEAT, standard.BACK),
        *(standard.UNDO, standard.REDO, standard.THEME),
    ),
)
