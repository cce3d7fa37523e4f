"""`marque label`: what was corrected in a table comes back as labels; an untouched export changes nothing."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.core.export.correction_table import CorrectionTable
from app.core.export.label_table import TableError
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from model.contract.bundle import Thresholds

Rows = list[dict[str, str]]


@pytest.fixture
def work(photos: Path, tiny_model: Path, tmp_path: Path) -> Path:
    """A project of 12 photos: one accepted, one corrected to its type, one unknown to the person."""
    place = tmp_path / "work.marque"
    (photos / "sedan" / "=1+1.jpg").write_bytes((photos / "sedan" / "Rossa 2010" / "1.jpg").read_bytes())
    assert (
        main(["identify", str(photos), "--project", str(place), "--model", str(tiny_model), "--gallery", "none"]) == 0
    )
    with Project.open(place) as project:
        labels = {
            SubjectId(1): Label(Verdict.ACCEPTED, "sedan", "Rossa 2010"),
            SubjectId(2): Label(Verdict.CORRECTED, "sedan"),
            SubjectId(3): Label(Verdict.UNKNOWN),
        }
        project.labels.set(labels, "review")
    return place


def told(place: Path) -> dict[int, Label]:
    with Project.open(place) as project:
        return {int(subject): label for subject, label in project.labels.all().items()}


def exported(place: Path, *options: str) -> tuple[Path, Rows]:
    out = place.with_name("table.csv")
    assert main(["export", str(place), "--format", "csv", "--out", str(out), "--force", *options]) == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        return out, list(csv.DictReader(file))


def save(out: Path, rows: Rows, encoding: str = "utf-8", **form: Any) -> None:
    with out.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **form)
        writer.writeheader()
        writer.writerows(rows)


def choose_thresholds(place: Path, value: float) -> None:
    with Project.open(place) as project:
        project.models.choose_thresholds(project.models.all()[0].fingerprint, Thresholds(fine=value, coarse=value))


FORMS: dict[str, Callable[[Path, Rows], None]] = {
    "as it is": lambda out, rows: None,
    "Excel": lambda out, rows: save(out, rows, "utf-8-sig", delimiter=";", lineterminator="\r\n"),
    "Unicode text": lambda out, rows: save(out, rows, "utf-16", delimiter="\t", lineterminator="\r\n"),
    "LibreOffice": lambda out, rows: save(out, rows, quoting=csv.QUOTE_ALL),
    "sorted and cut": lambda out, rows: save(out, rows[:2:-1]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [(), ("--for-spreadsheet",)])
@pytest.mark.parametrize("threshold", [None, 0.0, 1.0])
def test_an_untouched_export_changes_nothing(
    work: Path, form: str, options: tuple[str, ...], threshold: float | None, capsys: pytest.CaptureFixture
) -> None:
    before = told(work)
    out, rows = exported(work, *options)
    FORMS[form](out, rows)
    if threshold is not None:
        choose_thresholds(work, threshold)
    capsys.readouterr()
    assert main(["label", str(work), "--from", str(out)]) == 0
    assert "0 labels set, 0 removed" in capsys.readouterr().err
    assert told(work) == before


def test_what_differs_is_set_as_one_step(work: Path, capsys: pytest.CaptureFixture) -> None:
    before = told(work)
    out, rows = exported(work)
    rows[0]["verdict"] = "none"
    rows[1]["fine"] = "Rossa 2010"
    rows[2]["verdict"] = "excluded"
    rows[3] |= {"coarse": "ship", "fine": "Azzurra class"}
    rows[4]["fine"] = ""
    rows[5]["verdict"] = "unknown"
    save(out, rows)
    capsys.readouterr()
    assert main(["label", str(work), "--from", str(out), "--dry-run", "--json"]) == 0
    (facts,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (facts["set"], facts["removed"], facts["unchanged"], facts["problems"]) == (5, 1, len(rows) - 6, 0)
    assert told(work) == before
    assert main(["label", str(work), "--from", str(out)]) == 0
    assert told(work) == {
        2: Label(Verdict.CORRECTED, "sedan", "Rossa 2010"),
        3: Label(Verdict.EXCLUDED),
        4: Label(Verdict.CORRECTED, "ship", "Azzurra class"),
        5: Label(Verdict.CORRECTED, rows[4]["coarse"]),
        6: Label(Verdict.UNKNOWN),
    }
    assert main(["undo", str(work)]) == 0
    assert told(work) == before


def test_a_class_that_was_replaced_in_the_whole_table_counts(work: Path) -> None:
    out, rows = exported(work)
    rows[5] |= {"label": "Nuova", "fine": "Nuova"}
    save(out, rows)
    assert main(["label", str(work), "--from", str(out)]) == 0
    assert told(work)[6] == Label(Verdict.CORRECTED, rows[5]["coarse"], "Nuova")


def test_a_class_that_was_changed_in_the_wrong_column_is_listed(work: Path, capsys: pytest.CaptureFixture) -> None:
    before = told(work)
    out, rows = exported(work)
    rows[5]["label"] = "Nuova"
    rows[6] |= {"coarse": "", "fine": ""}
    save(out, rows)
    capsys.readouterr()
    assert main(["label", str(work), "--from", str(out)]) == 1
    listed = capsys.readouterr().err
    assert "table.csv:7: the column label was changed" in listed
    assert "table.csv:8: coarse and fine are empty" in listed
    assert "marque undo" not in listed  # which would take back another step
    assert told(work) == before


def test_a_type_alone_is_corrected_without_the_guess_beside_it(work: Path) -> None:
    choose_thresholds(work, 1.0)  # nothing is sure: coarse and fine are guesses
    out, rows = exported(work)
    rows[5]["coarse"] = "tram"
    save(out, rows)
    assert main(["label", str(work), "--from", str(out)]) == 0
    assert told(work)[6] == Label(Verdict.CORRECTED, "tram")


def test_rows_that_cannot_be_used_are_listed_and_not_set(work: Path, capsys: pytest.CaptureFixture) -> None:
    before = told(work)
    out, rows = exported(work)
    rows[3]["coarse"] = "ship"  # the class stays: it would be under two types
    rows[4]["path"] = "/nowhere/a.jpg"
    rows[5]["verdict"] = "perhaps"
    rows[6] |= {"coarse": "tram", "fine": "Nuova"}
    rows[7] |= {"coarse": "truck", "fine": "Nuova"}
    rows[8] |= {"coarse": "", "fine": "Nuova 2"}
    rows[9]["fine"] = ""
    rows.append(rows[9] | {"fine": "Other", "coarse": "tram"})
    save(out, rows)
    capsys.readouterr()
    assert main(["label", str(work), "--from", str(out)]) == 1
    said = capsys.readouterr().err
    for words in (
        *(
            "under ship here, under sedan elsewhere",
            "the project has no photo /nowhere/a.jpg",
            "'perhaps' is not one of",
        ),
        *(
            "class Nuova is under tram here, under truck elsewhere",
            "a class but no type",
            "more than once, with different labels",
        ),
        "0 labels set, 0 removed",
    ):
        assert words in said, words
    listed = [int(number) for number in re.findall(r"table\.csv:(\d+): ", said)]
    assert len(listed) == 8 and listed == sorted(listed)
    assert told(work) == before


def test_any_table_with_files_relative_to_it_is_taken(work: Path, photos: Path) -> None:
    table = photos / "mine.csv"
    table.write_text(
        "file;coarse;fine;verdict\n"
        "sedan/Rossa 2010/1.jpg;sedan;Rossa 2010;\n"
        "sedan/Rossa 2010/2.jpg;ship;Azzurra class;\n"
        "sedan/Rossa 2010/3.jpg;;;excluded\n"
        "'=1+1.jpg;sedan;;\n"
        "sedan/'=1+1.jpg;sedan;;\n",
        encoding="utf-8",
    )
    assert main(["label", str(work), "--from", str(table)]) == 1  # '=1+1.jpg is not in that folder
    with Project.open(work) as project:
        label = {image.path.relative_to(photos).as_posix(): image.id for image in project.images.all()}
    labels = told(work)
    assert labels[label["sedan/Rossa 2010/1.jpg"]].verdict is Verdict.ACCEPTED
    assert labels[label["sedan/Rossa 2010/2.jpg"]] == Label(Verdict.CORRECTED, "ship", "Azzurra class")
    assert labels[label["sedan/Rossa 2010/3.jpg"]] == Label(Verdict.EXCLUDED)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a workbook", "save it as CSV UTF-8"),
        (b"name,coarse\na,b\n", "must name the columns file"),
        (b"file,coarse,coarse\n", "occurs twice"),
        (b'file,coarse\n"a,b\n', "this is not a table"),
        (b"file,coarse\na,b,c\n", "3 values, but 2 columns"),
        (b"file,coarse\n\0\0\0", "not text"),
        (b"\xff\xfef", "readable text"),
    ],
)
def test_a_file_other_than_a_table_gives_one_sentence(
    work: Path, tmp_path: Path, content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "odd.csv"
    table.write_bytes(content)
    with pytest.raises(TableError, match=words):
        CorrectionTable.read(table)
    capsys.readouterr()
    assert main(["label", str(work), "--from", str(table)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["label", str(work), "--from", str(tmp_path)]) == 2


def test_a_table_of_very_many_columns_is_read_in_seconds(tmp_path: Path) -> None:
    place = tmp_path / "wide.csv"
    place.write_text("file,coarse," + ",".join(map(str, range(80_000))) + "\na.jpg,sedan\n", encoding="utf-8")
    began = time.monotonic()
    assert [row.name for row in CorrectionTable.read(place).rows] == ["a.jpg"]
    assert time.monotonic() - began < 10
