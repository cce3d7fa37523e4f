"""What the window gives every page."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.background.photo_loading import Thumbnails
from app.ui.background.scheduler import ModelScheduler
from app.ui.project.open_project import OpenProject
from app.ui.widgets.file_dialogs import FileDialogs


@dataclass(frozen=True)
class PageContext:
    """Attributes:
    inference: asks the identification model.
    project: the open project, which the pages share.
    thumbnails: small pictures of files, which the pages share.
    dialogs: ask for files, from the folder where the last one ended.
    """

    inference: ModelScheduler
    project: OpenProject
    thumbnails: Thumbnails
    dialogs: FileDialogs
