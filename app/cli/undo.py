"""Undo the last step of a project, labels or files, or redo it."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.reports import Report
from app.cli.settling import settle, tell_unknown
from app.cli.terminal import as_typed
from app.cli.trusting import add_trust_argument
from app.core.filing.filing import Filing, UnknownStepError
from app.core.filing.project_journal import journal_of
from app.core.project.journal_steps import StepKind
from app.core.project.project import Project
from app.core.project.project_lock import only_writer
from model.system.wording import first_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `marque undo`."""
    parser.add_argument("project", type=Path, metavar="FILE.marque", help="the project")
    parser.add_argument("--redo", action="store_true", help="repeat the step that was undone last")
    add_trust_argument(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    """Undo one step; 0, also without a step, or 1 if a file had to be left as it is."""
    word = "redone" if options.redo else "undone"
    with Project.open(options.project) as project, only_writer(options.project, "marque undo"):
        filing, journal = Filing(project), journal_of(project)
        if not settle(filing, report, trust=options.trust):
            return 1
        step = journal.next_steps()[1 if options.redo else 0]
        if options.trust and step is not None and step.kind is StepKind.FILES:
            filing.trust(step)
        try:
            turned = journal.redo() if options.redo else journal.undo()
        except UnknownStepError as unknown:
            tell_unknown(unknown, report)
            return 1
    if turned is None:
        report.done([f"nothing to {'redo' if options.redo else 'undo'}"], {"step": None, "problems": 0})
        return 0
    for problem in first_of(turned.problems):
        report.warning(problem)
    sentence = f"{word}: {turned.action.title}"
    if turned.stays:
        command = as_typed("marque", "undo", options.project, *(["--redo"] if options.redo else []))
        sentence = f"not {sentence}; when its files are back, use: {command}"
    report.done([sentence], {"step": turned.action.title, "stays": turned.stays, "problems": len(turned.problems)})
    return 1 if turned.problems else 0
