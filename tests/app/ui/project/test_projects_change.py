"""Another project is opened while something still works on the one before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.core.filing.filing_moves import FilingMoves
from app.core.filing.filing_plan import plan
from app.core.project.project import Project
from app.core.project.results import results
from app.core.project.schema import ProjectError
from app.ui.background import project_runs
from app.ui.explore import map_session
from app.ui.project import folder_watching
from app.ui.review.export import export_jobs
from app.ui.train import training_session as train_desk
from app.ui.train.data_chooser import LABELLED, SurveyRequest
from app.ui.widgets.file_dialogs import ChosenPlace
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import model_of, project_of

PATIENCE = 15_000


def is_open(project: Project) -> bool:
    try:
        project.sources.all()
    except ProjectError:
        return False
    return True


def open_another(window: MainWindow, qtbot: QtBot, place: Path) -> None:
    window.project.open(place, create=not place.exists())
    qtbot.waitUntil(lambda: window.project.project.path == place, timeout=PATIENCE)


def test_a_filing_goes_to_its_end_in_a_project_that_was_left(
    identified: MainWindow, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    page = identified.review
    first, model = project_of(identified), model_of(identified)
    wanted = plan(results(first, model), tmp_path / "sorted")
    page.outputs.jobs.began.connect(lambda _job: page.project.open(tmp_path / "other.marque", create=True))
    page.outputs.file(first, wanted, move=True)
    qtbot.waitUntil(lambda: page.project.project is not first, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.outputs.busy(), timeout=PATIENCE)
    assert page.errors.text() == ""
    assert len(list((tmp_path / "sorted").rglob("*.jpg"))) == 12 and not list(photos.rglob("*.jpg"))
    qtbot.waitUntil(lambda: not is_open(first), timeout=PATIENCE)


def test_a_filing_is_not_disturbed_by_going_back_to_its_project(
    identified: MainWindow, photos: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    forward = FilingMoves.forward
    monkeypatch.setattr(FilingMoves, "forward", lambda *of: go_on.wait(PATIENCE) and forward(*of))
    page = identified.review
    first, model = project_of(identified), model_of(identified)
    page.outputs.file(first, plan(results(first, model), tmp_path / "sorted"), move=True)
    open_another(identified, qtbot, tmp_path / "other.marque")
    open_another(identified, qtbot, first.path)
    go_on.set()
    qtbot.waitUntil(lambda: not page.outputs.busy(), timeout=PATIENCE)
    assert page.errors.text() == "" and not list(photos.rglob("*.jpg"))
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.listing.path(0).is_relative_to(tmp_path / "sorted"), timeout=PATIENCE)


def test_a_project_that_cannot_be_opened_again_is_closed(identified: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    """It was kept open by a filing; meanwhile its file has gone for a while."""
    opened = identified.project
    first, go_on = project_of(identified), threading.Event()
    identified.review.outputs.tasks.once(lambda: go_on.wait(PATIENCE / 1000), on=first)
    open_another(identified, qtbot, tmp_path / "other.marque")
    first.path.rename(tmp_path / "elsewhere.marque")
    with qtbot.waitSignal(opened.problem, timeout=PATIENCE):
        opened.open(first.path)
    (tmp_path / "elsewhere.marque").rename(first.path)
    assert is_open(first)
    go_on.set()
    qtbot.waitUntil(lambda: not is_open(first), timeout=PATIENCE)
    assert opened.project.path == tmp_path / "other.marque"


def look_at_the_map(window: MainWindow) -> None:
    window.show_page(3)


def export(window: MainWindow) -> None:
    page = window.review
    place = ChosenPlace(project_of(window).path.with_suffix(".csv"), agreed=False)
    page.outputs.export(project_of(window), model_of(window), "csv", place, 12)


def watch(window: MainWindow) -> None:
    window.project.watching.begin(project_of(window))


def identify(window: MainWindow) -> None:
    window.project.identify()


def learn_from_labels(window: MainWindow) -> None:
    window.train._survey(SurveyRequest(LABELLED, "", ()))


@pytest.mark.parametrize(
    ("where", "name", "begin"),
    [
        (map_session, "read_points", look_at_the_map),
        (export_jobs, "results", export),
        (folder_watching, "ProjectWatch", watch),
        (train_desk, "results", learn_from_labels),
        (project_runs, "run_project", identify),
    ],
)
def test_a_project_is_closed_when_the_last_one_has_let_go(
    identified: MainWindow,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    where: ModuleType,
    name: str,
    begin: Callable[[MainWindow], None],
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = getattr(where, name)

    def slow(*of: Any, **named: Any) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE / 1000)
        return real(*of, **named)

    monkeypatch.setattr(where, name, slow)
    first = project_of(identified)
    begin(identified)
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    identified.project.open(tmp_path / "other.marque", create=True)
    qtbot.waitUntil(lambda: identified.project.project is not first, timeout=PATIENCE)
    qtbot.wait(200)
    assert is_open(first)
    go_on.set()
    qtbot.waitUntil(lambda: not is_open(first), timeout=PATIENCE)
    pages = (identified.review, identified.explore, identified.train)
    assert [page.errors.text() for page in pages] == ["", "", ""]


def test_a_task_that_was_cancelled_complains_of_nothing(identified: MainWindow, qtbot: QtBot) -> None:
    said = []
    tasks = identified.project.tasks
    tasks.failed.connect(lambda message, _details: said.append(message))

    def fail() -> None:
        raise ProjectError("the disk is full")

    begun, go_on = threading.Event(), threading.Event()
    late = tasks.once(lambda: (begun.set(), go_on.wait(PATIENCE / 1000), fail()))
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    late.cancel()
    go_on.set()
    tasks.once(fail)
    qtbot.waitUntil(lambda: bool(said), timeout=PATIENCE)
    assert said == ["the disk is full"]
