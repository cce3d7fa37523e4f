"""What the page Review asks about the open project: how alike its photos are, what may be wrong, what to enrol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from app.core.project.project import Project
from app.core.review import likeness
from app.core.review.arrangement import Order
from app.core.review.suggestions import Suggestion, suggest
from app.core.teaching.reviewed_photos import Reviewed, reviewed
from app.ui.background.model_loading import Loaded
from app.ui.project.open_project import OpenProject


class ReviewSession:
    """Answers come on the GUI thread, unless another project is open by then."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self._loaded: Loaded | None = None

    def use_model(self, loaded: Loaded) -> None:
        """Photos are enrolled with this identification model from now on."""
        self._loaded = loaded

    def likeness(self, order: Order, image: int, then: Callable[[np.ndarray], None]) -> None:
        """Ask how alike all photos are to their own class, or to one of them: float32 over the rows of the columns."""
        model, columns = self._project.model, self._project.columns
        if model is None:
            return
        labels, all_ids = columns.shown.label.copy(), columns.ids

        def work(project: Project) -> np.ndarray:
            to = None if order is Order.ODD else image
            return likeness.over_rows(*project.predictions.embeddings(model.fingerprint), labels, all_ids, to)

        self._project.ask(work, then)

    def reviewed(self, images: Sequence[int], then: Callable[[Reviewed], None]) -> bool:
        """Ask which of these images can be enrolled; False where no identification model is loaded."""
        loaded = self._loaded
        if loaded is not None:
            self._project.ask(lambda project: reviewed(project, loaded.info.fingerprint, images), then)
        return loaded is not None

    def suggestions(self, then: Callable[[list[Suggestion]], None]) -> None:
        """Ask for groups of photos that are probably shown as the wrong class."""
        model, columns = self._project.model, self._project.columns.snapshot()
        if model is not None:
            self._project.ask(
                lambda project: suggest(columns, *project.predictions.embeddings(model.fingerprint)), then
            )
