"""Forms act on the settings that are in them now, whatever comes late, and stay open until that is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.core.training.runs import Runs
from app.ui.review.export import export_jobs
from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.train import training_session as train_desk
from app.ui.train.new_training import NewTraining
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow

PATIENCE = 15_000


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


class Gate:
    """Stands in for a function: the first call waits until it is let through, the others do not."""

    def __init__(self, real: Callable) -> None:
        self._real = real
        self.calls = 0
        self.done = 0
        self.open = threading.Event()

    def __call__(self, *of: object) -> object:
        self.calls += 1
        if self.calls == 1:
            assert self.open.wait(PATIENCE / 1000)
        found = self._real(*of)
        self.done += 1
        return found


def test_a_plan_for_older_settings_is_not_offered(
    open_marque: OpenWindow, photos: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_marque()
    page = window.review
    qtbot.waitUntil(lambda: page.project.project is not None and window.identify.session.loaded() is not None)
    page.project.identify([photos])
    qtbot.waitUntil(lambda: len(page.project.columns) == 12 and not page.project.running.active(), timeout=PATIENCE)
    window.show_page(1)
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12, timeout=PATIENCE)
    page.chosen.go(0)
    page.verdict_commands.accept()
    qtbot.waitUntil(lambda: (page.project.columns.verdict >= 0).sum() == 1, timeout=PATIENCE)
    gate = Gate(export_jobs.plan)
    monkeypatch.setattr(export_jobs, "plan", gate)
    page.export_dialogs.file()
    dialog = next(one for one in page.findChildren(FilingDialog) if one.isVisible())
    qtbot.waitUntil(lambda: gate.calls == 1, timeout=PATIENCE)
    dialog.decided_choice.setChecked(True)
    offered: list[str] = []
    page.outputs.planned.connect(
        lambda: offered.append(dialog.action_button.text() if dialog.action_button.isEnabled() else "")
    )
    gate.open.set()
    qtbot.waitUntil(lambda: len(offered) == 2, timeout=PATIENCE)
    assert offered == ["", "file 1 photo"]
    dialog.reject()


@pytest.fixture
def train(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> MainWindow:
    """The window on the page Train."""
    window = open_marque()
    qtbot.waitUntil(lambda: window.identify.session.loaded() is not None, timeout=PATIENCE)
    window.show_page(4)
    qtbot.waitUntil(lambda: window.train.session._watcher._runs is not None, timeout=PATIENCE)
    return window


def new_form(window: MainWindow, place: Path) -> NewTraining:
    window.train.ask_new()
    form = window.train.form
    assert form is not None
    form.data.kind.setCurrentIndex(form.data.kind.findData("folder"))
    form.data.place.setText(str(place))
    return form


def passed(window: MainWindow, qtbot: QtBot) -> None:
    """Until what was being read is shown."""
    done: list[int] = []
    window.train.session.reading.once(lambda: None, lambda _none: done.append(1))
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE)


def test_what_was_read_elsewhere_starts_nothing(
    train: MainWindow, photos: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(train_desk.survey)
    monkeypatch.setattr(train_desk, "survey", gate)
    form = new_form(train, photos)
    qtbot.waitUntil(lambda: gate.calls == 1, timeout=PATIENCE)
    form.data.place.clear()
    gate.open.set()
    passed(train, qtbot)
    assert form.data.survey is None and not form.start_button.isEnabled()
    qtbot.waitUntil(lambda: form.data.summary.whole() == "choose where the photos are", timeout=PATIENCE)
    form.reject()


def test_what_a_closed_form_asked_for_does_not_land_in_the_next(
    train: MainWindow, photos: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(train_desk.survey)
    monkeypatch.setattr(train_desk, "survey", gate)
    form = new_form(train, photos)
    qtbot.waitUntil(lambda: gate.calls == 1, timeout=PATIENCE)
    form.reject()
    train.train.ask_new()
    assert train.train.form is not None
    form = train.train.form
    gate.open.set()
    passed(train, qtbot)
    assert form.data.survey is None and form.data.data == ()
    form.reject()


@pytest.mark.parametrize(("name", "problem"), [("kept", "already"), ("cars 1/2", "none of <")])
def test_an_impossible_name_is_reported_before_the_start(
    train: MainWindow, photos: Path, marque_home: Path, qtbot: QtBot, name: str, problem: str
) -> None:
    (marque_home / "data" / "runs" / "kept").mkdir()  # its training was removed from the list
    form = new_form(train, photos)
    qtbot.waitUntil(form.start_button.isEnabled, timeout=PATIENCE)
    assert not form.name_problem.isVisible()
    form.name.setText(name)
    qtbot.waitUntil(form.name_problem.isVisible, timeout=PATIENCE)
    assert problem in form.name_problem.text() and form.name_problem.text() == form.time.text()
    assert not form.start_button.isEnabled()
    form.name.setText("good")
    assert form.start_button.isEnabled() and not form.name_problem.isVisible()
    form.reject()


def test_the_form_stays_open_when_the_training_cannot_be_started(
    train: MainWindow, photos: Path, marque_home: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = new_form(train, photos)
    form.name.setText("mine")
    form.epochs.setValue(7)
    qtbot.waitUntil(form.start_button.isEnabled, timeout=PATIENCE)
    done: list[int] = []
    train.train.session._tasks.once(lambda: None, lambda _none: done.append(1))
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE)  # the name was free
    (marque_home / "data" / "runs" / "mine").mkdir()
    click(form.start_button)
    assert not form.start_button.isEnabled()
    qtbot.waitUntil(lambda: "already" in form.time.text(), timeout=PATIENCE)
    assert form.isVisible() and form.epochs.value() == 7 and train.train.errors.text() == ""
    qtbot.waitUntil(lambda: "already" in form.name_problem.text(), timeout=PATIENCE)
    form.name.setText("other")
    monkeypatch.setattr(Runs, "start_next", lambda _runs: None)
    click(form.start_button)
    qtbot.waitUntil(lambda: "other" in train.train._rows, timeout=PATIENCE)
    assert train.train.form is None
