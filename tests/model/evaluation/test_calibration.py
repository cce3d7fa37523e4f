"""What is chosen on validation photos, on outputs whose best settings are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contract.bundle import Calibration, Fusion
from model.contract.posterior import class_scores, softmax
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.labels import EncodedLabels
from model.evaluation.answers import Seen, TrainingReferences
from model.evaluation.calibration import _facts, choose, kinds
from model.evaluation.threshold_search import log_loss, separating
from model.metrics.classification import expected_calibration_error, reliability

TREE = Taxonomy(coarse=("a", "b", "c"), fine=tuple(f"f{i}" for i in range(9)), parents=tuple(i // 3 for i in range(9)))


def seen(seed: int, count: int = 900, too_sure: float = 3.0) -> Seen:
    """Heads that are right as often as softmax(logits / too_sure) says, with references as good as they."""
    rng = np.random.default_rng(seed)
    fine_logits = rng.normal(0, 2, (count, 9))

    def draw(logits: np.ndarray) -> np.ndarray:
        powers = np.exp(logits)
        edges = (powers / powers.sum(axis=1, keepdims=True)).cumsum(axis=1)
        return (rng.random((count, 1)) > edges).sum(axis=1).clip(max=logits.shape[1] - 1)

    fine = draw(fine_logits)
    coarse = fine // 3
    coarse_logits = 2 * np.eye(3)[coarse] + rng.normal(0, 1, (count, 3))
    scores = 0.1 * np.eye(9)[fine] + rng.normal(0, 0.05, (count, 9))
    labels = EncodedLabels(coarse, np.where(rng.random(count) < 0.2, -1, fine), np.zeros((count, 0)))
    likeness, closest = rng.normal(0.8, 0.05, (2, count))
    return Seen(coarse_logits * too_sure, fine_logits * too_sure, likeness, closest, scores, labels)


def test_answers_are_calibrated_and_better_than_each_source_alone() -> None:
    found = choose(seen(0), TREE, [TREE.coarse], np.full(50, -1.0), None)
    test = seen(1)
    posterior = test.posterior(TREE, found.calibration, found.fusion)
    known = test.labels.fine >= 0
    plain = test.posterior(TREE, Calibration(), Fusion())
    assert expected_calibration_error(plain.fine[known], test.labels.fine[known]) > 0.1
    assert expected_calibration_error(posterior.fine[known], test.labels.fine[known]) < 0.05
    assert expected_calibration_error(posterior.coarse, test.labels.coarse) < 0.05
    assert found.fusion.heads > 0 and found.fusion.references > 0 and 0 < found.calibration.coarse_weight < 1
    best = log_loss(posterior.fine, test.labels.fine)
    heads = test.posterior(TREE, found.calibration, Fusion())
    references = test.posterior(TREE, found.calibration, found.fusion.model_copy(update={"heads": 0.0}))
    assert best < min(log_loss(heads.fine, test.labels.fine), log_loss(references.fine, test.labels.fine))


def test_kinds_of_photos_get_temperatures_of_their_own() -> None:
    validation = seen(0)
    logits = validation.fine_logits.copy()
    logits[validation.labels.coarse == 2] *= 4
    hot = replace(validation, fine_logits=logits)
    calibration = choose(hot, TREE, [("a", "b"), ("c",)], np.full(50, -1.0), None).calibration
    one, other = calibration.domains
    assert (one.types, other.types) == (("a", "b"), ("c",))
    assert other.fine_temperature == pytest.approx(4 * one.fine_temperature, rel=0.3)


def test_the_effect_of_the_temperatures_is_kept_apart_from_that_of_heads_and_references() -> None:
    validation = seen(0)
    logits = validation.fine_logits.copy()
    logits[validation.labels.coarse == 2] *= 4
    hot = replace(validation, fine_logits=logits)
    one, each = (
        choose(hot, TREE, domains, np.full(50, -1.0), None) for domains in ([TREE.coarse], [("a", "b"), ("c",)])
    )
    facts, known = _facts(hot, TREE, one)["fine"], validation.labels.fine >= 0
    alone = softmax(logits / one.calibration.fine_temperature)
    error = expected_calibration_error(alone[known], validation.labels.fine[known])
    assert facts["ece_tempered"] == pytest.approx(error)
    assert facts["ece_before"] > 1.5 * facts["ece_tempered"] > 5 * facts["ece_after"]
    assert _facts(hot, TREE, each)["fine"]["ece_tempered"] < error / 3  # each photo has the temperature of its kind


def test_the_bound_of_known_classes_comes_from_unseen_ones_where_there_are_any() -> None:
    validation, unseen = seen(0), seen(2)
    far = replace(unseen, fine_logits=unseen.fine_logits - 20, closest=unseen.closest - 0.5)
    without = choose(validation, TREE, [TREE.coarse], np.full(50, -1.0), None)
    scores = validation.familiarity(without.familiarity)
    assert (scores >= without.thresholds.familiarity).mean() == pytest.approx(0.97, abs=0.002)
    chosen = choose(validation, TREE, [TREE.coarse], np.full(50, -1.0), far)
    assert (far.familiarity(chosen.familiarity) < chosen.thresholds.familiarity).all()
    assert (scores >= chosen.thresholds.familiarity).all()


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.floats(0, 1),
)
def test_the_bound_separates_as_well_as_any_other(learned: list[int], new: list[int], refused: float) -> None:
    known, others = np.array(learned), np.array(new)

    def worth(bound: float) -> float:
        return (known >= bound).mean() + (others < bound).mean()

    found = separating(known, others, refused)
    allowed = [b for b in range(11) if (known < b).mean() <= refused]
    assert (known < found).mean() <= refused
    # a bound above every score does not count: it would refuse everything
    assert worth(found) >= max(worth(b) for b in allowed if b <= max(known.max(), others.max())) - 1e-12


def sample(source: str, coarse: str) -> Sample:
    return Sample(path=Path("x.jpg"), coarse=coarse, fine=None, source=source, group="g", origin="o")


def test_kinds_are_types_that_share_a_source() -> None:
    pairs = [("cars", "sedan"), ("ships", "tanker"), ("more", "tanker"), ("more", "tug"), ("cars", "suv"), ("x", "bus")]
    assert kinds(sample(*pair) for pair in pairs) == [("bus",), ("sedan", "suv"), ("tanker", "tug")]


def test_references_are_found_as_by_brute_force() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(1500, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = rng.integers(-1, 4, 200)
    references = TrainingReferences.of(vectors[:200], labels, 5)
    similarities, classes = references.nearest(vectors, 7)
    whole = vectors @ vectors[:200].T
    np.testing.assert_allclose(similarities, -np.sort(-whole, axis=1)[:, :7], atol=1e-6)
    np.testing.assert_array_equal(classes[:, 0], labels[whole.argmax(axis=1)])
    for c in range(4):
        mean = vectors[:200][labels == c].mean(axis=0)
        np.testing.assert_allclose(references.centres[c], mean / np.linalg.norm(mean), atol=1e-5)
    assert not references.centres[4].any()
    assert class_scores(similarities, classes, vectors @ references.centres.T).shape == (1500, 5)


def test_reliability_counts_every_photo_once() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 300)
    table = reliability(probabilities, rng.integers(0, 4, 300))
    assert sum(row["photos"] for row in table) == 300
    assert all(abs(row["confidence"] - (i + 0.5) / 15) < 1 for i, row in enumerate(table))
