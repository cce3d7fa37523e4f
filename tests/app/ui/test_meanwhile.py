"""What comes in behind the person's back does not change what they were about to do."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.core.review import likeness
from app.core.review.arrangement import Order
from app.ui.window.main_window import MainWindow

PATIENCE = 15_000
Key = Qt.Key


@pytest.fixture
def labelled(identified: MainWindow, qtbot: QtBot) -> MainWindow:
    """The window on the page Review with 12 photos identified into its project."""
    QTest.keyClick(identified, Key.Key_2)
    qtbot.waitUntil(lambda: identified.review.listing.rowCount() == 12, timeout=PATIENCE)
    return identified


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The order by likeness waits for this."""
    event, real = threading.Event(), likeness.to_own_class
    monkeypatch.setattr(likeness, "to_own_class", lambda *of: event.wait(PATIENCE / 1000) and real(*of))
    return event


def told(window: MainWindow) -> dict[int, str]:
    """The classes that the person gave, by the photos' numbers, as the project's file has them."""
    project = window.project.project
    assert project is not None
    return {image: label.fine for image, label in project.labels.all().items()}


def answer(line: QLineEdit, text: str) -> None:
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Key.Key_Return)


def test_a_label_goes_to_the_photo_that_it_was_asked_for_when_the_order_comes_later(
    labelled: MainWindow, qtbot: QtBot, go_on: threading.Event
) -> None:
    page = labelled.review
    page.filters.set_order(Order.ODD)
    page.chosen.go(7)
    meant = page.chosen.image()
    QTest.keyClick(page.grid, Key.Key_R)
    QTest.keyClicks(page.relabel_box.line, "cel")
    go_on.set()
    qtbot.waitUntil(lambda: page.listing.likeness is not None, timeout=PATIENCE)
    assert page.chosen.image() == meant
    QTest.keyClick(page.relabel_box.line, Key.Key_Return)
    qtbot.waitUntil(lambda: told(labelled) == {meant: "Celeste class"}, timeout=PATIENCE)


def test_an_order_that_is_not_wanted_any_more_moves_nothing(
    labelled: MainWindow, qtbot: QtBot, go_on: threading.Event
) -> None:
    page = labelled.review
    page.filters.set_order(Order.ODD)
    page.filters.set_order(Order.NAME)
    page.chosen.go(7)
    meant = page.chosen.image()
    done = []
    go_on.set()
    page.project.tasks.once(lambda: None, lambda _none: done.append(1))
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE)
    assert page.chosen.image() == meant and page.listing.likeness is None


@pytest.mark.parametrize("label", ["", "Azzurra class"])
def test_what_is_chosen_stays_chosen_when_the_model_is_loaded_again(
    labelled: MainWindow, qtbot: QtBot, label: str
) -> None:
    page = labelled.review
    if label:  # at first nothing fits
        page.filters.set_label(label)
        qtbot.waitUntil(lambda: page.listing.rowCount() == 3, timeout=PATIENCE)
    page.grid.selectAll()
    chosen, current = page.chosen.images(), page.listing.images()[1]
    page.chosen._model.setCurrentIndex(page.listing.index(1, 0), page.chosen._model.SelectionFlag.NoUpdate)
    assert len(chosen) == (3 if label else 12)
    QTest.keyClick(page.grid, Key.Key_R)
    columns = page.project.columns
    labelled.models.open_again()
    qtbot.waitUntil(lambda: page.project.columns is not columns, timeout=PATIENCE)
    qtbot.waitUntil(lambda: (page.project.columns.predictions["image"] > 0).sum() == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.listing.rowCount() == len(chosen), timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.chosen.images() == chosen, timeout=PATIENCE)
    assert page.chosen.image() == current
    answer(page.relabel_box.line, "rossa")
    qtbot.waitUntil(lambda: told(labelled) == dict.fromkeys(chosen, "Rossa 2010"), timeout=PATIENCE)


def test_what_is_chosen_while_the_list_fills_again_is_what_counts(labelled: MainWindow, qtbot: QtBot) -> None:
    page = labelled.review
    page.filters.set_label("Azzurra class")
    page.grid.selectAll()
    columns = page.project.columns
    labelled.models.open_again()
    qtbot.waitUntil(lambda: page.listing.columns is not columns, timeout=PATIENCE)
    page.filters.set_label("")
    page.chosen.go(0)
    qtbot.waitUntil(lambda: (page.project.columns.predictions["image"] > 0).sum() == 12, timeout=PATIENCE)
    page.arrange()
    assert page.chosen.places().tolist() == [0]


def test_a_label_goes_to_the_points_that_it_was_asked_for_when_the_map_is_read_again(
    labelled: MainWindow, qtbot: QtBot
) -> None:
    QTest.keyClick(labelled, Key.Key_4)
    page, said = labelled.explore, []
    labelled.project.said.connect(said.append)
    qtbot.waitUntil(lambda: len(page.map.places()) == 12 and not page.survey.unfolding(), timeout=PATIENCE)
    page.map.choose(np.arange(3))
    meant = page.choice.images().tolist()
    page.choice.relabel()
    page.survey._known = ()
    page.survey.refresh()
    qtbot.waitUntil(lambda: not len(page.map.chosen()), timeout=PATIENCE)
    answer(page.relabel_box.line, "celeste")
    qtbot.waitUntil(lambda: told(labelled) == dict.fromkeys(meant, "Celeste class"), timeout=PATIENCE)
    assert said[-1].startswith("Celeste class: 3 photos")


def test_the_box_for_a_label_closes_when_another_project_is_opened(
    labelled: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    page = labelled.review
    page.chosen.go(3)
    QTest.keyClick(page.grid, Key.Key_R)
    assert page.relabel_box.isVisible()
    page.project.open(tmp_path / "other.marque", create=True)
    qtbot.waitUntil(lambda: not page.relabel_box.isVisible(), timeout=PATIENCE)
