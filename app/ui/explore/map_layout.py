"""The thread that lays points out: principal components at once, t-SNE replaces them step by step."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from threading import Condition

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal

from app.core.explore.projection import DIMENSIONS, LEAST_FOR_TSNE, STEPS, StoppedError, fitted, principal_components
from app.core.explore.tsne import UnfoldingError, prepare, unfold

log = logging.getLogger(__name__)

_SECONDS = 0.06  # between two pictures of the animation


@dataclass(eq=False)
class PointLayout:
    """A request: lay out these unit vectors, float32 [N, d]. `cancelled`: stop at what is shown."""

    vectors: np.ndarray
    cancelled: bool = False


@dataclass(frozen=True, eq=False)
class LayoutProgress:
    """How far a layout is.

    Attributes:
        steps: iterations of t-SNE done.
        places: float32 [N, 2] from -1 to 1; None where they have not changed.
    """

    layout: PointLayout
    steps: int
    places: np.ndarray | None


class MapLayout(QThread):
    """Serves the newest layout; it ends the current one. Each layout that begins ends with `ended`.

    Signals:
        advanced: (LayoutProgress)
        ended: (PointLayout)
        failed: (message) t-SNE was ended from outside; `ended` follows
    """

    advanced = Signal(LayoutProgress)
    ended = Signal(PointLayout)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._wanted: PointLayout | None = None
        self._current: PointLayout | None = None
        self._stopping = False

    def lay_out(self, vectors: np.ndarray) -> PointLayout:
        """Begin a layout in place of the current one."""
        layout = PointLayout(vectors)
        with self._changed:
            self.cancel()
            self._wanted = layout
            self._changed.notify()
        return layout

    def cancel(self) -> None:
        """Stop; the points stay where they are."""
        for layout in (self._wanted, self._current):
            if layout is not None:
                layout.cancelled = True

    def stop(self) -> None:
        """End the layout and the thread; nothing is emitted afterwards."""
        self.blockSignals(True)
        with self._changed:
            self.cancel()
            self._stopping = True
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        """Wait for layouts until `stop`."""
        prepare()
        while True:
            with self._changed:
                while self._wanted is None and not self._stopping:
                    self._changed.wait()
                if self._stopping or self._wanted is None:
                    return
                self._current, self._wanted = self._wanted, None
                layout = self._current
            try:
                self._serve(layout)
            except StoppedError:
                pass
            except UnfoldingError as error:
                layout.cancelled = True
                self.failed.emit(str(error))
            except Exception:
                # a defect: to the log and the error bar; the thread continues, or the page would wait for ever
                log.exception("a layout failed")
                sys.excepthook(*sys.exc_info())
            self.ended.emit(layout)

    def _serve(self, layout: PointLayout) -> None:
        reduced = principal_components(layout.vectors, DIMENSIONS)  # enough for t-SNE, and less to pass on
        start = reduced[:, :2]
        self.advanced.emit(LayoutProgress(layout, 0, fitted(start)))
        if len(start) < LEAST_FOR_TSNE or layout.cancelled:
            return
        shown = time.monotonic()

        def report(done: int, places: np.ndarray | None) -> bool:
            nonlocal shown
            if time.monotonic() - shown >= _SECONDS:
                shown = time.monotonic()
                self.advanced.emit(LayoutProgress(layout, done, None if places is None else fitted(places)))
            return not layout.cancelled

        threads = max(1, (os.cpu_count() or 1) - 1)  # one is left for the window
        places = unfold(reduced, start, report, threads)
        if not layout.cancelled:
            self.advanced.emit(LayoutProgress(layout, STEPS, fitted(places)))
