"""Scenes: whole photos with a box around every vehicle and vessel, from which a finder learns."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.contract.samples import DataError
from model.data.coco_file import Category, CocoImage, read_coco
from model.system.wording import first_of

_VEHICLES = (
    "ambulance, auto rickshaw, automobile, bus, cab, cabriolet, camper, car, coach, convertible, coupe, fire truck, "
    "hatchback, jeep, land vehicle, limousine, lorry, minibus, minivan, motor vehicle, motorbike, motorcycle, pickup, "
    "pickup truck, police car, rickshaw, scooter, sedan, sports car, station wagon, suv, taxi, tractor, truck, "
    "tuk tuk, van, vehicle, wagon"
)
_VESSELS = (
    "aircraft carrier, barge, boat, bulk carrier, canoe, cargo, cargo ship, catamaran, combat vessel, container ship, "
    "cruise ship, destroyer, dinghy, dredger, ferry, fire fighting vessel, fishing boat, fishing vessel, kayak, "
    "lifeboat, motorboat, naval, passenger ship, patrol vessel, pilot boat, reefer, replenishment vessel, roro, "
    "rowing boat, sail, sailboat, sailing boat, sailing vessel, security boat, ship, small craft, speedboat, "
    "submarine, supply vessel, tanker, training ship, tug, tugboat, vehicles carrier, vessel, warship, "
    "watercraft, yacht"
)
_KIND_OF = dict.fromkeys(_VEHICLES.split(", "), 0) | dict.fromkeys(_VESSELS.split(", "), 1)

_SHOWN_PROBLEMS = 5
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo and the vehicles and vessels in it; one without boxes shows none.

    Attributes:
        path: the image file.
        file_name: its name in the annotations.
        width, height: of the upright picture, in pixels.
        source: the collection that it comes from.
        boxes: float32 [N, 4], x1, y1, x2, y2 in pixels of the upright picture, right and bottom exclusive.
        kinds: int8 [N], places in KINDS.
        crowd: bool [N], true for a region of many, which is neither wanted from a finder nor counted against it.
    """

    path: Path
    file_name: str
    width: int
    height: int
    source: str
    boxes: np.ndarray
    kinds: np.ndarray
    crowd: np.ndarray


def read_scenes(annotations: Path, *, skip_bad: bool = False) -> list[Scene]:
    """Read the photos and boxes of a COCO file (see `read_coco`), in its order.

    The kind follows from the category's name, or from its supercategory; boxes of categories that are neither vehicles
    nor vessels are left out, and a warning in the log counts them.

    Args:
        annotations: the file.
        skip_bad: pass over photos and boxes that cannot be used, instead of failing.

    Raises:
        DataError: if the file is not such a file; without `skip_bad` also for a photo that is missing, unreadable or of
            another size than the file says, and for a box without area or outside of its picture.
    """
    read = read_coco(annotations)
    if read.problems and not skip_bad:
        raise DataError.of_lines(first_of(read.problems, _SHOWN_PROBLEMS))
    left_out: Counter[str] = Counter()
    scenes = [_scene(image, left_out) for image in read.images]
    if left_out:
        counts = ", ".join(f"{count:,} of {name}" for name, count in left_out.most_common())
        _LOG.warning("%s: boxes that are of neither vehicles nor vessels are left out: %s", annotations, counts)
    return scenes


def kind_of(category: Category) -> int | None:
    """The place in KINDS of what a category shows, by its name or its supercategory; None for neither kind."""
    found = (_KIND_OF.get(_plain(name)) for name in (category.name, category.coarse))
    return next((kind for kind in found if kind is not None), None)


def _plain(name: str) -> str:
    """A name in lower case, with spaces alone between words, in the singular."""
    words = re.sub(r"[\W_]+", " ", name).strip().casefold()
    return next(
        (form for form in (words, words.removesuffix("s"), words.removesuffix("es")) if form in _KIND_OF), words
    )


def _scene(image: CocoImage, left_out: Counter[str]) -> Scene:
    kept = []
    for box in image.boxes:
        kind = kind_of(box.category)
        if kind is None:
            left_out[box.category.name] += 1
        else:
            kept.append((box.corners, kind, box.crowd))
    return Scene(
        path=image.path,
        file_name=image.file_name,
        width=image.width,
        height=image.height,
        source=image.source,
        boxes=np.asarray([corners for corners, _, _ in kept], dtype=np.float32).reshape(-1, 4),
        kinds=np.asarray([kind for _, kind, _ in kept], dtype=np.int8),
        crowd=np.asarray([crowd for _, _, crowd in kept], dtype=bool),
    )
