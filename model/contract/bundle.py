"""The identification model file: one `.onnx` that carries everything needed to use it.

Input `image`: uint8 [N, S, S, 3] RGB; scaling and normalisation are inside the graph. Outputs: `coarse_logits`
[N, n_coarse], `fine_logits` [N, n_fine], `embedding` [N, d] of unit length, `likeness` [N] to what was learned from
(missing in older files), and where the network allows it `evidence` [N, n_fine, h, w]. The metadata entry `marque`
holds a JSON document, described by `BundleInfo`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx.utils import Extractor
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.contract.photo import FitPolicy
from model.contract.taxonomy import Taxonomy, name_problem
from model.system.errors import MarqueError
from model.system.outputs import Output, write_to
from model.system.reading import parse_json, read_file

METADATA_KEY = "marque"
FORMAT = 2
INPUT = "image"
OUTPUTS = ("coarse_logits", "fine_logits", "embedding")
LIKENESS = "likeness"
"""An output that older files do not have: [N], how much a picture is like anything that the network was trained on.
Without it the energy of the coarse logits is used (model/contract/openset.py)."""
EVIDENCE = "evidence"
"""A further output that a model may have: [N, n_fine, h, w], for each class a map of what speaks for it."""

_LARGEST = 1 << 30  # bytes of a file; the largest network that can be trained takes 60 MB
_DOMAINS = ("", "ai.onnx", "com.microsoft")  # onnxruntime's own operators
_TENSOR = onnx.AttributeProto.TENSOR
_SETTINGS = {_TENSOR} | {
    getattr(onnx.AttributeProto, kind) for kind in ("FLOAT", "INT", "STRING", "FLOATS", "INTS", "STRINGS")
}
"""The types that a setting of an operator may have; not a graph, which would be a loop or a branch."""


class BundleError(MarqueError):
    """A file that is not a usable identification model; the message says which file and what is wrong with it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# far beyond anything measured, and still safe to compute with
_Temperature = Annotated[float, Field(ge=1e-6, le=1e6)]
_Weight = Annotated[float, Field(ge=0, le=1e6)]
_Mean = Annotated[float, Field(ge=-1e30, le=1e30)]
_Deviation = Annotated[float, Field(ge=1e-30, le=1e30)]


class Variant(StrEnum):
    """How a model file computes: the full network, in half precision for GPUs, in 8-bit integers for CPUs."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


def beside(path: Path, variant: Variant) -> Path:
    """The place of a variant of the model file at `path`: `marque.onnx`, `marque.int8.onnx`."""
    return path if variant is Variant.FP32 else path.with_suffix(f".{variant}.onnx")


class Preprocessing(_Part):
    """How a photograph becomes the network's input: `model.contract.photo.fit(image, size, fit)`."""

    size: int = Field(ge=16, le=2048, description="side of the square input, pixels")
    fit: FitPolicy = FitPolicy.SQUASH


class Domain(_Part):
    """Types of one kind of photo (cars, vessels), which share their temperatures."""

    types: tuple[str, ...] = Field(min_length=1)
    coarse_temperature: _Temperature
    fine_temperature: _Temperature


class Calibration(_Part):
    """From logits to probabilities: temperatures that divide the logits (Guo et al., ICML 2017), and a weight."""

    coarse_temperature: _Temperature = 1.0
    fine_temperature: _Temperature = 1.0
    domains: tuple[Domain, ...] = Field(default=(), description="if there are any, they replace the two above")
    coarse_weight: float = Field(
        default=0.5, ge=0, le=1, description="weight of the coarse head, beside the fine head's sums, in a type"
    )


class Fusion(_Part):
    """How the heads and the reference photos are weighed against each other if there is a gallery."""

    heads: _Weight = Field(default=1.0, description="weight of the logarithm of the heads' probability")
    references: _Weight = Field(default=0.0, description="weight of a class's score, per unit of cosine")
    temperature: _Temperature = Field(default=0.05, description="of the softmax of the scores alone")
    none: float = Field(default=0.5, ge=-1, le=1, description="score at which an enrolled class is as likely as none")
    logit: _Weight = Field(
        default=0.0,
        description="how much a standard deviation of the largest logit speaks against enrolled classes, in log-odds",
    )
    neighbours: int = Field(default=16, ge=1, le=10_000, description="nearest references that are asked")


class Familiarity(_Part):
    """Scale of the score for known classes: statistics of the validation photos."""

    logit_mean: _Mean = 0.0
    logit_deviation: _Deviation = 1.0
    similarity_mean: _Mean = 0.0
    similarity_deviation: _Deviation = 1.0
    similarity_weight: float = Field(default=0.5, ge=0, le=1)


class Thresholds(_Part):
    """What must be reached for an answer. None if nothing was measured to choose it by."""

    fine: float = Field(default=0.5, ge=0, le=1, description="probability of the fine class")
    coarse: float = Field(default=0.5, ge=0, le=1, description="probability of the coarse class")
    likeness: float | None = Field(
        default=None,
        validation_alias=AliasChoices("likeness", "energy"),  # its name in older files
        description="likeness below which a picture shows nothing that the model knows",
    )
    familiarity: float | None = Field(default=None, description="below which a photo's class is unknown")


class BundleInfo(_Part):
    """The metadata of a model file."""

    format: int = FORMAT
    name: str
    created: datetime
    fingerprint: str = Field(
        pattern="^[0-9a-z]{1,64}$",  # files and tables are called by it
        description="identifies network and preprocessing, whatever the variant; embeddings of equal ones compare",
    )
    taxonomy: Taxonomy
    preprocessing: Preprocessing
    embedding_dim: int = Field(ge=1, le=1 << 16)
    calibration: Calibration = Calibration()
    fusion: Fusion = Fusion()
    familiarity: Familiarity = Familiarity()
    thresholds: Thresholds = Thresholds()
    variant: Variant = Variant.FP32
    training: dict[str, Any] = Field(default_factory=dict, description="facts about the run, for people")
    measured: dict[str, float] = Field(default_factory=dict, description="of a variant: accuracy and speed beside fp32")

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        problem = name_problem([self.name]) or self.taxonomy.problem
        if problem:
            raise ValueError(problem)
        for name in (name for domain in self.calibration.domains for name in domain.types):
            if name not in self.taxonomy.coarse_index:
                raise ValueError(f"temperatures of '{name}', which is not a type of the model")
        return self

    def shapes(self, photos: int) -> dict[str, tuple[int, ...]]:
        """Output of the graph -> its shape for this many photos; for the evidence without height and width."""
        types, classes = len(self.taxonomy.coarse), len(self.taxonomy.fine)
        columns = zip(OUTPUTS, (types, classes, self.embedding_dim), strict=True)
        return {
            **{name: (photos, width) for name, width in columns},
            LIKENESS: (photos,),
            EVIDENCE: (photos, classes),
        }

    @property
    def calibrated(self) -> bool:
        """Whether temperatures were chosen on validation photos, so that confidences can be taken at their word."""
        return self.calibration != Calibration()

    @property
    def signature(self) -> str:
        """Name and fingerprint, as tables of labels name the model."""
        return f"{self.name} {self.fingerprint}"


class _Version(BaseModel):
    """The one entry that every format has."""

    format: int


def fingerprint(graph: onnx.ModelProto, preprocessing: Preprocessing) -> str:
    """16 hex digits over weights, operators, their settings and preprocessing.

    Names, thresholds and calibration are not part of it.
    """
    digest = hashlib.sha256(preprocessing.model_dump_json().encode())
    for node in graph.graph.node:
        digest.update(node.op_type.encode())
        for attribute in sorted(node.attribute, key=lambda attribute: attribute.name):
            digest.update(_without_names(attribute).SerializeToString(deterministic=True))
    for tensor in graph.graph.initializer:
        digest.update(onnx.numpy_helper.to_array(tensor).tobytes())
    return digest.hexdigest()[:16]


def _without_names(attribute: onnx.AttributeProto) -> onnx.AttributeProto:
    """A setting as it counts for the fingerprint: exporters number the constants in it differently each time."""
    nameless = onnx.AttributeProto()
    nameless.CopyFrom(attribute)
    if attribute.HasField("t"):
        nameless.t.ClearField("name")
    nameless.ClearField("doc_string")
    return nameless


def write(place: Path | Output, graph: onnx.ModelProto, info: BundleInfo) -> Path:
    """Write the graph with `info` as its metadata, whole or not at all; where the file is now.

    Raises:
        BundleError: if the graph does not have the input and outputs of the contract.
    """
    _check_graph(place.place if isinstance(place, Output) else place, graph, info)
    whole = onnx.ModelProto()
    whole.CopyFrom(graph)
    onnx.helper.set_model_props(whole, {METADATA_KEY: info.model_dump_json()})
    return write_to(place, lambda file: file.write(whole.SerializeToString()))


def read_info(path: Path) -> BundleInfo:
    """The metadata of a model file, checked against its graph. Raises as `read`."""
    return read(path)[0]


def read(path: Path) -> tuple[BundleInfo, onnx.ModelProto]:
    """A model file: its metadata, checked against its graph, and the graph.

    Raises:
        BundleError: if the file is missing, is not an ONNX file, was not made by Marque, or has another format version.
    """
    try:
        data = read_file(path, _LARGEST)
    except FileNotFoundError:
        raise BundleError(f"{path}: the model file does not exist") from None
    except OSError as error:
        raise BundleError(f"{path}: the model file cannot be read ({error.strerror})") from error
    graph = onnx.ModelProto()
    try:
        graph.ParseFromString(data)
        entries = {entry.key: entry.value for entry in graph.metadata_props}
        if METADATA_KEY not in entries:
            raise BundleError(f"{path}: this ONNX file was not made by Marque (no '{METADATA_KEY}' metadata)")
        info = _parse_info(path, entries[METADATA_KEY])
        _check_graph(path, graph, info)
    except (DecodeError, UnicodeDecodeError) as error:  # texts are decoded only when they are read
        raise BundleError(f"{path}: this is not an ONNX file, or it is damaged") from error
    return info, graph


def giving(graph: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """The graph with only these outputs, as far as it has them, and without what only the others need.

    onnxruntime computes everything in a graph, whatever it is asked for.

    Raises:
        BundleError: if the graph is not well formed.
    """
    there = {value.name for value in graph.graph.output}
    try:
        small: onnx.ModelProto = Extractor(graph).extract_model([INPUT], [name for name in outputs if name in there])
    except (AssertionError, ValueError, TypeError) as error:  # what onnx raises
        raise BundleError(f"the model's graph is not well formed ({error})") from error
    return small


def _parse_info(path: Path, text: str | bytes) -> BundleInfo:
    try:
        content = parse_json(text.encode() if isinstance(text, str) else text)  # bytes if it is not UTF-8
    except ValueError as error:
        raise BundleError(f"{path}: the model file's metadata is damaged ({error})") from error
    # the version first: another format may differ in everything else
    try:
        version = _Version.model_validate(content).format
    except ValidationError as error:
        raise BundleError(f"{path}: the model file does not say its format version") from error
    if version != FORMAT:
        raise BundleError(
            f"{path}: the model file has format {version}, this program reads format {FORMAT}; "
            + ("update the program" if version > FORMAT else "export the model again")
        )
    try:
        return BundleInfo.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise BundleError(f"{path}: the model file's metadata is wrong at '{where}': {first['msg']}") from error


def _check_graph(path: Path, graph: onnx.ModelProto, info: BundleInfo) -> None:
    _check_operators(path, graph)
    weights = {tensor.name for tensor in graph.graph.initializer}  # older exporters list them as inputs
    inputs = [value.name for value in graph.graph.input if value.name not in weights]
    if inputs != [INPUT]:
        raise BundleError(f"{path}: the model's inputs are {inputs[:5]}, expected ['{INPUT}']")
    _check_input(path, next(value for value in graph.graph.input if value.name == INPUT), info.preprocessing.size)
    outputs = {value.name: value for value in graph.graph.output}
    promised = info.shapes(photos=1)
    for name in OUTPUTS:
        if name not in outputs:
            raise BundleError(f"{path}: the model has no output '{name}'")
        shape = [dim.dim_value for dim in outputs[name].type.tensor_type.shape.dim]
        if len(shape) != 2:
            raise BundleError(f"{path}: output '{name}' is not a table but {_described(outputs[name])}")
        expected = promised[name][1]
        if shape[-1] != expected:
            raise BundleError(f"{path}: output '{name}' has {shape[-1]} columns, the metadata says {expected}")


def _check_operators(path: Path, graph: onnx.ModelProto) -> None:
    """Refuses what no network needs: weights in other files, operators of other libraries, loops without an end."""
    if graph.functions or graph.graph.sparse_initializer or graph.graph.quantization_annotation:
        raise BundleError(f"{path}: the model has parts that no model of Marque has (functions or sparse weights)")
    made: set[str] = set()
    tensors = list(graph.graph.initializer)
    for node in graph.graph.node:
        if node.domain not in _DOMAINS:
            raise BundleError(f"{path}: the model uses '{node.op_type}' of '{node.domain}', which is not installed")
        if not made.isdisjoint(node.output):
            raise BundleError(f"{path}: the model's graph is not well formed ('{node.output[0]}' is made twice)")
        made.update(filter(None, node.output))
        for setting in node.attribute:
            kind = setting.type
            if kind not in _SETTINGS:
                raise BundleError(f"{path}: the model has a loop or a branch ('{node.op_type}'), as none of Marque has")
            if kind == _TENSOR:
                tensors.append(setting.t)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
        raise BundleError(f"{path}: the model keeps weights in other files; they belong in the file itself")


def _check_input(path: Path, value: onnx.ValueInfoProto, size: int) -> None:
    # 0 stands for a dimension of any size
    fixed = [dim.dim_value or None for dim in value.type.tensor_type.shape.dim]
    fits = len(fixed) == 4 and all(got in (None, want) for got, want in zip(fixed[1:], (size, size, 3), strict=True))
    if value.type.tensor_type.elem_type != onnx.TensorProto.UINT8 or not fits:
        raise BundleError(f"{path}: the model takes {_described(value)}, expected uint8 [N, {size}, {size}, 3]")


def _described(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    kinds = onnx.TensorProto.DataType
    kind = kinds.Name(tensor.elem_type).lower() if tensor.elem_type in kinds.values() else "unknown values"
    return f"{kind} {[dim.dim_value or None for dim in tensor.shape.dim][:8]}"
