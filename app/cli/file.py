"""File the photos of a project into folders by their labels, as copies or moved; `marque undo` takes it back."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.reports import Report
from app.cli.settling import settle
from app.cli.terminal import UsageError, as_typed, interruptible
from app.cli.trusting import add_trust_argument, is_trusted
from app.core.filing.filing import Filing
from app.core.filing.filing_plan import FIELDS, PATTERN, FilingPlan, plan, shown, summary
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.project.project_lock import only_writer
from app.core.project.results import results
from model.system.wording import counted, first_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque file`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="the folder to file into")
    fields = ", ".join(f"{{{name}}}" for name in FIELDS)
    parser.add_argument("--pattern", default=PATTERN, help=f"place below it, made of {fields} (default: {PATTERN})")
    parser.add_argument("--move", action="store_true", help="move the photos instead of copying them")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    add_trust_argument(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    """File everything with a label; 0, 1 if a file had to be left as it is, 130 after Ctrl-C."""
    with Project.open(options.project) as project, only_writer(options.project, "marque file"):
        filing = Filing(project)
        if not settle(filing, report, trust=options.trust):
            return 1
        models = project.models.all()
        if not models:
            raise UsageError(f"{options.project}: nothing has been identified in this project yet")
        wanted = plan(results(project, models[0]), options.into, options.pattern)
        if options.move:
            wanted = wanted.for_move()
        if options.dry_run:
            _show(wanted, options, report)
            return 0
        if not is_trusted(project, options.trust, report):
            return 1
        scanned_folders.remember(project, [options.into])
        return _file(filing, wanted, options, report)


def _show(wanted: FilingPlan, options: argparse.Namespace, report: Report) -> None:
    for line, facts in shown(wanted, options.into, move=options.move):
        report.show("step", line, facts)
    counts = {"would_file": len(wanted.steps), "sidecars": len(wanted.sidecars), "stay": len(wanted.left)}
    report.done([f"{summary(wanted)}, {len(wanted.left):,} stay"], counts)


def _file(filing: Filing, wanted: FilingPlan, options: argparse.Namespace, report: Report) -> int:
    refused = wanted.refused
    for words in first_of(refused):
        report.warning(words)
    action = filing.begin(wanted, move=options.move)
    if action is None:
        report.done(
            [f"nothing to file; {counted(len(wanted.left), 'photo stays', 'photos stay')}"],
            {"filed": 0, "stay": len(wanted.left)},
        )
        return 1 if refused else 0
    total = len(wanted.steps)
    with report.running("filing") as advance, interruptible() as interrupted:
        problems = filing.carry_out(action, lambda done: advance(done, total), interrupted)
        stopped = interrupted()
    for problem in first_of(problems):
        report.warning(problem)
    filed = filing.standing(action)
    left = len(refused) + len(problems)
    undo = as_typed("marque", "undo", options.project)
    sentences = [
        f"{action.title} into {options.into}: {left:,} left as they are; undo with: {undo}"
        if filed
        else f"nothing was filed into {options.into}: {left:,} left as they are"
    ]
    sentences += [f"copied instead of moved: {words}" for words in first_of(wanted.copied if options.move else ())]
    if stopped:
        sentences.append(f"interrupted; the same command continues; what was done is undone with: {undo}")
    report.done(
        sentences,
        {
            "interrupted": stopped,
            "step": action.title if filed else None,
            "into": str(options.into),
            "filed": filed,
            "sidecars": len(wanted.sidecars),
            "problems": left,
            "stay": len(wanted.left),
        },
    )
    if stopped:
        return 130
    return 1 if left else 0
