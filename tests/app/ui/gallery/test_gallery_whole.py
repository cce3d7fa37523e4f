"""What concerns the gallery as a whole, and what comes into it from Review, done to the real window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.core.gallery import references
from app.core.gallery.gallery import Gallery, ReferenceEntry
from app.core.gallery.selection import own_place
from app.core.teaching.enrolment import digest_of
from app.ui.gallery import actions
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.window.main_window import MainWindow
from tests.app.tiny import COLOURS, colour_picture, write_tiny_model
from tests.app.ui.conftest import OpenWindow

PATIENCE = 15_000
Key = Qt.Key
ROSSA, AZZURRA = GalleryClass("sedan", "Rossa 2010"), GalleryClass("ship", "Azzurra class")


@pytest.fixture
def bare(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model without a supplied gallery."""
    return Path(shutil.copy(tiny_model, tmp_path / "bare.onnx"))


@pytest.fixture
def on_gallery(open_marque: OpenWindow, bare: Path, qtbot: QtBot) -> OpenWindow:
    """Opens the window on the page Gallery, with the user's own gallery."""

    def open_one(**options: object) -> MainWindow:
        window = open_marque(**({"model": bare, "gallery": None} | options))
        QTest.keyClick(window, Key.Key_3)
        qtbot.waitUntil(lambda: window.gallery.session.ready, timeout=PATIENCE)
        return window

    return open_one


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def size(window: MainWindow) -> int:
    return len(window.gallery.session.contents.references)


def teach(window: MainWindow, qtbot: QtBot, files: list[Path], label: GalleryClass = ROSSA) -> None:
    wanted = size(window) + len(files)
    window.gallery.commands.teach(files, label)
    qtbot.waitUntil(lambda: size(window) == wanted, timeout=PATIENCE)


def answer(monkeypatch: pytest.MonkeyPatch, method: str, given: object) -> None:
    """What the file dialog will answer."""
    value = str(given) if method == "getExistingDirectory" else (str(given), "")
    monkeypatch.setattr(QFileDialog, method, staticmethod(lambda *_a, **_k: value))


def test_reviewed_photos_are_enrolled_under_what_the_person_called_them(
    open_marque: OpenWindow, bare: Path, photos: Path, qtbot: QtBot
) -> None:
    window = open_marque(model=bare, gallery=None)
    page = window.review
    qtbot.waitUntil(lambda: page.project.project is not None and window.identify.session.loaded() is not None)
    QTest.keyClick(window, Key.Key_2)
    page.project.identify([photos])
    qtbot.waitUntil(lambda: (page.project.columns.predictions["image"] > 0).sum() == 12, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.listing.rowCount() == 12 and not page.project.running.active(), timeout=PATIENCE)
    page.grid.selectAll()
    assert page.verdicts.enrol_button.toolTip().startswith("enrol 12 photos in the gallery (E)")
    click(page.verdicts.enrol_button)
    qtbot.waitUntil(lambda: "None of the 12 chosen photos has a class" in page.notice.text(), timeout=PATIENCE)

    for place in (0, 1, 3):  # two of Gialla 2012, one of Rossa 2010
        page.chosen.go(place)
        page.verdict_commands.accept()
    qtbot.waitUntil(lambda: (page.project.columns.verdict >= 0).sum() == 3, timeout=PATIENCE)
    page.grid.selectAll()
    page.grid.setFocus()
    QTest.keyClick(page.grid, Key.Key_E)
    said = "3 photos enrolled in the gallery (2 Gialla 2012, 1 Rossa 2010). 9 photos without a class that you gave"
    qtbot.waitUntil(lambda: page.notice.text().startswith(said), timeout=PATIENCE)
    assert window.gallery.session.contents.undo == "enrol 3 photos from the project"
    assert window.status.facts()[1] == "gallery 3"
    with Gallery.open(own_place(window.gallery.session.loaded.info.fingerprint), read_only=True) as gallery:
        assert gallery.classes() == {("sedan", "Gialla 2012"): 2, ROSSA: 1}
        (found,) = gallery.search(gallery.embeddings([1]), 1)
        assert found[0].similarity > 0.999  # what the project had was taken
    page.toolbar.output_button.menu().aboutToShow.emit()
    assert page.toolbar.enrol_action.text().startswith("enrol 12 photos in the gallery")
    page.toolbar.enrol_action.trigger()
    qtbot.waitUntil(lambda: "All 3 photos are in the gallery already" in page.notice.text(), timeout=PATIENCE)
    QTest.keyClick(window, Key.Key_3)
    window.gallery.undo()
    qtbot.waitUntil(lambda: size(window) == 0, timeout=PATIENCE)
    QTest.keyClick(window, Key.Key_2)
    QTest.keyClick(page.grid, Key.Key_E)
    qtbot.waitUntil(lambda: page.notice.text().startswith(said), timeout=PATIENCE)
    click(page.notice.action_button)
    qtbot.waitUntil(lambda: size(window) == 0, timeout=PATIENCE)
    assert page.notice.isHidden()


def test_another_model_offers_to_re_embed_what_was_enrolled(
    on_gallery: OpenWindow, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = on_gallery()
    page = window.gallery
    files = sorted((photos / "ship").rglob("*.jpg"))
    teach(window, qtbot, files, AZZURRA)
    old = own_place(page.session.loaded.info.fingerprint)
    files[0].unlink()
    window.models.open(write_tiny_model(tmp_path / "new.onnx", fingerprint="0ddba11"))
    qtbot.waitUntil(lambda: "galleries hold 5 references made with another" in page.notice.text(), timeout=PATIENCE)
    assert "The pictures of 1 more cannot be found." in page.notice.text() and str(files[0]) in page.notice.details()
    assert page.notice.action_button.text() == "re-embed 5 references with this model"
    click(page.notice.action_button)
    qtbot.waitUntil(lambda: size(window) == 5, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "5 references re-embedded" in window.status.jobs.text(), timeout=PATIENCE)
    assert len(Gallery.open(old, read_only=True)) == 6
    page.undo()
    qtbot.waitUntil(lambda: size(window) == 0, timeout=PATIENCE)

    page.toolbar.gallery_button.entries[actions.REEMBED].trigger()
    qtbot.waitUntil(lambda: page.notice.text() != "", timeout=PATIENCE)
    click(page.notice.close_button)  # no, and not again
    assert json.loads(window._settings_file.read_text())["reembedding_declined"] == ["0ddba11"]
    page.transfers.look_behind(asked=False)
    qtbot.wait(50)
    assert page.notice.isHidden()


def test_a_gallery_is_exported_and_imported(
    on_gallery: OpenWindow, photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = on_gallery()
    page, button = window.gallery, window.gallery.toolbar.gallery_button
    assert not button.entries[actions.EXPORT].isEnabled() and button.entries[actions.IMPORT].isEnabled()
    teach(window, qtbot, sorted((photos / "sedan" / "Rossa 2010").glob("*.jpg")))
    answer(monkeypatch, "getSaveFileName", tmp_path / "given")
    button.entries[actions.EXPORT].trigger()
    qtbot.waitUntil(lambda: "3 references exported" in window.status.jobs.text(), timeout=PATIENCE)
    page.undo()
    qtbot.waitUntil(lambda: size(window) == 0, timeout=PATIENCE)
    answer(monkeypatch, "getOpenFileName", tmp_path / "given.gallery")
    button.entries[actions.IMPORT].trigger()
    qtbot.waitUntil(lambda: size(window) == 3, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "3 references imported" in window.status.jobs.text(), timeout=PATIENCE)
    with Gallery.create(tmp_path / "other.gallery", "0ddba11", 4) as other:
        (file,) = (photos / "ship" / "Celeste class").glob("1.jpg")
        entry = ReferenceEntry("ship", "Celeste class", "s", "1.jpg", digest_of(file.read_bytes()), file.parent)
        other.add(np.eye(1, 4, dtype=np.float32), [entry])
    answer(monkeypatch, "getOpenFileName", tmp_path / "other.gallery")
    button.entries[actions.IMPORT].trigger()
    qtbot.waitUntil(lambda: "other.gallery was not imported" in page.errors.text(), timeout=PATIENCE)
    assert "another identification model" in page.errors.text() and size(window) == 3
    qtbot.waitUntil(lambda: "other.gallery holds 1 reference made with" in page.notice.text(), timeout=PATIENCE)
    click(page.notice.action_button)  # its picture is here
    qtbot.waitUntil(lambda: size(window) == 4, timeout=PATIENCE)


def test_pictures_are_located_after_a_preview(
    on_gallery: OpenWindow, photos: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = on_gallery()
    page = window.gallery
    files = sorted((photos / "sedan" / "Rossa 2010").glob("*.jpg"))
    teach(window, qtbot, files)
    qtbot.waitUntil(lambda: len(page.cards.pictures) == 3, timeout=PATIENCE)
    assert page.references.locate_button.isHidden()
    moved = Path(shutil.move(photos / "sedan", tmp_path / "moved"))
    (moved / "Rossa 2010" / "2.jpg").unlink()
    page.tree.go(GalleryClass("sedan", None))
    qtbot.waitUntil(lambda: "3 without picture here" in page.references.heading.whole(), timeout=PATIENCE)
    answer(monkeypatch, "getExistingDirectory", moved)
    click(page.references.locate_button)
    qtbot.waitUntil(lambda: "2 of 3 missing pictures are in" in page.notice.text(), timeout=PATIENCE)
    assert "not found: 2.jpg" in page.notice.details() and not page.cards.pictures
    click(page.notice.action_button)
    qtbot.waitUntil(lambda: len(page.cards.pictures) == 2, timeout=PATIENCE)
    assert "1 without picture here" in page.references.heading.whole()
    assert "undo: locate 2 pictures" in page.toolbar.undo_button.toolTip()
    page.undo()
    qtbot.waitUntil(lambda: not page.cards.pictures, timeout=PATIENCE)


def test_which_gallery_is_used_is_chosen_and_remembered(
    on_gallery: OpenWindow, tiny_gallery: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = on_gallery()
    page, button = window.gallery, window.gallery.toolbar.gallery_button
    assert button.text().strip() == "own gallery" and size(window) == 0
    answer(monkeypatch, "getOpenFileName", tiny_gallery)
    button.entries[actions.USE_FILE].trigger()
    qtbot.waitUntil(lambda: size(window) == 12, timeout=PATIENCE)
    assert button.text().strip() == "tiny" and str(tiny_gallery) in button.toolTip()
    window.close()
    again = on_gallery()
    qtbot.waitUntil(lambda: size(again) == 12, timeout=PATIENCE)
    button = again.gallery.toolbar.gallery_button
    assert button.entries[actions.USE_FILE].isChecked() and not button.entries[actions.USE_OWN].isChecked()
    button.entries[actions.USE_OWN].trigger()
    qtbot.waitUntil(lambda: button.text().strip() == "own gallery" and again.gallery.session.ready, timeout=PATIENCE)
    assert size(again) == 0 and not page.errors.text()


def test_an_unreachable_shared_gallery_is_reported_and_the_program_keeps_working(
    on_gallery: OpenWindow,
    photos: Path,
    qtbot: QtBot,
    answered: Callable[[MainWindow, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = on_gallery()
    page, box = window.gallery, window.gallery.address_box
    page.toolbar.gallery_button.entries[actions.USE_SHARED].trigger()
    assert box.isVisible() and not box.action_button.isEnabled()
    QTest.keyClicks(box.line, "postgresql://ann:secret@127.0.0.1:1/photos")
    assert "Leave out the password" in box.hint() and not box.action_button.isEnabled()
    box.line.setText("postgresql://ann@127.0.0.1:1/photos")
    QTest.keyClick(box.line, Key.Key_Return)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.unusable, timeout=PATIENCE)
    assert "the database cannot be reached" in page.errors.text() and "ann@127.0.0.1" in page.errors.text()
    assert window.status.facts()[1] == "gallery not in use"
    assert page.toolbar.gallery_button.text().strip() == "shared: photos"
    menu, rename = page.toolbar.gallery_button, page.toolbar.rename_button
    assert "only adds photos" in rename.toolTip() and "only adds photos" in menu.entries[actions.IMPORT].toolTip()
    window.identify.session.open([photos / "sedan" / "Rossa 2010" / "1.jpg"])
    answered(window, "1.jpg")
    assert window.identify.panel.texts()["answer"] == "Rossa 2010"

    monkeypatch.setattr(references, "find_spec", lambda name: None)
    page.toolbar.gallery_button.entries[actions.USE_SHARED].trigger()
    assert 'pip install "marque[team]"' in box.hint() and not box.action_button.isEnabled()
    QTest.keyClick(box.line, Key.Key_Escape)
    assert not box.isVisible() and window.isVisible()
    page.toolbar.gallery_button.entries[actions.USE_OWN].trigger()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.empty, timeout=PATIENCE)
    assert window.status.facts()[1] == "gallery 0"
    assert rename.toolTip() == "rename the class (F2)" and menu.entries[actions.IMPORT].isEnabled()


def test_how_much_alike_doubles_must_be_is_chosen(on_gallery: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = on_gallery()
    page, cleaning = window.gallery, window.gallery.cleaning
    files = [tmp_path / f"{shade}.png" for shade in range(6)]
    for shade, file in enumerate(files):
        red, green, blue = COLOURS["Rossa 2010"]
        colour_picture((red - 24 * shade, green + 24 * shade, blue), seed=shade).save(file)
    teach(window, qtbot, files)
    click(page.toolbar.clean_button)
    qtbot.waitUntil(lambda: cleaning.words() == "choose one, then what to do with it", timeout=PATIENCE)
    few = len(cleaning.findings()[0])
    cleaning.near_slider.setFocus()
    cleaning.near_slider.setValue(850)
    qtbot.waitUntil(lambda: len(cleaning.findings()[0]) > few, timeout=PATIENCE)
    cleaning.near_slider.setValue(999)
    qtbot.waitUntil(lambda: len(cleaning.findings()[0]) < few, timeout=PATIENCE)
    click(cleaning.odd_button)
    assert not cleaning.near_slider.isVisible()
    page.tree.setFocus()
    page.tree.go(ROSSA)
    QTest.keyClick(page.tree, Key.Key_Delete)  # the class is out of sight: nothing is removed
    qtbot.wait(50)
    assert size(window) == 6
