"""A project's answers as files that other programs read. Each file appears whole or not at all.

A new exporter is one function (results, place, model) and one line in EXPORTERS. Images that the person excluded are
left out of all of them.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core import table
from app.core.decide import Status
from app.core.labels import Verdict
from app.core.project_records import KnownModel
from app.core.results import Result
from app.core.spreadsheet import SpreadsheetError, write_workbook
from app.core.table import LabelTable
from model.errors import MarqueError
from model.files import write_whole
from model.photo import PhotoError, upright_size


class ExportError(MarqueError):
    """Nothing could be exported; the message says where and why."""


@dataclass(frozen=True)
class Exporter:
    """A format. write: puts the results into a file; suffix: its usual ending; words: for people."""

    write: Callable[[Iterable[Result], Path, KnownModel], None]
    suffix: str
    words: str


def export(results: Iterable[Result], out: Path, model: KnownModel, kind: str) -> None:
    """Write one of the formats of EXPORTERS; an existing file is replaced at the end.

    Raises:
        ExportError: if the place cannot be written to.
        ProjectError, TableError: as results and table do.
    """
    try:
        EXPORTERS[kind].write((one for one in results if not one.excluded), out, model)
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error.strerror})") from error
    except SpreadsheetError as error:
        raise ExportError(f"{out}: {error}") from error


def _csv(results: Iterable[Result], out: Path, model: KnownModel) -> None:
    with LabelTable(out, model.signature) as file:
        for result in results:
            file.write([result.identification()])
        file.finish()


def _excel(results: Iterable[Result], out: Path, model: KnownModel) -> None:
    rows = (result.identification() for result in results)
    write_whole(out, lambda file: write_workbook(rows, file, model.signature))


def _json_lines(results: Iterable[Result], out: Path, model: KnownModel) -> None:
    def lines() -> Iterator[bytes]:
        for result in results:
            row: dict[str, Any] = dict(table.row(result.identification(), model.signature))
            for name, text in row.items():
                if name.endswith(("confidence", "similarity")):
                    row[name] = float(text) if text else None
            yield json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"

    write_whole(out, lambda file: file.writelines(lines()))


def _coco(results: Iterable[Result], out: Path, _model: KnownModel) -> None:
    """One box over the whole picture for each labelled image; categories are the labels, their type above them."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[tuple[str, str], int] = {}
    for result in results:
        answer = result.answer
        try:
            width, height = upright_size(result.image.path)
        except PhotoError:
            continue  # COCO has no place for an image without a size
        number = len(images) + 1
        images.append({"id": number, "file_name": _text(result.image.path), "width": width, "height": height})
        if answer is None or not answer.label:
            continue
        type_above = answer.coarse if answer.status is Status.IDENTIFIED else ""
        category = categories.setdefault((answer.label, type_above), len(categories) + 1)
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": category,
                "bbox": [0, 0, width, height],
                "area": width * height,
                "iscrowd": 0,
                "score": round(answer.confidence, 4),
            }
        )
    content = {
        "info": {"description": "labels by Marque", "date_created": datetime.now(UTC).isoformat(timespec="seconds")},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name, "supercategory": above} for (name, above), number in categories.items()
        ],
    }
    write_whole(out, lambda file: file.write(json.dumps(content, ensure_ascii=False).encode()))


def _training_table(results: Iterable[Result], out: Path, _model: KnownModel) -> None:
    """What persons said, as the trainer's `--data table:` reads it; paths relative to the file where they can be."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "coarse", "fine", "source"))
    for result in results:
        label = result.label
        if label is not None and label.verdict in (Verdict.ACCEPTED, Verdict.CORRECTED) and label.coarse:
            writer.writerow((_relative(result.image.path, out.absolute().parent), label.coarse, label.fine, out.stem))
    write_whole(out, lambda file: file.write(text.getvalue().encode("utf-8", "surrogateescape")))


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path)


def _text(path: Path) -> str:
    """The path as text; bytes that are none become question marks."""
    return str(path).encode("utf-8", "replace").decode()


EXPORTERS = {
    "csv": Exporter(_csv, ".csv", "table of labels"),
    "xlsx": Exporter(_excel, ".xlsx", "the same as an Excel workbook"),
    "jsonl": Exporter(_json_lines, ".jsonl", "the same as JSON, a line an image"),
    "coco": Exporter(_coco, ".json", "COCO, a box over each whole picture"),
    "training": Exporter(_training_table, ".csv", "what persons said, as data for the trainer"),
}
"""Name of a format -> its exporter."""
