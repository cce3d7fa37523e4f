"""Places on a plane."""

from __future__ import annotations

import multiprocessing
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from app.core.explore import tsne as tsne_process
from app.core.explore.projection import LEAST_FOR_TSNE, STEPS, StoppedError, fitted, inside, principal_components, tsne


def blobs(count: int, each: int, dimensions: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors about a few centres, and which centre each belongs to."""
    generator = np.random.default_rng(3)
    centres = generator.normal(size=(count, dimensions))
    labels = np.repeat(np.arange(count), each)
    vectors = centres[labels] + 0.15 * generator.normal(size=(count * each, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_principal_components_are_those_of_the_decomposition() -> None:
    vectors = np.random.default_rng(1).normal(size=(300, 12)).astype(np.float32) * np.linspace(3, 0.2, 12)
    vectors = vectors.astype(np.float32)
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :3] * sizes[:3]
    found = principal_components(vectors, 3)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=1e-3)
    np.testing.assert_array_equal(found, principal_components(vectors, 3))


@pytest.mark.parametrize("shape", [(0, 0), (0, 8), (1, 8), (7, 1)])
def test_components_of_next_to_nothing_are_zero(shape: tuple[int, int]) -> None:
    found = principal_components(np.ones(shape, np.float32))
    assert found.shape == (shape[0], 2) and not found.any()


def test_14000_photos_are_projected_well_within_a_second() -> None:
    vectors = np.random.default_rng(1).normal(size=(14_000, 256)).astype(np.float32)
    seconds = []
    with threadpool_limits(limits=1, user_api="blas"):  # as in the program
        for _ in range(3):  # other work on the computer may take one of them
            begun = time.perf_counter()
            principal_components(vectors)
            seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 1.0


def test_tsne_keeps_neighbours_together_and_reports_its_progress() -> None:
    vectors, labels = blobs(5, 40)
    told: list[int] = []

    def report(done: int, places: np.ndarray | None) -> bool:
        told.append(done)
        assert (places is None) == (done == 0)
        return True

    places = tsne(vectors, principal_components(vectors), report)
    assert places.shape == (200, 2) and np.isfinite(places).all()
    assert told == sorted(told) and told[0] == 0 and told[-1] == STEPS
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    near = np.argsort(distances, axis=1)[:, 1:11]
    assert (labels[near] == labels[:, None]).mean() > 0.99


@pytest.mark.parametrize("last", [0, 5, 300])
def test_tsne_stops_at_the_report_that_says_so(last: int) -> None:
    vectors, _ = blobs(3, 20)
    told: list[int] = []

    def report(done: int, _places: np.ndarray | None) -> bool:
        told.append(done)
        return done < last

    with pytest.raises(StoppedError):
        tsne(vectors, principal_components(vectors), report)
    assert told[-1] == last


def test_tsne_of_few_points_and_of_twins() -> None:
    with pytest.raises(ValueError, match="5 points"):
        tsne(np.eye(4, dtype=np.float32), np.zeros((4, 2)), lambda *_: True)
    for vectors in (np.eye(LEAST_FOR_TSNE, dtype=np.float32), np.tile(np.eye(1, 8, dtype=np.float32), (150, 1))):
        places = tsne(vectors, principal_components(vectors), lambda *_: True)
        assert places.shape == (len(vectors), 2) and np.isfinite(places).all()


def test_places_fill_the_square_from_minus_one_to_one() -> None:
    found = fitted(np.array([[10.0, 5.0], [14.0, 6.0], [12.0, 5.5]]))
    np.testing.assert_allclose(found, np.array([[-1, -0.25], [1, 0.25], [0, 0]]))
    assert not fitted(np.full((3, 2), 4.0)).any() and fitted(np.zeros((0, 2))).shape == (0, 2)


def test_a_lasso_chooses_the_points_inside() -> None:
    corner = np.array([[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4]], float)
    places = np.array([[0.5, 0.5], [3, 0.5], [0.5, 3], [2, 2], [-1, 0.5], [5, 0.5]])
    assert inside(places, corner).tolist() == [True, True, True, False, False, False]
    assert not inside(places, corner[:2]).any()


def test_a_long_lasso_agrees_with_its_formula() -> None:
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    places = np.random.default_rng(2).uniform(-1, 1, (5000, 2)).astype(np.float32)
    reach = 0.6 + 0.2 * np.sin(5 * np.arctan2(places[:, 1], places[:, 0]))
    away = np.hypot(places[:, 0], places[:, 1])
    star = (0.6 + 0.2 * np.sin(5 * angles))[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    sure = np.abs(away - reach) > 0.01
    assert (inside(places, star) == (away < reach))[sure].all()


@pytest.mark.slow
def test_tsne_works_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsne_process, "APART", 10)
    vectors, labels = blobs(5, 40)
    told: list[int] = []

    def report(done: int, _places: np.ndarray | None) -> bool:
        told.append(done)
        return True

    start = principal_components(vectors)
    places = tsne_process.unfold(vectors, start, report)
    assert places.shape == (200, 2) and told[-1] == STEPS and told == sorted(told)
    near = np.argsort(np.linalg.norm(places[:, None] - places[None], axis=2), axis=1)[:, 1:11]
    assert (labels[near] == labels[:, None]).mean() > 0.99
    with pytest.raises(StoppedError):
        tsne_process.unfold(vectors, start, lambda done, _places: done < 100)
    assert not multiprocessing.active_children()
    monkeypatch.setattr(tsne_process, "APART", 0)
    with pytest.raises(RuntimeError, match="5 points"):  # what goes wrong there is raised here
        tsne_process.unfold(vectors[:4], start[:4], report)


@pytest.mark.slow
def test_a_process_that_is_ended_from_outside_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsne_process, "APART", 10)
    vectors, _ = blobs(5, 40)

    def kill(_done: int, _places: np.ndarray | None) -> bool:
        for child in multiprocessing.active_children():
            child.kill()
        return True

    with pytest.raises(tsne_process.UnfoldingError, match="ended from outside"):
        tsne_process.unfold(vectors, principal_components(vectors), kill)
