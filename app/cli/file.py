"""File the photos of a project into folders by their labels: copy, or move; `marque undo` takes it back."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.terminal import UsageError, complain, interruptible, progress_bar, say
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


def run(options: argparse.Namespace) -> int:
    """File everything with a label; 0, 1 where a file had to be left as it is, 130 after Ctrl-C."""
    with (
        Project.open(options.project) as project,
        only_writer(options.project, "marque file"),
        interruptible() as interrupted,
    ):
        filing = Filing(project)
        for words in filing.settle():
            complain(f"marque: {words}")
        models = project.models()
        if not models:
            raise UsageError(f"{options.project}: nothing was identified in this project yet")
        wanted = plan(results(project, models[0]), options.into, options.pattern)
        if options.dry_run:
            for line in shown(wanted, options.into):
                say(line)
            complain(f"{len(wanted.steps)} photos would be filed, {len(wanted.left)} stay")
            return 0
        action = filing.begin(wanted, move=options.move)
        if action is None:
            complain(f"nothing to file; {len(wanted.left)} photos stay")
            return 0
        with progress_bar() as progress:
            task = progress.add_task("filing", total=len(wanted.steps))
            problems = filing.carry_out(action, lambda done: progress.update(task, completed=done), interrupted)
        for problem in problems:
            complain(f"marque: {problem}")
        complain(f"{action.title} into {options.into}: {len(problems)} left as they are; take back with: marque undo")
        if interrupted():
            complain("interrupted; the same command goes on, and marque undo takes back what was done")
            return 130
        return 1 if problems else 0
