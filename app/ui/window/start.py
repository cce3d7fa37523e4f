"""The program's window from the command line: made, filled, shown until it is closed."""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from app.core.recognition.engine import Device  # isort: skip

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.core.gallery.references import Place
from app.ui.widgets import theme
from app.ui.widgets.drawing_pauses import shorten_pauses
from app.ui.window.fault_log import log_qt_messages
from app.ui.window.main_window import MainWindow
from model.console.command import INTERRUPTED
from model.console.interruption import came


def open_window(
    photos: Sequence[Path],
    *,
    model: Path | None,
    gallery: Place | None,
    theme_name: str | None,
    device: Device = "auto",
) -> MainWindow:
    """Show the window, load the identification model on its worker, open the photos.

    Raises:
        ValueError: if the theme does not exist.
    """
    window = MainWindow(gallery=gallery, theme_name=theme.ThemeName(theme_name) if theme_name else None, device=device)
    window.show()
    window.open_first_model(model)
    window.open_first_project()
    if photos:
        window.identify.session.open(photos)
    return window


def run(
    photos: Sequence[Path], *, model: Path | None, gallery: Place | None, theme: str | None, device: Device = "auto"
) -> int:
    """Run the program's window until it is closed.

    Args:
        photos: photos and folders to open.
        model: identification model file; None for the one used last, or the bundled one.
        gallery: gallery file; None for the one beside the model.
        theme: "dark", "light", or None for the one chosen last, or the desktop's.
        device: "auto", "cpu" or "cuda".

    Returns:
        The exit code; 130 where Ctrl-C or SIGTERM closed the window.
    """
    shorten_pauses()
    log_qt_messages()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("marque")
    interrupted = _close_on_signals()
    window = open_window(photos, model=model, gallery=gallery, theme_name=theme, device=device)
    code = app.exec()
    window.close()
    return INTERRUPTED if interrupted.is_set() else code


def _close_on_signals() -> threading.Event:
    """Close the window at Ctrl-C and SIGTERM, as its button does; the event is set when one has come.

    One that comes while the window is being made closes it as soon as it is open: its threads run already, and an
    exception would leave them waiting. Python handles signals between two lines of its own code; the window's timers
    run such code several times a second.
    """
    interrupted = threading.Event()

    def close(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        QTimer.singleShot(0, QApplication.closeAllWindows)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, close)
        if came():  # while the program was loaded, and its exception was dropped
            close(signal.SIGINT, None)
    return interrupted
