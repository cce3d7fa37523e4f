"""What a person does with the window, done to the real one."""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QTimer, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app import cli
from app.core.recognition.decision import Status
from app.core.system import paths
from app.ui.widgets import theme
from app.ui.window.main_window import MainWindow
from model.contract.bundle import Calibration
from tests.app.tiny import write_tiny_model
from tests.app.ui.conftest import OpenWindow
from tests.app.ui.photo_drops import PATIENCE, blue, drop, files, finished, red


def test_the_command_opens_a_photo_and_says_what_it_is(
    qtbot: QtBot, tiny_model: Path, tiny_gallery: Path, photos: Path
) -> None:
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


def test_drop_replaces_what_is_open(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    drop(window, files(blue(photos)))
    qtbot.waitUntil(lambda: window.identify.session.photos.files() == [blue(photos)], timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.identify.panel.texts()["answer"] == "Azzurra class", timeout=PATIENCE)


def test_a_dropped_web_address_is_explained(open_marque: OpenWindow) -> None:
    window = open_marque()
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.jpg")])
    drop(window, data)
    assert "not a file that Marque can open" in window.identify.errors.text()


def test_paste_of_a_picture_identifies_it(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path
) -> None:
    window = open_marque()
    QGuiApplication.clipboard().setImage(QImage(str(blue(photos))))
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    answered(window, "pasted photo 1")
    assert window.identify.panel.texts()["answer"] == "Azzurra class"
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    answered(window, "pasted photo 2")


@pytest.mark.parametrize("as_text", [False, True])
def test_paste_of_file_paths_adds_to_what_is_open(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], qtbot: QtBot, photos: Path, as_text: bool
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    data = files(blue(photos))
    if as_text:
        data = QMimeData()
        data.setText(f'"{blue(photos)}"\n')
    QGuiApplication.clipboard().setMimeData(data)
    window.identify.paste()
    qtbot.waitUntil(lambda: window.identify.session.photos.files() == [red(photos), blue(photos)], timeout=PATIENCE)


def test_paste_of_prose_is_explained(open_marque: OpenWindow) -> None:
    window = open_marque()
    QGuiApplication.clipboard().setText("a fine ship")
    window.identify.paste()
    assert "no photo and no files" in window.identify.errors.text()
    window.identify.errors.clear()
    assert window.identify.errors.isHidden()


def test_a_folder_with_a_broken_file_goes_to_its_end(open_marque: OpenWindow, qtbot: QtBot, photos: Path) -> None:
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
    open_marque: OpenWindow, qtbot: QtBot, photos: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
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


def test_another_model_is_chosen_in_the_status_line_and_remembered(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_path_that_does_not_exist_is_named(open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_marque(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: bool(window.identify.errors.text()), timeout=PATIENCE)


def test_without_a_model_the_window_says_what_to_do(
    open_marque: OpenWindow,
    answered: Callable[[MainWindow, str], None],
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_model: Path,
) -> None:
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


def test_a_file_without_a_model_is_explained(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    window = open_marque(model=bad)
    qtbot.waitUntil(lambda: "bad.onnx cannot be used" in window.identify.errors.text(), timeout=PATIENCE)
    assert window.identify.no_model.button.isVisible()


def test_a_gallery_that_cannot_be_used_costs_only_the_neighbours(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.gallery"
    bad.write_bytes(b"no gallery")
    window = open_marque(red(photos), gallery=bad)
    answered(window, "1.jpg")
    assert "gallery cannot be used" in window.identify.errors.text()
    assert not window.identify.panel.neighbours.cards()


def test_the_empty_page_offers_a_folder(
    open_marque: OpenWindow, qtbot: QtBot, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_marque()
    qtbot.waitUntil(lambda: window.identify.session.loaded() is not None, timeout=PATIENCE)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(photos))
    QTest.mouseClick(window.identify.no_photo.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    assert window.settings.last_folder == photos


def test_theme_is_toggled_and_remembered(open_marque: OpenWindow) -> None:
    window = open_marque(theme_name=None)
    first = theme.tokens().name
    QTest.mouseClick(window.identify.theme_button, Qt.MouseButton.LeftButton)
    assert theme.tokens().name != first
    chosen = theme.tokens().name
    window.close()
    open_marque(theme_name=None)
    assert theme.tokens().name == chosen


def test_splitters_and_size_are_remembered_and_double_click_resets(open_marque: OpenWindow, qtbot: QtBot) -> None:
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


def many(folder: Path, photos: Path, count: int) -> Path:
    folder.mkdir()
    content = red(photos).read_bytes()
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(content)
    return folder


def test_the_window_lives_while_a_folder_is_identified(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, photos: Path
) -> None:
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


def test_cancel_keeps_what_has_been_answered(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, photos: Path
) -> None:
    window = open_marque(many(tmp_path / "many", photos, 400))
    session = window.identify.session
    qtbot.waitUntil(lambda: session.photos.progress()[0] >= 5, timeout=PATIENCE)
    window.status.jobs.cancel()
    assert "cancelled after" in window.status.jobs.text()
    QTest.qWait(100)
    done, total = session.photos.progress()
    assert 5 <= done < total


def test_closing_during_a_run_ends_at_once(open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, photos: Path) -> None:
    window = open_marque(many(tmp_path / "many", photos, 400))
    qtbot.waitUntil(lambda: window.identify.session.photos.progress()[0] >= 5, timeout=PATIENCE)
    window.close()
    assert window.services.scheduler.isFinished()
    assert window.identify.session.photos.progress()[0] < 400


def test_closing_while_the_model_is_loading(open_marque: OpenWindow, photos: Path) -> None:
    window = open_marque(photos)
    window.close()
    assert window.services.scheduler.isFinished()


@pytest.mark.parametrize("on_thread", [False, True])
def test_a_fault_goes_to_the_bar_and_the_log_and_the_window_stays(
    open_marque: OpenWindow, qtbot: QtBot, on_thread: bool
) -> None:
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


def test_hooks_are_given_back(open_marque: OpenWindow) -> None:
    before = sys.excepthook, threading.excepthook
    window = open_marque()
    assert sys.excepthook != before[0]
    window.close()
    assert (sys.excepthook, threading.excepthook) == before


def test_help_lists_the_keys_and_esc_closes_it(open_marque: OpenWindow) -> None:
    window = open_marque()
    QTest.mouseClick(window.rail.help_button, Qt.MouseButton.LeftButton)
    assert window.help.isVisible()
    QTest.keyClick(window.help, Qt.Key.Key_Escape)
    assert window.help.isHidden()


def test_a_model_named_for_one_start_is_not_remembered(
    open_marque: OpenWindow, answered: Callable[[MainWindow, str], None], photos: Path
) -> None:
    window = open_marque(red(photos))
    answered(window, "1.jpg")
    window.close()
    stored = json.loads((paths.user_config_dir() / "settings.json").read_text())
    assert stored.get("identification_model") is None
