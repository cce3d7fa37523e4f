"""Scenes from COCO files: where photos are looked for, what becomes of boxes and categories, and what is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.contract.finding import KINDS
from model.contract.samples import DataError
from model.data.coco_file import Category
from model.data.scenes import kind_of, read_scenes
from tests.model.data.drawn_photos import picture
from tests.real_photos import REAL_PHOTOS

CATEGORIES = [
    {"id": 1, "name": "car"},
    {"id": 2, "name": "boat", "supercategory": "vehicle"},
    {"id": 7, "name": "person", "supercategory": "person"},
]


def image(key: int | str, file_name: str, width: int = 20, height: int = 10, **more: Any) -> dict[str, Any]:
    return {"id": key, "file_name": file_name, "width": width, "height": height, **more}


def box(image_id: int | str, *corners: Any, category: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": 5, "image_id": image_id, "category_id": category, "bbox": list(corners), **more}


def coco(place: Path, images: list[Any], annotations: list[Any], categories: list[Any] = CATEGORIES) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    document = {"images": images, "annotations": annotations, "categories": categories}
    place.write_text(json.dumps(document), encoding="utf-8")
    return place


def refused(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_scenes(file)
    return str(caught.value).replace(f"{file}", "FILE")


def test_boxes_kinds_and_photos_without_any(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.jpg", "b.jpg"):
        picture(tmp_path / "photos" / name)
    drawn = [
        box(1, 1.5, 2, 3, 4.25),
        box(1, -5, 6, 100, 2, category=2, iscrowd=1),
        box(1, 1, 1, 1, 1, category=7),
    ]
    file = coco(tmp_path / "set.json", [image(1, "a.jpg"), image(2, "b.jpg", source="harbour")], drawn)
    with caplog.at_level(logging.WARNING):
        first, second = read_scenes(file)
    assert (first.path, first.file_name, first.width, first.height) == (tmp_path / "photos/a.jpg", "a.jpg", 20, 10)
    assert (first.source, second.source) == ("set", "harbour")
    assert first.boxes.dtype == np.float32
    assert first.boxes.tolist() == [[1.5, 2, 4.5, 6.25], [0, 6, 20, 8]]
    assert [KINDS[kind] for kind in first.kinds] == ["vehicle", "vessel"]
    assert first.crowd.tolist() == [False, True]
    assert second.boxes.shape == (0, 4)
    assert (second.kinds.dtype, second.crowd.dtype) == (np.int8, bool)
    assert "1 of person" in caplog.text


@pytest.mark.parametrize(
    ("file", "photo", "file_name"),
    [
        ("set.json", "a.jpg", "a.jpg"),
        ("set.json", "deep/a.jpg", "deep/a.jpg"),
        ("result.json", "images/a.jpg", "images\\a.jpg"),
        ("labels.json", "data/a.jpg", "a.jpg"),
        ("train/_annotations.coco.json", "train/a.jpg", "a.jpg"),
        ("annotations/instances_default.json", "images/a.jpg", "a.jpg"),
        ("annotations/instances_train2017.json", "train2017/a.jpg", "a.jpg"),
        ("annotations/instances_val.json", "images/val/a.jpg", "a.jpg"),
    ],
)
def test_photos_are_found_where_programs_put_them(tmp_path: Path, file: str, photo: str, file_name: str) -> None:
    picture(tmp_path / photo)
    [scene] = read_scenes(coco(tmp_path / file, [image("x", file_name)], [box("x", 0, 0, 5, 5)]))
    assert scene.path == tmp_path / photo


def test_a_picture_without_a_stated_size_has_that_of_its_photo(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    [scene] = read_scenes(coco(tmp_path / "set.json", [{"id": 1, "file_name": "a.jpg", "width": None}], []))
    assert (scene.width, scene.height) == (20, 10)


def test_boxes_are_places_in_the_upright_picture(tmp_path: Path) -> None:
    """A phone's photo that is stored on its side: the size shows which way the boxes were drawn."""
    picture(tmp_path / "a.jpg", exif=turned())
    upright = coco(tmp_path / "upright.json", [image(1, "a.jpg", 10, 20)], [box(1, 0, 12, 8, 8)])
    [scene] = read_scenes(upright)
    assert (scene.width, scene.height, scene.boxes.tolist()) == (10, 20, [[0, 12, 8, 20]])
    message = refused(coco(tmp_path / "stored.json", [image(1, "a.jpg", 20, 10)], [box(1, 12, 0, 8, 8)]))
    assert message == (
        "FILE: a.jpg: the photo has 10 x 20 pixels, the annotations say 20 x 10; "
        "the boxes were drawn on the photo before it was turned upright"
    )


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (box(1, 5, 5, 0, 3), "annotation 5: the box of 0 x 3 pixels has no area"),
        (box(1, 5, 5, 4, -3), "annotation 5: the box of 4 x -3 pixels has no area"),
        (box(1, 30, 5, 4, 3), "annotation 5: the box is outside of a.jpg (20 x 10 pixels)"),
        (box(1, 3, 5, 4), "annotation 5: 'bbox' is not four numbers: left, top, width and height"),
        (box(1, 3, 5, 4, "3"), "annotation 5: 'bbox' is not four numbers: left, top, width and height"),
        (box(1, 3, 5, 4, True), "annotation 5: 'bbox' is not four numbers: left, top, width and height"),
        (box(1, 3, 5, 4, 3, category=9), "annotation 5: there is no category 9"),
        (box(8, 3, 5, 4, 3), "annotation 5: there is no image 8"),
        ({"id": 4, "bbox": [0, 0, 1, 1]}, "annotation 4: has no 'image_id'"),
        ("box", "annotation number 1: has no 'image_id'"),
    ],
)
def test_bad_boxes_are_problems_and_can_be_passed_over(tmp_path: Path, entry: Any, said: str) -> None:
    picture(tmp_path / "a.jpg")
    file = coco(tmp_path / "set.json", [image(1, "a.jpg")], [entry])
    assert refused(file) == f"FILE: {said}"
    [scene] = read_scenes(file, skip_bad=True)
    assert len(scene.boxes) == 0


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (image(2, "b.jpg"), "FILE: b.jpg: the photo is neither beside the file nor in 'photos' or 'images' beside it"),
        (image(2, "a.jpg", 21, 10), "FILE: a.jpg: the photo has 20 x 10 pixels, the annotations say 21 x 10"),
        (image(1, "a.jpg"), "FILE: entry 2 of 'images': id 1 occurs twice"),
        ({"id": 2}, "FILE: entry 2 of 'images': has no 'file_name'"),
        ({"file_name": "a.jpg"}, "FILE: entry 2 of 'images': has no 'id'"),
        (None, "FILE: entry 2 of 'images': has no 'id'"),
        (image(2, "damaged.jpg"), "FILE: damaged.jpg: not a picture in a format this program reads"),
    ],
)
def test_bad_photos_are_one_problem_each(tmp_path: Path, entry: Any, said: str) -> None:
    picture(tmp_path / "a.jpg")
    (tmp_path / "damaged.jpg").write_text("no picture")
    boxes = [box(2, 0, 0, 5, 5)] if entry and entry.get("id") == 2 else []
    file = coco(tmp_path / "set.json", [image(1, "a.jpg"), entry], boxes)
    assert refused(file) == said
    [scene] = read_scenes(file, skip_bad=True)
    assert scene.file_name == "a.jpg"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a JSON document"),
        (b"{" * 10_000, "not a JSON document"),
        (b'{"images": [{"id": 1, "width": NaN}]}', "not a JSON document"),
        (b"[]", "has no list 'images'; give annotations in the COCO format, with boxes"),
        (b'{"images": [], "annotations": {}}', "has no list 'annotations'"),
        (b'{"images": [], "annotations": [], "categories": []}', "it names no picture"),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "set.json").write_bytes(content)
    assert refused(tmp_path / "set.json").startswith(f"FILE: {said}")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.json") == "FILE: the file does not exist"
    assert "it is a folder" in refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "coarse", "kind"),
    [
        ("Car", "Car", "vehicle"),
        ("motor-vehicles", "motor-vehicles", "vehicle"),
        ("buses", "buses", "vehicle"),
        ("Pickup_Truck", "Pickup_Truck", "vehicle"),
        ("BMW X5", "suv", "vehicle"),
        ("ship", "ship", "vessel"),
        ("small_craft", "small_craft", "vessel"),
        ("Nimitz", "naval", "vessel"),
        ("bicycle", "bicycle", None),
        ("train", "train", None),
        ("BMW X5", "BMW X5", None),
    ],
)
def test_the_kind_follows_from_the_name_or_the_type(name: str, coarse: str, kind: str | None) -> None:
    found = kind_of(Category(name, coarse, None))
    assert (None if found is None else KINDS[found]) == kind


@pytest.mark.skipif(not (REAL_PHOTOS / "scenes").is_dir(), reason=f"no {REAL_PHOTOS}/scenes")
def test_the_real_scenes_are_read() -> None:
    scenes = read_scenes(REAL_PHOTOS / "scenes" / "annotations.json")
    kinds = np.concatenate([scene.kinds for scene in scenes])
    assert (len(scenes), *np.bincount(kinds)) == (1067, 1519, 565)
    assert sum(scene.crowd.sum() for scene in scenes) == 2
