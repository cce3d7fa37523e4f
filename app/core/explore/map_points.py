"""The photos on the map: which photo each point is, its colour, and the map as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from pathlib import Path

import numpy as np

from app.core.explore.held_out import HeldOut
from app.core.gallery.gallery import Gallery, Reference
from app.core.project.labels import VERDICTS
from app.core.project.project import Project
from app.core.recognition.decision import Status
from app.core.recognition.features import NOBODY
from app.core.review.arrangement import Filter, matching
from app.core.review.photo_columns import STATUSES, ClassNumbers, PhotoColumns, best_guess
from model.system.outputs import Output, write_to
from model.system.plain_text import one_line

NONE = ""
"""Name of the group for points without a type, class, verdict or confidence."""
PROJECT, GALLERY = "project", "gallery"
CONFIDENCES = ("below 50 %", "50 to 80 %", "80 to 95 %", "above 95 %")
RIGHT, OTHER_CLASS, OTHER_TYPE = CORRECTNESS = ("right", "another class", "another type")
"""The model's best guess compared with the person's label."""
_BOUNDS = (0.5, 0.8, 0.95)
_ANSWERED = [STATUSES.index(Status.IDENTIFIED), STATUSES.index(Status.COARSE_ONLY)]
_SIDE = 1000  # of the picture in SVG, in its units


class Source(StrEnum):
    """Whose embeddings are on the map."""

    PROJECT = "project"
    GALLERY = "gallery"
    BOTH = "project and gallery"
    TRAINING = "test photos of a training"


class By(StrEnum):
    """What points are coloured by."""

    TYPE = "type"
    CLASS = "class"
    STATUS = "status"
    VERDICT = "verdict"
    CONFIDENCE = "confidence"
    CORRECTNESS = "correctness"
    SOURCE = "source"


BY_TRAINING = (By.TYPE, By.CLASS, By.CONFIDENCE, By.CORRECTNESS)
"""What the test photos of a training can be coloured by."""


@dataclass(frozen=True, eq=False)
class MapPoints:
    """N points: first photos of the project, then references of the gallery; or the test photos of a training.

    Attributes:
        vectors: float32 [N, d], unit length.
        images: int64 [P], numbers of the project's images, ascending.
        references: the gallery's N - P references.
        pictures: the file of each reference, or None if it is not on this computer. held_out: N test photos, then there
        are neither images nor references; else None.
    """

    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    images: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    references: tuple[Reference, ...] = ()
    pictures: tuple[Path | None, ...] = ()
    held_out: HeldOut | None = None

    def __len__(self) -> int:
        return len(self.vectors)


def read_points(source: Source, project: Project | None, gallery: Path | None, fingerprint: str) -> MapPoints:
    """The embeddings that an identification model has made of photos of the project and the gallery.

    Args:
        project, gallery: None without one; what `source` does not ask for is not read.

    Raises:
        ProjectError, GalleryError: if one cannot be read, or the gallery belongs to another model.
    """
    images, vectors = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    references: list[Reference] = []
    pictures: list[Path | None] = []
    if project is not None and source is not Source.GALLERY:
        images, vectors = project.predictions.embeddings(fingerprint)
    if gallery is not None and source is not Source.PROJECT:
        with Gallery.open(gallery, fingerprint, read_only=True) as opened:
            references = opened.references()
            pictures = [opened.picture(one) for one in references]
            found = opened.embeddings([one.id for one in references])
        vectors = np.concatenate([vectors, found]) if len(vectors) else found
    return MapPoints(vectors, images, tuple(references), tuple(pictures))


@dataclass(frozen=True, eq=False)
class Groups:
    """Points truth apart by one property.

    Attributes:
        names: of the groups, the empty name (NONE) last where it occurs.
        of: int32 [N], place of each point's group in `names`. types: the type of each group, or NONE; only for classes.
    """

    names: tuple[str, ...]
    of: np.ndarray
    types: tuple[str, ...] = ()

    def counts(self) -> np.ndarray:
        """Points in each group, int64."""
        return np.bincount(self.of, minlength=len(self.names))


def grouped(points: MapPoints, columns: PhotoColumns, by: By) -> Groups:
    """Group points by the current columns; images that the columns do not have (yet) are in the group NONE."""
    codes, named = _codes(points, columns, by)
    found, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    texts = [named[code] if code != NOBODY else NONE for code in found.tolist()]
    order = list(range(len(texts)))
    if isinstance(named, ClassNumbers):  # the others are in their own order
        order.sort(key=lambda place: texts[place].casefold())
    order.sort(key=lambda place: texts[place] == NONE)
    place_of = np.zeros(len(order), np.int32)
    place_of[order] = np.arange(len(order))
    types: tuple[str, ...] = ()
    if by is By.CLASS:
        above, kinds = _codes(points, columns, By.TYPE)
        types = tuple(kinds[above[first[place]]] for place in order)
    return Groups(tuple(texts[place] for place in order), place_of[inverse], types)


def _codes(points: MapPoints, columns: PhotoColumns, by: By) -> tuple[np.ndarray, ClassNumbers | Sequence[str]]:
    """A number for each point, int32 [N], NOBODY for no group, and the names of the numbers."""
    if points.held_out is not None:
        return _codes_held_out(points.held_out, by)
    rows, here = _rows(points, columns)
    status = columns.shown.status[rows]
    answered = np.isin(status, _ANSWERED)
    named: ClassNumbers | Sequence[str] = columns.names
    references: Sequence[int] | None = None
    if by is By.TYPE:
        own = np.where(answered, columns.shown.type[rows], NOBODY)
        references = [columns.names.place(one.coarse) for one in points.references]
    elif by is By.CLASS:
        own = np.where(status == STATUSES.index(Status.IDENTIFIED), columns.shown.label[rows], NOBODY)
        references = [columns.names.place(one.fine or NONE) for one in points.references]
    elif by is By.STATUS:
        named = (*(one.value for one in STATUSES), GALLERY)
        own = np.where(status < len(STATUSES), status, NOBODY)
    elif by is By.VERDICT:
        named = (*(one.value for one in VERDICTS), GALLERY)
        own = columns.verdict[rows]
    elif by is By.CONFIDENCE:
        named = (*CONFIDENCES, GALLERY)
        own = np.where(answered, np.searchsorted(_BOUNDS, columns.shown.confidence[rows], side="right"), NOBODY)
    elif by is By.CORRECTNESS:
        named = (*CORRECTNESS, GALLERY)
        own = _correctness(columns, rows)
    else:
        named = (PROJECT, GALLERY)
        own = np.zeros(len(rows), np.int32)
    codes = np.full(len(points), NOBODY, np.int32)
    codes[: len(points.images)][here] = own
    codes[len(points.images) :] = references if references is not None else len(named) - 1
    return codes, named


def _codes_held_out(photos: HeldOut, by: By) -> tuple[np.ndarray, ClassNumbers | Sequence[str]]:
    """The same for test photos. Args: by: one of BY_TRAINING."""
    if by is By.CONFIDENCE:
        return np.searchsorted(_BOUNDS, photos.confidence, side="right").astype(np.int32), CONFIDENCES
    if by is By.CORRECTNESS:
        return compared(photos.truth, photos.answer), CORRECTNESS
    return photos.truth[:, (By.TYPE, By.CLASS).index(by)], photos.names


def _correctness(columns: PhotoColumns, rows: np.ndarray) -> np.ndarray:
    """Places in CORRECTNESS: int32 [R]; NOBODY without an answer or a label that names type or class."""
    truth = np.stack([columns.told_type[rows], columns.told_fine[rows]], axis=1)
    found = compared(truth, best_guess(columns.predictions[rows]))
    return np.where(columns.labelled()[rows] & (columns.predictions["image"][rows] > 0), found, NOBODY)


def compared(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Places in CORRECTNESS of answers: int32 [R]. Args: type and class, int32 [R, 2]; NOBODY for no class."""
    other_class = (truth[:, 1] != NOBODY) & (answer[:, 1] != NOBODY) & (truth[:, 1] != answer[:, 1])
    return np.where(truth[:, 0] != answer[:, 0], 2, np.where(other_class, 1, 0)).astype(np.int32)


def find(points: MapPoints, columns: PhotoColumns, text: str) -> np.ndarray:
    """Points int64 whose file, class or type has every word of a text, in any case; none for an empty text."""
    words = text.casefold().split()
    if not words:
        return np.zeros(0, np.int64)
    rows = matching(columns, Filter(text=text))
    photos = np.flatnonzero(np.isin(points.images, columns.ids[rows], assume_unique=True))
    said = [f"{one.path} {one.fine or ''} {one.coarse}" for one in points.references]
    if points.held_out is not None:
        said = points.held_out.texts()
    others = [place for place, whole in enumerate(said) if all(word in whole.casefold() for word in words)]
    return np.concatenate([photos, len(points.images) + np.array(others, np.int64)])


def _rows(points: MapPoints, columns: PhotoColumns) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the project's points in the columns, int64 [R], and which points have one, bool [P]."""
    here = np.isin(points.images, columns.ids, assume_unique=True)
    return columns.rows_of(points.images[here]), here


def write_csv(place: Path | Output, points: MapPoints, columns: PhotoColumns, places: np.ndarray) -> None:
    """The map as a table: file, x, y, type, class; for test photos also the answers. Raises OSError."""
    (types, kinds), (classes, fines) = (_codes(points, columns, by) for by in (By.TYPE, By.CLASS))
    named = zip(_files(points, columns), places.tolist(), types.tolist(), classes.tolist(), strict=True)
    rows = [[file, f"{x:.6g}", f"{y:.6g}", kinds[kind], fines[fine]] for file, (x, y), kind, fine in named]
    header = ["file", "x", "y", "type", "class"]
    if points.held_out is not None:
        header += ["answered type", "answered class", "confidence", "correctness"]
        rows = [[*row, *more] for row, more in zip(rows, _answers(points.held_out), strict=True)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_to(place, lambda file: file.write(text.getvalue().encode("utf-8", "surrogateescape")))


def _files(points: MapPoints, columns: PhotoColumns) -> Sequence[str]:
    """The file of each point; empty if the columns do not have it (yet)."""
    if points.held_out is not None:
        return points.held_out.files
    rows, here = _rows(points, columns)
    files = np.full(len(points), "", object)
    files[: len(points.images)][here] = [columns.paths[row] for row in rows.tolist()]
    for number, (reference, picture) in enumerate(zip(points.references, points.pictures, strict=True)):
        files[len(points.images) + number] = reference.path if picture is None else str(picture)
    return files.tolist()


def _answers(photos: HeldOut) -> Iterator[tuple[str, str, str, str]]:
    """For each test photo the answer, its confidence and whether it is right."""
    names, right = photos.names, compared(photos.truth, photos.answer).tolist()
    for (kind, fine), confidence, place in zip(photos.answer.tolist(), photos.confidence.tolist(), right, strict=True):
        yield names[kind], names[fine], f"{confidence:.4f}", CORRECTNESS[place]


def write_svg(
    place: Path | Output, places: np.ndarray, groups: Groups, colours: Sequence[str], words: Sequence[str]
) -> None:
    """The map as a drawing with its legend. Raises OSError.

    Args:
        places: float32 [N, 2] from -1 to 1, y upwards.
        colours: `#RRGGBB` of each group.
        words: of each group, for the legend.
    """
    counts = groups.counts()
    lines = max(1, _SIDE // 22)
    across = -(-len(words) // lines)
    width = _SIDE + 320 * across
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_SIDE}" font-family="sans-serif" '
        f'font-size="14"><rect width="{width}" height="{_SIDE}" fill="#FFFFFF"/>'
    ]
    spots = (np.array([1.0, -1.0]) * places * 0.48 + 0.5) * _SIDE
    radius = float(np.clip(60 / np.sqrt(max(len(places), 1)), 0.8, 5))
    for number, (word, colour) in enumerate(zip(words, colours, strict=True)):
        members = spots[groups.of == number]
        text.append(f'<g fill="{colour}" fill-opacity="0.75">')
        text += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>' for x, y in members.tolist()]
        x, y = _SIDE + 16 + 320 * (number // lines), 20 + 22 * (number % lines)
        text.append(f'</g><circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>')
        text.append(f'<text x="{x + 14}" y="{y + 5}">{escape(one_line(word))} ({counts[number]:,})</text>')
    text.append("</svg>")
    write_to(place, lambda file: file.write("\n".join(text).encode("utf-8", "replace")))
