"""Photos of the tests by colour, and what a person does to the window with the mouse."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.window.main_window import MainWindow

PATIENCE = 15_000


def red(photos: Path) -> Path:
    return photos / "sedan" / "Rossa 2010" / "1.jpg"


def blue(photos: Path) -> Path:
    return photos / "ship" / "Azzurra class" / "1.jpg"


def drop(window: MainWindow, data: QMimeData) -> None:
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(300, 300), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), copy, data, left, none))


def files(*those: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in those])
    return data


def finished(window: MainWindow) -> bool:
    done, total = window.identify.session.photos.progress()
    words = window.status.jobs.text()
    return total > 0 and done == total and ("photo:" in words or "photos:" in words)


def drag(
    view: QWidget, start: QPoint, end: QPoint, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifier, start)
    QTest.mouseMove(view, (start + end) / 2)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifier, end)
