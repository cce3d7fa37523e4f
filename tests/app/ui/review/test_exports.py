"""What leaves the page Review: exports, sidecars, copies, corrections, filing."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.filing.filing import Filing
from app.core.filing.filing_plan import plan
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import FoundFile
from app.core.project.results import results
from app.ui.window.main_window import MainWindow
from tests.app.ui.conftest import OpenWindow, wait_until
from tests.app.ui.review.reviewing import (
    PATIENCE,
    Key,
    file_photos,
    press,
    status_of,
    told,
    until_told,
)


def test_undo_survives_a_restart_also_of_filed_photos(
    review: Callable[..., MainWindow], open_marque: OpenWindow, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    press(window, Key.Key_Return)
    until_told(qtbot, window, 1)
    file_photos(qtbot, window, tmp_path / "sorted")
    filed = sorted((tmp_path / "sorted").rglob("*.jpg"))
    assert len(filed) == 12 and (tmp_path / "sorted" / "ship" / "Celeste class" / "1.jpg") in filed
    qtbot.waitUntil(lambda: page.toolbar.undo_button.toolTip().startswith("undo: copy 12 photos"), timeout=PATIENCE)
    window.close()

    again = open_marque()
    QTest.keyClick(again, Key.Key_2)
    qtbot.waitUntil(lambda: again.review.listing.rowCount() == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: status_of(again, 0) == ("Gialla 2012", "accepted"), timeout=PATIENCE)
    press(again, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not any(files for _, _, files in os.walk(tmp_path / "sorted")), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not again.review.outputs.busy(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "accept" in again.review.toolbar.undo_button.toolTip(), timeout=PATIENCE)
    press(again, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: told(again) == {}, timeout=PATIENCE)
    assert all(path.is_file() for path in photos.rglob("*.jpg"))


def test_a_filing_whose_program_died_is_settled_and_reported(
    review: Callable[..., MainWindow], open_marque: OpenWindow, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = review(photos)
    place = window.project.project.path
    window.close()
    with Project.open(place) as project:
        [model] = project.models.all()
        wanted = plan(results(project, model), tmp_path / "sorted")
        assert Filing(project).begin(wanted, move=True) is not None
    one = wanted.steps[0]
    one.target.parent.mkdir(parents=True)
    shutil.copy2(one.source, one.target)  # died here, before this was noted

    again = open_marque()
    QTest.keyClick(again, Key.Key_2)
    qtbot.waitUntil(lambda: again.review.listing.rowCount() == 12, timeout=PATIENCE)
    assert again.review.errors.text() == (
        "'move 12 photos' was interrupted: 1 done, 11 left as they were; file again, or undo it"
    )
    assert one.target.exists() and not one.source.exists()
    press(again, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(one.source.exists, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not again.review.outputs.busy() and not one.target.exists(), timeout=PATIENCE)


def test_exports_tell_of_photos_that_are_not_identified_yet(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    page, out = window.review, tmp_path / "labels.csv"
    shutil.copy(min(photos.rglob("*.*")), photos / "new.jpg")
    with Project.open(page.project.project.path) as project:
        project.images.add(project.sources.all()[0][0], [FoundFile.of(photos / "new.jpg")])
    words = "; 1 photo is not identified yet; identify it with: folder"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(out), ""))
    page.toolbar.export_wanted.emit("csv")
    qtbot.waitUntil(lambda: f"written: {out}; 13 photos{words}" in window.status.jobs.text(), timeout=PATIENCE)
    page.toolbar.sidecars_wanted.emit()
    qtbot.waitUntil(lambda: f"12 sidecars written{words}" in window.status.jobs.text(), timeout=PATIENCE)


def test_the_menu_writes_exports_and_sidecars(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    page = window.review
    page.chosen.go(0)
    press(window, Key.Key_X)
    until_told(qtbot, window, 1)
    for kind, out, words in (
        ("csv", tmp_path / "labels.csv", "11 photos"),
        ("coco", tmp_path / "labels.json", "11 photos"),
        ("training", tmp_path / "t.csv", "0 photos: no photo has a label yet"),
    ):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, out=out, **_k: (str(out), ""))
        page.toolbar.export_wanted.emit(kind)
        said = f"written: {out}; {words}"
        wait_until(qtbot, lambda said: said in window.status.jobs.text(), said)
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(encoding="utf-8")))
    assert len(rows) == 11 and {row["status"] for row in rows} == {"identified"}
    assert len(json.loads((tmp_path / "labels.json").read_text())["annotations"]) == 11
    page.toolbar.sidecars_wanted.emit()
    qtbot.waitUntil(lambda: "11 sidecars written" in window.status.jobs.text(), timeout=PATIENCE)
    assert len(list(photos.rglob("*.xmp"))) == 11
    (tmp_path / "locked").mkdir(mode=0o500)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(tmp_path / "no" / "such" / "x.csv"), ""))
    page.toolbar.export_wanted.emit("csv")
    qtbot.waitUntil(lambda: "does not exist; make it first" in page.errors.text(), timeout=PATIENCE)


def test_a_photo_that_changed_since_is_neither_written_to_nor_copied(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    page = window.review
    changed, other = photos / "sedan" / "Rossa 2010" / "1.jpg", photos / "ship" / "Azzurra class" / "1.jpg"
    changed.write_bytes(other.read_bytes())
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(tmp_path / "copies"))
    for wanted, done in (
        (page.toolbar.sidecars_wanted, "11 sidecars"),
        (page.toolbar.copies_wanted, "11 photos copied"),
    ):
        page.errors.clear()
        wanted.emit()
        wait_until(qtbot, lambda done: done in window.status.jobs.text(), done)
        assert page.errors.text().startswith(f"{changed}: has changed")
    assert not changed.with_name("1.jpg.xmp").exists()
    assert len(list((tmp_path / "copies").rglob("*.jpg"))) == 11


def test_labelled_photos_are_copied_with_their_keywords_inside(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(tmp_path / "copies"))
    window.review.toolbar.copies_wanted.emit()
    qtbot.waitUntil(lambda: "12 photos copied into" in window.status.jobs.text(), timeout=PATIENCE)
    copies = sorted((tmp_path / "copies").rglob("*.jpg"))
    assert len(copies) == 12 and all(b"Azzurra class" in copy.read_bytes() for copy in copies if "Azz" in str(copy))


def test_corrections_of_a_table_are_brought_back_as_one_step(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    page = window.review
    table = photos / "mine.csv"
    table.write_text("file,coarse,fine,verdict\nsedan/Rossa 2010/1.jpg,ship,Azzurra class,\nnowhere.jpg,ship,,\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a, **_k: (str(table), ""))
    actions = {action.text(): action for action in page.toolbar.project_button.menu().actions()}
    actions["import corrections from a table…"].trigger()
    until_told(qtbot, window, 1)
    assert told(window) == {"sedan/Rossa 2010/1.jpg": Label(Verdict.CORRECTED, "ship", "Azzurra class")}
    assert "1 row of mine.csv could not be used" in page.errors.text()
    press(window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until_told(qtbot, window, 0)


def test_a_file_that_the_box_did_not_ask_about_is_not_replaced(
    review: Callable[..., MainWindow], photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = review(photos)
    page, notes = window.review, tmp_path / "notes.csv"
    notes.write_text("mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(notes.with_suffix("")), ""))
    page.toolbar.export_wanted.emit("csv")
    qtbot.waitUntil(lambda: "a file that Marque did not write is there" in page.errors.text(), timeout=PATIENCE)
    assert notes.read_text() == "mine" and "--force" not in page.errors.text()
