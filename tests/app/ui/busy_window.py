"""A window that is driven through everything it can do to a project, over and over, until somebody kills it.

`test_killed.py` starts it as a process of its own. It says on standard output what it asks for and what it sees done.
"""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from app.core.project.records import SubjectId

from app.core.recognition.engine import Engine  # noqa: F401  # isort: skip

import random
import sys
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.core.filing.filing_plan import PATTERN, FilingPlan
from app.core.project.labels import VERDICTS, Label, Verdict
from app.core.recognition.features import NOBODY
from app.ui.review.export.export_jobs import PlanRequest
from app.ui.widgets.file_dialogs import ChosenPlace
from app.ui.window.main_window import MainWindow
from app.ui.window.start import open_window

_LABELS = (
    Label(Verdict.ACCEPTED, "sedan", "Rossa 2010"),
    Label(Verdict.CORRECTED, "ship", "Verde"),
    Label(Verdict.CORRECTED, "ship"),
    Label(Verdict.UNKNOWN),
)


def say(*words: object) -> None:
    """A line at once, whole or not at all."""
    sys.stdout.write("\t".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Busy:
    """Does something by chance twenty times a second."""

    def __init__(self, window: MainWindow, photos: Path, out: Path, seed: int) -> None:
        self._window, self._photos, self._out = window, photos, out
        self._random = random.Random(seed)
        self._page = window.review
        self._window.project.labelled.connect(self._on_labelled)
        self._window.project.said.connect(lambda words: say("turned") if words.startswith(("undone", "done")) else None)
        self._page.outputs.planned.connect(self._on_planned)
        self._page.outputs.jobs.ended.connect(lambda end: say("output", end.outcome))
        window.services.runs.advanced.connect(lambda run: say("predicted", run.progress.counts.predicted))
        self._timer = QTimer(interval=50)
        self._timer.timeout.connect(self._act)
        self._timer.start()

    def _act(self) -> None:
        opened = self._window.project
        if opened.project is None or self._window.identify.session.loaded() is None:
            return
        if not len(opened.columns):
            opened.identify([self._photos])
            return
        what = self._random.choice(("label",) * 6 + ("undo", "redo", "identify", "export", "file", "file"))
        if what == "label":
            image = SubjectId(int(self._random.choice(opened.columns.ids.tolist())))
            label = self._random.choice(_LABELS)
            say("ask", image, label.verdict.value, label.coarse, label.fine)
            opened.label({image: label}, "by chance")
        elif what in ("undo", "redo") and not self._page.outputs.busy():
            say("turn")
            opened.turn(back=what == "undo")
        elif what == "identify":
            opened.identify([self._photos])
        elif opened.model is not None and not self._page.outputs.busy():
            if what == "export":
                self._page.outputs.export(
                    opened.project,
                    opened.model,
                    "csv",
                    ChosenPlace(self._out / "labels.csv", True),
                    len(opened.columns),
                )
            else:
                request = PlanRequest(self._out / "sorted", PATTERN, only_decided=False)
                self._page.outputs.plan(opened.project, opened.model, request)

    def _on_planned(self, _request: PlanRequest, plan: FilingPlan) -> None:
        project = self._window.project.project
        if project is not None and not self._page.outputs.busy():
            some = FilingPlan(plan.steps[:15], plan.left)
            self._page.outputs.file(project, some, move=self._random.random() < 0.5)

    def _on_labelled(self, rows: np.ndarray) -> None:
        columns = self._window.project.columns
        for row in rows.tolist():
            verdict = int(columns.verdict[row])
            words = (
                ("none", "", "")
                if verdict == NOBODY
                else (
                    VERDICTS[verdict].value,
                    columns.names[columns.told_type[row]],
                    columns.names[columns.told_fine[row]],
                )
            )
            say("told", int(columns.ids[row]), *words)


def main() -> None:
    """MODEL PHOTOS OUT SEED"""
    model, photos, out = map(Path, sys.argv[1:4])
    app = QApplication([])
    window = open_window([], model=model, gallery=None, theme_name="dark", device="cpu")
    window.show_page(1)
    busy = Busy(window, photos, out, int(sys.argv[4]))
    say("ready")
    app.exec()
    del busy


if __name__ == "__main__":
    main()
