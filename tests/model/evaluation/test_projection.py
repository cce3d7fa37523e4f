"""What photos are compared by after a training."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from sklearn.covariance import ledoit_wolf_shrinkage

from model.batching.pipeline import PictureForm
from model.contract.bundle import INPUT
from model.contract.config import Config
from model.contract.samples import DataError
from model.data.splits import Split
from model.evaluation.answers import references_of
from model.evaluation.calibration import calibrate
from model.evaluation.held_out_metrics import evaluate
from model.evaluation.projection import SHRINKAGE, fit, project, signed_root
from model.publishing.variants import cpu_session
from model.training.inference import features_of, infer_samples, part_of, trained_network
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from tests.model.small import SMALL


def photos(seed: int = 0, per_class: int = 30, classes: int = 8, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Classes about centres of their own, some of whose axes are strong and say nothing about the class."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, width))
    labels = np.repeat(np.arange(classes), per_class)
    features = centres[labels] + 0.3 * rng.normal(size=(len(labels), width))
    features[:, : width // 3] += 5 * rng.normal(size=(len(labels), width // 3))
    return (features**2 * np.sign(features)).astype(np.float32), labels  # their roots are as above


def nearest_is_right(embeddings: np.ndarray, labels: np.ndarray) -> float:
    cosines = embeddings @ embeddings.T
    np.fill_diagonal(cosines, -2)
    return float((labels[cosines.argmax(axis=1)] == labels).mean())


def test_what_does_not_tell_the_classes_counts_less() -> None:
    features, labels = photos()
    seen = labels < 5
    projection = fit(features[seen], [labels[seen]], 12)
    projected = projection(torch.from_numpy(features)).numpy()
    plain = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.linalg.norm(projected, axis=1) == pytest.approx(np.ones(len(labels)), abs=1e-5)
    # classes that it was not fitted to
    assert nearest_is_right(projected[~seen], labels[~seen]) > nearest_is_right(plain[~seen], labels[~seen]) + 0.3


def test_it_agrees_with_a_calculation_by_hand() -> None:
    features, labels = photos(classes=3, width=4)
    roots = np.sign(features) * np.sqrt(np.abs(features))
    roots = roots.astype(np.float64) - roots.mean(axis=0, dtype=np.float64)
    inside = np.concatenate([roots[labels == k] - roots[labels == k].mean(axis=0) for k in range(3)])
    shrinkage = max(SHRINKAGE, ledoit_wolf_shrinkage(inside, assume_centered=True))
    covariance = sum(np.outer(row, row) for row in inside) / len(inside)
    covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / 4 * np.eye(4)
    # distances are Mahalanobis distances: with all axes kept, inner products are roots' C^-1 roots
    inner = roots @ np.linalg.inv(covariance) @ roots.T
    lengths = np.sqrt(np.diag(inner))
    got = fit(features, [labels], 4)(torch.from_numpy(features)).numpy()
    assert got @ got.T == pytest.approx(inner / lengths[:, None] / lengths, abs=1e-4)


def test_few_photos_and_photos_without_a_class_give_finite_axes() -> None:
    features, labels = photos(per_class=2, classes=3, width=40)
    labels[0] = -1
    projection = fit(features, [labels], 16)
    assert torch.isfinite(projection.axes).all()
    used = (projection.axes.abs().sum(dim=1) > 0).sum()
    assert 0 < used <= 5  # six photos about their mean
    assert fit(features, [np.full(6, -1)], 16).axes.shape == (16, 40)


def test_classes_of_one_photo_say_nothing_of_the_scatter() -> None:
    features, types = photos()
    alone, unknown = np.arange(len(types)), np.full(len(types), -1)
    by_types = fit(features, [types], 12)
    for fine in (alone, np.where(alone < 3, alone, -1), unknown):
        assert torch.equal(fit(features, [fine, types], 12).axes, by_types.axes)
    twice = features.copy()
    twice[1] = twice[0]  # two photos of a class, but one picture
    twins = np.where(alone < 2, 0, alone)
    assert torch.equal(fit(twice, [twins, types], 12).axes, fit(twice, [types], 12).axes)
    # nor do they where other classes have more
    some = np.where(types < 4, types, 100 + alone)
    known = np.where(types < 4, types, -1)
    assert torch.allclose(fit(features, [some], 12).axes, fit(features, [known], 12).axes)


@pytest.mark.parametrize("labels", [np.arange(240), np.full(240, -1)], ids=["alone", "unknown"])
def test_without_any_class_of_two_photos_all_scatter_counts(labels: np.ndarray) -> None:
    features, _ = photos()
    projection = fit(features, [labels, labels], 8)
    embeddings = projection(torch.from_numpy(features)).numpy()
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(240), abs=1e-5)
    assert torch.equal(projection.axes, fit(features, [np.zeros(240, int)], 8).axes)


@pytest.mark.parametrize("apart", [2e-7, 2e-5])  # as a sum in another order gives, and many of them
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_network_that_sees_no_difference_is_refused(value: float, apart: float) -> None:
    features = np.full((40, 5), value, np.float32)
    features[7] *= 1 + apart
    with pytest.raises(DataError, match="no difference between the 40 training photos"):
        fit(features, [np.zeros(40, int)], 2)


def test_the_root_keeps_the_sign() -> None:
    assert signed_root(torch.tensor([4.0, -9.0, 0.0])).tolist() == [2.0, -3.0, 0.0]


def test_a_finished_run_compares_by_it_everywhere(small_run: RunFolder) -> None:
    network, samples = trained_network(small_run), part_of(small_run, Split.TRAIN)
    features = features_of(network, samples, small_run.config())
    assert network.heads.projection is not None
    expected = network.heads.projection(features).numpy()
    assert references_of(small_run, network).embeddings == pytest.approx(expected, abs=1e-5)
    output = infer_samples(network, samples[:6], small_run.config())
    assert output.embedding.numpy() == pytest.approx(expected[:6], abs=1e-4)
    assert not np.allclose(torch.nn.functional.normalize(output.raw, dim=1).numpy(), expected[:6], atol=0.1)
    form = PictureForm(32, small_run.config().input.fit)
    pictures = np.stack([form.decode(sample) for sample in samples[:6]])
    (exported,) = cpu_session(onnx.load(small_run.model)).run(["embedding"], {INPUT: pictures})
    assert exported == pytest.approx(expected[:6], abs=3e-3)  # its weights are stored in half precision
    metrics = json.loads(small_run.metrics.read_bytes())
    assert metrics["test"]["all"].keys() == metrics["trained_embedding"]["all"].keys()
    assert metrics["test"]["all"]["fine_accuracy"] == metrics["trained_embedding"]["all"]["fine_accuracy"]


def test_it_is_fitted_once_and_again_after_more_training(small_run: RunFolder, tmp_path: Path) -> None:
    trained = RunFolder.open(shutil.copytree(small_run.folder, tmp_path / "copy"))
    before = trained.projection.stat().st_mtime_ns
    project(trained)
    assert trained.projection.stat().st_mtime_ns == before
    state = trained.load_checkpoint()
    trained.save_checkpoint({**state, "step": state["step"] + 1})
    assert trained_network(trained).heads.projection is None
    project(trained)
    assert trained_network(trained).heads.projection is not None


def test_a_deleted_one_comes_back_as_it_was(small_run: RunFolder, tmp_path: Path) -> None:
    run = RunFolder.open(shutil.copytree(small_run.folder, tmp_path / "copy"))
    before, metrics = np.load(run.projection), json.loads(run.metrics.read_bytes())
    run.projection.unlink()
    assert evaluate(run)["answers"] == metrics["answers"]
    after = np.load(run.projection)
    assert all(np.array_equal(before[name], after[name]) for name in before.files)


def test_the_trained_embedding_is_used_on_request(picture_folder: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "network": {**SMALL["network"], "compared_by": "trained"}}
    config = Config.model_validate({**settings, "data": {"data": [f"folder:{picture_folder}"], "validation": 0.2}})
    run = new_run(tmp_path / "r", config)
    assert train(run, StopRequest())
    calibrate(run)
    assert not run.projection.exists() and trained_network(run).heads.projection is None
    assert "trained_embedding" not in evaluate(run)
