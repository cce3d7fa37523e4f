"""Landmarks: what stands for all training photos, and the likeness to it as network, model file and program see it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.recognition.engine import Engine
from model.batching.pipeline import PictureForm
from model.data.splits import Split
from model.evaluation.landmarks import PHOTOS_EACH, landmarks
from model.training.inference import infer_samples, infer_strangers, part_of, trained_network
from model.training.run_folder import RunFolder


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_one_for_a_small_group_and_several_for_what_looks_more_than_one_way() -> None:
    rng = np.random.default_rng(0)
    looks = np.eye(6)[:4].repeat(PHOTOS_EACH, axis=0)  # one class, as large as four and with four looks
    small = np.eye(6)[[4] * 5 + [5] * 3]
    embeddings = unit(np.concatenate([looks, small]) + 0.02 * rng.normal(size=(4 * PHOTOS_EACH + 8, 6)))
    groups = np.array([[0, 0]] * (4 * PHOTOS_EACH) + [[0, 1]] * 5 + [[1, -1]] * 3)
    found = landmarks(embeddings, groups)
    assert found.shape == (6, 6) and found.dtype == np.float32
    assert sorted(found.argmax(axis=1)) == [0, 1, 2, 3, 4, 5]
    assert (found.max(axis=1) > 0.99).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 5))
def test_of_a_small_group_it_is_the_mean_at_unit_length(seed: int, count: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings, labels = unit(rng.normal(size=(count, 4))), rng.integers(-1, classes, count)
    found = landmarks(embeddings, np.stack([np.zeros(count, int), labels], axis=1))
    means = [embeddings[labels == label].mean(axis=0) for label in np.unique(labels)]
    np.testing.assert_allclose(found, unit(np.stack(means)), atol=1e-4)


def test_network_file_and_program_agree_on_the_likeness(small_run: RunFolder) -> None:
    network, samples = trained_network(small_run), part_of(small_run, Split.TRAIN)
    output = infer_samples(network, samples, small_run.config())
    kept = np.load(small_run.projection)["landmarks"]
    expected = (output.embedding.numpy() @ kept.T).max(axis=1)
    assert output.likeness.numpy() == pytest.approx(expected, abs=1e-5)
    form = PictureForm(32, small_run.config().input.fit)
    got = Engine(small_run.model, device="cpu").run(np.stack([form.decode(sample) for sample in samples]))
    assert got.likeness == pytest.approx(expected, abs=3e-3)  # the file's weights are stored in half precision
    assert got.likeness.shape == (len(samples),)
    strange = infer_strangers(network, small_run.config(), first=0, count=20).likeness.numpy()
    assert strange.mean() < expected.mean()


def test_before_they_are_known_the_energy_counts(small_run: RunFolder) -> None:
    network = trained_network(small_run)
    network.heads.landmarks = None
    output = infer_samples(network, part_of(small_run, Split.TRAIN)[:4], small_run.config())
    assert output.likeness.numpy() == pytest.approx(np.log(np.exp(output.coarse_logits.numpy()).sum(axis=1)), abs=1e-4)
