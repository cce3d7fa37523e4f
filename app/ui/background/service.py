"""The services of the model's thread: what each promises to the scheduler, and what it gets."""

from __future__ import annotations

from typing import Protocol

from app.ui.background.model_in_use import ModelInUse

DEFECT = "a defect of Marque stopped it; the line at the top says more"
"""The words for a request that ended with an unexpected error."""


class ServiceTurn(Protocol):
    """The time that a service has on the thread."""

    def let_others_in(self) -> None:
        """Between two batches: serve what waits in the services before this one."""

    def must_end(self) -> bool:
        """Whether the current work must end: another model is ready, or the program is being closed."""


class Service(Protocol):
    """One kind of work for the model. Requests come from the GUI thread, answers go back as signals."""

    def waits(self) -> bool:
        """Whether there is a request."""

    def serve(self, model: ModelInUse, turn: ServiceTurn) -> None:
        """Serve what waits, until there is nothing more or the turn must end; on the model's thread."""
