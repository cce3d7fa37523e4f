from __future__ import annotations

from pathlib import Path

import pytest

from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.system.local_records import FILINGS, SCANNED, LocalRecords, perhaps_lost
from app.core.system.paths import user_data_dir

_ONE, _OTHER = "1" * 32, "2" * 32


def test_records_are_of_one_project_and_hold_for_its_copies() -> None:
    records = LocalRecords("kind")
    assert records.names(_ONE) == set() and not records.has(_ONE, "a")
    records.keep(_ONE, ["a", "b"])
    assert records.names(_ONE) == {"a", "b"} and records.has(_ONE, "a")
    assert not records.has(_OTHER, "a") and not LocalRecords("other").has(_ONE, "a")
    records.carry_over(_ONE, _OTHER)
    assert records.names(_OTHER) == {"a", "b"}
    with pytest.raises(ValueError, match="not a project number"):
        records.has("../elsewhere", "a")


@pytest.mark.parametrize("kind", [SCANNED, FILINGS])
def test_the_data_folder_may_be_lost_where_nothing_is_known_of_any_project(kind: str) -> None:
    assert f"data folder was lost or moved ({user_data_dir()})" in perhaps_lost()
    LocalRecords(kind).keep(_ONE, ["a"])
    assert perhaps_lost() == ""


def test_a_folder_that_was_opened_stands_for_the_photos_in_it(tmp_path: Path) -> None:
    folder, single = tmp_path / "folder", tmp_path / "other" / "single.jpg"
    for photo in (photos := [folder / "a.jpg", folder / "below" / "b.jpg", single]):
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.touch()
    with Project.create(tmp_path / "p.marque") as project:
        scanned_folders.remember(project, [folder, *photos])
        assert len(LocalRecords("scanned").names(project.id)) == 2
        project.sources.add(tmp_path)
        assert scanned_folders.unknown(project) == []
