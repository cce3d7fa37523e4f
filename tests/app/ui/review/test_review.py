"""What a person does on the page Review, done to the real window."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from app.core.filing.filing import Filing
from app.core.filing.filing_plan import plan
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import FoundFile
from app.core.project.results import results
from app.core.recognition.decision import Status
from app.core.review.arrangement import Order, Show
from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.window.main_window import MainWindow

PATIENCE = 15_000
Key = Qt.Key


@pytest.fixture
def review(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens the window on the page Review, with a folder identified into its project."""

    def open_one(*folders: Path) -> MainWindow:
        window = open_marque()
        page = window.review
        qtbot.waitUntil(lambda: page.project.project is not None and window.identify.session.loaded() is not None)
        QTest.keyClick(window, Key.Key_2)
        assert window.pages.currentWidget() is page
        if folders:
            page.project.identify(list(folders))
            labelled(qtbot, window)
        return window

    return open_one


def labelled(qtbot: QtBot, window: MainWindow) -> None:
    """Until every photo of the project is identified and listed."""

    def done() -> bool:
        columns = window.project.columns
        looked_at = (columns.predictions["image"] > 0).sum() + len(columns.errors)
        return len(columns) > 0 and looked_at == len(columns) == window.review.listing.rowCount()

    qtbot.waitUntil(lambda: done() and not window.project.running.active(), timeout=PATIENCE)


def status_of(window: MainWindow, place: int) -> tuple[str, str]:
    """What a line of the list says: label, and the person's word."""
    listing = window.review.listing
    return listing.index(place, 3).data(), listing.index(place, 2).data()


def press(window: MainWindow, key: Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    window.review.grid.setFocus()
    QTest.keyClick(window.review.grid, key, modifier)


def told(window: MainWindow) -> dict[str, Label]:
    """What the project's file says that the person said, by name of type, class and file."""
    project = window.project.project
    assert project is not None
    names = {image.id: "/".join(image.path.parts[-3:]) for image in project.images.all()}
    return {names[image]: label for image, label in project.labels.all().items()}


def until_told(qtbot: QtBot, window: MainWindow, count: int) -> None:
    """Until so many photos have a label of the person, in the file and on the page."""
    columns = window.project.columns
    qtbot.waitUntil(lambda: len(told(window)) == count == (columns.verdict >= 0).sum(), timeout=PATIENCE)


def test_a_folder_is_labelled_and_each_photo_says_what_it_is(review, photos, qtbot):
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


def test_verdicts_by_key_move_on_and_can_be_undone(review, photos, qtbot):
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


def test_undo_survives_a_restart_also_of_filed_photos(review, open_marque, photos, qtbot, tmp_path):
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    press(window, Key.Key_Return)
    until_told(qtbot, window, 1)
    file_photos(qtbot, window, tmp_path / "sorted")
    filed = sorted((tmp_path / "sorted").rglob("*.jpg"))
    assert len(filed) == 12 and (tmp_path / "sorted" / "ship" / "Celeste class" / "1.jpg") in filed
    qtbot.waitUntil(lambda: page.toolbar.undo_button.toolTip().startswith("undo: copy 12 photos"), timeout=PATIENCE)
    window.close()

    again = open_marque()
    QTest.keyClick(again, Key.Key_2)
    qtbot.waitUntil(lambda: again.review.listing.rowCount() == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: status_of(again, 0) == ("Gialla 2012", "accepted"), timeout=PATIENCE)
    press(again, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not any(files for _, _, files in os.walk(tmp_path / "sorted")), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not again.review.outputs.busy(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "accept" in again.review.toolbar.undo_button.toolTip(), timeout=PATIENCE)
    press(again, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: told(again) == {}, timeout=PATIENCE)
    assert all(path.is_file() for path in photos.rglob("*.jpg"))


def test_a_filing_whose_program_died_is_brought_to_rest_and_told(review, open_marque, photos, qtbot, tmp_path):
    window = review(photos)
    place = window.project.project.path
    window.close()
    with Project.open(place) as project:
        [model] = project.models.all()
        wanted = plan(results(project, model), tmp_path / "sorted")
        assert Filing(project).begin(wanted, move=True) is not None
    one = wanted.steps[0]
    one.target.parent.mkdir(parents=True)
    shutil.copy2(one.source, one.target)  # died here, before this was noted

    again = open_marque()
    QTest.keyClick(again, Key.Key_2)
    qtbot.waitUntil(lambda: again.review.listing.rowCount() == 12, timeout=PATIENCE)
    assert again.review.errors.text() == (
        "'move 12 photos' was interrupted: 1 done, 11 left as they were; file again, or undo it"
    )
    assert one.target.exists() and not one.source.exists()
    press(again, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(one.source.exists, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not again.review.outputs.busy() and not one.target.exists(), timeout=PATIENCE)


def file_photos(qtbot: QtBot, window: MainWindow, into: Path) -> None:
    page = window.review
    page.leaving.file()
    dialog = next(one for one in page.findChildren(FilingDialog) if one.isVisible())
    dialog.folder.setText("")
    qtbot.waitUntil(lambda: dialog.summary.whole() == "choose a folder", timeout=PATIENCE)
    dialog.folder.setText(str(into))
    dialog.pattern.setText("{type}/{nonsense}/{name}")
    qtbot.waitUntil(lambda: "not one of" in dialog.summary.whole(), timeout=PATIENCE)
    assert not dialog.do_button.isEnabled()
    dialog.pattern.setText("{type}/{class}/{name}")
    qtbot.waitUntil(dialog.do_button.isEnabled, timeout=PATIENCE)
    assert dialog.summary.whole() == "12 photos would be filed" and dialog.preview.count() == 12
    QTest.mouseClick(dialog.do_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.outputs.busy() and into.is_dir(), timeout=PATIENCE)


def test_relabelling_offers_classes_and_makes_new_ones(review, photos, qtbot):
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
        qtbot.waitUntil(lambda place=place: status_of(window, place)[1] == "corrected", timeout=PATIENCE)
        assert status_of(window, place)[0] == expected[0]
    assert Label(Verdict.CORRECTED, "ship", "Verde") in told(window).values()
    press(window, Key.Key_R)
    first = page.relabel_box.offers.item(0).text()
    QTest.keyClick(page.relabel_box.line, Key.Key_Down)
    assert page.relabel_box.offers.currentRow() == 1 and first != page.relabel_box.offers.currentItem().text()
    QTest.keyClick(page.relabel_box.line, Key.Key_Escape)
    assert not page.relabel_box.isVisible()


def test_many_are_accepted_at_once_after_a_preview(review, photos, qtbot):
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
    QTest.mouseClick(page.bar.do_button, Qt.MouseButton.LeftButton)
    until_told(qtbot, window, 12)
    assert page.listing.rowCount() == 12 and not page.bar.isVisible()
    press(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until_told(qtbot, window, 1)


def test_a_suggestion_follows_what_the_person_corrected(review, photos, qtbot):
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    page.project.label(dict.fromkeys((4, 5), Label(Verdict.CORRECTED, "sedan", "Arancia 2011")), "by hand")
    until_told(qtbot, window, 2)
    QTest.mouseClick(page.toolbar.suggest_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.bar.isVisible() and page.listing.rowCount() == 1, timeout=PATIENCE)
    assert "1 photo shown as Rossa 2010" in page.bar.text() and "Arancia 2011" in page.bar.text()
    QTest.mouseClick(page.bar.do_button, Qt.MouseButton.LeftButton)
    until_told(qtbot, window, 3)
    assert set(told(window).values()) == {Label(Verdict.CORRECTED, "sedan", "Arancia 2011")}
    assert not page.bar.isVisible() and page.listing.rowCount() == 12
    QTest.mouseClick(page.toolbar.suggest_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.bar.isVisible, timeout=PATIENCE)
    assert "No suggestions" in page.bar.text()
    QTest.keyClick(window, Key.Key_Escape)
    assert not page.bar.isVisible()


def test_thresholds_decide_anew_at_once_and_are_kept(review, open_marque, photos, qtbot):
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
    qtbot.waitUntil(lambda: (again.project.columns.predictions["image"] > 0).all(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: status_of(again, 0)[0] == "sedan", timeout=PATIENCE)
    again.review.threshold_box.reset.emit()
    qtbot.waitUntil(lambda: status_of(again, 0)[0] == "Gialla 2012", timeout=PATIENCE)


def test_exports_tell_of_photos_that_are_not_identified_yet(review, photos, qtbot, tmp_path, monkeypatch):
    window = review(photos)
    page, out = window.review, tmp_path / "labels.csv"
    shutil.copy(min(photos.rglob("*.*")), photos / "new.jpg")
    with Project.open(page.project.project.path) as project:
        project.images.add(project.sources.all()[0][0], [FoundFile.of(photos / "new.jpg")])
    words = "; 1 photo is not identified yet; identify it with: folder"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(out), ""))
    page.toolbar.export_wanted.emit("csv")
    qtbot.waitUntil(lambda: f"written: {out}; 13 photos{words}" in window.status.jobs.text(), timeout=PATIENCE)
    page.toolbar.sidecars_wanted.emit()
    qtbot.waitUntil(lambda: f"12 sidecars written{words}" in window.status.jobs.text(), timeout=PATIENCE)


def test_exports_and_sidecars_from_the_menu(review, photos, qtbot, tmp_path, monkeypatch):
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    press(window, Key.Key_X)
    until_told(qtbot, window, 1)
    for kind, out, words in (
        ("csv", tmp_path / "labels.csv", "11 photos"),
        ("coco", tmp_path / "labels.json", "11 photos"),
        ("training", tmp_path / "t.csv", "0 photos: no photo has a label yet"),
    ):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, out=out, **_k: (str(out), ""))
        page.toolbar.export_wanted.emit(kind)
        said = f"written: {out}; {words}"
        qtbot.waitUntil(lambda said=said: said in window.status.jobs.text(), timeout=PATIENCE)
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(encoding="utf-8")))
    assert len(rows) == 11 and {row["status"] for row in rows} == {"identified"}
    assert len(json.loads((tmp_path / "labels.json").read_text())["annotations"]) == 11
    page.toolbar.sidecars_wanted.emit()
    qtbot.waitUntil(lambda: "11 sidecars written" in window.status.jobs.text(), timeout=PATIENCE)
    assert len(list(photos.rglob("*.xmp"))) == 11
    (tmp_path / "locked").mkdir(mode=0o500)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(tmp_path / "no" / "such" / "x.csv"), ""))
    page.toolbar.export_wanted.emit("csv")
    qtbot.waitUntil(lambda: "does not exist; make it first" in page.errors.text(), timeout=PATIENCE)


def test_a_photo_that_changed_since_is_neither_written_to_nor_copied(review, photos, qtbot, tmp_path, monkeypatch):
    window = review(photos)
    page = window.review
    changed, other = photos / "sedan" / "Rossa 2010" / "1.jpg", photos / "ship" / "Azzurra class" / "1.jpg"
    changed.write_bytes(other.read_bytes())
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(tmp_path / "copies"))
    for wanted, done in (
        (page.toolbar.sidecars_wanted, "11 sidecars"),
        (page.toolbar.copies_wanted, "11 photos copied"),
    ):
        page.errors.clear()
        wanted.emit()
        qtbot.waitUntil(lambda done=done: done in window.status.jobs.text(), timeout=PATIENCE)
        assert page.errors.text().startswith(f"{changed}: has changed")
    assert not changed.with_name("1.jpg.xmp").exists()
    assert len(list((tmp_path / "copies").rglob("*.jpg"))) == 11


def test_identified_photos_are_in_the_project_without_being_asked(open_marque, answered, photos, qtbot):
    window = open_marque(photos)
    qtbot.waitUntil(lambda: "12 photos: 12 identified" in window.status.jobs.text(), timeout=PATIENCE)
    opened = window.project
    qtbot.waitUntil(
        lambda: len(opened.columns) == 12 and (opened.columns.predictions["image"] > 0).all(), timeout=PATIENCE
    )
    place = window.settings.project
    window.close()
    with Project.open(place) as project:
        assert len(project.images.all()) == 12 and project.sources.all()[0][1] == photos
        assert project.images.counts(project.models.all()[0].fingerprint).predicted == 12


def test_where_the_last_project_has_gone_a_new_one_is_made(open_marque, qtbot):
    window = open_marque()
    qtbot.waitUntil(lambda: window.project.project is not None, timeout=PATIENCE)
    place = window.settings.project
    window.close()
    place.rename(place.with_name("elsewhere.marque"))
    window = open_marque()
    qtbot.waitUntil(lambda: window.project.project is not None, timeout=PATIENCE)
    assert window.project.project.path.exists()
    assert f"{place}: the project does not exist" in window.review.errors.text()


def test_projects_are_made_opened_and_copied(review, photos, qtbot, tmp_path, monkeypatch):
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
    action(action(button.menu(), "recent projects").menu(), "gone").trigger()
    qtbot.waitUntil(lambda: f"{gone}: the project does not exist" in page.errors.text(), timeout=PATIENCE)
    assert page.project.project is not None
    (tmp_path / "broken.marque").write_bytes(b"this is none")
    page.project.open(tmp_path / "broken.marque")
    qtbot.waitUntil(lambda: "broken.marque" in page.errors.text(), timeout=PATIENCE)
    page.project.open(copy)
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12, timeout=PATIENCE)


def action(menu, text: str):
    return next(one for one in menu.actions() if one.text() == text)


def test_photos_that_were_moved_are_located(review, photos, qtbot, monkeypatch, tmp_path):
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


def test_a_run_can_be_paused_gone_on_with_and_cancelled(review, photos, qtbot, tmp_path):
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


def identified(window: MainWindow) -> int:
    opened = window.project
    return opened.project.images.counts(opened.model.fingerprint).predicted


def test_grid_and_table_show_the_same_choice(review, photos, qtbot):
    window = review(photos)
    page = window.review
    grid = page.grid
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.visualRect(page.listing.index(4, 0)).center())
    assert page.chosen.images() == page.listing.images([4]).tolist()
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


def test_odd_ones_first_and_most_like_this_one(review, photos, qtbot):
    red = photos / "sedan" / "Rossa 2010"
    window = review(photos)
    page = window.review
    page.project.label({1: Label(Verdict.CORRECTED, "sedan", "Rossa 2010")}, "a yellow one among the red")
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


def test_the_next_undecided_photo_is_found(review, photos, qtbot):
    window = review(photos)
    page = window.review
    page.project.label(dict.fromkeys((2, 3), Label(Verdict.UNKNOWN)), "by hand")
    until_told(qtbot, window, 2)
    page.chosen.go(0)
    press(window, Key.Key_N)
    assert page.chosen.place() == 3
    press(window, Key.Key_P)
    assert page.chosen.place() == 0
    press(window, Key.Key_P)
    assert page.chosen.place() == 0 and "no undecided photo before" in window.status.jobs.text()


def test_a_dropped_folder_is_identified_into_the_project(review, photos, qtbot):
    from tests.app.ui.test_window import drop, files

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
def test_a_watched_folder_brings_new_photos_also_after_a_restart(review, open_marque, photos, qtbot):
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
    qtbot.waitUntil(lambda: not again.project.watching.active(), timeout=PATIENCE)
    assert not again.review.toolbar.watch_button.isChecked()
    assert again.project.project.sources.all()[0][2] is False


def test_labelled_photos_are_copied_with_their_keywords_inside(review, photos, qtbot, tmp_path, monkeypatch):
    window = review(photos)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(tmp_path / "copies"))
    window.review.toolbar.copies_wanted.emit()
    qtbot.waitUntil(lambda: "12 photos copied into" in window.status.jobs.text(), timeout=PATIENCE)
    copies = sorted((tmp_path / "copies").rglob("*.jpg"))
    assert len(copies) == 12 and all(b"Azzurra class" in copy.read_bytes() for copy in copies if "Azz" in str(copy))


def test_corrections_of_a_table_are_brought_back_as_one_step(review, photos, qtbot, tmp_path, monkeypatch):
    window = review(photos)
    page = window.review
    table = photos / "mine.csv"
    table.write_text("file,coarse,fine,verdict\nsedan/Rossa 2010/1.jpg,ship,Azzurra class,\nnowhere.jpg,ship,,\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a, **_k: (str(table), ""))
    actions = {action.text(): action for action in page.toolbar.project_button.menu().actions()}
    actions["import corrections from a table…"].trigger()
    until_told(qtbot, window, 1)
    assert told(window) == {"sedan/Rossa 2010/1.jpg": Label(Verdict.CORRECTED, "ship", "Azzurra class")}
    assert "1 row of mine.csv could not be used" in page.errors.text()
    press(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until_told(qtbot, window, 0)


def test_a_file_that_the_box_did_not_ask_about_is_not_replaced(review, photos, qtbot, tmp_path, monkeypatch):
    window = review(photos)
    page, notes = window.review, tmp_path / "notes.csv"
    notes.write_text("mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(notes.with_suffix("")), ""))
    page.toolbar.export_wanted.emit("csv")
    qtbot.waitUntil(lambda: "a file that Marque did not write is there" in page.errors.text(), timeout=PATIENCE)
    assert notes.read_text() == "mine" and "--force" not in page.errors.text()
