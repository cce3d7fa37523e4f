"""What every page gets from the window."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.background.model_services import ModelServices
from app.ui.background.photo_loading import Thumbnails
from app.ui.page.navigation import PageSignals
from app.ui.project.open_project import OpenProject
from app.ui.widgets.file_dialogs import FileDialogs


@dataclass(frozen=True)
class PageContext:
    """Attributes:
    services: the identification model's.
    project: the open project, which the pages share.
    thumbnails: small pictures of files, which the pages share.
    dialogs: boxes that ask for files, from the folder where the last one ended.
    signals: between the pages.
    """

    services: ModelServices
    project: OpenProject
    thumbnails: Thumbnails
    dialogs: FileDialogs
    signals: PageSignals

    def identify_folder(self) -> None:
        """Ask for a folder and identify it into the open project."""
        if folder := self.dialogs.for_folder("Identify a folder of photos"):
            self.project.identify([folder])
