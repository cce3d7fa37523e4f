"""The test photos of a training on the map of the page Explore, as a person looks at them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog
from pytestqt.qtbot import QtBot

from app.core.explore.map_points import By
from app.core.training.runs import Runs
from app.ui.explore.group_colours import rgb
from app.ui.widgets import theme
from app.ui.window.main_window import MainWindow
from model.contract.tested_photos import TESTED_FILE
from tests.app.tiny import write_tiny_run
from tests.app.ui.conftest import wait_until
from tests.app.ui.explore.test_explore import PATIENCE, explore, laid_out
from tests.app.ui.explore.test_mistakes import judged

__all__ = ["explore"]
Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def trained(marque_home: Path, photos: Path) -> Path:
    """A finished training that the page Train knows; its test photos are the twelve photos."""
    folder = marque_home / "data" / "runs"
    run = write_tiny_run(folder / "colours", photos)
    Runs(folder).adopt(run)
    return run


def pick(box: QComboBox, words: str) -> None:
    """Choose an entry by keys, as a person does."""
    box.setFocus()
    place = box.findText(words)
    assert place >= 0, words
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(place, 0))
    QTest.keyClick(box.view(), Key.Key_Return)
    box.window().activateWindow()  # the list was a window of its own
    assert QTest.qWaitForWindowActive(box.window(), PATIENCE)


def with_training(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """Until the test photos of the training are on the map."""
    box = window.explore.toolbar.source_box
    qtbot.waitUntil(lambda: "test photos of colours" in box.texts(), timeout=PATIENCE)
    pick(box, "test photos of colours")
    laid_out(qtbot, window, 12)
    return window


def test_a_trainings_test_photos_are_coloured_by_correctness(
    explore: Callable[..., MainWindow], trained: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = with_training(explore(), qtbot)
    page = window.explore
    assert page.toolbar.source_box.currentText() == "test photos of colours"
    assert page.map.isVisible() and page.side.total.text() == "12 test photos"
    assert [(word, count) for word, _, count in page.side.legend.texts()] == [("sedan", "6"), ("ship", "6")]
    pick(page.toolbar.by_box, "by correctness")
    assert [(word, count) for word, _, count in page.side.legend.texts()] == [
        *(("right", "8"), ("taken for another class", "3"), ("taken for another type", "1")),
    ]
    colours = [rgb(QColor(getattr(theme.tokens(), token))) for token in ("danger", "ok", "ok", "caution")]
    assert [tuple(one) for one in page.map.colours()[:4].tolist()] == colours
    card = page.shown.card(3)
    assert (card.title, card.beneath) == ("Rossa 2010", "taken for Gialla 2012, 60\u2009%")
    assert page.shown.card(4).beneath == "right, 97\u2009%"
    qtbot.waitUntil(lambda: page.shown.card(3).picture is not None, timeout=PATIENCE)
    page.map.grab()
    items = page.toolbar.by_box.model()
    assert isinstance(items, QStandardItemModel)
    item = items.item([*By].index(By.VERDICT))
    assert not item.isEnabled()
    out = tmp_path / "map.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(out), ""))
    page.toolbar.save_wanted.emit("csv")
    qtbot.waitUntil(out.is_file, timeout=PATIENCE)
    with out.open(encoding="utf-8") as file:
        assert [row["correctness"] for row in csv.DictReader(file)].count("another type") == 1
    pick(page.toolbar.source_box, "project")
    qtbot.waitUntil(page.empty.isVisible, timeout=PATIENCE)
    assert page.by is By.CORRECTNESS and item.isEnabled()


def test_a_test_photo_that_is_gone_has_a_mark_instead_of_a_picture(
    explore: Callable[..., MainWindow], trained: Path, photos: Path, qtbot: QtBot
) -> None:
    min(photos.rglob("*.jpg")).unlink()
    window = with_training(explore(), qtbot)
    shown = window.explore.shown
    gone = [point for point in range(12) if not shown.path(point).is_file()]
    assert len(gone) == 1
    qtbot.waitUntil(lambda: shown.card(gone[0]).missing, timeout=PATIENCE)
    assert shown.card(gone[0]).picture is None
    qtbot.waitUntil(lambda: shown.card((gone[0] + 1) % 12).picture is not None, timeout=PATIENCE)
    assert not shown.card((gone[0] + 1) % 12).missing


def test_test_photos_are_opened_where_they_are_in_the_project(
    explore: Callable[..., MainWindow], trained: Path, qtbot: QtBot
) -> None:
    window = with_training(explore(), qtbot)
    page, side, opened = window.explore, window.explore.side, window.project
    page.find_text("celeste")
    assert side.chosen.text() == "3 test photos chosen" and not side.open_button.isEnabled()
    assert "none of these test photos is in the project" in side.open_button.toolTip()
    QTest.mouseClick(side.identify_button, LEFT)
    qtbot.waitUntil(lambda: len(opened.columns) == 3 and not opened.running.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: side.chosen.text() == "3 test photos chosen, in the project", timeout=PATIENCE)
    assert len(page.map.places()) == 12 and not page.survey.unfolding()  # the map is not of the project
    assert not side.identify_button.isVisible()
    page.map.choose(np.arange(12))
    assert side.chosen.text() == "12 test photos chosen, 3 in the project" and side.identify_button.isVisible()
    QTest.mouseClick(side.open_button, LEFT)
    assert window.pages.currentWidget() is window.review and window.review.listing.rowCount() == 3
    window.review.chosen.go(1)
    QTest.keyClick(window, Key.Key_4)
    assert page.map.isVisible() and page.survey.training is not None and len(page.map.places()) == 12
    QTest.keyClick(window, Key.Key_G)
    point = page.shown.point_of(window.review.chosen.image())
    assert page.shown.card(point).title == "Celeste class"
    assert (page.map.spot(point) - QPointF(page.map.rect().center())).manhattanLength() < 2


def test_what_a_training_confused_is_listed(
    explore: Callable[..., MainWindow], trained: Path, photos: Path, qtbot: QtBot
) -> None:
    window = explore()
    page, mistakes = window.explore, window.explore.mistakes
    QTest.keyClick(window, Key.Key_C)
    box = page.toolbar.truth_box
    qtbot.waitUntil(lambda: box.findText("by the answers of the training colours") > 0, timeout=PATIENCE)
    pick(box, "by the answers of the training colours")
    judged(window, qtbot, 12)
    assert mistakes.summary.whole().startswith("12 photos · 4 taken for another class (33\u2009%): 3 within the type")
    assert sum(int(row[2]) for row in mistakes.table.texts()) == 4
    there = mistakes.examples.there
    place = there.places()[0]
    there.list.activated.emit(there.list.model().index(0, 0))
    assert "not in the project" in window.status.jobs.text() and window.pages.currentWidget() is page
    assert mistakes.absent_button.text() == "identify 12 more test photos"
    QTest.mouseClick(mistakes.absent_button, LEFT)
    qtbot.waitUntil(
        lambda: mistakes.absent_button.isHidden() and len(page.judge.findings.absent) == 0, timeout=PATIENCE
    )
    there.list.activated.emit(there.list.model().index(0, 0))
    opened, review = window.project, window.review
    assert window.pages.currentWidget() is review
    row = opened.columns.rows_of([review.chosen.image()])[0]
    assert opened.columns.paths[row] == str(sorted(photos.rglob("*.jpg"))[place])


def test_what_cannot_be_read_is_reported_and_the_map_stays(
    explore: Callable[..., MainWindow],
    trained: Path,
    photos: Path,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = with_training(explore(), qtbot)
    page, box = window.explore, window.explore.toolbar.source_box
    other = write_tiny_run(tmp_path / "elsewhere", photos)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(other))
    whole = (other / TESTED_FILE).read_bytes()
    (other / TESTED_FILE).write_bytes(whole[:300])
    for told in ("damaged", "earlier version"):
        pick(box, "test photos of another training…")
        wait_until(qtbot, lambda told: told in page.errors.text(), told)
        assert box.currentText() == "test photos of colours" and len(page.map.places()) == 12
        (other / TESTED_FILE).unlink(missing_ok=True)
    (other / TESTED_FILE).write_bytes(whole)
    pick(box, "test photos of another training…")
    qtbot.waitUntil(lambda: box.currentText() == "test photos of elsewhere", timeout=PATIENCE)
    assert page.survey.training is not None and page.survey.training.folder == other
