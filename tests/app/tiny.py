"""A real but tiny identification model, which distinguishes colours; `conftest.py` makes fixtures of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from app.core.recognition.engine import Device, Engine, EngineError, EngineOutputs, Precision
from model.contract import bundle
from model.contract.posterior import Posterior, type_sums
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import TESTED_FILE, Tested
from model.data.splits import Split, write_split

SIDE = 32
DIM = 4
TINY_TAXONOMY = Taxonomy(
    coarse=("sedan", "ship"),
    fine=("Rossa 2010", "Gialla 2012", "Azzurra class", "Celeste class"),
    parents=(0, 0, 1, 1),
)
GREEN = (30, 200, 40)
"""Of a class that neither the tiny model nor its gallery knows."""

COLOURS = {
    "Rossa 2010": (220, 20, 30),
    "Gialla 2012": (230, 220, 30),
    "Azzurra class": (20, 30, 220),
    "Celeste class": (30, 210, 230),
}
"""The mean colour by which the tiny model recognises its fine classes."""


def colour_picture(colour: tuple[int, int, int], seed: int = 0, size: tuple[int, int] = (90, 60)) -> Image.Image:
    """A noisy picture of one mean colour; other seeds give other pictures."""
    noise = np.random.default_rng(seed).normal(0, 12, (size[1], size[0], 3))
    return Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))


def tiny_graph() -> onnx.ModelProto:
    """Mean colour -> squared distance to each class's colour as logits; the colour's direction as embedding.

    The same from the mean colours of 8 x 8 places is the evidence for each class.
    """
    fine_centres = np.array([COLOURS[name] for name in TINY_TAXONOMY.fine], np.float32) / 255
    coarse_centres = np.stack([fine_centres[:2].mean(axis=0), fine_centres[2:].mean(axis=0)])
    project = np.concatenate([2 * np.eye(3), np.zeros((3, 1))], axis=1).astype(np.float32)
    values = {
        "255": np.array(255, np.float32),
        "axes": np.array([1, 2], np.int64),
        "coarse_w": 40 * coarse_centres.T,
        "coarse_b": -20 * (coarse_centres**2).sum(axis=1),
        "fine_w": 40 * fine_centres.T,
        "fine_b": -20 * (fine_centres**2).sum(axis=1),
        "place_w": 40 * fine_centres[:, :, None, None],
        "project": project,
        "centre": np.array([-1, -1, -1, 0.3], np.float32),  # the last one keeps grey away from length zero
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "255"], ["colour"]),
        helper.make_node("Gemm", ["colour", "coarse_w", "coarse_b"], ["coarse_logits"]),
        helper.make_node("Gemm", ["colour", "fine_w", "fine_b"], ["fine_logits"]),
        helper.make_node("Gemm", ["colour", "project", "centre"], ["direction"]),
        helper.make_node("Transpose", ["float"], ["channels"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["channels"], ["means"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Div", ["means", "255"], ["places"]),
        helper.make_node("Conv", ["places", "place_w", "fine_b"], ["evidence"]),
        helper.make_node("LpNormalization", ["direction"], ["embedding"], axis=1, p=2),
    ]
    shapes = {"coarse_logits": [2], "fine_logits": [4], "embedding": [DIM], "evidence": [4, 8, 8]}
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]) for name, shape in shapes.items()],
        [numpy_helper.from_array(np.asarray(value, value.dtype), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def write_tiny_model(path: Path, *, graph: onnx.ModelProto | None = None, **changes: object) -> Path:
    """Write the tiny model, or this graph in its place; `changes` replace entries of its metadata."""
    graph = graph or tiny_graph()
    preprocessing = bundle.Preprocessing(size=SIDE)
    facts = {
        "name": "tiny colours",
        "created": datetime(2026, 1, 2, tzinfo=UTC),
        "fingerprint": bundle.fingerprint(graph, preprocessing),
        "taxonomy": TINY_TAXONOMY,
        "preprocessing": preprocessing,
        "embedding_dim": DIM,
        "thresholds": bundle.Thresholds(fine=0.6, coarse=0.6, likeness=-5.0),
    }
    bundle.write(path, graph, bundle.BundleInfo.model_validate(facts | changes))
    return path


class FailingGpu(Engine):
    """The tiny model on a GPU that worked at the start and fails since; it really is the CPU, but for the failure."""

    def __init__(self, path: Path, device: Device = "auto", precision: Precision = "auto") -> None:
        super().__init__(path, "cpu", precision)
        self.calls = 0
        self.provider = replace(self.provider, used="CUDA", reason="an NVIDIA GPU is present")

    def run(self, batch: np.ndarray) -> EngineOutputs:
        self.calls += 1
        raise EngineError("the inference failed (out of memory)")

    def heat(self, image: Image.Image, fine: int) -> np.ndarray | None:
        raise EngineError("the inference failed (out of memory)")


def write_tiny_types_model(path: Path) -> Path:
    """Write the tiny model without its fine classes: it knows the two types alone."""
    model = tiny_graph()
    graph = model.graph
    for weights in graph.initializer:
        if weights.name in ("fine_w", "fine_b"):
            weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights)[..., :0], weights.name))
    graph.node.remove(next(node for node in graph.node if "evidence" in node.output))
    graph.output.remove(next(output for output in graph.output if output.name == bundle.EVIDENCE))
    fine = next(output for output in graph.output if output.name == "fine_logits")
    fine.type.tensor_type.shape.dim[1].dim_value = 0
    return write_tiny_model(path, graph=model, taxonomy=Taxonomy(coarse=TINY_TAXONOMY.coarse, fine=(), parents=()))


def write_tiny_run(folder: Path, photos: Path) -> Path:
    """What the trainer leaves in the folder of a finished training whose test photos are these, `coarse/fine/*.jpg`.

    Of every class the first photo is taken for the other class of its type, with less confidence than the right ones;
    the very first is taken for the other type.
    """
    files, tree = sorted(photos.rglob("*.jpg")), TINY_TAXONOMY
    samples = [Sample(file, file.parts[-3], file.parts[-2], "photos", str(file), "") for file in files]
    labels = np.array([tree.fine_index[file.parts[-2]] for file in files])
    first = np.array([file.stem == "1" for file in files])
    said = np.where(first, labels ^ 1, labels)
    said[0] = labels[0] ^ 2
    fine = np.full((len(files), len(tree.fine)), 0.01)
    fine[np.arange(len(files)), said] = np.where(first, 0.6, 0.97)
    vectors = np.eye(len(tree.fine), DIM)[labels] + np.linspace(0, 0.2, len(files))[:, None]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folder.mkdir(parents=True)
    write_split(folder / "split.csv", samples, [Split.TEST] * len(samples))
    for name in ("config.json", "metrics.json", "model.onnx"):
        (folder / name).write_text("{}", encoding="utf-8")
    posterior = Posterior(type_sums(fine, tree), fine)
    Tested.of(3, samples, vectors, tree, posterior).write(folder / TESTED_FILE)
    return folder
