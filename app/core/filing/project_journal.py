"""The journal of a project with every kind of step."""

from __future__ import annotations

from app.core.filing.filing import Filing
from app.core.project.journal import Journal
from app.core.project.journal_steps import StepKind
from app.core.project.project import Project


def journal_of(project: Project) -> Journal:
    """Undo and redo of a project: labels, and files."""
    return Journal(project, {StepKind.LABELS: project.labels, StepKind.FILES: Filing(project)})
