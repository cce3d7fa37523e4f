"""Stanford Cars as its devkit has them: classes, boxes, halves and body types."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from model.contract.samples import DataError
from model.data.body_types import BODY_TYPES, body_type
from model.data.readers import read_data
from tests.model.data.drawn_photos import error, labels, picture
from tests.real_photos import REAL_PHOTOS as DATA

CARS, VESSELS = DATA / "cars196", DATA / "vessels" / "labels.csv"
NAMES = ["Audi TT Hatchback 2011", "AM General Hummer SUV 2000", "Fisker Karma Sedan", "Ford GT Coupe 2006"]


def annotated(
    rows: Sequence[tuple[int | str, ...]],
    fields: Sequence[str] = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname"),
) -> dict[str, np.ndarray]:
    table = np.zeros((1, len(rows)), dtype=[(name, object) for name in fields])
    for i, row in enumerate(rows):
        table[0, i] = row
    return {"annotations": table}


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    """A devkit of four classes, three of them with photos of 20 x 10 pixels."""
    root = tmp_path / "cars"
    (root / "devkit").mkdir(parents=True)
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": np.array([NAMES], dtype=object)})
    rows = [(3, 2, 15, 9, 2, "00001.jpg"), (1, 1, 20, 10, 1, "00003.jpg"), (5, 2, 44, 9, 1, "00002.jpg")]
    savemat(root / "devkit" / "cars_train_annos.mat", annotated(rows))
    for row in rows:
        picture(root / "cars_train" / row[5])
    return root


def add_test_half(cars: Path) -> None:
    rows = [(1, 1, 9, 9, 3, "00001.jpg"), (2, 2, 9, 9, 1, "00002.jpg")]
    savemat(cars / "devkit" / "cars_test_annos_withlabels.mat", annotated(rows))
    for row in rows:
        picture(cars / "cars_test" / row[5])


def test_cars_come_by_class_then_file_with_zero_based_boxes(cars: Path) -> None:
    samples = read_data([f"cars196:{cars}"]).samples
    assert labels(samples) == [
        ("00002.jpg", "hatchback", NAMES[0]),
        ("00003.jpg", "hatchback", NAMES[0]),
        ("00001.jpg", "suv", NAMES[1]),
    ]
    assert [sample.box for sample in samples] == [(4, 1, 20, 9), (0, 0, 20, 10), (2, 1, 15, 9)]
    assert [sample.attributes for sample in samples] == [{"year": 2011.0}, {"year": 2011.0}, {"year": 2000.0}]
    assert {sample.source for sample in samples} == {"cars196"}


def test_both_halves_are_read_where_both_are_there(cars: Path) -> None:
    add_test_half(cars)
    samples = read_data([f"cars196:{cars}"]).samples
    assert [(s.path.parent.name, s.path.name, s.coarse) for s in samples] == [
        ("cars_test", "00002.jpg", "hatchback"),
        ("cars_train", "00002.jpg", "hatchback"),
        ("cars_train", "00003.jpg", "hatchback"),
        ("cars_train", "00001.jpg", "suv"),
        ("cars_test", "00001.jpg", "sedan"),
    ]
    assert len({sample.group for sample in samples}) == 5
    assert samples[-1].attributes == {}


def test_the_test_half_alone_is_enough(cars: Path) -> None:
    add_test_half(cars)
    (cars / "devkit" / "cars_train_annos.mat").unlink()
    assert len(read_data([f"cars196:{cars}"]).samples) == 2


def test_boxes_that_all_end_in_the_corner_are_left_out(cars: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [(5, 7, 20, 10, 1, "00001.jpg"), (15, 12, 20, 10, 2, "00002.jpg")]
    savemat(cars / "devkit" / "cars_train_annos.mat", annotated(rows))
    assert [sample.box for sample in read_data([f"cars196:{cars}"]).samples] == [None, None]
    assert "already cut to their boxes" in caplog.text


def test_body_types_can_be_given(cars: Path) -> None:
    text = "class_id,class_name,body_type\n" + "".join(f"{i},{name},kind {i}\n" for i, name in enumerate(NAMES, 1))
    (cars / "body_types.csv").write_text(text)
    assert [sample.coarse for sample in read_data([f"cars196:{cars}"]).samples] == ["kind 1", "kind 1", "kind 2"]
    for change, message in [
        (lambda: text.replace("2,AM", "5,AM"), "cars_meta.mat has no class 5 'AM General"),
        (lambda: text.replace("GT Coupe", "GT"), "cars_meta.mat has no class 4 'Ford GT 2006'"),
        (lambda: text.replace("kind 1", " "), "body_types.csv:2: column 'body_type' is empty"),
        (lambda: text.replace(f"2,{NAMES[1]},kind 2\n", ""), f"body_types.csv: class 2 '{NAMES[1]}' is missing"),
        (
            lambda: text + f"1,{NAMES[0]},kind 9\n",
            "body_types.csv:6: class .* is 'kind 1' further up and 'kind 9' here",
        ),
        (lambda: text + "7\n", "body_types.csv:6: 1 values, but 3 columns"),
    ]:
        (cars / "body_types.csv").write_text(change())
        with pytest.raises(DataError, match=message):
            read_data([f"cars196:{cars}"], skip_bad=True)
    (cars / "body_types.csv").write_text(text.replace(f"4,{NAMES[3]},kind 4\n", ""))
    assert len(read_data([f"cars196:{cars}"]).samples) == 3


def test_a_name_that_says_no_body_type_asks_for_the_file(cars: Path) -> None:
    names = np.array([["Audi A4", *NAMES[1:]]], dtype=object)
    savemat(cars / "devkit" / "cars_meta.mat", {"class_names": names})
    message = error(f"cars196:{cars}")
    assert "the name 'Audi A4' does not say a body type; add a body_types.csv" in message


def test_a_devkit_that_is_not_whole_says_what_is_missing(cars: Path) -> None:
    for name in ("devkit/cars_train_annos.mat", "devkit/cars_meta.mat"):
        kept = (cars / name).read_bytes()
        (cars / name).write_bytes(b"not a MATLAB file" * 20)
        assert f"{name}: not a MATLAB file that can be read" in error(f"cars196:{cars}")
        (cars / name).write_bytes(kept[: len(kept) // 2])
        assert f"{name}: " in error(f"cars196:{cars}")
        (cars / name).unlink()
        assert "cars_" in error(f"cars196:{cars}")
        (cars / name).write_bytes(kept)
    savemat(cars / "devkit" / "cars_train_annos.mat", {"other": 1})
    assert "variable 'annotations' is missing" in error(f"cars196:{cars}")
    unlabelled = annotated([(1, 1, 2, 2, "00001.jpg")], ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "fname"))
    savemat(cars / "devkit" / "cars_train_annos.mat", unlabelled)
    assert "field 'class' is missing; take the annotations with labels" in error(f"cars196:{cars}")
    savemat(cars / "devkit" / "cars_train_annos.mat", annotated([(1, 1, 2, 2, 5, "00001.jpg")]))
    assert "entry 1: class 5, but cars_meta.mat names 4 classes" in error(f"cars196:{cars}")
    (cars / "cars_train").rename(cars / "elsewhere")
    assert "cars_train: the folder does not exist" in error(f"cars196:{cars}")


def test_a_photo_of_the_devkit_that_is_missing_can_be_passed_over(cars: Path) -> None:
    (cars / "cars_train" / "00002.jpg").unlink()
    assert "cars_train_annos.mat: entry 3: " in error(f"cars196:{cars}")
    assert "00002.jpg: the file does not exist" in error(f"cars196:{cars}")
    data = read_data([f"cars196:{cars}"], skip_bad=True)
    assert (len(data.samples), len(data.skipped)) == (2, 1)


@pytest.mark.skipif(not CARS.exists(), reason=f"no Cars196 at {DATA}; name its folder in MARQUE_DATA")
def test_the_built_in_rule_gives_the_body_types_of_all_196_models() -> None:
    with (CARS / "body_types.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 196
    assert [body_type(row["class_name"]) for row in rows] == [row["body_type"] for row in rows]
    assert {row["body_type"] for row in rows} == set(BODY_TYPES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AM General Hummer SUV 2000", "suv"),
        ("Acura TL Type-S 2008", "sedan"),
        ("Rolls-Royce Phantom Drophead Coupe Convertible 2012", "convertible"),
        ("Ford Ranger SuperCab 2011", "pickup"),
        ("Dodge Ram Pickup 3500 Quad Cab 2009", "pickup"),
        ("Ram C/V Cargo Van Minivan 2012", "minivan"),
    ],
)
def test_a_name_says_its_body_type(name: str, expected: str) -> None:
    assert body_type(name) == expected


@pytest.mark.skipif(
    not (CARS.exists() and VESSELS.exists()), reason=f"no real photographs at {DATA}; name their folder in MARQUE_DATA"
)
def test_fourteen_thousand_photos_are_read() -> None:
    data = read_data([f"cars196:{CARS}", f"table:{VESSELS}"])
    assert not data.skipped
    cars = [sample for sample in data.samples if sample.source == "cars196"]
    assert (len(cars), len(data.samples) - len(cars)) == (6968, 7185)
    fine = list(dict.fromkeys(sample.fine for sample in cars))
    assert len(fine) == 196
    assert (fine[0], fine[97], fine[-1]) == (
        "AM General Hummer SUV 2000",
        "Eagle Talon Hatchback 1998",
        "smart fortwo Convertible 2012",
    )
    assert len({sample.fine for sample in data.samples if sample.source != "cars196"}) == 29
