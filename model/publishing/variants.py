"""Smaller and faster forms of an identification model: half precision for GPUs, 8-bit integers for CPUs.

All variants of a network share its fingerprint, so that one gallery serves them; what a variant loses is measured with
the gallery of the full network, and kept in the file.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from model.contract.bundle import EVIDENCE, INPUT, LIKENESS, OUTPUTS, BundleError, giving
from model.publishing.equalisation import equalise
from model.publishing.graph_rewriting import (
    Bytes,
    concatenated,
    growing_concats,
    means_before_mixing,
    normalisations_as_convolutions,
    pixels_as_bytes,
    take_bytes,
)
from model.system.onnx_runtime import FAULTS, onnxruntime

_QUANTISED = ("Conv", "Concat", "Relu", "Clip", "Add", "MaxPool", "AveragePool")
"""Operators in 8 bits; the heads stay in float32, where the last digits decide."""
_POOLINGS = ("ReduceMean", "GlobalAveragePool")
_LARGE = 1024
"""Weights with fewer values than this are not worth a conversion node."""
_ROUNDING = 2**-11
"""Largest error of a number in half precision, as a share of it, within the range of half precision."""
_BATCH = 16
_AVERAGING = 0.05
"""Weight of a batch in the running mean of the ranges."""
_Overrides = dict[str, list[dict[str, Any]]]
"""Tensor -> its range or scale, in the form that the quantising library takes."""
_Name = TypeVar("_Name", bound=Hashable)


def half_stored(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large weights stored in half precision and widened when it is loaded.

    It computes in float32 as before; exact if the weights have already been rounded to half precision. Weights beyond
    the range of half precision stay as they are; a projection fitted to few photos may have some.
    """
    small = onnx.ModelProto()
    small.CopyFrom(graph)
    casts = []
    for tensor in small.graph.initializer:
        # not the vectors of a normalisation: a small variance would vanish
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or np.prod(tensor.dims) < _LARGE:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.abs(half - values).max() <= _ROUNDING * np.abs(values).max():
            continue
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}.widened", to=TensorProto.FLOAT))
    nodes = list(small.graph.node)
    del small.graph.node[:]
    small.graph.node.extend([*casts, *nodes])
    # the types noted by a conversion no longer hold
    widened = {node.output[0] for node in casts}
    notes = [value for value in small.graph.value_info if value.name not in widened]
    del small.graph.value_info[:]
    small.graph.value_info.extend(notes)
    return small


def to_fp16(graph: onnx.ModelProto, wide: Sequence[str] | None = None) -> onnx.ModelProto:
    """Computes in half precision between the same inputs and outputs.

    Args:
        graph: in float32.
        wide: names of the nodes that stay in float32; None for those of an identification model, from the pooling on.
    """
    wide = _after_backbone(graph) if wide is None else wide
    half = convert_float_to_float16(graph, keep_io_types=True, op_block_list=[], node_block_list=list(wide))
    # a tensor that goes to two of these is widened twice under one name; the first, before both, is enough
    once: dict[str, onnx.NodeProto] = {}
    for number, node in enumerate(half.graph.node):
        once.setdefault(node.name or str(number), node)
    kept = list(once.values())
    del half.graph.node[:]
    half.graph.node.extend(kept)
    _stay_wide(half)
    OnnxModel(half).topological_sort()
    return half_stored(half)


def _after_backbone(graph: onnx.ModelProto) -> list[str]:
    """Names of the nodes that outputs need after the backbone: from the pooling of its last maps on."""
    makers = {name: node for node in graph.graph.node for name in node.output}
    pooling = next(node for node in _before(makers, [OUTPUTS[0]]) if node.op_type in _POOLINGS)
    outputs = [value.name for value in graph.graph.output]
    return [node.name for node in _before(makers, outputs, pooling.input[0])]


def _before(makers: Mapping[str, onnx.NodeProto], tensors: list[str], end: str = "") -> Iterator[onnx.NodeProto]:
    """The nodes that make the tensors, then the nodes before these, and so on, but none that make the tensor `end`."""
    seen = {end}
    waiting = list(tensors)
    for name in waiting:  # it grows meanwhile
        if name in makers and name not in seen:
            seen.update(makers[name].output)
            yield makers[name]
            waiting += makers[name].input


def _stay_wide(half: onnx.ModelProto) -> None:
    """Let float32 go to float32 directly, where the conversion would go through half precision."""
    makers = {name: node for node in half.graph.node for name in node.output}
    wide: dict[str, str] = {}
    for node in half.graph.node:
        narrow = makers.get(node.input[0]) if _casts_to(node, TensorProto.FLOAT) else None
        if narrow is not None and _casts_to(narrow, TensorProto.FLOAT16):
            wide[node.output[0]] = narrow.input[0]
    for node in half.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = wide.get(name, name)


def _casts_to(node: onnx.NodeProto, kind: int) -> bool:
    return node.op_type == "Cast" and node.attribute[0].i == kind


def to_int8(graph: onnx.ModelProto, pictures: np.ndarray) -> onnx.ModelProto:
    """Static quantisation: weights per channel, activations by the range that they have on real pictures.

    With equalised channels (model/publishing/equalisation.py) and mean ranges the embedding of a DenseNet-169 keeps a
    cosine of 0.997 to that in float32 (median of test photos); see model/README.md for what each of them gives.

    Args:
        graph: in float32.
        pictures: uint8 [N, S, S, 3]; a few hundred are enough.
    """
    with TemporaryDirectory() as folder:
        plain, folded, watched, quantised = (Path(folder) / f"{name}.onnx" for name in ("plain", "folded", "w", "int8"))
        onnx.save(graph, plain)
        quant_pre_process(plain, folded, skip_symbolic_shape=True)
        ready = onnx.load(folded)
        normalisations_as_convolutions(ready)
        means_before_mixing(ready)
        growing_concats(ready)
        pixels = pixels_as_bytes(ready)
        equalise(ready, pictures)
        onnx.save(ready, folded)
        quantize_static(
            folded,
            quantised,
            _Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(_QUANTISED),
            nodes_to_exclude=[node.name for node in ready.graph.node if EVIDENCE in node.output],
            # average ranges, not those of a single picture
            extra_options={
                "CalibMovingAverage": True,
                "CalibMovingAverageConstant": _AVERAGING,
                "TensorQuantOverrides": _bytes_range(pixels) | _common_ranges(ready, folded, watched, pictures),
            },
        )
        small = onnx.load(quantised)
        if pixels is not None:
            take_bytes(small, pixels)
        return half_stored(small)


class _Pictures(CalibrationDataReader):
    """Pictures in batches, for the library that quantises."""

    def __init__(self, pictures: np.ndarray) -> None:
        self._batches = (pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def _bytes_range(pixels: Bytes | None) -> _Overrides:
    """One step for each byte."""
    if pixels is None:
        return {}
    return {pixels.tensor: [{"scale": np.array(1, np.float32), "zero_point": np.array(pixels.number, np.uint8)}]}


def _common_ranges(graph: onnx.ModelProto, file: Path, scratch: Path, pictures: np.ndarray) -> _Overrides:
    """One range for tensors that are concatenated: that of them all."""
    groups = concatenated(graph)
    if not groups:
        return {}
    settings = {"moving_average": True, "averaging_constant": _AVERAGING}
    calibrator = create_calibrator(file, ["Concat"], scratch, extra_options=settings)
    calibrator.set_execution_providers(["CPUExecutionProvider"])
    calibrator.collect_data(_Pictures(pictures))
    ranges = calibrator.compute_data().data
    found: _Overrides = {}
    for group in groups:
        low, high = zip(*(ranges[name].range_value for name in group), strict=True)
        found |= {name: [{"rmin": np.min(low), "rmax": np.max(high)}] for name in group}
    return found


def outputs_of(graph: onnx.ModelProto, pictures: np.ndarray) -> list[np.ndarray]:
    """Coarse logits, fine logits, embedding and likeness of uint8 pictures [N, S, S, 3], float32, on the CPU."""
    names = [*OUTPUTS, LIKENESS]
    session = cpu_session(giving(graph, names))
    parts = [session.run(names, {INPUT: pictures[start : start + _BATCH]}) for start in range(0, len(pictures), _BATCH)]
    return [np.concatenate(columns).astype(np.float32) for columns in zip(*parts, strict=True)]


def cpu_session(graph: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU, as the program opens it: threads that spin while they wait would slow down what runs next.

    Raises:
        BundleError: if onnxruntime cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except FAULTS as error:
        raise BundleError(f"onnxruntime cannot load the model ({error})") from error


def speeds(tasks: Mapping[_Name, tuple[onnx.ModelProto, np.ndarray]], rounds: int = 7) -> dict[_Name, float]:
    """Median images/s of each graph on this CPU, measured in turns, so that other load affects all of them alike.

    Args:
        tasks: graphs, and the pictures that each takes at once: uint8 [N, S, S, 3].
    """
    sessions = {name: cpu_session(giving(graph, OUTPUTS)) for name, (graph, _) in tasks.items()}
    times: dict[_Name, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(list(OUTPUTS), {INPUT: tasks[name][1]})
            times[name].append(time.perf_counter() - start)
    return {name: len(tasks[name][1]) / float(np.median(seconds[1:])) for name, seconds in times.items()}
