"""What pages say to each other: requests, which the window passes to the page that answers, and the current photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class PageRequest:
    """Something that another page shows."""


class ShowProject(PageRequest):
    """Show the photos of the project, as they are listed."""


@dataclass(frozen=True, eq=False)
class ShowPhotos(PageRequest):
    """List exactly these photos of the project, all chosen.

    Attributes:
        images: int64 numbers.
        what: words for them, after their number ("chosen on the map").
    """

    images: np.ndarray
    what: str


@dataclass(frozen=True, eq=False)
class EnrolPhotos(PageRequest):
    """List these photos of the project, and put them into the gallery; attributes as in ShowPhotos."""

    images: np.ndarray
    what: str


@dataclass(frozen=True)
class CurrentPhoto:
    """The photo of the project that is or becomes current, by its number; NOBODY for none."""

    image: int


@dataclass(frozen=True)
class ShowClass(PageRequest):
    """Show a class, or where it has no `fine` a type, with its reference photos."""

    coarse: str
    fine: str | None
