"""From photos to identifications: engine, gallery and decision together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app.core.decide import Decision, decide
from app.core.engine import Engine
from app.core.gallery import Gallery, Neighbour


@dataclass(frozen=True)
class Identification:
    """What is known of one photo; either `decision` and the figures behind it, or `error`.

    Attributes:
        path: the file, or None for a picture that came from elsewhere (clipboard).
        decision: the answer.
        coarse_probabilities: float32 [n_coarse], calibrated.
        fine_probabilities: float32 [n_fine], calibrated.
        embedding: float32 [d], unit length.
        neighbours: nearest reference photos, most similar first.
        error: a sentence for the user, without the path.
    """

    path: Path | None
    decision: Decision | None = None
    coarse_probabilities: np.ndarray | None = None
    fine_probabilities: np.ndarray | None = None
    embedding: np.ndarray | None = None
    neighbours: tuple[Neighbour, ...] = ()
    error: str | None = None


class Identifier:
    """An engine and, if there is one, a gallery that belongs to its model.

    Attributes:
        engine: the loaded identification model.
        gallery: the reference photos, or None.
        neighbours: how many nearest references are looked up for a photo.
    """

    def __init__(self, engine: Engine, gallery: Gallery | None, neighbours: int = 5) -> None:
        if gallery is not None and gallery.fingerprint != engine.info.fingerprint:
            raise ValueError(f"{gallery.path} belongs to model {gallery.fingerprint}, not {engine.info.fingerprint}")
        self.engine = engine
        self.gallery = gallery
        self.neighbours = neighbours

    def identify(self, images: Sequence[Image.Image]) -> list[Identification]:
        """Identify RGB pictures of any shape, in order.

        Raises:
            EngineError: if the inference fails.
        """
        side = self.engine.info.preprocessing.size
        pixels = [self.engine.prepare(image) for image in images]
        return self.identify_prepared(np.stack(pixels) if pixels else np.zeros((0, side, side, 3), np.uint8))

    def identify_prepared(self, batch: np.ndarray, paths: Sequence[Path | None] | None = None) -> list[Identification]:
        """Identify pictures that `Engine.prepare` made: uint8 [N, S, S, 3]; `paths` are their N files.

        Raises:
            EngineError: if the inference fails.
        """
        outputs = self.engine.run(batch)
        found: list[list[Neighbour]] = [[]] * len(batch)
        if self.gallery is not None:
            found = self.gallery.search(outputs.embeddings, self.neighbours)
        info = self.engine.info
        return [
            Identification(
                path=path,
                decision=decide(coarse, fine, near, info.taxonomy, info.thresholds),
                coarse_probabilities=coarse,
                fine_probabilities=fine,
                embedding=embedding,
                neighbours=tuple(near),
            )
            for path, coarse, fine, embedding, near in zip(
                paths or [None] * len(batch),
                outputs.coarse_probabilities,
                outputs.fine_probabilities,
                outputs.embeddings,
                found,
                strict=True,
            )
        ]
