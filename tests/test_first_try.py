"""What a newcomer does first: train on the drawn pictures, then identify with the result."""

import csv
from pathlib import Path

import pytest

from app.cli import main as marque
from model.train import main as train


@pytest.mark.slow
def test_the_drawn_set_trains_a_model_that_identifies(tmp_path: Path) -> None:
    drawn, run, out = tmp_path / "drawn", tmp_path / "run", tmp_path / "labels.csv"
    assert train(["--data", f"demo:{drawn}", "--out", str(run)]) == 0
    assert marque(["identify", str(drawn), "--model", str(run / "model.onnx"), "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    labels = [(row, Path(row["path"]).parts[-3:-1]) for row in rows if "unknown-" not in row["path"]]
    right = sum((row["coarse"], row["fine"]) == label for row, label in labels)
    assert len(rows) == 380 and right / len(labels) > 0.7

    gallery = tmp_path / "mine.gallery"
    assert marque(["enrol", str(drawn), "--model", str(run / "model.onnx"), "--gallery", str(gallery)]) == 0
    again = ["identify", str(drawn / "bus"), "--model", str(run / "model.onnx"), "--gallery", str(gallery)]
    assert marque([*again, "--out", str(out)]) == 0
    assert all(float(row["neighbour_1_similarity"]) > 0.99 for row in csv.DictReader(out.open(encoding="utf-8")))
