"""Variants of a graph against the graph itself."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from model.contract.bundle import EVIDENCE, INPUT, LIKENESS, OUTPUTS, Variant
from model.method.network import HeadOn, Network, Projection
from model.publishing.export import to_onnx
from model.publishing.variants import cpu_session, half_stored, outputs_of, speeds, to_fp16, to_int8

SIZE = 32


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    torch.manual_seed(2)
    network = Network(
        "resnet18", 3, 7, embedding_dim=8, coarse_head_on=HeadOn.FEATURE, fine_head_on=HeadOn.EMBEDDING, tau=0.1
    )
    network.heads.projection = Projection(torch.randn(512), torch.randn(8, 512))
    network.heads.landmarks = torch.nn.functional.normalize(torch.randn(5, 8), dim=1)
    return to_onnx(network, SIZE)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, SIZE, SIZE, 3), dtype=np.uint8)


def test_stored_in_half_precision_it_is_half_as_large_and_computes_the_same(
    graph: onnx.ModelProto, pictures: np.ndarray
) -> None:
    small = half_stored(graph)
    assert small.ByteSize() < 0.52 * graph.ByteSize()
    onnx.checker.check_model(small)
    for got, expected in zip(outputs_of(small, pictures), outputs_of(graph, pictures), strict=True):
        np.testing.assert_allclose(got, expected, atol=5e-3 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("scale", [1e-9, 1e7])
@pytest.mark.parametrize("how", [half_stored, to_fp16])
def test_weights_beyond_the_range_of_half_precision_stay_as_they_are(
    how: Callable[[onnx.ModelProto], onnx.ModelProto], scale: float, graph: onnx.ModelProto, pictures: np.ndarray
) -> None:
    wide = onnx.ModelProto.FromString(graph.SerializeToString())
    axes = next(tensor for tensor in wide.graph.initializer if list(tensor.dims) == [512, 8])
    axes.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(axes) * np.float32(scale), axes.name))
    small = how(wide)
    assert axes.SerializeToString() in [tensor.SerializeToString() for tensor in small.graph.initializer]
    assert small.ByteSize() < 0.52 * graph.ByteSize()
    for got, expected in zip(outputs_of(small, pictures), outputs_of(wide, pictures), strict=True):
        np.testing.assert_allclose(got, expected, atol=5e-3 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("variant", [Variant.FP16, Variant.INT8])
def test_a_variant_keeps_inputs_outputs_and_the_answers(
    graph: onnx.ModelProto, pictures: np.ndarray, variant: Variant
) -> None:
    small = to_fp16(graph) if variant is Variant.FP16 else to_int8(graph, pictures)
    onnx.checker.check_model(small)
    assert [value.name for value in small.graph.input] == [INPUT]
    assert [value.name for value in small.graph.output] == [*OUTPUTS, LIKENESS, EVIDENCE]
    assert small.ByteSize() < 0.55 * graph.ByteSize()
    *_, expected, expected_likeness = outputs_of(graph, pictures)
    *_, embedding, likeness = outputs_of(small, pictures)
    assert likeness == pytest.approx(expected_likeness, abs=3e-3 if variant is Variant.FP16 else 0.1)
    cosines = (expected * embedding).sum(axis=1)
    assert cosines.min() > (0.999 if variant is Variant.FP16 else 0.97)
    assert np.linalg.norm(embedding, axis=1) == pytest.approx(np.ones(40), abs=2e-3)
    one = cpu_session(small).run([EVIDENCE], {INPUT: pictures[:1]})[0]
    assert one.shape == (1, 7, 1, 1)


def test_in_8_bits_the_bytes_of_the_picture_are_taken_as_they_are(graph: onnx.ModelProto, pictures: np.ndarray) -> None:
    small = to_int8(graph, pictures)
    takers = {name: node.op_type for node in small.graph.node for name in node.input}
    colours_first = next(node for node in small.graph.node if list(node.input) == [INPUT] and node.op_type != "Shape")
    assert colours_first.op_type == "Transpose" and takers[colours_first.output[0]] == "DequantizeLinear"


def test_speeds_are_measured_for_each(graph: onnx.ModelProto, pictures: np.ndarray) -> None:
    found = speeds({"one": (graph, pictures[:4]), "other": (graph, pictures[:2])}, rounds=2)
    assert set(found) == {"one", "other"} and all(rate > 0 for rate in found.values())
