"""The whole way of somebody who labels a folder, through the command that opens the window, twice."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.window.main_window import MainWindow
from tests.app.ui.visiting import Step, visit

Key, Control = Qt.Key, Qt.KeyboardModifier.ControlModifier


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    window.review.grid.setFocus()
    QTest.keyClick(window.review.grid, key, modifier)


def label(window: MainWindow, place: int) -> tuple[str, str]:
    listing = window.review.listing
    return listing.index(place, 3).data(), listing.index(place, 2).data()


@pytest.mark.usefixtures("qtbot")
def test_label_a_folder_correct_export_file_and_take_it_back_after_a_restart(
    tiny_model: Path, tiny_gallery: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ["--model", str(tiny_model), "--gallery", str(tiny_gallery), "--theme", "dark", "--device", "cpu"]
    table, sorted_ = tmp_path / "labels.csv", tmp_path / "sorted"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(photos))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(table), ""))

    def first(window: MainWindow) -> Iterator[Step]:
        page = window.review
        yield lambda: page.project.project is not None and window.identify.session.loaded() is not None
        QTest.keyClick(window, Key.Key_2)
        QTest.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
        yield lambda: "12 of 12 photos done" in window.status.jobs.text()
        yield lambda: page.listing.rowCount() == 12 and label(window, 0) == ("Gialla 2012", "")
        page.chosen.go(0)
        press(window, Key.Key_R)
        QTest.keyClicks(page.relabel_box.line, "rossa")
        QTest.keyClick(page.relabel_box.line, Key.Key_Return)
        yield lambda: label(window, 0) == ("Rossa 2010", "corrected")
        page.toolbar.export_wanted.emit("csv")
        yield lambda: "written" in window.status.jobs.text()
        page.toolbar.filing_wanted.emit()
        dialog = page.findChildren(FilingDialog)[0]
        dialog.folder.setText(str(sorted_))
        dialog.move_choice.setChecked(True)
        yield dialog.action_button.isEnabled
        QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
        yield lambda: not page.outputs.busy() and len(list(sorted_.rglob("*.jpg"))) == 12
        yield lambda: "move 12 photos" in page.toolbar.undo_button.toolTip()

    assert visit(common, first) == 0
    rows = {row["path"]: row for row in csv.DictReader(table.open(encoding="utf-8"))}
    assert len(rows) == 12 and sum(row["reason"] == "corrected by a person" for row in rows.values()) == 1
    assert not list(photos.rglob("*.jpg"))
    assert (sorted_ / "sedan" / "Rossa 2010").is_dir() and len(list((sorted_ / "sedan" / "Rossa 2010").iterdir())) == 4

    def second(window: MainWindow) -> Iterator[Step]:
        page = window.review
        yield lambda: page.listing.rowCount() == 12 and window.identify.session.loaded() is not None
        yield lambda: label(window, 0) == ("Rossa 2010", "corrected")
        QTest.keyClick(window, Key.Key_2)
        yield page.isVisible
        press(window, Key.Key_Z, Control)
        yield lambda: len(list(photos.rglob("*.jpg"))) == 12 and not page.outputs.busy()
        yield lambda: "Rossa 2010" in page.toolbar.undo_button.toolTip()
        press(window, Key.Key_Z, Control)
        yield lambda: label(window, 0) == ("Gialla 2012", "")

    assert visit(common, second) == 0
    assert not list(sorted_.rglob("*.jpg"))
