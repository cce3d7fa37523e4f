"""What a person does on the page Review, for several tests."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.core.project.labels import Label
from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.window.main_window import MainWindow

PATIENCE = 15_000
Key = Qt.Key


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


def file_photos(qtbot: QtBot, window: MainWindow, into: Path) -> None:
    page = window.review
    page.export_dialogs.file()
    dialog = next(one for one in page.findChildren(FilingDialog) if one.isVisible())
    dialog.folder.setText("")
    qtbot.waitUntil(lambda: dialog.summary.whole() == "choose a folder", timeout=PATIENCE)
    dialog.folder.setText(str(into))
    dialog.pattern.setText("{type}/{nonsense}/{name}")
    qtbot.waitUntil(lambda: "is not one of" in dialog.summary.whole(), timeout=PATIENCE)
    assert not dialog.action_button.isEnabled()
    dialog.pattern.setText("{type}/{class}/{name}")
    qtbot.waitUntil(dialog.action_button.isEnabled, timeout=PATIENCE)
    assert dialog.summary.whole() == "12 photos would be filed" and dialog.preview.count() == 12
    QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.outputs.busy() and into.is_dir(), timeout=PATIENCE)


def action(menu: QMenu, text: str) -> QAction:
    return next(one for one in menu.actions() if one.text() == text)


def identified(window: MainWindow) -> int:
    opened = window.project
    return opened.project.images.counts(opened.model.fingerprint).predicted
