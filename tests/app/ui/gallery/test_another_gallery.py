"""Another gallery is chosen while something is found out about the one before: it is not applied to the new one."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.core.gallery.gallery import Gallery
from app.core.teaching import cleanup
from app.ui.gallery import gallery_transfers
from app.ui.window.main_window import MainWindow

PATIENCE = 15_000


@pytest.fixture
def window(open_marque: Callable[..., MainWindow], tiny_gallery: Path, qtbot: QtBot) -> MainWindow:
    """On the page Gallery, with the gallery of 12 photos."""
    window = open_marque()
    QTest.keyClick(window, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: len(window.gallery.session.contents.references) == 12, timeout=PATIENCE)
    return window


@pytest.fixture
def other(tiny_gallery: Path, tmp_path: Path) -> Path:
    """A gallery without the first photo of the other one, whose numbers are the same."""
    place = Path(shutil.copy(tiny_gallery, tmp_path / "other.gallery"))
    with Gallery.open(place) as gallery:
        gallery.remove([1])
    return place


def choose(window: MainWindow, place: Path, qtbot: QtBot) -> None:
    window.models.choose_gallery(place)
    qtbot.waitUntil(
        lambda: window.gallery.session.loaded.chosen == place and window.gallery.session.ready, timeout=PATIENCE
    )


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_cleaning_up_looks_the_other_gallery_over(
    window: MainWindow, other: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, asked = threading.Event(), threading.Event(), []
    real = cleanup.findings

    def slow(references: Any, *of: Any) -> Any:
        asked.append(len(references))
        begun.set()
        assert go_on.wait(PATIENCE / 1000)
        return real(references, *of)

    monkeypatch.setattr(cleanup, "findings", slow)
    page, shown = window.gallery, []
    show = page.cleaning.show_findings
    monkeypatch.setattr(page.cleaning, "show_findings", lambda found: (shown.append(found), show(found)))
    click(page.toolbar.clean_button)
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    choose(window, other, qtbot)
    shown.clear()
    go_on.set()
    qtbot.waitUntil(lambda: asked == [12, 11] and bool(shown), timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.cleaning.words() == "choose one, then what to do with it", timeout=PATIENCE)
    references = page.session.contents.references
    for alike, odd in shown:
        assert all(one.first in references and one.second in references for one in (*alike, *odd))


def test_pictures_of_the_gallery_before_are_not_looked_for_any_longer(
    window: MainWindow, other: Path, photos: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = gallery_transfers.locate

    def slow(wanted: Any, folder: Any, *, cancelled: Any) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE / 1000)
        yield from real(wanted, folder, cancelled=cancelled)

    monkeypatch.setattr(gallery_transfers, "locate", slow)
    page = window.gallery
    moved = Path(shutil.move(photos, tmp_path / "moved"))
    page.transfers.look_for_pictures(moved)
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    choose(window, other, qtbot)
    assert window.status.jobs.text().startswith("cancelled: no pictures were located")
    go_on.set()
    done = []
    page.session.tasks.once(lambda: None, lambda _none: done.append(1))
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE)
    assert page.notice.isHidden()


def test_what_was_asked_of_the_gallery_before_is_not_done_to_the_other_one(
    window: MainWindow, other: Path, qtbot: QtBot
) -> None:
    page = window.gallery
    window.models.choose_gallery(other)
    page.session.remove(page.session.contents.references[-1:])
    qtbot.waitUntil(lambda: page.session.loaded.chosen == other and page.session.ready, timeout=PATIENCE)
    qtbot.wait(100)
    assert len(page.session.contents.references) == 11
    with Gallery.open(other, read_only=True) as gallery:
        assert len(gallery) == 11
