"""Temperatures, weights and thresholds, chosen on a run's validation photos: `python -m model.calibrate RUN`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.evaluation.calibration import bound_of, calibrate
from model.training.memory import keep_freed_memory
from model.training.run_folder import RunFolder


def main() -> int:
    """Command line. Returns the exit code."""

    def command(
        run: Annotated[Path, tyro.conf.Positional],
        chosen_on: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None,
    ) -> tuple[Path, Path | None]:
        """Choose temperatures, weights and thresholds again; evaluate and export the run after that.

        Args:
            run: Folder of the run.
            chosen_on: A trained run with --unseen classes, whose bound for known classes is used here.
        """
        return run, chosen_on

    folder, other = read_arguments(command, "model.calibrate")
    keep_freed_memory()

    def work() -> int:
        run = RunFolder.open(folder)
        chosen = calibrate(run, None if other is None else bound_of(RunFolder.open(other)))
        console.result(chosen.model_dump_json(indent=1), chosen.model_dump(mode="json"))
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
