"""Another identification model, also one that cannot be loaded, is chosen while the one before is at work."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.recognition.decision import Status
from app.ui.background.model_loading import Loaded
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.window.main_window import MainWindow
from tests.app.tiny import COLOURS, colour_picture, write_tiny_model

PATIENCE = 30_000
Key = Qt.Key


@pytest.fixture
def many(alike: Callable[[int, tuple[int, int]], Path]) -> Path:
    """A folder of 300 photos."""
    return alike(300, (600, 400))


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A file that does not hold a model."""
    place = tmp_path / "bad.onnx"
    place.write_bytes(b"no model")
    return place


@pytest.fixture
def ready(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> MainWindow:
    """The window with its model and its project."""
    window = open_marque()
    opened = window.project
    qtbot.waitUntil(lambda: opened.project is not None and window.identify.session.loaded() is not None)
    return window


def predicted(window: MainWindow) -> int:
    opened = window.project
    return opened.project.images.counts(opened.model.fingerprint).predicted if opened.model is not None else 0


def begin_run(window: MainWindow, folder: Path, qtbot: QtBot) -> None:
    """Until some photos are identified, but not all."""
    window.project.identify([folder])
    qtbot.waitUntil(lambda: predicted(window) > 0, timeout=PATIENCE)
    assert window.project.running.active()


def refuse(window: MainWindow, bad: Path, qtbot: QtBot) -> None:
    """A model that cannot be loaded is chosen while the page Review is in front, which says so."""
    window.show_page(1)
    window.models.open(bad)
    qtbot.waitUntil(lambda: "bad.onnx cannot be used" in window.review.errors.text(), timeout=PATIENCE)
    assert window.identify.errors.text() == ""


def in_use(window: MainWindow, model: Path, qtbot: QtBot) -> Loaded:
    """Waits until this model is in use."""
    qtbot.waitUntil(lambda: window.identify.session.loaded().path == model, timeout=PATIENCE)
    loaded = window.identify.session.loaded()
    assert loaded is not None
    return loaded


def begin_to_load(window: MainWindow, model: Path) -> None:
    """Choose a model and wait until the worker has it in hand; what it answers is not seen meanwhile."""
    window.models.open(model)
    until = time.monotonic() + PATIENCE / 1000
    while window.services.loading._request is not None:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_the_model_that_failed_is_named_and_the_one_in_use_is_loaded_again(
    ready: MainWindow, bad: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    other = write_tiny_model(tmp_path / "other.onnx", fingerprint="0ddba11")
    problems, loading = [], []
    ready.models.failed.connect(lambda words, _details: problems.append(words))
    ready.models.loading.connect(loading.append)
    begin_to_load(ready, bad)
    ready.models.open(other)
    in_use(ready, other, qtbot)
    assert problems == ["bad.onnx cannot be used as identification model. Choose another file."]
    assert loading == ["bad.onnx", "other.onnx", "other.onnx"]
    loaded = ready.identify.session.loaded()
    ready.models.open_again()
    qtbot.waitUntil(lambda: ready.identify.session.loaded() is not loaded, timeout=PATIENCE)
    assert ready.identify.session.loaded().path == other


def test_what_is_in_use_is_loaded_again_after_another_one_failed(ready: MainWindow, bad: Path, qtbot: QtBot) -> None:
    loaded = ready.identify.session.loaded()
    refuse(ready, bad, qtbot)
    ready.models.open_again()
    qtbot.waitUntil(lambda: ready.identify.session.loaded() is not loaded, timeout=PATIENCE)
    assert ready.identify.session.loaded().path == loaded.path


def test_the_gallery_of_the_command_line_stays_with_its_model(
    ready: MainWindow, tiny_model: Path, tiny_gallery: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    other = write_tiny_model(tmp_path / "other.onnx", fingerprint="0ddba11")
    assert in_use(ready, tiny_model, qtbot).chosen == tiny_gallery
    ready.models.open(other, remember=True)
    before = in_use(ready, other, qtbot)
    assert (before.chosen, before.gallery_problem) == (None, None)
    ready.models.open_again()
    qtbot.waitUntil(lambda: ready.identify.session.loaded() is not before, timeout=PATIENCE)
    again = ready.identify.session.loaded()
    assert (again.path, again.chosen, again.gallery_problem) == (other, None, None)
    ready.models.choose_gallery(tmp_path / "of the other.gallery")
    qtbot.waitUntil(lambda: ready.identify.session.loaded().chosen is not None, timeout=PATIENCE)
    ready.models.open(tiny_model, remember=True)
    assert in_use(ready, tiny_model, qtbot).chosen == tiny_gallery
    ready.models.choose_gallery(None)  # another one from now on
    qtbot.waitUntil(lambda: ready.identify.session.loaded().chosen is None, timeout=PATIENCE)
    ready.models.open(other, remember=True)
    in_use(ready, other, qtbot)
    ready.models.open(tiny_model, remember=True)
    assert in_use(ready, tiny_model, qtbot).chosen is None


def test_a_folder_is_identified_to_its_end_when_another_model_cannot_be_loaded(
    ready: MainWindow, many: Path, bad: Path, qtbot: QtBot
) -> None:
    session = ready.identify.session
    session.open([many])
    qtbot.waitUntil(lambda: session.photos.progress()[0] > 0, timeout=PATIENCE)
    refuse(ready, bad, qtbot)
    qtbot.waitUntil(lambda: session.photos.progress() == (300, 300), timeout=PATIENCE)
    assert "300 photos: 300 identified" in ready.status.jobs.text()


def test_a_project_is_identified_to_its_end_when_another_model_cannot_be_loaded(
    ready: MainWindow, many: Path, bad: Path, qtbot: QtBot
) -> None:
    begin_run(ready, many, qtbot)
    refuse(ready, bad, qtbot)
    assert ready.project.running.active() and predicted(ready) < 300
    qtbot.waitUntil(lambda: predicted(ready) == 300, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "300 of 300 photos done" in ready.status.jobs.text(), timeout=PATIENCE)


def test_a_change_of_the_gallery_is_completed_when_another_model_cannot_be_loaded(
    ready: MainWindow, many: Path, bad: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    files = []
    for number in range(40):
        files.append(tmp_path / f"{number}.jpg")
        colour_picture(COLOURS["Rossa 2010"], seed=number).save(files[-1])
    ready.gallery.commands.teach(files, GalleryClass("sedan", "Rossa 2010"))
    refuse(ready, bad, qtbot)
    qtbot.waitUntil(lambda: len(ready.gallery.session.contents.references) == 12 + 40, timeout=PATIENCE)


@pytest.mark.parametrize("change", ["model", "gallery"])
def test_a_project_continues_with_the_other_model_or_gallery(
    ready: MainWindow, many: Path, tiny_gallery: Path, tmp_path: Path, qtbot: QtBot, change: str
) -> None:
    begin_run(ready, many, qtbot)
    ended = []
    ready.project.running.jobs.ended.connect(lambda end: ended.append(end.outcome))
    opened = ready.project
    if change == "model":
        ready.models.open(write_tiny_model(tmp_path / "other.onnx", fingerprint="0ddba11"))
        qtbot.waitUntil(lambda: opened.model is not None and opened.model.fingerprint == "0ddba11", timeout=PATIENCE)
    else:
        ready.models.choose_gallery(tmp_path / "other.gallery")
    qtbot.waitUntil(lambda: bool(ended), timeout=PATIENCE)
    assert ended == ["300 of 300 photos done"] and predicted(ready) == 300


def test_a_project_that_was_cancelled_does_not_begin_again_with_another_model(
    ready: MainWindow, many: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    begin_run(ready, many, qtbot)
    ready.project.cancel_run()
    ready.models.open(write_tiny_model(tmp_path / "other.onnx", fingerprint="0ddba11"))
    qtbot.waitUntil(lambda: ready.identify.session.loaded().info.fingerprint == "0ddba11", timeout=PATIENCE)
    qtbot.wait(300)
    assert not ready.project.running.active()
    assert ready.project.project.images.counts("0ddba11").predicted == 0


def test_a_click_after_cancelling_makes_no_job(ready: MainWindow, many: Path, qtbot: QtBot) -> None:
    session, jobs = ready.identify.session, ready.status.jobs
    session.open([many])
    qtbot.waitUntil(lambda: session.photos.progress()[0] >= 5, timeout=PATIENCE)
    jobs.cancel()
    assert "cancelled after" in jobs.text()
    begun = []
    session.jobs.began.connect(begun.append)
    session.select(299)
    qtbot.waitUntil(lambda: session.photos.entry(299).status is Status.IDENTIFIED, timeout=PATIENCE)
    assert not begun and not jobs.cancel_button.isVisible()
    more = many.parent / "more"
    more.mkdir()
    for number in range(2):
        (more / f"{number}.jpg").hardlink_to(many / "0.jpg")
    session.open([more], append=True)  # these are identified; what was given up is not waited for
    qtbot.waitUntil(lambda: len(begun) == 1 and not jobs.cancel_button.isVisible(), timeout=PATIENCE)
    assert session.photos.entry(301).status is Status.IDENTIFIED and session.photos.progress()[0] < 302


@pytest.mark.parametrize("asked", ["while it is empty", "before"])
def test_an_empty_folder_leaves_nothing_of_the_photo_before(
    ready: MainWindow,
    answered: Callable[[MainWindow, str], None],
    photos: Path,
    tmp_path: Path,
    qtbot: QtBot,
    asked: str,
) -> None:
    session, panel, faults = ready.identify.session, ready.identify.panel, []
    ready.faults.raised.connect(lambda line, _details: faults.append(line))
    session.open([photos / "sedan" / "Rossa 2010" / "1.jpg"])
    answered(ready, "1.jpg")
    (tmp_path / "empty").mkdir()
    if asked == "before":
        session.gallery_changed()
    session.open([tmp_path / "empty"])
    if asked == "while it is empty":
        session.gallery_changed()
        session.set_heat(True)
    qtbot.waitUntil(lambda: "No photos found" in ready.identify.errors.text(), timeout=PATIENCE)
    qtbot.wait(200)
    assert faults == [] and panel.texts()["answer"] == ""


def test_keys_of_buttons_that_are_off_do_nothing(ready: MainWindow) -> None:
    for key, button in ((Key.Key_H, ready.identify.heat_button), (Key.Key_B, ready.identify.crop_button)):
        QTest.keyClick(ready, key)
        assert not button.isEnabled() and not button.isChecked()


def test_the_whole_photo_is_answered_by_the_other_model_after_a_crop(
    ready: MainWindow, answered: Callable[[MainWindow, str], None], photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window, session = ready, ready.identify.session
    session.open([photos / "sedan" / "Rossa 2010" / "1.jpg"])
    answered(window, "1.jpg")
    session.set_crop(QRect(10, 10, 40, 30))
    answered(window, session.subject())
    found = []
    session.answered.connect(found.append)
    window.models.open(write_tiny_model(tmp_path / "other.onnx", fingerprint="0ddba11"))
    qtbot.waitUntil(lambda: session.loaded().info.fingerprint == "0ddba11" and bool(found), timeout=PATIENCE)
    found.clear()
    session.set_crop(None)
    assert not found  # it is asked, not remembered
    qtbot.waitUntil(lambda: bool(found), timeout=PATIENCE)
