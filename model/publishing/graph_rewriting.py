"""The same function in operators that are fast in 8 bits: prepares a graph to be quantised.

onnxruntime computes convolutions in 8 bits several times faster than in float32, most other things hardly faster, or
not at all. Except at the picture's edge (`pixels_as_bytes`), nothing here changes what the graph computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


@dataclass(frozen=True)
class Bytes:
    """A tensor with the bytes of the picture minus a whole number."""

    picture: str
    """The bytes themselves: uint8 [N, 3, S, S]."""
    tensor: str
    """The bytes minus the number: float32, the same shape."""
    number: int


class _Graph:
    """A graph whose nodes are replaced, in the order of computation."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.nodes = list(model.graph.node)
        self.weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self.makers = {name: node for node in self.nodes for name in node.output}
        self.takers = Counter(name for node in self.nodes for name in node.input)
        self.takers.update(value.name for value in model.graph.output)

    def weight(self, name: str) -> np.ndarray:
        return numpy_helper.to_array(self.weights[name])

    def before(self, node: onnx.NodeProto | None, op_type: str) -> onnx.NodeProto | None:
        """The node of this kind that makes the first input of a node, if nothing else takes it."""
        made = self.makers.get(node.input[0]) if node is not None else None
        return made if made is not None and made.op_type == op_type and self.takers[made.output[0]] == 1 else None

    def add(self, weights: Mapping[str, np.ndarray]) -> None:
        """Weights under new names."""
        tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
        self.model.graph.initializer.extend(tensors)

    def convolution(
        self, taken: str, made: str, weight: np.ndarray, bias: np.ndarray | None = None, **attributes: Any
    ) -> onnx.NodeProto:
        """A convolution of each channel by itself.

        Args:
            weight: [channels, k, k].
            bias: [channels].
        """
        parts = {f"{made}.weight": weight[:, None]} | ({} if bias is None else {f"{made}.bias": bias})
        self.add(parts)
        attributes |= {"group": len(weight), "kernel_shape": list(weight.shape[1:])}
        return helper.make_node("Conv", [taken, *parts], [made], name=f"{made}.convolution", **attributes)

    def put(self, nodes: Sequence[onnx.NodeProto]) -> None:
        """Take these nodes instead, with the weights that they need and the shapes of the tensors that they make."""
        graph = self.model.graph
        used, made = ({name for node in nodes for name in names(node)} for names in (_inputs, _outputs))
        kept = [tensor for tensor in graph.initializer if tensor.name in used]
        notes = [value for value in graph.value_info if value.name in made]
        for field, content in ((graph.node, nodes), (graph.initializer, kept), (graph.value_info, notes)):
            del field[:]
            field.extend(content)


def _inputs(node: onnx.NodeProto) -> Sequence[str]:
    return node.input


def _outputs(node: onnx.NodeProto) -> Sequence[str]:
    return node.output


def _attribute(node: onnx.NodeProto, name: str, otherwise: Any = None) -> Any:
    return next((helper.get_attribute_value(given) for given in node.attribute if given.name == name), otherwise)


def normalisations_as_convolutions(model: onnx.ModelProto) -> None:
    """Batch normalisations that no convolution could absorb, as 1 x 1 convolutions of each channel.

    DenseNet normalises before its convolutions. There is no normalisation in 8 bits, so every layer would go to float32
    and back.
    """
    graph, nodes = _Graph(model), []
    for node in graph.nodes:
        if node.op_type == "BatchNormalization":
            scale, shift, mean, variance = (graph.weight(name) for name in node.input[1:])
            factor = scale / np.sqrt(variance + _attribute(node, "epsilon", 1e-5))
            node = graph.convolution(node.input[0], node.output[0], factor[:, None, None], shift - mean * factor)
        nodes.append(node)
    graph.put(nodes)


def pixels_as_bytes(model: onnx.ModelProto) -> Bytes | None:
    """The pixels' normalisation, a factor minus a shift for each colour, within the convolution that takes them.

    The convolution then takes the bytes of the picture minus the colours' mean, which 8 bits hold exactly. Beyond
    the picture's edge it takes this one mean instead of each colour's own, 10 of 255 more or less.

    Returns None, and changes nothing, if the pixels do not go that way.
    """
    graph = _Graph(model)
    for conv in (node for node in graph.nodes if node.op_type == "Conv"):
        less = graph.before(conv, "Sub")
        times = graph.before(less, "Mul")
        cast = graph.before(times, "Cast")
        if less is None or times is None or cast is None:
            continue
        factor, shift = (graph.weight(node.input[1]).reshape(-1) for node in (times, less))
        number = round(float((shift / factor).mean()))
        weight = graph.weight(conv.input[1])
        bias = graph.weight(conv.input[2]) if len(conv.input) > 2 else np.zeros(len(weight))
        new = {
            f"{conv.output[0]}.number": np.array(number),
            f"{conv.output[0]}.weight": weight * factor[:, None, None],
            f"{conv.output[0]}.bias": bias + weight.sum((2, 3)) @ (number * factor - shift),
        }
        graph.add(new)
        number_as_weight, *conv_as_weights = new
        conv.input[:] = [less.output[0], *conv_as_weights]
        less.input[:] = [cast.output[0], number_as_weight]
        graph.put([node for node in graph.nodes if node is not times])
        return Bytes(cast.input[0], less.output[0], number)
    return None


def take_bytes(quantised: onnx.ModelProto, pixels: Bytes) -> None:
    """Takes the picture's bytes as they are, instead of converting them to float32 and back."""
    graph = _Graph(quantised)
    to_bytes = next(node for node in graph.nodes if list(node.input[:1]) == [pixels.tensor])
    less = graph.makers[pixels.tensor]
    way = [to_bytes.output[0], pixels.tensor, less.input[0]]
    for node in graph.nodes:
        if list(node.input[:1]) == way[:1]:
            node.input[0] = pixels.picture
    graph.put([node for node in graph.nodes if node.output[0] not in way])


def means_before_mixing(model: onnx.ModelProto) -> None:
    """Puts the mean over neighbouring pixels before the 1 x 1 convolution that it follows, and makes it a convolution.

    Both are linear, one over places, the other over channels, so their order is free; the mean leaves a quarter of
    the places. It has no fast form in 8 bits, but a convolution of each channel has.
    """
    graph = _Graph(model)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for pool in (node for node in graph.nodes if node.op_type == "AveragePool"):
        mix = graph.before(pool, "Conv")
        if mix is None or not _only_mixes(graph, mix) or _attribute(pool, "ceil_mode") or any(_pads(pool)):
            continue
        channels, kernel = graph.weight(mix.input[1]).shape[1], _attribute(pool, "kernel_shape")
        means = np.full((channels, *kernel), 1 / np.prod(kernel))
        strides = list(_attribute(pool, "strides", [1, 1]))
        first = graph.convolution(mix.input[0], f"{mix.output[0]}.means", means, strides=strides)
        then = onnx.NodeProto()
        then.CopyFrom(mix)
        then.input[0], then.output[0] = first.output[0], pool.output[0]
        replaced |= {mix.output[0]: [], pool.output[0]: [first, then]}
    graph.put([new for node in graph.nodes for new in replaced.get(node.output[0], [node])])


def _only_mixes(graph: _Graph, conv: onnx.NodeProto) -> bool:
    """Whether a convolution takes each place by itself, with all channels."""
    one_place = graph.weight(conv.input[1]).shape[2:] == (1, 1) and set(_attribute(conv, "strides", [1])) == {1}
    return one_place and _attribute(conv, "group", 1) == 1 and not any(_pads(conv))


def _pads(node: onnx.NodeProto) -> Sequence[int]:
    pads: Sequence[int] = _attribute(node, "pads", [])
    return pads


def growing_concats(model: onnx.ModelProto) -> None:
    """If the first of the tensors to be concatenated have been concatenated before, use that result.

    A dense block concatenates everything again for every layer.
    """
    graph, nodes = _Graph(model), []
    known: dict[tuple[Any, ...], str] = {}
    for node in graph.nodes:
        if node.op_type == "Concat":
            axis, names = _attribute(node, "axis"), tuple(node.input)
            lengths = range(len(names) - 1, 1, -1)
            length = next((length for length in lengths if (axis, *names[:length]) in known), 0)
            known.setdefault((axis, *names), node.output[0])
            if length:
                rest = [known[axis, *names[:length]], *names[length:]]
                node = helper.make_node("Concat", rest, node.output, name=node.name, axis=axis)
        nodes.append(node)
    graph.put(nodes)


def concatenated(model: onnx.ModelProto) -> list[set[str]]:
    """Outputs of convolutions that are concatenated, and the results, in groups that share no tensor.

    In 8 bits, tensors of one scale are copied, others are computed again.
    """
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    groups: list[set[str]] = []
    for node in model.graph.node:
        if node.op_type == "Concat" and any(makers.get(name) == "Conv" for name in node.input):
            group = {name for name in (*node.input, *node.output) if makers.get(name) in ("Conv", "Concat")}
            touching = [other for other in groups if other & group]
            groups = [other for other in groups if other not in touching] + [group.union(*touching)]
    return groups
