"""Which files are photos: the one answer for the window, the commands and the trainer's readers."""

from __future__ import annotations

PHOTO_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
"""File name endings, in lower case, that a folder scan takes for photos."""


def has_photo_suffix(name: str) -> bool:
    """Whether a file's name ends as a photo's does."""
    return name[name.rfind(".") :].lower() in PHOTO_SUFFIXES
