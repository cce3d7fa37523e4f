"""Tables, plans, aims, studies, MATLAB files and what the window remembers, damaged or invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from app.core.training import paces
from app.core.training.study import StudyReader
from app.ui.window import settings
from model.contract.samples import DataError
from model.data.readers.cars196 import read_cars196
from model.data.readers.coco import read_coco_labels
from model.data.readers.matlab import variables
from model.data.readers.table import read_labels
from model.data.scenes import read_scenes
from model.experiments.comparison import read_cells, read_curves
from model.experiments.grid import read_rows
from model.experiments.plan import cells, keep_plan, kept_plan, read_plan
from model.publishing.aims import read_aims
from model.system.errors import MarqueError
from tests.model.data.drawn_photos import picture
from tests.reliability.fuzzing import another_value, as_json, damaged, fuzz, reads_or_tells

LABELS = "file,coarse,fine,x1,y1,x2,y2,year\na.jpg,boat,tug,1,2,30,40,1999\nb.jpg,car,,,,,,2001.5\n"
RUNS = "cell,seed,loss,recall_1,collapsed,seconds\na,0,x,0.5,0,3.5\na,1,x,0.6,0,3.5\nb,0,y,0.7,1,4\nb,1,y,0.65,0,4\n"
CURVES = "cell,seed,epoch,recall_1\na,0,1,0.4\na,0,2,0.5\nb,0,1,0.3\n"
PLAN = """
title = "a title"
mode = "frozen"
seeds = 2
[base.network]
embedding_dim = 8
[axes.loss]
x = { "loss.rule" = "random" }
y = { "loss.rule" = "semihard" }
[[baseline]]
loss = "x"
"""
AIMS = '[[aim]]\nwords = "right"\nfigure = ["a", "metrics", "test", "all", "fine"]\nat_least = 0.9\nunit = "%"\n'

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 20, "height": 10, "source": "web"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1.5, 2, 3, 4], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "tug", "supercategory": "service"}],
}


def study(file: Path) -> None:
    StudyReader(file.parent).poll()


READERS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "label table": ("labels.csv", LABELS, read_labels),
    "runs of a study": ("runs.csv", RUNS, lambda file: read_cells(file, ["loss"])),
    "runs, to continue": ("runs.csv", RUNS, read_rows),
    "curves of a study": ("curves.csv", CURVES, read_curves),
    "study folder": ("runs.csv", RUNS, study),
    "plan": ("plan.toml", PLAN, lambda file: list(cells(read_plan(str(file))))),
    "aims": ("aims.toml", AIMS, read_aims),
}


@pytest.mark.parametrize("reader", READERS)
@given(data=st.data())
@fuzz(20)
def test_a_damaged_table_or_plan_is_read_or_reported(place: Path, reader: str, data: st.DataObject) -> None:
    name, whole, read = READERS[reader]
    file = place / reader / name
    file.parent.mkdir(exist_ok=True)
    encoding = data.draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig", "cp1252")))
    file.write_bytes(data.draw(damaged(whole.encode(encoding))))
    reads_or_tells(reader, lambda: read(file), name)


@given(data=st.data())
@fuzz(40)
def test_a_coco_file_of_any_kind_is_read_or_reported(place: Path, data: st.DataObject) -> None:
    picture(place / "coco" / "a.jpg")
    file = place / "coco" / "boxes.json"
    changed = st.one_of(another_value(COCO).map(as_json), damaged(json.dumps(COCO).encode()))
    file.write_bytes(data.draw(changed))
    reads_or_tells("COCO file", lambda: read_coco_labels(file), "boxes.json")
    reads_or_tells("scenes", lambda: read_scenes(file, skip_bad=True), "boxes.json")


@given(data=st.data())
@fuzz(20)
def test_the_plan_of_a_study_of_any_kind_is_read_or_reported(place: Path, data: st.DataObject) -> None:
    (place / "plan.toml").write_text(PLAN)
    keep_plan(read_plan(str(place / "plan.toml")), place)
    (place / "plan.json").write_bytes(as_json(data.draw(another_value(json.loads((place / "plan.json").read_bytes())))))
    reads_or_tells("plan of a study", lambda: kept_plan(place) and study(place / "plan.json"), "plan.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,coarse\na\0.jpg,car\n", "zero bytes"),
        (LABELS.encode("utf-16"), "not in UTF-8|save it as CSV UTF-8"),
        (b"file,coarse\n" + b'"' + b"x" * 200_000 + b'",car\n', "field larger than"),
        (",".join(f"c{n}" for n in range(20_000)).encode() + b",file,coarse\n1\n", "20002 columns"),
        (b"", "empty"),
    ],
)
def test_tables_that_people_really_have_are_explained(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"labels\.csv.*{said}"):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a = " + "[" * 5000, "nested too deeply|invalid|Invalid|Cannot"),
        ("seeds = " + "9" * 5000, "4300"),
        (PLAN.replace("seeds = 2", "seeds = 99999999999"), "seeds"),
        (PLAN.replace("seeds = 2", "seeds = nan"), "NaN or too large"),
        ("x" * (2 << 20), "it has 2 MB"),
    ],
)
def test_absurd_plans_are_reported(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "plan.toml").write_text(content)
    with pytest.raises(MarqueError, match=rf"plan\.toml.*{said}"):
        read_plan(str(tmp_path / "plan.toml"))


def test_a_plan_with_more_cells_than_can_be_counted_is_reported(tmp_path: Path) -> None:
    axes = "".join(f"[axes.a{axis}]\n" + "".join(f'v{v} = {{ "x.y" = {v} }}\n' for v in range(9)) for axis in range(30))
    (tmp_path / "plan.toml").write_text(f'title = "a"\nmode = "full"\nseeds = 1\n{axes}')
    with pytest.raises(MarqueError, match=r"plan\.toml.*combinations"):
        read_plan(str(tmp_path / "plan.toml"))


@pytest.fixture(scope="module")
def devkit(place: Path) -> Path:
    """A small devkit with one half."""
    folder = place / "cars"
    (folder / "devkit").mkdir(parents=True)
    (folder / "cars_train").mkdir()
    savemat(
        folder / "devkit/cars_meta.mat", {"class_names": np.array(["Audi A4 Sedan 2012", "BMW X3 SUV 2012"], object)}
    )
    kinds = [(name, "i4") for name in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class")] + [("fname", "O")]
    entries = np.array([(1, 2, 30, 40, 1, "1.jpg"), (1, 2, 30, 40, 2, "2.jpg")], kinds)
    savemat(folder / "devkit/cars_train_annos.mat", {"annotations": entries})
    assert len(read_cars196(folder).samples) == 2
    return folder


@pytest.mark.parametrize("name", ["cars_meta.mat", "cars_train_annos.mat"])
@given(data=st.data())
@fuzz(20)
def test_a_damaged_devkit_is_read_or_reported(devkit: Path, name: str, data: st.DataObject) -> None:
    file = devkit / "devkit" / name
    whole = file.read_bytes()
    try:
        file.write_bytes(data.draw(damaged(whole)))
        reads_or_tells(f"devkit's {name}", lambda: read_cars196(devkit), "devkit")
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("name", ["cars_meta.mat", "cars_train_annos.mat"])
def test_a_devkit_with_any_one_byte_damaged_is_read_or_reported(devkit: Path, name: str) -> None:
    """Some such files bring scipy's reader, and the process with it, down."""
    whole = (devkit / "devkit" / name).read_bytes()
    for place in range(128, len(whole)):
        content = whole[:place] + bytes([whole[place] ^ (1 if place % 2 else 0x7F)]) + whole[place + 1 :]
        with suppress(ValueError):
            variables(content, 1 << 20)


def test_a_devkit_that_unpacks_to_more_than_annotations_is_reported(devkit: Path, tmp_path: Path) -> None:
    (tmp_path / "devkit").mkdir()
    savemat(tmp_path / "devkit/cars_meta.mat", {"class_names": np.zeros(9 << 20)}, do_compression=True)
    assert (tmp_path / "devkit/cars_meta.mat").stat().st_size < 1 << 20
    with pytest.raises(DataError, match=r"cars_meta\.mat.*unpacked"):
        read_cars196(tmp_path)


REMEMBERED = {
    "theme": "dark",
    "identification_model": "/models/a.onnx",
    "project": "/photos/a.marque",
    "galleries": {"0123": "/g/a.gallery"},
    "reembedding_declined": ["0123"],
    "recent_projects": ["/photos/a.marque"],
    "geometry": "AAAA",
    "splitters": {"review": [100, 200]},
}


@given(data=st.data())
@fuzz(30)
def test_the_window_starts_with_settings_of_any_kind(place: Path, data: st.DataObject) -> None:
    file = place / "settings.json"
    whole = as_json(REMEMBERED)
    file.write_bytes(
        data.draw(st.one_of(damaged(whole), another_value(REMEMBERED).map(as_json), st.binary(max_size=99)))
    )
    found: list[settings.Settings] = []
    reads_or_tells("settings", lambda: found.append(settings.load(file)))
    assert found, "the settings are always read"
    settings.save(file, found[0])
    assert settings.load(file) == found[0]


def test_settings_that_are_damaged_are_kept_as_they_were(tmp_path: Path) -> None:
    for content in (
        b'{"theme": "dark", ',
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"splitters": {"a": [1e999]}}',
        b'{"theme": 3}',
    ):
        (tmp_path / "settings.json").write_bytes(content)
        assert settings.load(tmp_path / "settings.json") == settings.Settings()
        assert (tmp_path / "settings.json.bad").read_bytes() == content


@given(data=st.data())
@fuzz(20)
def test_paces_of_any_kind_are_read_or_none(place: Path, data: st.DataObject) -> None:
    pace = {"backbone": "resnet18", "size": 64, "device": "cpu", "images_per_second": 20.5}
    (place / "paces.json").write_bytes(as_json(data.draw(another_value([pace, pace]))))
    reads_or_tells("paces", lambda: paces.kept(place / "paces.json"))
