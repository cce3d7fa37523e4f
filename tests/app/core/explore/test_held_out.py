"""The test photos of a training as points: how they are grouped, what is found and written, which errors there are."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from app.core.explore.confusion import confused, mistakes
from app.core.explore.evaluation import by_training
from app.core.explore.held_out import HeldOut, Training, finished_trainings, read_held_out
from app.core.explore.map_points import BY_TRAINING, By, MapPoints, find, grouped, write_csv
from app.core.recognition.features import NOBODY
from app.core.review.photo_columns import PhotoColumns
from app.core.training.runs import Runs
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import TESTED_FILE, Tested, TestedError
from tests.app.tiny import TINY_TAXONOMY, write_tiny_run


@pytest.fixture
def run(tmp_path: Path, photos: Path) -> Path:
    return write_tiny_run(tmp_path / "run", photos)


def points_of(folder: Path) -> MapPoints:
    vectors, photos = read_held_out(folder)
    return MapPoints(vectors, held_out=photos)


def counted(points: MapPoints, by: By) -> dict[str, int]:
    groups = grouped(points, PhotoColumns(), by)
    return dict(zip(groups.names, groups.counts().tolist(), strict=True))


def test_points_are_grouped_by_labels_and_answers(run: Path) -> None:
    points = points_of(run)
    assert points.vectors.dtype == np.float32 and len(points) == 12
    assert counted(points, By.TYPE) == {"sedan": 6, "ship": 6}
    assert counted(points, By.CLASS) == dict.fromkeys(sorted(TINY_TAXONOMY.fine), 3)
    assert counted(points, By.CORRECTNESS) == {"right": 8, "another class": 3, "another type": 1}
    assert counted(points, By.CONFIDENCE) == {"50 to 80 %": 4, "above 95 %": 8}
    groups = grouped(points, PhotoColumns(), By.CLASS)
    assert dict(zip(groups.names, groups.types, strict=True))["Azzurra class"] == "ship"
    assert all(len(grouped(points, PhotoColumns(), by).of) == 12 for by in BY_TRAINING)


def test_a_class_that_was_not_learned_is_judged_by_its_type() -> None:
    tree = Taxonomy(coarse=("boat", "car", "bus"), fine=("ferry", "coupe"), parents=(0, 1))
    told = (("boat", "kayak"), ("boat", "kayak"), ("boat", ""), ("bus", ""), ("tram", "T3"))
    types, fines = np.array([0, 1, 0, 2, 2], np.int32), np.array([0, 1, 1, 0, 0], np.int32)
    coarse, fine = zip(*told, strict=True)
    of_types, of_fines, vectors = np.full(5, 0.9, np.float32), np.full(5, 0.4, np.float32), np.eye(5, dtype=np.float32)
    tested = Tested(1, tree, tuple("abcde"), vectors, coarse, fine, types, of_types, fines, of_fines)
    found = HeldOut.of(tested)
    names = [tuple(found.names[place] for place in row) for row in found.answer.tolist()]
    assert names == [("boat", ""), ("car", ""), ("car", "coupe"), ("bus", ""), ("bus", "")]
    np.testing.assert_allclose(found.confidence, [0.9, 0.9, 0.4, 0.9, 0.9])
    points = MapPoints(tested.embeddings, held_out=found)
    assert counted(points, By.CORRECTNESS) == {"right": 2, "another type": 3}
    assert counted(points, By.TYPE) == {"boat": 3, "bus": 1, "tram": 1}
    assert (found.truth[2:4, 1] == NOBODY).all()


def test_a_network_without_classes_answers_types() -> None:
    tested = Tested(
        *(1, Taxonomy(coarse=("boat", "car"), fine=(), parents=()), ("a", "b"), np.eye(2, dtype=np.float32)),
        *(("boat", "car"), ("", ""), np.array([0, 0], np.int32), np.full(2, 0.7, np.float32)),
        *(np.full(2, -1, np.int32), np.zeros(2, np.float32)),
    )
    points = MapPoints(tested.embeddings, held_out=HeldOut.of(tested))
    assert counted(points, By.CORRECTNESS) == {"right": 1, "another type": 1}
    assert counted(points, By.CLASS) == {"": 2} and counted(points, By.CONFIDENCE) == {"50 to 80 %": 2}


def test_photos_are_found_by_name_class_or_type(run: Path) -> None:
    points = points_of(run)
    assert len(find(points, PhotoColumns(), "CELESTE")) == 3 and len(find(points, PhotoColumns(), "ship 2.jpg")) == 2
    assert not len(find(points, PhotoColumns(), "zeppelin")) and not len(find(points, PhotoColumns(), " "))


def test_the_map_as_a_table_holds_the_answers(run: Path, photos: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "map.csv", points_of(run), PhotoColumns(), np.zeros((12, 2)))
    rows = list(csv.DictReader((tmp_path / "map.csv").open(encoding="utf-8")))
    assert [row["file"] for row in rows] == [str(file) for file in sorted(photos.rglob("*.jpg"))]
    assert [row["correctness"] for row in rows].count("right") == 8
    assert rows[3] | {"file": "", "x": "", "y": ""} == {
        **{"file": "", "x": "", "y": "", "type": "sedan", "class": "Rossa 2010"},
        **{"answered type": "sedan", "answered class": "Gialla 2012"},
        **{"confidence": "0.6000", "correctness": "another class"},
    }


def test_mistakes_are_judged_by_the_trainings_own_answers(run: Path, photos: Path) -> None:
    files, columns = sorted(photos.rglob("*.jpg")), PhotoColumns()
    columns.add([(4, str(files[3]).encode(), None), (9, b"/elsewhere/1.jpg", None)])
    judged = by_training(read_held_out(run)[1], columns)
    assert judged.images.tolist() == [NOBODY] * 3 + [4] + [NOBODY] * 8
    assert np.flatnonzero(mistakes(judged)).tolist() == [0, 3, 6, 9]
    assert sorted((pair.one.name, pair.other.name, pair.count) for pair in confused(judged)) == [
        *(("Azzurra class", "Celeste class", 2), ("Gialla 2012", "Celeste class", 1), ("Rossa 2010", "Gialla 2012", 1)),
    ]


def test_what_cannot_be_shown_is_reported(run: Path, tmp_path: Path) -> None:
    (run / TESTED_FILE).write_bytes((run / TESTED_FILE).read_bytes()[:200])
    with pytest.raises(TestedError, match=r"test\.npz: damaged"):
        read_held_out(run)
    (run / TESTED_FILE).unlink()
    with pytest.raises(TestedError, match="earlier version"):
        read_held_out(run)
    (run / "metrics.json").unlink()
    with pytest.raises(TestedError, match="kept no photos for testing"):
        read_held_out(run)
    (run / "model.onnx").unlink()
    with pytest.raises(TestedError, match="at its end"):
        read_held_out(run)
    with pytest.raises(TestedError, match="not a training run"):
        read_held_out(tmp_path / "nowhere")


def test_finished_trainings_are_listed_newest_first(run: Path, photos: Path, tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    runs.adopt(run)
    unfinished = write_tiny_run(tmp_path / "unfinished", photos)
    (unfinished / "model.onnx").unlink()
    runs.adopt(unfinished)
    runs.adopt(write_tiny_run(tmp_path / "second", photos))
    found = [Training("second", tmp_path / "second"), Training("run", run)]
    assert finished_trainings(tmp_path / "runs") == found
