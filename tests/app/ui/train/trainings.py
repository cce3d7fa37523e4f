"""Trainings that tests begin, and the form of a new one."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.core.training.runs import Runs, TrainingState
from app.ui.train.new_training import NewTraining
from app.ui.train.page import TrainPage
from app.ui.window.main_window import MainWindow

PATIENCE = 20_000
TRAINING = 300_000
Key = Qt.Key

STAND_IN = """
import json, pathlib, signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
out = pathlib.Path(sys.argv[-1])
out.mkdir(exist_ok=True)
(out / "config.json").write_text("{}")
with (out / "events.jsonl").open("a") as file:
    def tell(kind, step, **values):
        print(json.dumps({"kind": kind, "step": step, "time": time.time(), **values}), file=file, flush=True)
    tell("start", 0, epochs=2, batches=500)
    step = 0
    while not asked:
        step += 1
        tell("step", step, epoch=0, loss=1 / step, fine=0.5, images_per_second=40.0)
        time.sleep(0.02)
    tell("stopped", step)
"""


def states(page: TrainPage) -> dict[str, TrainingState]:
    return {name: row.state for name, row in page._rows.items()}


def stand_in(window: MainWindow, qtbot: QtBot, folder: Path, program: str = STAND_IN) -> None:
    """Let another program do the training."""
    watcher = window.train.session._watcher
    qtbot.waitUntil(lambda: watcher._runs is not None, timeout=PATIENCE)  # or the first look would put its own
    watcher._runs = Runs(folder, (sys.executable, "-c", program))


def form_of(window: MainWindow, qtbot: QtBot, kind: str, place: str = "") -> NewTraining:
    """The form, with what it would learn from on show."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=PATIENCE)
    QTest.keyClick(window, Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    form = window.train.form
    assert form is not None and not form.start_button.isEnabled()
    form.data.kind.setCurrentIndex(form.data.kind.findData(kind))
    form.data.place.setText(place)
    qtbot.waitUntil(lambda: form.data.summary.whole() not in ("", "reading the photos"), timeout=PATIENCE)
    return form


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
