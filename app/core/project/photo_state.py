"""Whether a photo is still the file that was identified; asked right before acting on an answer."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from app.core.project.records import REPLACED, ProjectImage, modified
from app.core.system.content_digest import content_digest
from model.system.errors import MarqueError


class PhotoState(StrEnum):
    """The state of a photo's file since it was identified."""

    SAME = "same"
    CHANGED = "changed"
    AWAY = "away"
    """It is gone, or its drive is."""


CHANGED = "has changed since it was identified; identify it again"
"""The reason for a photo that was replaced by another file."""


class ChangedPhotoError(MarqueError):
    """A photo is no longer the one that was identified, or is gone; the message names it.

    Attributes:
        reason: the message without the photo.
        changed: whether another file is there, which can be identified.
    """

    def __init__(self, path: Path, reason: str, *, changed: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason, self.changed = reason, changed


def check_unchanged(image: ProjectImage) -> None:
    """Make sure that a photo's file is as it was when it was identified.

    Size and time decide, as in a scan; if they differ the content decides, as only the time may have changed, or the
    file came from a backup.

    Raises:
        ChangedPhotoError: if the file is another one, is gone or cannot be read, now or when it was identified.
    """
    if image.error is not None:
        raise ChangedPhotoError(image.path, image.error)
    try:
        same = _is_same(image, image.path.stat())
    except OSError as error:
        raise ChangedPhotoError(image.path, f"cannot be read ({error.strerror})") from error
    if not same:
        raise ChangedPhotoError(image.path, CHANGED, changed=True)


def state_of(image: ProjectImage) -> PhotoState:
    """The state of the file of an identified image, as `check_unchanged` judges."""
    try:
        found = image.path.stat()
    except OSError:
        return PhotoState.AWAY
    with suppress(OSError):  # what cannot be compared counts as changed
        if _is_same(image, found):
            return PhotoState.SAME
    return PhotoState.CHANGED


def _is_same(image: ProjectImage, found: os.stat_result) -> bool:
    if image.digest == REPLACED:
        return False
    if (found.st_size, modified(found)) == (image.size, image.modified):
        return True
    return found.st_size == image.size and image.digest is not None and content_digest(image.path) == image.digest
