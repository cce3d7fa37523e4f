"""The window on the page Review."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.window.main_window import MainWindow
from tests.app.ui.review.reviewing import (
    Key,
    labelled,
)


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
