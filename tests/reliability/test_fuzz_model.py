"""Model files that are damaged, or made to do harm."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from app.cli import main
from app.core.recognition.engine import Engine
from app.core.recognition.evidence import weigh
from model.contract.bundle import METADATA_KEY, read_info
from model.system.errors import MarqueError
from tests.app.tiny import SIDE, tiny_graph, write_tiny_model
from tests.reliability.fuzzing import another_value, as_json, damaged, fuzz, reads_or_tells


@pytest.fixture(scope="module")
def model(place: Path) -> Path:
    return write_tiny_model(place / "tiny.onnx")


def identify(path: Path) -> None:
    """Everything from the file to an answer."""
    engine = Engine(path, "cpu")
    side = engine.info.preprocessing.size
    for evidence in weigh(engine.run(np.full((2, side, side, 3), 100, np.uint8)), [[], []], engine.info):
        assert np.isfinite([one.probability for one in evidence.types]).all()


def written(path: Path, graph: onnx.ModelProto, metadata: bytes) -> Path:
    """A model file with this graph and metadata, whatever they are."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    entry = copy.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, metadata.decode()
    path.write_bytes(copy.SerializeToString())
    return path


@pytest.fixture(scope="module")
def metadata(model: Path) -> dict:
    return json.loads(read_info(model).model_dump_json())


@given(data=st.data())
@fuzz(25)
def test_a_damaged_file_is_read_or_reported(model: Path, place: Path, data: st.DataObject) -> None:
    path = place / "damaged.onnx"
    path.write_bytes(data.draw(damaged(model.read_bytes())))
    reads_or_tells("model file", lambda: identify(path), path.name)


@given(data=st.data())
@fuzz(25)
def test_metadata_of_any_kind_is_read_or_reported(place: Path, metadata: dict, data: st.DataObject) -> None:
    path = written(place / "metadata.onnx", tiny_graph(), as_json(data.draw(another_value(metadata))))
    reads_or_tells("model's metadata", lambda: identify(path), path.name)


@given(data=st.data())
@fuzz(25)
def test_a_graph_of_any_kind_is_read_or_reported(place: Path, metadata: dict, data: st.DataObject) -> None:
    graph = tiny_graph()
    for _ in range(data.draw(st.integers(1, 3))):
        _change(graph, data)
    path = written(place / "graph.onnx", graph, as_json(metadata))
    # what fails with a later photo is said of that photo
    reads_or_tells("model's graph", lambda: identify(path), path.name, "the inference failed", "the model gave values")


def _change(model: onnx.ModelProto, data: st.DataObject) -> None:
    """Another name, operator, shape, type or value somewhere in a graph."""
    graph = model.graph
    names = st.sampled_from(["", "image", "float", "mean", "embedding", "fine_logits", "evidence", "nothing"])
    kind = data.draw(st.sampled_from(("operator", "input", "output", "weights", "shape", "setting", "drop", "twice")))
    node = graph.node[data.draw(st.integers(0, len(graph.node) - 1))]
    if kind == "operator":
        node.op_type = data.draw(
            st.sampled_from(("Exp", "Log", "Shape", "Expand", "Tile", "Loop", "If", "NonZero", "SequenceEmpty", "X"))
        )
    elif kind in ("input", "output"):
        names_there = node.input if kind == "input" else node.output
        names_there[data.draw(st.integers(0, len(names_there) - 1))] = data.draw(names)
    elif kind == "weights":
        tensor = graph.initializer[data.draw(st.integers(0, len(graph.initializer) - 1))]
        array = data.draw(
            st.sampled_from([np.array(np.nan, np.float32), np.zeros((0, 3), np.float32), np.ones((3, 4), np.float32)])
        )
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        if data.draw(st.booleans()):
            tensor.dims.append(data.draw(st.sampled_from((-1, 0, 1 << 40))))
    elif kind == "shape":
        value = data.draw(st.sampled_from([*graph.input, *graph.output])).type.tensor_type
        value.elem_type = data.draw(st.sampled_from((0, 1, 2, 8, 10, 99, value.elem_type)))
        for dim in value.shape.dim:
            dim.dim_value = data.draw(st.sampled_from((0, 1, 4, SIDE, -1, 1 << 40, dim.dim_value)))
    elif kind == "setting" and node.attribute:
        setting = node.attribute[0]
        setting.i = data.draw(st.sampled_from((-1, 0, 1, 99, 1 << 40)))
        setting.type = data.draw(st.sampled_from((0, 1, 2, 5, 7, setting.type)))
    elif kind == "drop":
        graph.node.remove(node)
    elif kind == "twice":
        graph.node.add().CopyFrom(node)


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def _loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.add().CopyFrom(helper.make_node("Loop", ["", "", "colour"], ["endless"], body=body))


def _other_library(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "evil.custom"


def _function(model: onnx.ModelProto) -> None:
    model.functions.add().name = "f"


def _no_numbers(model: onnx.ModelProto) -> None:
    weights = model.graph.initializer[2]
    weights.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(weights), np.nan), weights.name))


def _other_shape(model: onnx.ModelProto) -> None:
    """One column less than it says: its weights have lost one."""
    for weights in model.graph.initializer:
        if weights.name in ("fine_w", "fine_b"):
            weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights)[..., :3], weights.name))


def _absurdly_large(model: onnx.ModelProto) -> None:
    """What doubles forty times."""
    for turn in range(40):
        names = ["colour" if turn == 0 else f"twice {turn}"] * 2
        model.graph.node.add().CopyFrom(helper.make_node("Concat", names, [f"twice {turn + 1}"], axis=1))
    model.graph.node.add().CopyFrom(helper.make_node("ReduceMean", ["twice 40"], ["likeness"], keepdims=0))
    model.graph.output.append(helper.make_tensor_value_info("likeness", TensorProto.FLOAT, []))


def _spread_out(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([1 << 20, 1 << 20, 3]), "wide"))
    model.graph.node.add().CopyFrom(helper.make_node("Expand", ["colour", "wide"], ["spread"]))
    model.graph.node.add().CopyFrom(helper.make_node("ReduceMean", ["spread"], ["likeness"], keepdims=0))
    model.graph.output.append(helper.make_tensor_value_info("likeness", TensorProto.FLOAT, []))


def _unknown_kind(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = 99


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_external, "keeps weights in other files"),
        (_loop, "a loop or a branch"),
        (_other_library, "uses 'Cast' of 'evil.custom'"),
        (_function, "functions or sparse weights"),
        (_no_numbers, "not numbers"),
        (_other_shape, "another shape than it declares|cannot load|inference failed"),
        (_unknown_kind, "takes unknown values"),
        (_absurdly_large, "absurd amounts of memory"),
        (_spread_out, "absurd amounts of memory"),
    ],
)
def test_a_graph_that_could_do_harm_is_refused(
    place: Path, metadata: dict, change: Callable[[onnx.ModelProto], None], said: str
) -> None:
    graph = tiny_graph()
    change(graph)
    with pytest.raises(MarqueError, match=said):
        Engine(written(place / "harm.onnx", graph, as_json(metadata)), "cpu")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"fingerprint": "../../x"}, "fingerprint"),
        ({"name": "a\x1b[31m"}, "cannot be shown"),
        ({"name": "x" * 1000}, "1000 characters"),
        ({"taxonomy": {"coarse": ["a\nb", "c"], "fine": ["1", "2", "3", "4"], "parents": [0, 0, 1, 1]}}, "be shown"),
        ({"calibration": {"coarse_temperature": 1e-300}}, "coarse_temperature"),
        ({"calibration": {"domains": [{"types": ["x"], "coarse_temperature": 1, "fine_temperature": 1}]}}, "a type"),
        ({"fusion": {"neighbours": 1 << 40}}, "neighbours"),
        ({"embedding_dim": 1 << 40}, "embedding_dim"),
        ({"thresholds": {"familiarity": float("inf")}}, "damaged"),
    ],
)
def test_absurd_metadata_is_reported(place: Path, metadata: dict, entries: dict, said: str) -> None:
    path = written(place / "absurd.onnx", tiny_graph(), as_json(metadata | entries))
    with pytest.raises(MarqueError, match=rf"absurd\.onnx.*{said}"):
        read_info(path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge", "device"])
def test_a_file_other_than_a_model_is_reported_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.onnx"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(100 << 30)
    reads_or_tells("model file", lambda: identify(path), path.name)


def test_a_pipe_given_as_a_model_ends_the_command(
    tmp_path: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    assert main(["identify", str(photos), "--model", str(tmp_path / "model.onnx"), "--gallery", "none"]) == 2
    said = capfd.readouterr().err
    assert "model.onnx: the model file cannot be read (it is a named pipe, not a file)" in said
    assert "Traceback" not in said
