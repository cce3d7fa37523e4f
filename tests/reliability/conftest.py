"""The same small model, photos and gallery as in the tests of the program, and the pictures of the trainer's tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.conftest import marque_home, photos, tiny_engine, tiny_gallery, tiny_model
from tests.model.conftest import picture_folder
from tests.reliability import fuzzing

__all__ = ["marque_home", "photos", "picture_folder", "tiny_engine", "tiny_gallery", "tiny_model"]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder for the files of a module."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _counted() -> Iterator[None]:
    yield
    fuzzing.keep_counts()
