"""Write the answers of a project for other programs: a table, JSON lines, COCO, training data."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.terminal import UsageError, complain
from app.core.exporters import EXPORTERS, export
from app.core.project import Project
from app.core.results import results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque export`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    formats = ", ".join(f"{name} ({one.words})" for name, one in EXPORTERS.items())
    parser.add_argument("--format", choices=list(EXPORTERS), required=True, help=formats)
    parser.add_argument("--out", type=Path, metavar="PATH", help="the file to write (default: beside the project)")


def run(options: argparse.Namespace) -> int:
    """Write one file; 0."""
    out = options.out or options.project.with_suffix(EXPORTERS[options.format].suffix)
    with Project.open(options.project) as project:
        models = project.models()
        if not models:
            raise UsageError(f"{options.project}: nothing was identified in this project yet")
        export(results(project, models[0]), out, models[0], options.format)
    complain(f"{EXPORTERS[options.format].words}: {out}")
    return 0
