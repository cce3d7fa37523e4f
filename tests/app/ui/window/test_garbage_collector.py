"""Garbage with widgets in it is destroyed by the thread that they belong to."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.window.garbage_collector import GarbageCollector
from tests.app.ui.conftest import OpenWindow


def test_a_widget_in_a_cycle_is_destroyed_on_the_gui_thread(qtbot: QtBot) -> None:
    owner = QObject()
    collector = GarbageCollector(owner)
    on: list[int] = []
    try:
        widget = QWidget()
        widget.itself = widget  # type: ignore[attr-defined]
        gone = weakref.finalize(widget, lambda: on.append(threading.get_ident()))
        del widget

        def make_garbage() -> None:
            for _ in range(200_000):
                cycle: list = []
                cycle.append(cycle)

        thread = threading.Thread(target=make_garbage)
        thread.start()
        thread.join()
        assert gone.alive  # Python by itself would have collected there
        qtbot.waitUntil(lambda: not gone.alive, timeout=15_000)
        assert on == [threading.get_ident()]
    finally:
        collector.stop()
    assert gc.isenabled()


def test_a_window_keeps_collection_to_itself_until_it_is_closed(open_marque: OpenWindow) -> None:
    window = open_marque()
    assert not gc.isenabled()
    window.close()
    assert gc.isenabled()
