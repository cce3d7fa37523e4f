"""`--trust`: the person vouches for the folders and files that a project from elsewhere names."""

from __future__ import annotations

import argparse

from app.cli.reports import Report
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.system.local_records import perhaps_lost
from model.system.wording import LISTED


def add_trust_argument(parser: argparse.ArgumentParser) -> None:
    """`--trust`."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="trust the folders and files that the project names, even if it is from elsewhere; look at the list first",
    )


def is_trusted(project: Project, trust: bool, report: Report) -> bool:
    """Whether the photos of a project may be copied, or files written beside them; says why not.

    Args:
        trust: the person has given `--trust`.
    """
    folders = scanned_folders.unknown(project)
    if trust:
        scanned_folders.remember(project, folders)
        return True
    if not folders:
        return True
    report.warning(
        f"{project.path}: nothing was done: its photos are in folders that were not scanned into it on this computer"
        f"{perhaps_lost()}"
    )
    for folder in folders[:LISTED]:
        report.tell("unknown_folder", [f"  {folder}"], {"folder": str(folder)})
    if len(folders) > LISTED:
        report.warning(f"and {len(folders) - LISTED:,} more folders")
    report.warning("look at them; if they are right, repeat the command with --trust")
    return False
