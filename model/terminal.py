"""What the trainer's commands say to a person: notes and errors on standard error, results on standard output."""

from __future__ import annotations

from rich.console import Console

# without emoji: rich would make a picture of ":100:" in "labels.csv:100: ..."
console = Console(stderr=True, emoji=False)


def note(message: str) -> None:
    """A line of text as it is: brackets are no markup, paths are not broken."""
    console.print(message, markup=False, highlight=False, soft_wrap=True)


def fail(error: Exception) -> int:
    """Say what went wrong, in the words of the error; the exit code for it."""
    console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 2


def result(text: str) -> None:
    """The result of a command, on standard output."""
    Console(emoji=False).print(text, markup=False, highlight=False, soft_wrap=True)
