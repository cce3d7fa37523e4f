"""The model's thread as the window has it: the scheduler and its services, in their order."""

from __future__ import annotations

from threading import Condition

from PySide6.QtCore import QObject

from app.ui.background.folder_run import FolderRun
from app.ui.background.gallery_jobs import GalleryJobs
from app.ui.background.model_loading import ModelLoading
from app.ui.background.photo_answers import PhotoAnswers
from app.ui.background.project_runs import ProjectRuns
from app.ui.background.scheduler import ModelScheduler


class ModelServices(QObject):
    """The services of the model for the pages; each page gets the ones that it uses.

    Attributes:
        loading: opens models, before everything else.
        answers: the photo on show.
        gallery: work on the gallery.
        folder: the photos opened on the page Identify.
        runs: runs over a project.
        scheduler: the thread that serves them, in this order.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        changed = Condition()
        self.answers = PhotoAnswers(changed, self)
        self.gallery = GalleryJobs(changed, self)
        self.folder = FolderRun(changed, self)
        self.runs = ProjectRuns(changed, self)
        self.loading = ModelLoading(changed, (self.folder.drop, self.gallery.drop), self)
        services = (self.answers, self.gallery, self.folder, self.runs)
        self.scheduler = ModelScheduler(self.loading, services, changed, self)
