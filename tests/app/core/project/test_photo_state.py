from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.project.photo_state import ChangedPhotoError, check_unchanged
from app.core.project.records import FoundFile, ProjectImage
from app.core.system.content_digest import content_digest


def seen(path: Path) -> ProjectImage:
    found = FoundFile.of(path)
    return ProjectImage(1, found.path, found.size, found.modified, content_digest(path), None)


def test_a_photo_is_the_same_by_its_time_or_else_by_its_content(tmp_path: Path) -> None:
    photo = tmp_path / "p.jpg"
    photo.write_bytes(b"one")
    image = seen(photo)
    check_unchanged(image)
    os.utime(photo, ns=(1, 1))  # touched, or back from a backup
    check_unchanged(image)
    photo.write_bytes(b"two")
    with pytest.raises(ChangedPhotoError, match=r"p\.jpg: has changed since it was identified; identify it again"):
        check_unchanged(image)
    photo.unlink()
    with pytest.raises(ChangedPhotoError, match=r"p\.jpg: cannot be read"):
        check_unchanged(image)
    os.mkfifo(photo)  # would be waited for without end, were it opened
    with pytest.raises(ChangedPhotoError, match="has changed since"):
        check_unchanged(image)
