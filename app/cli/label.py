"""Import corrections from a table into a project, as one step that can be undone."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.reports import Report
from app.cli.terminal import as_typed
from app.core.export.corrections import corrections
from app.core.project.project import Project
from model.system.wording import counted, first_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque label`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    parser.add_argument(
        "--from",
        dest="table",
        type=Path,
        required=True,
        metavar="TABLE",
        help="CSV with the columns file (or path), coarse, fine and optionally verdict (unknown, excluded, none); "
        "of a table that Marque exported only the changes count",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be set, and change nothing")


def run(options: argparse.Namespace, report: Report) -> int:
    """Set the labels; 0, or 1 if rows could not be used."""
    with Project.open(options.project) as project:
        found = corrections(project, options.table)
        if not options.dry_run:
            found.apply(project, options.table)
    for problem in first_of(found.problems):
        report.warning(problem)
    removed = sum(label is None for label in found.labels.values())
    facts = {
        "set": len(found.labels) - removed,
        "removed": removed,
        "unchanged": found.unchanged,
        "problems": len(found.problems),
        "dry_run": options.dry_run,
    }
    verb = "would be " if options.dry_run else ""
    sentence = (
        f"{counted(len(found.labels) - removed, 'label')} {verb}set, {removed:,} {verb}removed, "
        f"{counted(found.unchanged, 'row')} unchanged, {counted(len(found.problems), 'row')} left out"
    )
    if found.labels and not options.dry_run:
        sentence += f"; undo with: {as_typed('marque', 'undo', options.project)}"
    report.done([sentence], facts)
    return 1 if found.problems else 0
