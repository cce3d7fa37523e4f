import re

import pytest
import torch
from safetensors.torch import save_file

from model.network import (
    BACKBONES,
    CosineHead,
    HeadOn,
    Network,
    WeightsError,
    build_backbone,
    has_evidence,
    last_map,
    load_starting_weights,
)


def network(backbone="resnet18", **changes):
    settings = {"embedding_dim": 8, "coarse_head_on": HeadOn.FEATURE, "fine_head_on": HeadOn.EMBEDDING, "tau": 0.05}
    return Network(backbone, 3, 7, **{**settings, **changes}).eval()


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_gives_a_pooled_feature_of_the_width_it_tells(name):
    backbone, width = build_backbone(name)
    with torch.inference_mode():
        assert backbone.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, width)


@pytest.mark.parametrize("coarse_on", HeadOn)
@pytest.mark.parametrize("fine_on", HeadOn)
def test_outputs(coarse_on, fine_on):
    pictures = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        out = network(coarse_head_on=coarse_on, fine_head_on=fine_on)(pictures)
    assert out.coarse_logits.shape == (2, 3) and out.fine_logits.shape == (2, 7)
    # also under autocast, which would leave the length right to two digits only
    assert torch.allclose(out.embedding.norm(dim=1), torch.ones(2), atol=1e-6)


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "convnext_tiny"])
@pytest.mark.parametrize("fine_on", HeadOn)
def test_the_evidence_of_a_class_adds_up_to_its_logit(name, fine_on):
    torch.manual_seed(3)
    net = network(name, fine_head_on=fine_on)
    pictures = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        plain = net(pictures)
        output, maps = net.with_evidence(pictures)
    for got, expected in zip(output, plain, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    means = maps.mean(dim=(2, 3))
    if fine_on is HeadOn.EMBEDDING:  # a cosine: the length of the embedding is divided out
        means = means / plain.raw.norm(dim=1, keepdim=True)
    else:
        means = means + net.heads.fine_head.bias
    torch.testing.assert_close(means, plain.fine_logits, rtol=1e-3, atol=1e-3)


def test_a_backbone_that_normalises_after_the_pooling_has_no_evidence():
    backbone, _ = build_backbone("convnext_tiny")
    assert not has_evidence(backbone)
    with pytest.raises(ValueError, match="ConvNeXt"):
        last_map(backbone, torch.zeros(1, 3, 64, 64))


def test_cosine_head_is_bounded_by_its_temperature():
    head = CosineHead(4, 5, tau=0.1)
    z = torch.nn.functional.normalize(torch.randn(20, 4), dim=1)
    assert float(head(z).detach().abs().max()) <= 10 + 1e-4
    assert torch.allclose(head(torch.nn.functional.normalize(head.weight[:1], dim=1))[0, 0], torch.tensor(10.0))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_back_from_a_file_with_or_without_classifier(tmp_path, suffix):
    source, _ = build_backbone("resnet18")
    state = {name: value.clone() for name, value in source.state_dict().items()}
    state["fc.weight"] = torch.zeros(1000, 512)
    state["conv1.weight"] = state["conv1.weight"].half()
    path = tmp_path / f"weights{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    target, _ = build_backbone("resnet18")
    load_starting_weights(target, "resnet18", str(path))
    assert torch.equal(target.conv1.weight, state["conv1.weight"].float())
    assert torch.equal(target.layer4[1].conv2.weight, source.layer4[1].conv2.weight)


def test_weights_of_another_network_are_refused_with_what_does_not_fit(tmp_path):
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
def test_a_file_that_is_no_weights_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_starting_weights(build_backbone("resnet18")[0], "resnet18", str(path))


def test_the_old_names_in_densenet_weights_are_understood(tmp_path):
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
