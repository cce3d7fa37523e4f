"""Copies of a project's photos with their labels as keywords inside; the photos themselves stay as they are.

A copy lies in the new folder as its photo does in the sources. No pixel is encoded again. What the file cannot hold
goes into a sidecar beside the copy. Nothing is overwritten: a copy that lies there already and would be the same is
taken as done, so that the same call goes on where another was cut off.
"""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.packet import SIGNATURE, PacketError, read_packet, takes, with_packet
from app.core.paths import tidy
from app.core.placing import copy_new, write_new
from app.core.sidecars import Sidecars, place_for_new
from app.core.xmp import XmpError, merged
from model.errors import MarqueError


class CopyError(MarqueError):
    """A folder that cannot be used, or a photo that was not copied; the message names it and says why."""


@dataclass(frozen=True)
class Copy:
    """A copy. sidecar: why its keywords lie in a sidecar beside it, or ""; new: False where it was there already."""

    place: Path
    sidecar: str
    new: bool


class Copies:
    """Makes the copies of one project in one folder."""

    def __init__(self, sources: Sequence[Path], into: Path) -> None:
        """For a folder that need not exist yet.

        Args:
            sources: folders and files that the project's images come from.

        Raises:
            CopyError: if the folder is no folder, or lies in a source, where copies would be taken for new photos.
        """
        self._into = tidy(into)
        if os.path.lexists(into) and not into.is_dir():
            raise CopyError(f"{into}: this is a file; name a folder")
        for source in sources:
            if source.is_dir() and into.resolve().is_relative_to(source.resolve()):
                raise CopyError(
                    f"{into}: lies in {source}, where the copies would be taken for new photos; name a folder elsewhere"
                )
        self._roots = _roots(sources)
        self._taken: set[str] = set()
        self._sidecars = Sidecars()

    def make(self, photo: Path, keywords: tuple[str, ...]) -> Copy:
        """Copy a photo, with the keywords of its label (of `xmp.keywords`) added to those that it holds.

        Raises:
            CopyError: if the photo cannot be read, the copy cannot be written, or another file is in its place.
        """
        place = self._place(photo)
        try:
            content, reason = _labelled(photo, keywords)
            if content is not None:
                return Copy(place, "", _put(content, place, photo))
            try:
                beside = next((one.path for one in self._sidecars.of(photo)), place_for_new(photo))
                sidecar = merged(beside.read_bytes() if beside.is_file() else None, keywords)
            except XmpError as error:
                raise CopyError(f"{beside}: this is no XMP sidecar, or it is damaged ({error}); not copied") from error
            new = _put(sidecar, place.with_name(f"{place.name}.xmp"), photo)
            return Copy(place, reason, _copy(photo, place) or new)
        except OSError as error:
            raise CopyError(f"{photo}: cannot be copied to {place} ({error.strerror})") from error

    def _place(self, photo: Path) -> Path:
        """Where the photo's copy belongs; of two that differ in upper and lower case at most, the second is numbered.

        Numbers follow the order of the calls, not what is on the disk: the same photos get the same places again.
        """
        below = next(
            (below / photo.relative_to(root) for root, below in self._roots if photo.is_relative_to(root)),
            Path(photo.name),  # it was moved since
        )
        number, candidate = 1, below
        while str(candidate).casefold() in self._taken:
            number += 1
            candidate = below.with_name(f"{below.stem} ({number}){below.suffix}")
        self._taken.add(str(candidate).casefold())
        return self._into / candidate


def _roots(sources: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Each source's folder and what stands for it below the folder of the copies; the innermost first.

    It is the way from the folder that all of them share, or their name where they lie on several drives.
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


def _labelled(photo: Path, keywords: tuple[str, ...]) -> tuple[bytes | None, str]:
    """The photo's file with the keywords in it; or None and why it cannot hold them. Raises OSError."""
    with photo.open("rb") as file:
        if not takes(file.read(SIGNATURE)):
            return None, "only JPEG and PNG files take them inside"
        file.seek(0)
        content = file.read()
    try:
        return with_packet(content, merged(read_packet(content), keywords)), ""
    except PacketError as error:
        return None, str(error)
    except XmpError:
        return None, "its own XMP is damaged, and stays as it is"


def _put(content: bytes, place: Path, like: Path) -> bool:
    return _unless_there(
        place,
        lambda: place.read_bytes() == content,
        lambda: write_new(place, lambda file: file.write(content), like),
    )


def _copy(photo: Path, place: Path) -> bool:
    return _unless_there(place, lambda: filecmp.cmp(photo, place, shallow=False), lambda: copy_new(photo, place))


def _unless_there(place: Path, same: Callable[[], bool], write: Callable[[], object]) -> bool:
    """Write, unless the same is there; whether it was written. Raises CopyError where another is, OSError."""
    if os.path.lexists(place):
        if place.is_file() and same():
            return False
        raise CopyError(f"{place}: another file is there; left as it is")
    write()
    return True
