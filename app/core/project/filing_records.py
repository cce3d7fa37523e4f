"""Which filings were begun on this computer, in the user's own data folder.

The journal of a project is in its file, and a file can come from anywhere. Before a journal makes files move or go, its
step must be found here. A record is named by the number of the step and the SHA-256 of
its rows.
"""

from __future__ import annotations

import re
from contextlib import suppress

from app.core.system.local_records import FILINGS, LocalRecords
from model.system.errors import file_errors

_DIGEST = re.compile("[0-9a-f]{64}")
_records = LocalRecords(FILINGS)


def keep(project: str, step: int, rows: str) -> None:
    """Remember a step of a project.

    Args:
        project: its number, `Project.id`.
        step: the step's number in the journal.
        rows: SHA-256 of its rows.

    Raises:
        FileError: if the data folder cannot be written.
    """
    with file_errors(FILINGS):
        _records.keep(project, [_name(step, rows)])


def knows(project: str, step: int, rows: str) -> bool:
    """Whether this step was begun on this computer with these rows. Raises FileError if that cannot be read."""
    with file_errors(FILINGS):
        return _records.has(project, _name(step, rows))


def carry_over(project: str, copy: str) -> None:
    """Copy the records of a project for a copy of it that this program has made, as far as they can be written."""
    with suppress(OSError):
        _records.carry_over(project, copy)


def _name(step: int, rows: str) -> str:
    if not _DIGEST.fullmatch(rows):
        raise ValueError(f"{rows!r} is not a SHA-256")
    return f"{step}-{rows}"
