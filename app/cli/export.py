"""Write the answers of a project for other programs: a table, Excel, JSON lines, COCO, training data."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.terminal import UsageError, complain, progress_bar
from app.core.exporters import EXPORTERS, export
from app.core.project import KnownModel, Project
from app.core.results import results
from app.core.xmp import SidecarError, keywords, write_sidecar

_SIDECARS = "xmp"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque export`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    formats = ", ".join(f"{name} ({one.words})" for name, one in EXPORTERS.items())
    parser.add_argument(
        "--format",
        choices=[*EXPORTERS, _SIDECARS],
        required=True,
        help=f"{formats}, {_SIDECARS} (keywords in a sidecar beside each photo)",
    )
    parser.add_argument("--out", type=Path, metavar="PATH", help="the file to write (default: beside the project)")


def run(options: argparse.Namespace) -> int:
    """Write one file, or a sidecar beside each photo; 0, or 1 where a sidecar had to be left as it is."""
    if options.format == _SIDECARS:
        return _sidecars(options)
    out = options.out or options.project.with_suffix(EXPORTERS[options.format].suffix)
    with Project.open(options.project) as project:
        model = _last_model(project)
        export(results(project, model), out, model, options.format)
    complain(f"{EXPORTERS[options.format].words}: {out}")
    return 0


def _last_model(project: Project) -> KnownModel:
    models = project.models()
    if not models:
        raise UsageError(f"{project.path}: nothing was identified in this project yet")
    return models[0]


def _sidecars(options: argparse.Namespace) -> int:
    if options.out is not None:
        raise UsageError("--format xmp writes beside each photo; leave --out away")
    written, problems = 0, 0
    with Project.open(options.project) as project, progress_bar() as progress:
        model = _last_model(project)
        task = progress.add_task("writing sidecars", total=len(project.images()))
        for result in results(project, model):
            if not result.excluded and result.image.error is None:
                try:
                    written += write_sidecar(result.image.path, keywords(result.answer)) is not None
                except SidecarError as error:
                    problems += 1
                    complain(f"marque: {error}")
            progress.advance(task)
    complain(f"{written} sidecars written, {problems} left as they are")
    return 1 if problems else 0
