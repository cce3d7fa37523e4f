"""The study on show, read off the GUI thread, again and again as it grows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.ui.background.tasks import Tasks

if TYPE_CHECKING:
    from app.core.training.study import MeasuredStudy, StudyReader

_LOOK = 2000  # milliseconds between two checks of the folder


class StudySession(QObject):
    """Signals:
    read: more is known of it (`study`), or it is another one
    problem: (words) it cannot be opened, or something in it cannot be read
    """

    read = Signal()
    problem = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(self)
        self._reader: StudyReader | None = None
        self._figure: str | None = None
        self.study: MeasuredStudy | None = None
        self._looking = False
        self._timer = QTimer(self, interval=_LOOK)
        self._timer.timeout.connect(self.look)

    def stop(self) -> None:
        """Wait for the worker."""
        self.blockSignals(True)
        self._timer.stop()
        if self._tasks.isRunning():
            self._tasks.stop()

    def open(self, folder: Path) -> None:
        """Show the study in a folder, if there is one."""
        if not self._tasks.isRunning():
            self._tasks.start()

        def work() -> StudyReader | str:
            # loads SciPy's tests, which the window starts without
            from app.core.training.study import StudyError, StudyReader

            try:
                return StudyReader(folder)
            except StudyError as error:
                return str(error)

        def put(found: StudyReader | str) -> None:
            if isinstance(found, str):
                self.problem.emit(found)
                return
            self._reader, self._figure = found, None
            self._looking = False
            self.look()

        self._tasks.once(work, put)

    def close(self) -> None:
        """Stop following it; a check in progress reports nothing."""
        self._reader = None

    def set_in_sight(self, yes: bool) -> None:
        """Check the folder while the view is shown."""
        if yes:
            self._timer.start()
            self.look()
        else:
            self._timer.stop()

    def show_figure(self, figure: str) -> None:
        """Set the figure by which cells are compared."""
        self._figure = figure
        self._looking = False  # otherwise the choice would wait for the next check
        self.look()

    def look(self) -> None:
        """Read what has changed; one check at a time."""
        reader, figure = self._reader, self._figure
        if reader is None or self._looking:
            return
        self._looking = True

        def work() -> MeasuredStudy | str | None:
            from app.core.training.study import StudyError

            try:
                return reader.poll(figure)
            except StudyError as error:
                return str(error)

        def put(found: MeasuredStudy | str | None) -> None:
            self._looking = False
            if reader is not self._reader:
                return
            if isinstance(found, str):
                self.problem.emit(found)
            elif found is not None:
                self.study = found
                self.read.emit()

        self._tasks.once(work, put)
