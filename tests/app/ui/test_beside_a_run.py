"""While a run over the project continues, the person looks at photos and lists undisturbed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractItemView
from pytestqt.qtbot import QtBot

from app.core.review.arrangement import Order
from app.ui.background.gallery_jobs import GalleryWork
from app.ui.review.page import ReviewPage
from app.ui.window.main_window import MainWindow

PATIENCE = 30_000


@pytest.fixture
def many(alike: Callable[[int, tuple[int, int]], Path]) -> Path:
    """A folder of 200 photos."""
    return alike(200, (300, 200))


@pytest.fixture
def window(
    open_marque: Callable[..., MainWindow], photos: Path, answered: Callable[[MainWindow, str], None], qtbot: QtBot
) -> MainWindow:
    """With its model and its project, and a photo open on the page Identify."""
    window = open_marque(photos / "sedan" / "Rossa 2010" / "1.jpg")
    qtbot.waitUntil(lambda: window.project.project is not None)
    answered(window, "1.jpg")
    return window


def identify(window: MainWindow, folder: Path, count: int, qtbot: QtBot) -> None:
    """Until all photos of a folder are identified and listed, so many with the one that was open."""
    window.project.identify([folder])
    opened = window.project
    qtbot.waitUntil(lambda: (opened.columns.predictions["image"] > 0).sum() == count, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not opened.running.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.review.listing.rowCount() == count, timeout=PATIENCE)


@pytest.fixture
def asked(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each time that Review asked about the photo on show."""
    found: list[int] = []
    ask = window.review.viewer._ask
    monkeypatch.setattr(window.review.viewer, "_ask", lambda: (found.append(1), ask()))
    return found


def test_two_pages_that_ask_at_once_are_both_answered(window: MainWindow, photos: Path, qtbot: QtBot) -> None:
    identify(window, photos, 12, qtbot)
    begun, go_on = threading.Event(), threading.Event()

    def wait(*_of: object) -> Iterator[object]:
        begun.set()
        go_on.wait(PATIENCE / 1000)
        yield None

    window.show_page(1)
    review, session = window.review, window.identify.session
    review.chosen.go(1)
    qtbot.waitUntil(lambda: review.viewer.panel.texts()["answer"] != "", timeout=PATIENCE)
    answers: list[object] = []
    session.answered.connect(answers.append)
    window.services.gallery.add(GalleryWork(wait))
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    session.gallery_changed()
    before = review.viewer._photo
    review.chosen.go(review.listing.rowCount() - 1)
    name = review.listing.path(review.listing.row(review.chosen.place())).name
    qtbot.waitUntil(lambda: review.viewer._photo not in (None, before), timeout=PATIENCE)  # it has asked too
    go_on.set()
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=PATIENCE)
    qtbot.waitUntil(lambda: review.viewer.panel.texts()["subject"] == name, timeout=PATIENCE)
    qtbot.waitUntil(lambda: review.viewer.panel.texts()["answer"] == "Celeste class", timeout=PATIENCE)


def test_review_asks_for_nothing_while_it_is_out_of_sight(
    window: MainWindow, asked: list[int], many: Path, qtbot: QtBot
) -> None:
    identify(window, many, 201, qtbot)
    come_back(window.review, qtbot)
    assert not asked
    window.show_page(1)
    panel = window.review.viewer.panel
    qtbot.waitUntil(lambda: panel.texts()["answer"] == "Rossa 2010", timeout=PATIENCE)


def test_the_current_photo_is_asked_for_again_only_when_something_new_is_said_of_it(
    window: MainWindow, asked: list[int], many: Path, qtbot: QtBot
) -> None:
    window.show_page(1)
    page = window.review
    qtbot.waitUntil(lambda: page.viewer.panel.texts()["answer"] == "Rossa 2010", timeout=PATIENCE)
    asked.clear()
    identify(window, many, 201, qtbot)
    come_back(page, qtbot)
    assert not asked
    page.threshold_box.fine.setValue(100)
    qtbot.waitUntil(lambda: page.viewer.panel.texts()["answer"] == "sedan", timeout=PATIENCE)


@pytest.mark.parametrize("as_table", [False, True])
def test_the_list_stays_where_it_was_scrolled_to(window: MainWindow, many: Path, qtbot: QtBot, as_table: bool) -> None:
    identify(window, many, 201, qtbot)
    window.show_page(1)
    page = window.review
    page.toolbar.table_button.setChecked(as_table)
    view: QAbstractItemView = page.table if as_table else page.grid
    bar = view.verticalScrollBar()
    page.chosen.go(0)
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=PATIENCE)
    for value in (bar.maximum(), bar.maximum() // 2):
        bar.setValue(value)
        come_back(page, qtbot)
        assert bar.value() == value
    assert page.chosen.place() == 0
    page._go(0)
    assert bar.value() <= view.viewport().height() // 4  # the current photo is in sight again


@pytest.mark.parametrize("as_table", [False, True])
def test_the_current_photo_stays_in_sight_when_others_come_before_it(
    window: MainWindow, many: Path, photos: Path, qtbot: QtBot, as_table: bool
) -> None:
    identify(window, photos, 12, qtbot)
    window.show_page(1)
    page = window.review
    page.toolbar.table_button.setChecked(as_table)
    page.filters.set_order(Order.CLASS)
    page.chosen.go(page.listing.rowCount() - 1)  # of Rossa 2010, or the last of the others
    meant = page.chosen.image()
    (photos / "more").mkdir()
    for number in range(60):
        (photos / "more" / f"{number}.jpg").hardlink_to(photos / "ship" / "Azzurra class" / "1.jpg")
    page.project.identify([photos])
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12 + 60, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.project.running.active(), timeout=PATIENCE)
    come_back(page, qtbot)
    assert page.chosen.image() == meant and page.chosen.place() == 71
    view: QAbstractItemView = page.table if as_table else page.grid
    assert view.viewport().rect().intersects(view.visualRect(page.listing.index(71, 0)))


def come_back(page: ReviewPage, qtbot: QtBot) -> None:
    """The run has brought something; until the list has been arranged again."""
    arranged: list[object] = []
    page.listing.modelReset.connect(lambda: arranged.append(1))
    page.project.grown.emit()
    qtbot.waitUntil(lambda: bool(arranged), timeout=PATIENCE)
    qtbot.wait(200)  # the current photo is followed
