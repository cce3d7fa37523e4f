"""Episodes over classes that were never learned."""

import math
from typing import Any

import numpy as np
import pytest

from model.metrics import fewshot
from model.metrics.fewshot import FEW, QUERIES


def clusters(classes: int, each: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, 16))
    points = np.repeat(centres, each, axis=0) + noise * rng.normal(size=(classes * each, 16))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), np.repeat(
        np.arange(classes), each
    )


def episodes(embeddings: np.ndarray, fine: np.ndarray, **settings: Any) -> float:
    """With each photo in a group of its own."""
    return fewshot.episodes(embeddings, fine, np.arange(len(fine)), **settings)


def test_one_photo_is_enough_for_classes_that_are_far_apart() -> None:
    embeddings, fine = clusters(6, 8, 0.01)
    assert episodes(embeddings, fine, shots=1, ways=5, count=20) == 1.0


def test_without_any_likeness_it_is_chance() -> None:
    rng = np.random.default_rng(1)
    embeddings = rng.normal(size=(400, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert episodes(embeddings, np.arange(400) % 10, shots=5, ways=10, count=100) == pytest.approx(0.1, abs=0.03)


def test_more_enrolled_photos_give_a_higher_figure() -> None:
    embeddings, fine = clusters(30, 20, 1.0)
    one, ten = (episodes(embeddings, fine, shots=shots, ways=20, count=60) for shots in (1, 10))
    assert one + 0.1 < ten < 1


def test_too_few_classes_or_photos_give_no_figure() -> None:
    embeddings, fine = clusters(5, 4 + QUERIES, 0.1)
    assert math.isnan(episodes(embeddings, fine, shots=5, ways=5))
    assert math.isnan(episodes(embeddings, fine, shots=1, ways=6))
    assert math.isnan(episodes(embeddings, np.full(len(fine), -1), shots=1, ways=1))


def test_photos_of_an_enrolled_group_are_not_asked() -> None:
    """Embeddings that show the object and nothing of its class: 20 classes of 16 objects, 5 photos of each."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(320), 5)
    fine = groups // 16
    embeddings = rng.normal(size=(320, 64))[groups] + 0.2 * rng.normal(size=(1600, 64))
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    for shots in (1, 5, 10):
        found = fewshot.episodes(embeddings, fine, groups, shots=shots, count=50)
        assert found == pytest.approx(1 / 20, abs=0.02)
        assert episodes(embeddings, fine, shots=shots, count=50) > found + 0.02


def test_a_class_without_enough_groups_does_not_take_part() -> None:
    embeddings, fine = clusters(6, 12, 0.01)
    groups = np.arange(len(fine))
    groups[:12] = np.repeat([0, 1, 2], (3, 5, 4))  # one enrolled photo leaves seven others at least, two leave three
    assert fewshot.episodes(embeddings, fine, groups, shots=1, ways=6, count=20) == 1.0
    assert math.isnan(fewshot.episodes(embeddings, fine, groups, shots=2, ways=6))
    assert fewshot.episodes(embeddings, fine, groups, shots=2, ways=5, count=20) == 1.0


def test_with_a_group_for_each_photo_the_figures_are_those_of_before_there_were_groups() -> None:
    embeddings, fine = clusters(30, 20, 1.0)
    found = [episodes(embeddings, fine, shots=shots, count=60) for shots in fewshot.SHOTS]
    assert found == pytest.approx([0.636, 0.8386666666666667, 0.8688333333333333], abs=2e-3)


def test_the_score_of_none_is_what_one_photo_of_other_classes_in_a_hundred_reaches() -> None:
    embeddings, fine = clusters(12, 40, 0.8)
    references, asked = np.arange(len(fine)) % 2 == 0, np.arange(len(fine)) % 2 == 1
    none = fewshot.none_score(embeddings[references], fine[references], embeddings[asked], fine[asked])
    reached = []
    for label in range(12):
        rng = np.random.default_rng(label)
        enrolled = embeddings[rng.choice(np.flatnonzero(references & (fine == label)), FEW, replace=False)]
        centre = enrolled.mean(axis=0) / np.linalg.norm(enrolled.mean(axis=0))
        others = embeddings[asked & (fine != label)]
        reached += [(max(photo @ one for one in enrolled) + photo @ centre) / 2 >= none for photo in others]
    assert 0.003 < np.mean(reached) < 0.03


def test_a_score_of_none_needs_photos_of_both_kinds() -> None:
    embeddings, fine = clusters(3, FEW, 0.1)
    with pytest.raises(ValueError):
        fewshot.none_score(embeddings, fine % 2 - 1, embeddings, np.full(len(fine), -1))
    with pytest.raises(ValueError):
        fewshot.none_score(embeddings[: FEW - 1], fine[: FEW - 1], embeddings, fine)
