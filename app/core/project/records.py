"""The rows of a project as other rooms see them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NewType, Self

import numpy as np

from app.core.recognition.evidence import Evidence
from app.core.system.paths import tidy
from model.contract.bundle import Thresholds
from model.contract.taxonomy import Taxonomy

_LATEST = 2**63 - 1

SubjectId = NewType("SubjectId", int)
"""A subject of labels: a vehicle. Today each photo has one, with the number of the photo."""


def subjects_of(images: Iterable[int]) -> list[SubjectId]:
    """The subjects of these photos: the vehicle on each of them."""
    return [SubjectId(int(image)) for image in images]


@dataclass(frozen=True)
class KnownModel:
    """A model that the project has predictions of, with everything needed to read them without its file."""

    fingerprint: str
    name: str
    taxonomy: Taxonomy
    thresholds: Thresholds

    @property
    def signature(self) -> str:
        """Name and fingerprint, as tables of labels name the model."""
        return f"{self.name} {self.fingerprint}"


def modified(status: os.stat_result) -> int:
    """When a file was changed, in nanoseconds since 1970; for times that no database can hold, the nearest one.

    Cameras with a wrong clock and damaged file systems have such times: before 1677 and after 2262.
    """
    return max(-_LATEST, min(status.st_mtime_ns, _LATEST))


@dataclass(frozen=True)
class FoundFile:
    """An image file as the scan found it. modified: the result of `modified` for it."""

    path: Path
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The file as it is now. Raises OSError."""
        status = path.stat()
        return cls(tidy(path), status.st_size, modified(status))


REPLACED = ""
"""In place of a digest: the file was replaced by another one that is not identified yet."""


@dataclass(frozen=True)
class ProjectImage:
    """An image of the project.

    Attributes:
        digest: of the content that was identified; None if it is unknown, or REPLACED. error: why it could not be read
        at the last try, or None.
    """

    id: int
    path: Path
    size: int
    modified: int
    digest: str | None
    error: str | None


Place = tuple[int, bytes, str | None]
"""An image's number, its path as `os.fsencode` has it, and why it cannot be read, or None."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run for an image: evidence and embedding [d], or an error; digest of the file's content."""

    image: int
    digest: str | None = None
    evidence: Evidence | None = None
    embedding: np.ndarray | None = None
    error: str | None = None


@dataclass(frozen=True)
class Counts:
    """Counts of a project's images under one model: predicted, failed, waiting."""

    predicted: int
    failed: int
    waiting: int

    @property
    def total(self) -> int:
        """All images."""
        return self.predicted + self.failed + self.waiting
