"""Defects and errors on the window's threads: they are reported, and nothing waits for what does not come any more."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from pytestqt.qtbot import QtBot

from app.core.project.schema import ProjectError
from app.core.recognition.engine import Engine
from app.ui.review.export import export_jobs
from app.ui.review.export.export_jobs import PlanRequest
from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.widgets.error_bar import ErrorBar
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow, model_of, project_of, wait_until

PATIENCE = 15_000


def broken(*_args: object, **_options: object) -> None:
    """Something that nobody has thought of."""
    raise KeyError("a defect")


def said(bar: ErrorBar) -> bool:
    return bar.text().startswith("This is a defect of Marque (KeyError")


@pytest.mark.qt_no_exception_capture
def test_a_job_with_a_defect_ends(
    identified: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, photos: Path
) -> None:
    page, jobs = identified.review, identified.status.jobs
    identified.show_page(1)
    monkeypatch.setattr(export_jobs, "corrections", broken)
    page.outputs.bring_back(project_of(identified), photos)
    qtbot.waitUntil(lambda: said(page.errors), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.outputs.busy(), timeout=PATIENCE)  # which may come a moment later
    assert not jobs.cancel_button.isVisible()


def dialog_of(window: MainWindow) -> FilingDialog:
    window.review.export_dialogs.file()
    return next(one for one in window.review.findChildren(FilingDialog) if one.isVisible())


@pytest.mark.qt_no_exception_capture
def test_the_filing_dialog_says_why_it_has_no_plan(
    identified: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = identified.project.project
    with monkeypatch.context() as patch:
        patch.setattr(export_jobs, "plan", broken)
        dialog = dialog_of(identified)
        why = "the preview could not be made"
        qtbot.waitUntil(lambda: dialog.summary.whole() == why, timeout=PATIENCE)
    dialog.reject()
    project.path.unlink()
    dialog = dialog_of(identified)
    qtbot.waitUntil(lambda: "was deleted or moved" in dialog.summary.whole(), timeout=PATIENCE)
    assert not dialog.action_button.isEnabled()
    dialog.reject()


def test_a_plan_that_fails_does_not_end_the_job_in_work(
    identified: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page, ended = identified.review, []
    page.outputs.jobs.ended.connect(lambda end: ended.append(end.job.verb))

    def lost(_rows: object, _into: object, _pattern: object) -> None:
        raise ProjectError("it is away")

    monkeypatch.setattr(export_jobs, "plan", lost)
    request = PlanRequest(tmp_path, "{name}", only_decided=False)
    page.outputs.plan(project_of(identified), model_of(identified), request)
    page.outputs.sidecars(project_of(identified), model_of(identified), 12)
    qtbot.waitUntil(lambda: not page.outputs.busy(), timeout=PATIENCE)
    assert ended == ["writing sidecars"] and "12 sidecars written" in identified.status.jobs.text()


@pytest.mark.qt_no_exception_capture
def test_a_photo_is_not_identified_for_ever_after_a_defect(
    identified: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, photos: Path
) -> None:
    page = identified.identify
    monkeypatch.setattr(Engine, "run", broken)
    page.session.open([photos])
    qtbot.waitUntil(lambda: "defect" in page.panel.texts()["reason"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: not identified.status.jobs.cancel_button.isVisible(), timeout=PATIENCE)
    for words in ("This is a defect of Marque (KeyError", "was not fully identified"):  # in either order
        wait_until(qtbot, lambda words: words in page.errors._details.toPlainText(), words)


def test_a_place_that_takes_no_project_is_reported_once(
    open_marque: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tried = []

    def nowhere() -> Path:
        tried.append(tmp_path / "gone" / "new.marque")
        return tried[-1]

    monkeypatch.setattr("app.ui.window.main_window.new_place", nowhere)
    window = open_marque()
    qtbot.waitUntil(lambda: bool(window.review.errors.text()), timeout=PATIENCE)
    qtbot.wait(200)
    assert len(tried) == 1 and window.project.project is None


def test_a_named_pipe_is_reported_as_one(open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    window = open_marque()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "pipe.jpg"))])
    window.open_dropped(data)
    qtbot.waitUntil(lambda: "a named pipe" in window.identify.errors.text(), timeout=PATIENCE)


def test_the_bar_stays_one_line_of_a_long_list(qtbot: QtBot) -> None:
    bar = ErrorBar()
    qtbot.addWidget(bar)
    bar.show_problem("not written; connect the drive\n" + "\n".join(f"{number}.jpg: away" for number in range(20)))
    assert bar.text() == "not written; connect the drive" and "19.jpg: away" in bar._details.toPlainText()
    assert not bar._more.isHidden()
    bar.clear()
    bar.show_problem("one photo has changed", "one photo has changed")
    assert bar._more.isHidden()


def test_a_read_only_project_is_said_to_be_one_and_left_alone(
    identified: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, place = identified.review, tmp_path / "medium" / "other.marque"
    place.parent.mkdir()
    page.project.project.save_as(place)
    with sqlite3.connect(place) as database:
        database.execute("PRAGMA journal_mode = WAL")
    database.close()
    monkeypatch.setattr("app.core.system.database.can_be_written", lambda _path: False)
    page.project.open(place)
    qtbot.waitUntil(lambda: "can be viewed and exported here, but not changed" in page.errors.text())
    page.project.project.check()
    assert [path.name for path in place.parent.iterdir()] == ["other.marque"]


def test_a_file_in_the_place_of_the_data_folder_ends_the_program_with_a_sentence(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "data").write_text("no folder")
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", str(photos)]
    variables = os.environ | {"MARQUE_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "MARQUE_HOME" in done.stderr
