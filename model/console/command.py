"""What all our commands do around their work: each end has one sentence and one of five exit codes."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from model.console import interruption
from model.console.fault_log import defect_words, logged
from model.console.standard_error import ours_alone, words
from model.system.errors import MarqueError, ReaderGoneError, file_error, for_people

FAILED, INTERRUPTED, NOBODY_READS = 2, 130, 141
"""Exit codes: cannot be done, Ctrl-C or SIGTERM, the reader of our output has gone."""

EXIT_CODES = (
    "exit codes: 0 finished, 1 a problem was found or something was left out or unchanged, 2 wrong usage, unusable "
    "input or a defect of Marque, 130 interrupted, 141 the reader of the output has gone"
)


log = logging.getLogger(__name__)


class StreamError(MarqueError):
    """Standard output or standard error accepts no more output."""


Ended = Callable[[MarqueError | str], object]
"""Says why a command has ended: an error, or the words for an interruption or a defect."""


def guarded(work: Callable[[], int], ended: Ended) -> int:
    """Do the work of a command; its exit code, or one of those above.

    What libraries write goes to files meanwhile, and SIGTERM is Ctrl-C.
    """
    try:
        with _sigterm_interrupts(), ours_alone(), logged():
            code, said = _outcome(work)
            if said is not None:
                with suppress(ReaderGoneError, StreamError):
                    ended(said)
            if code in (FAILED, NOBODY_READS):
                _let_go_of_standard_output()
            atexit.unregister(_ignore_signals)
            atexit.register(_ignore_signals)  # the last one that is registered comes first
            return code
    except KeyboardInterrupt:  # before the work began, or again at its end
        return INTERRUPTED
    finally:
        interruption.forget()


def _outcome(work: Callable[[], int]) -> tuple[int, MarqueError | str | None]:
    try:
        interruption.interrupt_if_came()
        return work(), None
    except KeyboardInterrupt:
        return INTERRUPTED, "interrupted"
    except ReaderGoneError:
        return NOBODY_READS, None
    except Exception as error:
        worded = for_people(error)
        if worded is None:
            log.exception("a defect")
        return FAILED, worded or defect_words(error)


def write_line(text: str, *, output: bool = False) -> None:
    """One line on standard error, or on standard output; what the encoding does not have is written as an escape.

    Raises:
        ReaderGoneError: if its reader has gone.
        StreamError: if it cannot be written (a full disk).
    """
    stream = sys.stdout if output else words()
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    except OSError as error:
        worded = file_error(error, "standard output" if output else "standard error")
        raise StreamError(worded.message, advice=worded.advice) from error


def _let_go_of_standard_output() -> None:
    # Python would complain at its end of what is still unwritten
    with suppress(OSError, ValueError, AttributeError):
        try:
            sys.stdout.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


def _ignore_signals() -> None:
    """The work is done: let the program finish its cleaning up."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    before = signal.signal(signal.SIGTERM, interruption.interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
