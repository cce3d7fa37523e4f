"""What was answered before the gallery changed is answered again: the strip at once, a project when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.core.recognition.decision import Status
from app.ui.background.photo_loading import Thumbnails
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.identify.filmstrip import PhotoList
from app.ui.window.main_window import MainWindow

PATIENCE = 15_000


def teach(window: MainWindow, files: list[Path], qtbot: QtBot) -> None:
    before = len(window.gallery.session.contents.references)
    window.gallery.commands.teach(files, GalleryClass("sedan", "Verde 2020"))
    qtbot.waitUntil(lambda: len(window.gallery.session.contents.references) == before + len(files), timeout=PATIENCE)


def entry(name: str, window: MainWindow) -> QAction:
    (found,) = (one for one in window.review.toolbar.project_button.menu().actions() if one.text() == name)
    return found


@pytest.fixture
def ready(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> MainWindow:
    window = open_marque(gallery=None)
    session = window.gallery.session
    qtbot.waitUntil(lambda: session.ready and window.project.project is not None, timeout=PATIENCE)
    return window


def test_all_photos_of_the_strip_know_a_class_that_was_just_taught(
    ready: MainWindow, greens: list[Path], qtbot: QtBot
) -> None:
    photos = ready.identify.session.photos
    ready.identify.session.open([greens[0].parent])
    qtbot.waitUntil(lambda: photos.progress() == (8, 8), timeout=PATIENCE)
    assert "Verde 2020" not in {photos.entry(row).label for row in range(8)}
    teach(ready, greens[:3], qtbot)
    qtbot.waitUntil(lambda: {photos.entry(row).label for row in range(8)} == {"Verde 2020"}, timeout=PATIENCE)
    assert photos.progress() == (8, 8)
    ready.gallery.undo()
    qtbot.waitUntil(lambda: "Verde 2020" not in {photos.entry(row).label for row in range(8)}, timeout=PATIENCE)


def test_a_project_is_identified_again_when_it_is_asked_for_and_labels_stay(
    ready: MainWindow, greens: list[Path], qtbot: QtBot
) -> None:
    opened = ready.project
    opened.identify([greens[0].parent])
    qtbot.waitUntil(lambda: len(opened.columns) == 8 and not opened.running.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool((opened.columns.predictions["image"] > 0).all()), timeout=PATIENCE)
    first = int(opened.columns.ids[0])
    opened.label({SubjectId(first): Label(Verdict.UNKNOWN)}, "not known")
    qtbot.waitUntil(lambda: (opened.columns.verdict >= 0).sum() == 1, timeout=PATIENCE)
    teach(ready, greens[:3], qtbot)

    def shown() -> list[str]:
        return [opened.columns.names[label] for label in opened.columns.shown.label]

    assert "Verde 2020" not in shown()
    entry("identify all photos again", ready).trigger()
    qtbot.waitUntil(lambda: shown() == ["", *["Verde 2020"] * 7], timeout=PATIENCE)
    assert (opened.columns.verdict >= 0).sum() == 1


def test_the_photo_on_show_is_asked_with_the_others_when_it_is_left_before_its_answer(
    ready: MainWindow, greens: list[Path], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ready.identify.session
    session.open([greens[0].parent])
    qtbot.waitUntil(lambda: session.photos.progress() == (8, 8), timeout=PATIENCE)
    monkeypatch.setattr(ready.services.answers, "ask", lambda *_question: None)  # its answer does not come in time
    teach(ready, greens[:3], qtbot)
    qtbot.waitUntil(lambda: session.photos.progress() == (7, 8), timeout=PATIENCE)
    session.select(1)
    qtbot.waitUntil(lambda: session.photos.progress() == (8, 8), timeout=PATIENCE)
    assert {session.photos.entry(row).label for row in range(8)} == {"Verde 2020"}


def test_photos_are_not_asked_again_where_they_are_compared_with_the_same(
    ready: MainWindow, greens: list[Path], qtbot: QtBot
) -> None:
    session, asked, changed = ready.gallery.session, [], []
    session.other_references.connect(lambda: asked.append(True))
    session.changed.connect(changed.append)
    teach(ready, greens[:3], qtbot)
    assert asked == [True]
    there = len(changed)
    ready.gallery.commands.teach(greens[:3], GalleryClass("sedan", "Verde 2020"))
    qtbot.waitUntil(lambda: len(changed) > there, timeout=PATIENCE)
    session.relocate({session.contents.references[0].id: (greens[0].parent, greens[0].name)})
    qtbot.waitUntil(lambda: len(changed) > there + 1, timeout=PATIENCE)
    assert asked == [True]
    session.remove(session.contents.references[:1])
    qtbot.waitUntil(lambda: asked == [True, True], timeout=PATIENCE)


def test_a_class_that_only_the_gallery_knows_has_no_heat_map(
    ready: MainWindow, greens: list[Path], qtbot: QtBot
) -> None:
    page = ready.identify
    teach(ready, greens[:3], qtbot)
    page.session.open(greens[4:5])
    qtbot.waitUntil(lambda: page.panel.texts()["answer"] == "Verde 2020", timeout=PATIENCE)
    page.heat_button.click()
    qtbot.waitUntil(lambda: "only the gallery knows the class" in page.errors.text(), timeout=PATIENCE)
    assert not page.heat_button.isChecked() and page.view.heat() is None


def test_answers_stay_until_others_come(qtbot: QtBot, tmp_path: Path) -> None:
    photos = PhotoList(Thumbnails())
    files = [tmp_path / f"{number}.jpg" for number in range(4)]
    photos.add_files(files)
    for row in (0, 1):
        photos._set(row, Status.IDENTIFIED, "A", "90 %")
    photos.set_error(2, "is not a photo")
    assert photos.progress() == (3, 4) and photos.waiting() == files[3:]
    photos.ask_again()
    assert photos.progress() == (1, 4) and photos.waiting() == [files[0], files[1], files[3]]
    assert photos.entry(0).label == "A"
    photos._set(0, Status.IDENTIFIED, "B", "80 %")
    assert photos.progress() == (2, 4) and photos.waiting() == [files[1], files[3]]
    photos.give_up()  # the second keeps what it had, the last has nothing
    assert photos.progress() == (3, 4) and photos.waiting() == [] and photos.given_up() == 1
    photos.ask_again()
    assert photos.waiting() == files[:2] and photos.given_up() == 1
