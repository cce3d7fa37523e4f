"""Filing in the window: sidecars, what is refused, photos that changed, steps that were not begun on this computer."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.review.export.filing_dialog import FilingDialog
from app.ui.review.export.unknown_step import UnknownStepDialog
from app.ui.window.main_window import MainWindow
from tests.app.tiny import COLOURS, colour_picture

PATIENCE = 15_000


def ask(window: MainWindow, qtbot: QtBot, into: Path) -> FilingDialog:
    """The dialog with its plan."""
    window.review.export_dialogs.file()
    dialog = next(one for one in window.review.findChildren(FilingDialog) if one.isVisible())
    dialog.folder.setText(str(into))
    qtbot.waitUntil(lambda: dialog.action_button.isEnabled(), timeout=PATIENCE)
    return dialog


def lines(dialog: FilingDialog) -> list[str]:
    return [dialog.preview.item(row).text() for row in range(dialog.preview.count())]


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def until_idle(window: MainWindow, qtbot: QtBot, done: Callable[[], bool]) -> None:
    qtbot.waitUntil(lambda: done() and not window.review.outputs.busy(), timeout=PATIENCE)


def unknown_step(window: MainWindow, qtbot: QtBot) -> UnknownStepDialog:
    def visible() -> list[UnknownStepDialog]:
        return [one for one in window.review.findChildren(UnknownStepDialog) if one.isVisible()]

    qtbot.waitUntil(lambda: bool(visible()), timeout=PATIENCE)
    return visible()[0]


def test_the_dialog_counts_sidecars_and_says_why_a_folder_cannot_be_used(
    identified: MainWindow, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    folder, into = photos / "sedan" / "Rossa 2010", tmp_path / "sorted"
    for name in ("1.xmp", "2.jpg.xmp", "1.nef"):
        (folder / name).write_text(name)
    dialog = ask(identified, qtbot, into)
    assert dialog.summary.whole() == "12 photos and 2 sidecars would be filed" and dialog.preview.count() == 14
    dialog.move_choice.setChecked(True)
    assert any(line.endswith("1.xmp (copied: 1.nef needs it too)") for line in lines(dialog))
    (tmp_path / "file").write_text("")
    dialog.folder.setText(str(tmp_path / "file" / "below"))
    qtbot.waitUntil(lambda: "this is a file" in dialog.summary.whole(), timeout=PATIENCE)
    assert not dialog.action_button.isEnabled()
    dialog.folder.setText(str(into))
    qtbot.waitUntil(lambda: dialog.action_button.isEnabled(), timeout=PATIENCE)
    click(dialog.action_button)
    until_idle(identified, qtbot, lambda: not list(photos.rglob("*.jpg")))
    there = into / "sedan" / "Rossa 2010"
    assert (there / "2.jpg.xmp").exists() and (there / "1.xmp").exists() and (folder / "1.xmp").exists()
    assert not (folder / "2.jpg.xmp").exists() and "1 sidecar copied" in identified.status.jobs.text()
    identified.project.turn(back=True)
    until_idle(identified, qtbot, lambda: len(list(photos.rglob("*.jpg"))) == 12 and not into.exists())
    assert (folder / "2.jpg.xmp").exists()


def test_a_photo_that_was_replaced_stays_and_waits_for_identification(
    identified: MainWindow, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    changed = photos / "sedan" / "Rossa 2010" / "1.jpg"
    colour_picture(COLOURS["Azzurra class"], seed=99).save(changed)
    dialog = ask(identified, qtbot, tmp_path / "sorted")
    assert lines(dialog)[0].startswith(f"{changed}: stays (has changed")  # also above a list that is cut
    dialog.move_choice.setChecked(True)
    click(dialog.action_button)
    until_idle(identified, qtbot, lambda: list(photos.rglob("*.jpg")) == [changed])
    page = identified.review
    qtbot.waitUntil(lambda: f"{changed}: has changed" in page.errors.text(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: (page.project.columns.predictions["image"] > 0).sum() == 11, timeout=PATIENCE)
    page.project.identify()
    qtbot.waitUntil(lambda: (page.project.columns.predictions["image"] > 0).sum() == 12, timeout=PATIENCE)


def test_a_step_that_is_not_known_here_is_undone_when_its_files_were_seen(
    identified: MainWindow, photos: Path, tmp_path: Path, qtbot: QtBot, marque_home: Path
) -> None:
    dialog = ask(identified, qtbot, tmp_path / "sorted")
    click(dialog.action_button)
    filed = tmp_path / "sorted"
    until_idle(identified, qtbot, lambda: len(list(filed.rglob("*.jpg"))) == 12)
    shutil.rmtree(marque_home / "data" / "filings")  # as on another computer
    for agree in (False, True):
        identified.project.turn(back=True)
        asked = unknown_step(identified, qtbot)
        assert asked.list.count() == 12 and str(filed) in asked.list.item(0).text()
        assert len(list(filed.rglob("*.jpg"))) == 12
        click(asked.agree_button if agree else asked.cancel_button)
        qtbot.waitUntil(lambda: not identified.review.findChildren(UnknownStepDialog), timeout=PATIENCE)
    until_idle(identified, qtbot, lambda: not filed.exists())
    assert len(list(photos.rglob("*.jpg"))) == 12


@pytest.mark.parametrize("agree", [False, True])
def test_a_crafted_project_is_opened_without_touching_a_file(
    identified: MainWindow, tmp_path: Path, qtbot: QtBot, agree: bool
) -> None:
    other = tmp_path / "other.marque"
    identified.project.project.save_as(other)
    victim, copy = tmp_path / "letter.txt", tmp_path / "copy.txt"
    victim.write_text("precious")
    shutil.copy2(victim, copy)
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("INSERT INTO action (id, kind, title) VALUES (7, 'files', 'move 1 photo')")
        database.execute(
            "INSERT INTO filed (action, image, move, source, target, size, modified, state) "
            "VALUES (7, 1, 1, ?, ?, ?, ?, 'placed')",
            (os.fsencode(victim), os.fsencode(copy), 8, victim.stat().st_mtime_ns),
        )
    identified.project.open(other)
    asked = unknown_step(identified, qtbot)
    assert victim.exists() and str(victim) in asked.list.item(0).text()
    click(asked.agree_button if agree else asked.cancel_button)
    until_idle(identified, qtbot, lambda: victim.exists() is not agree)
    assert copy.read_text() == "precious"


def test_a_project_that_is_deleted_while_the_dialog_asks_moves_no_photo(
    identified: MainWindow, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = ask(identified, qtbot, tmp_path / "sorted")
    dialog.move_choice.setChecked(True)
    page = identified.review
    place = page.project.project.path
    for ending in ("", "-wal", "-shm"):
        place.with_name(place.name + ending).unlink(missing_ok=True)
    click(dialog.action_button)
    qtbot.waitUntil(lambda: "was deleted or moved while it was in use" in page.errors.text(), timeout=PATIENCE)
    assert len(list(photos.rglob("*.jpg"))) == 12 and not (tmp_path / "sorted").exists()
    page.errors.clear()
    page.toolbar.sidecars_wanted.emit()
    qtbot.waitUntil(lambda: "was deleted or moved while it was in use" in page.errors.text(), timeout=PATIENCE)
    assert not list(photos.rglob("*.xmp")) and not place.exists()
