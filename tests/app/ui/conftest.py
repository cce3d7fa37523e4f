"""The real window with the tiny identification model, in an empty home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.project.project import Project
from app.core.project.records import KnownModel
from app.ui.window.main_window import MainWindow
from app.ui.window.start import open_window
from tests.app.tiny import COLOURS, GREEN, colour_picture

PATIENCE = 15_000
"""Milliseconds after which a test gives up waiting for the window; generous, for busy computers."""

OpenWindow = Callable[..., MainWindow]


def wait_until(qtbot: QtBot, holds: Callable[..., object], *arguments: object, timeout: int = PATIENCE) -> None:
    """Waits until `holds` of these arguments, which may be the variables of a loop."""
    qtbot.waitUntil(lambda: bool(holds(*arguments)), timeout=timeout)


def project_of(window: MainWindow) -> Project:
    """The open project."""
    assert window.project.project is not None
    return window.project.project


def model_of(window: MainWindow) -> KnownModel:
    """The model that the open project was identified with."""
    assert window.project.model is not None
    return window.project.model


@pytest.fixture
def open_marque(qtbot: QtBot, tiny_model: Path, tiny_gallery: Path) -> Iterator[OpenWindow]:
    """Opens windows with the tiny model and gallery, and closes them after the test."""
    windows: list[MainWindow] = []

    def open_one(*paths: Path, **options: object) -> MainWindow:
        settings: dict = {"model": tiny_model, "gallery": tiny_gallery, "theme_name": "dark", "device": "cpu"} | options
        window = open_window(list(paths), **settings)
        windows.append(window)
        assert QTest.qWaitForWindowActive(window, PATIENCE)  # keys go to the active window only
        return window

    yield open_one
    for window in windows:
        window.close()
        assert window.services.scheduler.isFinished()
        window.deleteLater()  # or every later change of theme would restyle it as well
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def answered(qtbot: QtBot) -> Callable[[MainWindow, str], None]:
    """Waits until the panel shows an answer (or an error) for the photo of this name."""

    def wait(window: MainWindow, name: str) -> None:
        def there() -> bool:
            texts = window.identify.panel.texts()
            return texts["subject"] == name and bool(texts["answer"] or texts["reason"])

        qtbot.waitUntil(there, timeout=PATIENCE)

    return wait


@pytest.fixture
def identified(open_marque: OpenWindow, photos: Path, qtbot: QtBot) -> MainWindow:
    """The window with 12 photos identified into its project."""
    window = open_marque()
    opened = window.project
    qtbot.waitUntil(lambda: opened.project is not None and window.identify.session.loaded() is not None)
    opened.identify([photos])
    qtbot.waitUntil(lambda: len(opened.columns) == 12 and not opened.running.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool((opened.columns.predictions["image"] > 0).all()), timeout=PATIENCE)
    return window


@pytest.fixture
def alike(tmp_path: Path) -> Callable[[int, tuple[int, int]], Path]:
    """Makes a folder of so many photos, `0.jpg` and on, which are one file of this size."""

    def make(count: int, size: tuple[int, int]) -> Path:
        folder = tmp_path / "many"
        folder.mkdir()
        first = folder / "0.jpg"
        colour_picture(COLOURS["Rossa 2010"], size=size).save(first)
        for number in range(1, count):
            (folder / f"{number}.jpg").hardlink_to(first)
        return folder

    return make


@pytest.fixture
def greens(tmp_path: Path) -> list[Path]:
    """8 photos of a class that neither the tiny model nor its gallery knows."""
    folder = tmp_path / "greens"
    folder.mkdir()
    files = [folder / f"{number}.jpg" for number in range(8)]
    for seed, file in enumerate(files):
        colour_picture(GREEN, seed=seed).save(file, quality=92)
    return files
