"""Which folders a person has scanned into a project on this computer, in the user's own data folder.

The paths of a project are in its file, and a file can come from anywhere. Before a project's paths make Marque write
beside photos or copy them, their folders must be known here, or the person must confirm them. A record is named by the
SHA-256 of a path.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.system.local_records import SCANNED, LocalRecords
from app.core.system.paths import tidy

if TYPE_CHECKING:  # a copy takes over what is known here
    from app.core.project.project import Project

_records = LocalRecords(SCANNED)
_log = logging.getLogger(__name__)


def remember(project: Project, places: Iterable[Path]) -> None:
    """Remember folders or photos that the person has named; if that cannot be written, the person is asked later."""
    named = {tidy(place) for place in places}
    try:
        # a folder stands for everything in it
        _records.keep(project.id, [_name(place) for place in named if named.isdisjoint(place.parents)])
    except OSError as error:
        _log.warning("the list of scanned folders cannot be written: %s", error)


def unknown(project: Project) -> list[Path]:
    """The folders of a project's photos that are outside every folder scanned here, in order. Raises ProjectError."""
    known: set[str] = set()
    with suppress(OSError):  # nothing was ever remembered
        known = _records.names(project.id)
    by_folder: dict[Path, list[Path]] = {}
    for _, path, _ in project.images.places():
        place = Path(os.fsdecode(path))
        by_folder.setdefault(place.parent, []).append(place)
    return sorted(
        folder
        for folder, places in by_folder.items()
        if not _is_below(folder, known) and not all(_name(place) in known for place in places)
    )


def trust(project: Project) -> None:
    """The person confirms all folders of a project."""
    remember(project, unknown(project))


def carry_over(project: str, copy: str) -> None:
    """What is known of a project also holds for a copy that this program has made."""
    with suppress(OSError):
        _records.carry_over(project, copy)


def _is_below(folder: Path, known: set[str]) -> bool:
    if ".." in folder.parts:
        return False  # it does not lead where the text says
    return any(_name(one) in known for one in (folder, *folder.parents))


def _name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()
