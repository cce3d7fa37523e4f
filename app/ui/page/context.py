"""What every page gets from the window."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.background.model_services import ModelServices
from app.ui.background.photo_loading import Thumbnails
from app.ui.project.open_project import OpenProject
from app.ui.widgets.file_dialogs import FileDialogs


@dataclass(frozen=True)
class PageContext:
    """Attributes:
    services: the identification model's.
    project: the open project, which the pages share.
    thumbnails: small pictures of files, which the pages share.
    dialogs: boxes that ask for files, from the folder where the last one ended.
    """

    services: ModelServices
    project: OpenProject
    thumbnails: Thumbnails
    dialogs: FileDialogs
