"""Copies of a project's photos with their labels as keywords inside; the photos themselves are not changed.

A copy has the same place in the new folder as its photo has in the sources. Pixels are not encoded again. What the file
cannot hold goes into a sidecar beside the copy, and the sidecars of a photo are copied with it, with the keywords
added. Nothing is overwritten: an existing copy that would be the same counts as done, so the same call continues where
another was interrupted.
"""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.metadata.labelled_file import LabelledFile, labelled
from app.core.metadata.sidecars import Sidecars, beside, is_too_long, place_for_new, short_place_for_new
from app.core.metadata.xmp import merged
from app.core.metadata.xmp_encoding import XmpError
from app.core.metadata.xmp_packet import SIGNATURE, takes
from app.core.metadata.xmp_sidecar import SidecarError, read_sidecar
from app.core.project.photo_state import CHANGED, ChangedPhotoError, check_unchanged
from app.core.project.records import ProjectImage
from app.core.system.content_digest import content_digest, new_digest
from app.core.system.file_placement import copy_new, folded, write_new
from app.core.system.paths import tidy
from model.system.errors import MarqueError
from model.system.files import numbered
from model.system.reading import open_regular

_NO_ROOM = "only JPEG and PNG files take them inside"
_HAS_SIDECAR = "the photos have sidecars, and these are copied too"


class CopyError(MarqueError):
    """A folder that cannot be used, or a photo that was not copied; the message names it and says why."""


@dataclass(frozen=True)
class Copy:
    """A copy. sidecar: why its keywords are in a sidecar beside it, or ""; new: False if it existed already."""

    place: Path
    sidecar: str
    new: bool


class Copies:
    """Makes the copies of one project in one folder."""

    def __init__(self, sources: Sequence[Path], into: Path) -> None:
        """Makes copies in a folder that need not exist yet.

        Args:
            sources: folders and files that the project's images come from.

        Raises:
            CopyError: if it is not a folder, or is in a source, where copies would count as new photos.
        """
        self._into = tidy(into)
        if os.path.lexists(into) and not into.is_dir():
            raise CopyError(f"{into}: this is a file; name a folder")
        for source in sources:
            if source.is_dir() and into.resolve().is_relative_to(source.resolve()):
                raise CopyError(
                    f"{into}: is in {source}, where the copies would be taken for new photos; name a folder elsewhere"
                )
        self._roots = _roots(sources)
        self._taken: set[str] = set()
        self._sidecars = Sidecars()

    def make(self, image: ProjectImage, keywords: tuple[str, ...]) -> Copy:
        """Copy a photo, with the keywords of its label (from `xmp.keywords`) added to its own.

        Raises:
            CopyError: if the photo has changed since it was identified or cannot be read, one of its sidecars is
                damaged, the copy cannot be written, or another file is in its place.
        """
        photo = image.path
        place = self._place(photo)
        try:
            content = _content(photo)
            check_unchanged(image)
            if image.digest is not None and _digest(photo, content) != image.digest:
                raise ChangedPhotoError(photo, CHANGED, changed=True)  # replaced by a file of the same size and time
            inside = LabelledFile(None, _NO_ROOM) if content is None else labelled(content, keywords)
            new = False
            own, others = self._own_sidecars(photo, place)
            for source, target in others:
                new |= _copy(source, target)
            if own is not None:
                new |= _put(_merged(own[0], keywords), own[1], own[0])
            elif inside.content is None:
                new |= _put(merged(inside.packet, keywords, inside.also), _place_of_sidecar(place), photo)
            # the photo comes last, so that it never lacks what belongs to it
            new |= _copy(photo, place) if inside.content is None else _put(inside.content, place, photo)
            return Copy(place, inside.reason or (_HAS_SIDECAR if own is not None else ""), new)
        except (ChangedPhotoError, SidecarError) as error:
            raise CopyError.like(error) from error
        except OSError as error:
            raise CopyError(f"{photo}: cannot be copied to {place} ({error.strerror})") from error

    def _own_sidecars(self, photo: Path, place: Path) -> tuple[tuple[Path, Path] | None, list[tuple[Path, Path]]]:
        """The sidecar of a photo that takes keywords, and its other sidecars: each with the place of its copy.

        One that belongs to other photos as well (`a.xmp` of a RAW and a JPEG) counts if there is no other; its copy
        belongs to this photo alone, as the others may be copied too.
        """
        found = self._sidecars.of(photo)
        names = {folded(place_for_new(photo)), folded(short_place_for_new(photo))}
        alone = [(one.path, beside(one.path, photo, place)) for one in found if not one.others]
        main = next((pair for pair in alone if folded(pair[0]) in names), None)
        shared = next(((one.path, _place_of_sidecar(place)) for one in found if one.others), None)
        return main or shared, [pair for pair in alone if pair is not main]

    def _place(self, photo: Path) -> Path:
        """Where the photo's copy belongs; of two names that many file systems take as one, the second is numbered.

        Numbers follow the order of the calls, not what is on the disk: so the same photos get the same places again.
        """
        below = next(
            (below / photo.relative_to(root) for root, below in self._roots if photo.is_relative_to(root)),
            Path(photo.name),  # it was moved meanwhile
        )
        number, candidate = 1, below
        while folded(candidate) in self._taken:
            number += 1
            candidate = numbered(below, number)
        self._taken.add(folded(candidate))
        return self._into / candidate


def _roots(sources: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Each source's folder and its name below the folder of the copies; the innermost first.

    The name is the path from the folder that all of them share, or their own name if they are on several drives.
    """
    folders = {source.absolute() if source.is_dir() else source.absolute().parent for source in sources}
    try:
        shared = Path(os.path.commonpath(folders))
    except ValueError:
        shared = None
    return [
        (folder, Path(folder.name) if shared is None else folder.relative_to(shared))
        for folder in sorted(folders, key=lambda folder: -len(folder.parts))
    ]


def _place_of_sidecar(place: Path) -> Path:
    """`a.jpg.xmp`, or `a.xmp` if that name would be too long."""
    new = place_for_new(place)
    return short_place_for_new(place) if is_too_long(new) else new


def _content(photo: Path) -> bytes | None:
    """The content of a file that can hold a packet; None for any other file. Raises OSError."""
    with open_regular(photo) as file:
        beginning = file.read(SIGNATURE)
        return beginning + file.read() if takes(beginning) else None


def _digest(photo: Path, content: bytes | None) -> str:
    if content is None:
        return content_digest(photo)
    digest = new_digest()
    digest.update(content)
    return digest.hexdigest()


def _merged(sidecar: Path, keywords: tuple[str, ...]) -> bytes:
    try:
        return merged(read_sidecar(sidecar), keywords)
    except XmpError as error:
        raise CopyError(f"{sidecar}: this sidecar cannot be changed ({error}); the photo is not copied") from error


def _put(content: bytes, place: Path, like: Path) -> bool:
    return _unless_there(
        place,
        lambda: place.read_bytes() == content,
        lambda: write_new(place, lambda file: file.write(content), like),
    )


def _copy(photo: Path, place: Path) -> bool:
    return _unless_there(place, lambda: filecmp.cmp(photo, place, shallow=False), lambda: copy_new(photo, place))


def _unless_there(place: Path, same: Callable[[], bool], write: Callable[[], object]) -> bool:
    """Write, unless the same file exists; whether it was written. Raises CopyError if another file exists, OSError."""
    if os.path.lexists(place):
        if place.is_file() and same():
            return False
        raise CopyError(f"{place}: another file is there; left as it is")
    write()
    return True
