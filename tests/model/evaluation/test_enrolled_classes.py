"""Classes enrolled with a few photos, beside the known ones: what is measured is what the program answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from app.core.gallery.gallery import Neighbour, Reference
from app.core.recognition.decision import Status, decide
from app.core.recognition.engine import EngineOutputs
from app.core.recognition.evidence import weigh
from model.contract.bundle import BundleInfo, Fusion, Preprocessing, Thresholds
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.labels import encode
from model.evaluation import enrolled_classes
from model.evaluation.answers import TrainingReferences
from model.evaluation.calibration import CalibrationChoice
from model.evaluation.enrolled_classes import AnsweredPhotos, enrolled_figures
from model.method.network import NetworkOutput
from model.metrics.fewshot import QUERIES

KNOWN = Taxonomy(coarse=("coupe", "sedan"), fine=("A", "B", "C"), parents=(0, 0, 1))
NEW = (("sedan", "D"), ("tram", "E"))
DIM = 12
CHOSEN = CalibrationChoice(
    fusion=Fusion(heads=0.5, references=18, temperature=0.03, none=0.3, neighbours=6),
    thresholds=Thresholds(fine=0.5, coarse=0.5, familiarity=-0.5),
)


def photos(classes: Sequence[str], each: int, seed: int) -> AnsweredPhotos:
    """Of each class its centre with much noise; the logits see the known ones' centres."""
    rng, centres = np.random.default_rng(seed), np.random.default_rng(99).normal(size=(5, DIM))
    names = [*KNOWN.fine, *(fine for _, fine in NEW)]
    parents = dict(zip(KNOWN.fine, (KNOWN.coarse[i] for i in KNOWN.parents), strict=True)) | {f: c for c, f in NEW}
    samples = [
        Sample(Path(f"{name}{i}.jpg"), parents[name], name, "s", f"{name}{i}", "row")
        for name in classes
        for i in range(each)
    ]
    points = np.stack([centres[names.index(sample.fine or "")] for sample in samples])
    points = points + 0.9 * rng.normal(size=points.shape)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    logits = 3 * points @ centres[:3].T
    columns = (logits[:, [1, 2]], logits, points, points, rng.uniform(size=len(points)))
    return AnsweredPhotos(samples, NetworkOutput(*(torch.from_numpy(column.astype(np.float32)) for column in columns)))


def in_the_program(
    asked: AnsweredPhotos, gallery: TrainingReferences, whole: Taxonomy, chosen: CalibrationChoice
) -> list[str]:
    """The enrolled class that app/core answers for each photo, empty where it answers anything else."""
    embeddings = asked.output.embedding.numpy()
    info = BundleInfo(
        name="x",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        fingerprint="x",
        taxonomy=KNOWN,
        preprocessing=Preprocessing(size=32),
        embedding_dim=DIM,
        **{name: getattr(chosen, name) for name in ("calibration", "fusion", "familiarity", "thresholds")},
    )
    found = []
    for row in embeddings @ gallery.embeddings.T:
        nearest = np.argsort(-row, kind="stable")[: info.fusion.neighbours]
        names = [whole.fine[gallery.fine[i]] for i in nearest]
        types = [whole.coarse[whole.parents[gallery.fine[i]]] for i in nearest]
        found.append(
            [
                Neighbour(Reference(int(i), t, n, "s", "p"), float(row[i]))
                for i, t, n in zip(nearest, types, names, strict=True)
            ]
        )
    centres = embeddings @ gallery.centres.T
    centres[:, ~gallery.centres.any(axis=1)] = -np.inf
    coarse, fine, vectors = (column.numpy() for column in asked.output[:3])
    outputs = EngineOutputs(coarse, fine, vectors, asked.output.likeness.numpy())
    decisions = decide(weigh(outputs, found, info, (whole, centres)), chosen.thresholds)
    new = {name for _, name in NEW}
    return [d.label if d.status is Status.IDENTIFIED and d.label in new else "" for d in decisions]


@pytest.mark.parametrize("fine", [0.1, 0.5])
@pytest.mark.parametrize("likeness", [None, 0.5])
@pytest.mark.parametrize("alone", [False, True])
def test_it_is_what_the_program_answers(alone: bool, likeness: float | None, fine: float) -> None:
    thresholds = CHOSEN.thresholds.model_copy(update={"likeness": likeness, "fine": fine})
    chosen = CHOSEN.model_copy(update={"thresholds": thresholds})
    whole = KNOWN.extended(NEW)
    few, asked = photos("DE", 4, 1), photos("ABCDE", 60, 2)
    references = photos("ABC", 15, 3)
    embeddings, classes = few.output.embedding.numpy(), encode(few.samples, whole).fine
    if not alone:
        embeddings = np.concatenate([references.output.embedding.numpy(), embeddings])
        classes = np.concatenate([encode(references.samples, whole).fine, classes])
    gallery = TrainingReferences.of(embeddings, classes, len(whole.fine))
    numbers = enrolled_classes._enrolled_answers(asked, gallery, KNOWN, whole, chosen)
    answers = in_the_program(asked, gallery, whole, chosen)
    assert [whole.fine[number] if number >= 0 else "" for number in numbers] == answers
    assert {"D", "E", ""} == set(answers)


def test_the_figures_are_shares_of_photos_that_were_not_enrolled() -> None:
    references = photos("ABC", 15, 3)
    gallery = TrainingReferences.of(references.output.embedding.numpy(), encode(references.samples, KNOWN).fine, 3)
    found = enrolled_figures(photos("DE", 5 + QUERIES, 1), photos("ABC", 40, 2), gallery, KNOWN, CHOSEN)
    assert {name.removesuffix("_alone") for name in found} == {
        f"enrolled_{shots}{what}"
        for shots in (1, 5)
        for what in ("", "_wrong", "_taken")  # ten leave too few to ask
    }
    assert all(0 <= share <= 1 for share in found.values())
    assert found["enrolled_5"] > found["enrolled_1"] > 0
    assert found["enrolled_5"] <= found["enrolled_5_alone"]  # nothing else to be taken for
    assert found["enrolled_5_taken"] <= found["enrolled_5_taken_alone"]


def test_a_group_that_was_enrolled_is_not_asked() -> None:
    fine, groups = np.repeat([0, 1], 12), np.arange(24) // 2
    drawn, asked = enrolled_classes._draw(fine, groups, 3, np.random.default_rng(0))
    assert np.bincount(fine[drawn]).tolist() == [3, 3]
    assert not set(groups[drawn]) & set(groups[asked])
    assert len(asked) == 24 - 2 * len(set(groups[drawn]))
