"""Which commands there are, and the window, which opens without one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

# before anything of Qt: see app.core.recognition.engine
import app.core.recognition.engine  # noqa: F401
from app.cli.parser import Parser
from app.cli.reports import Report, asked_for_json
from app.cli.terminal import UsageError, add_model_option
from app.core.gallery.references import place_of
from model.console.command import EXIT_CODES
from model.system.unfinished import remove_leftovers

COMMANDS = ("identify", "export", "file", "label", "undo", "enrol", "doctor")

_HELP = {"-h", "--help"}
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments begin with, or the window; the exit code. Raises MarqueError."""
    remove_leftovers()
    if not arguments or arguments[0] not in COMMANDS:
        return _window(arguments)
    command = command_of(arguments[0])
    report = Report(asked_for_json(arguments))
    parser = Parser(f"marque {arguments[0]}", report, description=command.__doc__, epilog=EXIT_CODES)
    command.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write everything as JSON, one object per line")
    return command.run(parser.parse_args(arguments[1:]), report)


def command_of(name: str) -> ModuleType:
    """The module of a command, loaded on request, as each needs libraries that the others do not.

    Every name is written out, so that packaging tools find all of them.

    Raises:
        KeyError: if it is not one of COMMANDS.
    """
    match name:
        case "identify":
            from app.cli import identify

            return identify
        case "export":
            from app.cli import export

            return export
        case "file":
            from app.cli import file

            return file
        case "label":
            from app.cli import label

            return label
        case "undo":
            from app.cli import undo

            return undo
        case "enrol":
            from app.cli import enrol

            return enrol
        case "doctor":
            from app.cli import doctor

            return doctor
    raise KeyError(name)


def _list_of_commands() -> str:
    summaries = ((command_of(name).__doc__ or "").splitlines()[0] for name in COMMANDS)
    return "\n".join(f"  {name:<10}{summary}" for name, summary in zip(COMMANDS, summaries, strict=True))


def _window(arguments: Sequence[str]) -> int:
    parser = Parser(
        "marque",
        Report(),
        usage="marque [PATH ...] [options]\n       marque {" + ",".join(COMMANDS) + "} ...",
        description="Identify vehicles and vessels in photos. Opens the window with the named photos or folders.",
        # the list loads all commands, which the window itself does not need
        epilog=f"commands, each with its own --help:\n{_list_of_commands()}" if _HELP & set(arguments) else "",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="photo or folder to open")
    add_model_option(parser)
    parser.add_argument(
        "--gallery",
        type=place_of,
        metavar="FILE|ADDRESS",
        help="reference photos (default: your own, else beside the model)",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where the model runs; auto: the GPU if it works",
    )
    parser.add_argument("--theme", choices=("dark", "light"), help="default: the one chosen last")
    options = parser.parse_args(arguments)

    # otherwise Qt would end the process with a core dump
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _SCREENS):
        raise UsageError("the window needs a screen (DISPLAY is not set); without one, use: marque identify")
    # the other commands start without Qt, and run without a screen
    from app.ui.window.start import run

    return run(options.paths, model=options.model, gallery=options.gallery, theme=options.theme, device=options.device)
