"""Take back the last step of a project, labels or files, or do it again."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.terminal import complain
from app.core.filing import Filing
from app.core.journal import Journal
from app.core.project import Project
from app.core.project_lock import only_writer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque undo`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    parser.add_argument("--redo", action="store_true", help="do again what was taken back last")


def run(options: argparse.Namespace) -> int:
    """Take back one step; 0, also where there is none, or 1 where a file had to be left as it is."""
    word = "done again" if options.redo else "taken back"
    with Project.open(options.project) as project, only_writer(options.project, "marque undo"):
        for words in Filing(project).settle():
            complain(f"marque: {words}")
        turned = Journal(project).redo() if options.redo else Journal(project).undo()
    if turned is None:
        complain(f"nothing to be {word}")
        return 0
    for problem in turned.problems:
        complain(f"marque: {problem}")
    if turned.stays:
        complain(f"not {word}: {turned.action.title}; when its files are there again, marque undo takes it back")
    else:
        complain(f"{word}: {turned.action.title}")
    return 1 if turned.problems else 0
