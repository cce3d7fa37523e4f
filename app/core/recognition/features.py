"""What a decision rests on, as one row of numbers a photo.

Kept beside the evidence, so that a project of 100,000 photos is listed in a second. Names are numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.core.recognition.evidence import Evidence

NOBODY = -1
"""In place of a name's number: none."""

FEATURES = np.dtype(
    [
        ("image", "<i8"),
        ("type", "<i4"),  # most probable one
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
"""A row. Numbers as the evidence has them; decisions need them exactly."""

ENROLLED, CARRIED = 1, 2
"""What the field `enrolled` is made of, each 0 where it is not so."""

NAMED = ("type", "fine", "fine_type", "near", "near_type")
"""The fields that hold numbers of names."""

_DECIMALS = 6  # as the evidence is kept, so that both decide alike


def feature_row(image: int, evidence: Evidence, number: Callable[[str], int]) -> bytes:
    """The row of an image.

    Args:
        number: gives each name the number that stands for it; NOBODY for the empty one.
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


def _nearest_classes(evidence: Evidence) -> tuple[str, str, int]:
    """Class, its type and its count among the nearest reference photos; of the most frequent one, the nearest first."""
    counts: dict[tuple[str, str], int] = {}
    for neighbour in evidence.neighbours:
        if neighbour.reference.fine is not None:
            key = (neighbour.reference.fine, neighbour.reference.coarse)
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return "", "", 0
    (fine, coarse), votes = max(counts.items(), key=lambda item: item[1])
    return fine, coarse, votes
