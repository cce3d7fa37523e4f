"""What the scheduler of the model's thread serves: what each service promises, and what it is given."""

from __future__ import annotations

from typing import Protocol

from app.ui.background.model_in_use import ModelInUse

DEFECT = "a defect of Marque stopped it; the line at the top says more"
"""What a service says of a request that ended with an error nobody expected."""


class ServiceTurn(Protocol):
    """The time that a service has on the thread."""

    def let_others_in(self) -> None:
        """Between two batches: serve what waits in the services before this one."""

    def must_end(self) -> bool:
        """Whether the work under way has to end: another model is ready, or the program is being closed."""


class Service(Protocol):
    """One kind of work for the model. Requests come from the GUI thread, answers go back as signals."""

    def waits(self) -> bool:
        """Whether there is a request."""

    def serve(self, model: ModelInUse, turn: ServiceTurn) -> None:
        """Serve what waits, until there is nothing more or the turn must end; on the model's thread."""
