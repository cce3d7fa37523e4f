"""The folder of a finder's training."""

from pathlib import Path

import pytest

from model.data.part_lists import SCENES_PARTS, read_parts
from model.detection.finder_run import FinderRun, FinderSettings
from model.training.run_folder import RunError


def test_settings_are_kept_without_the_place_where_the_program_is(tmp_path: Path) -> None:
    run = FinderRun.create(tmp_path / "run", FinderSettings(scenes=Path("scenes.json")))
    assert str(SCENES_PARTS.parent) not in run.settings_file.read_text()
    settings = FinderRun.open(tmp_path / "run").settings()
    assert settings == FinderSettings(scenes=Path("scenes.json"))
    assert settings.listed_parts() == read_parts(SCENES_PARTS)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty"):
        FinderRun.create(tmp_path, FinderSettings(scenes=Path("scenes.json")))
    assert [place.name for place in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", ["", "{}", '{"scenes": "a", "size": 100}', '{"scenes": "a", "other": 1}'])
def test_settings_that_cannot_be_used_are_reported(content: str, tmp_path: Path) -> None:
    (tmp_path / "finder.json").write_text(content)
    with pytest.raises(RunError, match=r"finder\.json: setting"):
        FinderRun.open(tmp_path).settings()


def test_a_folder_without_training_and_a_damaged_checkpoint_are_reported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not the folder of a finder's training"):
        FinderRun.open(tmp_path)
    run = FinderRun.create(tmp_path, FinderSettings(scenes=Path("scenes.json")))
    with pytest.raises(RunError, match="no checkpoint yet"):
        run.load_checkpoint()
    run.checkpoint.write_bytes(b"damaged")
    with pytest.raises(RunError, match="checkpoint is damaged"):
        run.load_checkpoint()
    run.save_checkpoint({"step": -1, "network": {}, "average": {}})
    with pytest.raises(RunError, match="'step' is not a count"):
        run.load_checkpoint()
