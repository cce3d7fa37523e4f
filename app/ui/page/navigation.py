"""What pages say to each other: requests, which the window passes to the page that answers, and shared signals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.core.teaching.job_result import JobResult
from app.core.teaching.reviewed_photos import Reviewed


class PageRequest:
    """Something that another page shows."""


class ShowProject(PageRequest):
    """Show the photos of the project, as they are listed."""


@dataclass(frozen=True, eq=False)
class ShowPhotos(PageRequest):
    """List exactly these photos of the project, all chosen.

    Attributes:
        images: int64 numbers.
        what: words for them, after their number ("chosen on the map").
    """

    images: np.ndarray
    what: str


@dataclass(frozen=True, eq=False)
class EnrolPhotos(PageRequest):
    """List these photos of the project, and put them into the gallery; attributes as in ShowPhotos."""

    images: np.ndarray
    what: str


@dataclass(frozen=True)
class CurrentPhoto:
    """The photo of the project that is or becomes current, by its number; NOBODY for none."""

    image: int


@dataclass(frozen=True)
class ShowClass(PageRequest):
    """Show a class, or where it has no `fine` a type, with its reference photos."""

    coarse: str
    fine: str | None


class PageSignals(QObject):
    """What one page announces or wants and another answers, without showing it; who answers connects itself.

    Signals:
        chosen_in_review, chosen_on_map: (numbers of images, int64) other photos of the project are chosen there
        current_changed: (CurrentPhoto) it is current in Review
        photo_clicked: (CurrentPhoto) it was clicked in Explore
        undo_wanted, redo_wanted: the project's last step
        enrol_wanted: (Reviewed) put these photos of the project into the gallery
        enrolled: (Reviewed, JobResult) they were put into it
        gallery_undo_wanted: undo the gallery's last step
        gallery_undo_changed: (title of the step of the gallery that can be undone, or empty)
        gallery_changed: (number of references) somebody changed the gallery
        other_references: what photos are compared with is another set than before, or under other labels
        model_wanted: ask for an identification model
        model_chosen: (Path) identify with this model from now on
    """

    chosen_in_review = Signal(np.ndarray)
    chosen_on_map = Signal(np.ndarray)
    current_changed = Signal(CurrentPhoto)
    photo_clicked = Signal(CurrentPhoto)
    undo_wanted = Signal()
    redo_wanted = Signal()
    enrol_wanted = Signal(Reviewed)
    enrolled = Signal(Reviewed, JobResult)
    gallery_undo_wanted = Signal()
    gallery_undo_changed = Signal(str)
    gallery_changed = Signal(int)
    other_references = Signal()
    model_wanted = Signal()
    model_chosen = Signal(Path)
