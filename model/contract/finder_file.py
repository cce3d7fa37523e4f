"""The finder's model file: one `.onnx` that carries everything needed to use it.

Input `image`: uint8 [N, S, S, 3] RGB, the photo stretched to a square; scaling is inside the graph. Outputs: `scores`
[N, P, kinds] in [0, 1], and `boxes` [N, P, 4], left, top, right and bottom as shares of the photo's width and height,
which may reach beyond 0 and 1. The metadata entry `marque.finder` holds a JSON document, described by `FinderInfo`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.contract.bundle import INPUT, Preprocessing, Variant
from model.contract.finding import KINDS, STRIDES, FoundBoxes, found_boxes
from model.system.errors import MarqueError
from model.system.outputs import Output, write_to
from model.system.reading import parse_json, read_file

METADATA_KEY = "marque.finder"
FORMAT = 1
OUTPUTS = ("scores", "boxes")
_LARGEST = 64 << 20  # bytes of a file; the supplied ones have less than a tenth of it


class FinderFileError(MarqueError):
    """A file that is not a usable finder; the message says which file and what is wrong with it."""


class FinderInfo(BaseModel):
    """The metadata of a finder's file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    name: str
    created: datetime
    fingerprint: str = Field(pattern="^[0-9a-z]{1,64}$", description="identifies network and preprocessing")
    preprocessing: Preprocessing
    kinds: tuple[str, ...] = KINDS
    strides: tuple[int, ...] = STRIDES
    threshold: float = Field(ge=0, le=1, description="score below which a box does not count")
    same_kind: float = Field(default=0.6, gt=0, le=1, description="overlap (IoU) from which two of a kind are one")
    other_kind: float = Field(default=0.8, gt=0, le=1, description="the same of any two")
    variant: Variant = Variant.FP32
    training: dict[str, Any] = Field(default_factory=dict, description="facts about the training, for people")
    measured: dict[str, float] = Field(default_factory=dict, description="figures on photos that were held out")

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.kinds != KINDS:
            raise ValueError(f"kinds {', '.join(self.kinds)}; this version of Marque knows {', '.join(KINDS)}")
        return self

    def places(self) -> int:
        """How many places of the square answer."""
        return sum((self.preprocessing.size // stride) ** 2 for stride in self.strides)

    def found(self, scores: np.ndarray, boxes: np.ndarray, size: tuple[int, int]) -> FoundBoxes:
        """What the graph's answers for one photo say.

        Args:
            scores: [P, kinds].
            boxes: [P, 4], shares of the photo.
            size: its width and height in pixels.
        """
        pixels = boxes * np.array([*size, *size], boxes.dtype)
        return found_boxes(
            pixels, scores, size, least=self.threshold, same_kind=self.same_kind, other_kind=self.other_kind
        )


def write_finder(place: Path | Output, graph: onnx.ModelProto, info: FinderInfo) -> Path:
    """Write the graph with `info` as its metadata, whole or not at all; its place. Raises FinderFileError."""
    _check_graph(place.place if isinstance(place, Output) else place, graph)
    whole = onnx.ModelProto()
    whole.CopyFrom(graph)
    onnx.helper.set_model_props(whole, {METADATA_KEY: info.model_dump_json()})
    return write_to(place, lambda file: file.write(whole.SerializeToString()))


def read_finder(path: Path) -> tuple[FinderInfo, onnx.ModelProto]:
    """A finder's file: its metadata and its graph.

    Raises:
        FinderFileError: if the file is missing, damaged, something else, or of another version of the format.
    """
    graph = onnx.ModelProto()
    try:
        graph.ParseFromString(read_file(path, _LARGEST))
        entries = {entry.key: entry.value for entry in graph.metadata_props}
    except FileNotFoundError:
        raise FinderFileError(f"{path}: the finder's file does not exist") from None
    except OSError as error:
        raise FinderFileError(f"{path}: the finder's file cannot be read ({error.strerror})") from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise FinderFileError(f"{path}: not an ONNX file, or a damaged one") from error
    if METADATA_KEY not in entries:
        raise FinderFileError(f"{path}: this ONNX file is not a finder of Marque (no '{METADATA_KEY}' metadata)")
    try:
        info = FinderInfo.model_validate(parse_json(entries[METADATA_KEY].encode()))
    except (ValueError, ValidationError) as error:
        raise FinderFileError(f"{path}: its metadata '{METADATA_KEY}' cannot be used ({error})") from error
    if info.format != FORMAT:
        raise FinderFileError(f"{path}: a finder of format {info.format}; this version of Marque reads {FORMAT}")
    _check_graph(path, graph)
    return info, graph


def _check_graph(path: Path, graph: onnx.ModelProto) -> None:
    inputs, outputs = ([value.name for value in values] for values in (graph.graph.input, graph.graph.output))
    if inputs != [INPUT] or outputs != list(OUTPUTS):
        raise FinderFileError(
            f"{path}: takes {', '.join(inputs)} and gives {', '.join(outputs)}; a finder takes {INPUT} and gives "
            f"{', '.join(OUTPUTS)}"
        )
