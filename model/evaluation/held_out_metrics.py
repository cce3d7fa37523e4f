"""Figures of a trained run on its held-out photos: `python -m model.evaluate RUN`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from rich.table import Table
from rich.text import Text
from torch.nn import functional as F

from model.console import console
from model.contract.bundle import Fusion
from model.contract.posterior import Posterior, tree_posterior
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import Tested
from model.data.labels import encode, group_numbers, taxonomy_of
from model.data.splits import Split
from model.evaluation.answers import Seen, references_of
from model.evaluation.calibration import CalibrationChoice, calibrated, kinds
from model.evaluation.enrolled_classes import AnsweredPhotos
from model.evaluation.provenance import stamp
from model.evaluation.unknown_classes import few_shot, given, unknown_figures
from model.method.network import Network, NetworkOutput
from model.metrics.classification import (
    accuracy,
    chance_calibration_error,
    expected_calibration_error,
    macro_accuracy,
    macro_standard_error,
    reliability,
)
from model.metrics.retrieval import retrieval
from model.system.plain_text import one_line
from model.training.inference import infer_samples, part_of, trained_network
from model.training.run_folder import RunError, RunFolder, write_json


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


def answer_figures(seen: Seen, taxonomy: Taxonomy, chosen: CalibrationChoice) -> dict[str, Any]:
    """Figures of the program's answers: type and class by heads and references together, and their calibration.

    `*_given` is the share of the photos with such a label that get an answer of that level or a finer one,
    `*_given_right` how many of these answers are right; the other figures count the best guesses of all photos.
    """
    posterior = seen.posterior(taxonomy, chosen.calibration, chosen.fusion)
    heads = seen.posterior(taxonomy, chosen.calibration, Fusion())
    result: dict[str, Any] = {"photos": len(seen.closest)}
    with_class, with_type = given(seen, posterior, taxonomy, chosen)
    for level, found, plain, labels, shown in (
        ("coarse", posterior.coarse, heads.coarse, seen.labels.coarse, with_type),
        ("fine", posterior.fine, heads.fine, seen.labels.fine, with_class),
    ):
        known = torch.from_numpy(labels)
        counted = shown & (labels >= 0)
        chance = chance_calibration_error(found[labels >= 0])
        result |= {
            f"{level}_photos": int((labels >= 0).sum()),
            f"{level}_accuracy": accuracy(torch.from_numpy(found), known),
            f"{level}_accuracy_top5": accuracy(torch.from_numpy(found), known, top=5),
            f"{level}_accuracy_macro": macro_accuracy(torch.from_numpy(found), known),
            f"{level}_accuracy_macro_error": macro_standard_error(torch.from_numpy(found), known),
            f"{level}_accuracy_heads": accuracy(torch.from_numpy(plain), known),
            f"{level}_given": float(counted.sum() / max((labels >= 0).sum(), 1)),
            f"{level}_given_right": accuracy(torch.from_numpy(found[counted]), known[counted]),
            f"{level}_ece": expected_calibration_error(found[labels >= 0], labels[labels >= 0]),
            f"{level}_ece_chance": chance[0],
            f"{level}_ece_chance_95": chance[1],
            f"{level}_reliability": reliability(found[labels >= 0], labels[labels >= 0]),
        }
    result["fine_accuracy_references"] = accuracy(torch.from_numpy(seen.scores), torch.from_numpy(seen.labels.fine))
    return result


def mean_output(one: NetworkOutput, other: NetworkOutput) -> NetworkOutput:
    """The mean of two views of the same photos; its embedding has unit length again."""
    mean = NetworkOutput(*((a + b) / 2 for a, b in zip(one, other, strict=True)))
    return mean._replace(embedding=F.normalize(mean.embedding, dim=1))


def evaluate(run: RunFolder) -> dict[str, Any]:
    """Figures of the test part, all together and for each source; written to the run's metrics.json.

    `test` holds the figures of heads and embedding by themselves, `trained_embedding` the same with the embedding
    before model/evaluation/projection.py; `answers`, for a stratified split, those of the program's answers
    (model/evaluation/answers.py), `answers_exchanged`, where the run has learned from such photos, those of the same
    photos with red and blue exchanged, `answers_mirrored` those of the mean over photo and mirror image, which the
    program does not use, as it takes twice the time; `unknowns` how it answers what it cannot know
    (model/evaluation/unknown_classes.py). The answers to the photos as they are are kept photo by photo
    (model/contract/tested_photos.py).

    Calibrates first where the run is not calibrated yet, or was trained on since.

    Raises:
        RunError: if the run has no checkpoint or no test part.
        PhotoError, DataError: as `model.evaluation.calibration.calibrate`.
    """
    samples = part_of(run, Split.TEST)
    if not samples:
        raise RunError(f"{run.folder}: the run has no test part (it was trained with --test 0)")
    chosen = calibrated(run)
    config, taxonomy, network = run.config(), run.taxonomy(), trained_network(run)
    output = infer_samples(network, samples, config)
    rows_of = rows_by_source(samples)
    result: dict[str, Any] = {
        "split": config.data.split,
        **stamp(run.load_checkpoint()["step"], chosen),
        "test": _by_themselves(output, samples, taxonomy, rows_of),
    }
    if network.heads.projection is not None:
        trained = output._replace(embedding=F.normalize(output.raw, dim=1))
        result["trained_embedding"] = _by_themselves(trained, samples, taxonomy, rows_of)
    if config.data.split == "stratified":
        posterior, answered = _answered(run, network, samples, output, chosen)
        result |= answered
    else:
        own = encode(samples, taxonomy_of(samples)).fine
        result["few_shot"] = _without_nan(few_shot(output.embedding.numpy(), own, group_numbers(samples)))
        logits = (output.coarse_logits.numpy(), output.fine_logits.numpy())
        posterior = tree_posterior(*logits, taxonomy, chosen.calibration)  # no class has references
    Tested.of(result["step"], samples, output.embedding.numpy(), taxonomy, posterior).write(run.tested)
    write_json(run.metrics, result)
    return result


def _answered(
    run: RunFolder, network: Network, samples: list[Sample], output: NetworkOutput, chosen: CalibrationChoice
) -> tuple[Posterior, dict[str, Any]]:
    """What the program would answer for the photos, and its figures: `answers*` and `unknowns` of `evaluate`."""
    config, taxonomy, rows_of = run.config(), run.taxonomy(), rows_by_source(samples)
    labels, references = encode(samples, taxonomy), references_of(run, network)

    def answered(by: NetworkOutput) -> tuple[Seen, dict[str, Any]]:
        found = Seen.by(by, labels, references, chosen.fusion.neighbours)
        return found, _answers(found, taxonomy, chosen, rows_of)

    result: dict[str, Any] = {}
    seen, result["answers"] = answered(output)
    if config.input.exchange > 0:
        _, result["answers_exchanged"] = answered(infer_samples(network, samples, config, exchanged=True))
    both = mean_output(output, infer_samples(network, samples, config, mirrored=True))
    _, result["answers_mirrored"] = answered(both)
    result["unknowns"] = _without_nan(unknown_figures(run, network, AnsweredPhotos(samples, output), seen, chosen))
    return seen.posterior(taxonomy, chosen.calibration, chosen.fusion), result


def _by_themselves(
    output: NetworkOutput, samples: list[Sample], taxonomy: Taxonomy, rows_of: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    """Figures of heads and embedding, all together and for each source."""
    return {
        "all": _without_nan(figures(output, samples, taxonomy)),
        "sources": {
            source: _without_nan(
                figures(NetworkOutput(*(c[rows] for c in output)), [samples[i] for i in rows], taxonomy)
            )
            for source, rows in rows_of.items()
        },
    }


def _answers(
    seen: Seen, taxonomy: Taxonomy, chosen: CalibrationChoice, rows_of: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    """Figures of the program's answers, all together and for each source."""
    return {
        "all": _without_nan(answer_figures(seen, taxonomy, chosen)),
        "sources": {
            source: _without_nan(answer_figures(seen.at(np.asarray(rows)), taxonomy, chosen))
            for source, rows in rows_of.items()
        },
    }


def rows_by_source(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Source -> rows of its photos; none if there is only one source.

    Several sources that share types, one kind of photo beside others, are also taken together: "first + second".
    """
    rows: dict[str, list[int]] = {}
    for i, sample in enumerate(samples):
        rows.setdefault(sample.source, []).append(i)
    if len(rows) < 2:
        return {}
    found = dict(sorted(rows.items()))
    for types in kinds(samples):
        sources = sorted({sample.source for sample in samples if sample.coarse in types})
        if 1 < len(sources) < len(rows):
            found[" + ".join(sources)] = sorted(row for source in sources for row in rows[source])
    return found


def show(result: dict[str, Any]) -> None:
    """Print the figures as a table, one column for each source."""
    columns = {"all photos": result["test"]["all"], **result["test"]["sources"]}
    table = Table(title=f"test part, {result['split'].replace('_', '-')} split")
    table.add_column("figure", no_wrap=True)
    for source in columns:
        table.add_column(Text(one_line(source)), justify="right", overflow="fold")
    for name in result["test"]["all"]:
        cells = [columns[source][name] for source in columns]
        table.add_row(name, *(_cell(value) for value in cells))
    console.show(table, result)


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in values.items()}
