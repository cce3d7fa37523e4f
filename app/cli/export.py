"""Write the answers of a project for other programs: a table, Excel, JSON lines, COCO, training data."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from app.cli.terminal import UsageError, complain, interruptible, progress_bar
from app.core.copies import Copies, CopyError
from app.core.exporters import EXPORTERS, export
from app.core.project import Project
from app.core.project_lock import only_writer
from app.core.project_records import KnownModel
from app.core.results import results
from app.core.sidecars import Sidecars
from app.core.xmp import SidecarError, keywords, write_sidecar

_SIDECARS, _COPIES = "xmp", "xmp-copies"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque export`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    formats = ", ".join(f"{name} ({one.words})" for name, one in EXPORTERS.items())
    parser.add_argument(
        "--format",
        choices=[*EXPORTERS, _SIDECARS, _COPIES],
        required=True,
        help=f"{formats}, {_SIDECARS} (keywords in a sidecar beside each photo), {_COPIES} (copies of the labelled "
        "photos with the keywords inside)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help=f"the file to write (default: beside the project); for {_COPIES} the folder, which must be named",
    )


def run(options: argparse.Namespace) -> int:
    """Write one file, sidecars or copies; 0, 1 where a file had to be left as it is, 130 after Ctrl-C."""
    if options.format == _SIDECARS:
        return _sidecars(options)
    if options.format == _COPIES:
        return _copies(options)
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
    with (
        Project.open(options.project) as project,
        only_writer(options.project, "marque export"),
        progress_bar() as progress,
    ):
        model, sidecars = _last_model(project), Sidecars()
        task = progress.add_task("writing sidecars", total=project.counts(model.fingerprint).total)
        for result in results(project, model):
            if not result.excluded and result.image.error is None:
                try:
                    written += write_sidecar(result.image.path, keywords(result.answer), sidecars) is not None
                except SidecarError as error:
                    problems += 1
                    complain(f"marque: {error}")
            progress.advance(task)
    complain(f"{written} sidecars written, {problems} left as they are")
    return 1 if problems else 0


def _copies(options: argparse.Namespace) -> int:
    if options.out is None:
        raise UsageError(f"--format {_COPIES} needs a folder for the copies: --out DIR")
    new = known = problems = unlabelled = 0
    in_sidecars: Counter[str] = Counter()
    with Project.open(options.project) as project, interruptible() as interrupted, progress_bar() as progress:
        model = _last_model(project)
        copies = Copies([place for _, place, _ in project.sources()], options.out)
        task = progress.add_task("copying", total=project.counts(model.fingerprint).total)
        for result in results(project, model):
            if interrupted():
                break
            path = keywords(result.answer)
            if result.excluded or result.image.error is not None or not path:
                unlabelled += 1
            else:
                try:
                    copy = copies.make(result.image.path, path)
                    new, known = new + copy.new, known + (not copy.new)
                    in_sidecars.update([copy.sidecar] if copy.sidecar else [])
                except CopyError as error:
                    problems += 1
                    complain(f"marque: {error}")
            progress.advance(task)
    for reason, count in in_sidecars.items():
        complain(f"{count} of the copies have their keywords in a sidecar beside them: {reason}")
    complain(
        f"{options.out}: {new} photos copied, {known} there already, {unlabelled} without a label, {problems} left out"
    )
    if interrupted():
        complain("interrupted; the same command goes on")
        return 130
    return 1 if problems else 0
