"""The page Train of the real window, and finished runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.window.main_window import MainWindow
from model.contract.events import EVENTS_FILE, EventWriter
from tests.app.ui.train.trainings import PATIENCE, Key


@pytest.fixture
def home_runs(marque_home: Path) -> Path:
    return marque_home / "data" / "runs"


@pytest.fixture
def finished(tmp_path: Path, tiny_model: Path) -> Callable[..., Path]:
    """Makes the folder of a finished run, whose model is the tiny one."""

    def make(name: str, steps: int = 30) -> Path:
        folder = tmp_path / "elsewhere" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.onnx").write_bytes(tiny_model.read_bytes())
        figures = {"fine_accuracy": 0.75, "coarse_accuracy": 0.9, "fine_recall_1": 0.5}
        (folder / "metrics.json").write_text(json.dumps({"test": {"all": figures}}))
        with EventWriter(folder / EVENTS_FILE) as events:
            events.write("start", 0, epochs=1, batches=steps)
            for step in range(1, steps + 1):
                events.write("step", step, epoch=0, loss=2 / step, fine=1.0, coarse=0.5, lr=1e-3, d_plus=0.2)
            events.write("epoch", steps, epoch=0, loss=0.5, val_fine=0.7)
            events.write("done", steps, model="model.onnx", fingerprint=name)
        return folder

    return make


@pytest.fixture
def train(open_marque: Callable[..., MainWindow], qtbot: QtBot) -> Callable[[], MainWindow]:
    """Opens the window on the page Train."""

    def open_one() -> MainWindow:
        window = open_marque()
        qtbot.waitUntil(lambda: window.identify.session.loaded() is not None, timeout=PATIENCE)
        QTest.keyClick(window, Key.Key_5)
        assert window.pages.currentWidget() is window.train
        return window

    return open_one
