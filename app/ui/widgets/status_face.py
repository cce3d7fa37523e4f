"""How the status of an answer looks: a word, an icon and a colour, together, so that none of them stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.project.labels import Verdict
from app.core.recognition import decision
from app.core.recognition.decision import Status
from app.ui.widgets import theme


@dataclass(frozen=True)
class Face:
    """The word, the icon's name and the name of the colour token of a status."""

    word: str
    icon: str
    token: str

    @property
    def colour(self) -> str:
        """The colour in the current theme."""
        return str(getattr(theme.tokens(), self.token))


FACES = {
    Status.IDENTIFIED: Face("identified", "circle-check", "ok"),
    Status.COARSE_ONLY: Face("type only", "circle-dot", "caution"),
    Status.UNKNOWN: Face("unknown", "circle-question-mark", "muted"),
    Status.ERROR: Face("cannot be read", "circle-alert", "danger"),
}

VERDICT_FACES = {
    Verdict.ACCEPTED: Face("accepted", "check", "ok"),
    Verdict.CORRECTED: Face("corrected", "tag", "accent"),
    Verdict.UNKNOWN: Face("unknown", "circle-question-mark", "muted"),
    Verdict.EXCLUDED: Face("excluded", "ban", "danger"),
}
"""What the person decided, shown beside the status."""


def percent(probability: float) -> str:
    """As in the reasons, set closer."""
    return decision.percent(probability).replace(" ", "\u2009")
