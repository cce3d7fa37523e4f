"""Another identification model on the photos that a run held out: `python -m model.versus RUN --model FILE.onnx`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.contract.commands import ComparisonProgress
from model.publishing.model_comparison import versus
from model.system.errors import file_errors
from model.training.run_folder import RunFolder


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0, or 2 if it cannot be done."""

    def command(run: Annotated[Path, tyro.conf.Positional], model: Path) -> tuple[Path, Path]:
        """Measure an identification model on the photos that a run held out.

        Args:
            run: Folder of the run.
            model: The model file.
        """
        return run, model

    folder, model = read_arguments(command, "model.versus", arguments)

    def report(done: int, photos: int) -> None:
        console.data(ComparisonProgress(done=done, photos=photos).model_dump())

    def work() -> int:
        with file_errors(folder):
            console.data(versus(RunFolder.open(folder), model, report).model_dump())
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
