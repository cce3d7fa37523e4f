"""A gallery that a team shares is on another computer: the window says which before it asks, and shows no password."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from tests.app.ui.conftest import OpenWindow

ADDRESS = "postgresql://ann:s3cret@127.0.0.1:1/photos?password=s3cret&connect_timeout=2"
SHOWN = "postgresql://ann@127.0.0.1:1/photos"


def test_the_address_is_shown_without_its_password(open_marque: OpenWindow, qtbot: QtBot, marque_home: Path) -> None:
    window = open_marque(gallery=ADDRESS)
    said: list[str] = []
    window.services.loading.connecting.connect(lambda _address: said.append(window.status.model.words()))
    qtbot.waitUntil(lambda: window.identify.session.loaded() is not None)
    window.models.open_again()
    qtbot.waitUntil(lambda: said != [])
    assert said == [f"connecting to {SHOWN}"]
    qtbot.waitUntil(lambda: window.status.facts()[1] == "gallery not in use")
    QTest.keyClick(window, Qt.Key.Key_3)
    window.gallery.ask_address()
    assert window.gallery.address_box.line.text() == SHOWN
    texts = [widget.toolTip() for widget in QApplication.allWidgets()]
    texts += [widget.text() for widget in window.findChildren(QLabel)]
    texts += [widget.text() for widget in window.findChildren(QLineEdit)]
    texts += [widget.text() for widget in window.findChildren(QAbstractButton)]
    assert any(SHOWN in text for text in texts)
    assert not any("s3cret" in text for text in texts)
    window.close()
    for file in marque_home.rglob("*"):
        assert not file.is_file() or b"s3cret" not in file.read_bytes(), file
