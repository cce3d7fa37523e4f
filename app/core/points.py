"""The photos on the map: which photo each point is, what it is coloured by, and the map as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from pathlib import Path

import numpy as np

from app.core.arrange import Filter, matching
from app.core.columns import STATUSES, VERDICTS, Columns, Names, best_guess
from app.core.decide import Status
from app.core.figures import NOBODY
from app.core.gallery import Gallery, Reference
from app.core.project import Project
from model.files import write_whole

NONE = ""
"""Name of the group of those without a type, class, verdict or confidence."""
PROJECT, GALLERY = "project", "gallery"
CONFIDENCES = ("below 50 %", "50 to 80 %", "80 to 95 %", "above 95 %")
RIGHT, OTHER_CLASS, OTHER_TYPE = CORRECTNESS = ("right", "another class", "another type")
"""What the model's best guess is, by the person's label."""
_BOUNDS = (0.5, 0.8, 0.95)
_ANSWERED = [STATUSES.index(Status.IDENTIFIED), STATUSES.index(Status.COARSE_ONLY)]
_SIDE = 1000  # of the picture in SVG, in its units


class Source(StrEnum):
    """Whose embeddings are on the map."""

    PROJECT = "project"
    GALLERY = "gallery"
    BOTH = "project and gallery"


class By(StrEnum):
    """What points are coloured by."""

    TYPE = "type"
    CLASS = "class"
    STATUS = "status"
    VERDICT = "verdict"
    CONFIDENCE = "confidence"
    CORRECTNESS = "correctness"
    SOURCE = "source"


@dataclass(frozen=True, eq=False)
class Points:
    """N points: first photos of the project, then references of the gallery.

    Attributes:
        vectors: float32 [N, d], unit length.
        images: int64 [P], numbers of the project's images, ascending.
        references: the gallery's N - P references.
        pictures: of each reference its file, or None where it is not on this computer.
    """

    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    images: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    references: tuple[Reference, ...] = ()
    pictures: tuple[Path | None, ...] = ()

    def __len__(self) -> int:
        return len(self.vectors)


def read_points(source: Source, project: Project | None, gallery: Path | None, fingerprint: str) -> Points:
    """The embeddings that an identification model has made.

    Args:
        project, gallery: None where there is none; what `source` does not ask for is not read.

    Raises:
        ProjectError, GalleryError: if one cannot be read, or the gallery is another model's.
    """
    images, vectors = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    references: list[Reference] = []
    pictures: list[Path | None] = []
    if project is not None and source is not Source.GALLERY:
        images, vectors = project.embeddings(fingerprint)
    if gallery is not None and source is not Source.PROJECT:
        with Gallery.open(gallery, fingerprint, read_only=True) as opened:
            references = opened.references()
            pictures = [opened.picture(one) for one in references]
            found = opened.embeddings([one.id for one in references])
        vectors = np.concatenate([vectors, found]) if len(vectors) else found
    return Points(vectors, images, tuple(references), tuple(pictures))


@dataclass(frozen=True, eq=False)
class Groups:
    """Points told apart by one property.

    Attributes:
        names: of the groups, the empty name (NONE) last where it occurs.
        of: int32 [N], place of each point's group in `names`.
        types: of each group the type that it belongs to, or NONE; only for classes.
    """

    names: tuple[str, ...]
    of: np.ndarray
    types: tuple[str, ...] = ()

    def counts(self) -> np.ndarray:
        """Points in each group, int64."""
        return np.bincount(self.of, minlength=len(self.names))


def grouped(points: Points, columns: Columns, by: By) -> Groups:
    """Tell points apart by what holds now; images that the columns do not have (yet) are in the group NONE."""
    codes, named = _codes(points, columns, by)
    found, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    texts = [named[code] if code != NOBODY else NONE for code in found.tolist()]
    order = list(range(len(texts)))
    if isinstance(named, Names):  # the others are in their own order
        order.sort(key=lambda place: texts[place].casefold())
    order.sort(key=lambda place: texts[place] == NONE)
    place_of = np.zeros(len(order), np.int32)
    place_of[order] = np.arange(len(order))
    types: tuple[str, ...] = ()
    if by is By.CLASS:
        above, _ = _codes(points, columns, By.TYPE)
        types = tuple(columns.names[above[first[place]]] for place in order)
    return Groups(tuple(texts[place] for place in order), place_of[inverse], types)


def _codes(points: Points, columns: Columns, by: By) -> tuple[np.ndarray, Names | Sequence[str]]:
    """A number for what each point is, int32 [N], NOBODY for nothing, and the names of the numbers."""
    rows, here = _rows(points, columns)
    status = columns.shown.status[rows]
    answered = np.isin(status, _ANSWERED)
    named: Names | Sequence[str] = columns.names
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


def _correctness(columns: Columns, rows: np.ndarray) -> np.ndarray:
    """Places in CORRECTNESS, NOBODY without a label that tells type or class or without an answer: int32 [R]."""
    guess = best_guess(columns.predictions[rows])
    kind, fine = columns.told_type[rows], columns.told_fine[rows]
    other_class = (fine != NOBODY) & (guess[:, 1] != NOBODY) & (fine != guess[:, 1])
    found = np.where(kind != guess[:, 0], 2, np.where(other_class, 1, 0))
    return np.where(columns.labelled()[rows] & (columns.predictions["image"][rows] > 0), found, NOBODY)


def find(points: Points, columns: Columns, text: str) -> np.ndarray:
    """Points int64 whose file, class or type has every word of a text, in any case; none for an empty text."""
    words = text.casefold().split()
    if not words:
        return np.zeros(0, np.int64)
    rows = matching(columns, Filter(text=text))
    photos = np.flatnonzero(np.isin(points.images, columns.ids[rows], assume_unique=True))
    said = (f"{one.path} {one.fine or ''} {one.coarse}".casefold() for one in points.references)
    references = [place for place, whole in enumerate(said) if all(word in whole for word in words)]
    return np.concatenate([photos, len(points.images) + np.array(references, np.int64)])


def _rows(points: Points, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the project's points in the columns, int64 [R], and which points have one, bool [P]."""
    here = np.isin(points.images, columns.ids, assume_unique=True)
    return columns.rows_of(points.images[here]), here


def write_csv(out: Path, points: Points, columns: Columns, places: np.ndarray) -> None:
    """The map as a table: file, x, y, type, class. Raises OSError."""
    rows, here = _rows(points, columns)
    files = np.full(len(points), "", object)
    files[: len(points.images)][here] = [columns.paths[row] for row in rows.tolist()]
    for number, (reference, picture) in enumerate(zip(points.references, points.pictures, strict=True)):
        files[len(points.images) + number] = reference.path if picture is None else str(picture)
    types, classes = (_codes(points, columns, by)[0].tolist() for by in (By.TYPE, By.CLASS))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "x", "y", "type", "class"))
    for name, (x, y), kind, label in zip(files, places.tolist(), types, classes, strict=True):
        writer.writerow((name, f"{x:.6g}", f"{y:.6g}", columns.names[kind], columns.names[label]))
    write_whole(out, lambda file: file.write(text.getvalue().encode("utf-8", "surrogateescape")))


def write_svg(out: Path, places: np.ndarray, groups: Groups, colours: Sequence[str], words: Sequence[str]) -> None:
    """The map as a drawing with its legend. Raises OSError.

    Args:
        places: float32 [N, 2] from -1 to 1, y upwards.
        colours: `#RRGGBB` of each group.
        words: of each group in the legend.
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
        text.append(f'<text x="{x + 14}" y="{y + 5}">{escape(word)} ({counts[number]:,})</text>')
    text.append("</svg>")
    write_whole(out, lambda file: file.write("\n".join(text).encode("utf-8", "replace")))
