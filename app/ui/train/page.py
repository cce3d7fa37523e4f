"""The page Train: the trainings of this user, their curves, and a new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.core.system import paths
from app.core.training.runs import HOW_TO_INSTALL, TrainingState, missing_libraries
from app.core.training.training_watch import Curves, TrainingRow
from app.ui.background.model_loading import Loaded
from app.ui.page.context import PageContext
from app.ui.page.page import Page
from app.ui.train import actions
from app.ui.train.data_chooser import LABELLED, SurveyRequest
from app.ui.train.log_view import LogView
from app.ui.train.model_comparison import ComparisonJob
from app.ui.train.pace_measurement import PaceMeasurement
from app.ui.train.study.study_view import StudyView
from app.ui.train.toolbar import TrainToolbar
from app.ui.train.training_detail import TrainingDetail
from app.ui.train.training_list import TrainingList
from app.ui.train.training_session import Surveyed, TrainingLook, TrainingSession
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.basics import Splitter, bind, frame
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.file_dialogs import ask_place
from model.contract.commands import PaceReport

if TYPE_CHECKING:
    from app.ui.train.curves_panel import CurvesPanel
    from app.ui.train.new_training import NewTraining

_ENDS = {
    TrainingState.FINISHED: "has finished",
    TrainingState.STOPPED: "has stopped",
    TrainingState.FAILED: "has failed",
}


class TrainPage(Page):
    """Joins the session with its views."""

    id, icon, key = "train", "graduation-cap", "5"
    action_set = actions.ON_PAGE

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._project, self._signals = context.project, context.signals
        self._gpu = False
        self._rows: dict[str, TrainingRow] = {}
        self.session = TrainingSession(paths.runs_folder(), self)
        self._project.closer.add_user(self.session.reading)
        self.toolbar = TrainToolbar()
        self.list, self.detail, self.log = (
            TrainingList(),
            TrainingDetail(can_compare=not missing_libraries()),
            LogView(),
        )
        self.curves: CurvesPanel | None = None
        self.form: NewTraining | None = None
        self.measuring, self.comparing = PaceMeasurement(self), ComparisonJob(self)
        self.jobs = (self.comparing.jobs,)
        self._in_use: tuple[Path, str] | None = None
        self.study = StudyView()
        self.empty = self._make_empty()
        self._lay_out()
        self.splitters = (self.columns, self.rows, self.study.rows)
        self._connect()
        self.toolbar.set_filled(False)

    def _make_empty(self) -> EmptyState:
        beneath = "It learns your types and classes on this computer, and keeps running when the window is closed."
        if missing_libraries():
            beneath = f"Training needs more libraries than identifying. Install them with  {HOW_TO_INSTALL}"
        return EmptyState("graduation-cap", "Train a model on your own photos", beneath, "new training")

    def _lay_out(self) -> None:
        side = frame("panel")
        self._side = QVBoxLayout(side)
        self._side.setContentsMargins(0, 0, 0, 0)
        self._side.setSpacing(0)
        self._side.addWidget(self.list, 1)
        self._side.addWidget(self.detail)
        side.setMinimumWidth(280)
        self.columns = Splitter("train", Qt.Orientation.Horizontal)
        self.columns.addWidget(side)
        self._right = QStackedWidget()
        self.rows = Splitter("trainer's log", Qt.Orientation.Vertical)
        self.rows.addWidget(self._right)
        self.rows.addWidget(self.log)
        self.rows.set_defaults([480, 220])
        self.log.hide()
        self.columns.addWidget(self.rows)
        self.columns.setStretchFactor(1, 1)
        self.columns.set_defaults([320, 880])
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.columns)
        self._trainings = QWidget()
        own = QVBoxLayout(self._trainings)
        own.setContentsMargins(0, 0, 0, 0)
        own.setSpacing(0)
        own.addWidget(self.toolbar)
        own.addWidget(self._stack, 1)
        self._views = QStackedWidget()
        self._views.addWidget(self._trainings)
        self._views.addWidget(self.study)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.errors)
        whole.addWidget(self._views, 1)

    def _connect(self) -> None:
        session, toolbar, detail = self.session, self.toolbar, self.detail
        session.looked.connect(self._on_looked)
        session.problem.connect(self._on_problem)
        session.said.connect(self.said)
        session.begun.connect(self._on_begun)
        self.list.chosen.connect(lambda _name: self._on_chosen())
        self.list.shown_changed.connect(self._on_shown)
        self.measuring.changed.connect(self._show_measuring)
        self.measuring.measured.connect(self._on_measured)
        self.measuring.failed.connect(self._on_problem)
        self.comparing.changed.connect(self._show_versus)
        self.comparing.found.connect(self._show_versus)
        self.comparing.failed.connect(self._on_problem)
        detail.comparison_wanted.connect(self._compare)
        self.empty.asked.connect(self.ask_new)
        toolbar.new_button.clicked.connect(self.ask_new)
        toolbar.add_button.clicked.connect(self.ask_folder)
        toolbar.study_button.clicked.connect(self.ask_study)
        self.study.session.read.connect(self._enter_study)
        self.study.session.problem.connect(lambda words: self._on_problem(words, ""))
        self.study.left.connect(self._leave_study)
        self.study.theme_wanted.connect(self.theme_wanted)
        toolbar.theme_button.clicked.connect(self.theme_wanted)
        toolbar.smoothing_changed.connect(self._on_smoothing)
        toolbar.log_button.toggled.connect(self._on_log)
        toolbar.trainer_button.toggled.connect(self._show_log)
        toolbar.table_wanted.connect(self.export_table)
        toolbar.picture_wanted.connect(self.export_picture)
        detail.stop_wanted.connect(lambda: session.stop_run(self.current()))
        detail.resume_wanted.connect(lambda: session.resume(self.current()))
        detail.remove_wanted.connect(lambda: session.remove(self.current()))
        detail.use_wanted.connect(self._use)
        detail.sooner_wanted.connect(lambda: self._move(-1))
        detail.later_wanted.connect(lambda: self._move(1))
        for key, act in (
            (actions.NEW_TRAINING, self.ask_new),
            (actions.LOG_AXIS, toolbar.log_button.toggle),
            (actions.TRAINER_LOG, toolbar.trainer_button.click),
            (actions.SOONER, lambda: self._move(-1)),
            (actions.LATER, lambda: self._move(1)),
            (actions.OPEN_STUDY, self.ask_study),
        ):
            bind(self._trainings, key, act)
        bind(self, standard.THEME, self.theme_wanted.emit)

    # what a person does

    def ask_new(self) -> None:
        """Ask for the data and settings of a new training."""
        # the trainer's settings take a tenth of a second to load; the session has loaded them by now
        from app.ui.train.new_training import NewTraining

        form = self.form = NewTraining(missing_libraries(), gpu=self._gpu, taken=set(self._rows), parent=self)
        form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        form.data.survey_wanted.connect(self._survey)
        form.name_wanted.connect(self._check_name)
        form.agreed.connect(self.session.begin)
        form.pace_wanted.connect(self.measuring.start)
        form.pace_unwanted.connect(self.measuring.cancel)
        form.finished.connect(self._forget_form)
        self.session.paces(lambda found: self.form.show_paces(*found) if self.form is not None else None)
        self.session.starts(lambda found: self.form.show_starts(found) if self.form is not None else None)
        self._check_name(form.name.text())
        self._show_measuring()
        form.open()

    def ask_folder(self) -> None:
        """Ask for the folder of a training that was started elsewhere."""
        name = QFileDialog.getExistingDirectory(self, "The folder of a training run", str(Path.home()))
        if name:
            self.session.adopt(Path(name))

    def ask_study(self) -> None:
        """Ask for the folder of a study and show it."""
        name = QFileDialog.getExistingDirectory(self, "The folder of a study", str(Path.home()))
        if name:
            self.errors.clear()
            self.said.emit(f"reading {Path(name).name}")
            self.study.session.open(Path(name))

    def export_table(self) -> None:
        """The figures of the runs on show, as CSV."""
        chosen = ask_place(self, "Export the figures", Path.home() / "curves.csv", "*.csv", ".csv")
        if chosen is not None:
            self.session.write_table(chosen)

    def export_picture(self) -> None:
        """The curves as PNG."""
        chosen = ask_place(self, "Export the curves", Path.home() / "curves.png", "*.png", ".png")
        if chosen is not None and self.curves is not None:
            self.session.write_picture(self.curves.picture(), chosen)

    def current(self) -> str:
        """The name of the chosen training."""
        item = self.list.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item else ""

    # what happens

    def use_model(self, loaded: Loaded) -> None:
        """Another identification model is in use."""
        self._in_use = (loaded.path, loaded.info.fingerprint)
        self._gpu = loaded.provider.used == "CUDA"
        self.detail.use_model(loaded.info)
        self._show_versus()

    def theme_changed(self, dark: bool) -> None:
        """Colours of the other theme."""
        self.toolbar.theme_changed(dark)
        self.study.theme_changed(dark)
        self.log.apply_theme()
        if self.curves is not None:
            self.curves.apply_theme()
            self._draw({})

    def focus(self) -> None:
        """Give the keys to the list of trainings, or to the button if there are none."""
        (self.list if self._rows else self.empty.button).setFocus()

    def stop(self) -> None:
        """Wait for this page's workers; the trainings continue."""
        self.measuring.cancel()
        self.comparing.cancel()
        self.session.stop()
        self.study.stop()

    def showEvent(self, event: QShowEvent) -> None:
        """Update more often."""
        super().showEvent(event)
        self.session.set_in_sight(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Update less often."""
        super().hideEvent(event)
        self.session.set_in_sight(False)

    def _on_looked(self, look: TrainingLook) -> None:
        rows = look.rows
        before, self._rows = self._rows, {row.record.name: row for row in rows}
        self._stack.setCurrentIndex(1 if rows else 0)
        self.toolbar.set_filled(bool(rows))
        self.list.show_rows(rows)
        self._show_detail()
        if rows and self.isVisible() and (look.curves or self.curves is None):
            self._draw(look.curves)
        if look.printed is not None and look.log_of == self.current():
            self.log.take(look.printed)
        for name, row in self._rows.items():
            was = before.get(name)
            if was is not None and was.state is not row.state and row.state in _ENDS:
                self.said.emit(f"training '{name}' {_ENDS[row.state]}")

    def _on_problem(self, text: str, details: str) -> None:
        if text != self.errors.text():  # what fails at every update is reported once
            self.errors.show_problem(text, details)

    def _draw(self, curves: Mapping[str, Curves]) -> None:
        if self.curves is None:
            # pyqtgraph takes half a second to load, which the window's start and the other pages avoid
            from app.ui.train.curves_panel import CurvesPanel

            self.curves = CurvesPanel()
            self._right.addWidget(self.curves)
            self._on_log(self.toolbar.log_button.isChecked())
        self.curves.take(curves, self.list.colours(), self.list.shown())

    def _on_shown(self) -> None:
        self.session.show_only(self.list.shown())
        if self.curves is not None:
            self._draw({})

    def _on_smoothing(self, share: float) -> None:
        self.session.smoothing = share
        self.session.look()

    def _on_log(self, on: bool) -> None:
        if self.curves is not None:
            self.curves.set_log(on)

    def _on_chosen(self) -> None:
        self._show_detail()
        if self.log.isVisibleTo(self):
            self._follow_log()

    def _show_detail(self) -> None:
        self.detail.show_row(self._rows.get(self.current()))
        self._show_versus()

    def _show_versus(self) -> None:
        row, found = self._rows.get(self.current()), None
        if row is not None and self._in_use is not None:
            found = self.comparing.known(row.record.folder, self._in_use[1])
        self.detail.show_versus(found, self.comparing.active())

    def _compare(self) -> None:
        row = self._rows.get(self.current())
        if row is not None and self._in_use is not None:
            self.comparing.start(row.record.folder, *self._in_use)

    def _show_log(self, on: bool) -> None:
        self.log.setVisible(on)
        self._follow_log()

    def _follow_log(self) -> None:
        name = self.current() if self.log.isVisibleTo(self) else ""
        if name != self.session.log_of:
            self.log.clear(name)
            self.session.log_of = name
            self.session.look()

    def _move(self, places: int) -> None:
        row = self._rows.get(self.current())
        if row is not None and row.place:
            self.session.move(row.record.name, places)

    def _survey(self, request: SurveyRequest) -> None:
        def put(found: Surveyed) -> None:
            if self.form is not None and request is self.form.data.awaited:
                self.form.data.show_survey(*found)

        if request.kind == LABELLED:
            self.session.survey_labelled(self._project.project, self._project.model, request.also, put)
        else:
            self.session.survey(request.kind, request.place, request.also, put)

    def _check_name(self, name: str) -> None:
        def put(problem: str) -> None:
            if self.form is not None:
                self.form.show_name(name, problem)

        self.session.check_name(name, put)

    def _on_begun(self, name: str, problem: str) -> None:
        if self.form is not None and self.form.starting == name:
            self.form.show_begun(problem)
        elif problem:
            self._on_problem(problem, "")

    def _enter_study(self) -> None:
        if self._views.currentWidget() is not self.study:
            self._views.setCurrentWidget(self.study)
            self.study.table.setFocus()
            self.said.emit("")

    def _leave_study(self) -> None:
        self.study.session.close()
        self._views.setCurrentWidget(self._trainings)
        self.focus()

    def _forget_form(self) -> None:
        self.form = None
        self.measuring.cancel()

    def _show_measuring(self) -> None:
        if self.form is not None:
            trains = any(row.state in (TrainingState.RUNNING, TrainingState.STOPPING) for row in self._rows.values())
            self.form.show_measuring(self.measuring.active(), trains)

    def _on_measured(self, pace: PaceReport) -> None:
        def put(measured: list[PaceReport]) -> None:
            if self.form is not None:
                self.form.show_paces(None, measured)

        self.session.keep_pace(pace, put)

    def _use(self) -> None:
        row = self._rows.get(self.current())
        if row is not None and row.model is not None:
            self._signals.model_chosen.emit(row.model)
