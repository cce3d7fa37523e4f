"""What a model file is made of: the network, and what was chosen and measured for the same checkpoint."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from model.batching.pipeline import PictureForm
from model.calibrate import main as calibrate_main
from model.contract.bundle import INPUT, OUTPUTS, Preprocessing, Variant, beside, read_info
from model.contract.samples import Sample
from model.data.splits import Split, write_split
from model.evaluation import calibration as calibrate_room
from model.evaluation.calibration import CalibrationChoice, bound_of, calibrate, calibrated
from model.evaluation.held_out_metrics import evaluate
from model.evaluation.provenance import variants_of
from model.publishing import card as card_room
from model.publishing import export as room
from model.publishing.card import card
from model.publishing.export import BundleExportError, export
from model.publishing.variants import cpu_session, half_stored
from model.train import finish
from model.training.inference import infer_samples, part_of, trained_network
from model.training.run_folder import RunError, RunFolder


@pytest.fixture
def run(small_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A trained run that may be changed, with enough photos to choose something by."""
    monkeypatch.setattr(calibrate_room, "MIN_PHOTOS", 5)
    return RunFolder.open(shutil.copytree(small_run.folder, tmp_path / "run"))


def go_on(run: RunFolder) -> int:
    """A later checkpoint, of another network."""
    state = run.load_checkpoint()
    for name in ("conv1.weight", "layer4.1.conv2.weight"):
        state["average"][f"module.backbone.{name}"] *= -1
    run.save_checkpoint({**state, "step": state["step"] + 7})
    return state["step"] + 7


def with_split(run: RunFolder, change: Callable[[Sample, Split], tuple[Sample, Split]]) -> None:
    samples, splits = zip(*(change(*pair) for pair in zip(*run.samples(), strict=True)), strict=True)
    write_split(run.folder / "split.csv", list(samples), list(splits))


def test_the_choice_is_made_again_after_more_training(run: RunFolder) -> None:
    before = calibrate(run, bound=0.25)
    written = run.calibration.read_bytes()
    assert calibrated(run) == before == CalibrationChoice.read(run) and run.calibration.read_bytes() == written
    step = go_on(run)
    found = calibrated(run)
    assert before.step is not None and found.step == step == before.step + 7
    assert CalibrationChoice.read(run) == found
    assert found.familiarity != before.familiarity and found.thresholds.likeness != before.thresholds.likeness
    assert found.thresholds.familiarity == 0.25  # in standard deviations it still holds


def test_a_bound_of_its_own_is_chosen_again(run: RunFolder) -> None:
    before = calibrate(run)
    go_on(run)
    assert calibrated(run).thresholds.familiarity != before.thresholds.familiarity


def test_what_a_run_of_an_earlier_version_chose_counts(run: RunFolder) -> None:
    before = calibrate(run)
    content = json.loads(run.calibration.read_bytes())
    del content["step"], content["bound_taken_over"]
    run.calibration.write_text(json.dumps(content))
    go_on(run)
    assert calibrated(run) == before.model_copy(update={"step": None})


def test_a_bound_needs_unseen_classes(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="no unseen classes"):
        bound_of(run)
    with_split(run, lambda sample, split: (sample, Split.UNSEEN if split is Split.TEST else split))
    monkeypatch.setattr(calibrate_room, "MIN_PHOTOS", 10_000)
    go_on(run)
    with pytest.raises(RunError, match="fewer than 10000 validation photos"):
        bound_of(run)


def test_finishing_a_finished_run_again_keeps_the_bound_that_was_taken_over(run: RunFolder) -> None:
    calibrate(run, bound=0.25)
    written = run.calibration.read_bytes()
    finish(run)
    assert run.calibration.read_bytes() == written
    assert read_info(run.model).thresholds.familiarity == 0.25


@pytest.mark.slow
def test_a_model_file_has_nothing_of_an_earlier_checkpoint(run: RunFolder, tmp_path: Path) -> None:
    calibrate(run)
    step = go_on(run)
    out = tmp_path / "later.onnx"
    info = export(run, out)
    assert CalibrationChoice.read(run).step == step and info.thresholds == CalibrationChoice.read(run).thresholds
    assert "metrics" not in info.training
    samples = part_of(run, Split.TRAIN)[:4]
    expected = infer_samples(trained_network(run), samples, run.config())
    form = PictureForm(32, run.config().input.fit)
    pictures = np.stack([form.decode(sample) for sample in samples])
    (embedding,) = cpu_session(onnx.load(out)).run(["embedding"], {INPUT: pictures})
    assert embedding == pytest.approx(expected.embedding.numpy(), abs=5e-3)  # with the projection of this checkpoint
    with pytest.raises(RunError, match=rf"figures are those of step {step - 7}, the training is at step {step}"):
        card(run, out, "none.")


@pytest.mark.slow
def test_figures_after_the_training_went_on_are_those_of_what_is_exported(run: RunFolder, tmp_path: Path) -> None:
    calibrate(run)
    step = go_on(run)
    figures = evaluate(run)
    assert figures["step"] == step == CalibrationChoice.read(run).step
    assert {"answers", "trained_embedding"} <= figures.keys()
    assert export(run, tmp_path / "later.onnx").training["metrics"] == json.loads(run.metrics.read_bytes())


def test_variants_of_a_run_without_test_part_are_refused_before_anything_is_written(
    run: RunFolder, tmp_path: Path
) -> None:
    with_split(run, lambda sample, split: (sample, Split.TRAIN if split is Split.TEST else split))
    out = tmp_path / "out" / "mine.onnx"
    out.parent.mkdir()
    with pytest.raises(BundleExportError, match="no test part"):
        export(run, out, variants=True)
    assert not list(out.parent.iterdir())


def test_variants_without_a_test_photo_of_a_known_class_have_no_accuracy_of_classes(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_split(run, lambda sample, split: (replace(sample, fine=None) if split is Split.TEST else sample, split))
    for name in ("to_fp16", "to_int8"):
        monkeypatch.setattr(room, name, lambda graph, *_: half_stored(graph))
    out = tmp_path / "mine.onnx"
    export(run, out, variants=True)
    expected = {"photos", "coarse_accuracy", "images_per_second", "times_fp32"}
    for variant in (Variant.FP16, Variant.INT8):
        assert read_info(beside(out, variant)).measured.keys() == expected
    json.loads(run.variants.read_text(), parse_constant=pytest.fail)
    kept = variants_of(run)
    assert kept.keys() == {"fp32", "fp16", "int8"}
    assert all(figures.keys() == expected for figures in kept.values())
    text = card_room._variants(kept, out)
    assert "% | - |" in text and "nan" not in text and "not supplied" not in text
    beside(out, Variant.FP16).unlink()
    assert card_room._variants(kept, out).endswith("Measured, but not supplied beside this file: fp16.")
    kept["int8"]["coarse_accuracy"] = 0.123
    with pytest.raises(RunError, match=r"mine\.int8\.onnx: not the variant that the run has figures of"):
        card_room._variants(kept, out)


@pytest.mark.parametrize(("photos", "count"), [(100, 64), (64, 64), (127, 64), (10, 64), (1, 64), (1000, 64)])
def test_photos_are_taken_evenly_from_all(photos: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    as_numbers = SimpleNamespace(decode=lambda sample: np.full((1, 1, 3), int(sample.group)))
    monkeypatch.setattr(room, "PictureForm", lambda *_: as_numbers)
    samples = [Sample(Path("1.jpg"), "car", None, "s", str(number), "row") for number in range(photos)]
    rows = room._pictures(samples, count, Preprocessing(size=16))[:, 0, 0, 0]
    assert len(rows) == min(photos, count) and rows[0] == 0 and rows[-1] == photos - 1
    gaps = np.diff(rows)
    assert len(gaps) == 0 or 1 <= gaps.min() <= gaps.max() <= gaps.min() + 1


def test_what_is_written_is_what_was_compared(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(graph: onnx.ModelProto) -> onnx.ModelProto:
        small = half_stored(graph)
        tensor = next(tensor for tensor in small.graph.initializer if tensor.name.endswith(".half"))
        tensor.raw_data = bytes(len(tensor.raw_data))
        return small

    monkeypatch.setattr(room, "half_stored", faulty)
    with pytest.raises(BundleExportError, match="differ by"):
        export(run, tmp_path / "wrong.onnx")
    assert not (tmp_path / "wrong.onnx").exists()


def test_the_limit_leaves_room_for_weights_in_half_precision(run: RunFolder) -> None:
    """Weights anywhere between two numbers of half precision, as a training leaves them."""
    network = trained_network(run)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in network.parameters():
            half = weights.half()
            apart = (torch.nextafter(half, torch.full_like(half, torch.inf)) - half).float()
            weights.copy_(half.float() + apart * torch.rand(weights.shape, generator=generator))
    samples = part_of(run, Split.TEST)
    form = PictureForm(32, run.config().input.fit)
    pictures = np.stack([form.decode(sample) for sample in samples])
    difference = room.largest_difference(half_stored(room.to_onnx(network, 32)), network, pictures)
    assert 1e-5 < difference <= room.TOLERANCE / 2


def test_variants_that_give_no_numbers_are_not_written(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_numbers(graph: onnx.ModelProto, pictures: np.ndarray) -> onnx.ModelProto:
        broken = onnx.ModelProto.FromString(graph.SerializeToString())
        axes = next(tensor for tensor in broken.graph.initializer if tensor.name.endswith("embed.weight"))
        axes.CopyFrom(numpy_helper.from_array(np.full(list(axes.dims), np.nan, np.float32), axes.name))
        return broken

    monkeypatch.setattr(room, "to_int8", without_numbers)
    monkeypatch.setattr(room, "to_fp16", half_stored)
    calibrate(run)
    out = tmp_path / "mine.onnx"
    with pytest.raises(
        BundleExportError, match="its int8 variant gives values that are not numbers; no variant is written"
    ):
        export(run, out, variants=True)
    assert [path.name for path in tmp_path.glob("mine*")] == ["mine.onnx"]


@pytest.mark.parametrize("output", [OUTPUTS[0], OUTPUTS[-1]])
def test_nan_counts_as_a_difference(run: RunFolder, output: str) -> None:
    network = trained_network(run)
    graph = room.to_onnx(network, 32)
    maker = next(node for node in graph.graph.node if output in node.output)
    maker.output[0] = f"{output}.before"
    nan = numpy_helper.from_array(np.array(np.nan, np.float32), "nan")
    graph.graph.initializer.append(nan)
    graph.graph.node.append(helper.make_node("Add", [f"{output}.before", "nan"], [output]))
    assert math.isnan(room.largest_difference(graph, network, np.zeros((2, 32, 32, 3), np.uint8)))


def test_the_bound_is_chosen_from_the_command_line(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = RunFolder.open(shutil.copytree(run.folder, run.folder.with_name("other")))
    with_split(other, lambda sample, split: (sample, Split.UNSEEN if split is Split.TEST else split))
    monkeypatch.setattr(sys, "argv", ["calibrate", str(run.folder), "--chosen-on", str(other.folder)])
    other.calibration.unlink()  # that of too few photos
    assert calibrate_main() == 0
    assert CalibrationChoice.read(run).bound_taken_over
    assert CalibrationChoice.read(run).thresholds.familiarity == CalibrationChoice.read(other).thresholds.familiarity


def test_a_card_says_what_the_temperatures_do_and_on_which_photos(run: RunFolder) -> None:
    calibrate(run)
    info = export(run, run.model)
    written = run.read_calibration()
    text = card_room._calibration(written, info)
    fine = written["validation"]["fine"]
    assert (
        f"of the fine head alone {fine['ece_before']:.3f} without a temperature, {fine['ece_tempered']:.3f} with it"
        in text
    )
    assert f"{fine['ece_after']:.3f} of the answer by both heads and the reference photos" in text
    assert "these same photos; those of the test photos" in text
    del fine["ece_tempered"]  # as earlier versions wrote it
    assert "without a temperature, " + f"{fine['ece_after']:.3f} of the answer" in card_room._calibration(written, info)


def test_a_card_separates_what_comes_from_the_run_and_from_options(small_run: RunFolder) -> None:
    text = card(small_run, small_run.model, "From nowhere.")
    training = text.split("## Training")[1]
    assert (
        f"1 epochs, {small_run.read_metrics()['step']} steps at 32 pixels; the run folder was made on: CPU" in training
    )
    assert "Starting weights: From nowhere." in training and "starting weights are from --origin" in training
