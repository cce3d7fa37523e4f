"""The window and its pages: each request has one page that answers it, and every page takes part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData

from app.ui.page.navigation import EnrolPhotos, PageRequest, ShowClass, ShowPhotos, ShowProject
from app.ui.widgets.file_dialogs import FileDialogs
from app.ui.window.main_window import MainWindow

NONE = np.zeros(0, np.int64)


def test_each_request_is_answered_by_one_page(open_marque: Callable[..., MainWindow]) -> None:
    window = open_marque()
    for kind in PageRequest.__subclasses__():
        assert sum(issubclass(kind, page.answers) for page in window.all_pages) == 1


@pytest.mark.parametrize(
    ("request_", "page"),
    [
        (ShowProject(), "review"),
        (ShowPhotos(NONE, "none"), "review"),
        (EnrolPhotos(NONE, "none"), "review"),
        (ShowClass("sedan", None), "gallery"),
    ],
)
def test_a_request_shows_the_page_that_answers_it(
    open_marque: Callable[..., MainWindow], request_: PageRequest, page: str
) -> None:
    window = open_marque()
    window.explore.requested.emit(request_)
    assert window.pages.currentWidget() is getattr(window, page)


def test_each_signal_between_pages_has_somebody_who_answers(open_marque: Callable[..., MainWindow]) -> None:
    signals = open_marque().signals
    meta = signals.metaObject()
    names = [meta.method(at) for at in range(meta.methodOffset(), meta.methodCount())]
    assert len(names) == 14
    assert [bytes(one.methodSignature().data()) for one in names if not signals.isSignalConnected(one)] == []


@pytest.mark.parametrize("name", ["review", "explore"])
def test_an_empty_page_asks_for_a_folder_of_the_project(
    open_marque: Callable[..., MainWindow], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    window = open_marque()
    asked: list[list[Path]] = []
    monkeypatch.setattr(FileDialogs, "for_folder", lambda _self, _title: tmp_path)
    monkeypatch.setattr(window.project, "identify", asked.append)
    getattr(window, name).empty.button.click()
    assert asked == [[tmp_path]]


def test_the_page_identify_asks_for_photos_and_for_a_folder(
    open_marque: Callable[..., MainWindow], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = open_marque().identify
    opened: list[list[Path]] = []
    monkeypatch.setattr(FileDialogs, "for_photos", lambda _self, _title: [tmp_path / "1.jpg"])
    monkeypatch.setattr(FileDialogs, "for_folder", lambda _self, _title: tmp_path)
    monkeypatch.setattr(page.session, "open", opened.append)
    page.choose_files()
    page.choose_folder()
    assert opened == [[tmp_path / "1.jpg"], [tmp_path]]


def test_splitters_of_all_pages_are_remembered_under_names_of_their_own(open_marque: Callable[..., MainWindow]) -> None:
    names = [splitter.objectName() for page in open_marque().all_pages for splitter in page.splitters]
    assert len(names) == len(set(names)) == 10


def test_a_page_leaves_what_it_cannot_use_to_the_window(open_marque: Callable[..., MainWindow]) -> None:
    nothing = QMimeData()
    nothing.setText("no file")
    assert not any(page.take_drop(nothing) for page in open_marque().all_pages)
