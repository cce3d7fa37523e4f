"""Smaller and faster forms of an identification model: half precision for GPUs, 8-bit integers for CPUs.

All variants of a network share its fingerprint, so that one gallery serves them; what a variant loses is measured, with
the gallery of the full network, and travels in the file.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from model.bundle import EVIDENCE, INPUT, LIKENESS, OUTPUTS
from model.equalise import equalise

_QUANTISED = ("Conv", "Concat", "Relu", "Clip", "Add", "MaxPool", "AveragePool")
"""Operators in 8 bits; the heads stay in float32, where the last digits decide."""
_LARGE = 1024
"""Weights with fewer values than this are not worth a conversion node."""
_BATCH = 16
_Name = TypeVar("_Name", bound=Hashable)
WITHOUT_THE_REST = onnxruntime.RunOptions()
"""As the program runs it: what leads to no output that is asked for, the maps of evidence, is not computed."""
WITHOUT_THE_REST.only_execute_path_to_fetches = True


def half_stored(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large weights stored in half precision and widened when it is loaded.

    It computes in float32 as before; exact where the weights have been rounded to half precision already.
    """
    small = onnx.ModelProto()
    small.CopyFrom(graph)
    casts = []
    for tensor in small.graph.initializer:
        # not the vectors of a normalisation: a small variance would vanish
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or np.prod(tensor.dims) < _LARGE:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}.widened", to=TensorProto.FLOAT))
    nodes = list(small.graph.node)
    del small.graph.node[:]
    small.graph.node.extend([*casts, *nodes])
    # what a conversion noted of their types no longer holds
    widened = {node.output[0] for node in casts}
    notes = [value for value in small.graph.value_info if value.name not in widened]
    del small.graph.value_info[:]
    small.graph.value_info.extend(notes)
    return small


def to_fp16(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Computes in half precision between the same inputs and outputs; the lengths and the heads stay in float32."""
    precise = ["Gemm", "MatMul", "ReduceL2", "Div", "Sub", "Einsum", "ReduceMean", "ReduceMax", "Expand"]
    half = convert_float_to_float16(graph, keep_io_types=True, op_block_list=precise)
    # a tensor that goes to two of these is widened twice under one name; the first, before both, is enough
    once: dict[str, onnx.NodeProto] = {}
    for number, node in enumerate(half.graph.node):
        once.setdefault(node.name or str(number), node)
    kept = list(once.values())
    del half.graph.node[:]
    half.graph.node.extend(kept)
    OnnxModel(half).topological_sort()
    return half_stored(half)


def to_int8(graph: onnx.ModelProto, pictures: np.ndarray) -> onnx.ModelProto:
    """Static quantisation: weights per channel, activations by the range that they have on real pictures.

    With channels made alike (model/equalise.py) and mean ranges the embedding of a DenseNet-169 keeps a cosine of 0.994
    to that in float32 (median of validation photos); without 0.949.

    Args:
        graph: in float32.
        pictures: uint8 [N, S, S, 3]; some hundred are enough.
    """

    class Pictures(CalibrationDataReader):
        def __init__(self) -> None:
            self._batches: Iterator[np.ndarray] = (
                pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)
            )

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT: batch}

    with TemporaryDirectory() as folder:
        plain, folded, quantised = (Path(folder) / name for name in ("plain.onnx", "folded.onnx", "int8.onnx"))
        onnx.save(graph, plain)
        quant_pre_process(plain, folded, skip_symbolic_shape=True)
        ready = _normalisations_as_convolutions(onnx.load(folded))
        equalise(ready, pictures)
        onnx.save(ready, folded)
        quantize_static(
            folded,
            quantised,
            Pictures(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(_QUANTISED),
            nodes_to_exclude=[node.name for node in ready.graph.node if EVIDENCE in node.output],
            # ranges as they are on average, not as one picture has them
            extra_options={"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.05},
        )
        return half_stored(onnx.load(quantised))


def _normalisations_as_convolutions(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Batch normalisations that no convolution could absorb, as 1 x 1 convolutions of each channel.

    DenseNet normalises before its convolutions. There is no normalisation in 8 bits, so that every layer would go to
    float32 and back.
    """
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
    nodes = []
    for node in graph.graph.node:
        if node.op_type != "BatchNormalization":
            nodes.append(node)
            continue
        scale, shift, mean, variance = (values[name] for name in node.input[1:])
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        weight = numpy_helper.from_array(factor.reshape(-1, 1, 1, 1).astype(np.float32), f"{node.output[0]}.weight")
        bias = numpy_helper.from_array((shift - mean * factor).astype(np.float32), f"{node.output[0]}.bias")
        graph.graph.initializer.extend([weight, bias])
        inputs = [node.input[0], weight.name, bias.name]
        nodes.append(
            helper.make_node("Conv", inputs, node.output[:1], name=node.name, group=len(factor), kernel_shape=[1, 1])
        )
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.graph.initializer if tensor.name in used]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    return graph


def outputs_of(graph: onnx.ModelProto, pictures: np.ndarray) -> list[np.ndarray]:
    """Coarse logits, fine logits, embedding and likeness of uint8 pictures [N, S, S, 3], float32, on the CPU."""
    session = cpu_session(graph)
    parts = [
        session.run([*OUTPUTS, LIKENESS], {INPUT: pictures[start : start + _BATCH]}, WITHOUT_THE_REST)
        for start in range(0, len(pictures), _BATCH)
    ]
    return [np.concatenate(columns).astype(np.float32) for columns in zip(*parts, strict=True)]


def cpu_session(graph: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU, as the program opens it: threads that wait for more by spinning slow what runs next."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def speeds(tasks: Mapping[_Name, tuple[onnx.ModelProto, np.ndarray]], rounds: int = 7) -> dict[_Name, float]:
    """Median images/s of each graph on this CPU, in turns, so that what else the machine does weighs on all alike.

    Args:
        tasks: graphs, and the pictures that each takes at once: uint8 [N, S, S, 3].
    """
    sessions = {name: cpu_session(graph) for name, (graph, _) in tasks.items()}
    times: dict[_Name, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(list(OUTPUTS), {INPUT: tasks[name][1]}, WITHOUT_THE_REST)
            times[name].append(time.perf_counter() - start)
    return {name: len(tasks[name][1]) / float(np.median(seconds[1:])) for name, seconds in times.items()}
