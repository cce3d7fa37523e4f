"""The model that comes with the program: whole, small, silent about where it was made, and right on real photos."""

import csv
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from app.cli import main
from app.core.gallery.gallery import Gallery
from app.core.recognition.engine import Engine
from app.core.system import paths
from model.contract.bundle import Variant, beside, read_info
from model.data.readers import read_data
from tests.real_photos import REAL_PHOTOS as DATA

MEGABYTE = 1_000_000
PHOTOS_A_SOURCE = 60


@pytest.fixture(scope="module", params=paths.bundled_models(), ids=lambda path: path.stem)
def model(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_is_one_to_begin_with() -> None:
    first = paths.bundled_model()
    assert first is not None and first.stem == "marque"
    assert beside(first, Variant.FP16).is_file()
    assert [path.stem for path in paths.bundled_models()] == ["marque", "marque-lite"]


def test_model_and_gallery_belong_together(model: Path) -> None:
    info = read_info(model)
    assert (len(info.taxonomy.coarse), len(info.taxonomy.fine)) == (17, 224) and info.calibrated
    gallery_file = paths.bundled_gallery(model)
    assert gallery_file is not None
    with Gallery.open(gallery_file, info.fingerprint, read_only=True) as gallery:
        assert gallery.dim == info.embedding_dim
        assert {reference.source for reference in gallery.references()} >= {"cars196"}
        labels = {(reference.coarse, reference.fine) for reference in gallery.references()}
    assert {fine for _, fine in labels} - {None} == set(info.taxonomy.fine)
    assert {coarse for coarse, _ in labels} == set(info.taxonomy.coarse)


def test_together_they_are_small_enough_for_the_repository(model: Path) -> None:
    folder = model.parent
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100 * MEGABYTE
    assert model.with_suffix(".md").is_file()


def test_no_file_reveals_where_it_was_made(model: Path) -> None:
    gallery_file = paths.bundled_gallery(model)
    assert gallery_file is not None
    with sqlite3.connect(f"file:{gallery_file}?mode=ro&immutable=1", uri=True) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [cell for table in tables for row in database.execute(f"SELECT * FROM {table}") for cell in row]
    texts = [cell for cell in cells if isinstance(cell, str)]
    assert any(text.endswith(".jpg") for text in texts)
    assert not [text for text in texts if text.startswith(("/", "..")) or ":\\" in text]
    assert not re.search(r'"(/|\.\.|[A-Z]:)', read_info(model).model_dump_json())
    files = [file for variant in Variant if (file := beside(model, variant)).is_file()]
    assert {model, beside(model, Variant.INT8)} <= set(files)
    for file in files:
        assert b"site-packages" not in file.read_bytes()


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real photographs at {DATA}; name their folder in MARQUE_DATA")
@pytest.mark.parametrize("spec", [f"cars196:{DATA}/cars196", f"table:{DATA}/vessels/labels.csv"])
def test_real_photos_are_identified(model: Path, spec: str, tmp_path: Path) -> None:
    samples = read_data([spec]).samples
    chosen = samples[:: len(samples) // PHOTOS_A_SOURCE][:PHOTOS_A_SOURCE]
    out = tmp_path / "labels.csv"
    assert main(["identify", *(str(sample.path) for sample in chosen), "--model", model.stem, "--out", str(out)]) == 0
    rows = {row["path"]: row for row in csv.DictReader(out.open(encoding="utf-8"))}
    assert len(rows) == len(chosen)
    right = sum(rows[str(sample.path)]["coarse"] == sample.coarse for sample in chosen)
    assert right / len(chosen) > 0.8
    assert Counter(row["status"] for row in rows.values())["identified"] > len(chosen) / 4
    assert Engine(model).info.name in next(iter(rows.values()))["model"]
