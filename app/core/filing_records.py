"""Which filings were begun on this computer, in the user's own data folder.

The journal of a project is a part of its file, and a file can come from anywhere. Before files are moved or removed
because a journal says so, its step must be found here. A record is an empty file: its folder is named by the project's
number, itself by the number of the step and the SHA-256 of its rows. So there is nothing in it to be read wrongly, and
it appears at once or not at all.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from model.errors import file_errors
from model.files import sync_folder
from model.user_folders import user_data_dir

_FOLDER = "filings"
_NUMBER, _DIGEST = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")


def keep(project: str, step: int, rows: str) -> None:
    """Remember a step of a project.

    Args:
        project: its number, `Project.id`.
        step: the step's number in the journal.
        rows: SHA-256 of its rows.

    Raises:
        FileError: if the data folder cannot be written.
    """
    with file_errors(_FOLDER):
        place = _place(project, step, rows)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        sync_folder(place.parent)


def knows(project: str, step: int, rows: str) -> bool:
    """Whether this step was begun on this computer with these rows. Raises FileError if that cannot be found out."""
    with file_errors(_FOLDER):
        return _place(project, step, rows).exists()


def carry_over(project: str, copy: str) -> None:
    """Let the steps of a project hold for a copy of it that this program has made; as far as they can be written."""
    with suppress(OSError):
        source, target = _folder(project), _folder(copy)
        names = [place.name for place in source.iterdir()]
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            (target / name).touch()


def _folder(project: str) -> Path:
    if not _NUMBER.fullmatch(project):
        raise ValueError(f"{project!r} is no number of a project")
    return user_data_dir() / _FOLDER / project


def _place(project: str, step: int, rows: str) -> Path:
    if not _DIGEST.fullmatch(rows):
        raise ValueError(f"{rows!r} is no SHA-256")
    return _folder(project) / f"{step}-{rows}"
