"""The one record that every reader yields and everything after it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.system.errors import MarqueError

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom exclusive."""


UNKNOWN_CLASS = ("class unknown", "class not told")
"""Folders for photos of which only the type is known: their name, and their earlier name."""


class DataError(MarqueError):
    """Training data that cannot be used; the message names file and line and says what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled photograph.

    Attributes:
        path: the image file.
        coarse: coarse class name.
        fine: fine class name, or None where it is unknown.
        source: the data set or collection that the photo comes from; results are reported per source.
        group: photos of one group show the same object or scene and must stay in one split; unique where unknown.
        origin: where the label was found, for messages ("labels.csv:17").
        box: the object's place in the picture, where known.
        attributes: continuous facts about the object (year, length), where known.
    """

    path: Path
    coarse: str
    fine: str | None
    source: str
    group: str
    origin: str
    box: Box | None = None
    attributes: Mapping[str, float] = field(default_factory=dict)


def known_class(name: str | None) -> str | None:
    """The class that a folder or a table names; None for an empty name, or one that means an unknown class."""
    return None if not name or name.casefold() in UNKNOWN_CLASS else name


def untrainable(counts: Mapping[tuple[str, str], int]) -> str:
    """Why nothing can be learned from photos of these types and classes; "" if it can.

    Args:
        counts: (type, class) -> number of photos; the class is "" if only the type is known.
    """
    fine = sorted({name for _, name in counts if name})
    if not fine:
        return "only the type of the photos is known, not the class; put them into folders type/class"
    if len(fine) == 1 and len({coarse for coarse, _ in counts}) == 1:
        return f"all photos are of the one class '{fine[0]}'; add photos of another class to compare it with"
    if max(count for (_, name), count in counts.items() if name) < 2:
        return f"none of the {len(fine):,} classes has two photos; add more photos of them"
    return ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was read.

    Attributes:
        samples: in the order in which they were read.
        skipped: a message for each entry that was passed over.
        unread: the files of kinds that Marque knows and cannot read, as "31 RAW photos skipped"; "" without any.
    """

    samples: tuple[Sample, ...]
    skipped: tuple[str, ...] = ()
    unread: str = ""
