"""The `marque` command: the window without a sub-command, otherwise work at the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# before anything of Qt: see app.core.engine
import app.core.engine  # noqa: F401

from app.cli import doctor, enrol, export, file, identify, undo  # isort: skip
from app.cli.reports import Report
from app.cli.terminal import UsageError, add_model_option
from app.core.references import place_of
from model.errors import MarqueError
from model.unfinished import remove_leftovers

COMMANDS = {
    "identify": identify,
    "export": export,
    "file": file,
    "undo": undo,
    "enrol": enrol,
    "doctor": doctor,
}

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")

_NOBODY_READS = 141
"""Exit code when the reader of standard output (`head`) has gone, as of a program that SIGPIPE ends."""

_EXIT_CODES = (
    "exit codes: 0 finished, 1 a problem was found or something was left as it is, 2 wrong usage or unusable input, "
    "130 interrupted"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code.

    Args:
        argv: arguments without the program's name; None for those of this process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    report = Report()
    remove_leftovers()
    try:
        if arguments and arguments[0] in COMMANDS:
            command = COMMANDS[arguments[0]]
            parser = argparse.ArgumentParser(f"marque {arguments[0]}", description=command.__doc__, epilog=_EXIT_CODES)
            command.add_arguments(parser)
            options = parser.parse_args(arguments[1:])
            report = Report(getattr(options, "json", False))
            return command.run(options)
        return _window(arguments)
    except MarqueError as error:
        report.error(str(error))
        return 2
    except KeyboardInterrupt:
        report.error("interrupted")
        return 130
    except BrokenPipeError:
        # Python would complain of what is still unwritten when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS


def _window(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "marque",
        usage="marque [PATH ...] [options]\n       marque {" + ",".join(COMMANDS) + "} ...",
        description="Identify vehicles and vessels in photos. Opens the window, with the photos or folders named.",
        epilog="commands, each with its own --help:\n"
        + "\n".join(f"  {name:<10}{(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()),
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

    # Qt would end the process with a core dump
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _SCREENS):
        raise UsageError("there is no screen for the window (DISPLAY is not set); without one, use: marque identify")
    # the other commands start without Qt, and run where there is no screen
    from app.ui.start import run

    return run(options.paths, model=options.model, gallery=options.gallery, theme=options.theme, device=options.device)
