"""Photos identified into a project, and the commands that file them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.cli import main
from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_project
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier

FINE = "Rossa 2010"
Identify = Callable[..., None]


def scan(place: Path, folder: Path, engine: Engine) -> None:
    with Project.open(place) if place.exists() else Project.create(place) as project:
        project.sources.add(folder)
        scanned_folders.remember(project, [folder])
        list(run_project(project, LocalRunner(Identifier(engine, None))))


def tree(folder: Path) -> set[str]:
    """Every file and (with a slash) every folder in it."""
    return {place.relative_to(folder).as_posix() + ("/" if place.is_dir() else "") for place in folder.rglob("*")}


def file(place: Path, into: Path, *more: str) -> int:
    return main(["file", str(place), "--into", str(into), "--pattern", "{type}/{name}", *more])


def undo(place: Path, *more: str) -> int:
    return main(["undo", str(place), *more])
