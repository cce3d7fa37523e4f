from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from app.cli import main
from app.core.export import spreadsheet
from app.core.export.label_table import EXPORT_COLUMNS, VERDICT
from app.core.export.label_table import row as row_of
from app.core.export.spreadsheet import write_workbook
from app.core.recognition.decision import Decision, Level, Status
from app.core.recognition.identifier import Identification

ODD_NAMES = (
    *("=cmd()", "+1+1", "-2", "@SUM(A1)", "https://example.org/a.jpg", "mailto:a@b", "007", "_x0041_", " two  spaces "),
    *("Größe 船.jpg", "bell\x07.jpg", "a\tb\nc", "{=1+1}", "internal:labels!A1"),
)


def identified(path: str, confidence: float = 0.9125) -> Identification:
    return Identification(
        Path(path),
        Decision(Status.IDENTIFIED, "=1+1", Level.FINE, confidence, "2 of 5", "sedan", 0.95, "=1+1", confidence),
    )


def texts(identifications: Iterable[Identification]) -> Iterator[dict[str, str]]:
    return (row_of(one, "tiny f00d") | {VERDICT: "accepted"} for one in identifications)


def workbook(identifications: Iterator[Identification] | list[Identification]) -> openpyxl.Workbook:
    file = BytesIO()
    write_workbook(texts(identifications), file)
    return openpyxl.load_workbook(file)


def cells(sheet: Worksheet) -> list[dict[str, object]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_figures_are_figures_and_all_else_is_text() -> None:
    sheet = workbook([identified("a.jpg"), Identification(Path("b.jpg"), error="the file is empty")])["labels"]
    first, second = cells(sheet)
    assert tuple(first) == EXPORT_COLUMNS
    assert (first["path"], first["status"], first["confidence"], first["coarse_confidence"]) == (
        *("a.jpg", "identified", 0.9125, 0.95),
    )
    assert (second["status"], second["reason"], second["confidence"]) == ("error", "the file is empty", None)
    cell = sheet.cell(2, EXPORT_COLUMNS.index("confidence") + 1)
    assert (cell.data_type, cell.number_format) == ("n", "0.0%")
    assert sheet.cell(2, EXPORT_COLUMNS.index("label") + 1).data_type == "s"


def test_the_header_is_bold_stays_in_sight_and_filters() -> None:
    sheet = workbook([identified(f"{i}.jpg") for i in range(3)])["labels"]
    assert all(cell.font.bold for cell in sheet[1]) and not any(cell.font.bold for cell in sheet[2])
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:V4"
    assert workbook([])["labels"].auto_filter.ref == "A1:V2"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_name_is_never_a_formula_or_an_address(name: str) -> None:
    sheet = workbook([identified(name)])["labels"]
    cell = sheet.cell(2, 1)
    assert openpyxl.utils.escape.unescape(cell.value) == str(Path(name))
    assert cell.data_type == "s" and cell.hyperlink is None


def test_what_one_sheet_cannot_hold_goes_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS", 4)
    book = workbook([identified(f"{i}.jpg") for i in range(10)])
    assert book.sheetnames == ["labels", "labels 2", "labels 3"]
    assert [row["path"] for sheet in book for row in cells(sheet)] == [f"{i}.jpg" for i in range(10)]
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:V5", "A1:V5", "A1:V3"]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        try:
            with (tmp_path / "a.xlsx").open("wb") as file:
                write_workbook(texts(identified(f"folder {i}/{i}.jpg") for i in range(rows)), file)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is imported at the first use
    assert peak(3000) < peak(300) + 200_000


def test_nothing_is_left_where_the_photos_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[Identification]:
        yield identified("a.jpg")
        raise LookupError("the project is gone")

    monkeypatch.setattr(spreadsheet.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(LookupError):
        write_workbook(texts(failing()), BytesIO())
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_workbook(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (photos / "=cmd().jpg").write_bytes((photos / "sedan" / "Rossa 2010" / "1.jpg").read_bytes())
    (photos / "broken.jpg").write_text("no picture")
    place = tmp_path / "new.marque"
    assert main(["identify", str(photos), "--project", str(place), "--model", str(tiny_model)]) == 0
    assert main(["export", str(place), "--format", "xlsx"]) == 0
    assert main(["export", str(place), "--format", "csv"]) == 0
    assert f"Excel workbook: {tmp_path / 'new.xlsx'}" in capsys.readouterr().err
    table = cells(openpyxl.load_workbook(tmp_path / "new.xlsx")["labels"])
    with (tmp_path / "new.csv").open(encoding="utf-8", newline="") as file:
        wanted = list(csv.DictReader(file))
    assert len(wanted) == 14 and any(row["path"].endswith("=cmd().jpg") for row in wanted)
    for row, expected in zip(table, wanted, strict=True):
        for name, text in expected.items():
            if name.endswith(("confidence", "similarity")):
                assert row[name] == (float(text) if text else None)
            else:
                assert (row[name] or "") == text
    assert main(["export", str(place), "--format", "xlsx", "--out", str(tmp_path / "no" / "a.xlsx")]) == 2
    assert "a.xlsx: the folder" in capsys.readouterr().err
