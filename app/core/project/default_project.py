"""Projects that nobody has named yet, and identifications made outside of runs: nothing is ever unsaved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

from app.core.project import scanned_folders
from app.core.project.project import SUFFIX, Project
from app.core.project.records import FoundFile, Outcome
from app.core.recognition.identifier import Identification
from model.contract.bundle import BundleInfo


def unsaved_name(folder: Path, now: datetime) -> Path:
    """A name for a new project that nobody has named yet: `unsaved 2026-03-05 14.07.marque`, or a free name like it."""
    stem = f"unsaved {now:%Y-%m-%d %H.%M}"
    for number in count(1):
        path = folder / (f"{stem}{SUFFIX}" if number == 1 else f"{stem} ({number}){SUFFIX}")
        if not path.exists():
            return path
    raise AssertionError("count never ends")


def is_unsaved(path: Path, folder: Path) -> bool:
    """Whether a project is in the folder of unnamed ones."""
    return path.parent == folder and path.name.startswith("unsaved ")


def record(project: Project, info: BundleInfo, opened: Sequence[Path], found: Sequence[Identification]) -> list[int]:
    """Keep identifications that were made outside a run over the project; the numbers of their images.

    Pictures without a file are skipped.

    Args:
        project: takes them.
        info: of the identification model that made them.
        opened: files and folders that the person opened, which become sources.
        found: the identifications.

    Raises:
        ProjectError: if the project cannot be written; what was stored stays.
    """
    if info.fingerprint not in (model.fingerprint for model in project.models.all()):
        project.models.keep(info)
    sources = {place: project.sources.add(place) for place in opened}
    there: dict[Path, Identification] = {}
    files: dict[int, list[FoundFile]] = {}
    for one in found:
        if one.path is None:
            continue
        try:
            file = FoundFile.of(one.path)
        except OSError:
            continue  # it went away after it was identified
        source = next((number for place, number in sources.items() if file.path.is_relative_to(place)), None)
        files.setdefault(project.sources.add(file.path) if source is None else source, []).append(file)
        there[file.path] = one
    scanned_folders.remember(project, [*opened, *there])
    for number, some in files.items():
        project.images.add(number, some)
    images = {project.images.at(path): one for path, one in there.items()}
    project.predictions.store(
        info.fingerprint,
        [Outcome(image, None, one.evidence, one.embedding, one.error) for image, one in images.items()],
    )
    return list(images)
