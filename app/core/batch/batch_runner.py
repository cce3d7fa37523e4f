"""Decoding and identifying the images of a project; project_run.py stores the outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from app.core.project.records import Outcome, ProjectImage
from app.core.recognition.engine import BATCH
from app.core.recognition.identifier import Identification, Identifier
from app.core.recognition.images import PhotoError, load
from app.core.recognition.pipeline import default_workers, identify_paths, map_in_order
from app.core.system.content_digest import content_digest
from model.contract.bundle import BundleInfo


class Processor(NamedTuple):
    """What the network runs on, in short, and why there."""

    name: str
    reason: str


class BatchRunner(Protocol):
    """Decodes and identifies photos.

    Attributes:
        page: images of a project that it should be given at a time.
        scan_first: whether a run over a project should begin only when all its files are found.
    """

    page: int
    scan_first: bool

    @property
    def note(self) -> str:
        """What the person should know (the GPU failed), or ""."""

    @property
    def info(self) -> BundleInfo:
        """The facts of the identification model."""

    @property
    def provider(self) -> Processor:
        """Where it runs now."""

    def identify(self, paths: Sequence[Path], cancelled: Callable[[], bool]) -> Iterator[Sequence[Identification]]:
        """Identify files, in batches, in their order; a file that cannot be read has an error.

        After `cancelled` answers True no further batch comes.

        Raises:
            EngineError: if the inference fails.
        """

    def outcomes(self, images: Sequence[ProjectImage], cancelled: Callable[[], bool]) -> Iterator[Sequence[Outcome]]:
        """The results for images of a project; like `identify`."""


class LocalRunner:
    """In this process: decoding in a bounded pool, one inference at a time.

    If the GPU fails during a run, it continues on the CPU and says so.

    Attributes:
        identifier: what identifies.
        page, scan_first: as in BatchRunner.
    """

    page = 1024
    scan_first = False

    def __init__(self, identifier: Identifier, *, batch: int = BATCH, workers: int | None = None) -> None:
        self.identifier = identifier
        self._began_on = identifier.engine.provider
        self._batch = batch
        self._workers = workers or default_workers()

    @property
    def note(self) -> str:
        """See BatchRunner."""
        now = self.identifier.engine.provider
        return "" if now is self._began_on else f"{now.reason}: continuing on the CPU"

    @property
    def info(self) -> BundleInfo:
        """The facts of the identification model."""
        return self.identifier.engine.info

    @property
    def provider(self) -> Processor:
        """See BatchRunner."""
        report = self.identifier.engine.provider
        return Processor(report.name, report.reason)

    def identify(self, paths: Sequence[Path], cancelled: Callable[[], bool]) -> Iterator[Sequence[Identification]]:
        """See BatchRunner."""
        yield from identify_paths(self.identifier, paths, batch=self._batch, workers=self._workers, cancelled=cancelled)

    def outcomes(self, images: Sequence[ProjectImage], cancelled: Callable[[], bool]) -> Iterator[Sequence[Outcome]]:
        """See BatchRunner."""
        decoded = map_in_order(
            self._decode, images, workers=self._workers, ahead=self._batch + self._workers, cancelled=cancelled
        )
        while chunk := list(islice(decoded, self._batch)):
            yield self._identify(chunk)

    def _decode(self, image: ProjectImage) -> tuple[Outcome, np.ndarray | None]:
        try:
            pixels = self.identifier.engine.prepare(load(image.path))
            return Outcome(image.id, digest=content_digest(image.path)), pixels
        except PhotoError as error:
            return Outcome(image.id, error=error.reason), None
        except OSError as error:  # the file went away between the two reads
            return Outcome(image.id, error=f"the file cannot be read ({error.strerror})"), None

    def _identify(self, chunk: Sequence[tuple[Outcome, np.ndarray | None]]) -> list[Outcome]:
        pixels = [picture for _, picture in chunk if picture is not None]
        answers = iter(self.identifier.identify_steadily(np.stack(pixels)) if pixels else ())
        outcomes = []
        for outcome, picture in chunk:
            if picture is not None:
                answer = next(answers)
                outcome = replace(outcome, evidence=answer.evidence, embedding=answer.embedding)
            outcomes.append(outcome)
        return outcomes
