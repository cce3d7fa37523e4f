"""Where a network starts: from files of weights, and from earlier runs."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.contract.config import Config
from model.contract.samples import DataError
from model.contract.taxonomy import Taxonomy
from model.data.splits import Split
from model.method.network import build_backbone
from model.train import finish
from model.training.inference import trained_network
from model.training.run_folder import RunError, RunFolder
from model.training.run_setup import new_run, parts_before
from model.training.session import StopRequest, train
from model.training.starting_weights import WeightsError, load_starting_weights, start_network
from model.training.trainer import build_network
from tests.model.small import SMALL


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_back_from_a_file_with_or_without_classifier(tmp_path: Path, suffix: str) -> None:
    source, _ = build_backbone("resnet18")
    state = {name: value.clone() for name, value in source.state_dict().items()}
    state["fc.weight"] = torch.zeros(1000, 512)
    state["conv1.weight"] = state["conv1.weight"].half()
    path = tmp_path / f"weights{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    target, _ = build_backbone("resnet18")
    load_starting_weights(target, "resnet18", str(path))
    found, given = target.state_dict(), source.state_dict()
    assert torch.equal(found["conv1.weight"], state["conv1.weight"].float())
    assert torch.equal(found["layer4.1.conv2.weight"], given["layer4.1.conv2.weight"])


def test_weights_of_another_network_are_refused_with_what_does_not_fit(tmp_path: Path) -> None:
    other, _ = build_backbone("resnet50")
    path = tmp_path / "resnet50.safetensors"
    save_file({name: value.clone() for name, value in other.state_dict().items()}, path)
    target, _ = build_backbone("resnet18")
    with pytest.raises(WeightsError) as caught:
        load_starting_weights(target, "resnet18", str(path))
    text = str(caught.value)
    assert "not in resnet18: layer1.0.bn3.weight" in text and " more" in text
    assert "do not fit resnet18" in text and "shape of fc" not in text
    missing = {name: value for name, value in target.state_dict().items() if name != "bn1.weight"}
    save_file({name: value.clone() for name, value in missing.items()}, path)
    with pytest.raises(WeightsError, match=r"missing: bn1\.weight"):
        load_starting_weights(target, "resnet18", str(path))


@pytest.mark.parametrize(("name", "content"), [("a.safetensors", b"no weights"), ("a.pth", b"no weights")])
def test_a_file_without_weights_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_starting_weights(build_backbone("resnet18")[0], "resnet18", str(path))


def test_the_old_names_in_densenet_weights_are_understood(tmp_path: Path) -> None:
    source, _ = build_backbone("densenet169")
    state = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name): value
        for name, value in source.state_dict().items()
    }
    assert state.keys() != source.state_dict().keys()
    path = tmp_path / "densenet.pth"
    torch.save(state, path)
    target, _ = build_backbone("densenet169")
    load_starting_weights(target, "densenet169", str(path))
    name = "features.denseblock2.denselayer3.conv1.weight"
    assert torch.equal(target.state_dict()[name], source.state_dict()[name])


@pytest.fixture
def earlier(small_run: RunFolder) -> RunFolder:
    return small_run


def test_a_run_starts_from_an_earlier_one_with_the_classes_that_both_know(earlier: RunFolder) -> None:
    taxonomy = Taxonomy.from_pairs([("car", "van"), ("boat", "tug"), ("boat", "barge"), ("plane", "jet")])
    network = build_network(earlier.config(), taxonomy)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    start_network(network, "resnet18", taxonomy, str(earlier.folder))
    now, old, known = network.state_dict(), trained_network(earlier).state_dict(), earlier.taxonomy()
    for name in ("backbone.layer1.0.conv1.weight", "backbone.bn1.running_mean", "heads.embed.weight"):
        assert torch.equal(now[name], old[name])
    for name in ("van", "tug"):
        mine, theirs = taxonomy.fine_index[name], known.fine_index[name]
        assert torch.equal(now["heads.fine_head.weight"][mine], old["heads.fine_head.weight"][theirs])
    for name in ("barge", "jet"):
        mine = taxonomy.fine_index[name]
        assert torch.equal(now["heads.fine_head.weight"][mine], fresh["heads.fine_head.weight"][mine])
    mine, theirs = taxonomy.coarse_index["boat"], known.coarse_index["boat"]
    assert now["heads.coarse_head.bias"][mine] == old["heads.coarse_head.bias"][theirs]


def test_photos_of_an_earlier_run_keep_their_part_and_new_ones_are_dealt(
    earlier: RunFolder, picture_folder: Path, tmp_path: Path
) -> None:
    grown = tmp_path / "grown"
    shutil.copytree(picture_folder / "boat" / "tug", grown / "boat" / "barge")
    settings = {**SMALL, "network": {**SMALL["network"], "weights": str(earlier.folder)}}
    data = {"data": [f"folder:{picture_folder}", f"folder:{grown}"], "validation": 0.2, "split_seed": 7}
    run = new_run(tmp_path / "later", Config.model_validate({**settings, "data": data}))
    before = {sample.path: split for sample, split in zip(*earlier.samples(), strict=True)}
    now = {sample.path: split for sample, split in zip(*run.samples(), strict=True)}
    assert {path: now[path] for path in before} == before
    assert {now[path] for path in now.keys() - before.keys()} >= {Split.TRAIN, Split.TEST}
    # a third run from the second one knows what the first was trained on
    parts = parts_before(str(run.folder))
    assert parts == now and len(parts) == len(before) + 12


def test_what_was_trained_on_cannot_be_held_out(earlier: RunFolder, picture_folder: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "network": {**SMALL["network"], "weights": str(earlier.folder)}}
    data = {"data": [f"folder:{picture_folder}"], "split": "class_disjoint"}
    with pytest.raises(DataError, match=r"holds out are among those that .* was trained on"):
        new_run(tmp_path / "later", Config.model_validate({**settings, "data": data}))
    assert not (tmp_path / "later").exists()


def test_an_embedding_of_another_length_starts_untrained(earlier: RunFolder) -> None:
    config = earlier.config().model_copy(deep=True)
    config = config.model_copy(update={"network": config.network.model_copy(update={"embedding_dim": 5})})
    taxonomy = earlier.taxonomy()
    network = build_network(config, taxonomy)
    fresh = {name: value.clone() for name, value in network.heads.state_dict().items()}
    start_network(network, "resnet18", taxonomy, str(earlier.folder))
    old, heads = trained_network(earlier).heads.state_dict(), network.heads.state_dict()
    assert torch.equal(heads["embed.weight"], fresh["embed.weight"])
    assert torch.equal(heads["fine_head.weight"], fresh["fine_head.weight"])
    assert torch.equal(heads["coarse_head.weight"], old["coarse_head.weight"])  # on the feature, which is as long


@pytest.mark.slow
def test_a_training_from_an_earlier_run(earlier: RunFolder, picture_folder: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "network": {**SMALL["network"], "weights": str(earlier.folder)}}
    config = Config.model_validate({**settings, "data": {"data": [f"folder:{picture_folder}"], "validation": 0.2}})
    run = new_run(tmp_path / "later", config)
    assert train(run, StopRequest())
    finish(run)
    assert run.model.is_file()
    assert str(earlier.folder) not in run.model.read_bytes().decode("latin-1")


def test_runs_that_cannot_be_started_from_are_refused(earlier: RunFolder, picture_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is of a resnet18, not of a mobilenet_v2"):
        load_starting_weights(build_backbone("mobilenet_v2")[0], "mobilenet_v2", str(earlier.folder))
    with pytest.raises(RunError, match="not a training run"):
        load_starting_weights(build_backbone("resnet18")[0], "resnet18", str(picture_folder))
    config = Config.model_validate({**SMALL, "data": {"data": [f"folder:{picture_folder}"]}})
    begun = new_run(tmp_path / "begun", config)
    with pytest.raises(RunError, match="no checkpoint yet"):
        load_starting_weights(build_backbone("resnet18")[0], "resnet18", str(begun.folder))
