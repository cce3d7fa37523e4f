"""The one thread that uses the identification model and its gallery: it loads the model and serves the services."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition

from PySide6.QtCore import QObject, QThread

from app.core.system.thread_priority import lower_thread_priority
from app.ui.background.model_in_use import ModelInUse
from app.ui.background.model_loading import ModelLoading
from app.ui.background.service import Service

log = logging.getLogger(__name__)


class ModelScheduler(QThread):
    """Serves the services in their order; whoever works lets all before it in between two batches."""

    def __init__(
        self, loading: ModelLoading, services: Sequence[Service], changed: Condition, parent: QObject | None = None
    ) -> None:
        """Args: changed: guards the requests of all services, which notify it of each new one."""
        super().__init__(parent)
        self._loading, self._services, self._changed = loading, services, changed
        self._stopping = False
        self._model: ModelInUse | None = None  # touched by this thread only

    def stop(self) -> None:
        """End after the current batch and wait for the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        """Serve requests until `stop`. A fault in one request is reported, and the next one is served."""
        lower_thread_priority()
        while self._wait_for_work():
            try:
                self.serve_before(len(self._services))
                self._model = self._loading.change_over(self._model)
            except Exception:
                # a defect: to the log and the error bar. The thread continues, or the window would wait for ever.
                log.exception("identifying failed")
                sys.excepthook(*sys.exc_info())
        if self._model is not None:
            self._model.close()

    def serve_before(self, place: int) -> None:
        """Open the requested model, and serve the services before this place; on this thread."""
        self._loading.open()
        model = self._model
        if model is None:
            return
        model.report_provider()
        for earlier, service in enumerate(self._services[:place]):
            if service.waits():
                service.serve(model, _Turn(self, earlier))
                model.report_provider()

    def must_end(self) -> bool:
        """Whether the current work must end: another model is ready, or the program is being closed."""
        return self._stopping or self._loading.ready()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not (self._stopping or self._loading.waits() or self._has_work()):
                self._changed.wait()
            return not self._stopping

    def _has_work(self) -> bool:
        return self._model is not None and any(service.waits() for service in self._services)


@dataclass(frozen=True)
class _Turn:
    scheduler: ModelScheduler
    place: int

    def let_others_in(self) -> None:
        self.scheduler.serve_before(self.place)

    def must_end(self) -> bool:
        return self.scheduler.must_end()
