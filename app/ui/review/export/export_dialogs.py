"""The questions before something leaves the project: where to, in which form. `ExportJobs` does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.export.exporters import EXPORTERS
from app.core.filing.filing import UnknownStepError
from app.core.filing.filing_plan import FilingPlan
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.project.records import KnownModel
from app.ui.project.open_project import OpenProject
from app.ui.review.export.export_jobs import ExportJobs
from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.review.export.trusting import TrustQuestion
from app.ui.review.export.unknown_step import UnknownStepDialog
from app.ui.review.toolbar import ReviewToolbar
from app.ui.widgets.file_dialogs import ChosenPlace, ask_place


class ExportDialogs(QObject):
    """Joins the menu of outputs with the jobs."""

    def __init__(self, project: OpenProject, outputs: ExportJobs, toolbar: ReviewToolbar, page: QWidget) -> None:
        super().__init__(page)
        self._project, self._outputs, self._page = project, outputs, page
        self._trusting = TrustQuestion(outputs.tasks, page)
        toolbar.export_wanted.connect(self.export)
        toolbar.sidecars_wanted.connect(self.write_sidecars)
        toolbar.copies_wanted.connect(self.write_copies)
        toolbar.filing_wanted.connect(self.file)
        toolbar.project_button.corrections_wanted.connect(self.bring_back)
        outputs.corrected.connect(lambda changed, found: project.take_labels(changed, found.labels))
        project.filing_step.connect(self._turn)
        outputs.files_changed.connect(project.reload)
        outputs.outdated.connect(project.reread)
        outputs.unknown.connect(self._ask_to_turn)
        project.unknown_step.connect(self._ask_to_settle)

    def export(self, kind: str) -> None:
        """Write the project's answers into a file, in one of the formats of EXPORTERS."""
        opened = self._open()
        if opened is not None:
            out = self._ask_place(kind, opened[0].path)
            if out is not None:
                self._outputs.export(*opened, kind, out, len(self._project.columns))

    def write_sidecars(self) -> None:
        """Write keywords beside the photos."""
        opened = self._open()
        if opened is not None:
            begin = partial(self._outputs.sidecars, *opened, len(self._project.columns))
            self._trusting.when_trusted(opened[0], begin)

    def write_copies(self) -> None:
        """Copy the labelled photos into a folder, with keywords inside."""
        opened = self._open()
        if opened is not None:
            name = QFileDialog.getExistingDirectory(self._page, "Copy the labelled photos into", str(Path.home()))
            if name:
                begin = partial(self._outputs.copies, *opened, Path(name), len(self._project.columns))
                self._trusting.when_trusted(opened[0], begin)

    def bring_back(self, table: Path) -> None:
        """Set the labels that were corrected in a table, as one step."""
        if self._project.project is not None:
            self._outputs.bring_back(self._project.project, table)

    def file(self) -> None:
        """Ask how to file photos into folders, and do it."""
        opened = self._open()
        if opened is None or not self._project.columns.paths:
            return
        project, model = opened
        dialog = FilingDialog(Path(self._project.columns.paths[0]).parent / "sorted", self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.plan_wanted.connect(partial(self._outputs.plan, project, model))
        self._outputs.planned.connect(dialog.show_plan)
        self._outputs.unplanned.connect(dialog.show_problem)
        self._project.opened.connect(dialog.reject)  # a saved copy has replaced this project

        def agreed(wanted: FilingPlan, move: bool) -> None:
            into = Path(dialog.folder.text())

            def begin() -> None:
                self._outputs.tasks.once(lambda: scanned_folders.remember(project, [into]), on=project)
                self._outputs.file(project, wanted, move=move)

            self._trusting.when_trusted(project, begin)

        dialog.agreed.connect(agreed)
        dialog.open()

    def _open(self) -> tuple[Project, KnownModel] | None:
        project, model = self._project.project, self._project.model
        return None if project is None or model is None else (project, model)

    def _turn(self, count: int, back: bool) -> None:
        if self._project.project is not None:
            self._outputs.turn(self._project.project, count, back=back)

    def _ask_to_turn(self, project: Project, step: UnknownStepError, back: bool) -> None:
        def go_on() -> None:
            self._outputs.turn(project, len(step.files), back=back, trust=step.action)

        if project is self._project.project:
            self._ask(step, go_on)

    def _ask_to_settle(self, step: UnknownStepError) -> None:
        project = self._project.project
        if project is not None:
            self._ask(step, partial(self._outputs.settle, project, step.action))

    def _ask(self, step: UnknownStepError, go_on: Callable[[], None]) -> None:
        dialog = UnknownStepDialog(step, self._page)
        self._project.opened.connect(dialog.reject)
        dialog.accepted.connect(go_on)
        dialog.open()

    def _ask_place(self, kind: str, beside: Path) -> ChosenPlace | None:
        exporter = EXPORTERS[kind]
        ending = Path(exporter.suffix).suffix or exporter.suffix
        return ask_place(self._page, f"Export: {exporter.words}", exporter.place(beside), f"*{ending}", ending)
