"""Graphs before and after they are rewritten for 8 bits: the same answers by other operators."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.publishing.graph_rewriting import (
    concatenated,
    growing_concats,
    means_before_mixing,
    normalisations_as_convolutions,
    pixels_as_bytes,
    take_bytes,
)
from model.publishing.variants import cpu_session

RNG = np.random.default_rng(1)


def graph_of(
    nodes: list[onnx.NodeProto],
    weights: Mapping[str, np.ndarray] | None = None,
    shape: Sequence[int | None] = (2, 5, 6, 6),
    of: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """From `x` to `y`."""
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("x", of, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model)
    return cpu_session(model).run(None, {"x": x})[0]


def some(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_a_normalisation_becomes_a_convolution() -> None:
    weights = {"scale": some(5), "shift": some(5), "mean": some(5), "variance": RNG.uniform(0.1, 2, 5)}
    model = graph_of(
        [helper.make_node("BatchNormalization", ["x", *weights], ["y"], name="norm", epsilon=1e-3)], weights
    )
    x = some(2, 5, 6, 6)
    expected = answer(model, x)
    normalisations_as_convolutions(model)
    assert kinds(model) == ["Conv"] and len(model.graph.initializer) == 2
    np.testing.assert_allclose(answer(model, x), expected, atol=1e-5)


def pixels(pads: int, bias: bool) -> onnx.ModelProto:
    """Bytes, normalised as the networks have it, and a convolution of them."""
    weights = {
        "factor": np.array([0.017, 0.018, 0.0175]).reshape(1, 3, 1, 1),
        "shift": np.array([2.1, 2.0, 1.8]).reshape(1, 3, 1, 1),
        "weight": some(4, 3, 3, 3),
    } | ({"bias": some(4)} if bias else {})
    nodes = [
        helper.make_node("Cast", ["x"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "factor"], ["times"]),
        helper.make_node("Sub", ["times", "shift"], ["less"]),
        helper.make_node(
            "Conv", ["less", "weight", *(["bias"] if bias else [])], ["y"], pads=[pads] * 4, strides=[2, 2]
        ),
    ]
    return graph_of(nodes, weights, (2, 3, None, None), TensorProto.UINT8)


@pytest.mark.parametrize("bias", [False, True])
def test_pixels_that_are_normalised_by_the_convolution(bias: bool) -> None:
    x = RNG.integers(0, 256, (2, 3, 9, 9), dtype=np.uint8)
    model = pixels(0, bias)
    expected = answer(model, x)
    found = pixels_as_bytes(model)
    assert (found.picture, found.tensor, found.number) == ("x", "less", 112)  # the mean of 123.5, 111.1 and 102.9
    assert kinds(model) == ["Cast", "Sub", "Conv"]
    np.testing.assert_allclose(answer(model, x), expected, atol=1e-4)


def test_beyond_the_edge_there_is_the_mean_of_all_colours() -> None:
    x = RNG.integers(0, 256, (2, 3, 9, 9), dtype=np.uint8)
    model = pixels(1, True)
    without_edge = onnx.ModelProto()
    without_edge.CopyFrom(model)
    next(given for given in without_edge.graph.node[-1].attribute if given.name == "pads").ints[:] = [0] * 4
    pixels_as_bytes(model)
    with_mean = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=112)
    np.testing.assert_allclose(answer(model, x), answer(without_edge, with_mean), atol=1e-4)


def test_pixels_that_something_else_takes_as_well_stay() -> None:
    model = pixels(0, True)
    model.graph.output.append(helper.make_tensor_value_info("less", TensorProto.FLOAT, [None] * 4))
    assert pixels_as_bytes(model) is None and kinds(model) == ["Cast", "Mul", "Sub", "Conv"]
    without = graph_of([helper.make_node("Relu", ["x"], ["y"])])
    assert pixels_as_bytes(without) is None


def test_bytes_are_taken_as_they_come() -> None:
    x = RNG.integers(0, 256, (2, 3, 9, 9), dtype=np.uint8)
    model = pixels(0, False)
    found = pixels_as_bytes(model)
    assert found is not None
    *before, conv = model.graph.node
    scale, zero = (
        numpy_helper.from_array(value, n)
        for value, n in ((np.array(1, np.float32), "s"), (np.array(found.number, np.uint8), "z"))
    )
    model.graph.initializer.extend([scale, zero])
    around = [
        helper.make_node("QuantizeLinear", ["less", "s", "z"], ["small"]),
        helper.make_node("DequantizeLinear", ["small", "s", "z"], ["large"]),
    ]
    conv.input[0] = "large"
    nodes = [*before, *around, conv]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    expected = answer(model, x)
    take_bytes(model, found)
    assert kinds(model) == ["DequantizeLinear", "Conv"]
    np.testing.assert_array_equal(answer(model, x), expected)


def pooled(**conv: Any) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Conv", ["x", "weight", "bias"], ["mixed"], **conv),
        helper.make_node("AveragePool", ["mixed"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]


@pytest.mark.parametrize("side", [6, 7])
def test_the_mean_comes_before_the_mixing(side: int) -> None:
    x = some(2, 5, side, side)
    model = graph_of(pooled(), {"weight": some(4, 5, 1, 1), "bias": some(4)}, x.shape)
    expected = answer(model, x)
    means_before_mixing(model)
    assert kinds(model) == ["Conv", "Conv"]
    np.testing.assert_allclose(answer(model, x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("weight", "conv"),
    [
        ((4, 5, 3, 3), {}),
        ((4, 5, 1, 1), {"strides": [2, 2]}),
        ((4, 5, 1, 1), {"pads": [1] * 4}),
        ((5, 1, 1, 1), {"group": 5}),
    ],
)
def test_the_mean_stays_where_the_order_is_not_free(
    weight: tuple[int, int, int, int], conv: dict[str, list[int]] | dict[str, int]
) -> None:
    model = graph_of(pooled(**conv), {"weight": some(*weight), "bias": some(weight[0])}, (2, 5, 8, 8))
    means_before_mixing(model)
    assert kinds(model) == ["Conv", "AveragePool"]


def block() -> onnx.ModelProto:
    """Four layers, each of which takes all that came before, as a dense block has it."""
    nodes, weights, known = [], {}, ["x"]
    for number in range(1, 5):
        taken = known[0]
        if number > 1:
            taken = f"all{number}"
            nodes.append(helper.make_node("Concat", known, [taken], axis=1))
        weights[f"weight{number}"] = some(3, 5 + 3 * (number - 1), 1, 1)
        nodes.append(helper.make_node("Conv", [taken, f"weight{number}"], [f"made{number}"]))
        known = [*known, f"made{number}"]
    nodes.append(helper.make_node("Concat", known, ["y"], axis=1))
    return graph_of(nodes, weights)


def test_what_was_put_together_before_is_taken_as_it_is() -> None:
    x, model = some(2, 5, 6, 6), block()
    expected = answer(model, x)
    growing_concats(model)
    assert [list(node.input) for node in model.graph.node if node.op_type == "Concat"] == [
        ["x", "made1"],
        ["all2", "made2"],
        ["all3", "made3"],
        ["all4", "made4"],
    ]
    np.testing.assert_array_equal(answer(model, x), expected)


def test_along_another_axis_it_is_another_thing() -> None:
    nodes = [
        helper.make_node("Concat", ["x", "x"], ["one"], axis=1),
        helper.make_node("Concat", ["x", "x", "x"], ["other"], axis=2),
        helper.make_node("Concat", ["one", "one"], ["twice"], axis=1),
        helper.make_node("ReduceSum", ["twice"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "other"], ["y"]),
    ]
    model = graph_of(nodes)
    growing_concats(model)
    assert Counter(len(node.input) for node in model.graph.node if node.op_type == "Concat") == {2: 2, 3: 1}


def test_what_is_put_together_in_the_end_is_one_group() -> None:
    model = block()
    growing_concats(model)
    assert concatenated(model) == [{f"made{n}" for n in range(1, 5)} | {"all2", "all3", "all4", "y"}]
    assert concatenated(graph_of([helper.make_node("Concat", ["x", "x"], ["y"], axis=0)])) == []
