"""Which photo a point is, and how points are grouped."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from app.core.explore.map_points import NONE, By, MapPoints, Source, grouped, read_points, write_csv, write_svg
from app.core.gallery.gallery import Gallery, GalleryError
from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.core.recognition.engine import Engine
from app.core.recognition.features import FEATURES
from app.core.review.photo_columns import PhotoColumns
from model.contract.bundle import Thresholds


@pytest.fixture
def columns() -> PhotoColumns:
    """Four photos: a sure one, one of a sure type, an unknown one, one that waits."""
    columns = PhotoColumns(thresholds=Thresholds(fine=0.6, coarse=0.6))
    columns.add([(number, f"/photos/{number}.jpg".encode(), None) for number in (1, 2, 3, 5)])
    piece = np.zeros(3, FEATURES)
    for name in ("type", "fine", "fine_type", "near", "near_type"):
        piece[name] = -1
    piece["image"] = (1, 2, 3)
    piece["type"] = columns.names.place("sedan")
    piece["fine"], piece["fine_type"] = columns.names.place("Rossa 2010"), columns.names.place("sedan")
    piece["type_has_classes"] = True
    piece["type_probability"], piece["fine_probability"] = (0.99, 0.7, 0.3), (0.97, 0.4, 0.2)
    columns.set_predictions(piece)
    return columns


@pytest.fixture
def points(tiny_gallery: Path) -> MapPoints:
    """Three of these photos and the gallery's twelve."""
    with Gallery.open(tiny_gallery) as gallery:
        references = gallery.references()
        vectors = np.concatenate(
            [np.eye(3, 4, dtype=np.float32), gallery.embeddings([one.id for one in gallery.references()])]
        )
        pictures = tuple(gallery.picture(one) for one in references)
    return MapPoints(vectors, np.array([1, 2, 3]), tuple(references), pictures)


def named(points: MapPoints, columns: PhotoColumns, by: By) -> list[str]:
    groups = grouped(points, columns, by)
    assert groups.counts().sum() == len(points) and (groups.counts() > 0).all()
    return [groups.names[number] for number in groups.of.tolist()]


def test_points_are_grouped_by_what_holds_now(points: MapPoints, columns: PhotoColumns) -> None:
    assert named(points, columns, By.TYPE) == ["sedan", "sedan", NONE, *["sedan"] * 6, *["ship"] * 6]
    assert named(points, columns, By.CLASS)[:4] == ["Rossa 2010", NONE, NONE, "Gialla 2012"]
    assert named(points, columns, By.STATUS)[:4] == ["identified", "coarse_only", "unknown", "gallery"]
    assert named(points, columns, By.CONFIDENCE)[:4] == ["above 95 %", "50 to 80 %", NONE, "gallery"]
    assert named(points, columns, By.SOURCE) == ["project"] * 3 + ["gallery"] * 12
    assert named(points, columns, By.VERDICT)[:3] == [NONE] * 3
    columns.set_labels(
        {SubjectId(3): Label(Verdict.CORRECTED, "ship", "Celeste class"), SubjectId(1): Label(Verdict.EXCLUDED)}
    )
    assert named(points, columns, By.VERDICT)[:3] == ["excluded", NONE, "corrected"]
    assert named(points, columns, By.CLASS)[2] == "Celeste class"
    groups = grouped(points, columns, By.CLASS)
    assert dict(zip(groups.names, groups.types, strict=True))["Celeste class"] == "ship"
    assert groups.names[-1] == NONE


def test_points_whose_photos_are_not_listed_yet_belong_to_nobody(points: MapPoints) -> None:
    assert named(points, PhotoColumns(), By.STATUS)[:4] == [NONE, NONE, NONE, "gallery"]
    assert grouped(MapPoints(), PhotoColumns(), By.TYPE).names == ()


def test_the_gallery_is_read_in_the_order_of_its_references(tiny_gallery: Path, tiny_engine: Engine) -> None:
    found = read_points(Source.BOTH, None, tiny_gallery, tiny_engine.info.fingerprint)
    assert len(found) == 12 and [one.id for one in found.references] == list(range(1, 13))
    assert all(picture is not None and picture.is_file() for picture in found.pictures)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert len(read_points(Source.PROJECT, None, tiny_gallery, tiny_engine.info.fingerprint)) == 0
    with pytest.raises(GalleryError, match="another identification model"):
        read_points(Source.GALLERY, None, tiny_gallery, "0" * 64)


def test_the_map_can_be_saved_as_table_and_drawing(points: MapPoints, columns: PhotoColumns, tmp_path: Path) -> None:
    places = np.linspace(-1, 1, 2 * len(points)).reshape(-1, 2)
    write_csv(tmp_path / "map.csv", points, columns, places)
    rows = list(csv.DictReader((tmp_path / "map.csv").open(encoding="utf-8")))
    assert len(rows) == 15 and rows[0] == {
        **{"file": "/photos/1.jpg", "x": "-1", "y": "-0.931034", "type": "sedan", "class": "Rossa 2010"}
    }
    assert rows[-1]["class"] == "Celeste class" and rows[-1]["file"].endswith("3.jpg")
    groups = grouped(points, columns, By.TYPE)
    write_svg(tmp_path / "map.svg", places, groups, ["#FF0000", "#00FF00", "#888888"], ["<sedan>", "ship", "none"])
    drawing = ElementTree.parse(tmp_path / "map.svg").getroot()
    assert len(drawing.findall(".//{*}circle")) == 15 + 3
    assert [one.text for one in drawing.findall(".//{*}text")] == ["<sedan> (8)", "ship (6)", "none (1)"]
