"""What the trainer's commands say to a person: notes and errors on standard error, results on standard output."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any, NoReturn

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, TaskID

from model.console.command import guarded, write_line
from model.console.json_lines import Advance, event, lines_of_progress
from model.console.standard_error import words
from model.system.errors import MarqueError, ReaderGoneError
from model.system.plain_text import one_line
from model.system.unfinished import remove_leftovers

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


class _Words(Console):
    """Draws bars of progress where the program's words go, which may change while it runs."""

    @property
    def file(self) -> IO[str]:
        """Where the program's words go now."""
        return words() or super().file

    @file.setter
    def file(self, _new: IO[str]) -> None:
        raise AttributeError("the words go to standard error")

    def on_broken_pipe(self) -> NoReturn:
        """End as every command does when its reader has gone."""
        raise ReaderGoneError


# without emoji: rich would make a picture of ":100:" in "labels.csv:100: ..."
console = _Words(stderr=True, emoji=False, markup=False)

_as_json = False


def speak_json(wanted: bool) -> None:
    """Whether everything is written as JSON from now on, one object per line."""
    global _as_json
    _as_json = wanted


class _Lines(Progress):
    """Draws no bar, but writes lines of JSON."""

    def __init__(self) -> None:
        super().__init__(console=console, disable=True)
        self._advances: dict[TaskID, Advance] = {}

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """See rich's `Progress`."""
        super().update(task_id, **changes)
        self._write(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """See rich's `Progress`."""
        super().advance(task_id, advance)
        self._write(task_id)

    def _write(self, task_id: TaskID) -> None:
        task = self._tasks[task_id]
        if task_id not in self._advances:
            self._advances[task_id] = lines_of_progress({"what": task.description})
        self._advances[task_id](round(task.completed), None if task.total is None else round(task.total))


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """A bar on standard error; what libraries print is left where it goes."""
    if _as_json and shown and not console.quiet:
        return _Lines()
    return Progress(*columns, console=console, disable=not shown, redirect_stdout=False, redirect_stderr=False)


def run(work: Callable[[], int]) -> int:
    """Do the work of a command; its exit code, or that of what ended it, which is said in one sentence."""
    remove_leftovers()
    return guarded(work, fail)


def note(message: str) -> None:
    """A line of text as it is: brackets are not markup, and paths are not wrapped."""
    if not console.quiet:
        write_line(event("note", {"text": message}) if _as_json else one_line(message))


def fail(error: MarqueError | str) -> int:
    """Say what went wrong, in the words of the error; the exit code for it."""
    console.quiet = False
    if _as_json:
        write_line(event("error", {"text": str(error)}))
        return 2
    text = f"error: {error}" if isinstance(error, MarqueError) else f"error: {one_line(error)}"
    for line in text.split("\n"):
        write_line(f"{_RED}{line}{_PLAIN}" if console.is_terminal and not console.no_color else line)
    return 2


def result(text: str, facts: Mapping[str, Any] | None = None) -> None:
    """The result of a command, on standard output.

    Args:
        text: may have several lines.
        facts: the same in JSON, where that has more than the text.
    """
    if _as_json:
        write_line(event("result", {"text": text} if facts is None else facts), output=True)
        return
    for line in text.split("\n"):
        write_line(one_line(line), output=True)


def data(facts: Mapping[str, Any]) -> None:
    """A line of JSON on standard output, for the program that started this command."""
    write_line(json.dumps(facts), output=True)


def show(drawn: RenderableType, facts: Mapping[str, Any]) -> None:
    """A table, on standard output; in JSON its facts."""
    if _as_json:
        write_line(event("result", facts), output=True)
        return
    # not straight to standard output: rich treats a full disk and a reader that has gone in its own way
    text = io.StringIO()
    Console(file=text, force_terminal=sys.stdout.isatty(), emoji=False, markup=False).print(drawn)
    for line in text.getvalue().splitlines():
        write_line(line, output=True)
