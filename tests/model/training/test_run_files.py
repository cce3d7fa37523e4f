"""The files of a run that are cut, damaged or something else: errors say the file, the fault and what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.evaluation.answers import references_of
from model.evaluation.calibration import CalibrationChoice
from model.evaluation.held_out_metrics import evaluate
from model.publishing.aims import read_aims, report
from model.publishing.card import card
from model.publishing.export import export
from model.training.inference import trained_network
from model.training.run_folder import RunError, RunFolder, read_arrays, read_json

AIM = '[[aim]]\nwords = "class right"\nfigure = ["big", "metrics", "test", "all", "fine_accuracy"]\nat_least = 0.9\n'
VARIANTS = {"fp32": {"photos": 12, "images_per_second": 50.0, "times_fp32": 1.0}}


@pytest.fixture
def run(small_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A finished run that may be damaged."""
    found = RunFolder.open(shutil.copytree(small_run.folder, tmp_path / "run"))
    found.variants.write_text(json.dumps(VARIANTS))
    return found


def described(run: RunFolder) -> str:
    return card(run, run.model, "none.")


def aimed_at(run: RunFolder) -> object:
    file = run.folder.with_name("aims.toml")
    file.write_text(AIM)
    return report(read_aims(file), {"big": run}, {})


READERS = {
    ("metrics.json", "model.evaluate"): (described, aimed_at),
    ("calibration.json", "model.calibrate"): (described, CalibrationChoice.read, evaluate),
    ("variants.json", "model.export"): (described, aimed_at),
    ("versions.json", "put a copy back"): (described, aimed_at),
    ("projection.npz", "delete it"): (trained_network, evaluate),
    ("references.npz", "delete it"): (lambda run: references_of(run, trained_network(run)), evaluate),
}


def test_no_model_file_is_made_of_a_run_whose_figures_are_cut(run: RunFolder) -> None:
    run.metrics.write_bytes(run.metrics.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"metrics\.json: damaged.*model\.evaluate"):
        export(run, run.folder / "new.onnx")
    assert not (run.folder / "new.onnx").exists()


@pytest.mark.parametrize(
    ("name", "advice", "use"), [(*file, use) for file, readers in READERS.items() for use in readers]
)
def test_a_cut_file_is_reported(run: RunFolder, name: str, advice: str, use: Callable[[RunFolder], object]) -> None:
    file = run.folder / name
    whole = file.read_bytes()
    for length in (0, len(whole) // 3, len(whole) - 20):
        file.write_bytes(whole[:length])
        with pytest.raises(RunError, match=rf"{name}: damaged.*{advice}"):
            use(run)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[]", "not an object"),
        (b"{}", "there is no step, test in it"),
        (b"\xff", "expected value"),
        (b'{"step": 1', "EOF while parsing"),
        (b'{"step": 1, "test": NaN}', "expected value"),
        (b'{"step": 1e999, "test": 1}', "too large"),
    ],
)
def test_an_object_that_lacks_something_is_reported(content: bytes, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    file.write_bytes(content)
    with pytest.raises(RunError, match=rf"metrics\.json: damaged .*{fault}.*; ask"):
        read_json(file, ("step", "test"), "ask")
    with pytest.raises(RunError, match="cannot be read"):
        read_json(tmp_path / "nowhere.json", (), "ask")


def test_archives_that_lack_something_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "references.npz"
    np.savez(file, step=3)
    assert int(read_arrays(file, {"step": ()}, "ask")["step"]) == 3
    with pytest.raises(RunError, match=r"references\.npz: damaged \(there is no embeddings in it\); ask"):
        read_arrays(file, {"step": (), "embeddings": ("photos", "d")}, "ask")
    with file.open("wb") as out:
        np.save(out, np.zeros(3))
    with pytest.raises(RunError, match=r"references\.npz: damaged .*; ask"):
        read_arrays(file, {"step": ()}, "ask")
    with pytest.raises(RunError, match="cannot be read"):
        read_arrays(tmp_path / "nowhere.npz", {}, "ask")


def test_a_choice_with_an_impossible_value_is_reported(run: RunFolder) -> None:
    content = json.loads(run.calibration.read_bytes())
    content["calibration"]["fine_temperature"] = -1
    run.calibration.write_text(json.dumps(content))
    with pytest.raises(
        RunError, match=r"calibration\.json: damaged \(calibration\.fine_temperature: .*model\.calibrate"
    ):
        CalibrationChoice.read(run)


@pytest.mark.parametrize("written", ["NaN", "null"])
def test_where_no_photo_is_sure_enough_the_choice_can_be_read_and_described(run: RunFolder, written: str) -> None:
    """Earlier versions wrote NaN there, which is not JSON."""
    chosen = json.loads(run.calibration.read_text(encoding="utf-8"))
    errors = dict.fromkeys(("ece_before", "ece_tempered", "ece_after"), 0.5)
    figures: dict[str, float | None] = {**errors, "photos": 60, "accepted": 0.0}
    figures["accepted_right"] = float("nan") if written == "NaN" else None
    chosen["validation"] = {"photos": 60, "coarse": figures, "fine": figures}
    run.calibration.write_text(json.dumps(chosen, indent=1), encoding="utf-8")
    assert written in run.calibration.read_text(encoding="utf-8")
    assert run.read_calibration()["validation"]["fine"]["accepted_right"] is None
    assert described(run).count("none of the photos reach") == 2
