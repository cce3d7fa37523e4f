"""Write the answers of a project for other programs: a table, Excel, JSON lines, COCO, training data."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from app.cli.reports import Fact, Report, Warnings
from app.cli.terminal import UsageError, as_typed, interruptible
from app.cli.trusting import add_trust_argument, is_trusted
from app.core.export.copies import Copies, CopyError
from app.core.export.exporters import EXPORTERS, AwayError, export
from app.core.metadata.sidecars import Sidecars
from app.core.metadata.xmp import keywords
from app.core.metadata.xmp_sidecar import SidecarError, write_sidecar
from app.core.project.photo_state import ChangedPhotoError, check_unchanged
from app.core.project.project import Project
from app.core.project.project_lock import only_writer
from app.core.project.records import KnownModel
from app.core.project.results import PhotoResult, not_identified, results
from model.system.outputs import Output
from model.system.wording import counted, first_of

_SIDECARS, _COPIES = "xmp", "xmp-copies"
_TABLE, _FOR_SPREADSHEET = "csv", "csv-for-spreadsheet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque export`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    named = {name: one for name, one in EXPORTERS.items() if name != _FOR_SPREADSHEET}
    formats = ", ".join(f"{name} ({one.words})" for name, one in named.items())
    parser.add_argument(
        "--format",
        choices=[*named, _SIDECARS, _COPIES],
        required=True,
        help=f"{formats}, {_SIDECARS} (keywords in a sidecar beside each photo), {_COPIES} (copies of the labelled "
        "photos with the keywords inside)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help=f"the file to write (default: beside the project); with {_COPIES}: the folder, which is required",
    )
    add_trust_argument(parser)
    parser.add_argument("--force", action="store_true", help="replace an existing file that Marque did not write")
    parser.add_argument(
        "--for-spreadsheet",
        action="store_true",
        help=f"with --format {_TABLE}: put an apostrophe before values that a spreadsheet would read as formulas",
    )


def run(options: argparse.Namespace, report: Report) -> int:
    """Write one file, sidecars or copies; 0, 1 if something was left out or left as it is, 130 after Ctrl-C."""
    if options.for_spreadsheet and options.format != _TABLE:
        raise UsageError(f"--for-spreadsheet works only with --format {_TABLE}")
    if options.format == _SIDECARS:
        return _sidecars(options, report)
    if options.format == _COPIES:
        return _copies(options, report)
    return _file(options, report)


def _file(options: argparse.Namespace, report: Report) -> int:
    kind = options.format
    if options.for_spreadsheet:
        kind = _FOR_SPREADSHEET
    exporter = EXPORTERS[kind]
    # before the project is opened, which may take a while
    output = Output(
        options.out or exporter.place(options.project), exporter.kind, inputs=[options.project], force=options.force
    )
    with _open(options, report) as project:
        model = _last_model(project)
        try:
            done = export(results(project, model), output, model, kind)
        except AwayError as error:
            report.ended(error)
            return 1
        for problem in first_of(done.problems):
            report.warning(problem)
        _tell_waiting(done.waiting, project, report)
    sentence = f"{exporter.words}: {done.written.place}; {counted(done.photos, 'photo')}"
    report.done(
        [": ".join(filter(None, (sentence, done.note)))],
        {
            "format": options.format,
            "out": str(done.written.place),
            "photos": done.photos,
            "not_identified": done.waiting,
            "problems": len(done.problems),
        },
    )
    return 1 if done.problems else 0


def _open(options: argparse.Namespace, report: Report) -> Project:
    project = Project.open(options.project, to_read=True)
    if project.note:
        report.warning(f"{options.project}: {project.note}")
    return project


def _tell_waiting(count: int, project: Project, report: Report) -> None:
    if count:
        # whichever folder is named, a run searches all places of the project
        place = min((place for _, place, _ in project.sources.all()), key=lambda one: not one.exists(), default="PATH")
        report.warning(not_identified(count, as_typed("marque", "identify", place, "--project", project.path)))


def _last_model(project: Project) -> KnownModel:
    models = project.models.all()
    if not models:
        raise UsageError(f"{project.path}: nothing has been identified in this project yet")
    return models[0]


def _sidecars(options: argparse.Namespace, report: Report) -> int:
    if options.out is not None:
        raise UsageError("--format xmp writes beside each photo; leave out --out")
    written, waiting, problems = 0, 0, Warnings(report)
    with (
        _open(options, report) as project,
        nullcontext() if project.read_only else only_writer(options.project, "marque export"),
        report.running("writing sidecars") as advance,
    ):
        if not is_trusted(project, options.trust, report):
            return 1
        model, sidecars = _last_model(project), Sidecars()
        total = project.images.counts(model.fingerprint).total
        for done, result in enumerate(results(project, model), 1):
            path = keywords(result.answer)
            waiting += result.waits
            if not result.excluded and (path or result.image.error is None):
                try:
                    check_unchanged(result.image)
                    written += write_sidecar(result.image.path, path, sidecars) is not None
                except (SidecarError, ChangedPhotoError) as error:
                    problems.add(str(error))
            advance(done, total)
        problems.end()
        _tell_waiting(waiting, project, report)
    report.done(
        [f"{counted(written, 'sidecar')} written, {problems.count} left as they are"],
        {"format": _SIDECARS, "written": written, "not_identified": waiting, "problems": problems.count},
    )
    return 1 if problems.count else 0


def _copies(options: argparse.Namespace, report: Report) -> int:
    if options.out is None:
        raise UsageError(f"--format {_COPIES} needs a folder for the copies: --out DIR")
    counts: Counter[str] = Counter(dict.fromkeys(("copied", "known", "unlabelled", "problems"), 0))
    in_sidecars: Counter[str] = Counter()
    waiting, problems = 0, Warnings(report)
    with _open(options, report) as project, interruptible() as interrupted:
        if not is_trusted(project, options.trust, report):
            return 1
        model = _last_model(project)
        copies = Copies([place for _, place, _ in project.sources.all()], options.out)
        total = project.images.counts(model.fingerprint).total
        with report.running("copying") as advance:
            for done, result in enumerate(results(project, model), 1):
                if interrupted():
                    break
                waiting += result.waits
                try:
                    counts.update([_copy(copies, result, in_sidecars)])
                except CopyError as error:
                    counts.update(["problems"])
                    problems.add(str(error))
                advance(done, total)
        problems.end()
        _tell_waiting(waiting, project, report)
        sentences = [
            f"keywords in a sidecar beside the copy, for {counted(count, 'photo')}: {reason}"
            for reason, count in in_sidecars.items()
        ]
        sentences.append(
            f"{options.out}: {counted(counts['copied'], 'photo')} copied, {counts['known']} there already, "
            f"{counts['unlabelled']} without a label, {counts['problems']} left out"
        )
        stopped = interrupted()
        if stopped:
            sentences.append("interrupted; the same command continues")
        common: dict[str, Fact] = {"format": _COPIES, "out": str(options.out), "interrupted": stopped}
        report.done(sentences, {**common, **counts, "not_identified": waiting})
        if stopped:
            return 130
    return 1 if counts["problems"] else 0


def _copy(copies: Copies, result: PhotoResult, in_sidecars: Counter[str]) -> str:
    """Copy one photo; the name under which it is counted. Raises CopyError."""
    path = keywords(result.answer)
    if result.excluded or not path:
        return "unlabelled"
    copy = copies.make(result.image, path)
    in_sidecars.update([copy.sidecar] if copy.sidecar else [])
    return "copied" if copy.new else "known"
