"""Episodes over classes that were never learned."""

import math

import numpy as np
import pytest

from model.fewshot import QUERIES, episodes


def clusters(classes, each, noise, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, 16))
    points = np.repeat(centres, each, axis=0) + noise * rng.normal(size=(classes * each, 16))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), np.repeat(
        np.arange(classes), each
    )


def test_classes_that_lie_apart_are_told_by_one_photo():
    embeddings, fine = clusters(6, 8, 0.01)
    assert episodes(embeddings, fine, shots=1, ways=5, count=20) == 1.0


def test_without_any_likeness_it_is_chance():
    rng = np.random.default_rng(1)
    embeddings = rng.normal(size=(400, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert episodes(embeddings, np.arange(400) % 10, shots=5, ways=10, count=100) == pytest.approx(0.1, abs=0.03)


def test_more_photos_help():
    embeddings, fine = clusters(30, 20, 1.0)
    one, ten = (episodes(embeddings, fine, shots=shots, ways=20, count=60) for shots in (1, 10))
    assert one + 0.1 < ten < 1


def test_too_few_classes_or_photos_give_no_figure():
    embeddings, fine = clusters(5, 4 + QUERIES, 0.1)
    assert math.isnan(episodes(embeddings, fine, shots=5, ways=5))
    assert math.isnan(episodes(embeddings, fine, shots=1, ways=6))
    assert math.isnan(episodes(embeddings, np.full(len(fine), -1), shots=1, ways=1))
