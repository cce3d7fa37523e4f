"""The window with projects that others use, that come from elsewhere, that go away, or that cannot be written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.core.filing.filing_plan import plan
from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.core.project.results import results
from app.core.system import database
from app.core.system.paths import user_data_dir
from app.ui.review.export.trusting import TrustDialog
from app.ui.window.main_window import MainWindow
from tests.app.core.project.test_project_lock import HOLDS
from tests.app.ui.conftest import model_of, project_of

PATIENCE = 15_000


@pytest.fixture
def other(identified: MainWindow) -> Iterator[subprocess.Popen[str]]:
    """Another program that changes the open project."""
    command = [sys.executable, "-c", HOLDS, str(identified.project.project.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "has it\n"
        yield process
        process.kill()


def file_into(window: MainWindow, into: Path) -> None:
    project = project_of(window)
    window.review.outputs.file(project, plan(results(project, model_of(window)), into), move=True)


def test_the_window_waits_for_another_program_unless_the_wait_is_cancelled(
    identified: MainWindow, other: subprocess.Popen[str], tmp_path: Path, photos: Path, qtbot: QtBot
) -> None:
    outputs, jobs = identified.review.outputs, identified.status.jobs
    waiting = f"waiting for the other program (process {other.pid}, since "
    file_into(identified, tmp_path / "sorted")
    qtbot.waitUntil(lambda: jobs.text().startswith(waiting), timeout=PATIENCE)
    QTest.mouseClick(jobs.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not outputs.busy(), timeout=PATIENCE)
    assert "the other program" in identified.review.errors.text()
    assert len(list(photos.rglob("*.jpg"))) == 12 and not (tmp_path / "sorted").exists()

    file_into(identified, tmp_path / "sorted")
    qtbot.waitUntil(lambda: jobs.text().startswith(waiting), timeout=PATIENCE)
    assert other.stdin is not None
    other.stdin.close()
    qtbot.waitUntil(lambda: not outputs.busy(), timeout=PATIENCE)
    assert len(list((tmp_path / "sorted").rglob("*.jpg"))) == 12 and jobs.text().startswith("move 12 photos")


def test_a_label_is_taken_back_when_the_other_program_is_done(
    identified: MainWindow, other: subprocess.Popen[str], qtbot: QtBot
) -> None:
    opened, jobs = identified.project, identified.status.jobs
    opened.label({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude 1 photo")
    opened.turn(back=True)
    qtbot.waitUntil(lambda: jobs.text().startswith("waiting for the other program"), timeout=PATIENCE)
    found: list[str] = []
    opened.find(2, lambda result: found.append(result.image.path.name))  # looking at another photo does not wait
    qtbot.waitUntil(lambda: bool(found), timeout=PATIENCE)
    assert other.stdin is not None
    other.stdin.close()
    qtbot.waitUntil(lambda: jobs.text() == "undone: exclude 1 photo", timeout=PATIENCE)


def test_what_was_labelled_while_an_undo_waited_stays(
    identified: MainWindow, other: subprocess.Popen[str], qtbot: QtBot
) -> None:
    opened, jobs = identified.project, identified.status.jobs
    opened.label({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude 1 photo")
    opened.turn(back=True)
    qtbot.waitUntil(lambda: jobs.text().startswith("waiting for the other program"), timeout=PATIENCE)
    opened.label({SubjectId(2): Label(Verdict.UNKNOWN)}, "unknown: 1 photo")
    tip = identified.review.toolbar.undo_button.toolTip
    qtbot.waitUntil(lambda: "unknown: 1 photo" in tip(), timeout=PATIENCE)
    assert other.stdin is not None
    other.stdin.close()
    qtbot.waitUntil(lambda: not jobs.cancel_button.isVisible(), timeout=PATIENCE)
    assert "unknown: 1 photo" in tip() and set(opened.project.labels.all()) == {1, 2}


def test_folders_from_elsewhere_are_shown_before_anything_is_written(
    identified: MainWindow, photos: Path, qtbot: QtBot
) -> None:
    page = identified.review
    shutil.rmtree(user_data_dir() / "scanned")

    def asked() -> TrustDialog:
        page.toolbar.sidecars_wanted.emit()
        qtbot.waitUntil(lambda: any(one.isVisible() for one in page.findChildren(TrustDialog)), timeout=PATIENCE)
        return next(one for one in page.findChildren(TrustDialog) if one.isVisible())

    dialog = asked()
    shown = [dialog.list.item(row).text() for row in range(dialog.list.count())]
    assert shown == sorted({str(path.parent) for path in photos.rglob("*.jpg")})
    assert any("data folder was lost or moved" in one.text() for one in dialog.findChildren(QLabel))
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not page.outputs.busy() and not list(photos.rglob("*.xmp"))
    QTest.mouseClick(asked().agree_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(list(photos.rglob("*.xmp"))) == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.outputs.busy(), timeout=PATIENCE)
    with qtbot.waitSignal(page.outputs.jobs.ended, timeout=PATIENCE):
        page.toolbar.sidecars_wanted.emit()  # it asks once
    assert not any(one.isVisible() for one in page.findChildren(TrustDialog))


def test_a_project_that_was_replaced_is_noticed_and_opened_again(
    identified: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    page = identified.review
    place = page.project.project.path
    page.project.project.save_as(tmp_path / "other.marque")
    (tmp_path / "other.marque").replace(place)
    page.project.label({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude 1 photo")
    qtbot.waitUntil(lambda: "was replaced by another file while it was in use" in page.errors.text(), timeout=PATIENCE)
    before = page.project.project
    page.project.open(place)
    qtbot.waitUntil(lambda: page.project.project is not before, timeout=PATIENCE)
    page.project.label({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude 1 photo")
    qtbot.waitUntil(lambda: "exclude 1 photo" in page.toolbar.undo_button.toolTip(), timeout=PATIENCE)


def test_a_project_in_a_read_only_place_is_shown(
    identified: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = identified.review
    page.project.project.save_as(tmp_path / "other.marque")
    monkeypatch.setattr(database, "can_be_written", lambda _path: False)  # the administrator may write everywhere
    page.project.open(tmp_path / "other.marque")
    qtbot.waitUntil(lambda: page.project.project.read_only and len(page.project.columns) == 12, timeout=PATIENCE)
    page.project.label({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude 1 photo")
    qtbot.waitUntil(lambda: "the project is read-only here" in page.errors.text(), timeout=PATIENCE)
