"""The form's settings are the trainer's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from PIL import Image

from app.core.training.data_survey import KINDS, SurveyError, spec, survey
from app.core.training.paces import keep, kept, parsed
from app.core.training.recipes import (
    BACKBONES,
    LARGEST_SIZE,
    RECIPE_WORDS,
    RECIPES,
    SIZE_STEP,
    SMALLEST_SIZE,
    estimate,
    is_known,
    network_of,
    rough,
)
from model.contract.choices import Backbone
from model.contract.commands import PaceReport, pace_command
from model.contract.config import Config


def test_there_are_words_for_every_backbone_and_recipe() -> None:
    assert set(BACKBONES) == set(get_args(Backbone))
    assert set(RECIPES) == set(RECIPE_WORDS)


def pace(backbone: str, size: int, speed: float, device: str = "cpu") -> PaceReport:
    return PaceReport(backbone=backbone, size=size, device=device, images_per_second=speed)


def seconds(
    size: int = 160,
    epochs: int = 10,
    backbone: str = "mobilenet_v2",
    device: str = "cpu",
    trained: Sequence[PaceReport] = (),
    measured: Sequence[PaceReport] = (),
    processors: int = 2,
) -> tuple[float, str] | None:
    return estimate(settings(backbone, size, epochs), 1000, device, trained, measured, processors)


def settings(backbone: str, size: int, epochs: int, **others: dict) -> Config:
    nested = {"data": {"data": ("folder:x",)}, "network": {"backbone": backbone}} | others
    nested["input"] = {"size": size} | others.get("input", {})
    return Config.model_validate(nested | {"optimiser": {"epochs": epochs}})


def test_there_is_an_estimate_for_every_network_and_size() -> None:
    for backbone in BACKBONES:
        for size in range(SMALLEST_SIZE, LARGEST_SIZE + 1, SIZE_STEP):
            found = seconds(size, backbone=backbone)
            assert found is not None and found[0] > 0 and found[1] == "scaled from mobilenet_v2 on another computer"
    assert seconds(device="cuda") is None  # of GPUs nothing is known before something was measured


def test_estimates_say_on_what_they_rest() -> None:
    def known(**how: Any) -> tuple[float, str]:
        found = seconds(**how)
        assert found is not None
        return found

    base, _ = known()
    assert known(epochs=20)[0] == pytest.approx(2 * base)
    assert known(size=320)[0] == pytest.approx(4 * base)
    assert known(processors=4)[0] == pytest.approx(base / 2)
    own = pace("resnet50", 160, 80.0)
    assert seconds(backbone="resnet50", measured=[own]) == (pytest.approx(base), "measured on this computer")
    assert seconds(backbone="resnet50", trained=[own]) == (pytest.approx(base), "as in your earlier trainings")
    half, words = known(backbone="resnet50", size=320, trained=[own])
    assert (half, words) == (pytest.approx(4 * base), "scaled from resnet50 at 160 pixels")
    other, words = known(backbone="mobilenet_v2", measured=[own, pace("resnet50", 320, 20.0)])
    assert other < base and words == "scaled from resnet50 at 160 pixels"
    nearest = [pace("resnet18", 160, 1.0), pace("resnet50", 640, 5.0)]
    assert seconds(backbone="resnet50", trained=nearest) == (pytest.approx(base), "scaled from resnet50 at 640 pixels")
    graphics = pace("mobilenet_v2", 160, 800.0, "cuda")
    assert known(measured=[graphics])[1] == "scaled from mobilenet_v2 on another computer"
    assert seconds(measured=[graphics], device="cuda") == (pytest.approx(base / 10), "measured on this computer")
    assert is_known(settings("mobilenet_v2", 160, 1), "cuda", [graphics])
    assert not is_known(settings("mobilenet_v2", 192, 1), "cuda", [graphics])


def test_an_estimate_counts_what_is_held_out_and_the_size_in_training() -> None:
    def of(**others: dict) -> float:
        found = estimate(settings("mobilenet_v2", 160, 10, **others), 1000, "cpu", (), (), 2)
        assert found is not None
        return found[0]

    base = of()
    assert of(data={"test": 0.55}) == pytest.approx(base / 2)
    assert of(data={"unseen": 0.5}) == pytest.approx(base / 2)
    assert of(data={"split": "class_disjoint", "validation": 0.0}) == pytest.approx(base * 0.5 / 0.8)
    assert of(input={"train_size": 80}) == pytest.approx(base / 4)
    assert of(input={"finish_size": 320, "finish_share": 0.5}) == pytest.approx(base * 2.5)
    assert network_of(settings("resnet18", 160, 1, input={"train_size": 128})) == ("resnet18", 128)


def test_what_was_measured_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "data" / "paces.json"
    assert kept(file) == []
    one, other = pace("resnet18", 160, 10.0), pace("resnet18", 192, 8.0)
    keep(file, one)
    keep(file, other)
    newer = pace("resnet18", 160, 12.0)
    assert keep(file, newer) == kept(file) == [other, newer]
    file.write_text('[{"backbone": 1}]')
    assert kept(file) == []
    printed = '{"backbone": "resnet18", "size": 160, "device": "cpu", "images_per_second": 10.0}'
    assert parsed(f"a warning\n{printed}\n") == one
    for nonsense in ("", "error: no\n", "[1]", printed.replace("10.0", "0")):
        assert parsed(nonsense) is None


@pytest.mark.slow
def test_a_pace_is_measured_by_the_trainer() -> None:
    pytest.importorskip("torch")
    done = subprocess.run([sys.executable, *pace_command("resnet18", 32)], capture_output=True, text=True, check=True)
    found = parsed(done.stdout)
    assert found is not None and (found.backbone, found.size) == ("resnet18", 32)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "under a minute"),
        (60, "about 1 minute"),
        (1500, "about 25 minutes"),
        (3600, "about 1 hour"),
        (9000, "about 2.5 hours"),
        (40000, "about 11 hours"),
        (260000, "about 3 days"),
    ],
)
def test_times_are_put_into_words(seconds: int, words: str) -> None:
    assert rough(seconds) == words


def test_a_survey_counts_and_says_what_is_wrong(photos: Path) -> None:
    (photos / "sedan" / "Rossa 2010" / "cut.jpg").write_bytes(b"no picture")
    found = survey([spec("folder", str(photos))])
    assert found.photos == 12 and len(found.problems) == 1 and "cut.jpg" in found.problems[0]
    assert [count for _, _, count in found.classes] == [3, 3, 3, 3]
    assert found.words() == "12 photos, 2 types, 4 classes · 3 photos per class · 1 problem"


def test_several_places_are_learned_from_but_none_twice(photos: Path, tmp_path: Path) -> None:
    own, other = spec("folder", str(photos)), tmp_path / "other"
    shutil.copytree(photos / "sedan", other / "sedan")
    for number, picture in enumerate(other.rglob("*.jpg")):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(picture)
    assert survey([own, spec("folder", str(other))]).photos > survey([own]).photos
    with pytest.raises(SurveyError, match="already"):
        survey([own, own])


def test_places_without_data_are_reported(tmp_path: Path) -> None:
    for kind in set(KINDS) - {"demo"}:
        with pytest.raises(SurveyError, match="choose"):
            spec(kind, "")
        with pytest.raises(SurveyError, match="no such"):
            spec(kind, str(tmp_path / "nowhere"))
    with pytest.raises(SurveyError):
        survey([f"folder:{tmp_path}"])
