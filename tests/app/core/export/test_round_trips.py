"""Every table that Marque writes can be read back, whatever photos and classes are called."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli import main
from app.core.export.correction_table import CorrectionTable
from app.core.export.exporters import EXPORTERS, Exported, export
from app.core.export.label_table import guarded, unguarded
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import KnownModel, SubjectId
from app.core.project.results import PhotoResult, with_labels
from model.contract.bundle import Thresholds
from model.contract.photo import upright_size
from model.contract.taxonomy import Taxonomy
from model.data.readers.coco import read_coco_labels
from model.data.readers.table import read_labels
from model.system.outputs import Output
from tests.app.tiny import colour_picture

MODEL = KnownModel("f00d", "tiny", Taxonomy(coarse=("ship",), fine=(), parents=()), Thresholds())
NAME = st.one_of(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.sampled_from(
        [
            " a ",
            "\n",
            "a\r",
            "\r\nb",
            '"',
            '""a"',
            "a,b;c\td",
            "=1+1",
            "+a",
            "-a",
            "@a",
            "\ta",
            "\ra",
            "'=a",
            "''a",
            "'",
        ]
    ),
    st.binary(min_size=1, max_size=12).filter(lambda raw: not {0, 47} & set(raw)).map(os.fsdecode),
).filter(lambda name: name not in (".", ".."))
CLASS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40),
    st.sampled_from(["=1+1", "\x01bell\x07", "_x0041_", "a\nb", "'-", "@SUM(A1)", "-2"]),
)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Photo:
    id: int
    path: Path
    size: int
    modified: int
    digest: None = None
    error: None = None


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    colour_picture((220, 20, 30)).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def exported(picture: Path, name: str, label: Label, kind: str, read: Callable[[Path, Exported, Path], None]) -> None:
    with TemporaryDirectory() as folder:
        photo = Path(folder) / name
        try:
            shutil.copyfile(picture, photo)
        except OSError:  # longer than the file system takes
            return
        found = photo.stat()
        image = Photo(1, photo, found.st_size, found.st_mtime_ns)
        result = PhotoResult(image, None, None, label, with_labels([None], [label])[0])  # type: ignore[arg-type]
        out = Path(folder) / "out put.csv"
        if out == photo:
            return
        done = export([result], Output(out, "table"), MODEL, kind)
        read(out, done, photo)


@FEW
@given(name=NAME, coarse=CLASS, fine=CLASS)
def test_the_table_of_labels_is_read_back(picture: Path, name: str, coarse: str, fine: str) -> None:
    label = Label(Verdict.CORRECTED, coarse, fine)

    def read(out: Path, done: Exported, photo: Path) -> None:
        with out.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            (row,) = csv.DictReader(file, strict=True)
        assert (row["path"], row["coarse"], row["label"], row["verdict"]) == (str(photo), coarse, fine, "corrected")
        (again,) = CorrectionTable.read(out).rows
        assert again.name == str(photo) and again.values["fine"] == fine and not done.problems

    exported(picture, name, label, "csv", read)


@FEW
@given(name=NAME, coarse=CLASS, fine=CLASS)
def test_the_table_for_spreadsheets_holds_no_formula(picture: Path, name: str, coarse: str, fine: str) -> None:
    label = Label(Verdict.CORRECTED, coarse, fine)

    def read(out: Path, _done: Exported, photo: Path) -> None:
        (row,) = CorrectionTable.read(out).rows
        assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in row.values.values())
        assert [unguarded(row.values[name]) for name in ("path", "coarse", "fine")] == [str(photo), coarse, fine]

    exported(picture, name, label, "csv-for-spreadsheet", read)


@FEW
@given(name=NAME, coarse=CLASS.map(str.strip).filter(bool), fine=CLASS.map(str.strip).filter(bool))
def test_the_training_table_is_read_back(picture: Path, name: str, coarse: str, fine: str) -> None:
    def read(out: Path, _done: Exported, photo: Path) -> None:
        reading = read_labels(out)
        (sample,) = reading.samples
        assert (sample.coarse, sample.fine) == (coarse, fine) and sample.path.samefile(photo)

    exported(picture, name, Label(Verdict.CORRECTED, coarse, fine), "training", read)


@FEW
@given(name=NAME, coarse=CLASS, fine=CLASS)
def test_json_lines_and_coco_are_valid_and_leave_out_undecodable_names(
    picture: Path, name: str, coarse: str, fine: str
) -> None:
    def is_text() -> bool:
        try:
            name.encode()
        except UnicodeEncodeError:
            return False
        return True

    def read_lines(out: Path, done: Exported, photo: Path) -> None:
        lines = [json.loads(line) for line in out.read_bytes().decode().split("\n")[:-1]]
        if is_text():
            assert [(one["path"], one["coarse"], one["label"]) for one in lines] == [(str(photo), coarse, fine)]
        else:
            assert lines == [] and "not UTF-8" in done.problems[0]

    def read_coco(out: Path, done: Exported, photo: Path) -> None:
        content = json.loads(out.read_bytes().decode())
        if is_text():
            assert [one["file_name"] for one in content["images"]] == [str(photo)]
            assert [(one["name"], one["supercategory"]) for one in content["categories"]] == [(fine, coarse)]
        else:
            assert content["images"] == [] and "not UTF-8" in done.problems[0]

    label = Label(Verdict.CORRECTED, coarse, fine)
    exported(picture, name, label, "jsonl", read_lines)
    exported(picture, name, label, "coco", read_coco)


@pytest.mark.parametrize("fine", ["=1+1", "\x01\x07", "_x0041_", "a\nb", "x" * 32_768])
def test_the_workbook_holds_text_alone(picture: Path, fine: str) -> None:
    def read(out: Path, done: Exported, photo: Path) -> None:
        header, *rows = openpyxl.load_workbook(out.rename(out.with_suffix(".xlsx")))["labels"].iter_rows()
        if len(fine) > 32_767:
            assert rows == [] and "too long for a cell" in done.problems[0]
            return
        cells = {name.value: cell for name, cell in zip(header, rows[0], strict=True)}
        assert openpyxl.utils.escape.unescape(cells["label"].value) == fine and cells["label"].data_type == "s"
        assert cells["verdict"].value == "corrected"

    exported(picture, "a.png", Label(Verdict.CORRECTED, "sedan", fine), "xlsx", read)


@given(text=st.text(max_size=20))
def test_the_apostrophe_for_spreadsheets_can_be_taken_away(text: str) -> None:
    assert unguarded(guarded(text)) == text


@pytest.fixture
def work(photos: Path, tiny_model: Path, tmp_path: Path) -> Path:
    place = tmp_path / "work.marque"
    model = ["--model", str(tiny_model), "--gallery", "none"]
    assert main(["identify", str(photos), "--project", str(place), *model]) == 0
    return place


def test_the_trainer_reads_the_coco_file(work: Path, tmp_path: Path) -> None:
    with Project.open(work) as project:
        first, second, third, *_ = project.images.all()
        named = Label(Verdict.CORRECTED, "sedan", "Rossa 2010")
        project.labels.set({SubjectId(image.id): named for image in (first, second)}, "review")
        project.labels.set({SubjectId(third.id): Label(Verdict.CORRECTED, "ship", "")}, "review")
    assert main(["export", str(work), "--format", "coco"]) == 0
    read = read_coco_labels(tmp_path / "work.json")
    assert read.problems == []
    labels = {sample.path: (sample.coarse, sample.fine) for sample in read.samples}
    assert labels[first.path] == labels[second.path] == ("sedan", "Rossa 2010")
    assert labels[third.path] == ("ship", None)
    assert all(sample.box == (0, 0, *upright_size(sample.path)) for sample in read.samples)


def test_photos_that_are_away_do_not_shrink_an_export(
    work: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    command = ["export", str(work), "--format", "coco"]
    assert main(command) == 0
    before = (tmp_path / "work.json").read_bytes()
    photos.rename(tmp_path / "away")
    capsys.readouterr()
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "not written, as 12 photos cannot be reached" in said and str(photos / "sedan") in said
    assert (tmp_path / "work.json").read_bytes() == before
    assert main(["export", str(work), "--format", "csv"]) == 0  # which does not need them
    assert len((tmp_path / "work.csv").read_text().splitlines()) == 13


def test_a_photo_that_was_replaced_is_not_exported_under_its_old_answer(
    work: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with Project.open(work) as project:
        first, second, *_ = project.images.all()
        labels = {SubjectId(image.id): Label(Verdict.CORRECTED, "sedan", "Rossa 2010") for image in (first, second)}
        project.labels.set(labels, "review")
    colour_picture((5, 5, 200), seed=9).save(first.path)
    for kind, place in (("csv", "work.csv"), ("training", "work.training.csv"), ("coco", "work.json")):
        capsys.readouterr()
        assert main(["export", str(work), "--format", kind]) == 1
        assert f"{first.path}: has changed since it was identified; identify it again" in capsys.readouterr().err
        assert (tmp_path / place).exists()
    with (tmp_path / "work.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert len(rows) == 12 and rows[str(first.path)]["status"] == "error" and rows[str(first.path)]["label"] == ""
    assert [sample.path for sample in read_labels(tmp_path / "work.training.csv").samples] == [second.path]
    assert len(json.loads((tmp_path / "work.json").read_bytes())["images"]) == 11
    os.utime(second.path, ns=(1, 1))  # touched only
    capsys.readouterr()
    assert main(["export", str(work), "--format", "training"]) == 1
    assert str(second.path) not in capsys.readouterr().err


def test_an_export_replaces_neither_the_project_nor_a_photo_nor_notes(
    work: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    notes, photo = tmp_path / "notes.csv", next(photos.rglob("*.jpg"))
    notes.write_text("mine")
    before = work.read_bytes(), photo.read_bytes()
    for place, options in ((work, ["--force"]), (photo, ["--force"]), (notes, []), (photos, ["--force"])):
        for command in (["export", str(work), "--format", "csv"], ["identify", str(photo), "--gallery", "none"]):
            assert main([*command, "--out", str(place), *options]) == 2, (command, place)
    assert (work.read_bytes(), photo.read_bytes(), notes.read_text()) == (*before, "mine")
    assert main(["export", str(work), "--format", "csv", "--out", str(notes), "--force"]) == 0
    capsys.readouterr()


def test_of_no_two_formats_the_default_place_is_the_same() -> None:
    places = [one.place(Path("work.marque")) for one in EXPORTERS.values()]
    assert len(set(places)) == len(places)
