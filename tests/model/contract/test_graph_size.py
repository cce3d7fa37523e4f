"""What a model's graph would take: absurd sizes and graphs that are not well formed are refused before they run."""

import onnx
import pytest
from onnx import TensorProto, helper

from model.contract.bundle import INPUT, BundleError
from model.contract.graph_size import must_fit


def graph(operator: str, inputs: list[str], repeats: list[int]) -> onnx.ModelProto:
    """One operator on a picture of 32 pixels, with a small weight that it may take."""
    weight = helper.make_tensor("repeats", TensorProto.INT64, [len(repeats)], repeats)
    made = helper.make_graph(
        [helper.make_node(operator, inputs, ["out"]), helper.make_node("Identity", ["out"], ["end"])],
        "g",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", 32, 32, 3])],
        [helper.make_tensor_value_info("end", TensorProto.UINT8, None)],
        [weight],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])


def test_a_graph_that_fits_is_taken() -> None:
    must_fit(graph("Tile", [INPUT, "repeats"], [1, 2, 2, 1]))


def test_an_absurdly_large_tensor_is_refused() -> None:
    with pytest.raises(BundleError, match="absurd amounts of memory"):
        must_fit(graph("Tile", [INPUT, "repeats"], [1, 1 << 12, 1 << 12, 1]))


@pytest.mark.parametrize("inputs", [[INPUT], []])
def test_an_operator_without_its_inputs_is_reported(inputs: list[str]) -> None:
    with pytest.raises(BundleError, match="not well formed"):
        must_fit(graph("Tile", inputs, [1]))
