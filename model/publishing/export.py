"""From a run to an identification model file: `python -m model.export RUN --out FILE.onnx`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from model.batching.pipeline import PictureForm
from model.console import console
from model.contract import bundle
from model.contract.bundle import BundleInfo, Preprocessing, Variant
from model.contract.samples import Sample
from model.data.labels import encode
from model.data.readers.table import BOX_COLUMNS
from model.data.splits import Split
from model.evaluation.answers import Seen, references_of
from model.evaluation.calibration import CalibrationChoice, calibrated
from model.evaluation.provenance import stamp, why_stale
from model.method.network import Network, NetworkOutput, has_evidence
from model.metrics.classification import accuracy
from model.publishing.torch_graph import as_graph
from model.publishing.variants import half_stored, outputs_of, speeds, to_fp16, to_int8
from model.system.errors import MarqueError
from model.system.onnx_runtime import onnxruntime
from model.system.outputs import Output, write_to
from model.system.signatures import MODEL
from model.training.inference import part_of, trained_network
from model.training.run_folder import RunFolder, write_json

TOLERANCE = 5e-3
"""Largest difference between onnxruntime and torch, in any output, with which a file is written. The weights in half
precision cause up to 0.0015 of it; zeros in place of one of a network's tensors cause 0.17 and more."""
COMPARED = 64
"""Number of real photos on which they are compared."""
RANGES = 256
"""Number of real photos that the ranges of the 8-bit activations are taken from."""
BATCH = 8
"""Photos in a batch when speeds are compared, as many as the program takes."""
_BESIDE = (Variant.FP16, Variant.INT8)


class BundleExportError(MarqueError):
    """The exported graph does not compute what the network computes."""


class _AsExported(nn.Module):
    """The network with the picture layout and the outputs of the model file."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

        always = (*bundle.OUTPUTS, bundle.LIKENESS)
        self.outputs = (*always, bundle.EVIDENCE) if has_evidence(network.backbone) else always

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Args: image: uint8 [N, S, S, 3]."""
        pixels = image.permute(0, 3, 1, 2)
        if bundle.EVIDENCE not in self.outputs:
            output = self.network(pixels)
            return tuple(getattr(output, name) for name in self.outputs)
        output, maps = self.network.with_evidence(pixels)
        return *(getattr(output, name) for name in self.outputs[:-1]), maps


def to_onnx(network: Network, size: int) -> onnx.ModelProto:
    """The network as an ONNX graph with the contract's names and a batch dimension of any length."""
    network_as_exported = _AsExported(network.cpu().eval())
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    return as_graph(network_as_exported, example, network_as_exported.outputs)


def largest_difference(graph: onnx.ModelProto, network: Network, pictures: np.ndarray) -> float:
    """Largest difference of any output between onnxruntime (CPU) and torch.

    Absolute, but as a share of the output's largest value where that is above 1: maps of evidence reach into the tens.
    NaN if either gives values that are not numbers.

    Args:
        pictures: uint8 [N, S, S, 3].
    """
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    as_exported = _AsExported(network.cpu().eval())
    with torch.inference_mode():
        expected = as_exported(torch.from_numpy(pictures))
    got = session.run(list(as_exported.outputs), {bundle.INPUT: pictures})
    differences = [
        np.abs(a - b.numpy()).max(initial=0.0) / max(1.0, float(b.abs().max()) if b.numel() else 0.0)
        for a, b in zip(got, expected, strict=True)
    ]
    return float(np.max(differences))  # Python's own max passes over NaN


def export(
    run: RunFolder,
    place: Path | Output,
    name: str | None = None,
    *,
    variants: Mapping[Variant, Path | Output] | bool = False,
) -> BundleInfo:
    """Write the run's averaged network as an identification model file.

    Calibrates first where the run is not calibrated yet, or was trained on since. Figures of an earlier checkpoint or
    calibration (`python -m model.evaluate`) are left out, with a note.

    Args:
        place: of the file; a path is the program's own and replaced, an output is written by its rules.
        variants: also write the variants for GPU and CPU (model/publishing/variants.py), beside it or at places of
            their own.

    Raises:
        BundleExportError: if the folder is missing, variants are asked for from a run without a test part, or
            onnxruntime and torch differ by more than TOLERANCE on real photos; nothing is written then. Also if a
            variant gives values that are not numbers; the full model is written then.
        RunError, PhotoError, DataError, BundleError: if the run, its photos or the result cannot be used.
    """
    out = place.place if isinstance(place, Output) else place
    _check_possible(run, out, variants=bool(variants))
    chosen = calibrated(run)
    config, taxonomy, network = run.config(), run.taxonomy(), trained_network(run)
    assert config.input.size is not None
    preprocessing = Preprocessing(size=config.input.size, fit=config.input.fit)
    graph = to_onnx(network, config.input.size)
    stored = half_stored(graph)
    difference = _compared(run, stored, network, preprocessing)
    if not difference <= TOLERANCE:
        raise BundleExportError(
            f"{out}: not written. onnxruntime and torch differ by {difference:.2e} on photos of the run; at most "
            f"{TOLERANCE:.0e} is allowed"
        )
    info = BundleInfo(
        name=name or out.stem,
        created=datetime.now(UTC),
        fingerprint=bundle.fingerprint(graph, preprocessing),
        taxonomy=taxonomy,
        preprocessing=preprocessing,
        embedding_dim=config.network.embedding_dim,
        calibration=chosen.calibration,
        fusion=chosen.fusion,
        familiarity=chosen.familiarity,
        thresholds=chosen.thresholds,
        training=_facts(run, difference),
    )
    bundle.write(place, stored, info)
    if variants:
        beside = {variant: bundle.beside(out, variant) for variant in _BESIDE}
        _write_variants(run, beside if variants is True else variants, graph, info)
    return info


def _check_possible(run: RunFolder, out: Path, *, variants: bool) -> None:
    """Checks that come before the minutes that the rest takes."""
    if not out.parent.is_dir():
        raise BundleExportError(f"{out}: the folder {out.parent} does not exist")
    if variants and not part_of(run, Split.TEST):
        raise BundleExportError(
            f"{run.folder}: has no test part (it was trained with --test 0) to measure the variants on; export it "
            "without --variants"
        )


def _compared(run: RunFolder, graph: onnx.ModelProto, network: Network, preprocessing: Preprocessing) -> float:
    """`largest_difference` on photos from all parts of the run, the held-out ones first."""
    samples = [sample for part in (Split.TEST, Split.VALIDATION, Split.TRAIN) for sample in part_of(run, part)]
    return largest_difference(graph, network, _pictures(samples, COMPARED, preprocessing))


def _write_variants(
    run: RunFolder, places: Mapping[Variant, Path | Output], graph: onnx.ModelProto, info: BundleInfo
) -> None:
    """Write the other variants beside the full one, each with what it loses on the test photos and how fast it is."""
    some = _pictures(part_of(run, Split.TRAIN), RANGES, info.preprocessing)
    graphs = {Variant.FP32: half_stored(graph), Variant.FP16: to_fp16(graph), Variant.INT8: to_int8(graph, some)}
    figures = measure(run, graphs)
    for variant, place in places.items():
        own = info.model_copy(update={"variant": variant, "measured": figures[variant]})
        bundle.write(place, graphs[variant], own)
    write_json(run.variants, {**stamp(run.load_checkpoint()["step"], CalibrationChoice.read(run)), **figures})


def measure(run: RunFolder, graphs: Mapping[Variant, onnx.ModelProto]) -> dict[str, dict[str, float]]:
    """For each variant its accuracy on the test photos, with the references of the full network, and images/s here.

    A level has no accuracy if the network knows none of its labels among the test photos.

    Raises:
        BundleExportError: if a variant gives values that are not numbers.
    """
    config, taxonomy, chosen = run.config(), run.taxonomy(), CalibrationChoice.read(run)
    assert config.input.size is not None
    samples = part_of(run, Split.TEST)
    preprocessing = Preprocessing(size=config.input.size, fit=config.input.fit)
    pictures = _pictures(samples, len(samples), preprocessing)
    references, labels = references_of(run, trained_network(run)), encode(samples, taxonomy)
    rates = speeds({variant.value: (graph, pictures[:BATCH]) for variant, graph in graphs.items()})
    figures = {}
    for variant, graph in graphs.items():
        found_outputs = outputs_of(graph, pictures)
        if not all(np.isfinite(column).all() for column in found_outputs):
            raise BundleExportError(
                f"{run.folder}: its {variant} variant gives values that are not numbers; no variant is written"
            )
        coarse, fine, embedding, likeness = map(torch.from_numpy, found_outputs)
        output = NetworkOutput(coarse, fine, embedding, embedding, likeness)
        seen = Seen.by(output, labels, references, chosen.fusion.neighbours)
        posterior = seen.posterior(taxonomy, chosen.calibration, chosen.fusion)
        found = {
            "photos": len(samples),
            "coarse_accuracy": accuracy(torch.from_numpy(posterior.coarse), torch.from_numpy(labels.coarse)),
            "fine_accuracy": accuracy(torch.from_numpy(posterior.fine), torch.from_numpy(labels.fine)),
            "images_per_second": rates[variant.value],
            "times_fp32": rates[variant.value] / rates[Variant.FP32.value],
        }
        figures[variant.value] = {name: value for name, value in found.items() if not math.isnan(value)}
    return figures


def _pictures(samples: Sequence[Sample], count: int, preprocessing: Preprocessing) -> np.ndarray:
    """At most `count` of the photos, spread evenly, as the network takes them: uint8 [n, S, S, 3]."""
    form = PictureForm(preprocessing.size, preprocessing.fit)
    rows = np.unique(np.linspace(0, len(samples) - 1, count).astype(int))
    return np.stack([form.decode(samples[row]) for row in rows])


def write_references(run: RunFolder, place: Path | Output) -> None:
    """The run's training photos as a CSV table that the reader `table:` takes.

    A gallery made from it lets the program show the pictures behind an answer, without the held-out photos.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("file", "coarse", "fine", "group", "source", *BOX_COLUMNS))
    for sample in part_of(run, Split.TRAIN):
        labels = (sample.path, sample.coarse, sample.fine or "", sample.group, sample.source)
        table.writerow((*labels, *(sample.box or ("", "", "", ""))))
    write_to(place, lambda file: file.write(text.getvalue().encode()))


def _facts(run: RunFolder, difference: float) -> dict[str, Any]:
    config = run.config()
    samples, splits = run.samples()
    # not the paths of data, starting weights and teacher: they would reveal the computer
    settings = config.model_dump(
        mode="json", exclude={"data": {"data"}, "network": {"weights"}, "teacher": {"teacher"}, "machine": True}
    )
    facts: dict[str, Any] = {
        "backbone": config.network.backbone,
        "settings": settings,
        "photos": {part.value: splits.count(part) for part in Split},
        "sources": sorted({sample.source for sample in samples}),
        "onnxruntime_difference": difference,
    }
    if run.metrics.is_file():
        metrics = run.read_metrics()
        why = why_stale(run, metrics)
        if why is None:
            facts["metrics"] = metrics
        else:
            console.note(
                f"{run.metrics}: left out, as {why}; to have them in the file: python -m model.evaluate {run.folder}, "
                "then export it again"
            )
    return facts


def outputs_beside(
    run: RunFolder, out: Path, references: Path | None, *, variants: bool, force: bool
) -> tuple[Output, Output | None, dict[Variant, Path | Output]]:
    """The places of model, references and variants, checked before the minutes that the export takes."""
    inputs = run.inputs()
    beside = {variant: bundle.beside(out, variant) for variant in _BESIDE} if variants else {}
    return (
        Output(out, MODEL, inputs=inputs, force=force),
        None
        if references is None
        else Output(references, "table of references", inputs=[*inputs, out, *beside.values()], force=force),
        {variant: Output(place, MODEL, inputs=inputs, force=force) for variant, place in beside.items()},
    )
