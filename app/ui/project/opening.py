"""Opens or makes a project, and finishes what a program left unfinished; on a worker thread."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.core.filing.filing import Filing, UnknownStepError
from app.core.project.project import Project
from app.core.project.project_lock import ProjectBusyError, only_writer
from app.core.project.records import KnownModel
from app.core.project.schema import Alone
from app.ui.background.waits import PROGRAM


@dataclass(frozen=True)
class Opened:
    """A project that is open.

    Attributes: models: those that have predicted. said: what the person should know, one sentence each. unknown:
        unfinished steps that were not begun on this computer.
    """

    project: Project
    models: list[KnownModel]
    said: list[str] = field(default_factory=list)
    unknown: list[UnknownStepError] = field(default_factory=list)


def open_project(path: Path, alone: Alone, *, create: bool) -> Opened:
    """Open or make a project.

    Args:
        alone: holds its lock during an update.

    Raises:
        MarqueError: if it cannot be used.
    """
    project = Project.create(path) if create else Project.open(path, sound=False, to_read=True, alone=alone)
    try:
        found = Opened(project, project.models.all())
        if project.read_only:
            note = f"; {project.note}" if project.note else ""
            found.said.append(f"{path}: this project can be viewed and exported here, but not changed{note}")
        else:
            with suppress(ProjectBusyError), only_writer(path, PROGRAM):  # otherwise nothing was left unfinished
                filing = Filing(project)
                found.said.extend(filing.settle())
                found.unknown.extend(filing.unknown())
    except BaseException:
        project.close()
        raise
    return found
