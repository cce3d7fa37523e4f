"""Work for the open project, off the GUI thread: one thread, whose tasks take turns after each of their steps."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from model.system.errors import for_people

log = logging.getLogger(__name__)

TaskSteps = Callable[[], Iterator[Any]]
"""A generator function: each value it yields is passed to the GUI thread, and is a place to stop."""


@dataclass(eq=False)
class Task:
    """One piece of work.

    Attributes:
        steps: what is done, on the thread.
        then: takes each value, on the GUI thread. on: what it works on, which must not be closed meanwhile; or None.
        failed: called on the GUI thread if it ended with an error: with its words, or "" after a defect.
        cancelled: set by `cancel`; read between two steps, and by steps that take long.
    """

    steps: TaskSteps
    then: Callable[[Any], None]
    on: object = None
    failed: Callable[[str], None] = lambda _words: None
    cancelled: bool = False

    def cancel(self) -> None:
        """Stop after the current step; nothing more is delivered."""
        self.cancelled = True


@dataclass(frozen=True)
class _Delivery:
    task: Task
    value: Any


class Tasks(QThread):
    """Serves tasks until `stop`. A task that yields often lets the others in between, so a long one delays nobody.

    Signals:
        failed: (message, details) a task ended with an error that is worded for people.
        released: a task has ended, or was dropped, and has let go of what it worked on.
    """

    failed = Signal(str, str)
    released = Signal()
    _delivered = Signal(_Delivery)
    _failed = Signal(Task, str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._waiting: deque[tuple[Task, Iterator[Any] | None]] = deque()
        self._in_work: Task | None = None
        self._stopping = False
        self._delivered.connect(self._deliver)
        self._failed.connect(self._fail)

    def submit(
        self,
        steps: TaskSteps,
        then: Callable[[Any], None] = lambda _value: None,
        *,
        on: object = None,
        failed: Callable[[str], None] = lambda _words: None,
    ) -> Task:
        """Put a task behind those that wait; `on`, `failed`: see Task."""
        task = Task(steps, then, on, failed)
        with self._changed:
            self._waiting.append((task, None))
            self._changed.notify()
        return task

    def once(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None] = lambda _value: None,
        *,
        on: object = None,
        failed: Callable[[str], None] = lambda _words: None,
    ) -> Task:
        """A task of one step."""

        def steps() -> Iterator[Any]:
            yield work()

        return self.submit(steps, then, on=on, failed=failed)

    def uses(self, thing: object) -> bool:
        """Whether a task that works on this waits or is under way."""
        with self._changed:
            tasks = [self._in_work, *(task for task, _ in self._waiting)]
        return any(task is not None and task.on is thing for task in tasks)

    def stop(self) -> None:
        """Finish what was submitted, except long tasks, and end the thread. Nothing is delivered."""
        self.blockSignals(True)
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        """Take turns until `stop`; the first step of a submitted task (a label) is still taken."""
        while True:
            with self._changed:
                while not (self._waiting or self._stopping):
                    self._changed.wait()
                if not self._waiting:
                    return
                task, begun = self._waiting.popleft()
                self._in_work = task
            steps = begun if begun is not None else task.steps()
            if task.cancelled or (self._stopping and begun is not None):
                more = False
                if hasattr(steps, "close"):
                    steps.close()
            else:
                more = self._step(task, steps)
            with self._changed:
                self._in_work = None
                if more:
                    self._waiting.append((task, steps))
            if not more and task.on is not None:
                self.released.emit()

    def _step(self, task: Task, steps: Iterator[Any]) -> bool:
        """Take the next step; whether there may be more of them."""
        try:
            value = next(steps)
        except StopIteration:
            return False
        except Exception as error:
            worded = for_people(error)
            if worded is not None:
                self._failed.emit(task, str(worded), worded.details)
                return False
            # a defect: to the log and the error bar; the thread continues; otherwise the page would wait for ever
            log.exception("a task failed")
            sys.excepthook(*sys.exc_info())
            self._failed.emit(task, "", "")
            return False
        self._delivered.emit(_Delivery(task, value))
        return True

    def _deliver(self, delivery: _Delivery) -> None:
        if not delivery.task.cancelled:
            delivery.task.then(delivery.value)

    def _fail(self, task: Task, message: str, details: str) -> None:
        if not task.cancelled:
            task.failed(message)
            if message:
                self.failed.emit(message, details)
