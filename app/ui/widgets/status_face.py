"""How the status of an answer looks: a word, an icon and a colour, together, so that none of them is used alone."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.project.labels import Verdict
from app.core.recognition import decision
from app.core.recognition.decision import Status
from app.ui.widgets import theme


@dataclass(frozen=True)
class StatusFace:
    """The word, the icon's name and the name of the colour token of a status."""

    word: str
    icon: str
    token: str

    @property
    def colour(self) -> str:
        """The colour in the current theme."""
        return str(getattr(theme.tokens(), self.token))


FACES = {
    Status.IDENTIFIED: StatusFace("identified", "circle-check", "ok"),
    Status.COARSE_ONLY: StatusFace("type only", "circle-dot", "caution"),
    Status.UNKNOWN: StatusFace("unknown", "circle-question-mark", "muted"),
    Status.ERROR: StatusFace("cannot be read", "circle-alert", "danger"),
}

VERDICT_FACES = {
    Verdict.ACCEPTED: StatusFace("accepted", "check", "ok"),
    Verdict.CORRECTED: StatusFace("corrected", "tag", "accent"),
    Verdict.UNKNOWN: StatusFace("unknown", "circle-question-mark", "muted"),
    Verdict.EXCLUDED: StatusFace("excluded", "ban", "danger"),
}
"""The words for the person's decision, shown beside the status."""


def percent(probability: float) -> str:
    """The same in reasons, set closer."""
    return decision.percent(probability).replace(" ", "\u2009")
