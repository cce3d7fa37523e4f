"""Figures of a trained run on its held-out photos: `python -m model.evaluate RUN`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.table import Table

from model import terminal
from model.config import Config
from model.data.pipeline import PictureForm, PictureStore
from model.data.samples import DataError, Sample
from model.data.splits import Split
from model.labels import encode, group_numbers, taxonomy_of
from model.metrics import accuracy, macro_accuracy
from model.network import Network, NetworkOutput
from model.photo import PhotoError
from model.retrieval import retrieval
from model.run import Run, RunError, write_json
from model.taxonomy import Taxonomy
from model.trainer import average_weights, build_network, infer


def trained_network(run: Run) -> Network:
    """The averaged network of the run's last checkpoint, ready for inference. Raises RunError."""
    config = run.config()
    average = average_weights(build_network(config, run.taxonomy()), config.optimiser.ema)
    average.load_state_dict(run.load_checkpoint()["average"])
    network = average.module
    assert isinstance(network, Network)
    return network.eval()


def part_of(run: Run, split: Split) -> list[Sample]:
    """The photos of one part of the run."""
    samples, splits = run.samples()
    return [sample for sample, part in zip(samples, splits, strict=True) if part is split]


def infer_samples(network: Network, samples: list[Sample], config: Config) -> NetworkOutput:
    """Outputs for photos as the program would make them: full float32, at the finished model's size.

    Raises:
        PhotoError: if a photo cannot be read any more.
    """
    assert config.input.size is not None
    form = PictureForm(config.input.size, config.input.fit)
    device = torch.device("cuda" if torch.cuda.is_available() and config.machine.accelerator != "cpu" else "cpu")
    with PictureStore(samples, form, budget=0, workers=config.machine.workers) as store:
        return infer(network.to(device), store, device)


def figures(output: NetworkOutput, samples: list[Sample], taxonomy: Taxonomy) -> dict[str, Any]:
    """All figures of a set of photos; accuracies count the classes that the heads know, recalls all classes."""
    known = encode(samples, taxonomy)
    own = encode(samples, taxonomy_of(samples))
    coarse, fine = torch.from_numpy(known.coarse), torch.from_numpy(known.fine)
    groups = torch.from_numpy(group_numbers(samples))
    found = retrieval(output.embedding, torch.from_numpy(own.coarse), torch.from_numpy(own.fine), groups=groups)
    return {
        "photos": len(samples),
        "photos_with_fine": int((own.fine >= 0).sum()),
        "classes_coarse": len(set(own.coarse.tolist())),
        "classes_fine": len(set(own.fine[own.fine >= 0].tolist())),
        "coarse_accuracy": accuracy(output.coarse_logits, coarse),
        "coarse_accuracy_macro": macro_accuracy(output.coarse_logits, coarse),
        "fine_accuracy": accuracy(output.fine_logits, fine),
        "fine_accuracy_top5": accuracy(output.fine_logits, fine, top=5),
        "fine_accuracy_macro": macro_accuracy(output.fine_logits, fine),
        **{f"fine_recall_{k}": value for k, value in found.recall.items()},
        **{name: value for name, value in asdict(found).items() if name != "recall"},
    }


def evaluate(run: Run) -> dict[str, Any]:
    """Figures of the test part, all together and for each source; written to the run's metrics.json.

    Raises:
        RunError: if the run has no checkpoint or no test part.
        PhotoError: if a photo cannot be read any more.
    """
    samples = part_of(run, Split.TEST)
    if not samples:
        raise RunError(f"{run.folder}: the run has no test part (it was trained with --test 0)")
    config, taxonomy = run.config(), run.taxonomy()
    output = infer_samples(trained_network(run), samples, config)
    result: dict[str, Any] = {
        "split": config.data.split,
        "step": run.load_checkpoint()["step"],
        "test": {"all": _without_nan(figures(output, samples, taxonomy))},
    }
    sources = sorted({sample.source for sample in samples})
    result["test"]["sources"] = {}
    for source in sources if len(sources) > 1 else []:
        rows = [i for i, sample in enumerate(samples) if sample.source == source]
        part = NetworkOutput(*(column[rows] for column in output))
        result["test"]["sources"][source] = _without_nan(figures(part, [samples[i] for i in rows], taxonomy))
    write_json(run.metrics, result)
    return result


def show(result: dict[str, Any]) -> None:
    """Print the figures as a table, one column for each source."""
    columns = {"all photos": result["test"]["all"], **result["test"]["sources"]}
    table = Table(title=f"test part, {result['split'].replace('_', '-')} split")
    table.add_column("figure", no_wrap=True)
    for source in columns:
        table.add_column(source, justify="right", overflow="fold")
    for name in result["test"]["all"]:
        cells = [columns[source][name] for source in columns]
        table.add_row(name, *(_cell(value) for value in cells))
    Console(emoji=False).print(table)


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in values.items()}


def main() -> int:
    """Command line. Returns the exit code."""

    def command(run: Annotated[Path, tyro.conf.Positional], json_out: bool = False) -> tuple[Path, bool]:
        """Evaluate a run on its test part.

        Args:
            run: Folder of the run.
            json_out: Print JSON instead of a table.
        """
        return run, json_out

    folder, as_json = tyro.cli(command, prog="python -m model.evaluate")
    try:
        figures_found = evaluate(Run.open(folder))
    except (RunError, DataError, PhotoError) as error:
        return terminal.fail(error)
    if as_json:
        terminal.result(json.dumps(figures_found, indent=1))
    else:
        show(figures_found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
