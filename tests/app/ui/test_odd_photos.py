"""Files that are empty, damaged or no photos at all: the window says of each what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.recognition.decision import Status
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow
from tests.app.ui.photo_drops import drop, finished

PATIENCE = 15_000


def dropped(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromEncoded(b"file://" + quote_from_bytes(os.fsencode(path)).encode()) for path in paths])
    return data


def rows(window: MainWindow) -> dict[str, tuple[Status | None, str]]:
    model = window.identify.session.photos
    entries = [model.entry(row) for row in range(model.rowCount())]
    return {os.fsencode(entry.name).decode("latin1"): (entry.status, entry.detail) for entry in entries}


def test_dropped_files_other_than_photos_are_rows_with_their_reason(
    open_marque: OpenWindow, qtbot: QtBot, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    odd = [
        folder / name
        for name in ("empty.jpg", "notes.txt", "camera.CR2", " space.jpg", "two\nlines.jpg", "b\udce9.jpg")
    ]
    for path, content in zip(odd[:3], (b"", b"no picture", b"II*\0"), strict=True):
        path.write_bytes(content)
    picture = next(photos.rglob("*.jpg")).read_bytes()
    for path in odd[3:]:
        path.write_bytes(picture)
    window = open_marque()
    drop(window, dropped(*odd))
    qtbot.waitUntil(lambda: len(rows(window)) == 6 and finished(window), timeout=PATIENCE)
    found = rows(window)
    assert {name: found[name] for name in ("empty.jpg", "notes.txt", "camera.CR2")} == {
        "empty.jpg": (Status.ERROR, "the file is empty"),
        "notes.txt": (Status.ERROR, "not a picture in a format this program reads"),
        "camera.CR2": (Status.ERROR, "this is a RAW photo, which Marque cannot read"),
    }
    assert {found[name][0] for name in (" space.jpg", "two\nlines.jpg", "b\xe9.jpg")} == {Status.IDENTIFIED}


def test_a_raw_photo_is_not_called_damaged(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], tmp_path: Path
) -> None:
    (tmp_path / "camera.CR2").write_bytes(b"II*\0")
    window = open_marque(tmp_path / "camera.CR2")
    answered(window, "camera.CR2")
    assert window.identify.panel.texts()["reason"] == (
        "This is a RAW photo, which Marque cannot read. Convert it to JPEG, or choose another photo."
    )


def test_a_folder_that_holds_nothing_readable_says_what_is_in_it(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    for number in range(31):
        (tmp_path / "raw" / f"{number}.nef").parent.mkdir(exist_ok=True)
        (tmp_path / "raw" / f"{number}.nef").touch()
    window = open_marque()
    drop(window, dropped(tmp_path / "raw"))
    qtbot.waitUntil(lambda: not window.identify.errors.isHidden(), timeout=PATIENCE)
    assert "No photo that Marque can read: 31 RAW photos skipped." in window.identify.errors.text()


def test_what_a_folder_holds_besides_photos_is_said_quietly(
    open_marque: OpenWindow, qtbot: QtBot, photos: Path
) -> None:
    (photos / "clip.mp4").touch()
    window = open_marque(photos)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    assert window.identify.errors.isHidden()
    assert "12 identified, 1 video skipped" in window.status.jobs.text()


@pytest.mark.parametrize("readable", [True, False])
def test_review_lists_an_empty_file_and_counts_what_cannot_be_read(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, photos: Path, readable: bool
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "a.dng").touch()
    named = tmp_path / "notes.txt"
    if readable:
        (folder / "empty.jpg").touch()
        named.write_text("no picture")
    window = open_marque()
    opened = window.project
    qtbot.waitUntil(lambda: opened.project is not None and window.identify.session.loaded() is not None)
    QTest.keyClick(window, Qt.Key.Key_2)
    drop(window, dropped(folder, named) if readable else dropped(folder))
    qtbot.waitUntil(lambda: "RAW photo skipped" in window.status.jobs.text(), timeout=PATIENCE)
    if not readable:
        assert "no photo that Marque can read, 1 RAW photo skipped" in window.status.jobs.text()
        return
    qtbot.waitUntil(lambda: len(opened.columns.errors) == 2, timeout=PATIENCE)
    said = {Path(path).name: opened.columns.errors[row] for row, path in enumerate(opened.columns.paths)}
    assert said == {"empty.jpg": "the file is empty", "notes.txt": "not a picture in a format this program reads"}
    assert window.review.listing.rowCount() == 2
