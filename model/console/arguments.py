"""Reads the arguments of the trainer's commands, each of which has --json."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Any, TypeVar

import tyro

from model.console import console
from model.console.json_lines import JSON_OPTION

_Read = TypeVar("_Read")
_FRAME = re.compile("[\u2500-\u257f]+")  # around tyro's errors


def read(
    command: Callable[..., _Read], module: str, arguments: Sequence[str] | None = None, config: Sequence[Any] = ()
) -> _Read:
    """What the command line asks for; ends the program with a message if it is wrong.

    Args:
        command: what tyro reads: a function, or a class of settings.
        module: that starts the command, as `model.train`.
        arguments: None for those of the process.
        config: marks for tyro.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = JSON_OPTION in given
    console.speak_json(as_json)
    said = io.StringIO()
    try:
        with redirect_stderr(said if as_json else sys.stderr):
            return tyro.cli(
                command,
                args=[one for one in given if one != JSON_OPTION],
                prog=f"python -m {module}",
                description=(
                    f"{_summary(command)} With {JSON_OPTION} everything is written as JSON, one object per line."
                ),
                config=config,
            )
    except SystemExit as ended:
        if as_json and ended.code:
            console.fail(" ".join(_FRAME.sub(" ", said.getvalue()).split()))
        raise


def _summary(command: Callable[..., object]) -> str:
    return (command.__doc__ or "").strip().split("\n")[0]
