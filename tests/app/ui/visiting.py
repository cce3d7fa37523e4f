"""A visit to the window, through the command that opens it: what a person does there, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app import cli
from app.ui.window.main_window import MainWindow

Step = Callable[[], bool]
_PATIENCE = 60_000  # milliseconds for a whole visit


def visit(arguments: list[str], way: Callable[[MainWindow], Iterator[Step]]) -> int:
    """Open the window by `marque ARGUMENTS`, go a way (each step waits until it holds), close it; the exit code."""
    going: list[Iterator[Step]] = []
    waiting: list[Step] = []

    def look() -> None:
        windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow) and one.isVisible()]
        if not going:
            going.extend(way(windows[0]) for _ in windows[:1])
        elif not waiting or waiting[0]():
            waiting[:] = [step for step in (next(going[0], None),) if step is not None]
            if not waiting:
                timer.stop()
                windows[0].close()  # not that of the visit before, which may still be there, hidden

    timer = QTimer(interval=20)
    timer.timeout.connect(look)
    timer.start()
    QTimer.singleShot(_PATIENCE, QApplication.quit)
    code = cli.main(arguments)
    assert not timer.isActive(), "the way was not gone to its end"
    return code
