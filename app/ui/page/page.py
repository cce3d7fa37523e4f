"""The interface of every page for the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtWidgets import QWidget

from app.ui.background.jobs import JobSource
from app.ui.background.model_loading import Loaded
from app.ui.page.navigation import PageRequest
from app.ui.widgets.action import Action, ActionSet
from app.ui.widgets.basics import Splitter
from app.ui.widgets.error_bar import ErrorBar


class Page(QWidget):
    """A page answers what concerns it; the other calls of the window do nothing.

    Signals:
        requested: (PageRequest) another page is to show something
        said: (words) something was done that only needs a line
        theme_wanted: change to the other theme

    Attributes:
        id: in the ids of its actions.
        icon: on the rail.
        key: shows the page.
        action_set: what a person can do on it, under its title.
        jobs: where the work comes from that the status bar shows.
        splitters: whose sizes are remembered.
        answers: kinds of requests that `go` carries out.
    """

    requested = Signal(PageRequest)
    said = Signal(str)
    theme_wanted = Signal()

    id: ClassVar[str]
    icon: ClassVar[str]
    key: ClassVar[str]
    action_set: ClassVar[ActionSet[Any]]
    jobs: Sequence[JobSource] = ()
    splitters: Sequence[Splitter] = ()
    answers: tuple[type[PageRequest], ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.errors = ErrorBar()

    @classmethod
    def show_action(cls) -> Action[object]:
        """The action that shows this page."""
        return Action(f"window.{cls.id}", f"the page {cls.action_set.title}", (cls.key,), icon=cls.icon)

    def focus(self) -> None:
        """Give the keys to the main part of the page."""

    def theme_changed(self, dark: bool) -> None:
        """Take the other theme's colours, offer the other theme."""

    def model_loading(self, name: str) -> None:
        """An identification model is being loaded; empty: no longer."""

    def use_model(self, loaded: Loaded) -> None:
        """This identification model and its gallery are in use."""

    def show_problem(self, text: str, details: str = "") -> None:
        """Show a problem in the page's error bar."""
        self.errors.show_problem(text, details)

    def take_drop(self, _data: QMimeData) -> bool:
        """Use what was dropped on the window; False: the window opens it on the page Identify."""
        return False

    def go(self, request: PageRequest) -> None:
        """Carry out a request of another page, of one of the kinds in `answers`; the page is on show."""

    def stop(self) -> None:
        """Wait for this page's workers."""
