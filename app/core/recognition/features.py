"""What a decision rests on, as one row of numbers per photo.

It is kept beside the evidence, so a project of 100,000 photos is listed in a second. Names are numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.core.recognition.evidence import Evidence
from model.contract.decision import Beliefs

NOBODY = -1
"""In place of a name's number: no name."""

FEATURES = np.dtype(
    [
        ("image", "<i8"),
        ("type", "<i4"),  # the most probable one
        ("type_probability", "<f8"),
        ("type_has_classes", "?"),
        ("fine", "<i4"),  # best guess, or NOBODY
        ("fine_type", "<i4"),
        ("fine_probability", "<f8"),
        ("second_probability", "<f8"),
        ("enrolled", "u1"),  # ENROLLED: the best guess; CARRIED: its type too (Evidence.carried)
        ("likeness", "<f8"),
        ("familiarity", "<f8"),
        ("near", "<i4"),  # class of most of the nearest reference photos, or NOBODY
        ("near_type", "<i4"),
        ("near_votes", "<i4"),
        ("near_asked", "<i4"),
    ]
)
"""The type of a row. The numbers are exactly those of the evidence, as decisions need them."""

ENROLLED, CARRIED = 1, 2
"""The parts of the field `enrolled`."""

NAMED = ("type", "fine", "fine_type", "near", "near_type")
"""The fields that hold numbers of names."""

_DECIMALS = 6  # rounded like the evidence, so that both decide alike


def feature_row(image: int, evidence: Evidence, number: Callable[[str], int]) -> bytes:
    """The row of an image.

    Args:
        number: gives each name its number; NOBODY for the empty one.
    """
    best, (near, near_type, votes) = evidence.types[0], _nearest_classes(evidence)
    guess = evidence.classes[0] if evidence.classes else None
    second = evidence.classes[1].probability if len(evidence.classes) > 1 else 0.0
    row = np.array(
        (
            *(image, number(best.name), round(best.probability, _DECIMALS), best.has_classes),
            number(guess.name if guess else ""),
            number(guess.coarse if guess else ""),
            *(round(guess.probability if guess else 0.0, _DECIMALS), round(second, _DECIMALS)),
            ENROLLED * (guess is not None and guess.enrolled) + CARRIED * evidence.carried,
            *(round(evidence.likeness, _DECIMALS), round(evidence.familiarity, _DECIMALS)),
            *(number(near), number(near_type), votes, len(evidence.neighbours)),
        ),
        FEATURES,
    )
    return row.tobytes()


def beliefs(rows: np.ndarray) -> Beliefs:
    """The beliefs in rows of FEATURES."""
    return Beliefs(
        type_probability=rows["type_probability"],
        fine_probability=rows["fine_probability"],
        guessed=rows["fine"] != NOBODY,
        has_classes=rows["type_has_classes"],
        enrolled=(rows["enrolled"] & ENROLLED).astype(bool),
        carried=(rows["enrolled"] & CARRIED).astype(bool),
        likeness=rows["likeness"],
        familiarity=rows["familiarity"],
    )


def _nearest_classes(evidence: Evidence) -> tuple[str, str, int]:
    """The most frequent class among the nearest reference photos, the nearest of equals, with its type and count."""
    counts: dict[tuple[str, str], int] = {}
    for neighbour in evidence.neighbours:
        if neighbour.reference.fine is not None:
            key = (neighbour.reference.fine, neighbour.reference.coarse)
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return "", "", 0
    (fine, coarse), votes = max(counts.items(), key=lambda item: item[1])
    return fine, coarse, votes
