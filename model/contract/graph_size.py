"""What a model's graph would take in memory, found without running it."""

from __future__ import annotations

import math

import onnx

from model.contract.bundle import INPUT, BundleError
from model.system.onnx_runtime import FAULTS

_MOST = 1 << 28
"""Numbers that a graph may have in one place for one photo: four times what the largest input, 2048 pixels, needs."""
_NOT_WELL_FORMED: tuple[type[Exception], ...] = (*FAULTS, onnx.shape_inference.InferenceError)
_READ = 64  # numbers of a weight that may define shapes


def must_fit(graph: onnx.ModelProto) -> None:
    """Raises BundleError if something in a graph is absurdly large for one photo, as far as its shapes are known.

    Looks only at weights that define shapes, so it takes a few milliseconds.
    """
    try:
        inferred = onnx.shape_inference.infer_shapes(_without_weights(graph), data_prop=True)
    except _NOT_WELL_FORMED as error:
        raise BundleError(f"the model's graph is not well formed ({error})") from error
    for value in inferred.graph.value_info:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if math.prod(shape) > _MOST:
            raise BundleError(f"the model would need absurd amounts of memory ('{value.name}' has the shape {shape})")


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    light = onnx.ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    graph = light.graph
    graph.name = "shapes"
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _READ:
            graph.initializer.append(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    for value in graph.input:
        if value.name == INPUT:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    return light
