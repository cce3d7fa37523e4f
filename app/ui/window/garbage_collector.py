"""Python's garbage collector, kept to the GUI thread."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_LOOK = 250  # milliseconds


class GarbageCollector(QObject):
    """Collects garbage from the event loop, in place of whichever thread happens to make an object.

    Widgets are often part of a cycle and are destroyed when that is collected. Qt allows this on the GUI thread only:
    on a thread that decodes or infers it corrupts memory, and the program dies much later, somewhere else.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_LOOK)
        self._timer.timeout.connect(self._collect_due)
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """No other thread works any more, so Python may collect by itself again."""
        self._timer.stop()
        gc.enable()

    def _collect_due(self) -> None:
        """The oldest generation that is due, with the younger ones, as Python itself would."""
        counts = zip(gc.get_count(), gc.get_threshold(), strict=True)
        due = [generation for generation, (count, most) in enumerate(counts) if count > most]
        if due:
            gc.collect(due[-1])
