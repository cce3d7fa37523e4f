"""What a person can do on the page Train: with the trainings, in the form of a new one, with a study."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.widgets import standard_actions as standard
from app.ui.widgets.action import Action, ActionSet

_TRAININGS, _FORM, _STUDY = "trainings", "new training", "study"


@dataclass(frozen=True)
class TrainPageState:
    """What is on show.

    Attributes: has_trainings: there are trainings.
        place, waiting: of the chosen training in the queue, 1 for the next; how long the queue is.
        has_report: the study that is open wrote a report.
    """

    has_trainings: bool = False
    place: int = 0
    waiting: int = 0
    has_report: bool = False


def _with_trainings(state: TrainPageState) -> bool:
    return state.has_trainings


_Action = Action[TrainPageState]
NEW_TRAINING: _Action = Action("train.new", "new training", ("Ctrl+N",), icon="plus", view=_TRAININGS)
ADD_RUN: _Action = Action(
    "train.add_run",
    "add the folder of a training that was started elsewhere",
    icon="folder-plus",
    view=_TRAININGS,
)
LOG_AXIS: _Action = Action(
    "train.log_axis",
    "logarithmic axis of the curves",
    ("L",),
    icon="chart-line",
    view=_TRAININGS,
    enabled=_with_trainings,
)
TRAINER_LOG: _Action = Action(
    "train.log",
    "show the trainer's log",
    ("P",),
    icon="list-checks",
    view=_TRAININGS,
    enabled=_with_trainings,
)
FIND_IN_LOG: _Action = Action("train.find_in_log", "find in the log", ("Ctrl+F",), view=_TRAININGS)
EXPORT_CURVES: _Action = Action(
    "train.export", "export the curves", icon="download", view=_TRAININGS, enabled=_with_trainings
)
EXPORT_TABLE: _Action = Action(
    "train.export_table", "figures of the runs on show (.csv)…", menu="export", view=_TRAININGS
)
EXPORT_PICTURE: _Action = Action(
    "train.export_picture", "picture of the curves (.png)…", menu="export", view=_TRAININGS
)
SOONER: _Action = Action(
    "train.sooner", "start it sooner", ("Alt+Up",), view=_TRAININGS, enabled=lambda state: state.place > 1
)
LATER: _Action = Action(
    "train.later",
    "start it later",
    ("Alt+Down",),
    view=_TRAININGS,
    enabled=lambda state: state.place < state.waiting,
)
ALL_SETTINGS: _Action = Action("train.all_settings", "all settings of a new training", ("Ctrl+E",), view=_FORM)
FIND_SETTING: _Action = Action("train.find_setting", "search the settings", ("Ctrl+F",), view=_FORM)
SHOW_ALL_SETTINGS: _Action = Action("train.show_all_settings", "clear the search", ("Esc",), view=_FORM)
PUT_BACK: _Action = Action("train.put_back", "reset a setting to the recipe's value", ("Ctrl+B",), view=_FORM)
OPEN_STUDY: _Action = Action("train.open_study", "open a study", ("S",), icon="table-2", view=_TRAININGS)
CLOSE_STUDY: _Action = Action(
    "train.close_study", "back to the trainings", ("Esc",), icon="corner-up-left", view=_STUDY
)
STUDY_REPORT: _Action = Action(
    "train.study_report",
    "open the study's report",
    ("Ctrl+R",),
    icon="file-output",
    view=_STUDY,
    enabled=lambda state: state.has_report,
)

ON_PAGE: ActionSet[TrainPageState] = ActionSet(
    "Train",
    (
        *(NEW_TRAINING, ALL_SETTINGS, FIND_SETTING, SHOW_ALL_SETTINGS, PUT_BACK, LOG_AXIS, TRAINER_LOG),
        *(FIND_IN_LOG, SOONER, LATER, OPEN_STUDY, CLOSE_STUDY, STUDY_REPORT),
        *(ADD_RUN, EXPORT_CURVES, EXPORT_TABLE, EXPORT_PICTURE),
        standard.THEME,
    ),
)
