"""Experiments, a grid of settings over seeds: `python -m model.study PLAN --out DIR --data ...`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.console.command import INTERRUPTED
from model.experiments.grid import run_study


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0 finished, or stopped with everything kept; 2 cannot be done as asked."""

    def command(
        plan: Annotated[str, tyro.conf.Positional],
        out: Path,
        data: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
        weights: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = (),
        seeds: int | None = None,
        jobs: int | None = None,
    ) -> tuple[str, Path, tuple[str, ...], tuple[str, ...], int | None, int | None]:
        """Run the experiments of a plan that are not done yet, and write the report.

        Args:
            plan: A TOML file, or the name of a plan that comes with the project.
            out: Folder of the study.
            data: KIND:PATH, repeatable.
            weights: Starting weights: imagenet, none, FILE, or BACKBONE=FILE, repeatable. Default: as the plan says.
            seeds: Seeds per cell. Default: as the plan says.
            jobs: Runs at a time. Default: one for each processor core in mode frozen, one in mode full.
        """
        return plan, out, data, weights, seeds, jobs

    place, out, data, weights, seeds, jobs = read_arguments(command, "model.study", arguments)

    def work() -> int:
        stopped = f"stopped; the same command continues. Finished runs are in {out}"
        try:
            report = run_study(place, out, data, weights, seeds=seeds, jobs=jobs)
        except KeyboardInterrupt:
            console.note(stopped)
            return INTERRUPTED
        if report is None:
            console.note(stopped)
        else:
            console.result(str(report))
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
