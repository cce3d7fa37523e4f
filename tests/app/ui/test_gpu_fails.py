"""The GPU fails while the window is in use: everything continues on the CPU, and the window says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.recognition.engine import Engine, EngineOutputs
from app.ui.background import model_loading
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.window.main_window import MainWindow
from tests.app.tiny import FailingGpu

PATIENCE = 15_000
FAILED = "the GPU failed (the inference failed (out of memory))"


@pytest.fixture
def on_gpu(
    open_marque: Callable[..., MainWindow], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., MainWindow]:
    """Opens the window with a model on a GPU that fails at the first photo."""

    def open_it(engine: type[Engine] = FailingGpu) -> MainWindow:
        monkeypatch.setattr(model_loading, "Engine", engine)
        window = open_marque()
        opened = window.project
        qtbot.waitUntil(lambda: opened.project is not None and window.gallery.session.ready, timeout=PATIENCE)
        assert window.status.provider_text() == "CUDA"
        return window

    return open_it


def left(window: MainWindow, qtbot: QtBot) -> None:
    """Waits until the window says that it has left the GPU."""
    qtbot.waitUntil(lambda: window.status.provider_text() == "CPU (reason in tooltip)", timeout=PATIENCE)
    assert FAILED in window.status._provider.toolTip()
    front = window.pages.currentWidget()
    assert "The GPU failed: photos are identified on the CPU" in front.errors.text()


def test_the_photo_on_show_and_a_folder_go_on(
    on_gpu: Callable[..., MainWindow], photos: Path, bad_model: Path, qtbot: QtBot
) -> None:
    window = on_gpu()
    moved = []
    window.services.loading.moved.connect(moved.append)
    window.identify.session.open([photos])
    qtbot.waitUntil(lambda: window.identify.session.photos.progress() == (12, 12), timeout=PATIENCE)
    left(window, qtbot)
    assert "12 photos: 12 identified" in window.status.jobs.text()
    assert len(moved) == 1
    window.models.open(bad_model)
    qtbot.waitUntil(lambda: "bad.onnx cannot be used" in window.identify.errors.text(), timeout=PATIENCE)
    assert window.status.provider_text() == "CPU (reason in tooltip)"  # still


@pytest.fixture
def bad_model(tmp_path: Path) -> Path:
    """A file that does not hold a model."""
    place = tmp_path / "bad.onnx"
    place.write_bytes(b"no model")
    return place


def test_a_folder_is_identified_to_its_end_without_a_photo_on_show(
    on_gpu: Callable[..., MainWindow], photos: Path, qtbot: QtBot
) -> None:
    window = on_gpu()
    found = []
    window.services.folder.advanced.connect(lambda answers: found.extend(answers.found))
    window.services.folder.begin(7)
    files = sorted(photos.rglob("*.jpg"))
    window.services.folder.add(files)
    qtbot.waitUntil(lambda: len(found) == 12, timeout=PATIENCE)
    assert [(one.path, one.decision.label) for one in found] == [(file, file.parent.name) for file in files]
    left(window, qtbot)


def test_a_project_run_leaves_the_gpu_for_good(on_gpu: Callable[..., MainWindow], photos: Path, qtbot: QtBot) -> None:
    window = on_gpu()
    window.show_page(1)
    opened = window.project
    opened.identify([photos])
    qtbot.waitUntil(lambda: "12 of 12 photos done" in window.status.jobs.text(), timeout=PATIENCE)
    left(window, qtbot)
    window.identify.session.open([photos])  # by the same engine
    qtbot.waitUntil(lambda: window.identify.session.photos.progress() == (12, 12), timeout=PATIENCE)
    assert window.services.scheduler._model.identifier.engine.provider.reason == FAILED


def test_what_was_done_to_the_gallery_can_be_asked_again(
    on_gpu: Callable[..., MainWindow], greens: list[Path], qtbot: QtBot
) -> None:
    window = on_gpu()
    QTest.keyClick(window, Qt.Key.Key_3)
    window.gallery.commands.teach(greens, GalleryClass("sedan", "Verde 2020"))
    qtbot.waitUntil(lambda: "The model runs on the CPU from now on: try again" in problems(window), timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.status.provider_text() == "CPU (reason in tooltip)", timeout=PATIENCE)
    qtbot.wait(100)
    assert "try again" in problems(window)  # nothing else has taken its place
    window.gallery.commands.teach(greens, GalleryClass("sedan", "Verde 2020"))
    qtbot.waitUntil(lambda: len(window.gallery.session.contents.references) == 12 + 8, timeout=PATIENCE)


class OnlyHeatFails(FailingGpu):
    """Of which the map of evidence alone fails."""

    def run(self, batch: np.ndarray) -> EngineOutputs:
        return Engine.run(self, batch)


def test_the_map_of_what_speaks_for_a_class_comes_from_the_cpu(
    on_gpu: Callable[..., MainWindow], photos: Path, answered: Callable[[MainWindow, str], None], qtbot: QtBot
) -> None:
    window = on_gpu(OnlyHeatFails)
    session, maps = window.identify.session, []
    session.open([photos / "sedan" / "Rossa 2010" / "1.jpg"])
    answered(window, "1.jpg")
    assert window.status.provider_text() == "CUDA"
    session.answered.connect(lambda answer: maps.append(answer.heat))
    session.set_heat(True)
    qtbot.waitUntil(lambda: bool(maps), timeout=PATIENCE)
    assert maps[0] is not None and maps[0].max() == 1
    left(window, qtbot)


def problems(window: MainWindow) -> str:
    return window.gallery.errors.text()
