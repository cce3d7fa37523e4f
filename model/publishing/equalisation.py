"""Channels of one tensor brought to equal ranges before it goes to 8 bits, without a change of what the graph computes.

Eight bits a value are shared by all channels of a tensor, so a channel with a large range leaves the others few steps.
ReLU, pooling and concatenation commute with positive factors: a channel can be divided by one where it is made and
multiplied by it where it is used (Nagel et al., "Data-free quantization through weight equalization and bias
correction", ICCV 2019; with measured ranges as in Xiao et al., "SmoothQuant", ICML 2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model.contract.bundle import INPUT
from model.system.onnx_runtime import onnxruntime

_TRANSPARENT = ("Concat", "Relu", "MaxPool", "AveragePool")
"""Operators that commute with a positive factor of each channel."""
_NOTHING = 1e-6
"""A channel with a smaller range carries nothing and stays as it is."""
_BATCH = 16


@dataclass(frozen=True)
class _Use:
    """A convolution that takes the channels of a tensor, from its input channel `first` on."""

    node: onnx.NodeProto
    first: int


class _Graph:
    """A graph with the nodes that make and take each tensor, and the weights of its convolutions."""

    def __init__(self, graph: onnx.ModelProto) -> None:
        self.model = graph
        self.nodes = list(graph.graph.node)
        self.values = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in graph.graph.initializer}
        self.uses: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self.uses.setdefault(name, []).append(node)
        self.outputs = {value.name for value in graph.graph.output}
        self.widths = {node.output[0]: len(self.weight(node)) for node in self.nodes if node.op_type == "Conv"}
        for node in self.nodes:  # in the order of computation
            if node.op_type in _TRANSPARENT and all(name in self.widths for name in node.input):
                self.widths[node.output[0]] = sum(self.widths[name] for name in node.input)

    def weight(self, conv: onnx.NodeProto) -> np.ndarray:
        return self.values[conv.input[1]]

    def groups(self, conv: onnx.NodeProto) -> int:
        return next((attribute.i for attribute in conv.attribute if attribute.name == "group"), 1)

    def takers(self, tensor: str, first: int = 0) -> Iterator[_Use | None]:
        """All convolutions that the channels of a tensor reach; None if they reach anything else."""
        if tensor in self.outputs:
            yield None
        for node in self.uses.get(tensor, []):
            if node.op_type == "Conv" and node.input[0] == tensor:
                yield _Use(node, first)
            elif node.op_type in _TRANSPARENT and node.output[0] in self.widths:
                before = node.input[: list(node.input).index(tensor)]
                yield from self.takers(node.output[0], first + sum(self.widths[name] for name in before))
            else:
                yield None

    def divide(self, conv: onnx.NodeProto, factors: np.ndarray) -> None:
        """Divide the output of a convolution, channel by channel."""
        self.values[conv.input[1]] = self.weight(conv) / factors[:, None, None, None]
        if len(conv.input) > 2:
            self.values[conv.input[2]] = self.values[conv.input[2]] / factors

    def multiply(self, use: _Use, factors: np.ndarray) -> None:
        """Let a convolution multiply its input channels by so much."""
        weight, rows = self.weight(use.node), slice(use.first, use.first + len(factors))
        if self.groups(use.node) > 1:  # one input channel each
            weight[rows] *= factors[:, None, None, None]
        else:
            weight[:, rows] *= factors[None, :, None, None]

    def keep(self) -> None:
        """Put the weights as they are now into the graph."""
        for tensor in self.model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                tensor.CopyFrom(numpy_helper.from_array(self.values[tensor.name].astype(np.float32), tensor.name))


def equalise(graph: onnx.ModelProto, pictures: np.ndarray) -> None:
    """Give the channels that convolutions make similar ranges; the graph computes the same as before.

    Args:
        graph: in float32, its normalisations folded or as convolutions; changed in place.
        pictures: uint8 [N, S, S, 3], real ones, to measure the ranges.
    """
    known = _Graph(graph)
    convs = [node for node in known.nodes if node.op_type == "Conv"]
    ranges = _ranges(graph, [conv.output[0] for conv in convs], pictures)
    for conv in convs:
        found = list(known.takers(conv.output[0]))
        uses = [use for use in found if use is not None]
        mixing = {known.groups(use.node) == 1 for use in uses}
        if len(uses) < len(found) or len(mixing) != 1:
            continue
        factors = ranges[conv.output[0]]
        if mixing == {True}:  # weights for several channels share their 8 bits too: the burden is halved
            factors = np.sqrt(factors / np.maximum(_largest_weights(known, uses, len(factors)), _NOTHING))
        factors = np.where(factors > _NOTHING, factors, 1.0)
        known.divide(conv, factors)
        for use in uses:
            known.multiply(use, factors)
    known.keep()


def _largest_weights(known: _Graph, uses: list[_Use], channels: int) -> np.ndarray:
    """For each channel, the largest magnitude of the weights that take it."""
    parts = [known.weight(use.node)[:, use.first : use.first + channels] for use in uses]
    return np.max([np.abs(part).max(axis=(0, 2, 3)) for part in parts], axis=0)


def _ranges(graph: onnx.ModelProto, names: list[str], pictures: np.ndarray) -> dict[str, np.ndarray]:
    """For each tensor, the largest magnitude in each channel: the mean over batches."""
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    starts = range(0, len(pictures), _BATCH)
    totals = dict.fromkeys(names, np.zeros(1))
    for start in starts:
        found = session.run(names, {INPUT: pictures[start : start + _BATCH]})
        for name, values in zip(names, found, strict=True):
            totals[name] = totals[name] + np.abs(values).max(axis=(0, 2, 3)) / len(starts)
    return totals
