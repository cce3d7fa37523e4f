"""The window and its pages: each request has one page that answers it, and every page takes part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QMimeData

from app.ui.page.navigation import EnrolPhotos, PageRequest, ShowClass, ShowPhotos, ShowProject
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


def test_splitters_of_all_pages_are_remembered_under_names_of_their_own(open_marque: Callable[..., MainWindow]) -> None:
    names = [splitter.objectName() for page in open_marque().all_pages for splitter in page.splitters]
    assert len(names) == len(set(names)) == 10


def test_a_page_leaves_what_it_cannot_use_to_the_window(open_marque: Callable[..., MainWindow]) -> None:
    nothing = QMimeData()
    nothing.setText("no file")
    assert not any(page.take_drop(nothing) for page in open_marque().all_pages)
