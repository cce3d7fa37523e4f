"""Finding the pictures of references that have moved, or whose place is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from app.core.gallery.gallery import ReferenceEntry
from app.core.system.content_digest import content_digest
from model.system.photo_files import scan

_TELL = 50


@dataclass(frozen=True)
class Located:
    """The pictures that were found in a folder.

    Attributes: folder: the searched folder. places: folder and path from there, by the references' ids. other: ids of
        found references whose file does not have the enrolled content: it has changed, or the reference is a part of
        the photo. missing: paths of the references whose picture was not found.
    """

    folder: Path
    places: dict[int, tuple[Path, str]] = field(default_factory=dict)
    other: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()


def locate(
    wanted: Mapping[int, ReferenceEntry], folder: Path, *, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, int, Located | None]]:
    """Look for pictures: yields how many are done, how many there are, and at the end what was found.

    A picture is the file at the reference's path from the folder, or at the end of that path (for a folder further in),
    if it has the enrolled content; else any file of the same name with that content. A file at the whole path with
    another content is taken too, and counted separately.

    Args:
        wanted: references by their ids.
        folder: the one to search, with all folders in it. cancelled: asked between files; nothing is returned then.
    """
    folder = folder.absolute()
    names = {PurePosixPath(entry.path).name for entry in wanted.values()}
    holds = cache(_digest)  # "1.jpg" may be the name of many references, and of as many files
    by_name: dict[str, list[Path]] = {}
    for path in scan([folder], cancelled=cancelled):
        if path.name in names:
            by_name.setdefault(path.name, []).append(path)
    places: dict[int, tuple[Path, str]] = {}
    other: list[int] = []
    missing: list[str] = []
    for done, (number, entry) in enumerate(wanted.items()):
        if cancelled():
            return
        if done % _TELL == 0:
            yield done, len(wanted), None
        whole = folder / entry.path
        candidates = by_name.get(PurePosixPath(entry.path).name, [])
        found = next((path for path in _likeliest(candidates, whole) if holds(path) == entry.digest), None)
        if found is None and whole in candidates:
            found = whole
            other.append(number)
        if found is None:
            missing.append(entry.path)
        else:
            places[number] = (folder, found.relative_to(folder).as_posix())
    yield len(wanted), len(wanted), Located(folder, places, tuple(other), tuple(missing))


def _likeliest(candidates: list[Path], whole: Path) -> list[Path]:
    """Places in order: those whose path has the most in common with the wanted one, from its end, come first."""

    def common(path: Path) -> int:
        pairs = zip(reversed(path.parts), reversed(whole.parts), strict=False)
        return next((count for count, (one, two) in enumerate(pairs) if one != two), len(whole.parts))

    return sorted(candidates, key=common, reverse=True)


def _digest(path: Path) -> str | None:
    try:
        return content_digest(path)
    except OSError:
        return None
