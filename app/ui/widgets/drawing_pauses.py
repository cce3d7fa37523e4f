"""Shortens pauses of the thread that draws which have nothing to do with drawing."""

from __future__ import annotations

import gc
import sys

import numpy.ma  # noqa: F401 - np.unique imports it at its first call, and the window would wait 50 ms for it
from PIL import Image
from PySide6.QtWidgets import QWidget

# a thread that decodes may keep the GUI thread waiting for the interpreter this long; a paint event asks for it
# dozens of times, and Python's own 5 ms add up; half a millisecond still made 50 ms of the first photos' drawing
_SWITCH_SECONDS = 0.0001


def shorten_pauses() -> None:
    """Set up this process for a window, after the libraries were imported and before the window is made.

    The garbage collector halts all threads while it looks at every object: 70 ms with the 100,000 of the imported
    libraries, every ten seconds of a run over many photos. They live until the end anyway, so they are excluded from
    now on; the rest takes 15 ms.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    Image.preinit()
    gc.collect()
    gc.freeze()


def draw_unseen(*widgets: QWidget) -> None:
    """Draw hidden widgets once, in advance.

    The first drawing renders icons, loads fonts and makes Qt's enumerations: 30 ms, which become 70 while photos are
    being decoded.
    """
    for widget in widgets:
        if not widget.isVisible():
            widget.grab()
