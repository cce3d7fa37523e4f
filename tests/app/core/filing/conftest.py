"""A folder of photos, and a project that they are identified into."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.recognition.engine import Engine
from tests.app.core.filing.filing_commands import FINE, Identify, scan
from tests.app.tiny import COLOURS, colour_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    return tmp_path / "p"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "work.marque"


@pytest.fixture
def identify(folder: Path, place: Path, tiny_engine: Engine) -> Identify:
    """Draws photos of one class under these names, and identifies them into the project."""

    def make(*names: str) -> None:
        for number, name in enumerate(names):
            colour_picture(COLOURS[FINE], seed=number).save(folder / name, "JPEG", quality=92)
        scan(place, folder, tiny_engine)

    return make
