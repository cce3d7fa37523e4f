"""Take back the last step of a project, or do it again."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.terminal import complain
from app.core.labels import Labels
from app.core.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque undo`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    parser.add_argument("--redo", action="store_true", help="do again what was taken back last")


def run(options: argparse.Namespace) -> int:
    """Take back one step; 0, also where there is none."""
    with Project.open(options.project) as project:
        labels = Labels(project)
        step = labels.redo() if options.redo else labels.undo()
    word = "done again" if options.redo else "taken back"
    complain(f"nothing to be {word}" if step is None else f"{word}: {step.title} ({len(step.images)} images)")
    return 0
