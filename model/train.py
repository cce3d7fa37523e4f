"""The trainer's command line: `python -m model.train --data KIND:PATH --out RUN`, or `--resume RUN`.

Several GPUs: `torchrun --nproc-per-node N -m model.train ...` (model/training/distributed.py).

Reads and splits the data, trains, then evaluates, calibrates and exports `RUN/model.onnx`. Ctrl-C or SIGTERM writes a
checkpoint and ends with exit code 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from model.console import console
from model.console.console import note
from model.contract.config import Command, Config, parse
from model.contract.events import EventWriter, rewind
from model.data.splits import Split
from model.evaluation.held_out_metrics import evaluate, show
from model.publishing.export import export
from model.system.errors import file_error
from model.system.outputs import Output
from model.system.signatures import MODEL
from model.training.distributed import Ranks
from model.training.memory import keep_freed_memory
from model.training.run_folder import RunError, RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, is_trained, train

_SMALLER = "take fewer photos a batch, a smaller size or network"


def finish(run: RunFolder) -> None:
    """Evaluate and export a trained run, both after it is calibrated, and report to its followers that it is done.

    Raises:
        DataError, RunError, PhotoError, BundleExportError: with a message for the user.
    """
    state = run.load_checkpoint()
    step = state["step"]
    rewind(run.events, step, state["epoch"])
    with EventWriter(run.events) as events:
        if run.samples()[1].count(Split.TEST):
            result = evaluate(run)
            events.write("metric", step, **result["test"]["all"])
            show(result)
        info = export(run, Output(run.model, MODEL, force=True), run.folder.name)
        events.write("done", step, model=run.model.name, fingerprint=info.fingerprint)
    console.result(f"identification model: {run.model}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code.

    0 finished, or stopped with everything in the run folder; 2 cannot be done as asked; 130 interrupted before there
    was a run, or by a second Ctrl-C.
    """
    command = parse(arguments)
    keep_freed_memory()
    return console.run(lambda: _train(command))


def _train(command: Command) -> int:
    stopped = StopRequest()
    run: RunFolder | None = None
    try:
        if command.resume:
            run = RunFolder.open(command.resume)
            ranks = Ranks(run.config().machine)
        else:
            ranks = Ranks(command.config.machine)
            run = _begun(_wanted(command.out), command.config, ranks)
        done = (is_trained(run) or train(run, stopped, ranks)) and not stopped.requested
        if ranks.is_first and done:
            finish(run)
        elif ranks.is_first:
            note(_how_to_continue(run))
    except KeyboardInterrupt:
        note("stopped; nothing was written" if run is None else _how_to_continue(run))
        return 130 if run is None or stopped.requested else 0
    except torch.OutOfMemoryError as error:
        raise RunError("the graphics card has not enough memory", advice=_SMALLER, details=str(error)) from error
    except OSError as error:
        raise file_error(error, command.out or command.resume) from error
    return 0


def _begun(folder: Path, config: Config, ranks: Ranks) -> RunFolder:
    """A new run that the first rank makes and the others open. Raises as `new_run`."""
    if ranks.is_first:
        run = new_run(folder, config)
        ranks.wait()
        return run
    ranks.wait()
    return RunFolder.open(folder)


def _how_to_continue(run: RunFolder) -> str:
    return f"stopped; to continue: python -m model.train --resume {run.folder}"


def _wanted(out: Path | None) -> Path:
    assert out is not None, "Command lets nothing pass without --out or --resume"
    return out


if __name__ == "__main__":
    sys.exit(main())
