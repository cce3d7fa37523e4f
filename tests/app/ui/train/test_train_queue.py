"""Trainings that wait for each other, and what a trainer prints, on the page Train."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from app.core.training.runs import Runs, TrainingState
from app.ui.train import log_view
from app.ui.train.page import TrainPage
from app.ui.train.training_session import WantedTraining
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import wait_until

PATIENCE = 60_000
Key = Qt.Key

TALKER = """
import pathlib, sys, time
print("reading photos")
out = pathlib.Path(sys.argv[-1])
for number in range(60):
    print(f"line {number}")
sys.stdout.write("epoch 1\\repoch 2"); sys.stdout.flush()
while not (out.parent / "go").exists():
    time.sleep(0.02)
sys.stdout.write("\\rdone with epoch 2\\n"); sys.stdout.flush()
while not (out.parent / "end").exists():
    time.sleep(0.02)
"""


@pytest.fixture
def page(open_marque: Callable[..., MainWindow], marque_home: Path, qtbot: QtBot) -> TrainPage:
    """The page Train with a program that trains nothing, and prints."""
    window = open_marque()
    QTest.keyClick(window, Key.Key_5)
    watcher = window.train.session._watcher
    qtbot.waitUntil(lambda: watcher._runs is not None, timeout=PATIENCE)
    watcher._runs = Runs(marque_home / "data" / "runs", (sys.executable, "-c", TALKER))
    window.train.session._timer.setInterval(100)
    return window.train


def click(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def begin(page: TrainPage, qtbot: QtBot, *names: str) -> None:
    for name in names:
        page.session.begin(WantedTraining(name, ["--data", "demo:"]))
        wait_until(qtbot, lambda name: name in page._rows, name, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page._rows[names[0]].state is TrainingState.RUNNING, timeout=PATIENCE)


def test_the_queue_is_changed_and_left(page: TrainPage, marque_home: Path, qtbot: QtBot) -> None:
    begin(page, qtbot, "first", "second", "third")
    line = page.list._lines["third"]._state
    page.list.choose("third")
    qtbot.waitUntil(lambda: line.whole() == "waiting · place 2 of 2", timeout=PATIENCE)
    assert page.detail.sooner_button.isEnabled() and not page.detail.later_button.isEnabled()
    click(page.detail.sooner_button)
    qtbot.waitUntil(lambda: line.whole() == "waiting · next", timeout=PATIENCE)
    QTest.keyClick(page.list, Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: line.whole() == "waiting · place 2 of 2", timeout=PATIENCE)
    QTest.keyClick(page.list, Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: line.whole() == "waiting · next", timeout=PATIENCE)
    runs = page.session._watcher.runs
    assert [one.name for one in runs.queue()] == ["third", "second"]
    assert page.detail.stop_button.text() == "leave the queue"
    click(page.detail.stop_button)
    qtbot.waitUntil(lambda: page._rows["third"].state is TrainingState.STOPPED, timeout=PATIENCE)
    click(page.detail.resume_button)  # it waits again, behind the other
    qtbot.waitUntil(lambda: line.whole() == "waiting · place 2 of 2", timeout=PATIENCE)
    click(page.detail.stop_button)
    (marque_home / "data" / "runs" / "end").touch()
    (marque_home / "data" / "runs" / "go").touch()
    qtbot.waitUntil(
        lambda: page._rows["second"].state is TrainingState.FAILED, timeout=PATIENCE
    )  # it was begun, by itself
    assert page._rows["third"].state is TrainingState.STOPPED


def test_the_log_follows_the_end_is_searched_and_copied(
    page: TrainPage, marque_home: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, qapp: QApplication
) -> None:
    begin(page, qtbot, "mine")
    QTest.keyClick(page.list, Key.Key_P)
    log, bar = page.log, page.log.text.verticalScrollBar()
    assert log.isVisible() and page.toolbar.trainer_button.isChecked()
    qtbot.waitUntil(lambda: log.text.toPlainText().endswith("line 59\nepoch 2"), timeout=PATIENCE)
    assert bar.maximum() > 0 and log.follows() and not log.end_button.isEnabled()

    QTest.keyClick(page.list, Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(log.field.hasFocus, timeout=PATIENCE)
    QTest.keyClicks(log.field, "LINE 1")
    assert log.text.textCursor().selectedText() == "line 1" and not log.follows()
    QTest.keyClick(log.field, Key.Key_Return)
    assert log.text.textCursor().block().text() == "line 10"
    QTest.keyClick(log.field, Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert log.text.textCursor().block().text() == "line 1"
    click(log.copy_button)
    assert qapp.clipboard().text() == "line 1"
    QTest.keyClicks(log.field, "x")
    assert log.found.text() == "not found"

    place = bar.value()
    (marque_home / "data" / "runs" / "go").touch()
    qtbot.waitUntil(lambda: log.text.toPlainText().endswith("line 59\ndone with epoch 2\n"), timeout=PATIENCE)
    assert bar.value() == place and not log.follows()  # somebody reads there
    click(log.end_button)
    assert log.follows()
    (marque_home / "data" / "runs" / "end").touch()
    qtbot.waitUntil(lambda: page._rows["mine"].state is TrainingState.FAILED, timeout=PATIENCE)
    click(page.toolbar.trainer_button)
    assert not log.isVisible() and page.session.log_of == ""


def test_of_a_long_log_so_much_is_kept(qtbot: QtBot) -> None:
    view = log_view.LogView()
    qtbot.addWidget(view)
    view.resize(400, 200)
    view.show()
    view.take(
        log_view.Tail(
            tuple(f"line {number}" for number in range(3 * log_view._LINES)), "", restarted=True, skipped=4096
        )
    )
    assert view.text.blockCount() == log_view._LINES and view.follows()
    bar = view.text.verticalScrollBar()
    bar.setValue(1000)
    top = view.text.firstVisibleBlock().text()
    view.take(log_view.Tail(("one", "two"), "", restarted=False))
    assert view.text.firstVisibleBlock().text() == top and view.text.blockCount() == log_view._LINES
