"""The card of a model file, from the run that made it: `python -m model.card RUN --model FILE.onnx --origin TEXT`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.metrics.reliability_plot import draw_reliability
from model.publishing.card import card, reliability_file
from model.system.outputs import Output, write_to
from model.training.run_folder import RunFolder


def main() -> int:
    """Command line. Returns the exit code."""

    def command(
        run: Annotated[Path, tyro.conf.Positional],
        model: Path,
        origin: str,
        unseen: Path | None = None,
        out: Path | None = None,
        force: bool = False,
    ) -> tuple[Path, Path, str, Path | None, Path, bool]:
        """Write the card of an exported model.

        Args:
            run: Folder of the run.
            model: The .onnx file exported from it.
            origin: Where the starting weights come from, their licence and any earlier training; printed as it is.
            unseen: A run trained in the same way with --unseen.
            out: The card; default: beside the model, with the ending .md.
            force: Replace existing files that are not our own unchanged output.
        """
        return run, model, origin, unseen, out or model.with_suffix(".md"), force

    folder, model, origin, unseen, out, force = read_arguments(command, "model.card")

    def work() -> int:
        run = RunFolder.open(folder)
        inputs = [model, *run.inputs()]
        output = Output(out, "model card", inputs=inputs, force=force)
        plot = Output(reliability_file(out.with_suffix(model.suffix)), "reliability plot", inputs=inputs, force=force)
        text = card(run, model, origin, None if unseen is None else RunFolder.open(unseen))
        answers = run.read_metrics()["answers"]["all"]
        tables = {"type": answers["coarse_reliability"], "class": answers["fine_reliability"]}
        draw_reliability(tables, plot)
        console.result(str(write_to(output, lambda file: file.write(text.encode()))))
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
