"""Another identification model on the photos that a run held out: `python -m model.versus RUN --model FILE.onnx`.

Prints lines of JSON: `done` and `photos` while it runs, and finally `figures` (those of
model/evaluation/held_out_metrics.py, but with accuracies over all photos: a class that the model does not know counts
as answered wrongly), `photos`, and `unknown`, how many
of them are of such classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch

from model.batching.pipeline import PictureForm, PictureStore
from model.contract.bundle import INPUT, OUTPUTS, BundleError, BundleInfo, giving, read
from model.contract.commands import ComparisonReport
from model.contract.samples import Sample
from model.data.labels import encode
from model.data.splits import Split
from model.evaluation.held_out_metrics import figures
from model.method.network import NetworkOutput
from model.publishing.variants import cpu_session
from model.system.onnx_runtime import FAULTS, onnxruntime
from model.training.inference import part_of
from model.training.run_folder import RunError, RunFolder

_BATCH = 32


def versus(
    run: RunFolder, model: Path, advanced: Callable[[int, int], None] = lambda _done, _photos: None
) -> ComparisonReport:
    """Figures of a model file on the test part of a run.

    Args:
        advanced: called with the numbers of photos that are done and of all photos.

    Raises:
        RunError: if the run has no test part.
        BundleError: if the file is not an identification model.
        PhotoError: if a photo cannot be read any more.
    """
    samples = part_of(run, Split.TEST)
    if not samples:
        raise RunError(f"{run.folder}: the run has no test part")
    info, graph = read(model)
    found = figures(_outputs(info, graph, samples, run.config().machine.workers, advanced), samples, info.taxonomy)
    labels = encode(samples, info.taxonomy)
    named = np.array([sample.fine is not None for sample in samples])
    shares = {"coarse_accuracy": labels.coarse >= 0, "fine_accuracy": (labels.fine >= 0)[named]}
    for name, known in shares.items():
        # no known class, so there is no accuracy: nothing was right
        found[name] = found[name] * float(known.mean()) if known.any() else 0.0
    known = {name: value for name, value in found.items() if not (isinstance(value, float) and math.isnan(value))}
    unknown = int((~shares["fine_accuracy"]).sum())
    return ComparisonReport(figures=known, photos=len(samples), unknown=unknown)


def _outputs(
    info: BundleInfo,
    graph: onnx.ModelProto,
    samples: Sequence[Sample],
    workers: int,
    advanced: Callable[[int, int], None],
) -> NetworkOutput:
    """A model file's answers to photos, run on the CPU as the program runs it."""
    preprocessing = info.preprocessing
    session = cpu_session(giving(graph, OUTPUTS))
    parts: list[list[np.ndarray]] = []
    done = 0
    with PictureStore(samples, PictureForm(preprocessing.size, preprocessing.fit), budget=0, workers=workers) as store:
        for pictures in store.in_order(_BATCH):
            rows = np.ascontiguousarray(pictures.permute(0, 2, 3, 1).numpy())
            parts.append(_answers(session, info, rows))
            done += len(rows)
            advanced(done, len(samples))
    coarse, fine, embedding = (
        torch.from_numpy(np.concatenate(columns).astype(np.float32)) for columns in zip(*parts, strict=True)
    )
    unasked = torch.full((len(coarse),), math.nan)  # the likeness is not compared
    return NetworkOutput(coarse, fine, embedding, embedding, unasked)


def _answers(session: onnxruntime.InferenceSession, info: BundleInfo, pictures: np.ndarray) -> list[np.ndarray]:
    """Outputs for a batch. Raises BundleError if they break the contract."""
    try:
        given = session.run(list(OUTPUTS), {INPUT: pictures})
    except FAULTS as error:
        raise BundleError(f"the inference failed ({error})") from error
    promised = info.shapes(len(pictures))
    for name, array in zip(OUTPUTS, given, strict=True):
        if array.shape != promised[name] or not np.isfinite(array).all():
            raise BundleError(f"the model's '{name}' is not what it says; the model file is damaged")
    return given
