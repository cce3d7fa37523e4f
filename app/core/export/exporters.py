"""A project's answers as files that other programs read. Each file appears whole or not at all.

A new exporter is one function (rows, output, model) and one line in EXPORTERS. Images that the person excluded are left
out of all of them. A photo that has changed since it was identified is not exported under its old answer.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.export.label_table import EXPORT_COLUMNS, KIND, CsvRows, export_row, guarded, why_unwritable
from app.core.export.spreadsheet import LONGEST_CELL, SpreadsheetError, write_workbook
from app.core.project.labels import Verdict
from app.core.project.photo_state import CHANGED, PhotoState, state_of
from app.core.project.records import KnownModel
from app.core.project.results import PhotoResult
from app.core.recognition.decision import Status
from model.contract.photo import PhotoError, upright_size
from model.system.errors import MarqueError
from model.system.outputs import Output, Written
from model.system.wording import counted, first_of

_FIGURES = tuple(name for name in EXPORT_COLUMNS if name.endswith(("confidence", "similarity")))
_BOM = "\ufeff"


class ExportError(MarqueError):
    """Nothing could be exported; the message says where and why."""


class AwayError(ExportError):
    """Photos that the export needs cannot be reached; the earlier file is unchanged."""


@dataclass
class Exported:
    """The result of an export.

    Attributes:
        written: where the file is.
        problems: a sentence for each photo that was left out or has no answer. photos: how many the file holds.
        waiting: how many photos of the project are not identified yet. note: why the file holds none, or "".
    """

    written: Written
    problems: list[str]
    photos: int
    waiting: int
    note: str


class Rows:
    """The results that go into a file, each looked at again; iterated once.

    Attributes:
        problems: a sentence for each photo that is left out or changed, once the results were iterated.
        taken: how many went into the file; a format counts those that it takes.
        waiting: how many are not identified yet.
        note: as in `Exported`.
    """

    def __init__(self, results: Iterable[PhotoResult], *, raw: bool) -> None:
        """Args: raw: the format takes names of files that are not text, byte by byte."""
        self._results, self.raw = results, raw
        self.problems: list[str] = []
        self.taken = self.waiting = 0
        self.note = ""

    def __iter__(self) -> Iterator[tuple[PhotoResult, PhotoState]]:
        for result in self._results:
            if result.excluded:
                continue
            self.waiting += result.waits
            state = PhotoState.SAME if result.answer is None else state_of(result.image)
            if state is PhotoState.CHANGED:
                self.problems.append(f"{result.image.path}: {CHANGED}")
            yield result, state

    def texts(self, model: KnownModel, longest: int | None = None) -> Iterator[dict[str, str]]:
        """As rows of a table; a photo that has changed has no answer. longest: characters that a text may have."""
        for result, state in self:
            current = _without_answer(result) if state is PhotoState.CHANGED else result
            row = export_row(current, model.signature)
            why = why_unwritable(row.values(), raw=self.raw)
            if not why and longest is not None and any(len(text) > longest for text in row.values()):
                why = f"{row['path']}: one of its names is too long for a cell"
            if why:
                self.problems.append(why)
            else:
                self.taken += 1
                yield row


@dataclass(frozen=True)
class Exporter:
    """A format.

    Attributes:
        write: puts rows into a file.
        suffix: what its default name has after the project's; different for each format.
        words: for people.
        kind: of the output, in the words of the program.
        raw: it takes names of files that are not text, byte by byte.
    """

    write: Callable[[Rows, Output, KnownModel], Written]
    suffix: str
    words: str
    kind: str
    raw: bool = False

    def place(self, project: Path) -> Path:
        """Its default place: beside the project, under its name."""
        return project.with_suffix(self.suffix)


def export(results: Iterable[PhotoResult], output: Output, model: KnownModel, kind: str) -> Exported:
    """Write one of the formats of EXPORTERS.

    Args:
        output: its checked place.
        kind: a name of EXPORTERS.

    Raises:
        AwayError: if photos that the format needs cannot be reached; nothing is written then.
        ExportError, OutputError, TableError: if the place cannot be written to.
        ProjectError: as `results`.
    """
    rows = Rows(results, raw=EXPORTERS[kind].raw)
    try:
        written = EXPORTERS[kind].write(rows, output, model)
    except SpreadsheetError as error:
        raise ExportError(f"{output.place}: {error}") from error
    problems = [*([written.note] if written.note else []), *rows.problems]
    return Exported(written, problems, rows.taken, rows.waiting, rows.note)


def _csv(rows: Rows, output: Output, model: KnownModel) -> Written:
    def lines() -> Iterator[Sequence[str]]:
        yield EXPORT_COLUMNS
        for row in rows.texts(model):
            yield list(row.values())

    return output.write(lambda file: _write_csv(lines(), file))


def _csv_for_spreadsheets(rows: Rows, output: Output, model: KnownModel) -> Written:
    """With guarded cells, and with the mark that makes spreadsheets read UTF-8."""

    def lines() -> Iterator[Sequence[str]]:
        yield EXPORT_COLUMNS
        for row in rows.texts(model):
            yield [text if name.endswith("similarity") else guarded(text) for name, text in row.items()]

    return output.write(lambda file: _write_csv(lines(), file, _BOM))


def _write_csv(lines: Iterable[Sequence[str]], file: Any, start: str = "") -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    text.write(start)
    rows = CsvRows(text)
    for line in lines:
        rows.write(line)
    text.detach()  # flushes; the file stays open


def _excel(rows: Rows, output: Output, model: KnownModel) -> Written:
    return output.write(lambda file: write_workbook(rows.texts(model, LONGEST_CELL), file))


def _json_lines(rows: Rows, output: Output, model: KnownModel) -> Written:
    def lines() -> Iterator[bytes]:
        for texts in rows.texts(model):
            row: dict[str, Any] = dict(texts)
            for name in _FIGURES:
                row[name] = float(texts[name]) if texts[name] else None
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"

    return output.write(lambda file: file.writelines(lines()))


@dataclass
class _Coco:
    """The growing content of a COCO file: a box over the whole picture for each labelled image."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    categories: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, result: PhotoResult, width: int, height: int) -> None:
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": str(result.image.path), "width": width, "height": height})
        answer = result.answer
        if answer is None or not answer.label:
            return
        type_above = answer.coarse if answer.status is Status.IDENTIFIED else ""
        category = self.categories.setdefault((answer.label, type_above), len(self.categories) + 1)
        self.annotations.append(
            {
                "id": len(self.annotations) + 1,
                "image_id": number,
                "category_id": category,
                "bbox": [0, 0, width, height],
                "area": width * height,
                "iscrowd": 0,
                "score": round(answer.confidence, 4),
            }
        )

    def content(self) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        categories = [
            {"id": number, "name": name, "supercategory": above} for (name, above), number in self.categories.items()
        ]
        content = {
            "info": {"description": "labels by Marque", "date_created": now},
            "licenses": [],
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories,
        }
        return json.dumps(content, ensure_ascii=False).encode()


def _coco(rows: Rows, output: Output, _model: KnownModel) -> Written:
    """Categories are the labels, their type above them. It needs the photos, for their sizes."""
    coco, away = _Coco(), []
    for result, state in rows:
        answer = result.answer
        if state is PhotoState.CHANGED:
            continue
        names = () if answer is None else (answer.label, answer.coarse)
        if why := why_unwritable((str(result.image.path), *names)):
            rows.problems.append(why)
            continue
        try:
            coco.add(result, *upright_size(result.image.path))
            rows.taken += 1
        except PhotoError as error:
            if answer is not None:
                away.append(f"{result.image.path}: {error.reason}")
            else:  # it was never in the file
                rows.problems.append(f"{result.image.path}: left out, as it has no size ({error.reason})")
    if away:
        raise AwayError(
            f"{output.place}: not written, as {counted(len(away), 'photo')} cannot be reached",
            advice="connect their drive, or exclude them",
            lines=first_of(away),
        )
    return output.write(lambda file: file.write(coco.content()))


def _training_table(rows: Rows, output: Output, _model: KnownModel) -> Written:
    """What people said, as the trainer's `--data table:` reads it; paths relative to the file if possible."""
    folder = output.place.absolute().parent
    source = output.place.stem.removesuffix(".training")

    def lines() -> Iterator[Sequence[str]]:
        yield "file", "coarse", "fine", "source"
        rows.note = "no photo has a label yet; accept or correct answers first"
        for result, state in rows:
            label = result.label
            if label is None or label.verdict not in (Verdict.ACCEPTED, Verdict.CORRECTED) or not label.coarse:
                continue
            rows.note = ""
            if state is PhotoState.CHANGED:
                continue
            values = (_relative(result.image.path, folder), label.coarse, label.fine, source)
            if why := why_unwritable(values, raw=True):
                rows.problems.append(why)
            else:
                rows.taken += 1
                yield values

    return output.write(lambda file: _write_csv(lines(), file))


def _relative(path: Path, folder: Path) -> str:
    try:
        if folder.resolve() != folder:  # going up from a linked folder leads elsewhere
            return str(path)
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path)


def _without_answer(result: PhotoResult) -> PhotoResult:
    """An image whose content has changed since it was answered, as exports show it."""
    image = replace(result.image, error=CHANGED)
    return replace(result, image=image, evidence=None, decision=None, label=None, answer=None)


EXPORTERS = {
    "csv": Exporter(_csv, ".csv", "table of labels", KIND, raw=True),
    "csv-for-spreadsheet": Exporter(
        _csv_for_spreadsheets,
        ".spreadsheet.csv",
        "table of labels to open in a spreadsheet",
        "table for spreadsheets",
        raw=True,
    ),
    "xlsx": Exporter(_excel, ".xlsx", "the same as an Excel workbook", "workbook of labels"),
    "jsonl": Exporter(_json_lines, ".jsonl", "the same as JSON, one line per photo", "table of labels as JSON lines"),
    "coco": Exporter(_coco, ".json", "COCO, a box over each whole picture", "COCO file"),
    "training": Exporter(
        _training_table, ".training.csv", "what people labelled, as data for the trainer", "training table", raw=True
    ),
}
"""Name of a format -> its exporter."""
