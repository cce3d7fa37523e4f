"""Photos from which nothing can be learned are refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from model.contract.samples import untrainable
from model.study import main as study
from model.train import main as train
from tests.model.experiments.test_grid import PLAN

KINDS = {
    "one class": (["car/A/1.png", "car/A/2.png", "car/A/3.png", "car/4.png"], "all photos are of the one class 'A'"),
    "one photo each": (["car/A/1.png", "car/B/2.png", "car/C/3.png"], "none of the 3 classes has two photos"),
    "types alone": (["car/1.png", "car/2.png", "ship/3.png", "ship/4.png"], "only the type of the photos is known"),
    "nothing": (["car/A/notes.txt"], "this class has no photos"),
    "RAW photos": (["car/A/1.nef", "car/B/2.nef"], "2 RAW photos skipped"),
}


def folder(top: Path, names: list[str]) -> Path:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("png"):
            Image.new("RGB", (40, 30), (len(name) * 7, 80, 30)).save(top / name)
        else:
            (top / name).touch()
    return top


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_is_refused_in_one_sentence(
    kind: str, skip_bad: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, said = KINDS[kind]
    photos = folder(tmp_path / "photos", names)
    small = ["--backbone", "resnet18", "--weights", "none", "--size", "32", "--accelerator", "cpu"]
    skip = ["--skip-bad"] if skip_bad else []
    assert train(["--data", f"folder:{photos}", "--out", str(tmp_path / "run"), *small, *skip]) == 2
    told = capsys.readouterr().err
    assert said in told and "Traceback" not in told
    assert not (tmp_path / "run").exists()


def test_no_weights_are_downloaded_for_photos_that_cannot_be_learned_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    names, said = KINDS["one class"]
    photos = folder(tmp_path / "photos", names)
    small = ["--backbone", "mobilenet_v2", "--weights", "imagenet", "--size", "32", "--accelerator", "cpu"]
    assert train(["--data", f"folder:{photos}", "--out", str(tmp_path / "run"), *small]) == 2
    told = capsys.readouterr().err
    assert said in told and "download" not in told


@pytest.mark.parametrize("mode", ["frozen", "full"])
def test_a_study_is_refused_in_one_sentence(mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = folder(tmp_path / "photos", KINDS["one class"][0])
    (tmp_path / "plan.toml").write_text(PLAN.replace('mode = "frozen"', f'mode = "{mode}"'))
    assert study([str(tmp_path / "plan.toml"), "--data", f"folder:{photos}", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "needs a source with at least two classes" in told and "Traceback" not in told
    assert not (tmp_path / "out" / "runs").exists()


def test_two_types_or_two_classes_are_enough() -> None:
    assert untrainable({("car", "A"): 2, ("car", "B"): 1}) == ""
    assert untrainable({("car", "A"): 2, ("ship", ""): 1}) == ""
