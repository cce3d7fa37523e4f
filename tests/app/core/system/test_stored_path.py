"""What is remembered keeps paths whose names are not UTF-8."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.training.runs import Runs, TrainingError
from app.ui.widgets.theme import ThemeName
from app.ui.window import settings
from app.ui.window.settings import Settings

NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in (b".", b"..")
)


@given(NAMES)
def test_settings_keep_any_path(name: bytes) -> None:
    path = Path(os.fsdecode(b"/photos/" + name))
    before = Settings(project=path, recent_projects=[path], last_folder=path, galleries={"abc": str(path)})
    assert Settings.model_validate_json(before.model_dump_json()) == before


def test_they_come_back_from_their_file(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/harbour \xff%41.marque"))
    settings.save(tmp_path / "settings.json", Settings(project=path, theme=ThemeName.DARK))
    found = settings.load(tmp_path / "settings.json")
    assert found.project == path and found.theme == "dark" and not (tmp_path / "settings.json.bad").exists()


def test_a_training_in_a_folder_that_is_not_utf_8_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/run \xff"))
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match="has to be UTF-8"):
        Runs(tmp_path / "trainings").adopt(folder)
    assert Runs(tmp_path / "trainings").records() == []
