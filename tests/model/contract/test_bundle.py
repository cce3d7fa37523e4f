from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from model.contract.bundle import (
    METADATA_KEY,
    BundleError,
    BundleInfo,
    Calibration,
    Preprocessing,
    Thresholds,
    fingerprint,
    giving,
    read_info,
    write,
)
from model.contract.photo import FitPolicy
from model.contract.taxonomy import Taxonomy

SIZE = 32
TREE = Taxonomy(coarse=("boat", "car"), fine=("ferry", "tug", "van"), parents=(0, 0, 1))


def tiny_graph(
    widths: Sequence[int] = (2, 3, 4),
    names: Sequence[str] = ("coarse_logits", "fine_logits", "embedding"),
    shape: Sequence[int | str] = ("N", SIZE, SIZE, 3),
    **how: Any,
) -> onnx.ModelProto:
    """Mean colour times a fixed matrix for each output."""
    rng = np.random.default_rng(how.get("seed", 0))
    weights = [numpy_helper.from_array(rng.normal(size=(3, w)).astype(np.float32), f"w{w}") for w in widths]
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["colour"], axes=[1, 2], keepdims=how.get("keepdims", 0)),
        *(helper.make_node("MatMul", ["colour", w.name], [name]) for w, name in zip(weights, names, strict=True)),
    ]
    inputs = [helper.make_tensor_value_info("image", how.get("kind", TensorProto.UINT8), shape)]
    if how.get("weights_as_inputs"):
        inputs += [helper.make_tensor_value_info(w.name, TensorProto.FLOAT, w.dims) for w in weights]
    outputs = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", w]) for n, w in zip(names, widths, strict=True)
    ]
    if how.get("shapeless"):
        outputs[0] = helper.make_tensor_value_info(names[0], TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def info(**changes: Any) -> BundleInfo:
    facts: dict[str, Any] = {
        "name": "tiny",
        "created": datetime(2025, 5, 1, tzinfo=UTC),
        "fingerprint": "0123456789abcdef",
        "taxonomy": TREE,
        "preprocessing": Preprocessing(size=SIZE, fit=FitPolicy.LETTERBOX),
        "embedding_dim": 4,
        "calibration": Calibration(coarse_temperature=1.5, fine_temperature=0.7),
        "thresholds": Thresholds(fine=0.6, coarse=0.4, likeness=-3.5, familiarity=-1.5),
        "training": {"photos": 12, "run": {"seed": 3}},
    }
    return BundleInfo(**(facts | changes))


def with_metadata(path: Path, text: str) -> Path:
    graph = tiny_graph()
    helper.set_model_props(graph, {METADATA_KEY: text})
    path.write_bytes(graph.SerializeToString())
    return path


def test_what_is_written_is_read_and_the_graph_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "Größe.onnx"
    graph = tiny_graph()
    write(path, graph, info())
    assert read_info(path) == info()
    assert onnx.load(path).graph == graph.graph
    assert not graph.metadata_props
    assert list(tmp_path.iterdir()) == [path]


def test_the_bound_of_the_likeness_is_read_under_its_earlier_name(tmp_path: Path) -> None:
    earlier = info().model_dump_json().replace('"likeness"', '"energy"')
    assert '"energy"' in earlier
    assert read_info(with_metadata(tmp_path / "earlier.onnx", earlier)) == info()


def test_older_graphs_that_list_their_weights_as_inputs_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", tiny_graph(weights_as_inputs=True), info())
    assert read_info(tmp_path / "m.onnx").name == "tiny"


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (tiny_graph(widths=(2, 5, 4)), "output 'fine_logits' has 5 columns, the metadata says 3"),
        (tiny_graph(names=("coarse_logits", "fine_logits", "features")), "the model has no output 'embedding'"),
        (tiny_graph(shapeless=True), r"output 'coarse_logits' is not a table but float \[\]"),
        (tiny_graph(shape=("N", SIZE, 64, 3)), r"takes uint8 \[None, 32, 64, 3\], expected uint8 \[N, 32, 32, 3\]"),
        (tiny_graph(shape=("N", 3, SIZE, SIZE)), "expected uint8"),
        (tiny_graph(shape=("N", SIZE)), "expected uint8"),
        (tiny_graph(kind=TensorProto.FLOAT), r"takes float \[None, 32, 32, 3\]"),
        (onnx.ModelProto(), r"the model's inputs are \[\]"),
    ],
)
def test_a_graph_that_breaks_the_contract_is_not_written(tmp_path: Path, graph: onnx.ModelProto, message: str) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(BundleError, match=message):
        write(path, graph, info())
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    write(path, tiny_graph(), info())
    before = path.read_bytes()
    with pytest.raises(BundleError):
        write(path, tiny_graph(widths=(2, 5, 4)), info())
    assert path.read_bytes() == before


def test_files_that_hold_no_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(BundleError, match="does not exist"):
        read_info(path)
    path.write_bytes(b"\x89PNG and so on, no protocol buffer")
    with pytest.raises(BundleError, match="not an ONNX file, or it is damaged"):
        read_info(path)
    path.write_bytes(tiny_graph().SerializeToString())
    with pytest.raises(BundleError, match="not made by Marque"):
        read_info(path)
    with pytest.raises(BundleError, match="cannot be read"):
        read_info(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"format":2', '"format":3,"news":[1]'), "has format 3, .* update the program"),
        (lambda text: text.replace('"format":2', '"format":1'), "has format 1, .* export the model again"),
        (lambda text: text.replace('"format":2,', ""), "does not say its format version"),
        (lambda text: "{", "metadata is damaged .EOF while parsing"),
        (lambda text: text.replace('"size":32', '"size":"big"'), r"wrong at 'preprocessing\.size'"),
        (lambda text: text.replace('"fine_temperature":0.7', '"fine_temperature":0'), "fine_temperature"),
        (lambda text: text.replace('"parents":[0,0,1]', '"parents":[0,0,2]'), "'van' has parent 2"),
        (lambda text: text.replace('"embedding_dim":4', '"embedding_dim":8'), "'embedding' has 4 columns"),
    ],
)
def test_metadata_that_is_wrong_says_where(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    text = info().model_dump_json()
    assert change(text) != text
    with pytest.raises(BundleError, match=message):
        read_info(with_metadata(tmp_path / "m.onnx", change(text)))


def test_the_fingerprint_changes_with_what_changes_an_embedding() -> None:
    plain = Preprocessing(size=SIZE)
    own = fingerprint(tiny_graph(), plain)
    assert len(own) == 16
    assert fingerprint(tiny_graph(), plain) == own
    renamed = tiny_graph()
    renamed.graph.name = "other"
    renamed.graph.node[0].name = "first"
    assert fingerprint(renamed, plain) == own
    others = {
        fingerprint(tiny_graph(seed=1), plain),
        fingerprint(tiny_graph(keepdims=1), plain),
        fingerprint(tiny_graph(), Preprocessing(size=64)),
        fingerprint(tiny_graph(), Preprocessing(size=SIZE, fit=FitPolicy.LETTERBOX)),
    }
    assert own not in others
    assert len(others) == 4


@pytest.mark.parametrize("name", ["first", "second"])
def test_the_fingerprint_sees_the_value_of_a_constant_not_its_name(name: str) -> None:
    def graph(value: float, name: str) -> onnx.ModelProto:
        constant = helper.make_node(
            "Constant", [], ["c"], value=numpy_helper.from_array(np.array([value], np.float32), name)
        )
        return helper.make_model(helper.make_graph([constant], "g", [], []))

    plain = Preprocessing(size=SIZE)
    assert fingerprint(graph(1, name), plain) == fingerprint(graph(1, "third"), plain)
    assert fingerprint(graph(1, name), plain) != fingerprint(graph(2, name), plain)


@pytest.mark.parametrize("weights_as_inputs", [False, True])
def test_a_graph_that_gives_less_computes_less(weights_as_inputs: bool) -> None:
    whole = tiny_graph(weights_as_inputs=weights_as_inputs)
    small = giving(whole, ("embedding", "coarse_logits", "likeness"))
    assert [value.name for value in small.graph.output] == ["embedding", "coarse_logits"]
    assert [value.name for value in small.graph.input] == ["image"]
    made = {name for node in small.graph.node for name in node.output}
    assert "fine_logits" not in made and len(whole.graph.node) - len(small.graph.node) == 1
    assert len(whole.graph.initializer) - len(small.graph.initializer) == 1
    pictures = {"image": np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)}
    sessions = [InferenceSession(graph.SerializeToString()) for graph in (whole, small)]
    for expected, got in zip(
        *(session.run(["coarse_logits", "embedding"], pictures) for session in sessions), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_a_graph_that_makes_a_tensor_twice_is_reported() -> None:
    twice = tiny_graph()
    twice.graph.node.append(twice.graph.node[0])
    with pytest.raises(BundleError, match="not well formed"):
        giving(twice, ("embedding",))
