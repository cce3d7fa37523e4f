"""What the commands share: opening model and gallery, the bar of progress, Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from app.core.gallery.references import Place, References, place_of
from app.core.recognition.engine import BATCH
from app.core.system import paths
from model.console.interruption import came
from model.console.standard_error import words
from model.contract.bundle import Variant
from model.system.errors import MarqueError
from model.system.wording import counted

NO_GALLERY = "none"


class UsageError(MarqueError):
    """Something is wrong with the command line or the files named in it; the message is one line for the user."""


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """`--model`, `--device`, `--precision` and `--batch`."""
    add_model_option(parser)
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where it runs; auto: the GPU if it works"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", *Variant),
        default="auto",
        help="variant of the model; auto: the one made for the processor, if it is beside the file",
    )
    parser.add_argument(
        "--batch", type=_positive, default=BATCH, metavar="N", help=f"photos per inference (default: {BATCH})"
    )


def count_argument(parser: argparse.ArgumentParser, flag: str, help_text: str) -> None:
    """An option that takes a whole number from one up."""
    parser.add_argument(flag, type=_positive, metavar="N", help=help_text)


def in_words(gallery: References) -> str:
    """The size of a gallery, and how it is searched."""
    labels = gallery.classes()
    types = counted(len({coarse for coarse, _ in labels}), "type")
    classes = counted(sum(fine is not None for _, fine in labels), "class", "classes")
    return f"{counted(len(gallery), 'photo')} of {types}, {classes}; {gallery.approximation or 'exact search'}"


def as_typed(*words: str | Path) -> str:
    """A command to type, quoted for the shell of this system."""
    texts = [str(word) for word in words]
    return subprocess.list2cmdline(texts) if os.name == "nt" else shlex.join(texts)


def must_exist(named: Sequence[Path]) -> None:
    """Raises UsageError if one of the named files or folders does not exist."""
    for path in named:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Option for the identification model."""
    parser.add_argument(
        "--model",
        type=paths.model_named,
        metavar="FILE",
        help="identification model, or the name of a supplied one (default: marque)",
    )


def model_file(chosen: Path | None) -> Path:
    """The model file to use.

    Raises:
        UsageError: if none was chosen and none is supplied.
    """
    model = chosen or paths.bundled_model()
    if model is None:
        raise UsageError("this installation has no identification model; name one with --model FILE")
    return model


def gallery_place(chosen: str | None, model: Path) -> Place | None:
    """The named gallery, else the one beside the model; None if neither exists or "none" was named."""
    if chosen == NO_GALLERY:
        return None
    return place_of(chosen) if chosen else paths.bundled_gallery(model)


def progress_bar(shown: bool = True) -> Progress:
    """Count, rate and time left on standard error; nothing if that is not a terminal or `shown` is False."""
    stream = words()
    console = Console(file=stream) if stream is not None else Console(quiet=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        disable=not shown or not console.is_terminal,
        # standard output may be a file, and standard error only takes our words
        redirect_stdout=False,
        redirect_stderr=False,
    )


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f}/s")


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C or SIGTERM makes the yielded function answer True; the second one interrupts."""
    pressed = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = {number: signal.signal(number, on_interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    if came():  # and Python has dropped its exception
        pressed.set()
    try:
        yield pressed.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 up")
    return int(text)
