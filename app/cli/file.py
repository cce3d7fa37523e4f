"""File the photos of a project into folders by their labels: copy, or move; `marque undo` takes it back."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.reports import Report
from app.cli.terminal import UsageError, interruptible
from app.core.filing import FIELDS, PATTERN, Filing, plan, shown
from app.core.project import Project
from app.core.project_lock import only_writer
from app.core.results import results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque file`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="the folder to file into")
    fields = ", ".join(f"{{{name}}}" for name in FIELDS)
    parser.add_argument("--pattern", default=PATTERN, help=f"place below it, of {fields} (default: {PATTERN})")
    parser.add_argument("--move", action="store_true", help="move the photos instead of copying them")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")


def run(options: argparse.Namespace, report: Report) -> int:
    """File everything with a label; 0, 1 where a file had to be left as it is, 130 after Ctrl-C."""
    with (
        Project.open(options.project) as project,
        only_writer(options.project, "marque file"),
        interruptible() as interrupted,
    ):
        filing = Filing(project)
        for words in filing.settle():
            report.warning(words)
        models = project.models()
        if not models:
            raise UsageError(f"{options.project}: nothing was identified in this project yet")
        wanted = plan(results(project, models[0]), options.into, options.pattern)
        if options.dry_run:
            for line, facts in shown(wanted, options.into):
                report.show("step", line, facts)
            report.done(
                [f"{len(wanted.steps)} photos would be filed, {len(wanted.left)} stay"],
                {"would_file": len(wanted.steps), "stay": len(wanted.left)},
            )
            return 0
        action = filing.begin(wanted, move=options.move)
        if action is None:
            report.done([f"nothing to file; {len(wanted.left)} photos stay"], {"filed": 0, "stay": len(wanted.left)})
            return 0
        total = len(wanted.steps)
        with report.running("filing") as advance:
            problems = filing.carry_out(action, lambda done: advance(done, total), interrupted)
        for problem in problems:
            report.warning(problem)
        sentences = [
            f"{action.title} into {options.into}: {len(problems)} left as they are; take back with: marque undo"
        ]
        if interrupted():
            sentences.append("interrupted; the same command goes on, and marque undo takes back what was done")
        report.done(
            sentences,
            {
                "interrupted": interrupted(),
                "step": action.title,
                "into": str(options.into),
                "problems": len(problems),
                "stay": len(wanted.left),
            },
        )
        if interrupted():
            return 130
        return 1 if problems else 0
