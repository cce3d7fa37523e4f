"""What a person does with the window, done to the real one."""

import json
import sys
import threading
import time
from pathlib import Path

import onnx
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app import cli
from app.core.recognition.decision import Status
from app.core.recognition.identifier import Identification
from app.core.system import paths
from app.ui.background.folder_run import FolderAnswers
from app.ui.background.photo_answers import Answer
from app.ui.widgets import theme
from app.ui.window.main_window import MainWindow
from model.contract.bundle import EVIDENCE, Calibration
from tests.app.tiny import write_tiny_model

PATIENCE = 15_000


def red(photos: Path) -> Path:
    return photos / "sedan" / "Rossa 2010" / "1.jpg"


def blue(photos: Path) -> Path:
    return photos / "ship" / "Azzurra class" / "1.jpg"


def drop(window: MainWindow, data: QMimeData) -> None:
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(300, 300), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), copy, data, left, none))


def files(*those: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in those])
    return data


def finished(window: MainWindow) -> bool:
    done, total = window.identify.session.photos.progress()
    return total > 0 and done == total and "photos:" in window.status.jobs.text()


def drag(view, start: QPoint, end: QPoint, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifier, start)
    QTest.mouseMove(view, (start + end) / 2)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifier, end)


def test_the_command_opens_a_photo_and_says_what_it_is(qtbot, tiny_model, tiny_gallery, photos):
    seen = {}

    def look() -> None:
        windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow) and one.isVisible()]
        if not windows:  # not there yet, or closed already
            return
        (window,) = windows
        texts = window.identify.panel.texts()
        if texts["answer"]:
            seen.update(texts, provider=window.status.provider_text(), facts=window.status.facts())
            window.close()

    timer = QTimer(interval=30)
    timer.timeout.connect(look)
    timer.start()
    arguments = [str(red(photos)), "--model", str(tiny_model), "--gallery", str(tiny_gallery), "--theme", "light"]
    assert cli.main(arguments) == 0
    assert seen["answer"] == "Rossa 2010"
    assert seen["under"] == "sedan"
    assert seen["status"] == "identified"
    assert seen["facts"] == ("tiny colours", "gallery 12")
    assert seen["provider"].startswith(("CPU (", "CUDA"))


def test_prediction_is_a_tree_with_the_answer_marked(open_marque, answered, photos):
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    bars = window.identify.panel.tree.bars()
    assert bars[0].name == "sedan"
    assert bars[1].name == "Rossa 2010"
    assert [bar.name for bar in bars if bar.accepted] == ["Rossa 2010"]
    assert window.identify.panel.texts()["reason"]


def test_neighbours_show_their_pictures(open_marque, answered, photos):
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    cards = window.identify.panel.neighbours.cards()
    assert len(cards) == 5
    assert cards[0].near.picture == red(photos)
    assert cards[0].near.similarity == "1.00"
    assert all(card.isEnabled() for card in cards)


def test_a_neighbour_whose_picture_is_elsewhere_is_a_card_that_cannot_be_opened(open_marque, answered, photos, qtbot):
    red(photos).with_name("2.jpg").unlink()
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    gone = [card for card in window.identify.panel.neighbours.cards() if card.near.picture is None]
    assert len(gone) == 1
    QTest.mouseClick(gone[0], Qt.MouseButton.LeftButton)
    assert window.identify.compare.near() is None
    assert "Rossa 2010" in gone[0].accessibleName()


def test_drop_replaces_what_is_open(open_marque, answered, qtbot, photos):
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    drop(window, files(blue(photos)))
    qtbot.waitUntil(lambda: window.identify.session.photos.files() == [blue(photos)], timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] == "Azzurra class", timeout=PATIENCE)


def test_a_dropped_address_that_is_no_file_is_explained(open_marque):
    window = open_marque()
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.jpg")])
    drop(window, data)
    assert "not a file that Marque can open" in window.identify.errors.text()


def test_paste_of_a_picture_identifies_it(open_marque, answered, qtbot, photos):
    window = open_marque()
    QGuiApplication.clipboard().setImage(QImage(str(blue(photos))))
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    answered(window, "pasted photo 1")
    assert window.identify.panel.texts()["answer"] == "Azzurra class"
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    answered(window, "pasted photo 2")


@pytest.mark.parametrize("as_text", [False, True])
def test_paste_of_file_paths_adds_to_what_is_open(open_marque, answered, qtbot, photos, as_text):
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    data = files(blue(photos))
    if as_text:
        data = QMimeData()
        data.setText(f'"{blue(photos)}"\n')
    QGuiApplication.clipboard().setMimeData(data)
    window.paste()
    qtbot.waitUntil(lambda: window.identify.session.photos.files() == [red(photos), blue(photos)], timeout=PATIENCE)


def test_paste_of_prose_is_explained(open_marque):
    window = open_marque()
    QGuiApplication.clipboard().setText("a fine ship")
    window.paste()
    assert "no photo and no files" in window.identify.errors.text()
    window.identify.errors.clear()
    assert window.identify.errors.isHidden()


def test_a_folder_with_a_broken_file_goes_to_its_end(open_marque, qtbot, photos):
    (photos / "0 broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    (photos / "1 empty.png").touch()
    window = open_marque(photos)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    model = window.identify.session.photos
    assert model.counts()[Status.ERROR] == 2
    assert model.counts()[Status.IDENTIFIED] == 12
    assert "14 photos: 12 identified, 2 cannot be read" in window.status.jobs.text()
    # the first one is on show, and the panel says why there is no answer
    qtbot.waitUntil(lambda: window.identify.panel.texts()["status"] == "cannot be read", timeout=PATIENCE)
    assert "amaged" in window.identify.panel.texts()["reason"]
    labels = {model.entry(row).name: model.entry(row).label for row in range(model.rowCount())}
    assert labels["0 broken.jpg"] == "cannot be read"


def test_a_photo_that_failed_before_the_model_was_there_stays_an_error(
    open_marque, qtbot, photos, monkeypatch, tiny_model
):
    monkeypatch.setattr(paths, "bundled_model", lambda: None)
    (photos / "0 broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    window = open_marque(photos, model=None)
    panel = window.identify.panel
    qtbot.waitUntil(lambda: panel.texts()["status"] == "cannot be read", timeout=PATIENCE)
    window.models.open(tiny_model)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    QTest.qWait(300)  # longer than the panel waits before it says "identifying"
    assert panel.texts()["status"] == "cannot be read"
    assert "13 photos: 12 identified, 1 cannot be read" in window.status.jobs.text()


def test_another_model_is_chosen_in_the_status_line_and_remembered(open_marque, qtbot, tmp_path, monkeypatch):
    supplied = [write_tiny_model(tmp_path / f"{name}.onnx", name=name) for name in ("marque", "marque-lite")]
    own = write_tiny_model(tmp_path / "mine.onnx", name="mine", calibration=Calibration(fine_temperature=2.0))
    monkeypatch.setattr(paths, "bundled_models", lambda: tuple(supplied))
    window = open_marque(model=None)
    button = window.status.model

    def offered() -> dict[str, bool]:
        return {one.text(): one.isChecked() for one in button.menu().actions() if one.isCheckable()}

    def choose(words: str) -> None:
        next(one for one in button.menu().actions() if one.text().startswith(words)).trigger()

    qtbot.waitUntil(lambda: button.words() == "marque", timeout=PATIENCE)
    assert list(offered().values()) == [True, False]
    choose("marque-lite")
    assert list(offered().values()) == [True, False]
    qtbot.waitUntil(lambda: button.words() == "marque-lite", timeout=PATIENCE)
    assert list(offered().values()) == [False, True]
    assert window.settings.identification_model == supplied[1]
    assert "confidences are not calibrated" in button.toolTip()

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(own), ""))
    choose("use another")
    qtbot.waitUntil(lambda: button.words() == "mine", timeout=PATIENCE)
    assert "calibrated" not in button.toolTip()
    assert list(offered())[2:] == ["mine - your own"] and list(offered().values()) == [False, False, True]

    own.write_bytes(b"nothing")
    choose("marque -")
    qtbot.waitUntil(lambda: button.words() == "marque", timeout=PATIENCE)
    assert window.settings.identification_model is None and len(offered()) == 2
    choose("use another")
    qtbot.waitUntil(lambda: "cannot be used" in window.identify.errors.text(), timeout=PATIENCE)
    assert button.words() == "marque" and list(offered().values()) == [True, False]


def test_keys_go_through_the_photos(open_marque, answered, qtbot, photos):
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


def test_a_path_that_does_not_exist_is_named(open_marque, qtbot, tmp_path):
    window = open_marque(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: bool(window.identify.errors.text()), timeout=PATIENCE)


def test_without_a_model_the_window_says_what_to_do(open_marque, answered, photos, monkeypatch, tiny_model):
    monkeypatch.setattr(paths, "bundled_model", lambda: None)
    window = open_marque(red(photos), model=None)
    button = window.identify.no_model.button
    assert button.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tiny_model), ""))
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    answered(window, "1.jpg")
    assert window.identify.panel.texts()["answer"] == "Rossa 2010"
    stored = json.loads((paths.user_config_dir() / "settings.json").read_text())
    assert stored["identification_model"] == str(tiny_model)


def test_a_file_that_is_no_model_is_explained(open_marque, qtbot, tmp_path, monkeypatch):
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    window = open_marque(model=bad)
    qtbot.waitUntil(lambda: "bad.onnx cannot be used" in window.identify.errors.text(), timeout=PATIENCE)
    assert window.identify.no_model.button.isVisible()


def test_a_gallery_that_cannot_be_used_costs_only_the_neighbours(open_marque, answered, photos, tmp_path):
    bad = tmp_path / "bad.gallery"
    bad.write_bytes(b"no gallery")
    window = open_marque(red(photos), gallery=bad)
    answered(window, "1.jpg")
    assert "gallery cannot be used" in window.identify.errors.text()
    assert not window.identify.panel.neighbours.cards()


def test_the_empty_page_offers_a_folder(open_marque, qtbot, photos, monkeypatch):
    window = open_marque()
    qtbot.waitUntil(lambda: window.identify.session.loaded() is not None, timeout=PATIENCE)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(photos))
    QTest.mouseClick(window.identify.no_photo.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    assert window.settings.last_folder == photos


def test_theme_is_toggled_and_remembered(open_marque):
    window = open_marque(theme_name=None)
    first = theme.tokens().name
    QTest.mouseClick(window.identify.theme_button, Qt.MouseButton.LeftButton)
    assert theme.tokens().name != first
    chosen = theme.tokens().name
    window.close()
    open_marque(theme_name=None)
    assert theme.tokens().name == chosen


def test_splitters_and_size_are_remembered_and_double_click_resets(open_marque, qtbot):
    window = open_marque()
    qtbot.waitUntil(lambda: window.identify.session.loaded() is not None, timeout=PATIENCE)
    columns = window.identify.columns
    window.resize(1100, 700)
    columns.setSizes([600, 400])
    window.close()
    again = open_marque()
    assert again.height() == 700  # the width is cut to the screen of the tests
    assert again.settings.splitters["columns"] == columns.sizes()
    handle = again.identify.columns.handle(1)
    QTest.mouseDClick(handle, Qt.MouseButton.LeftButton)
    assert again.identify.columns.sizes()[1] == 320


def test_a_crop_box_is_identified_and_esc_brings_the_photo_back(open_marque, answered, qtbot, tmp_path, photos):
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


def test_heat_lies_over_what_speaks_for_the_answer(open_marque, answered, qtbot, tmp_path, photos):
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


def test_a_model_that_cannot_tell_where_says_so(open_marque, answered, qtbot, photos, tmp_path):
    file = write_tiny_model(tmp_path / "blind.onnx")
    model = onnx.load(file)
    model.graph.output.remove(next(output for output in model.graph.output if output.name == EVIDENCE))
    onnx.save(model, file)
    window = open_marque(red(photos), model=file)
    answered(window, "1.jpg")
    QTest.keyClick(window, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: window.identify.errors.isVisible())
    assert not window.identify.heat_button.isChecked() and window.identify.view.heat() is None


def test_zoom_keeps_the_point_under_the_cursor(open_marque, answered, photos):
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


def test_side_by_side_moves_both_and_esc_leaves(open_marque, answered, qtbot, photos):
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


def test_late_answers_are_dropped(open_marque, answered, qtbot, photos):
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


def test_quick_steps_end_on_the_answer_of_the_last_photo(open_marque, answered, qtbot, photos):
    window = open_marque(photos)
    qtbot.waitUntil(lambda: window.identify.session.photos.rowCount() == 12, timeout=PATIENCE)
    for _ in range(11):
        QTest.keyClick(window, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] == "Celeste class", timeout=PATIENCE)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)


def many(folder: Path, photos: Path, count: int) -> Path:
    folder.mkdir()
    content = red(photos).read_bytes()
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(content)
    return folder


def test_the_window_lives_while_a_folder_is_identified(open_marque, qtbot, tmp_path, photos):
    window = open_marque(many(tmp_path / "many", photos, 300))
    beats = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start()
    batches = []
    window.services.folder.advanced.connect(lambda answers: batches.append((time.monotonic(), len(answers.found))))
    qtbot.waitUntil(lambda: finished(window), timeout=4 * PATIENCE)
    timer.stop()
    during = [beat for beat in beats if batches[0][0] <= beat <= batches[-1][0]]
    assert len(during) > len(batches)
    assert sum(count for _, count in batches) >= 299


def test_cancel_keeps_what_has_been_answered(open_marque, qtbot, tmp_path, photos):
    window = open_marque(many(tmp_path / "many", photos, 400))
    session = window.identify.session
    qtbot.waitUntil(lambda: session.photos.progress()[0] >= 5, timeout=PATIENCE)
    window.status.jobs.cancel()
    assert "cancelled after" in window.status.jobs.text()
    QTest.qWait(100)
    done, total = session.photos.progress()
    assert 5 <= done < total


def test_closing_during_a_run_ends_at_once(open_marque, qtbot, tmp_path, photos):
    window = open_marque(many(tmp_path / "many", photos, 400))
    qtbot.waitUntil(lambda: window.identify.session.photos.progress()[0] >= 5, timeout=PATIENCE)
    window.close()
    assert window.services.scheduler.isFinished()
    assert window.identify.session.photos.progress()[0] < 400


def test_closing_while_the_model_is_loading(open_marque, photos):
    window = open_marque(photos)
    window.close()
    assert window.services.scheduler.isFinished()


def test_very_long_names_are_cut_and_whole_in_the_tooltip(open_marque, answered, photos, tmp_path):
    name = "Chevrolet Silverado 2500HD Regular Cab 2012 " * 3 + "ü 車.jpg"
    (tmp_path / name).write_bytes(red(photos).read_bytes())
    window = open_marque(tmp_path / name)
    window.resize(960, 640)
    answered(window, name)
    label = window.identify.panel._file
    assert label.text().endswith("…")
    assert label.toolTip() == name
    assert window.width() == 960


@pytest.mark.parametrize("on_thread", [False, True])
def test_a_fault_goes_to_the_bar_and_the_log_and_the_window_stays(open_marque, qtbot, on_thread):
    window = open_marque()

    def fail() -> None:
        raise LookupError("the anchor is lost")

    if on_thread:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    else:
        try:
            fail()
        except LookupError:
            sys.excepthook(*sys.exc_info())
    qtbot.waitUntil(lambda: "the anchor is lost" in window.identify.errors.text(), timeout=PATIENCE)
    assert "LookupError" in (paths.user_data_dir() / "marque.log").read_text()
    assert window.isVisible()


def test_hooks_are_given_back(open_marque):
    before = sys.excepthook, threading.excepthook
    window = open_marque()
    assert sys.excepthook != before[0]
    window.close()
    assert (sys.excepthook, threading.excepthook) == before


def test_help_lists_the_keys_and_esc_closes_it(open_marque):
    window = open_marque()
    QTest.mouseClick(window.rail.help_button, Qt.MouseButton.LeftButton)
    assert window.help.isVisible()
    QTest.keyClick(window.help, Qt.Key.Key_Escape)
    assert window.help.isHidden()


def test_crop_of_a_box_that_leaves_the_photo_is_cut_to_it(open_marque, answered, photos):
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    view = window.identify.view
    drag(view, QPoint(1, 1), QPoint(view.width() - 2, view.height() - 2), Qt.KeyboardModifier.ShiftModifier)
    assert view.crop() == QRect(0, 0, 90, 60)


def test_a_model_named_for_one_start_is_not_remembered(open_marque, answered, photos):
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    window.close()
    stored = json.loads((paths.user_config_dir() / "settings.json").read_text())
    assert stored.get("identification_model") is None
