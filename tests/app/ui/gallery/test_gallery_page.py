"""What a person does on the page Gallery, done to the real window."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.core.gallery import search_index
from app.core.gallery.gallery import Gallery
from app.core.gallery.selection import own_place
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.window.main_window import MainWindow
from tests.app.tiny import COLOURS, GREEN, colour_picture, write_tiny_model
from tests.app.ui.conftest import OpenWindow, wait_until

PATIENCE = 15_000
Key = Qt.Key
Control = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def supplied(tiny_model: Path, tiny_gallery: Path, tmp_path: Path) -> Path:
    """The tiny model with its supplied gallery beside it."""
    folder = tmp_path / "supplied"
    folder.mkdir()
    shutil.copy(tiny_gallery, folder / "tiny.gallery")
    return Path(shutil.copy(tiny_model, folder / "tiny.onnx"))


@pytest.fixture
def gallery(open_marque: Callable[..., MainWindow], supplied: Path, qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens the window on the page Gallery, with the supplied gallery or the user's own."""

    def open_one(**options: object) -> MainWindow:
        window = open_marque(**({"model": supplied, "gallery": None} | options))
        QTest.keyClick(window, Key.Key_3)
        assert window.pages.currentWidget() is window.gallery
        qtbot.waitUntil(lambda: window.gallery.session.contents.references != (), timeout=PATIENCE)
        return window

    return open_one


def drop(target: QWidget, at: QPoint, paths: list[Path]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window = target.window()
    assert isinstance(window, MainWindow)
    page, copy = window.gallery, Qt.DropAction.CopyAction
    place = target.mapTo(page, at)
    buttons = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(page, QDragEnterEvent(place, copy, data, *buttons))
    QApplication.sendEvent(page, QDragMoveEvent(place, copy, data, *buttons))
    QApplication.sendEvent(page, QDropEvent(QPointF(place), copy, data, *buttons))


def classes(window: MainWindow) -> Counter[GalleryClass]:
    return Counter(GalleryClass(one.coarse, one.fine) for one in window.gallery.session.contents.references)


def until(qtbot: QtBot, window: MainWindow, node: GalleryClass, count: int) -> None:
    """Until the gallery, as the page shows it, holds so many photos of a class."""
    qtbot.waitUntil(lambda: classes(window)[node] == count, timeout=PATIENCE)


def write(window: MainWindow, name: str, kind: str | None = None) -> None:
    """Fill the box in and press its button."""
    box = window.gallery.box
    assert box.isVisible()
    if name:
        box.name.selectAll()
        QTest.keyClicks(box.name, name)
    if kind is not None:
        box.kind.setFocus()
        box.kind.selectAll()
        QTest.keyClicks(box.kind, kind)
    assert box.action_button.isEnabled(), box.hint()
    QTest.mouseClick(box.action_button, Qt.MouseButton.LeftButton)
    assert not box.isVisible()


def undo(window: MainWindow) -> None:
    QTest.keyClick(window.gallery.tree, Key.Key_Z, Control)


def shown_as(window: MainWindow, photo: Path, qtbot: QtBot, answered: Callable[..., None]) -> str:
    window.show_page(0)
    window.identify.session.open([photo])
    answered(window, photo.name)
    answer = window.identify.panel.texts()["answer"]
    window.show_page(2)
    return answer


VERDE = GalleryClass("sedan", "Verde 2020")


def test_a_new_class_is_taught_by_dropping_photos(
    gallery: Callable[..., MainWindow],
    supplied: Path,
    greens: list[Path],
    qtbot: QtBot,
    answered: Callable[[MainWindow, str], None],
    tmp_path: Path,
) -> None:
    before = (supplied.with_suffix(".gallery")).read_bytes()
    window = gallery()
    page = window.gallery
    other = tmp_path / "other.jpg"
    colour_picture(GREEN, seed=99).save(other)
    assert window.status.facts()[1] == "gallery 12"
    assert shown_as(window, other, qtbot, answered) != "Verde 2020"

    drop(page.new_button, QPoint(20, 20), greens)
    assert "8 photos" in page.box._title.text()
    write(window, "Verde 2020", "sedan")
    until(qtbot, window, VERDE, 8)
    qtbot.waitUntil(lambda: "8 photos added to Verde 2020" in window.status.jobs.text(), timeout=PATIENCE)
    assert page.tree.node() == VERDE and page.cards.listing.rowCount() == 8
    assert "Verde 2020 · sedan · 8 reference photos" in page.references.heading.whole()
    qtbot.waitUntil(lambda: len(page.cards.pictures) == 8, timeout=PATIENCE)
    assert window.status.facts()[1] == "gallery 20"
    # the photo that is still open on the page Identify is identified again at once
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] == "Verde 2020", timeout=PATIENCE)

    undo(window)
    until(qtbot, window, VERDE, 0)
    assert window.status.facts()[1] == "gallery 12"
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] != "Verde 2020", timeout=PATIENCE)
    QTest.keyClick(page.tree, Key.Key_Y, Control)
    until(qtbot, window, VERDE, 8)
    assert supplied.with_suffix(".gallery").read_bytes() == before


def test_what_was_taught_is_known_after_a_restart_and_can_still_be_undone(
    gallery: Callable[..., MainWindow],
    greens: list[Path],
    qtbot: QtBot,
    answered: Callable[[MainWindow, str], None],
    tmp_path: Path,
) -> None:
    window = gallery()
    drop(window.gallery.new_button, QPoint(20, 20), [greens[0].parent])
    qtbot.waitUntil(lambda: window.gallery.box.name.text() == "greens", timeout=PATIENCE)
    write(window, "Verde 2020", "sedan")
    until(qtbot, window, VERDE, 8)
    fingerprint = window.identify.session.loaded().info.fingerprint
    window.close()
    assert own_place(fingerprint).is_file()

    again = gallery()
    assert classes(again)[VERDE] == 8
    other = tmp_path / "other.jpg"
    colour_picture(GREEN, seed=98).save(other)
    assert shown_as(again, other, qtbot, answered) == "Verde 2020"
    assert "add photos to Verde 2020" in again.gallery.toolbar.undo_button.toolTip()
    undo(again)
    until(qtbot, again, VERDE, 0)


def test_photos_dropped_on_a_class_join_it(
    gallery: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path, greens: list[Path]
) -> None:
    window = gallery()
    page = window.gallery
    more = tmp_path / "more.jpg"
    colour_picture(COLOURS["Rossa 2010"], seed=77).save(more)
    (tmp_path / "bad.jpg").write_text("no picture")
    page.tree.expandAll()
    rossa = GalleryClass("sedan", "Rossa 2010")
    drop(page.tree.viewport(), page.tree.place_of(rossa), [more, tmp_path / "bad.jpg"])
    until(qtbot, window, rossa, 4)
    qtbot.waitUntil(lambda: "bad.jpg" in page.errors.text(), timeout=PATIENCE)
    assert not page.box.isVisible()
    of_ships = page.tree.place_of(GalleryClass("ship", None))
    drop(page.tree.viewport(), of_ships, greens[:2])  # on a type: a new class of it
    assert page.box.kind.text() == "ship"
    QTest.keyClick(page.box.name, Key.Key_Escape)
    assert not page.box.isVisible()
    drop(page.cards.viewport(), QPoint(40, 40), greens[:1])  # on the photos of the chosen class
    until(qtbot, window, rossa, 5)


def test_a_class_is_renamed_merged_and_moved_and_all_of_it_undone(
    gallery: Callable[..., MainWindow], greens: list[Path], qtbot: QtBot
) -> None:
    window = gallery()
    page = window.gallery
    start = classes(window)
    page.tree.go(GalleryClass("ship", "Celeste class"))
    QTest.keyClick(page.tree, Key.Key_F2)
    write(window, "Turchese class")
    until(qtbot, window, GalleryClass("ship", "Turchese class"), 3)
    assert page.tree.node() == ("ship", "Turchese class")
    renamed = classes(window)

    page.commands.move_class()
    assert page.box.isVisible() and not page.box.name.isVisible()
    write(window, "", "sedan")
    until(qtbot, window, GalleryClass("sedan", "Turchese class"), 3)
    moved = classes(window)

    page.commands.merge()
    QTest.keyClicks(page.box.name, "azz")
    assert not page.box.action_button.isEnabled()
    QTest.keyClick(page.box.name, Key.Key_Down)
    QTest.keyClick(page.box.name, Key.Key_Return)
    assert page.box.name.text() == "Azzurra class" and "the photos join it" in page.box.hint()
    QTest.keyClick(page.box.name, Key.Key_Return)
    until(qtbot, window, GalleryClass("ship", "Azzurra class"), 6)
    assert page.toolbar.undo_button.toolTip().startswith("undo: merge Turchese class into Azzurra class")

    for expected in (moved, renamed, start):
        undo(window)
        wait_until(qtbot, lambda expected: classes(window) == expected, expected)
    assert not page.toolbar.undo_button.isEnabled()
    page.tree.go(GalleryClass("ship", "Azzurra class"))
    page.commands.move_class()
    assert not page.box.isVisible() and "knows Azzurra class as ship" in page.errors.text()


def test_photos_and_classes_are_removed_relabelled_and_come_back(
    gallery: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window = gallery()
    page = window.gallery
    start = classes(window)
    page.tree.go(GalleryClass("sedan", "Rossa 2010"))
    QTest.keyClick(page.tree, Key.Key_Delete)
    until(qtbot, window, GalleryClass("sedan", "Rossa 2010"), 0)
    undo(window)
    qtbot.waitUntil(lambda: classes(window) == start, timeout=PATIENCE)

    page.tree.go(GalleryClass("sedan", "Gialla 2012"))
    page.cards.setFocus()
    page.cards.setCurrentIndex(page.cards.listing.index(1))
    assert page.toolbar.remove_button.text().strip() == "remove photos"
    QTest.keyClick(page.cards, Key.Key_Delete)
    until(qtbot, window, GalleryClass("sedan", "Gialla 2012"), 2)
    assert [one.path for one in page.cards.chosen()] == ["sedan/Gialla 2012/3.jpg"]  # the next one
    page.cards.clearSelection()
    QTest.keyClick(page.cards, Key.Key_Delete)  # nothing is chosen: not the class either
    page.cards.setCurrentIndex(page.cards.listing.index(0))
    QTest.keyClick(page.cards, Key.Key_R)
    write(window, "Rossa 2010")
    until(qtbot, window, GalleryClass("sedan", "Rossa 2010"), 4)
    page.tree.go(GalleryClass("ship", None))
    assert page.cards.listing.rowCount() == 6
    page.commands.remove()
    until(qtbot, window, GalleryClass("ship", "Azzurra class"), 0)
    for _ in range(3):
        undo(window)
    qtbot.waitUntil(lambda: classes(window) == start, timeout=PATIENCE)


def test_the_page_says_how_good_an_approximate_search_is(
    gallery: Callable[..., MainWindow], tiny_gallery: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(search_index, "EXACT", 11)
    with Gallery.open(tiny_gallery) as large:
        large.finish_index()
        told = large.approximation
    window = gallery(gallery=tiny_gallery)
    assert told is not None and "recall@10" in told
    qtbot.waitUntil(lambda: window.gallery.references.heading.whole().endswith(told), timeout=PATIENCE)


def test_names_that_cannot_be_are_refused_in_words(gallery: Callable[..., MainWindow], greens: list[Path]) -> None:
    window = gallery()
    page = window.gallery
    drop(page.new_button, QPoint(20, 20), greens)
    box = page.box
    for name, kind, words in (("", "sedan", "name and a type"), ("ship", "sedan", "name of a type")):
        box.name.setText(name)
        box.kind.setText(kind)
        assert words in box.hint() and not box.action_button.isEnabled()
    box.name.setText("Azzurra class")
    assert box.kind.text() == "ship" and not box.kind.isEnabled() and "the photos join it" in box.hint()
    assert box.action_button.text() == "add photos"
    box.name.setText("Tram 7")
    box.kind.setText("tram")
    assert "new type" in box.hint() and box.action_button.isEnabled()


def test_the_search_finds_classes_by_a_few_letters(gallery: Callable[..., MainWindow]) -> None:
    window = gallery()
    tree = window.gallery.tree
    QTest.keyClick(window, Key.Key_F, Control)
    QTest.keyClicks(window.gallery.search, "cel")
    assert tree.nodes() == [("ship", None), ("ship", "Celeste class")]
    QTest.keyClick(window, Key.Key_Escape)
    assert len(tree.nodes()) == 6


def test_cleaning_up_finds_doubles_and_odd_ones(
    gallery: Callable[..., MainWindow], greens: list[Path], qtbot: QtBot, tmp_path: Path
) -> None:
    window = gallery()
    page = window.gallery
    wrong = tmp_path / "wrong.jpg"
    colour_picture(COLOURS["Azzurra class"], seed=5).save(wrong)
    page.commands.teach([wrong], GalleryClass("sedan", "Rossa 2010"))
    until(qtbot, window, GalleryClass("sedan", "Rossa 2010"), 4)
    QTest.mouseClick(page.toolbar.clean_button, Qt.MouseButton.LeftButton)
    cleaning = page.cleaning
    qtbot.waitUntil(lambda: len(cleaning.findings()[1]) == 1, timeout=PATIENCE)
    QTest.mouseClick(cleaning.odd_button, Qt.MouseButton.LeftButton)
    finding = cleaning.finding()
    assert finding is not None and finding.first.path == "wrong.jpg" and finding.second.fine == "Azzurra class"
    QTest.mouseClick(cleaning.label_left, Qt.MouseButton.LeftButton)
    until(qtbot, window, GalleryClass("ship", "Azzurra class"), 4)
    qtbot.waitUntil(lambda: cleaning.findings()[1] == [], timeout=PATIENCE)
    QTest.mouseClick(cleaning.alike_button, Qt.MouseButton.LeftButton)
    count = len(page.session.contents.references)
    assert cleaning.finding() is not None
    gone = cleaning.finding().second
    QTest.mouseClick(cleaning.remove_right, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page.session.contents.references) == count - 1, timeout=PATIENCE)
    assert gone not in cleaning.references()
    QTest.keyClick(window, Key.Key_Escape)
    assert not page.toolbar.clean_button.isChecked()


def test_without_a_gallery_the_page_teaches_the_first_step(
    open_marque: OpenWindow, tiny_model: Path, greens: list[Path], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_marque(model=tiny_model, gallery=None)
    page = window.gallery
    QTest.keyClick(window, Key.Key_3)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.empty, timeout=PATIENCE)
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", staticmethod(lambda *_a, **_k: ([str(one) for one in greens[:3]], ""))
    )
    QTest.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    write(window, "Verde 2020", "sedan")
    until(qtbot, window, VERDE, 3)
    assert page.stack.currentWidget() is page.columns
    undo(window)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.empty, timeout=PATIENCE)


def test_adding_photos_can_be_cancelled(gallery: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path) -> None:
    window = gallery()
    page = window.gallery
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(60):
        colour_picture(GREEN, seed=seed, size=(600, 400)).save(folder / f"{seed}.jpg")
    page.commands.teach([folder], VERDE)
    qtbot.waitUntil(lambda: "adding photos to Verde 2020" in window.status.jobs.text(), timeout=PATIENCE)
    QTest.mouseClick(window.status.jobs.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "cancelled" in window.status.jobs.text(), timeout=PATIENCE)
    qtbot.wait(100)
    assert classes(window).get(VERDE, 0) < 60


def test_teaching_works_beside_a_run_over_a_project(
    gallery: Callable[..., MainWindow], greens: list[Path], qtbot: QtBot, tmp_path: Path
) -> None:
    window = gallery()
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(80):
        colour_picture(GREEN, seed=100 + seed).save(folder / f"{seed}.jpg")
    qtbot.waitUntil(lambda: window.project.project is not None, timeout=PATIENCE)
    window.project.identify([folder])
    window.gallery.commands.teach(greens, VERDE)
    until(qtbot, window, VERDE, 8)
    opened = window.project
    qtbot.waitUntil(lambda: len(opened.columns) == 80 and not opened.running.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool((opened.columns.predictions["image"] > 0).all()), timeout=PATIENCE)
    undo(window)
    until(qtbot, window, VERDE, 0)
    assert not window.gallery.errors.text() and not window.review.errors.text()


def test_another_identification_model_has_another_gallery(
    gallery: Callable[..., MainWindow], greens: list[Path], qtbot: QtBot, tmp_path: Path
) -> None:
    window = gallery()
    page = window.gallery
    drop(page.new_button, QPoint(20, 20), greens)
    write(window, "Verde 2020", "sedan")
    until(qtbot, window, VERDE, 8)
    other = write_tiny_model(tmp_path / "other.onnx", fingerprint="0ddba11")
    window.models.open(other)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.empty, timeout=PATIENCE)
    assert classes(window) == {} and not page.toolbar.undo_button.isEnabled()
    window.models.open(tmp_path / "supplied" / "tiny.onnx")
    until(qtbot, window, VERDE, 8)
