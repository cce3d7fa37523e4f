"""Folders for photos of an unknown class: no reader takes their name for that of a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.contract.samples import UNKNOWN_CLASS
from model.data.readers.folder import read_folder
from model.data.readers.table import read_labels
from tests.model.data.test_readers import picture


@pytest.mark.parametrize("name", [*UNKNOWN_CLASS, "Class unknown"])
def test_photos_in_such_a_folder_have_a_type_alone(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "ferry" / name / "a.jpg")
    picture(tmp_path / "ferry" / "Azzurra" / "b.jpg")
    assert {one.path.name: one.fine for one in read_folder(tmp_path).samples} == {"a.jpg": None, "b.jpg": "Azzurra"}


@pytest.mark.parametrize("name", UNKNOWN_CLASS)
def test_such_a_name_in_a_table_is_the_name_of_none(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "a.jpg")
    (tmp_path / "labels.csv").write_text(f"file,coarse,fine\na.jpg,ferry,{name}\n")
    assert [one.fine for one in read_labels(tmp_path / "labels.csv").samples] == [None]
