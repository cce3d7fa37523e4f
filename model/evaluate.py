"""Figures of a trained run on its held-out photos: `python -m model.evaluate RUN`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.evaluation.held_out_metrics import evaluate, show
from model.training.memory import keep_freed_memory
from model.training.run_folder import RunFolder


def main() -> int:
    """Command line. Returns the exit code."""

    def command(run: Annotated[Path, tyro.conf.Positional]) -> Path:
        """Evaluate a run on its test part.

        Args:
            run: Folder of the run.
        """
        return run

    folder = read_arguments(command, "model.evaluate")
    keep_freed_memory()

    def work() -> int:
        show(evaluate(RunFolder.open(folder)))
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
