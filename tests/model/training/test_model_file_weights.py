"""A model file as the start of a training: the same answers, and a network that can continue to learn."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch.nn.functional import normalize

from app.core.system import paths
from model.contract.bundle import OUTPUTS, Variant, beside, read_info
from model.contract.config import Config
from model.contract.photo import fit
from model.contract.taxonomy import Taxonomy
from model.data.splits import Split
from model.data.strangers import stranger
from model.method.network import Network, NetworkOutput
from model.publishing.variants import cpu_session
from model.train import finish
from model.training.distributed import Ranks
from model.training.inference import trained_network
from model.training.model_file_weights import settle
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, build_trainer, train
from model.training.starting_weights import WeightsError, start_network
from model.training.trainer import build_network, head_settings
from tests.model.small import SMALL

PICTURES = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8))


@pytest.fixture
def started(small_run: RunFolder) -> Network:
    network = build_network(small_run.config(), small_run.taxonomy())
    start_network(network, "resnet18", small_run.taxonomy(), str(small_run.model))
    return network.eval()


def outputs(network: torch.nn.Module, pictures: torch.Tensor = PICTURES) -> NetworkOutput:
    with torch.inference_mode():
        return network(pictures)


def test_it_answers_as_the_run_that_the_file_was_made_of(small_run: RunFolder, started: Network) -> None:
    expected, got = outputs(trained_network(small_run)), outputs(started)
    # the file holds weights in half precision
    assert got.coarse_logits == pytest.approx(expected.coarse_logits, abs=0.02)
    assert got.fine_logits == pytest.approx(expected.fine_logits, abs=0.05)
    assert got.raw == pytest.approx(expected.raw, abs=0.02)


def test_unsettled_it_would_start_from_other_answers(started: Network) -> None:
    before = outputs(started)
    assert (outputs(started.train()).coarse_logits - before.coarse_logits).abs().max() > 0.05


def test_settled_on_a_batch_a_training_sees_what_the_program_sees(started: Network) -> None:
    before = outputs(started)
    settle(started, [PICTURES[:5], PICTURES[5:]])
    assert not started.training
    for got in (outputs(started), outputs(started.train())):
        assert got.coarse_logits == pytest.approx(before.coarse_logits, abs=1e-3)
        assert got.raw == pytest.approx(before.raw, abs=1e-3)


def test_normalisations_with_statistics_of_their_own_stay(small_run: RunFolder) -> None:
    network = trained_network(small_run)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settle(network, [PICTURES])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_classes_are_taken_over_by_name(small_run: RunFolder) -> None:
    taxonomy = Taxonomy.from_pairs([("car", "van"), ("boat", "barge")])
    network = build_network(small_run.config(), taxonomy)
    fresh = network.heads.state_dict()["fine_head.weight"].clone()
    start_network(network, "resnet18", taxonomy, str(small_run.model))
    mine = network.heads.state_dict()["fine_head.weight"]
    old = normalize(
        trained_network(small_run).heads.state_dict()["fine_head.weight"]
    )  # of any length they say the same
    van = taxonomy.fine_index["van"]
    assert normalize(mine)[van] == pytest.approx(old[small_run.taxonomy().fine_index["van"]], abs=1e-3)
    barge = taxonomy.fine_index["barge"]
    assert torch.equal(mine[barge], fresh[barge])


@pytest.mark.parametrize("path", paths.bundled_models(), ids=lambda path: path.stem)
def test_the_supplied_ones_can_be_gone_on_from(path: Path) -> None:
    info = read_info(path)
    settings = Config.model_validate(info.training["settings"])
    taxonomy, name = info.taxonomy, info.training["backbone"]
    network = Network(name, len(taxonomy.coarse), len(taxonomy.fine), **head_settings(settings)).eval()
    start_network(network, name, taxonomy, str(path))
    size = info.preprocessing.size
    pictures = np.stack([fit(stranger(seed), size, info.preprocessing.fit) for seed in range(2)])
    coarse, fine = cpu_session(onnx.load(path)).run(list(OUTPUTS[:2]), {"image": pictures})
    got = outputs(network, torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert got.coarse_logits.numpy() == pytest.approx(coarse, abs=1e-3)
    assert got.fine_logits.numpy() == pytest.approx(fine, abs=1e-3)


def test_files_that_a_training_cannot_start_from_are_refused(small_run: RunFolder, tmp_path: Path) -> None:
    taxonomy = small_run.taxonomy()
    network = build_network(small_run.config(), taxonomy)
    lite = paths.bundled_models()[1]
    for path, message in (
        (lite, r"marque-lite\.onnx: that identification model is of a mobilenet_v2, not of a resnet18"),
        (beside(lite, Variant.INT8), r"variant int8 cannot be trained on; take the full file"),
        (tmp_path / "none.onnx", r"none\.onnx: the model file does not exist"),
    ):
        with pytest.raises(WeightsError, match=message):
            start_network(network, "resnet18", taxonomy, str(path))


@pytest.fixture
def later(small_run: RunFolder, picture_folder: Path, tmp_path: Path) -> RunFolder:
    network = {**SMALL["network"], "weights": str(small_run.model)}
    data = {"data": [f"folder:{picture_folder}"], "validation": 0.2}
    return new_run(tmp_path / "later", Config.model_validate({**SMALL, "network": network, "data": data}))


def test_a_training_begins_with_the_answers_of_the_file(
    capsys: pytest.CaptureFixture[str], small_run: RunFolder, later: RunFolder
) -> None:
    assert "it is not known which photos" in capsys.readouterr().err
    trainer = build_trainer(later, Ranks(later.config().machine))
    trainer.start_from(str(small_run.model))
    expected, network = outputs(trained_network(small_run)), trainer.average.module
    assert outputs(network.eval()).coarse_logits == pytest.approx(expected.coarse_logits, abs=0.02)
    assert network.state_dict()["backbone.bn1.running_mean"].abs().max() > 0.01  # settled


@pytest.mark.slow
def test_a_model_file_can_be_trained_on(small_run: RunFolder, later: RunFolder) -> None:
    assert train(later, StopRequest())
    finish(later)
    assert later.samples()[1].count(Split.TEST)
    assert str(small_run.folder) not in later.model.read_bytes().decode("latin-1")
