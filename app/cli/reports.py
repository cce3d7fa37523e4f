"""How a command reports what it does: a bar and sentences for people, or lines of JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.console.command import write_line
from model.console.json_lines import JSON_OPTION, Advance, event, lines_of_progress
from model.console.standard_error import keep_small
from model.system.errors import MarqueError
from model.system.plain_text import one_line
from model.system.wording import LISTED

if TYPE_CHECKING:  # loads the engine, which takes a while
    from app.core.batch.batch_runner import Processor

Fact = str | int | float | bool | None | list[str]
_SHORTEST = "--j"  # the short forms that argparse allows


def asked_for_json(arguments: Sequence[str]) -> bool:
    """Whether the arguments of a command ask for JSON: found before they are parsed, as they may be wrong."""
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(JSON_OPTION.startswith(one) and len(one) >= len(_SHORTEST) for one in ours)


@dataclass(frozen=True)
class Report:
    """Reports on one run.

    Attributes: as_json: one object per line instead of words; `event` says what it is.
    """

    as_json: bool = False

    def warning(self, text: str) -> None:
        """Something that does not end the run."""
        self._problem("warning", text)

    def ended(self, error: MarqueError | str) -> None:
        """What ended the run before it was done."""
        self._problem("error", *str(error).split("\n") if isinstance(error, MarqueError) else [error])

    def done(self, sentences: Sequence[str], facts: Mapping[str, Fact]) -> None:
        """The run is over, even if it was interrupted; like `tell`."""
        self.tell("done", sentences, facts)

    def tell(self, name: str, sentences: Sequence[str], facts: Mapping[str, Fact]) -> None:
        """Say the same in sentences, one per line, and as the event `name` with facts."""
        self._write(name, sentences, facts, output=False)

    def connecting(self, what: str, address: str) -> None:
        """Name the other computer before anything is sent to it. address: without password."""
        self.tell("connecting", [f"connecting to {what} {address}"], {"to": address})

    def show(self, name: str, sentence: str, facts: Mapping[str, Fact]) -> None:
        """A line of the command's result, on standard output; like `tell`."""
        self._write(name, [sentence], facts, output=True)

    @contextmanager
    def running(self, description: str, *, bar: bool = True) -> Iterator[Advance]:
        """Within, the yielded function reports the progress. bar: whether a bar may be drawn, on a terminal."""
        if self.as_json:
            yield lines_of_progress()
            return
        from app.cli.terminal import progress_bar  # it loads the library of the bar

        with progress_bar(shown=bar) as progress:
            task = progress.add_task(description, total=None)

            def advance(done: int, total: int | None) -> None:
                keep_small()
                progress.update(task, completed=done, total=total)

            yield advance

    def _problem(self, name: str, *lines: str) -> None:
        self._write(name, [f"marque: {lines[0]}", *lines[1:]], {"text": "\n".join(lines)}, output=False)

    def _write(self, name: str, sentences: Sequence[str], facts: Mapping[str, Fact], *, output: bool) -> None:
        for line in [event(name, facts)] if self.as_json else map(one_line, sentences):
            write_line(line, output=output)


class Warnings:
    """Warnings of one kind, perhaps very many.

    People see the first ones and how many more there are, scripts see all of them.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self.count = 0

    def add(self, text: str) -> None:
        """Add one."""
        self.count += 1
        if self._report.as_json or self.count <= LISTED:
            self._report.warning(text)

    def end(self) -> None:
        """There will be no more."""
        if not self._report.as_json and self.count > LISTED:
            self._report.warning(f"and {self.count - LISTED:,} more")


def speed(photos: int, seconds: float, provider: Processor, interrupted: bool) -> dict[str, Fact]:
    """The final report of every run."""
    return {
        "interrupted": interrupted,
        "photos": photos,
        "seconds": round(seconds, 3),
        "rate": round(photos / seconds, 2) if seconds else 0.0,
        "processor": provider.name,
        "reason": provider.reason,
    }
