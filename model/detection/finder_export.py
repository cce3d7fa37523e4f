"""From a finder's training to its model files, each checked against torch before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from model.contract.bundle import INPUT, Preprocessing, Variant, fingerprint
from model.contract.finder_file import OUTPUTS, FinderFileError, FinderInfo, write_finder
from model.contract.photo import FitPolicy, fit, read_rgb
from model.data.scenes import Scene
from model.data.splits import Split
from model.detection.finder_network import FinderNetwork
from model.detection.finder_report import finder_of, found_in, threshold_of
from model.detection.finder_run import FinderRun, FinderSettings
from model.detection.learned_photos import scenes_by_part
from model.publishing.torch_graph import as_graph
from model.publishing.variants import cpu_session, half_stored, to_fp16, to_int8
from model.system.outputs import Output

TOLERANCE = 5e-3
"""Largest difference between onnxruntime and torch, in any score or share of the photo, that is written."""
COMPARED = 48
RANGES = 200
"""Photos that they are compared on, and that the ranges of 8-bit activations are taken from."""


class _FinderAsExported(nn.Module):
    """The network with the layout and outputs of the file."""

    def __init__(self, network: FinderNetwork, size: int) -> None:
        super().__init__()
        self.network, self.size = network, size

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Args: image: uint8 [N, S, S, 3]."""
        found = self.network(image.permute(0, 3, 1, 2))
        return found.logits.sigmoid(), found.boxes / self.size


def trained_finder(run: FinderRun) -> tuple[_FinderAsExported, int]:
    """The averaged network of a training, as the file has it, on the CPU, and how many steps it has learned.

    Raises:
        RunError: if the run cannot be read.
    """
    settings, state = run.settings(), run.load_checkpoint()
    network = FinderNetwork(settings.channels, settings.depth)
    network.load_state_dict(
        {name.removeprefix("module."): value for name, value in state["average"].items() if name.startswith("module.")}
    )
    as_exported = _FinderAsExported(network, settings.size)
    as_exported.eval()
    return as_exported, state["step"]


def finder_graph(network: _FinderAsExported) -> onnx.ModelProto:
    """The network as a graph, in float32."""
    example = torch.zeros(2, network.size, network.size, 3, dtype=torch.uint8)
    return as_graph(network, example, OUTPUTS)


def exported(run: FinderRun, places: Mapping[Variant, Path | Output], name: str) -> FinderInfo:
    """Write a finder's files, each checked against torch on real photos; the metadata of the full one.

    The threshold is the lowest score at which boxes of 4 % of the picture and more are right to nine tenths, on the
    validation scenes.

    Raises:
        FinderFileError: if onnxruntime and torch differ by more than TOLERANCE; nothing is written then.
        DataError, PhotoError: if the training or its photos cannot be used.
    """
    settings = run.settings()
    by_part = scenes_by_part(settings.scenes, settings.listed_parts())
    network, steps = trained_finder(run)
    graph = finder_graph(network)
    info = described(settings, steps, graph, name)
    pictures = squares(by_part[Split.TRAIN][0], RANGES, info.preprocessing)
    difference = largest_difference(half_stored(graph), network, pictures[:COMPARED])
    if not difference <= TOLERANCE:
        raise FinderFileError(
            f"{run.folder}: not exported. onnxruntime and torch differ by {difference:.2e} on photos of the training; "
            f"at most {TOLERANCE:.0e} is allowed"
        )
    validation, clusters = by_part[Split.VALIDATION]
    threshold = threshold_of(validation, found_in(validation, finder_of(graph, info), "threshold"), clusters)
    facts = info.training | {"onnxruntime_difference": difference}
    info = info.model_copy(update={"threshold": threshold, "training": facts})
    for variant, place in places.items():
        write_finder(place, variant_of(graph, variant, pictures), info.model_copy(update={"variant": variant}))
    return info


def variant_of(graph: onnx.ModelProto, variant: Variant, pictures: np.ndarray) -> onnx.ModelProto:
    """The graph as a variant computes it. Args: pictures: uint8 [N, S, S, 3], for the ranges in 8 bits."""
    if variant is Variant.FP16:
        return to_fp16(graph, _after_heads(graph))
    return to_int8(graph, pictures) if variant is Variant.INT8 else half_stored(graph)


def _after_heads(graph: onnx.ModelProto) -> list[str]:
    """Names of the nodes between the last convolutions and the outputs: coordinates stay in float32."""
    makers = {name: node for node in graph.graph.node for name in node.output}
    waiting = list(OUTPUTS)
    found: dict[str, None] = {}
    for name in waiting:  # grows meanwhile
        node = makers.get(name)
        if node is not None and node.op_type != "Conv" and node.name not in found:
            found[node.name] = None
            waiting += node.input
    return list(found)


def largest_difference(graph: onnx.ModelProto, network: nn.Module, pictures: np.ndarray) -> float:
    """Largest difference between onnxruntime and torch, in any score or share; NaN where one is not a number."""
    session = cpu_session(graph)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pictures))
    got = session.run(list(OUTPUTS), {INPUT: pictures})
    return float(np.max([np.abs(a - b.numpy()).max() for a, b in zip(got, expected, strict=True)]))


def squares(scenes: Sequence[Scene], count: int, preprocessing: Preprocessing) -> np.ndarray:
    """At most `count` of the photos, evenly from all, as the finder takes them: uint8 [n, S, S, 3]."""
    rows = np.unique(np.linspace(0, len(scenes) - 1, count).astype(int))
    return np.stack([fit(read_rgb(scenes[row].path), preprocessing.size, preprocessing.fit) for row in rows])


def described(settings: FinderSettings, steps: int, graph: onnx.ModelProto, name: str) -> FinderInfo:
    """Metadata for the files of a training, but for its threshold. Args: steps: that it has learned."""
    preprocessing = Preprocessing(size=settings.size, fit=FitPolicy.SQUASH)
    # not the paths: they would give the computer away
    paths = {"scenes", "parts", "classified", "taught", "doubted", "weights", "workers"}
    facts = settings.model_dump(mode="json", exclude=paths)
    return FinderInfo(
        name=name,
        created=datetime.now(UTC),
        fingerprint=fingerprint(graph, preprocessing),
        preprocessing=preprocessing,
        threshold=0.0,
        training=facts | {"steps": steps},
    )
