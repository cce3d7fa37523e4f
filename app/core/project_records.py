"""What a project holds, as its rows are handed out and taken in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from app.core.evidence import Evidence
from app.core.paths import tidy
from model.bundle import Thresholds
from model.taxonomy import Taxonomy


@dataclass(frozen=True)
class KnownModel:
    """A model that the project has predictions of, with what is needed to read them without its file."""

    fingerprint: str
    name: str
    taxonomy: Taxonomy
    thresholds: Thresholds

    @property
    def signature(self) -> str:
        """Name and fingerprint, as tables of labels name the model."""
        return f"{self.name} {self.fingerprint}"


@dataclass(frozen=True)
class FoundFile:
    """An image file as the scan found it. modified: of the file, nanoseconds."""

    path: Path
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The file as it is now. Raises OSError."""
        status = path.stat()
        return cls(tidy(path), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class ProjectImage:
    """An image of the project. error: why it could not be read when that was last tried, or None."""

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
    """What a run found out about an image: evidence and embedding [d], or an error; digest of the file's content."""

    image: int
    digest: str | None = None
    evidence: Evidence | None = None
    embedding: np.ndarray | None = None
    error: str | None = None


@dataclass(frozen=True)
class Counts:
    """Images of a project under one model: predicted, failed, waiting to be looked at."""

    predicted: int
    failed: int
    waiting: int

    @property
    def total(self) -> int:
        """All images."""
        return self.predicted + self.failed + self.waiting
