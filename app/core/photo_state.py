"""Whether a photo is still the file that was identified; to be asked at the moment of acting on an answer."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from app.core.content_digest import content_digest
from app.core.project_records import FoundFile, ProjectImage
from model.errors import MarqueError


class State(StrEnum):
    """What has become of a photo's file since it was identified."""

    SAME = "same"
    CHANGED = "changed"
    AWAY = "away"
    """It is gone, or the drive that it is on is."""


class ChangedPhotoError(MarqueError):
    """A photo that is not the one that was identified any more, or is gone; the message names it."""


def check_unchanged(image: ProjectImage) -> None:
    """Make sure that a photo's file is as it was when it was identified.

    Size and time tell, as they do for a scan; where they differ the content does, as a file may have been touched or
    brought back from a backup.

    Raises:
        ChangedPhotoError: if the file is another one, is gone or cannot be read, now or when it was to be identified.
    """
    if image.error is not None:
        raise ChangedPhotoError(f"{image.path}: {image.error}")
    try:
        found = FoundFile.of(image.path)
        if (found.size, found.modified) == (image.size, image.modified):
            return
        if found.size == image.size and image.digest is not None and content_digest(image.path) == image.digest:
            return
    except OSError as error:
        raise ChangedPhotoError(f"{image.path}: cannot be read ({error.strerror})") from error
    raise ChangedPhotoError(f"{image.path}: has changed since it was identified", advice="identify it again")


def state_of(image: ProjectImage) -> State:
    """What has become of the file of an image that was identified; as `check_unchanged` judges."""
    try:
        found = image.path.stat()
    except OSError:
        return State.AWAY
    if (found.st_size, found.st_mtime_ns) == (image.size, image.modified):
        return State.SAME
    try:
        check_unchanged(replace(image, error=None))
    except ChangedPhotoError:
        return State.CHANGED
    return State.SAME
