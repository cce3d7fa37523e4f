"""Aims and what the runs reached: `python -m model.aims AIMS.toml --run NAME=FOLDER ... --out FILE.md`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.publishing.aims import named_paths, read_aims, report
from model.system.outputs import Output, write_to
from model.training.run_folder import RunFolder


def main() -> int:
    """Command line. Returns the exit code."""

    def command(
        aims: Annotated[Path, tyro.conf.Positional],
        run: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME=FOLDER")],
        out: Path,
        model: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME=FILE.onnx")] = (),
        force: bool = False,
    ) -> tuple[Path, tuple[str, ...], Path, tuple[str, ...], bool]:
        """Write the table of the aims and what the runs reached.

        Args:
            aims: The TOML file of aims.
            run: A finished run, by the name that the aims have for it; repeatable.
            out: The table, Markdown.
            model: The model file that a run was exported to, to time the variants beside it; repeatable.
            force: Replace an existing file that is not our own unchanged output.
        """
        return aims, run, out, model, force

    place, entries, out, exported, force = read_arguments(command, "model.aims")

    def work() -> int:
        runs = {name: RunFolder.open(folder) for name, folder in named_paths("--run", entries).items()}
        models = named_paths("--model", exported)
        read = [place, *models.values(), *(file for run in runs.values() for file in run.inputs())]
        output = Output(out, "table of aims", inputs=read, force=force)  # before the models are timed
        text = report(read_aims(place), runs, models)
        console.result(str(write_to(output, lambda file: file.write(text.encode()))))
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
