"""Filings that a program left unfinished, and steps of projects from elsewhere: what commands say and ask."""

from __future__ import annotations

from app.cli.reports import Report
from app.core.filing.filing import Filing, UnknownStepError
from model.system.wording import LISTED


def settle(filing: Filing, report: Report, *, trust: bool) -> bool:
    """Finish what a program left unfinished; False if it is from elsewhere and not trusted: then it is listed.

    The caller must hold the project's lock.
    """
    unknown = filing.unknown()
    for step in unknown:
        if trust:
            filing.trust(step.action)
        else:
            tell_unknown(step, report)
    for words in filing.settle():
        report.warning(words)
    return trust or not unknown


def tell_unknown(step: UnknownStepError, report: Report) -> None:
    """Lists the files of a step, and how to continue."""
    report.warning(f"{step.message}; it is about these files:")
    for source, target in step.files[:LISTED]:
        line = f"{source} -> {target}"
        report.show("unknown", line, {"source": str(source), "target": str(target)})
    if len(step.files) > LISTED:
        report.warning(f"and {len(step.files) - LISTED:,} more")
    report.warning("if you know them and want them moved or removed, repeat the command with --trust")
