"""The order in which services are served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Condition

import pytest
from pytestqt.qtbot import QtBot

from app.ui.background.model_in_use import ModelInUse
from app.ui.background.model_loading import ModelLoading, ModelRequest
from app.ui.background.scheduler import ModelScheduler
from app.ui.background.service import ServiceTurn

PATIENCE = 15_000


@dataclass
class Steps:
    """A service whose work has so many batches, and does something after each."""

    name: str
    log: list[str]
    left: int = 0
    after: Callable[[], None] = lambda: None

    def waits(self) -> bool:
        return self.left > 0

    def serve(self, _model: ModelInUse, turn: ServiceTurn) -> None:
        while self.left and not turn.must_end():
            self.left -= 1
            self.log.append(self.name)
            self.after()
            turn.let_others_in()


@dataclass
class Thread:
    """A scheduler that runs, with three services."""

    scheduler: ModelScheduler
    loading: ModelLoading
    changed: Condition
    services: tuple[Steps, ...]
    log: list[str]


@pytest.fixture
def thread() -> Iterator[Thread]:
    """Runs until the test ends."""
    changed, log = Condition(), list[str]()
    services = tuple(Steps(name, log) for name in ("photo", "folder", "run"))
    loading = ModelLoading(changed)
    scheduler = ModelScheduler(loading, services, changed)
    scheduler.start()
    yield Thread(scheduler, loading, changed, services, log)
    scheduler.stop()


def begin(thread: Thread, model: Path) -> None:
    thread.loading.ask(ModelRequest(model, None, "cpu"))


def test_nothing_is_served_without_a_model(thread: Thread, tiny_model: Path, qtbot: QtBot) -> None:
    with thread.changed:
        thread.services[2].left = 1
        thread.changed.notify()
    qtbot.wait(50)
    assert thread.log == []
    begin(thread, tiny_model)
    qtbot.waitUntil(lambda: thread.log == ["run"], timeout=PATIENCE)


def test_whoever_works_lets_those_before_it_in_between_two_batches(
    thread: Thread, tiny_model: Path, qtbot: QtBot
) -> None:
    photo, folder, run = thread.services

    def ask_for_a_photo() -> None:
        photo.left += 1

    def open_a_folder() -> None:
        if run.left == 1:
            folder.left = 2

    folder.after, run.after, run.left = ask_for_a_photo, open_a_folder, 3
    begin(thread, tiny_model)
    qtbot.waitUntil(lambda: len(thread.log) == 7, timeout=PATIENCE)
    assert thread.log == ["run", "run", "folder", "photo", "folder", "photo", "run"]


def test_work_ends_for_another_model_and_continues_with_it(thread: Thread, tiny_model: Path, qtbot: QtBot) -> None:
    _, _, run = thread.services
    models: list[bool] = []
    thread.loading.loaded.connect(lambda _loaded: models.append(True))

    def ask_for_another_model() -> None:
        if run.left == 1:
            begin(thread, tiny_model)

    run.after, run.left = ask_for_another_model, 2
    begin(thread, tiny_model)
    qtbot.waitUntil(lambda: thread.log == ["run", "run"] and len(models) == 2, timeout=PATIENCE)


def test_a_fault_in_one_request_does_not_end_the_thread(
    thread: Thread, tiny_model: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[str] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, *_of: faults.append(kind.__name__))
    run = thread.services[2]

    def fail_once() -> None:
        if run.left == 1:
            raise KeyError("defect")

    run.after, run.left = fail_once, 2
    begin(thread, tiny_model)
    qtbot.waitUntil(lambda: thread.log == ["run", "run"], timeout=PATIENCE)
    assert faults == ["KeyError"]
