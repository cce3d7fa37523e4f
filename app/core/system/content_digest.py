"""How project and gallery identify the content of a file, wherever it is and whatever its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from model.system.reading import open_regular


def new_digest() -> hashlib.blake2b:
    """A digest of nothing yet, to be updated with the content piece by piece."""
    return hashlib.blake2b(digest_size=16)


def content_digest(path: Path) -> str:
    """The digest of a whole file, hexadecimal. Raises OSError, also where it is not a file."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, new_digest).hexdigest()
