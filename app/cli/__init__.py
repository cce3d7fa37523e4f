"""The `marque` command: the window without a sub-command, otherwise work at the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from app.cli.reports import Report, asked_for_json
from model.console.command import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code, of those in `model.console.command`.

    Args:
        argv: arguments without the program's name; None for those of this process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded(partial(_work, arguments), Report(asked_for_json(arguments)).ended)


def _work(arguments: Sequence[str]) -> int:
    # what it loads takes half a second, in which Ctrl-C is already answered with a sentence
    from app.cli.commands import run

    return run(arguments)
