from typing import Any

import pytest
import torch

from model.method.network import BACKBONES, CosineHead, HeadOn, Network, build_backbone, has_evidence, last_map


def network(backbone: str = "resnet18", **changes: Any) -> Network:
    settings = {"embedding_dim": 8, "coarse_head_on": HeadOn.FEATURE, "fine_head_on": HeadOn.EMBEDDING, "tau": 0.05}
    return Network(backbone, 3, 7, **{**settings, **changes}).eval()


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_gives_a_pooled_feature_of_its_stated_width(name: str) -> None:
    backbone, width = build_backbone(name)
    with torch.inference_mode():
        assert backbone.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, width)


@pytest.mark.parametrize("coarse_on", HeadOn)
@pytest.mark.parametrize("fine_on", HeadOn)
def test_outputs_have_their_shapes_and_unit_length(coarse_on: HeadOn, fine_on: HeadOn) -> None:
    pictures = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        out = network(coarse_head_on=coarse_on, fine_head_on=fine_on)(pictures)
    assert out.coarse_logits.shape == (2, 3) and out.fine_logits.shape == (2, 7)
    # also under autocast, which would leave the length right to two digits only
    assert torch.allclose(out.embedding.norm(dim=1), torch.ones(2), atol=1e-6)


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "convnext_tiny"])
@pytest.mark.parametrize("fine_on", HeadOn)
def test_the_evidence_of_a_class_adds_up_to_its_logit(name: str, fine_on: HeadOn) -> None:
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
        means = means + net.heads.state_dict()["fine_head.bias"]
    torch.testing.assert_close(means, plain.fine_logits, rtol=1e-3, atol=1e-3)


def test_a_backbone_that_normalises_after_the_pooling_has_no_evidence() -> None:
    backbone, _ = build_backbone("convnext_tiny")
    assert not has_evidence(backbone)
    with pytest.raises(ValueError, match="ConvNeXt"):
        last_map(backbone, torch.zeros(1, 3, 64, 64))


def test_cosine_head_is_bounded_by_its_temperature() -> None:
    head = CosineHead(4, 5, tau=0.1)
    z = torch.nn.functional.normalize(torch.randn(20, 4), dim=1)
    assert float(head(z).detach().abs().max()) <= 10 + 1e-4
    assert torch.allclose(head(torch.nn.functional.normalize(head.weight[:1], dim=1))[0, 0], torch.tensor(10.0))
