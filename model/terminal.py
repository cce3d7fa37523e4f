"""What the trainer's commands say to a person: notes and errors on standard error, results on standard output."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, NoReturn

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn

from model.command import ReaderGoneError, guarded, write_line
from model.errors import MarqueError
from model.plain_text import one_line
from model.standard_error import words
from model.unfinished import remove_leftovers

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


class _Words(Console):
    """Draws bars of progress where the program's words go, which may change while it runs."""

    @property
    def file(self) -> IO[str]:
        """Where they go now."""
        return words() or super().file

    @file.setter
    def file(self, _new: IO[str]) -> None:
        raise AttributeError("words go to standard error")

    def on_broken_pipe(self) -> NoReturn:
        """End as every command does whose reader has gone."""
        raise ReaderGoneError


# without emoji: rich would make a picture of ":100:" in "labels.csv:100: ..."
console = _Words(stderr=True, emoji=False, markup=False)


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """A bar on standard error; what libraries print is left where it goes."""
    return Progress(*columns, console=console, disable=not shown, redirect_stdout=False, redirect_stderr=False)


def run(work: Callable[[], int]) -> int:
    """Do the work of a command; its exit code, or that of what ended it, which is said in one sentence."""
    remove_leftovers()
    return guarded(work, fail)


def note(message: str) -> None:
    """A line of text as it is: brackets are no markup, paths are not broken."""
    if not console.quiet:
        write_line(one_line(message))


def fail(error: MarqueError | str) -> int:
    """Say what went wrong, in the words of the error; the exit code for it."""
    console.quiet = False
    text = f"error: {error}" if isinstance(error, MarqueError) else f"error: {one_line(error)}"
    for line in text.split("\n"):
        write_line(f"{_RED}{line}{_PLAIN}" if console.is_terminal and not console.no_color else line)
    return 2


def result(text: str) -> None:
    """The result of a command, on standard output; may have several lines."""
    for line in text.split("\n"):
        write_line(one_line(line), output=True)


def show(drawn: RenderableType) -> None:
    """A table, on standard output."""
    screen = Console(emoji=False, markup=False)
    with screen.capture() as captured:
        screen.print(drawn)
    for line in captured.get().splitlines():
        write_line(line, output=True)
