"""Labels from COCO files: the two levels that follow from categories, boxes in whole pixels, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.contract.samples import Sample
from model.data.readers import read_data
from tests.model.data.drawn_photos import error, picture


def coco(folder: Path, categories: list[dict[str, Any]], boxes: list[dict[str, Any]]) -> str:
    """A file of the pictures a.jpg and b.jpg, 20 x 10 pixels, as a spec."""
    images = [{"id": n, "file_name": picture(folder / f"{n}.jpg").name, "width": 20, "height": 10} for n in (1, 2)]
    content = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "set.json").write_text(json.dumps(content), encoding="utf-8")
    return f"coco:{folder}/set.json"


def box(image: int, category: int, *corners: float, **more: Any) -> dict[str, Any]:
    return {"id": 10 * image + category, "image_id": image, "category_id": category, "bbox": corners, **more}


def test_each_box_is_a_sample_in_the_group_of_its_photo(tmp_path: Path) -> None:
    categories = [{"id": 1, "name": "tug", "supercategory": "service"}, {"id": 2, "name": "boat"}]
    boxes = [
        box(2, 2, 1.2, 0, 3, 4.5),
        box(1, 1, -3, 2.9, 50, 3),
        box(1, 2, 0, 0, 20, 10),
        box(2, 1, 0, 0, 5, 5, iscrowd=1),
    ]
    spec = coco(tmp_path, categories, boxes)
    data = read_data([spec])
    file, first, second = f"{tmp_path}/set.json", tmp_path / "1.jpg", tmp_path / "2.jpg"
    assert data.samples == (
        Sample(first, "service", "tug", "set", str(first), f"{file}: annotation 11", (0, 2, 20, 6)),
        Sample(first, "boat", None, "set", str(first), f"{file}: annotation 12", (0, 0, 20, 10)),
        Sample(second, "boat", None, "set", str(second), f"{file}: annotation 22", (1, 0, 5, 5)),
    )


@pytest.mark.parametrize(
    ("category", "coarse", "fine"),
    [
        ({"name": "BMW X5", "supercategory": "suv"}, "suv", "BMW X5"),
        ({"name": "car", "supercategory": "vehicle"}, "car", None),
        ({"name": "car", "supercategory": "none"}, "car", None),
        ({"name": "car", "supercategory": "Car"}, "car", None),
        ({"name": "car", "supercategory": ""}, "car", None),
        ({"name": "car", "supercategory": None}, "car", None),
        ({"name": " car "}, "car", None),
    ],
)
def test_the_two_levels_follow_from_the_category(
    tmp_path: Path, category: dict[str, Any], coarse: str, fine: str | None
) -> None:
    [sample] = read_data([coco(tmp_path, [{"id": 1, **category}], [box(1, 1, 0, 0, 5, 5)])]).samples
    assert (sample.coarse, sample.fine) == (coarse, fine)


def test_a_bad_box_is_named_or_passed_over(tmp_path: Path) -> None:
    spec = coco(tmp_path, [{"id": 1, "name": "car"}], [box(1, 1, 0, 0, 5, 5), box(2, 1, 5, 5, 0, 5)])
    message = f"{tmp_path}/set.json: annotation 21: the box of 0 x 5 pixels has no area"
    assert error(spec) == message
    data = read_data([spec], skip_bad=True)
    assert (len(data.samples), data.skipped) == (1, (message,))


def test_a_file_without_boxes_is_an_error(tmp_path: Path) -> None:
    assert "no usable photo" in error(coco(tmp_path, [{"id": 1, "name": "car"}], []))
