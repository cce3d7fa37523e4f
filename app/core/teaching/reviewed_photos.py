"""Photos of a project that a person has labelled, as reference photos of their label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.core.gallery.selection import GallerySelection
from app.core.project.labels import Label, Verdict
from app.core.project.photo_state import ChangedPhotoError, check_unchanged
from app.core.project.project import Project
from app.core.project.records import FoundFile, ProjectImage, subjects_of
from app.core.recognition.engine import BATCH, Engine
from app.core.system.content_digest import content_digest
from app.core.teaching.class_teaching import enrol_as_step, sample_of
from app.core.teaching.enrolment import Enrolled
from model.contract.samples import Sample
from model.system.wording import counted

_TOLD = (Verdict.ACCEPTED, Verdict.CORRECTED)


@dataclass(frozen=True, eq=False)
class Reviewed:
    """The photos of a selection that can be enrolled.

    Attributes: samples: those that the person labelled, grouped by label. images: the same as the project knows them.
        embeddings: by the digest of the file, float32 [d], unit length; for photos that the model in use has embedded.
        left_out: how many have no class from the person, as they are unlabelled, unknown or excluded.
    """

    samples: tuple[Sample, ...]
    images: tuple[ProjectImage, ...]
    embeddings: dict[str, np.ndarray]
    left_out: int

    @property
    def title(self) -> str:
        """Title of the step in the gallery."""
        return f"enrol {counted(len(self.samples), 'photo')} from the project"


def reviewed(project: Project, fingerprint: str, numbers: Sequence[int]) -> Reviewed:
    """Look up labels and embeddings of images.

    Args:
        project: that holds them.
        fingerprint: of the identification model in use; embeddings of others do not count.
        numbers: of the images.

    Raises:
        ProjectError: if the project cannot be read.
    """
    labels = project.labels.of(subjects_of(numbers))
    labelled: dict[int, Label] = {
        subject: label for subject, label in labels.items() if label.verdict in _TOLD and label.coarse
    }
    ids, vectors = project.predictions.embeddings(fingerprint, list(labelled))
    stored = dict(zip(ids.tolist(), vectors, strict=True))
    embeddings = {}
    images = sorted(
        project.images.of(list(labelled)), key=lambda image: (labelled[image.id].coarse, labelled[image.id].fine)
    )
    for image in images:
        digest = _digest(image) if image.id in stored else None
        if digest is not None:
            vector = stored[image.id]
            embeddings[digest] = vector / np.maximum(np.linalg.norm(vector), np.finfo(np.float32).tiny)
    samples = [sample_of(image.path, labelled[image.id].coarse, labelled[image.id].fine or None) for image in images]
    return Reviewed(tuple(samples), tuple(images), embeddings, len(set(numbers)) - len(labelled))


def enrol_reviewed(
    engine: Engine, shelf: GallerySelection, photos: Reviewed, *, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, Enrolled]]:
    """Enrol them as one step of the gallery; yields the number of all photos and reports, the first one empty.

    A photo that has changed since it was identified is left out and reported: its label was given to other content.

    Raises:
        EngineError: if the inference fails.
        GalleryError: if the gallery cannot be written.
    """
    total = len(photos.samples)
    yield total, Enrolled(0, 0, ())
    samples, problems = [], []
    for sample, image in zip(photos.samples, photos.images, strict=True):
        try:
            check_unchanged(image)
            samples.append(sample)
        except ChangedPhotoError as error:
            problems.append(str(error))
    if problems:
        yield total, Enrolled(0, 0, tuple(problems))
    for report in enrol_as_step(
        engine, shelf, samples, photos.title, embeddings=photos.embeddings, batch=BATCH, cancelled=cancelled
    ):
        yield total, report


def _digest(image: ProjectImage) -> str | None:
    """The digest of the content that was embedded; None if the file is another one by now."""
    if image.digest is not None:
        return image.digest
    try:  # identified on the page Identify, which does not read the whole file
        found = FoundFile.of(image.path)
        return content_digest(image.path) if (found.size, found.modified) == (image.size, image.modified) else None
    except OSError:
        return None
