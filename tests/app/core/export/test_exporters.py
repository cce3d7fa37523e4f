from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import main
from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_project
from app.core.export.exporters import EXPORTERS, export
from app.core.export.label_table import EXPORT_COLUMNS
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import FoundFile, SubjectId
from app.core.project.results import results
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier
from model.data.readers import read_data
from model.system.outputs import Output, OutputError


@pytest.fixture
def project(photos: Path, tiny_engine: Engine, tmp_path: Path) -> Iterator[Project]:
    """The 12 photos and a broken one, identified; one accepted, one corrected, one to its type, one excluded."""
    (photos / "ship" / "zz broken.jpg").write_text("no picture")
    with Project.create(tmp_path / "work.marque") as created:
        created.sources.add(photos)
        list(run_project(created, LocalRunner(Identifier(tiny_engine, None))))
        labels = {
            SubjectId(1): Label(Verdict.ACCEPTED, "sedan", "Gialla 2012"),
            SubjectId(2): Label(Verdict.CORRECTED, "ship", "Azzurra class"),
            SubjectId(3): Label(Verdict.CORRECTED, "ship"),
            SubjectId(4): Label(Verdict.EXCLUDED),
            SubjectId(5): Label(Verdict.UNKNOWN),
        }
        created.labels.set(labels, "review")
        yield created


def written(project: Project, kind: str, tmp_path: Path) -> Path:
    out = tmp_path / f"out{EXPORTERS[kind].suffix}"
    (model,) = project.models.all()
    export(results(project, model), Output(out, EXPORTERS[kind].kind, force=True), model, kind)
    return out


def test_the_table_has_the_columns_of_identify_and_the_persons_words(project: Project, tmp_path: Path) -> None:
    with written(project, "csv", tmp_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(EXPORT_COLUMNS) and len(rows) == 12  # 13 less the excluded one
    by_path = {image.path: image.id for image in project.images.all()}
    of = {by_path[Path(row["path"])]: row for row in rows}
    assert (of[1]["status"], of[1]["label"], of[1]["reason"]) == ("identified", "Gialla 2012", "accepted by a person")
    assert (of[2]["label"], of[2]["coarse"], of[2]["confidence"]) == ("Azzurra class", "ship", "1.0000")
    assert (of[3]["status"], of[3]["label"], of[3]["level"]) == ("coarse_only", "ship", "coarse")
    assert (of[5]["status"], of[5]["label"], of[5]["reason"]) == ("unknown", "", "unknown to a person")
    assert 4 not in of
    assert [of[image]["verdict"] for image in (1, 2, 3, 5, 6)] == ["accepted", "corrected", "corrected", "unknown", ""]
    assert of[6]["label"] == Path(of[6]["path"]).parent.name
    (broken,) = (row for row in rows if row["path"].endswith("broken.jpg"))
    assert (broken["status"], broken["reason"]) == ("error", "not a picture in a format this program reads")


def test_json_lines_hold_the_same(project: Project, tmp_path: Path) -> None:
    with written(project, "csv", tmp_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in written(project, "jsonl", tmp_path).read_text("utf-8").splitlines()]
    assert [line["path"] for line in lines] == [row["path"] for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert line["label"] == row["label"] and (line["confidence"] or 0) == float(row["confidence"] or 0)


def test_coco_names_pictures_sizes_and_the_tree(project: Project, tmp_path: Path) -> None:
    content = json.loads(written(project, "coco", tmp_path).read_text("utf-8"))
    assert len(content["images"]) == 11  # neither the excluded nor the broken one
    assert {(image["width"], image["height"]) for image in content["images"]} == {(90, 60)}
    categories = {one["id"]: (one["name"], one["supercategory"]) for one in content["categories"]}
    assert ("Azzurra class", "ship") in categories.values() and ("ship", "") in categories.values()
    assert len(content["annotations"]) == 10  # one is unknown
    for annotation in content["annotations"]:
        assert annotation["bbox"] == [0, 0, 90, 60] and annotation["area"] == 5400
        assert annotation["category_id"] in categories


def test_what_persons_said_is_training_data(project: Project, tmp_path: Path) -> None:
    out = written(project, "training", tmp_path)
    samples = read_data([f"table:{out}"]).samples
    assert [(sample.coarse, sample.fine) for sample in samples] == [
        ("sedan", "Gialla 2012"),
        ("ship", "Azzurra class"),
        ("ship", None),
    ]
    assert samples[0].path.samefile(project.images.all()[0].path)


def test_a_place_that_cannot_be_written_is_reported_and_an_old_file_stays(project: Project, tmp_path: Path) -> None:
    (model,) = project.models.all()
    place = tmp_path / "nowhere" / "a.jsonl"
    with pytest.raises(OutputError, match="nowhere does not exist"):
        export(results(project, model), Output(place, "table"), model, "jsonl")


def test_the_command_identifies_and_exports(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    place = tmp_path / "new.marque"
    arguments = ["identify", str(photos), "--project", str(place), "--model", str(tiny_model), "--gallery", "none"]
    assert main(arguments) == 0
    assert "12 photos, 12 with an answer, 0 errors, 0 waiting; 12 in this run" in capsys.readouterr().err
    assert main(arguments) == 0
    assert "0 in this run" in capsys.readouterr().err
    with Project.open(place) as project:
        project.labels.set({SubjectId(1): Label(Verdict.EXCLUDED)}, "exclude 1 image")
    assert main(["export", str(place), "--format", "csv"]) == 0
    assert len((tmp_path / "new.csv").read_text("utf-8").splitlines()) == 12
    assert main(["undo", str(place)]) == 0
    assert "undone: exclude 1 image" in capsys.readouterr().err
    assert main(["export", str(place), "--format", "csv"]) == 0
    assert len((tmp_path / "new.csv").read_text("utf-8").splitlines()) == 13
    assert main(["undo", str(place), "--redo"]) == 0
    assert main(["undo", str(place), "--redo"]) == 0
    assert "nothing to redo" in capsys.readouterr().err


def test_wrong_use_is_explained(photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    place = tmp_path / "new.marque"
    both = ["--project", str(place), "--out", str(tmp_path / "a.csv"), "--model", str(tiny_model)]
    assert main(["identify", str(photos), *both]) == 2
    assert main(["export", str(place), "--format", "csv"]) == 2
    Project.create(place).close()
    assert main(["export", str(place), "--format", "csv"]) == 2
    told = capsys.readouterr().err
    assert "marque export" in told and "does not exist" in told and "nothing has been identified" in told


def test_an_export_says_how_many_photos_it_holds_and_when_none_has_a_label(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    place, training = tmp_path / "new.marque", tmp_path / "new.training.csv"
    use = ["--model", str(tiny_model), "--gallery", "none"]
    assert main(["identify", str(photos), "--project", str(place), *use]) == 0
    capsys.readouterr()
    for kind, count in (("csv", 12), ("xlsx", 12), ("jsonl", 12), ("coco", 12), ("training", 0)):
        assert main(["export", str(place), "--format", kind, "--json"]) == 0
        (done,) = map(json.loads, capsys.readouterr().err.splitlines())
        assert (done["photos"], done["not_identified"], done["problems"]) == (count, 0, 0)
    assert main(["export", str(place), "--format", "training"]) == 0
    why = "no photo has a label yet; accept or correct answers first"
    assert capsys.readouterr().err == f"{EXPORTERS['training'].words}: {training}; 0 photos: {why}\n"
    with Project.open(place) as project:
        project.labels.set({SubjectId(1): Label(Verdict.ACCEPTED, "ship")}, "one")
    assert main(["export", str(place), "--format", "training"]) == 0
    assert capsys.readouterr().err.endswith(f"{training}; 1 photo\n")


@pytest.mark.skipif(os.name == "nt", reason="quotes are read as a shell of Linux and macOS does")
@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "coco", "training", "xmp", "xmp-copies"])
def test_every_export_counts_photos_that_are_not_identified_yet(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture, kind: str
) -> None:
    """Two that are new; and one that was replaced, and then noted when it was to be filed."""
    place = tmp_path / "ann's.marque"
    use = ["--model", str(tiny_model), "--gallery", "none"]
    assert main(["identify", str(photos), "--project", str(place), *use]) == 0
    replaced = min(photos.rglob("*.*"))
    shutil.copy(max(photos.rglob("*.*")), replaced)
    assert main(["file", str(place), "--into", str(tmp_path / "filed")]) == 1
    with Project.open(place) as project:
        (source,) = project.sources.all()
        for name in ("new 1.jpg", "new 2.jpg"):
            shutil.copy(replaced, photos / name)
            project.images.add(source[0], [FoundFile.of(photos / name)])
    out = {"xmp": [], "xmp-copies": ["--out", str(tmp_path / "copies")]}.get(kind, ["--out", str(tmp_path / "o")])
    capsys.readouterr()
    code = main(["export", str(place), "--format", kind, *out])
    assert code == (1 if kind == "xmp" else 0)  # it names what was replaced
    words = "marque: 3 photos are not identified yet; identify them with: "
    (told,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith(words))
    typed = shlex.split(told.removeprefix(words))
    assert typed == ["marque", "identify", str(photos), "--project", str(place)]
    if kind == "csv":
        with (tmp_path / "o").open(encoding="utf-8", newline="") as file:
            assert [row["reason"] for row in csv.DictReader(file)].count("not identified yet") == 3
    assert main([*typed[1:], *use]) == 0
    capsys.readouterr()
    assert main(["export", str(place), "--format", kind, *out, "--json"]) == 0
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["not_identified"] == 0
