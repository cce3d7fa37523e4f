"""Labels in a COCO file, one for each box."""

from __future__ import annotations

import math
from pathlib import Path

from model.contract.samples import Sample
from model.data.coco_file import CocoImage, DrawnBox, read_coco
from model.data.readers.reading import Reading


def read_coco_labels(path: Path) -> Reading:
    """Read a COCO file (see `read_coco`): each box is a sample, in the order of the pictures.

    Coarse is the category's supercategory and fine its name; where the supercategory names no type, coarse is the name
    and fine unknown. All boxes of a picture are one group. A picture without boxes has no sample, nor has a region of
    many objects (`iscrowd`). Boxes grow to whole pixels.

    Raises:
        DataError: if the file cannot be read or is not a COCO file.
    """
    read = read_coco(path)
    samples = [_sample(image, box) for image in read.images for box in image.boxes if not box.crowd]
    return Reading(samples, read.problems)


def _sample(image: CocoImage, box: DrawnBox) -> Sample:
    left, top, right, bottom = box.corners
    return Sample(
        path=image.path,
        coarse=box.category.coarse,
        fine=box.category.fine,
        source=image.source,
        group=str(image.path),
        origin=box.origin,
        box=(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)),
    )
