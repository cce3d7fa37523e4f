"""Annotations in the COCO format: pictures, and boxes with categories, as most programs for drawing boxes export them.

Boxes are taken as places in the *upright* picture, which is what a person sees who draws them. A COCO file does not
say whether its author's program turned photos by their EXIF orientation, but it gives each picture's width and height:
where these are not the upright photo's, the photo is refused, as its boxes are then somewhere else.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.contract.photo import PhotoError, upright_size
from model.contract.samples import DataError
from model.system.reading import TABLE, parse_json, read_file

_PARTS = ("images", "annotations", "categories")
_PHOTO_FOLDERS = ("", "photos", "images", "data")
_GENERIC = frozenset(
    {
        *("", "none", "null", "root", "object", "objects", "thing", "things", "transport"),
        *("vehicle", "vehicles", "vessel", "vessels"),
    }
)  # supercategories that name no type: placeholders of programs, and "vehicle" of COCO itself, under which are boats

_Key = int | str


@dataclass(frozen=True, slots=True)
class Category:
    """What a box shows.

    Attributes:
        name: the category's own name.
        coarse, fine: the classes that follow from it: the supercategory and the name; where the supercategory is
            missing, equal to the name or generic ("none", "object", "vehicle"), the name and None.
    """

    name: str
    coarse: str
    fine: str | None


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box as it was drawn, clipped to the picture.

    Attributes:
        corners: x1, y1, x2, y2 in pixels of the upright picture, right and bottom exclusive.
        crowd: it is a region of many objects (COCO's `iscrowd`).
        origin: the annotation, for messages.
    """

    corners: tuple[float, float, float, float]
    category: Category
    crowd: bool
    origin: str


@dataclass(frozen=True, slots=True)
class CocoImage:
    """A picture with its upright size, its boxes, and the source that the file names for it, else the file's name."""

    path: Path
    file_name: str
    width: int
    height: int
    source: str
    boxes: list[DrawnBox] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CocoFile:
    """The pictures in the order of the file, and a message for each entry that cannot be used."""

    images: list[CocoImage]
    problems: list[str]


def read_coco(path: Path) -> CocoFile:
    """Read a COCO file with its pictures' headers.

    A photo is looked for, by its `file_name`, beside the file and in `photos`, `images` and `data` beside it; for a
    file in a folder `annotations` also in the folder above, and for `instances_NAME.json` in folders called NAME.

    Raises:
        DataError: if the file cannot be read, is not such a document, or names no picture.
    """
    path = path.absolute()
    parts = _parts(path)
    problems: list[str] = []
    categories = {key: _category(entry) for key, entry in _by_id(path, "categories", parts, problems)}
    images = _images(path, parts, problems)
    for number, entry in enumerate(parts["annotations"], start=1):
        origin = f"{path}: annotation {_named(entry, number)}"
        try:
            key = _of(entry, "image_id", origin)
            if key in images and (image := images[key]):
                image.boxes.append(_drawn(entry, categories, image, origin))
            elif key not in images:
                raise DataError(f"{origin}: there is no image {key}")
        except DataError as problem:
            problems.append(str(problem))
    return CocoFile([image for image in images.values() if image], problems)


def _parts(path: Path) -> dict[str, list[Any]]:
    try:
        document = parse_json(read_file(path, TABLE))
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist") from None
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{path}: not a JSON document ({error})") from error
    for name in _PARTS:
        if not isinstance(document, dict) or not isinstance(document.get(name), list):
            raise DataError(f"{path}: has no list '{name}'; give annotations in the COCO format, with boxes")
    if not document["images"]:
        raise DataError(f"{path}: it names no picture")
    return {name: document[name] for name in _PARTS}


def _by_id(
    path: Path, part: str, parts: dict[str, list[Any]], problems: list[str]
) -> Iterator[tuple[_Key, dict[str, Any]]]:
    """The entries of a part that have a number of their own and a name; problems of the others are added."""
    name = "name" if part == "categories" else "file_name"
    seen = set()
    for number, entry in enumerate(parts[part], start=1):
        origin = f"{path}: entry {number} of '{part}'"
        try:
            key = _of(entry, "id", origin)
            if key in seen:
                raise DataError(f"{origin}: id {key} occurs twice")
            seen.add(key)
            if not isinstance(entry.get(name), str) or not entry[name].strip():
                raise DataError(f"{origin}: has no '{name}'")
            yield key, entry
        except DataError as problem:
            problems.append(str(problem))


def _of(entry: Any, key: str, origin: str) -> _Key:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, int | str):
        raise DataError(f"{origin}: has no '{key}'")
    return value


def _named(entry: Any, number: int) -> _Key:
    """An annotation's id, by which people find it, else its place."""
    found = entry.get("id") if isinstance(entry, dict) else None
    return found if isinstance(found, int | str) else f"number {number}"


def _category(entry: dict[str, Any]) -> Category:
    name = entry["name"].strip()
    above = entry.get("supercategory")
    above = above.strip() if isinstance(above, str) else ""
    typed = above.casefold() not in _GENERIC and above.casefold() != name.casefold()
    return Category(name, above if typed else name, name if typed else None)


def _images(path: Path, parts: dict[str, list[Any]], problems: list[str]) -> dict[_Key, CocoImage | None]:
    """Image id -> picture, None for one that cannot be used, whose boxes are then not reported as problems."""
    folders = _folders(path)
    entries = dict(_by_id(path, "images", parts, problems))

    def opened(entry: dict[str, Any]) -> CocoImage | str:
        try:
            return _image(path, folders, entry)
        except DataError as problem:
            return str(problem)

    # opening files is mostly waiting, so more threads than cores
    with ThreadPoolExecutor(max_workers=4 * (os.cpu_count() or 1)) as pool:
        found = list(pool.map(opened, entries.values(), chunksize=64))
    problems += [result for result in found if isinstance(result, str)]
    images = {key: None if isinstance(result, str) else result for key, result in zip(entries, found, strict=True)}
    unnamed = (entry.get("id") for entry in parts["images"] if isinstance(entry, dict))
    return images | {key: None for key in unnamed if isinstance(key, int | str) and key not in images}


def _folders(path: Path) -> list[Path]:
    """Where the photos of an annotation file may be."""
    roots = [path.parent, *([path.parent.parent] if path.parent.name == "annotations" else [])]
    subset = path.stem.rpartition("_")[2]
    places = [root / name for root in roots for name in _PHOTO_FOLDERS]
    return [*places, *(place / subset for place in places)]


def _image(path: Path, folders: list[Path], entry: dict[str, Any]) -> CocoImage:
    name = entry["file_name"]
    origin = f"{path}: {name}"
    # a program on Windows writes backslashes
    places = [folder / written for written in dict.fromkeys((name, name.replace("\\", "/"))) for folder in folders]
    file = next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - takes any name
    if file is None:
        raise DataError(f"{origin}: the photo is neither beside the file nor in 'photos' or 'images' beside it")
    try:
        size = upright_size(file)
    except PhotoError as error:
        raise DataError(f"{origin}: {error.reason}") from None
    given = tuple(entry.get(side) or there for side, there in zip(("width", "height"), size, strict=True))
    if given != size:
        turned = "; the boxes were drawn on the photo before it was turned upright" if given == size[::-1] else ""
        raise DataError(
            f"{origin}: the photo has {size[0]} x {size[1]} pixels, the annotations say {given[0]} x {given[1]}{turned}"
        )
    source = entry.get("source")
    return CocoImage(file, name, *size, source if isinstance(source, str) and source.strip() else path.stem)


def _drawn(entry: Any, categories: dict[_Key, Category], image: CocoImage, origin: str) -> DrawnBox:
    key = _of(entry, "category_id", origin)
    if key not in categories:
        raise DataError(f"{origin}: there is no category {key}")
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(number) for number in box):
        raise DataError(f"{origin}: 'bbox' is not four numbers: left, top, width and height")
    left, top, width, height = map(float, box)
    if not (width > 0 and height > 0):
        raise DataError(f"{origin}: the box of {width:g} x {height:g} pixels has no area")
    right, bottom = min(left + width, image.width), min(top + height, image.height)
    left, top = max(left, 0.0), max(top, 0.0)
    if not (left < right and top < bottom):
        raise DataError(f"{origin}: the box is outside of {image.file_name} ({image.width} x {image.height} pixels)")
    return DrawnBox((left, top, right, bottom), categories[key], bool(entry.get("iscrowd")), origin)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
