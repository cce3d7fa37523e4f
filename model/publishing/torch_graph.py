"""A torch network as an ONNX graph."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import onnx
import torch
from torch import Tensor, nn

from model.contract.bundle import INPUT

OPSET = 18


def as_graph(network: nn.Module, example: Tensor, outputs: Sequence[str]) -> onnx.ModelProto:
    """The network as a graph with a batch dimension of any length.

    Args:
        network: on the CPU, for evaluation.
        example: what it takes, for two or more pictures.
        outputs: names for what it gives, in order.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes of the exporter about its own next versions
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=list(outputs),
            dynamic_shapes={"image": {0: torch.export.Dim("n", min=1, max=4096)}},
            opset_version=OPSET,
            external_data=False,
        )
    assert program is not None
    return _without_origin(program.model_proto)


def _without_origin(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same without the exporter's notes: source lines with paths of this computer, a megabyte for a DenseNet."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return model
