"""The teacher's boxes, by a detector whose answers are fixed."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from model.contract.samples import DataError
from model.detection import teacher as module
from model.detection.teacher import COLUMNS, Teacher
from tests.model.data.drawn_photos import picture

CAR, PERSON, BUS, BOAT = 2, 0, 5, 8
MAPS = {8: 52, 16: 26, 32: 13, 64: 7}

Answer = tuple[int, int, int, int, float, tuple[int, int, int, int]]
"""Stride, column, row, class, score, and the whole distances to left, top, right and bottom in strides."""


def detector(path: Path, *answers: Answer) -> Path:
    """A detector that gives these answers to every picture."""
    scores = {stride: np.zeros((1, side * side, 80), np.float32) for stride, side in MAPS.items()}
    sides = {stride: np.zeros((1, side * side, 32), np.float32) for stride, side in MAPS.items()}
    for stride, column, row, shown, score, away in answers:
        place = row * MAPS[stride] + column
        scores[stride][0, place, shown] = score
        for side, distance in enumerate(away):
            sides[stride][0, place, side * 8 + distance] = 50
    outputs = {f"out{number}": output for number, output in enumerate([*scores.values(), *sides.values()])}
    nodes = [helper.make_node("Constant", [], [n], value=numpy_helper.from_array(o)) for n, o in outputs.items()]
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "fixed",
        [helper.make_tensor_value_info("image", floats, [1, 3, 416, 416])],
        [helper.make_tensor_value_info(n, floats, o.shape) for n, o in outputs.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_maps_become_boxes_of_the_picture(tmp_path: Path) -> None:
    answers = [
        (16, 10, 5, CAR, 0.9, (2, 1, 3, 4)),
        (64, 3, 3, BOAT, 0.4, (7, 1, 7, 2)),
        (8, 40, 40, PERSON, 0.9, (2, 2, 2, 2)),
        (8, 1, 1, BUS, 0.05, (1, 1, 1, 1)),
    ]
    found = Teacher(detector(tmp_path / "fixed.onnx", *answers))(Image.new("RGB", (832, 208)))
    # in the square: middle (168, 88) with sides 32, 16, 48, 64; middle (224, 224), beyond the square to left and right
    assert found.boxes.round(2).tolist() == [[272, 36, 432, 76], [0, 80, 832, 176]]
    assert (found.kinds.tolist(), found.scores.tolist()) == ([0, 1], pytest.approx([0.9, 0.4]))


def test_of_boxes_around_one_thing_the_surest_is_left(tmp_path: Path) -> None:
    answers = [
        (16, 10, 10, CAR, 0.6, (4, 4, 4, 4)),
        (16, 11, 10, BUS, 0.8, (4, 4, 4, 4)),  # of the same kind, a column further
        (16, 10, 10, BOAT, 0.3, (4, 4, 4, 4)),  # at the place of the car, of which only the surest class counts
        (16, 11, 11, BOAT, 0.5, (4, 4, 4, 4)),  # of the other kind, overlap 0.78
        (16, 20, 20, CAR, 0.2, (4, 4, 4, 4)),
    ]
    found = Teacher(detector(tmp_path / "fixed.onnx", *answers))(Image.new("RGB", (416, 416)))
    assert (found.kinds.tolist(), found.scores.tolist()) == ([0, 1, 0], pytest.approx([0.8, 0.5, 0.2]))


def test_a_picture_without_any_has_no_boxes(tmp_path: Path) -> None:
    found = Teacher(detector(tmp_path / "fixed.onnx"))(Image.new("RGB", (20, 10)))
    assert (found.boxes.shape, len(found.kinds), len(found.scores)) == ((0, 4), 0, 0)


def test_the_command_writes_a_table_of_all_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "set"
    first = picture(photos / "deep" / "a.jpg", (416, 208))
    picture(photos / "b.png", (416, 416))
    (photos / "c.jpg").write_text("no picture")
    model = detector(tmp_path / "fixed.onnx", (16, 10, 5, CAR, 0.9, (2, 1, 3, 4)))
    out = tmp_path / "boxes.csv"
    assert module.main(["--photos", str(photos), "--teacher", str(model), "--out", str(out)]) == 0
    header, *rows = csv.reader(out.read_text(encoding="utf-8").splitlines())
    assert tuple(header) == COLUMNS
    assert [row[0] for row in rows] == ["b.png", "deep/a.jpg"]
    assert rows[1][1:] == [digest(first), "136.0", "36.0", "216.0", "76.0", "vehicle", "0.9000"]
    assert "c.jpg: not a picture" in capsys.readouterr().err


def test_a_photo_without_boxes_has_an_empty_row(tmp_path: Path) -> None:
    photo = picture(tmp_path / "set" / "a.jpg")
    model, out = detector(tmp_path / "fixed.onnx"), tmp_path / "boxes.csv"
    assert module.main(["--photos", str(photo.parent), "--teacher", str(model), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").splitlines()[1:] == [f"a.jpg,{digest(photo)},,,,,,"]


def digest(photo: Path) -> str:
    return hashlib.sha256(photo.read_bytes()).hexdigest()


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.onnx"
    with pytest.raises(DataError, match="cannot be read"):
        Teacher(other)
    other.write_bytes(b"no model")
    with pytest.raises(DataError, match="not an ONNX model"):
        Teacher(other)
    graph = onnx.load(detector(other))
    del graph.graph.output[-1]
    onnx.save(graph, other)
    with pytest.raises(DataError, match="not PicoDet for COCO"):
        Teacher(other)
    model = detector(tmp_path / "fixed.onnx")
    arguments = ["--photos", str(tmp_path / "none"), "--teacher", str(model), "--out", str(tmp_path / "boxes.csv")]
    assert module.main(arguments) == 2
    assert "the folder does not exist" in capsys.readouterr().err
