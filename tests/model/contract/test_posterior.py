"""Probabilities on the label tree, with references beside the heads."""

from collections.abc import Set

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.contract.bundle import Calibration, Domain, Familiarity, Fusion
from model.contract.openset import energy, familiarity
from model.contract.posterior import (
    Posterior,
    class_scores,
    domain_of,
    enrolled_posterior,
    fuse,
    tree_posterior,
    type_sums,
)
from model.contract.taxonomy import Taxonomy

TREE = Taxonomy(coarse=("bus", "coupe", "sedan"), fine=("RX-8", "TL", "TSX"), parents=(1, 2, 2))


@st.composite
def trees(draw: st.DrawFn) -> tuple[Taxonomy, np.ndarray, np.ndarray, np.random.Generator]:
    n_coarse, n_fine = draw(st.integers(1, 4)), draw(st.integers(0, 6))
    parents = draw(st.lists(st.integers(0, n_coarse - 1), min_size=n_fine, max_size=n_fine))
    names = tuple(f"c{i}" for i in range(n_coarse)), tuple(f"f{i}" for i in range(n_fine))
    tree = Taxonomy(coarse=names[0], fine=names[1], parents=tuple(parents))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1, 10, 300]))
    return tree, rng.normal(0, scale, (3, n_coarse)), rng.normal(0, scale, (3, n_fine)), rng


def is_consistent(found: Posterior, tree: Taxonomy, bare: Set[int] = frozenset()) -> None:
    np.testing.assert_allclose(found.coarse.sum(axis=1), 1, atol=1e-9)
    with_classes = sorted(set(tree.parents) - bare)
    np.testing.assert_allclose(type_sums(found.fine, tree)[:, with_classes], found.coarse[:, with_classes], atol=1e-9)
    assert (found.fine >= 0).all() and (found.coarse >= 0).all()


@settings(deadline=None, max_examples=60)
@given(trees(), st.floats(0, 1))
def test_classes_sum_to_their_type(
    case: tuple[Taxonomy, np.ndarray, np.ndarray, np.random.Generator], weight: float
) -> None:
    tree, coarse, fine, _ = case
    found = tree_posterior(coarse, fine, tree, Calibration(coarse_temperature=0.7, coarse_weight=weight))
    is_consistent(found, tree)


@settings(deadline=None, max_examples=60)
@given(trees(), st.floats(0, 3), st.floats(0, 50), st.integers(0, 3))
def test_so_they_do_with_references_and_new_classes(
    case: tuple[Taxonomy, np.ndarray, np.ndarray, np.random.Generator], heads: float, references: float, new: int
) -> None:
    tree, coarse, fine, rng = case
    whole = tree.extended([(f"c{i}", f"new{i}") for i in range(new)])
    found = tree_posterior(coarse, fine, tree, Calibration())
    scores = rng.uniform(-1, 1, (3, len(whole.fine)))
    scores[:, rng.random(len(whole.fine)) < 0.3] = -np.inf
    familiar = rng.normal(0, 4, 3)
    fusion = Fusion(heads=heads, references=references, temperature=0.05)
    fused = fuse(found, scores, familiar, tree, whole, fusion)
    is_consistent(fused, whole, set(range(len(tree.coarse))) - set(tree.parents))
    new_ones = enrolled_posterior(scores, len(tree.fine), familiar, fusion)
    np.testing.assert_allclose(fused.fine[:, len(tree.fine) :], new_ones, atol=1e-12)


def test_without_references_the_heads_decide_alone() -> None:
    found = tree_posterior(np.array([[0.0, 1, 2]]), np.array([[3.0, 2, 1]]), TREE, Calibration())
    nothing = np.full((1, 3), -np.inf)
    fused = fuse(found, nothing, np.zeros(1), TREE, TREE, Fusion(heads=0.5, references=9))
    np.testing.assert_allclose(fused.fine, found.fine)
    np.testing.assert_allclose(fused.coarse, found.coarse)


def test_references_of_some_classes_leave_the_others_where_the_heads_have_them() -> None:
    tree = Posterior(np.array([[0.0, 0.5, 0.5]]), np.array([[0.5, 0.25, 0.25]]))
    scores = np.array([[0.6, -np.inf, 0.6]])
    fused = fuse(tree, scores, np.zeros(1), TREE, TREE, Fusion(heads=1, references=20))
    np.testing.assert_allclose(fused.fine, tree.fine, atol=1e-9)  # equal scores: no word for or against anything
    nearer = fuse(tree, np.array([[0.4, -np.inf, 0.6]]), np.zeros(1), TREE, TREE, Fusion(heads=1, references=20))
    first, without, last = nearer.fine[0]
    assert first / 0.5 < without / 0.25 < last / 0.25


def test_a_class_alone_in_its_gallery_is_not_in_every_picture() -> None:
    fusion = Fusion(none=0.45, temperature=0.03)
    scores = np.array([[-np.inf, 0.1], [-np.inf, 0.45], [-np.inf, 0.8]])
    unlike, even, like = enrolled_posterior(scores, 1, np.zeros(3), fusion)[:, 0]
    assert unlike < 1e-4
    assert even == pytest.approx(0.5)
    assert like > 0.9999


def test_what_the_network_knows_well_is_less_likely_of_an_enrolled_class() -> None:
    fusion = Fusion(none=0.3, temperature=0.1, logit=0.5)
    scores = np.array([[0.5, 0.5]] * 5)
    found = enrolled_posterior(scores, 1, np.array([-9.0, -3, 0, 2, 3]), fusion)[:, 0]
    # e^5 for the new class against (e^5 + e^3) e^(0.5 z), z within 3 deviations
    expected = [1 / (1 + (1 + np.exp(-2)) * np.exp(0.5 * z)) for z in (-3, -3, 0, 2, 3)]
    np.testing.assert_allclose(found, expected)


def test_the_tree_agrees_with_a_calculation_by_hand() -> None:
    coarse = np.log([[0.2, 0.3, 0.5]])
    fine = np.log([[0.1, 0.6, 0.3]])
    # bus has no classes and keeps its 0.2; the fine head deals the other 0.8 as 0.1 to 0.9
    own = tree_posterior(coarse, fine, TREE, Calibration(coarse_weight=0.0))
    np.testing.assert_allclose(own.coarse, [[0.2, 0.08, 0.72]], atol=1e-9)
    np.testing.assert_allclose(own.fine, [[0.08, 0.48, 0.24]], atol=1e-9)
    heads = tree_posterior(coarse, fine, TREE, Calibration(coarse_weight=1.0))
    np.testing.assert_allclose(heads.coarse, [[0.2, 0.3, 0.5]], atol=1e-9)
    np.testing.assert_allclose(heads.fine, [[0.3, 1 / 3, 1 / 6]], atol=1e-9)


def test_every_kind_of_photo_has_its_own_temperature() -> None:
    domains = (
        Domain(types=("bus",), coarse_temperature=1.0, fine_temperature=1.0),
        Domain(types=("coupe", "sedan"), coarse_temperature=4.0, fine_temperature=2.0),
    )
    calibration = Calibration(domains=domains, coarse_weight=1.0)
    coarse, fine = np.array([[9.0, 0, 0], [0, 4.0, 0]]), np.zeros((2, 3))
    np.testing.assert_array_equal(domain_of(coarse, TREE, calibration), [0, 1])
    found = tree_posterior(coarse, fine, TREE, calibration).coarse
    np.testing.assert_allclose(found[0, 0], 1 / (1 + 2 * np.exp(-9)))
    np.testing.assert_allclose(found[1, 1], np.e / (np.e + 2))


def test_class_scores_agree_with_a_loop() -> None:
    rng = np.random.default_rng(5)
    references = rng.normal(size=(30, 4))
    references /= np.linalg.norm(references, axis=1, keepdims=True)
    labels = rng.integers(-1, 5, 30)
    asked = references[:6] + 0.1
    similarities = asked @ references.T
    order = np.argsort(-similarities, axis=1)[:, :8]
    centres = asked @ np.stack([references[labels == c].mean(axis=0) for c in range(5)]).T
    found = class_scores(np.take_along_axis(similarities, order, axis=1), labels[order], centres)
    for i in range(6):
        last = similarities[i, order[i, -1]]
        for c in range(5):
            own = [similarities[i, j] for j in order[i] if labels[j] == c]
            assert found[i, c] == pytest.approx((max(own, default=last) + centres[i, c]) / 2)


def test_names_that_the_tree_has_keep_their_place() -> None:
    whole = TREE.extended([("suv", "TL"), ("suv", "X5"), ("coupe", "X5"), ("sedan", "Corolla")])
    assert whole.coarse == ("bus", "coupe", "sedan", "suv")
    assert whole.fine == ("RX-8", "TL", "TSX", "X5", "Corolla")
    assert whole.parents == (1, 2, 2, 3, 2)


def test_energy_and_familiarity_agree_with_their_formulas() -> None:
    logits = np.array([[1.0, 2, 3], [-800, 0, 900]])
    np.testing.assert_allclose(energy(logits), [np.log(np.exp([1.0, 2, 3]).sum()), 900])
    scale = Familiarity(
        logit_mean=2, logit_deviation=2, similarity_mean=0.8, similarity_deviation=0.1, similarity_weight=0.25
    )
    fine, closest = np.array([[6.0, 0], [2, -3]]), np.array([0.9, 0.6])
    np.testing.assert_allclose(familiarity(fine, None, scale), [2, 0])
    np.testing.assert_allclose(familiarity(fine, closest, scale), [0.75 * 2 + 0.25, -0.5])
    without = np.array([np.nan, 0.6])
    np.testing.assert_allclose(familiarity(fine, without, scale), [2, -0.5])
    assert familiarity(np.zeros((2, 0)), None, Familiarity()).tolist() == [0, 0]
