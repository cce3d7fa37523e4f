"""What the GUI thread asks of the thread that identifies, and what it gets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from app.core.gallery.references import Place, is_shared
from app.core.gallery.selection import GallerySelection
from app.core.project.project import Project
from app.core.recognition.engine import Device, Engine, ProviderReport
from app.core.recognition.identifier import Identification
from model.contract.bundle import BundleInfo

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the photo; right and bottom exclusive."""

_numbers = itertools.count(1)


def next_request() -> int:
    """A number for a request, larger than every one before; whoever asks keeps the newest and drops other answers."""
    return next(_numbers)


@dataclass(frozen=True)
class ModelRequest:
    """Which files to open.

    Attributes:
        gallery: that was asked for; None: the one that was chosen for this model, else the user's own, else the one
            beside the model.
        chosen: galleries by the fingerprints of their models.
    """

    model: Path
    gallery: Place | None
    device: Device
    chosen: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """What is in use now.

    Attributes:
        path: the identification model's file.
        gallery_problem: why there is no gallery although one was found or asked for.
        gallery: its file, where it is one.
        chosen: the gallery that was asked for or chosen, also if it cannot be used; None: the user's own or supplied.
    """

    path: Path
    info: BundleInfo
    provider: ProviderReport
    gallery_size: int
    gallery_problem: str | None
    gallery: Path | None
    chosen: Place | None = None

    @property
    def shared(self) -> bool:
        """Whether the gallery is, or was to be, one that a team shares."""
        return self.chosen is not None and is_shared(self.chosen)


@dataclass(frozen=True, eq=False)
class Question:
    """The photo on show.

    Attributes:
        request: number of the answer.
        image: the whole photo, RGB.
        box: the part of it that is meant.
        known: what was found out about it before; it is not identified again then.
        heat: whether the map of what speaks for the best guess is wanted.
    """

    request: int
    image: Image.Image
    box: Box | None = None
    known: Identification | None = None
    heat: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """What is shown of a photo.

    Attributes:
        identification: of it.
        pictures: where the picture of each neighbour lies, None where it is not on this computer.
        heat: where in the photo (or its box) lies what speaks for the best guess, float32 [h, w] from 0 to 1; None
            where it was not asked for or the model cannot tell.
    """

    identification: Identification
    pictures: tuple[Path | None, ...]
    heat: np.ndarray | None = None


@dataclass(eq=False)
class ProjectRun:
    """A run over a project; the GUI thread sets `cancelled` and `paused`.

    `find`: look for new files in the sources first; else only what waits in the project is identified.
    """

    project: Project
    find: bool = True
    cancelled: bool = False
    paused: bool = False


@dataclass(eq=False)
class GalleryWork:
    """Something to do with the gallery; the GUI thread sets `cancelled`.

    Attributes:
        steps: a generator function of engine and shelf. Each value is told; the photo on show comes between two of
            them. Asks its third argument whether to end early.
    """

    steps: Callable[[Engine, GallerySelection, Callable[[], bool]], Iterator[object]]
    cancelled: bool = False
