"""What a person does on the page Identify, done to the real window."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.recognition.decision import Status
from app.core.recognition.identifier import Identification
from app.ui.background.folder_run import FolderAnswers
from app.ui.background.photo_answers import Answer
from app.ui.window.main_window import MainWindow
from model.contract.bundle import EVIDENCE
from tests.app.tiny import write_tiny_model
from tests.app.ui.conftest import OpenWindow
from tests.app.ui.photo_drops import PATIENCE, blue, drag, finished, red


def test_prediction_is_a_tree_with_the_answer_marked(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    bars = window.identify.panel.tree.bars()
    assert bars[0].name == "sedan"
    assert bars[1].name == "Rossa 2010"
    assert [bar.name for bar in bars if bar.accepted] == ["Rossa 2010"]
    assert window.identify.panel.texts()["reason"]


def test_neighbours_show_their_pictures(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    cards = window.identify.panel.neighbours.cards()
    assert len(cards) == 5
    assert cards[0].near.picture == red(photos)
    assert cards[0].near.similarity == "1.00"
    assert all(card.isEnabled() for card in cards)


def test_a_neighbour_whose_picture_is_elsewhere_is_a_card_that_cannot_be_opened(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path, qtbot: QtBot
) -> None:
    red(photos).with_name("2.jpg").unlink()
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    gone = [card for card in window.identify.panel.neighbours.cards() if card.near.picture is None]
    assert len(gone) == 1
    QTest.mouseClick(gone[0], Qt.MouseButton.LeftButton)
    assert window.identify.compare.near() is None
    assert "Rossa 2010" in gone[0].accessibleName()


def test_keys_go_through_the_photos(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path
) -> None:
    window = open_marque(photos)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    strip = window.identify.strip
    for key, row in (
        (Qt.Key.Key_J, 1),
        (Qt.Key.Key_Right, 2),
        (Qt.Key.Key_K, 1),
        (Qt.Key.Key_Left, 0),
        (Qt.Key.Key_K, 0),
    ):
        QTest.keyClick(window, key)
        assert strip.currentIndex().row() == row


def test_a_crop_box_is_identified_and_esc_brings_the_photo_back(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, tmp_path: Path, photos: Path
) -> None:
    left, right = Image.open(red(photos)).resize((300, 200)), Image.open(blue(photos)).resize((100, 200))
    both = Image.new("RGB", (400, 200))
    both.paste(left, (0, 0))
    both.paste(right, (300, 0))
    both.save(tmp_path / "both.png")
    window = open_marque(tmp_path / "both.png")
    answered(window, "both.png")
    view = window.identify.view
    start, end = (view.to_widget(QPointF(*point)).toPoint() for point in ((310, 10), (390, 190)))
    drag(view, start, end, Qt.KeyboardModifier.ShiftModifier)
    box = view.crop()
    assert box is not None and abs(box.x() - 310) <= 2 and abs(box.width() - 80) <= 4
    name = f"crop {box.width()} × {box.height()} of both.png"
    answered(window, name)
    assert window.identify.panel.texts()["answer"] == "Azzurra class"
    assert window.identify.session.photos.entry(0).label != "Azzurra class"
    QTest.keyClick(window, Qt.Key.Key_Escape)
    answered(window, "both.png")
    assert view.crop() is None
    # the same with the tool, and a slip of the hand draws nothing
    QTest.keyClick(window, Qt.Key.Key_B)
    drag(view, start, start + QPoint(2, 2))
    assert view.crop() is None
    drag(view, start, end)
    assert view.crop() == box


def test_heat_covers_what_speaks_for_the_answer(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, tmp_path: Path, photos: Path
) -> None:
    both = Image.open(red(photos)).resize((400, 200))
    both.paste((128, 128, 128), (0, 0, 100, 200))
    both.save(tmp_path / "half.png")
    window = open_marque(tmp_path / "half.png")
    answered(window, "half.png")
    view = window.identify.view
    assert window.identify.panel.tree.bars()[1].name == "Rossa 2010" and view.heat() is None
    QTest.keyClick(window, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: view.heat() is not None)
    heat = view.heat()
    left, right = (heat.pixelColor(round(heat.width() * x), heat.height() // 2).alpha() for x in (0.1, 0.6))
    assert right > 5 * left
    QTest.keyClick(window, Qt.Key.Key_H)
    assert view.heat() is None


def test_a_model_that_cannot_tell_where_says_so(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path, tmp_path: Path
) -> None:
    file = write_tiny_model(tmp_path / "blind.onnx")
    model = onnx.load(file)
    model.graph.output.remove(next(output for output in model.graph.output if output.name == EVIDENCE))
    onnx.save(model, file)
    window = open_marque(red(photos), model=file)
    answered(window, "1.jpg")
    QTest.keyClick(window, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: window.identify.errors.isVisible())
    assert not window.identify.heat_button.isChecked() and window.identify.view.heat() is None


def test_zoom_keeps_the_point_under_the_cursor(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    view = window.identify.view
    at = QPointF(view.width() / 3, view.height() / 3)
    before, zoom = view.to_photo(at), view.zoom()
    none = Qt.KeyboardModifier.NoModifier
    wheel = QWheelEvent(
        at, at, QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(view, wheel)
    after = view.to_photo(at)
    assert view.zoom() > zoom
    assert (after - before).manhattanLength() < 0.01
    drag(view, QPoint(100, 100), QPoint(140, 130))
    assert (view.to_photo(at) - after).manhattanLength() > 1
    QTest.keyClick(window, Qt.Key.Key_F)
    assert view.zoom() == pytest.approx(zoom)
    QTest.keyClick(window, Qt.Key.Key_O)
    assert view.zoom() == pytest.approx(1 / view.devicePixelRatioF())


def test_side_by_side_moves_both_and_esc_leaves(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    page = window.identify
    QTest.mouseClick(page.panel.neighbours.cards()[1], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.compare.other.photo() is not None, timeout=PATIENCE)
    assert page.compare.other.isVisible()
    page.view.actual_size(QPointF(40, 40))
    same = page.view.centre() - page.compare.other.centre()
    assert same.manhattanLength() < 0.01
    assert page.view.zoom() == pytest.approx(page.compare.other.zoom(), rel=0.02)
    drag(page.compare.other, QPoint(100, 100), QPoint(130, 110))
    assert (page.view.centre() - page.compare.other.centre()).manhattanLength() < 0.01
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert page.compare.other.isHidden()
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    assert page.compare.near() == page.panel.near()[0]
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    assert page.compare.near() is None


def test_late_answers_are_dropped(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path
) -> None:
    window = open_marque(photos)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    session = window.identify.session
    answered(window, session.subject())
    before = window.identify.panel.texts()
    late = Answer(session._request - 1, Identification(None, error="from another photo"), ())
    window.services.answers.answered.emit(late)
    old = FolderAnswers(session._generation - 1, [Identification(red(photos), error="from another run")])
    window.services.folder.advanced.emit(old)
    QTest.qWait(50)
    assert window.identify.panel.texts() == before
    assert not session.photos.counts()[Status.ERROR]


def test_quick_steps_end_on_the_answer_of_the_last_photo(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path
) -> None:
    window = open_marque(photos)
    qtbot.waitUntil(lambda: window.identify.session.photos.rowCount() == 12, timeout=PATIENCE)
    for _ in range(11):
        QTest.keyClick(window, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] == "Celeste class", timeout=PATIENCE)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)


def test_very_long_names_are_cut_and_whole_in_the_tooltip(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path, tmp_path: Path
) -> None:
    name = "Chevrolet Silverado 2500HD Regular Cab 2012 " * 3 + "ü 車.jpg"
    (tmp_path / name).write_bytes(red(photos).read_bytes())
    window = open_marque(tmp_path / name)
    window.resize(960, 640)
    answered(window, name)
    label = window.identify.panel._file
    assert label.text().endswith("…")
    assert label.toolTip() == name
    assert window.width() == 960


def test_crop_of_a_box_that_leaves_the_photo_is_cut_to_it(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    view = window.identify.view
    drag(view, QPoint(1, 1), QPoint(view.width() - 2, view.height() - 2), Qt.KeyboardModifier.ShiftModifier)
    assert view.crop() == QRect(0, 0, 90, 60)
