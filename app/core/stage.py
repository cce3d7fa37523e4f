"""Decoding and identifying the images of a project; labelling.py stores the outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from app.core.engine import Engine, EngineError, ProviderReport
from app.core.identify import Identification, Identifier
from app.core.images import PhotoError, load
from app.core.pipeline import default_workers, map_in_order
from app.core.project import Outcome, ProjectImage
from model.bundle import BundleInfo


class Stage(Protocol):
    """Decodes and identifies images.

    Attributes:
        note: something that the person should know (the GPU failed), or "".
    """

    note: str

    @property
    def info(self) -> BundleInfo:
        """Of the identification model."""

    @property
    def provider(self) -> ProviderReport:
        """Where it runs now, and why there."""

    def outcomes(self, images: Sequence[ProjectImage], cancelled: Callable[[], bool]) -> Iterator[Sequence[Outcome]]:
        """What is found out about the images, in batches, in their order; a file that cannot be read has an error.

        After `cancelled` answers True no further batch comes.

        Raises:
            EngineError: if the inference fails.
        """


class Local:
    """In this process: decoding in a bounded pool, one inference at a time.

    Where the GPU fails in mid-run it goes on on the CPU, once, and says so.

    Attributes:
        identifier: what identifies now.
        note: as of Stage.
    """

    def __init__(self, identifier: Identifier, *, batch: int = 16, workers: int | None = None) -> None:
        self.identifier = identifier
        self.note = ""
        self._batch = batch
        self._workers = workers or default_workers()

    @property
    def info(self) -> BundleInfo:
        """Of the identification model."""
        return self.identifier.engine.info

    @property
    def provider(self) -> ProviderReport:
        """As of Stage."""
        return self.identifier.engine.provider

    def outcomes(self, images: Sequence[ProjectImage], cancelled: Callable[[], bool]) -> Iterator[Sequence[Outcome]]:
        """As of Stage."""
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
        except OSError as error:  # gone between the two readings
            return Outcome(image.id, error=f"the file cannot be read ({error.strerror})"), None

    def _identify(self, chunk: Sequence[tuple[Outcome, np.ndarray | None]]) -> list[Outcome]:
        pixels = [picture for _, picture in chunk if picture is not None]
        answers = iter(self._answers(np.stack(pixels)) if pixels else ())
        outcomes = []
        for outcome, picture in chunk:
            if picture is not None:
                answer = next(answers)
                outcome = replace(outcome, evidence=answer.evidence, embedding=answer.embedding)
            outcomes.append(outcome)
        return outcomes

    def _answers(self, pixels: np.ndarray) -> list[Identification]:
        try:
            return self.identifier.identify_prepared(pixels)
        except EngineError as error:
            if self.identifier.engine.provider.used == "CPU":
                raise
            self.note = f"the GPU failed ({error}): going on on the CPU"
            self.identifier = Identifier(Engine(self.identifier.engine.path, "cpu"), self.identifier.gallery)
            return self.identifier.identify_prepared(pixels)


def content_digest(path: Path) -> str:
    """Identifies a file's content: BLAKE2b, 32 hex digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
