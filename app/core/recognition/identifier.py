"""From photos to identifications: engine, gallery and decision together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from app.core.gallery.gallery import Neighbour
from app.core.gallery.references import References
from app.core.recognition.decision import Decision, decide
from app.core.recognition.engine import Engine, EngineError
from app.core.recognition.evidence import NEIGHBOURS_KEPT, Evidence, weigh
from model.contract.bundle import BundleError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Identification:
    """The result for one photo; either `decision` and the evidence behind it, or `error`.

    Attributes:
        path: the file, or None for a picture from elsewhere (clipboard).
        decision: the answer.
        evidence: what it rests on.
        embedding: float32 [d], unit length.
        error: a sentence for the user, without the path.
    """

    path: Path | None
    decision: Decision | None = None
    evidence: Evidence | None = None
    embedding: np.ndarray | None = None
    error: str | None = None

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """Nearest reference photos, most similar first."""
        return () if self.evidence is None else self.evidence.neighbours


class Identifier:
    """An engine and, if there is one, a gallery that belongs to its model.

    Attributes:
        engine: the loaded identification model; another one, on the CPU, once the GPU has failed.
        gallery: the reference photos, or None.
    """

    def __init__(self, engine: Engine, gallery: References | None) -> None:
        if gallery is not None and gallery.fingerprint != engine.info.fingerprint:
            raise ValueError(f"{gallery.name} belongs to model {gallery.fingerprint}, not {engine.info.fingerprint}")
        self.engine = engine
        self.gallery = gallery

    def identify(self, images: Sequence[Image.Image]) -> list[Identification]:
        """Identify RGB pictures of any shape, in order. Raises as `identify_steadily`."""
        side = self.engine.info.preprocessing.size
        pixels = [self.engine.prepare(image) for image in images]
        return self.identify_steadily(np.stack(pixels) if pixels else np.zeros((0, side, side, 3), np.uint8))

    def identify_steadily(self, batch: np.ndarray, paths: Sequence[Path | None] | None = None) -> list[Identification]:
        """Like `identify_prepared`; if the GPU fails, the model runs on the CPU from then on.

        Raises:
            EngineError: if the inference fails on the CPU.
        """
        return self._steadily(lambda: self.identify_prepared(batch, paths))

    def heat(self, image: Image.Image, fine: int) -> np.ndarray | None:
        """`Engine.heat`; if the GPU fails, the model runs on the CPU from then on. Raises as `identify_steadily`."""
        return self._steadily(lambda: self.engine.heat(image, fine))

    def _steadily(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except EngineError as error:
            self.leave_gpu(error)
            return work()

    def leave_gpu(self, error: EngineError) -> None:
        """Run the model on the CPU after this failure of an inference.

        Raises:
            EngineError: the same if it ran there already; another if the model cannot be run there.
        """
        if self.engine.provider.used == "CPU":
            raise error
        why = f"the GPU failed ({error})"
        try:
            self.engine = self.engine.on_cpu(why)
        except (BundleError, EngineError) as second:
            raise EngineError(f"{why}, and on the CPU: {second}") from error

    def identify_prepared(self, batch: np.ndarray, paths: Sequence[Path | None] | None = None) -> list[Identification]:
        """Identify pictures from `Engine.prepare`: uint8 [N, S, S, 3]; `paths` are their N files.

        Raises:
            EngineError: if the inference fails.
        """
        info, outputs = self.engine.info, self.engine.run(batch)
        found: list[list[Neighbour]] = [[]] * len(batch)
        gallery = None
        if self.gallery is not None:
            found = self.gallery.search(outputs.embeddings, max(NEIGHBOURS_KEPT, info.fusion.neighbours))
            whole = self.gallery.taxonomy(info.taxonomy)
            gallery = whole, self.gallery.centre_similarities(outputs.embeddings, whole.fine)
        evidence = weigh(outputs, found, info, gallery)
        columns = (paths or [None] * len(batch), decide(evidence, info.thresholds), evidence, outputs.embeddings)
        return [Identification(*one) for one in zip(*columns, strict=True)]
