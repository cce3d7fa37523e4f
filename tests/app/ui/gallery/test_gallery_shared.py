"""A gallery that a team shares, on a real PostgreSQL server, in the real window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.gallery import references
from app.core.gallery.gallery import Gallery
from app.core.recognition.engine import Engine
from app.core.teaching.class_teaching import sample_of
from app.core.teaching.enrolment import enrol
from app.ui.gallery import actions
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.window.main_window import MainWindow
from tests.app.tiny import DIM
from tests.app.ui.conftest import OpenWindow
from tests.app.ui.gallery.test_gallery_page import PATIENCE, VERDE, Key, classes, drop, shown_as, undo, until, write
from tests.app.ui.gallery.test_gallery_whole import ROSSA, click, size

psycopg = pytest.importorskip("psycopg")

from app.core.gallery.shared_gallery import SharedGallery  # noqa: E402 - needs psycopg

pytestmark = pytest.mark.slow  # it starts a database server


@pytest.fixture
def colleague(address: str, tiny_engine: Engine, tiny_gallery: Path) -> Iterator[SharedGallery]:
    """Somebody else, who has enrolled the 12 photos."""
    fingerprint = tiny_engine.info.fingerprint
    with (
        references.open_references(address, fingerprint, DIM, write=True) as shared,
        Gallery.open(tiny_gallery, read_only=True) as mine,
    ):
        assert isinstance(shared, SharedGallery)
        entries = mine.entries()
        shared.add(mine.embeddings(list(entries)), list(entries.values()))
        yield shared


@pytest.fixture
def on_shared(open_marque: Callable[..., MainWindow], address: str, qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens the window on the page Gallery, with the shared gallery."""

    def open_one(place: str = address) -> MainWindow:
        window = open_marque(gallery=place)
        QTest.keyClick(window, Key.Key_3)
        qtbot.waitUntil(lambda: size(window) == 12, timeout=PATIENCE)
        return window

    return open_one


def said(window: MainWindow, words: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: words in window.status.jobs.text(), timeout=PATIENCE)


def test_photos_are_dropped_on_a_shared_gallery_and_taken_back(
    on_shared: Callable[..., MainWindow],
    address: str,
    colleague: SharedGallery,
    greens: list[Path],
    qtbot: QtBot,
    answered: Callable[[MainWindow, str], None],
) -> None:
    window = on_shared()
    page = window.gallery
    assert window.status.facts()[1] == "shared gallery 12"
    database = address.partition("@/")[2].partition("?")[0]
    assert page.toolbar.gallery_button.text().strip() == f"shared: {database}"
    other = greens.pop()
    assert shown_as(window, other, qtbot, answered) != VERDE[1]

    drop(page.new_button, QPoint(20, 20), greens)
    write(window, "Verde 2020", VERDE[0])
    until(qtbot, window, VERDE, 7)
    said(window, "7 photos added to Verde 2020", qtbot)
    assert window.status.facts()[1] == "shared gallery 19" and not page.errors.text()
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] == VERDE[1], timeout=PATIENCE)
    assert colleague.classes()[VERDE] == 7

    page.tree.go(ROSSA)
    drop(page.tree.viewport(), page.tree.place_of(ROSSA), [other, greens[0]])  # one of them was Verde 2020
    until(qtbot, window, ROSSA, 5)
    assert classes(window)[VERDE] == 6 and page.toolbar.undo_button.isEnabled()
    undo(window)
    until(qtbot, window, ROSSA, 3)
    assert classes(window)[VERDE] == 7 and colleague.classes()[VERDE] == 7
    ids = [one.id for one in colleague.references() if one.path == "0.jpg"]
    (entry,) = [colleague.entries()[number] for number in ids]
    colleague.add(colleague.embeddings(ids), [replace(entry, fine="Oliva 2021")])
    undo(window)
    said(window, "undone: add photos to Verde 2020; 1 of 7 was changed by others since and stays", qtbot)
    assert size(window) == 13 and classes(window)[GalleryClass("sedan", "Oliva 2021")] == 1
    assert not page.toolbar.undo_button.isEnabled()


def test_what_others_add_is_announced_at_once_and_listed_when_the_page_is_opened(
    on_shared: Callable[..., MainWindow],
    colleague: SharedGallery,
    tiny_engine: Engine,
    greens: list[Path],
    qtbot: QtBot,
    answered: Callable[[MainWindow, str], None],
) -> None:
    window = on_shared()
    window.show_page(0)
    other = greens.pop()
    samples = [sample_of(photo, *VERDE) for photo in greens]
    assert sum(done.added for done in enrol(tiny_engine, colleague, samples)) == 7
    window.identify.session.open([other])
    answered(window, other.name)
    assert window.identify.panel.texts()["answer"] == VERDE[1] and size(window) == 12
    window.show_page(2)
    until(qtbot, window, VERDE, 7)
    assert window.status.facts()[1] == "shared gallery 19"
    assert not window.gallery.toolbar.undo_button.isEnabled()  # it is theirs


def test_what_cannot_be_done_to_a_shared_gallery_is_disabled_with_the_reason(
    on_shared: Callable[..., MainWindow], colleague: SharedGallery, qtbot: QtBot
) -> None:
    window = on_shared()
    page, toolbar, menu = window.gallery, window.gallery.toolbar, window.gallery.toolbar.gallery_button
    page.tree.setFocus()
    page.tree.go(ROSSA)
    qtbot.waitUntil(lambda: page.cards.listing.rowCount() == 3, timeout=PATIENCE)
    page.cards.selectAll()
    on_classes = (toolbar.rename_button, toolbar.merge_button, toolbar.move_button, toolbar.relabel_button)
    changing = (*on_classes, toolbar.remove_button, toolbar.redo_button)
    assert not any(button.isEnabled() or "the window only adds photos" not in button.toolTip() for button in changing)
    assert toolbar.add_button.isEnabled() and toolbar.new_button.isEnabled() and toolbar.clean_button.isEnabled()
    for entry in (menu.entries[actions.IMPORT], menu.entries[actions.LOCATE], menu.entries[actions.REEMBED]):
        assert not entry.isEnabled() and "the window only adds photos" in entry.toolTip()
    for action in (actions.RENAME, actions.MERGE, actions.MOVE, actions.REMOVE, actions.RELABEL, actions.LOCATE):
        for widget in (page.tree, page.cards):
            QTest.keySequence(widget, action.keys[0])
    assert not page.box.isVisible()
    click(toolbar.clean_button)
    qtbot.waitUntil(lambda: page.cleaning.words() != "checking the gallery", timeout=PATIENCE)
    for button in (page.cleaning.remove_left, page.cleaning.label_left):
        assert not button.isEnabled() and "only adds photos" in button.toolTip()
    assert size(window) == len(colleague) == 12 and not page.errors.text()


def test_reviewed_photos_are_enrolled_in_a_shared_gallery(
    on_shared: Callable[..., MainWindow], colleague: SharedGallery, photos: Path, qtbot: QtBot
) -> None:
    window = on_shared()
    page = window.review
    QTest.keyClick(window, Key.Key_2)
    qtbot.waitUntil(lambda: page.project.project is not None, timeout=PATIENCE)
    page.project.identify([photos / "ship"])
    qtbot.waitUntil(lambda: (page.project.columns.predictions["image"] > 0).sum() == 6, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.listing.rowCount() == 6 and not page.project.running.active(), timeout=PATIENCE)
    for place in (0, 1):
        page.chosen.go(place)
        page.verdict_commands.accept()
    qtbot.waitUntil(lambda: (page.project.columns.verdict >= 0).sum() == 2, timeout=PATIENCE)
    page.grid.selectAll()
    page.grid.setFocus()
    QTest.keyClick(page.grid, Key.Key_E)
    qtbot.waitUntil(lambda: page.notice.text().startswith("2 photos enrolled in the gallery"), timeout=PATIENCE)
    assert len(colleague) == 14 and window.status.facts()[1] == "shared gallery 14"
    click(page.notice.action_button)
    qtbot.waitUntil(lambda: size(window) == 12, timeout=PATIENCE)
    assert len(colleague) == 12 and page.notice.isHidden()


def test_without_write_access_teaching_is_refused_and_the_window_keeps_working(
    on_shared: Callable[..., MainWindow], address: str, colleague: SharedGallery, greens: list[Path], qtbot: QtBot
) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    window = on_shared(address.replace("postgres:@", "reader@"))
    window.gallery.commands.teach(greens, VERDE)
    refused = "Not all photos were added to Verde 2020: postgresql://reader@"
    qtbot.waitUntil(lambda: window.gallery.errors.text().startswith(refused), timeout=PATIENCE)
    assert "the database does not allow you to do this" in window.gallery.errors.text()
    assert size(window) == len(colleague) == 12 and window.status.facts()[1] == "shared gallery 12"


def test_the_loss_of_a_shared_gallery_costs_only_the_gallery(
    open_marque: OpenWindow,
    address: str,
    colleague: SharedGallery,
    photos: Path,
    greens: list[Path],
    qtbot: QtBot,
    answered: Callable[[MainWindow, str], None],
    tmp_path: Path,
) -> None:
    window = open_marque()
    page = window.gallery
    QTest.keyClick(window, Key.Key_3)
    qtbot.waitUntil(lambda: page.session.ready, timeout=PATIENCE)
    window.models.choose_gallery(address)
    qtbot.waitUntil(lambda: window.status.facts()[1] == "shared gallery 12" and page.session.ready, timeout=PATIENCE)
    page.tree.go(ROSSA)
    qtbot.waitUntil(lambda: len(page.cards.pictures) == 3, timeout=PATIENCE)
    page.toolbar.gallery_button.export_wanted.emit(tmp_path / "team.gallery")
    said(window, "12 references exported", qtbot)

    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    window.identify.session.open([photos / "sedan" / "Rossa 2010" / "1.jpg"])
    answered(window, "1.jpg")
    assert window.identify.panel.texts()["answer"] == "Rossa 2010"
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.unusable, timeout=PATIENCE)
    assert window.status.facts()[1] == "gallery not in use"
    assert "can no longer be reached" in window.identify.errors.text()
    page.session.teach(greens, VERDE)  # goes nowhere else
    qtbot.waitUntil(lambda: "Not all photos were added to Verde 2020" in page.errors.text(), timeout=PATIENCE)
    assert "cannot be reached" in page.errors.text() and size(window) == 0
    click(page.unusable.button)
    qtbot.waitUntil(lambda: size(window) == 12, timeout=PATIENCE)
