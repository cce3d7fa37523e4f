"""What a person does on the page Review, done to the real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QMenu
from pytestqt.qtbot import QtBot

from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from app.core.recognition.decision import Status
from app.core.review.arrangement import Order, Show
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow, wait_until
from tests.app.ui.review.reviewing import (
    PATIENCE,
    Key,
    action,
    identified,
    labelled,
    press,
    status_of,
    told,
    until_told,
)


def test_a_folder_is_labelled_and_each_photo_says_what_it_is(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    (photos / "cut.jpg").write_bytes(b"no picture")
    window = review(photos)
    page = window.review
    assert page.listing.rowCount() == 13
    assert "12 of 13 photos done, 1 cannot be read" in window.status.jobs.text()
    page.filters.show_box.setCurrentIndex(list(Show).index(Show.ERROR))
    page.filters.show_box.activated.emit(page.filters.show_box.currentIndex())
    assert page.listing.rowCount() == 1 and status_of(window, 0) == ("", "")
    qtbot.waitUntil(lambda: page.viewer.panel.texts()["status"] == "cannot be read", timeout=PATIENCE)
    page.filters.clear()
    page.filters.search.setText("azz")
    page.filters.search.textEdited.emit("azz")
    qtbot.waitUntil(lambda: page.listing.rowCount() == 3, timeout=PATIENCE)
    assert {status_of(window, place)[0] for place in range(3)} == {"Azzurra class"}
    QTest.keyClick(window, Key.Key_Escape)
    assert page.listing.rowCount() == 13


def test_verdicts_by_key_move_on_and_can_be_undone(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    for key in (Key.Key_Return, Key.Key_C, Key.Key_U, Key.Key_X):
        before = page.chosen.place()
        press(window, key)
        assert page.chosen.place() == before + 1
    until_told(qtbot, window, 4)
    assert told(window) == {
        "sedan/Gialla 2012/1.jpg": Label(Verdict.ACCEPTED, "sedan", "Gialla 2012"),
        "sedan/Gialla 2012/2.jpg": Label(Verdict.CORRECTED, "sedan", ""),
        "sedan/Gialla 2012/3.jpg": Label(Verdict.UNKNOWN),
        "sedan/Rossa 2010/1.jpg": Label(Verdict.EXCLUDED),
    }
    assert [status_of(window, place) for place in range(4)] == [
        *(("Gialla 2012", "accepted"), ("sedan", "corrected"), ("", "unknown"), ("Rossa 2010", "excluded")),
    ]
    for left in (3, 2):
        press(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        until_told(qtbot, window, left)
    press(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: status_of(window, 2) == ("", "unknown"), timeout=PATIENCE)
    page.chosen.go(2)
    press(window, Key.Key_Backspace)
    qtbot.waitUntil(lambda: status_of(window, 2) == ("Gialla 2012", ""), timeout=PATIENCE)


def test_relabelling_offers_classes_and_makes_new_ones(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    for typed, expected in (
        ("cel", ("Celeste class", "ship")),
        ("Verde, ship", ("Verde", "ship")),
        ("verd", ("Verde", "ship")),
    ):
        place = page.chosen.place()
        press(window, Key.Key_R)
        assert page.relabel_box.isVisible()
        QTest.keyClicks(page.relabel_box.line, typed)
        QTest.keyClick(page.relabel_box.line, Key.Key_Return)
        wait_until(qtbot, lambda place: status_of(window, place)[1] == "corrected", place)
        assert status_of(window, place)[0] == expected[0]
    assert Label(Verdict.CORRECTED, "ship", "Verde") in told(window).values()
    press(window, Key.Key_R)
    first = page.relabel_box.offers.item(0).text()
    QTest.keyClick(page.relabel_box.line, Key.Key_Down)
    assert page.relabel_box.offers.currentRow() == 1 and first != page.relabel_box.offers.currentItem().text()
    QTest.keyClick(page.relabel_box.line, Key.Key_Escape)
    assert not page.relabel_box.isVisible()


def test_many_are_accepted_at_once_after_a_preview(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    press(window, Key.Key_X)
    until_told(qtbot, window, 1)
    QTest.mouseClick(page.toolbar.accept_button, Qt.MouseButton.LeftButton)
    page.bar.level_box.setCurrentIndex(0)
    page.bar.level_changed.emit(0.8)
    assert "11 undecided photos" in page.bar.text() and page.listing.rowCount() == 11
    confidences = page.project.columns.shown.confidence[page.project.columns.rows_of(page.listing.images())]
    assert (confidences[1:] >= confidences[:-1]).all()
    QTest.mouseClick(page.bar.action_button, Qt.MouseButton.LeftButton)
    until_told(qtbot, window, 12)
    assert page.listing.rowCount() == 12 and not page.bar.isVisible()
    press(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until_told(qtbot, window, 1)


def test_a_suggestion_follows_what_the_person_corrected(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    page.project.label(
        dict.fromkeys(map(SubjectId, (4, 5)), Label(Verdict.CORRECTED, "sedan", "Arancia 2011")), "by hand"
    )
    until_told(qtbot, window, 2)
    QTest.mouseClick(page.toolbar.suggest_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.bar.isVisible() and page.listing.rowCount() == 1, timeout=PATIENCE)
    assert "1 photo shown as Rossa 2010" in page.bar.text() and "Arancia 2011" in page.bar.text()
    QTest.mouseClick(page.bar.action_button, Qt.MouseButton.LeftButton)
    until_told(qtbot, window, 3)
    assert set(told(window).values()) == {Label(Verdict.CORRECTED, "sedan", "Arancia 2011")}
    assert not page.bar.isVisible() and page.listing.rowCount() == 12
    QTest.mouseClick(page.toolbar.suggest_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.bar.isVisible, timeout=PATIENCE)
    assert "No suggestions" in page.bar.text()
    QTest.keyClick(window, Key.Key_Escape)
    assert not page.bar.isVisible()


def test_thresholds_decide_again_at_once_and_are_kept(
    review: Callable[..., MainWindow], open_marque: OpenWindow, photos: Path, qtbot: QtBot
) -> None:
    window = review(photos)
    page = window.review
    assert status_of(window, 0)[0] == "Gialla 2012"
    page.threshold_box.fine.setValue(100)
    qtbot.waitUntil(lambda: status_of(window, 0)[0] == "sedan", timeout=PATIENCE)
    counts = page.threshold_box.findChildren(QLabel)[-1]
    qtbot.waitUntil(lambda: "12 type only" in counts.text(), timeout=PATIENCE)
    window.close()
    again = open_marque()
    qtbot.waitUntil(lambda: again.review.listing.rowCount() == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool((again.project.columns.predictions["image"] > 0).all()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: status_of(again, 0)[0] == "sedan", timeout=PATIENCE)
    again.review.threshold_box.reset.emit()
    qtbot.waitUntil(lambda: status_of(again, 0)[0] == "Gialla 2012", timeout=PATIENCE)


def test_identified_photos_are_in_the_project_without_being_asked(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path, qtbot: QtBot
) -> None:
    window = open_marque(photos)
    qtbot.waitUntil(lambda: "12 photos: 12 identified" in window.status.jobs.text(), timeout=PATIENCE)
    opened = window.project
    qtbot.waitUntil(lambda: len(opened.columns) == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool((opened.columns.predictions["image"] > 0).all()), timeout=PATIENCE)
    place = window.settings.project
    assert place is not None
    window.close()
    with Project.open(place) as project:
        assert len(project.images.all()) == 12 and project.sources.all()[0][1] == photos
        assert project.images.counts(project.models.all()[0].fingerprint).predicted == 12


def test_where_the_last_project_has_gone_a_new_one_is_made(open_marque: OpenWindow, qtbot: QtBot) -> None:
    window = open_marque()
    qtbot.waitUntil(lambda: window.project.project is not None, timeout=PATIENCE)
    place = window.settings.project
    window.close()
    place.rename(place.with_name("elsewhere.marque"))
    window = open_marque()
    qtbot.waitUntil(lambda: window.project.project is not None, timeout=PATIENCE)
    assert window.project.project.path.exists()
    assert f"{place}: the project does not exist" in window.review.errors.text()


def test_projects_are_made_opened_and_copied(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    page, button = window.review, window.review.toolbar.project_button
    first = page.project.project.path
    copy = tmp_path / "named.marque"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(copy.with_suffix("")), ""))
    action(button.menu(), "save a copy as…").trigger()
    qtbot.waitUntil(lambda: page.project.project.path == copy and page.listing.rowCount() == 12, timeout=PATIENCE)
    assert "named" in button.text() and window.settings.project == copy
    action(button.menu(), "new project").trigger()
    qtbot.waitUntil(lambda: page.project.project.path not in (copy, first), timeout=PATIENCE)
    assert page.listing.rowCount() == 0 and page.empty.isVisible()
    assert window.settings.recent_projects[1:] == [copy, first]
    gone = tmp_path / "gone.marque"
    button.show_project(None, [gone])
    recent = action(button.menu(), "recent projects").menu()
    assert isinstance(recent, QMenu)
    action(recent, "gone").trigger()
    qtbot.waitUntil(lambda: f"{gone}: the project does not exist" in page.errors.text(), timeout=PATIENCE)
    assert page.project.project is not None
    (tmp_path / "broken.marque").write_bytes(b"this is none")
    page.project.open(tmp_path / "broken.marque")
    qtbot.waitUntil(lambda: "broken.marque" in page.errors.text(), timeout=PATIENCE)
    page.project.open(copy)
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12, timeout=PATIENCE)


def test_photos_that_were_moved_are_located(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = review(photos)
    page = window.review
    photos.rename(tmp_path / "elsewhere")
    page.chosen.go(2)
    qtbot.waitUntil(lambda: "does not exist" in page.viewer.panel.texts()["reason"], timeout=PATIENCE)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(tmp_path / "elsewhere"))
    page.toolbar.project_button.folders_asked.emit()
    qtbot.waitUntil(lambda: "12 photos found" in window.status.jobs.text(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12, timeout=PATIENCE)
    page.chosen.go(3)
    qtbot.waitUntil(lambda: page.viewer.view.photo() is not None, timeout=PATIENCE)


def test_a_run_can_be_paused_gone_on_with_and_cancelled(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    sources = sorted(photos.rglob("*.jpg"))
    for number in range(300):
        (many / f"{number}.jpg").hardlink_to(sources[number % 12])
    window = review()
    page, jobs = window.review, window.status.jobs
    page.project.identify([many])
    qtbot.waitUntil(lambda: page.project.running.active() and jobs.pause_button.isVisible(), timeout=PATIENCE)
    QTest.mouseClick(jobs.pause_button, Qt.MouseButton.LeftButton)
    done = -1
    while done != identified(window):  # the batch in work is finished
        done = identified(window)
        qtbot.wait(500)
    assert done < 300 and jobs.text().startswith("paused")
    QTest.mouseClick(jobs.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: identified(window) > done, timeout=PATIENCE)
    QTest.mouseClick(jobs.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.project.running.active(), timeout=PATIENCE)
    assert "cancelled after" in jobs.text() and identified(window) < 300
    page.project.identify()
    qtbot.waitUntil(lambda: identified(window) == 300, timeout=PATIENCE)


def test_grid_and_table_show_the_same_choice(review: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = review(photos)
    page = window.review
    grid = page.grid
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.visualRect(page.listing.index(4, 0)).center())
    assert page.chosen.images() == page.listing.images(np.array([4])).tolist()
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.mouseClick(
        grid.viewport(), Qt.MouseButton.LeftButton, shift, grid.visualRect(page.listing.index(7, 0)).center()
    )
    assert page.chosen.places().tolist() == [4, 5, 6, 7]
    QTest.mouseClick(page.toolbar.table_button, Qt.MouseButton.LeftButton)
    assert page.table.isVisible() and {index.row() for index in page.table.selectionModel().selectedRows()} == {
        4,
        5,
        6,
        7,
    }
    page.table.horizontalHeader().sectionClicked.emit(5)
    assert page.filters.order() is Order.CONFIDENCE and len(page.chosen.images()) == 4
    page.toolbar.table_button.setChecked(False)
    page.filters.set_order(Order.ADDED)
    assert page.chosen.places().tolist() == [4, 5, 6, 7]
    grid.setFocus()
    page.chosen.go(0)
    across = grid.across()
    for key, place in ((Key.Key_Right, 1), (Key.Key_Down, 1 + across), (Key.Key_End, 11), (Key.Key_Home, 0)):
        QTest.keyClick(grid, key)
        assert page.chosen.place() == min(place, 11)
    QTest.keyClick(grid, Key.Key_J)
    assert page.chosen.place() == 1
    QTest.keyClick(grid, Key.Key_S)
    assert page.listing.rowCount() == 3 and page.chosen.places().tolist() == [0, 1, 2]


def test_photos_are_ordered_by_oddness_and_by_likeness(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    red = photos / "sedan" / "Rossa 2010"
    window = review(photos)
    page = window.review
    page.project.label({SubjectId(1): Label(Verdict.CORRECTED, "sedan", "Rossa 2010")}, "a yellow one among the red")
    until_told(qtbot, window, 1)
    page.filters.set_label("Rossa 2010")
    page.filters.set_order(Order.ODD)
    qtbot.waitUntil(lambda: page.listing.images()[0] == 1, timeout=PATIENCE)
    assert page.listing.rowCount() == 4
    page.filters.clear()
    page.chosen.go(page.listing.place_of(1))
    page.filters.set_order(Order.ALIKE)
    qtbot.waitUntil(lambda: page.listing.images()[0] == 1 and page.chosen.place() == 0, timeout=PATIENCE)
    folders = [page.listing.path(page.listing.row(place)).parent for place in range(6)]
    assert red not in folders[:3]


def test_the_next_undecided_photo_is_found(review: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = review(photos)
    page = window.review
    page.project.label(dict.fromkeys(map(SubjectId, (2, 3)), Label(Verdict.UNKNOWN)), "by hand")
    until_told(qtbot, window, 2)
    page.chosen.go(0)
    press(window, Key.Key_N)
    assert page.chosen.place() == 3
    press(window, Key.Key_P)
    assert page.chosen.place() == 0
    press(window, Key.Key_P)
    assert page.chosen.place() == 0 and "no undecided photo before" in window.status.jobs.text()


def test_a_dropped_folder_is_identified_into_the_project(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    from tests.app.ui.photo_drops import drop, files

    window = review()
    assert window.review.empty.isVisible()
    drop(window, files(photos))
    labelled(qtbot, window)
    assert window.review.listing.rowCount() == 12
    assert all(
        status is Status.IDENTIFIED
        for status in (window.review.listing.index(p, 0).data(256).status for p in range(12))
    )
    rect = window.review.grid.visualRect(window.review.listing.index(0, 0))
    assert window.review.grid.indexAt(rect.center()).row() == 0
    assert not window.review.grid.indexAt(QPoint(0, 0)).isValid()


@pytest.mark.slow
def test_a_watched_folder_brings_new_photos_also_after_a_restart(
    review: Callable[..., MainWindow], open_marque: OpenWindow, photos: Path, qtbot: QtBot
) -> None:
    window = review(photos)
    page = window.review
    QTest.mouseClick(page.toolbar.watch_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "watching photos" in page.toolbar.watch_button.toolTip(), timeout=PATIENCE)
    (photos / "new.jpg").write_bytes((photos / "ship" / "Celeste class" / "1.jpg").read_bytes())
    qtbot.waitUntil(lambda: page.listing.rowCount() == 13 and identified(window) == 13, timeout=PATIENCE)
    qtbot.waitUntil(lambda: status_of(window, 12)[0] == "Celeste class", timeout=PATIENCE)
    window.close()

    again = open_marque()
    qtbot.waitUntil(lambda: again.review.toolbar.watch_button.isChecked(), timeout=PATIENCE)
    (photos / "newer.jpg").write_bytes((photos / "sedan" / "Rossa 2010" / "1.jpg").read_bytes())
    qtbot.waitUntil(lambda: again.review.listing.rowCount() == 14, timeout=PATIENCE)
    QTest.mouseClick(again.review.toolbar.watch_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not again.project.watching.places(), timeout=PATIENCE)
    assert not again.review.toolbar.watch_button.isChecked()
    assert again.project.project.sources.all()[0][2] is False
