"""Photos added to a gallery that a team shares, and undone by whoever added them.

The steps are kept in memory while the gallery stays open: they belong to one window, and must not undo what others have
changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from app.core.gallery.gallery import ReferenceEntry

if TYPE_CHECKING:  # psycopg is an extra
    from app.core.gallery.shared_gallery import Addition, SharedGallery


@dataclass
class _Step:
    title: str
    additions: list[Addition] = field(default_factory=list)


class SharedSteps:
    """Like `GallerySteps`, only for additions and without redo.

    Attributes:
        gallery: the one that takes the photos.
    """

    def __init__(self, gallery: SharedGallery) -> None:
        self.gallery = gallery
        self._steps: list[_Step] = []

    def add(
        self, embeddings: np.ndarray, entries: Sequence[ReferenceEntry], title: str, step: int | None = None
    ) -> int:
        """Add N photos, like `GallerySteps.add`."""
        additions = self.gallery.put(embeddings, entries)
        if step is None:
            step = len(self._steps)
            self._steps.append(_Step(title))
        self._steps[step].additions += additions
        return step

    def turn(self, *, back: bool) -> str | None:
        """Undo the last step; its title and what stays of it, None without a step.

        Photos that others have changed or removed since are not touched.

        Raises:
            GalleryError: if the database refuses; then nothing was changed.
        """
        if not back or not self._steps:
            return None
        step = self._steps[-1]
        count = len(step.additions)
        left = count - self.gallery.take_back(step.additions)
        self._steps.pop()
        changed = "was changed by others since and stays" if left == 1 else "were changed by others since and stay"
        return f"{step.title}; {left:,} of {count:,} {changed}" if left else step.title

    def next_steps(self) -> tuple[str | None, None]:
        """Title of the step that would be undone; there is no redo."""
        return self._steps[-1].title if self._steps else None, None
