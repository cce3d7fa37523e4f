"""What a person does on the page Explore beyond looking at the map: mistakes, relabelling, finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.explore.map_points import By
from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.ui.explore.toolbar import View
from app.ui.window.main_window import MainWindow
from tests.app.ui.explore.test_explore import PATIENCE, explore, laid_out, points_of

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton
__all__ = ["explore"]


def label(window: MainWindow, qtbot: QtBot, labels: dict[int, Label]) -> None:
    """Label photos as if it had been done in Review."""
    opened = window.project
    opened.label({SubjectId(image): label for image, label in labels.items()}, "by hand")
    qtbot.waitUntil(lambda: int(opened.columns.labelled().sum()) == len(labels), timeout=PATIENCE)


def judged(window: MainWindow, qtbot: QtBot, count: int) -> None:
    """Until so many photos are judged."""
    page = window.explore
    qtbot.waitUntil(
        lambda: page.judge.findings is not None and len(page.judge.findings.judged) == count, timeout=PATIENCE
    )


@pytest.fixture
def mistaken(explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> MainWindow:
    """Of the four classes with three photos each, the person corrects: two to another class, one to another type."""
    window = explore(photos)
    columns = window.project.columns
    rows = {name: np.flatnonzero(columns.shown.label == columns.names.place(name)) for name in _OF_TYPE}
    red, yellow, blue = (columns.ids[rows[name]].tolist() for name in ("Rossa 2010", "Gialla 2012", "Azzurra class"))
    accepted = {image: Label(Verdict.ACCEPTED, "sedan", "Rossa 2010") for image in red[1:]}
    corrected = {
        red[0]: Label(Verdict.CORRECTED, "sedan", "Gialla 2012"),
        yellow[0]: Label(Verdict.CORRECTED, "sedan", "Rossa 2010"),
        yellow[1]: Label(Verdict.CORRECTED, "sedan", "Rossa 2010"),
        blue[0]: Label(Verdict.CORRECTED, "sedan", "Rossa 2010"),
    }
    label(window, qtbot, accepted | corrected)
    return window


_OF_TYPE = {"Rossa 2010": "sedan", "Gialla 2012": "sedan", "Azzurra class": "ship", "Celeste class": "ship"}


def test_without_labels_the_page_says_what_to_do(explore: Callable[..., MainWindow], qtbot: QtBot) -> None:
    window = explore()
    page = window.explore
    QTest.mouseClick(page.toolbar.view_buttons[View.CONFUSIONS], LEFT)
    judged(window, qtbot, 0)
    assert page.mistakes.nothing.isVisible() and "confuses" in page.mistakes.nothing.text()
    QTest.mouseClick(page.mistakes.nothing.button, LEFT)
    assert window.pages.currentWidget() is window.review


def test_the_classes_that_are_confused_and_their_photos(mistaken: MainWindow, qtbot: QtBot) -> None:
    window, page = mistaken, mistaken.explore
    QTest.keyClick(window, Key.Key_C)
    judged(window, qtbot, 6)
    mistakes = page.mistakes
    assert mistakes.table.texts() == [
        ("Rossa 2010", "Gialla 2012", "3", "50\u2009%"),
        ("Rossa 2010", "Azzurra class", "1", "20\u2009%"),
    ]
    assert mistakes.summary.whole().startswith("6 photos · 4 taken for another class (67\u2009%): 3 within the type")
    there, back = mistakes.examples.there, mistakes.examples.back
    assert (there.text(), len(there.places())) == ("Rossa 2010 taken for Gialla 2012", 2)
    assert (back.text(), len(back.places())) == ("Gialla 2012 taken for Rossa 2010", 1)
    QTest.mouseClick(mistakes.table.horizontalHeader().viewport(), LEFT, pos=QPoint(20, 12))
    assert mistakes.table.texts()[0][0] == "Rossa 2010"
    mistakes.table.setFocus()
    QTest.keyClick(mistakes.table, Key.Key_Up)
    there.list.setFocus()
    there.list.setCurrentIndex(there.list.model().index(1, 0))
    wanted = page.judge.findings.judged.images[there.places()]
    QTest.keyClick(there.list, Key.Key_Return)
    review = window.review
    assert window.pages.currentWidget() is review
    assert review.listing.images().tolist() == wanted.tolist() and review.chosen.image() == wanted[1]
    assert review.bar.text() == f"{len(wanted)} photo{'s' * (len(wanted) > 1)} of {there.text()}"


def test_the_types_that_are_confused(mistaken: MainWindow, qtbot: QtBot) -> None:
    window, page = mistaken, mistaken.explore
    QTest.mouseClick(page.toolbar.view_buttons[View.HIERARCHY], LEFT)
    judged(window, qtbot, 6)
    matrix, mistakes = page.mistakes.matrix, page.mistakes
    assert [[matrix.text(row, column) for column in (0, 1)] for row in (0, 1)] == [["5", "1"], ["", ""]]
    assert "3 of these taken for another class" in matrix.sentence(0, 0)
    QTest.mouseClick(page.toolbar.shares_button, LEFT)
    assert matrix.text(0, 1) == "17" and "taken for ship (17\u2009%)" in matrix.sentence(0, 1)
    assert page.mistakes.boundaries.list.topLevelItem(0).text(0) == "sedan taken for ship"
    page.grab()
    QTest.mouseClick(matrix, LEFT, pos=matrix.cell(0, 1).center())
    assert page.view is View.CONFUSIONS and mistakes.filter_button.text() == "sedan taken for ship"
    assert [row[:2] for row in mistakes.table.texts()] == [("Rossa 2010", "Azzurra class")]
    QTest.keyClick(window, Key.Key_Escape)
    assert len(mistakes.table.texts()) == 2 and not mistakes.filter_button.isVisible()
    QTest.keyClick(window, Key.Key_H)
    matrix.setFocus()
    QTest.keyClick(matrix, Key.Key_Left)
    QTest.keyClick(matrix, Key.Key_Return)
    assert mistakes.filter_button.text() == "within sedan" and mistakes.table.texts()[0][1] == "Gialla 2012"


def test_what_the_person_says_meanwhile_is_judged_too(mistaken: MainWindow, qtbot: QtBot) -> None:
    window, page = mistaken, mistaken.explore
    page.show_view(View.CONFUSIONS)
    judged(window, qtbot, 6)
    window.project.turn(back=True)
    judged(window, qtbot, 0)
    assert page.mistakes.nothing.isVisible()


def test_the_gallery_is_judged_with_each_photo_left_out(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = explore()
    page = window.explore
    page.show_view(View.CONFUSIONS)
    qtbot.waitUntil(lambda: page.toolbar.truth_box.count() == 2, timeout=PATIENCE)
    page.toolbar.truth_wanted.emit(1)
    judged(window, qtbot, 12)
    assert "no class was taken for another" in page.mistakes.nothing.text()
    assert "12 references compared" in window.status.jobs.text()
    page.show_view(View.HIERARCHY)
    assert page.mistakes.matrix.text(0, 0) == "6" and page.mistakes.summary.whole() == "12 photos · no mistake"


def test_the_test_photos_of_a_training_are_judged(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot, marque_home: Path
) -> None:
    run = marque_home / "data" / "runs" / "first"
    run.mkdir(parents=True)
    head = "path,coarse,fine,source,group,split,x1,y1,x2,y2,attributes"
    files = sorted(photos.rglob("*.jpg"))
    lines = [f"{file},ship,Celeste class,s,{file},test,,,,,{{}}" for file in files[:4]]
    (run / "split.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    record = f'{{"name": "first", "folder": {str(run)!r}, "created": 1}}'.replace("'", '"')
    (run.parent / "first.json").write_text(record, encoding="utf-8")
    window = explore()
    page = window.explore
    page.show_view(View.CONFUSIONS)
    qtbot.waitUntil(lambda: page.toolbar.truth_box.count() == 3, timeout=PATIENCE)
    assert page.toolbar.truth_box.itemText(2) == "by the test photos of first"
    page.toolbar.truth_wanted.emit(2)
    judged(window, qtbot, 0)
    QTest.mouseClick(page.mistakes.nothing.button, LEFT)
    judged(window, qtbot, 4)
    assert sum(int(row[2]) for row in page.mistakes.table.texts()) == 4


def test_the_choice_on_the_map_gets_another_label(
    explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = explore(photos)
    page, columns = window.explore, window.project.columns
    wanted = points_of(window, "Azzurra class")
    page.map.choose(wanted)
    QTest.keyClick(window, Key.Key_R)
    assert page.relabel_box.isVisible()
    QTest.keyClicks(page.relabel_box.line, "celeste")
    QTest.keyClick(page.relabel_box.line, Key.Key_Return)
    qtbot.waitUntil(lambda: len(points_of(window, "Celeste class")) == 6, timeout=PATIENCE)
    assert (columns.told_fine[wanted] == columns.names.place("Celeste class")).all()
    page.colour_by(By.CORRECTNESS)
    assert page.side.legend.texts()[0][::2] == ("taken for another class", "3")
    QTest.keyClick(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(points_of(window, "Celeste class")) == 3, timeout=PATIENCE)


def test_photos_are_found_on_the_map_by_name(explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = explore(photos)
    page = window.explore
    QTest.keyClick(window, Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.toolbar.search.hasFocus()
    QTest.keyClicks(page.toolbar.search, "celeste 2.jpg")
    QTest.keyClick(page.toolbar.search, Key.Key_Return)
    assert page.side.chosen.text() == "1 photo chosen"
    page.map.zoom(50)
    page.find_text("rossa")
    spots = [page.map.spot(point) for point in page.map.chosen().tolist()]
    assert len(spots) == 3 and any(page.map.rect().contains(spot.toPoint()) for spot in spots)
    page.find_text("zeppelin")
    assert not len(page.map.chosen()) and "“zeppelin”" in page.side.chosen.text()


def test_what_is_chosen_is_chosen_on_both_pages(explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = explore(photos)
    page, review = window.explore, window.review
    wanted = points_of(window, "Rossa 2010")
    page.map.choose(wanted)
    QTest.keyClick(window, Key.Key_2)
    ids = window.project.columns.ids
    assert review.chosen.images() == ids[wanted].tolist() and review.listing.rowCount() == 12
    review.chosen.choose(ids[[1, 4, 5]])
    QTest.keyClick(window, Key.Key_4)
    assert page.map.chosen().tolist() == [1, 4, 5]
    QTest.keyClick(window, Key.Key_2)
    review.chosen.go(3)
    QTest.keyClick(window, Key.Key_4)
    assert page.map.chosen().tolist() == [1, 4, 5]  # one photo alone is ringed, not chosen
    laid_out(qtbot, window, 12)


def test_the_choice_on_the_map_is_enrolled(explore: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = explore(photos)
    page, review = window.explore, window.review
    wanted = points_of(window, "Rossa 2010")
    label(window, qtbot, {int(window.project.columns.ids[wanted[0]]): Label(Verdict.ACCEPTED, "sedan", "Rossa 2010")})
    page.map.choose(wanted)
    QTest.keyClick(window, Key.Key_E)
    assert window.pages.currentWidget() is review and len(review.chosen.images()) == 3
    qtbot.waitUntil(review.notice.isVisible, timeout=PATIENCE)
    assert "2 photos without a class that you gave or accepted were left out" in review.notice.text()
