"""Channels of like ranges: the same function, and less lost in 8 bits."""

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn
from torchvision.models import DenseNet

from model.method.network import HeadOn, Heads, Network
from model.publishing import variants
from model.publishing.equalisation import _ranges, equalise
from model.publishing.export import to_onnx
from model.publishing.variants import outputs_of, to_int8

SIZE = 32


def small(name: str) -> Network:
    """A network with channels of very unlike ranges, as trained ones have them, and normalisations that fit."""
    torch.manual_seed(3)
    heads: dict[str, Any] = {
        "embedding_dim": 8,
        "coarse_head_on": HeadOn.FEATURE,
        "fine_head_on": HeadOn.EMBEDDING,
        "tau": 0.1,
    }
    network = Network("resnet18", 3, 7, **heads)
    if name == "densenet":
        backbone = DenseNet(growth_rate=8, block_config=(3, 3), num_init_features=16)
        network.heads = Heads(backbone.classifier.in_features, 3, 7, **heads)
        backbone.classifier = nn.Identity()
        network.backbone = backbone
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        norm.weight.data *= torch.exp(torch.randn(norm.num_features))
        norm.bias.data += 0.2 * torch.randn(norm.num_features)
    network.train()
    with torch.no_grad():
        network(torch.randint(0, 256, (64, 3, SIZE, SIZE), dtype=torch.uint8))
    return network.eval()


@pytest.fixture(scope="module", params=["densenet", "resnet"])
def graph(request: pytest.FixtureRequest) -> onnx.ModelProto:
    return to_onnx(small(request.param), SIZE)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, SIZE, SIZE, 3), dtype=np.uint8)


def folded(graph: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> onnx.ModelProto:
    """The graph as it is before equalising."""
    taken = []
    with monkeypatch.context() as patch:
        patch.setattr(
            variants, "equalise", lambda ready, _: taken.append(onnx.ModelProto.FromString(ready.SerializeToString()))
        )
        to_int8(graph, np.zeros((2, SIZE, SIZE, 3), np.uint8))
    return taken[0]


def test_the_graph_computes_the_same(
    graph: onnx.ModelProto, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folded(graph, monkeypatch)
    after = onnx.ModelProto.FromString(before.SerializeToString())
    equalise(after, pictures)
    weights = ({t.name: numpy_helper.to_array(t) for t in one.graph.initializer} for one in (before, after))
    one, other = weights
    changed = sum(not np.array_equal(one[name], other[name]) for name in one)
    assert changed > 10
    for got, expected in zip(outputs_of(after, pictures), outputs_of(before, pictures), strict=True):
        np.testing.assert_allclose(got, expected, atol=2e-4 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("graph", ["densenet"], indirect=True)
def test_channels_that_only_normalisations_take_have_equal_ranges(
    graph: onnx.ModelProto, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = folded(graph, monkeypatch)
    convs = {node.output[0] for node in ready.graph.node if node.op_type == "Conv"}
    joined = {name for node in ready.graph.node if node.op_type == "Concat" for name in node.input}
    growth = sorted(convs & joined)
    assert len(growth) == 3 + 3 + 1  # of each layer, and what the mixing between the blocks gives
    spread = [values.max() / np.median(values) for values in _ranges(ready, growth, pictures).values()]
    equalise(ready, pictures)
    after = [values.max() / np.median(values) for values in _ranges(ready, growth, pictures).values()]
    assert np.median(spread) > 1.1 and max(after) < 1.01


def test_less_is_lost_in_8_bits(graph: onnx.ModelProto, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, expected, _ = outputs_of(graph, pictures)

    def alike() -> float:
        *_, embedding, _ = outputs_of(to_int8(graph, pictures), pictures)
        return (embedding * expected).sum(axis=1).mean()

    with_it = alike()
    monkeypatch.setattr(variants, "equalise", lambda ready, _: None)
    assert with_it > alike()


@pytest.mark.parametrize("graph", ["densenet"], indirect=True)
def test_what_a_dense_block_puts_together_has_one_scale(graph: onnx.ModelProto, pictures: np.ndarray) -> None:
    quantised = to_int8(graph, pictures)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    makers = {name: node for node in quantised.graph.node for name in node.output}
    scale_of = {node.input[0]: node.input[1] for node in quantised.graph.node if node.op_type == "QuantizeLinear"}
    layers = [node for node in quantised.graph.node if node.op_type == "Concat" and node.output[0] in scale_of]
    assert len(layers) == 3 + 3
    for layer in layers:
        scale = values[scale_of[layer.output[0]]]
        assert len(layer.input) == 2
        # but what is pooled before the first block has the scale that it had before the pooling
        taken = [values[makers[name].input[1]] for name in layer.input if "max_pool" not in name]
        assert taken and all(one == scale for one in taken)
    assert not any(node.op_type == "AveragePool" for node in quantised.graph.node)
