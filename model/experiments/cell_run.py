"""One run of a study: trained on frozen features or with the whole network, then measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from model.contract.config import Config
from model.contract.events import EventFollower
from model.contract.run_layout import RunLayout
from model.contract.samples import Box, DataError, Sample
from model.data.labels import EncodedLabels, encode, group_numbers, taxonomy_of
from model.data.splits import Split
from model.experiments.frozen_training import train_heads
from model.experiments.plan import Cell, PlanError, StudyPlan
from model.method.network import NetworkOutput
from model.method.objective import collapse_signs
from model.metrics.classification import accuracy, macro_accuracy
from model.metrics.retrieval import clustering, retrieval
from model.system.files import ARCHIVE_FAULTS
from model.training.inference import infer_samples, trained_network
from model.training.run_folder import RunError, RunFolder
from model.training.run_setup import create_run, dealt, part
from model.training.session import StopRequest, train

_WATCHED_FIGURES = {"epoch", "val_recall_1", "step_ms", "selection_ms"}
_WATCHED = 4
"""In full mode R@1 is followed over the epochs on one in so many test photos."""


@dataclass(frozen=True)
class CellTask:
    """One run of a study, as it goes to a worker process.

    Attributes:
        features: of all samples, for mode `frozen`.
    """

    cell: Cell
    config: Config
    samples: tuple[Sample, ...]
    features: Path | None = None


@dataclass(frozen=True)
class CellResult:
    """The results of a run.

    Attributes:
        row: of the table.
        epochs: a row for each epoch.
        points: of the test photos the embedding, float16 [N, d], and the names of the classes, `coarse` and `fine`.
    """

    row: dict[str, Any]
    epochs: list[dict[str, Any]]
    points: dict[str, np.ndarray]


def config_of(plan: StudyPlan, cell: Cell, seed: int, data: tuple[str, ...], weights: Mapping[str, str]) -> Config:
    """The settings of one run.

    Args:
        weights: backbone -> where it starts; "" stands for all others. Empty: as the plan says.

    Raises:
        PlanError: if the plan names a setting that does not exist.
    """
    content: dict[str, dict[str, Any]] = {section: dict(values) for section, values in plan.base.items()}
    for dotted, value in cell.settings.items():
        section, _, name = dotted.partition(".")
        content.setdefault(section, {})[name] = value
    content.setdefault("data", {})["data"] = data
    content.setdefault("machine", {})["seed"] = seed
    network = content.setdefault("network", {})
    start = weights.get(network.get("backbone", ""), weights.get(""))
    if start is not None:
        network["weights"] = start
    try:
        return Config.model_validate(content).resolved()
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanError(f"cell '{cell.name}': {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def run_frozen(task: CellTask) -> CellResult:
    """Train embedding and heads on cached features, and measure them. Raises DataError, TaxonomyError, RunError."""
    start = time.perf_counter()
    assert task.features is not None
    features = dict(zip(map(_picture, task.samples), _features(task), strict=True))
    samples, splits = dealt(task.samples, task.config)
    learned, tested = (part(samples, splits, wanted) for wanted in (Split.TRAIN, Split.TEST))
    seen, unseen = (np.stack([features[_picture(sample)] for sample in side]) for side in (learned, tested))
    taxonomy = taxonomy_of(learned)
    trained = train_heads(
        task.config,
        seen,
        encode(learned, taxonomy, task.config.loss.label_attributes),
        taxonomy,
        watched=(unseen, encode(tested, taxonomy_of(tested))),
    )
    output = trained.infer(unseen)
    return _result(task, output, tested, encode(tested, taxonomy), trained.epochs, start)


def _features(task: CellTask) -> np.ndarray:
    """The cached features, one row a sample. Raises DataError if the file is damaged."""
    assert task.features is not None
    try:
        features = np.load(task.features, mmap_mode="r", allow_pickle=False)
    except ARCHIVE_FAULTS as error:
        raise DataError(f"{task.features}: damaged ({error}); delete it, and it is made again") from error
    if features.ndim != 2 or len(features) != len(task.samples) or features.dtype != np.float32:
        raise DataError(f"{task.features}: not the features of these photos; delete it, and they are computed again")
    return features


def _picture(sample: Sample) -> tuple[Path, Box | None]:
    return sample.path, sample.box


def run_full(task: CellTask, folder: Path, stopped: StopRequest) -> CellResult | None:
    """Train the whole network in a run folder, or continue there; None if it was stopped.

    Raises:
        DataError, TaxonomyError, WeightsError, RunError, PhotoError: with a message for the user.
    """
    start = time.perf_counter()
    unfinished = RunLayout(folder).is_run()
    run = RunFolder.open(folder) if unfinished else create_run(folder, task.config, task.samples)
    tested = part(*run.samples(), Split.TEST)
    if not train(run, stopped, watched=tested[::_WATCHED]) or stopped():
        return None
    output = infer_samples(trained_network(run), tested, task.config)
    epochs = []
    for event in EventFollower(run.events).poll():
        if event.kind == "epoch":
            figures = {name: float("nan") if value is None else value for name, value in event.values.items()}
            if not figures.keys() >= _WATCHED_FIGURES:
                raise RunError(f"{run.events}: damaged (an epoch without its figures); start the run again")
            del figures["epoch"]
            epochs.append({**figures, "recall_1": figures.pop("val_recall_1")})
    return _result(task, output, tested, encode(tested, run.taxonomy()), epochs, start)


def _result(
    task: CellTask,
    output: NetworkOutput,
    tested: Sequence[Sample],
    known: EncodedLabels,
    epochs: list[dict[str, Any]],
    start: float,
) -> CellResult:
    """All figures of a finished run. Args: known: labels of the tested photos in the heads' order."""
    own = encode(tested, taxonomy_of(tested))
    coarse, fine, groups = (torch.from_numpy(column) for column in (own.coarse, own.fine, group_numbers(tested)))
    unit = task.config.loss.unit_length
    vectors = output.embedding if unit else output.raw
    found = asdict(retrieval(vectors, coarse, fine, groups=groups, euclidean=not unit))
    recall = found.pop("recall")
    labelled = own.fine >= 0
    seed = task.config.machine.seed
    clusters = clustering(vectors.numpy()[labelled], own.fine[labelled], seed=seed)
    key = {"cell": task.cell.name, "seed": seed}
    row = {
        **key,
        **task.cell.names,
        **task.cell.settings,
        **{f"recall_{k}": value for k, value in recall.items()},
        **found,
        **asdict(clusters),
        "coarse_accuracy": _share(accuracy, output.coarse_logits, known.coarse),
        "fine_accuracy": _share(accuracy, output.fine_logits, known.fine),
        "fine_accuracy_macro": _share(macro_accuracy, output.fine_logits, known.fine),
        "collapsed": int(any(collapse_signs(figures) for figures in epochs)),
        "step_ms": float(np.mean([figures["step_ms"] for figures in epochs])),
        "selection_ms": float(np.mean([figures["selection_ms"] for figures in epochs])),
        "seconds": time.perf_counter() - start,
    }
    numbered = [{**key, "epoch": number, **figures} for number, figures in enumerate(epochs, start=1)]
    points = {
        "embedding": output.embedding.numpy().astype(np.float16),
        "coarse": np.array([sample.coarse for sample in tested]),
        "fine": np.array([sample.fine or "" for sample in tested]),
    }
    return CellResult(row, numbered, points)


def _share(measure: Callable[[Tensor, Tensor], float], logits: Tensor, labels: np.ndarray) -> float | str:
    """Empty if the head knows none of the classes."""
    return measure(logits, torch.from_numpy(labels)) if (labels >= 0).any() else ""
