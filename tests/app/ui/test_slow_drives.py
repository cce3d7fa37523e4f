"""A drive that hangs does not stop the window: no place that a person names is looked at on the GUI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.system import paths
from app.ui.window import settings as kept
from tests.app.ui.conftest import PATIENCE, OpenWindow, project_of
from tests.app.ui.photo_drops import finished

Asked = list[threading.Thread]


def watched(monkeypatch: pytest.MonkeyPatch, question: str, place: Path) -> Asked:
    """The threads that ask the disk this question about the place, from now on."""
    asked: Asked = []
    real: Callable[[Path], bool] = getattr(Path, question)

    def note(path: Path, **options: bool) -> bool:
        if path == place:
            asked.append(threading.current_thread())
        return real(path, **options)

    monkeypatch.setattr(Path, question, note)
    return asked


def test_missing_folders_are_looked_for_on_the_projects_thread(
    open_marque: OpenWindow, qtbot: QtBot, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_marque(photos)
    qtbot.waitUntil(lambda: finished(window), timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool(project_of(window).sources.all()), timeout=PATIENCE)
    titles: list[str] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _parent, title, _at: titles.append(title))
    asked = watched(monkeypatch, "exists", photos)
    window.review.toolbar.project_button.folders_asked.emit()
    qtbot.waitUntil(lambda: titles == [f"Where is “{photos.name}” now?"], timeout=PATIENCE)
    assert asked and threading.main_thread() not in asked


def test_a_dropped_folder_is_looked_at_on_the_gallerys_thread(
    open_marque: OpenWindow, qtbot: QtBot, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_marque()
    qtbot.waitUntil(lambda: window.gallery.session.ready, timeout=PATIENCE)
    asked = watched(monkeypatch, "is_dir", photos)
    window.gallery.commands.teach([photos], None)
    qtbot.waitUntil(lambda: window.gallery.box.name.text() == photos.name, timeout=PATIENCE)
    assert asked and threading.main_thread() not in asked


def test_a_remembered_model_that_is_gone_gives_way_to_the_supplied_one(
    open_marque: OpenWindow, qtbot: QtBot, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone.onnx"
    kept.save(paths.user_config_dir() / "settings.json", kept.Settings(identification_model=gone))
    monkeypatch.setattr(paths, "bundled_model", lambda: tiny_model)
    asked = watched(monkeypatch, "is_file", gone)
    window = open_marque(model=None)
    qtbot.waitUntil(lambda: window.models.in_use is not None, timeout=PATIENCE)
    assert window.models.in_use is not None and window.models.in_use.path == tiny_model
    assert not window.identify.errors.text()
    assert asked and threading.main_thread() not in asked


def test_recent_projects_are_listed_without_asking_the_disk(
    open_marque: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = open_marque().review.toolbar.project_button

    def refuse() -> Path:
        raise AssertionError("asked for the folder of the user's data")

    monkeypatch.setattr(paths, "user_data_dir", refuse)
    button.show_project(tmp_path / "ships.marque", [tmp_path / "ships.marque", tmp_path / "cars.marque"])
    assert "ships" in button.text()
