"""The table of labels as an Excel workbook, written row by row: they are never all in memory at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError, FileSizeError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from app.core.export.label_table import EXPORT_COLUMNS
from model.system.errors import MarqueError

LONGEST_CELL = 32_767
"""The most characters of a cell, a limit of Excel."""
ROWS = 1_048_575
"""The most photos on one sheet, a limit of Excel; the others go to a further sheet."""

_WIDTHS = {"path": 60, "label": 32, "reason": 48, "fine": 32, "model": 32}
_USUAL_WIDTH = 14


class SpreadsheetError(MarqueError):
    """The workbook cannot be made; the message says why, without the file."""


def write_workbook(rows_of_text: Iterable[Mapping[str, str]], file: BinaryIO) -> None:
    """Write the columns of `table.EXPORT_COLUMNS`: confidences as percentages, similarities as numbers, else text.

    What looks like a formula, a number or an address stays text.

    Args:
        rows_of_text: from `export_row`; no text is longer than LONGEST_CELL.
        file: open for writing, at its beginning.

    Raises:
        OSError: if the file, or the rows' temporary file, cannot be written.
        SpreadsheetError: if it grows beyond what the format holds.
    """
    # the rows' temporary files are in here, so none is left if the photos' iterator fails
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as scratch:
        book = Workbook(file, {"constant_memory": True, "tmpdir": scratch})
        percent, figure = book.add_format({"num_format": "0.0%"}), book.add_format({"num_format": "0.000"})
        formats = [
            percent if name.endswith("confidence") else figure if name.endswith("similarity") else None
            for name in EXPORT_COLUMNS
        ]
        header = book.add_format({"bold": True})
        sheet, rows = _begin_sheet(book, header), 0
        for values in rows_of_text:
            if rows == ROWS:
                _end_sheet(sheet, rows)
                sheet, rows = _begin_sheet(book, header), 0
            rows += 1
            for column, text in enumerate(values.values()):
                if text and (number_format := formats[column]) is not None:
                    sheet.write_number(rows, column, float(text), number_format)
                elif text:
                    sheet.write_string(rows, column, text)
        _end_sheet(sheet, rows)
        _close(book)


def _begin_sheet(book: Workbook, header: Format) -> Worksheet:
    """A new sheet with its header, which stays visible."""
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet("labels" if number == 1 else f"labels {number}")
    for column, name in enumerate(EXPORT_COLUMNS):
        sheet.set_column(column, column, _WIDTHS.get(name, _USUAL_WIDTH))
        sheet.write_string(0, column, name, header)
    sheet.freeze_panes(1, 0)
    return sheet


def _end_sheet(sheet: Worksheet, rows: int) -> None:
    sheet.autofilter(0, 0, max(rows, 1), len(EXPORT_COLUMNS) - 1)


def _close(book: Workbook) -> None:
    try:
        book.close()
    except FileCreateError as error:  # the library's error for a disk that refuses
        raise error.args[0] from error
    except FileSizeError as error:
        raise SpreadsheetError("too many photos for an Excel workbook; take --format csv") from error
