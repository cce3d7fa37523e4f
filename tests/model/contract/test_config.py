"""The settings, and the names that some of them are chosen from."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from model.contract import choices
from model.contract.config import Config, DataSettings, OptimiserSettings
from model.method import baselines, network, quadruplet_selection


def test_there_is_code_behind_every_name() -> None:
    assert get_args(choices.Backbone) == tuple(network.BACKBONES)
    assert get_args(choices.Rule) == tuple(quadruplet_selection.RULES)
    assert get_args(choices.Baseline) == tuple(baselines.BASELINES)


def test_the_settings_are_read_without_torch() -> None:
    program = "import sys, model.contract.config; raise SystemExit('torch' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_setting_is_explained() -> None:
    for name, section in Config.model_fields.items():
        assert section.annotation is not None and section.annotation.__doc__, name
        for field, info in section.annotation.model_fields.items():
            assert info.description, f"{name}.{field}"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"validation": 0.4, "test": 0.6}, "leave nothing to train on"),
        ({"fold": 0, "test": 0}, "fold needs a share of test photos"),
        ({"split": "class_disjoint", "unseen": 0.1}, "unseen is for the split stratified"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, float] | dict[str, int] | dict[str, str | float], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        DataSettings(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"batch_coarse": 1, "batch_fine": 1, "batch_images": 4}, {"dense_neighbours": 107}],
)
def test_dense_batches_without_a_place_for_the_neighbours_are_refused(settings: dict[str, Any]) -> None:
    OptimiserSettings(**settings)  # others have no neighbours
    with pytest.raises(ValidationError, match=r"batches of (4|108) photos have no place for a photo, its (5|107) near"):
        OptimiserSettings(batches="dense", **settings)


def test_the_smallest_dense_batches_have_one_photo_besides_the_neighbours() -> None:
    settings = OptimiserSettings(batches="dense", batch_coarse=1, batch_fine=1, batch_images=7)
    assert settings.dense_neighbours == 5
