"""The trainer as a person uses it: from the command line to a model file, stopped, killed, resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from model.card import main as card_main
from model.contract import bundle
from model.contract.config import Config, LossSettings, parse
from model.contract.events import read_events
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import read_tested
from model.data.splits import Split
from model.evaluate import main as evaluate_main
from model.method.network import Network
from model.method.objective import Objective, collapse_signs
from model.metrics.retrieval import recall_1
from model.publishing.export import TOLERANCE, BundleExportError, export
from model.train import main
from model.training.inference import part_of
from model.training.optimiser import build_optimiser, learning_rate_share
from model.training.run_folder import RunFolder
from model.training.run_setup import new_run
from model.training.session import StopRequest, train
from model.training.trainer import build_network
from tests.checkout import ROOT

NO_WEIGHTS = ("--backbone", "resnet18", "--weights", "none", "--size", "32")
SETTINGS = [
    *("--backbone", "resnet18", "--weights", "none", "--size", "32", "--epochs", "3", "--embedding-dim", "16"),
    *("--batch-coarse", "2", "--batch-fine", "2", "--batch-images", "3", "--lr", "3e-3", "--validation", "0.2"),
    *("--precision", "32-true", "--accelerator", "cpu"),
]
AFTER_EVERY_STEP = ("--checkpoint-minutes", "0")


def arguments(folder: Path, out: Path) -> list[str]:
    return ["--data", f"folder:{folder}", "--out", str(out), *SETTINGS]


def trainer_process(*args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "model.train", *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(process: subprocess.Popen[str], out: Path, step: int) -> None:
    """Until the run has reported `step`, which is inside an epoch."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if any(event.kind == "step" and event.step >= step for event in read_events(out / "events.jsonl")):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    pytest.fail("the trainer did not get to its first steps")


@pytest.fixture(scope="module")
def unbroken(picture_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    process = trainer_process(*arguments(picture_folder, out))
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    return out


def test_a_run_can_be_understood_later(unbroken: Path) -> None:
    names = {path.name for path in unbroken.iterdir()}
    expected = {
        *("config.json", "versions.json", "taxonomy.json", "split.csv", "events.jsonl", "checkpoint.pt"),
        *("metrics.json", "calibration.json", "projection.npz", "references.npz", "test.npz", "model.onnx"),
    }
    assert names == expected
    run = RunFolder.open(unbroken)
    assert run.config().network.backbone == "resnet18"
    assert run.taxonomy().fine == ("ferry", "tug", "yacht", "coupe", "van")
    assert json.loads((unbroken / "versions.json").read_text())["versions"]["torch"]
    events = read_events(run.events)
    kinds = [event.kind for event in events]
    assert kinds[0] == "start" and kinds[-1] == "done" and kinds.count("epoch") == 3
    steps = [event.step for event in events if event.kind == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert events[0].values["batches"] * 3 == len(steps)
    assert {"loss", "coarse", "fine", "distance", "d_plus", "d_minus", "d_negative", "lr"} <= set(events[1].values)


def test_the_loss_of_a_training_falls(unbroken: Path) -> None:
    losses = [event.values["loss"] for event in read_events(unbroken / "events.jsonl") if event.kind == "epoch"]
    assert losses[-1] < losses[0]


def test_the_model_file_does_what_the_network_does(unbroken: Path) -> None:
    info = bundle.read_info(unbroken / "model.onnx")
    assert info.preprocessing.size == 32 and info.embedding_dim == 16
    assert info.training["photos"]["train"] > 0 and info.training["onnxruntime_difference"] <= TOLERANCE
    session = onnxruntime.InferenceSession(unbroken / "model.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 5):
        pictures = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        coarse, fine, embedding = session.run(list(bundle.OUTPUTS), {bundle.INPUT: pictures})
        assert coarse.shape == (count, 2) and fine.shape == (count, 5)
        assert np.linalg.norm(embedding, axis=1) == pytest.approx(np.ones(count), abs=1e-5)


def test_the_model_file_does_not_tell_where_it_was_made(unbroken: Path) -> None:
    content = (unbroken / "model.onnx").read_bytes()
    for place in ("site-packages", str(ROOT), str(unbroken.parent)):
        assert place.encode() not in content


def test_what_was_said_of_each_test_photo_is_kept(unbroken: Path) -> None:
    run, figures = RunFolder.open(unbroken), json.loads((unbroken / "metrics.json").read_text())
    kept, samples = read_tested(run.tested), part_of(run, Split.TEST)
    assert kept.step == figures["step"] and kept.paths == tuple(str(sample.path) for sample in samples)
    assert kept.coarse == tuple(sample.coarse for sample in samples)
    assert kept.fine == tuple(sample.fine or "" for sample in samples)
    coarse, fine, tree = np.array(kept.coarse), np.array(kept.fine), kept.taxonomy
    told = fine != ""
    assert figures["test"]["all"]["photos_with_fine"] == told.sum() < len(kept) == len(samples)
    right = np.array(tree.coarse)[kept.coarse_answer] == coarse
    assert right.mean() == pytest.approx(figures["answers"]["all"]["coarse_accuracy"])
    right = (np.array(tree.fine)[kept.fine_answer] == fine)[told]
    assert right.mean() == pytest.approx(figures["answers"]["all"]["fine_accuracy"])
    mean = sum(row["photos"] * row["confidence"] for row in figures["answers"]["all"]["fine_reliability"]) / told.sum()
    assert kept.fine_confidence[told].mean() == pytest.approx(mean, rel=1e-5)
    numbers = torch.from_numpy(np.unique(fine, return_inverse=True)[1] - (0 if told.all() else 1))  # "" is the first
    found = recall_1(torch.from_numpy(kept.embeddings), numbers, torch.arange(len(kept)))
    assert found == pytest.approx(figures["test"]["all"]["fine_recall_1"])


@pytest.mark.slow
def test_killed_in_mid_epoch_and_resumed_gives_the_same_run(
    picture_folder: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    process = trainer_process(*arguments(picture_folder, out), *AFTER_EVERY_STEP)
    per_epoch = max(e.step for e in read_events(unbroken / "events.jsonl")) // 3
    wait_for_step(process, out, per_epoch + 2)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert main(["--resume", str(out)]) == 0

    assert json.loads((out / "metrics.json").read_text()) == json.loads((unbroken / "metrics.json").read_text())
    one, other = RunFolder.open(out).load_checkpoint(), RunFolder.open(unbroken).load_checkpoint()
    assert one["step"] == other["step"]
    for name, weights in other["average"].items():
        assert torch.equal(one["average"][name], weights), name
    curves = [
        [(e.step, e.values["loss"]) for e in read_events(folder / "events.jsonl") if e.kind == "step"]
        for folder in (out, unbroken)
    ]
    assert curves[0] == curves[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process can answer")
@pytest.mark.slow
def test_sigterm_writes_a_checkpoint_and_ends_well(picture_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"
    process = trainer_process(*arguments(picture_folder, out))
    wait_for_step(process, out, 2)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "--resume" in errors
    run = RunFolder.open(out)
    events = read_events(run.events)
    assert events[-1].kind == "stopped" and run.load_checkpoint()["step"] == events[-1].step


def test_evaluate_prints_the_figures(
    unbroken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", str(unbroken), "--json"])
    assert evaluate_main() == 0
    figures = json.loads(capsys.readouterr().out)["test"]["all"]
    assert figures["photos"] > 0
    for name in ("fine_recall_1", "fine_recall_8", "coarse_recall_1", "coarse_accuracy", "fine_accuracy"):
        assert 0 <= figures[name] <= 1


def test_export_refuses_a_graph_that_differs(unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph with other weights than the network is what a faulty exporter would give."""
    import model.publishing.export as room

    real = room.to_onnx

    def faulty(network: Network, size: int) -> onnx.ModelProto:
        graph = real(network, size)
        tensor = next(t for t in graph.graph.initializer if t.name.endswith("embed.weight") or "embed" in t.name)
        values = np.frombuffer(tensor.raw_data, dtype=np.float32) * np.linspace(0.5, 2, 16 * 512, dtype=np.float32)
        tensor.raw_data = values.tobytes()
        return graph

    monkeypatch.setattr(room, "to_onnx", faulty)
    out = tmp_path / "wrong.onnx"
    with pytest.raises(BundleExportError, match="differ by"):
        export(RunFolder.open(unbroken), out)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--data", "folder:/nowhere/at/all", "--out", "{tmp}/r"], "nowhere"),
        (["--resume", "{tmp}/missing"], "not a training run"),
        (["--data", "folder:{pictures}", "--out", "{tmp}/r", "--weights", "{tmp}/none.safetensors"], "no such file"),
        (["--data", "folder:{pictures}", "--out", "{pictures}"], "not empty"),
        pytest.param(
            ["--data", "folder:{pictures}", "--out", "{tmp}/r", *NO_WEIGHTS, "--accelerator", "cuda"],
            "no usable",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU"),
        ),
    ],
)
def test_bad_input_gives_one_message(
    args: list[str], said: str, picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [arg.format(tmp=tmp_path, pictures=picture_folder) for arg in args]
    assert main(args) == 2
    text = capsys.readouterr().err
    assert said in text and "Traceback" not in text
    assert not (tmp_path / "r").exists()  # the next try finds its folder free


def test_contradicting_settings_are_reported_before_anything_is_read(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments(picture_folder, tmp_path / "r"), "--test", "0.8", "--validation", "0.3"])
    assert ended.value.code == 2
    assert "leave nothing to train on" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "r").exists()


def test_a_damaged_photo_stops_the_training_unless_passed_over(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    for source in picture_folder.rglob("*.jpg"):
        target = folder / source.relative_to(picture_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        target.write_bytes(data[: len(data) // 2] if target.name == "03.jpg" else data)
    assert main(arguments(folder, tmp_path / "r")) == 2
    text = capsys.readouterr().err
    assert "03.jpg" in text and "--skip-bad" in text
    assert not (tmp_path / "r").exists()


def test_resume_takes_no_other_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--resume", str(tmp_path), "--epochs", "3"])
    assert "no other option" in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_learning_rate_rises_and_falls() -> None:
    shares = [learning_rate_share(i / 100, 0.1) for i in range(101)]
    assert max(shares) == pytest.approx(1, abs=0.01) and shares.index(max(shares)) == 10
    assert shares[100] == pytest.approx(0, abs=1e-9)
    assert shares[:11] == sorted(shares[:11]) and shares[10:] == sorted(shares[10:], reverse=True)


def test_the_first_layers_learn_more_slowly() -> None:
    config = Config.model_validate({"network": {"backbone": "resnet18"}, "optimiser": {"first_lr_factor": 0.1}})
    network = build_network(config, Taxonomy.from_pairs([("car", "a"), ("car", "b")]))
    objective = Objective(config.loss, (0, 0), config.network.embedding_dim)
    groups = build_optimiser(network, objective, config).param_groups
    height = {id(parameter): group["height"] for group in groups for parameter in group["params"]}
    of = {name: height[id(parameter)] / config.optimiser.lr for name, parameter in network.named_parameters()}
    assert len(of) == len(height)
    course = [rate for name, rate in of.items() if name.startswith("backbone.")]
    assert course == sorted(course) and course[0] == pytest.approx(0.1) and course[-1] == pytest.approx(1)
    assert course[len(course) // 2] == pytest.approx(0.1**0.5, rel=0.13)  # in equal ratios
    heads = [rate for name, rate in of.items() if not name.startswith("backbone.")]
    assert heads == [pytest.approx(config.optimiser.head_lr_factor)] * len(heads)


def test_collapse_is_noticed() -> None:
    healthy = {"spread": 0.9, "gap": 0.5}
    assert collapse_signs(healthy) == []
    assert "collapsed" in collapse_signs({**healthy, "spread": 1e-5})[0]
    assert "nearer" in collapse_signs({**healthy, "gap": -0.1})[0]


def test_settings_of_the_drawn_set_need_no_download() -> None:
    config = Config.model_validate({"data": {"data": ("demo:",)}}).resolved()
    assert config.network.weights == "none"
    real = Config.model_validate({"data": {"data": ("demo:", "table:x.csv")}}).resolved()
    assert real.network.weights == "imagenet"


def test_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="'random', 'hard_negative'"):
        LossSettings.model_validate({"rule": "best"})


def test_a_damaged_checkpoint_is_reported(unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(unbroken, copy)
    data = (copy / "checkpoint.pt").read_bytes()
    (copy / "checkpoint.pt").write_bytes(data[: len(data) // 2])
    assert main(["--resume", str(copy)]) == 2
    assert "checkpoint is damaged" in capsys.readouterr().err


def test_resuming_a_trained_run_only_finishes_it(unbroken: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(unbroken, copy)
    (copy / "model.onnx").unlink()
    assert main(["--resume", str(copy)]) == 0
    assert bundle.read_info(copy / "model.onnx").fingerprint == bundle.read_info(unbroken / "model.onnx").fingerprint
    kinds = [event.kind for event in read_events(copy / "events.jsonl")]
    assert kinds == [event.kind for event in read_events(unbroken / "events.jsonl")]


def test_a_full_disk_keeps_the_old_checkpoint(unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(unbroken, copy)
    run = RunFolder.open(copy)
    before = run.checkpoint.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"checkpoint\.pt: the disk is full"):
        run.save_checkpoint({"step": 1})
    assert run.checkpoint.read_bytes() == before
    assert not list(copy.glob("*.part"))


@pytest.mark.parametrize(
    "options",
    [
        ("--distance", "log_ratio"),
        ("--distance", "plain_ratio"),
        ("--form", "ratio", "--second-hinge", "triangle", "--lambda-global", "0.5"),
        ("--rule", "semi_hard", "--skip-hardest", "1", "--average", "rows", "--coarse-head-on", "embedding"),
    ],
)
def test_every_cost_and_rule_trains(options: tuple[str, ...], picture_folder: Path, tmp_path: Path) -> None:
    command = parse([*arguments(picture_folder, tmp_path / "r"), *options, "--epochs", "2"])
    assert command.out is not None
    run = new_run(command.out, command.config)
    assert train(run, StopRequest())
    events = read_events(run.events)
    losses = [event.values["distance"] for event in events if event.kind == "step"]
    assert all(np.isfinite(loss) and loss >= 0 for loss in losses) and any(loss > 0 for loss in losses)
    assert all(event.values["d_negative"] > 0 for event in events if event.kind == "epoch")


def test_the_card_states_the_figures_of_the_run(
    unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "card.md"
    arguments = [str(unbroken), "--model", str(unbroken / "model.onnx"), "--origin", "none.", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["card", *arguments])
    assert card_main() == 0
    text = out.read_text(encoding="utf-8")
    figures = json.loads((unbroken / "metrics.json").read_text())["test"]["all"]
    assert f"{100 * figures['fine_accuracy']:.1f} %" in text and "resnet18" in text and "Research use" in text
    metrics = json.loads((unbroken / "metrics.json").read_text())
    other = tmp_path / "other"
    shutil.copytree(unbroken, other)
    metrics["test"]["all"]["photos"] += 1
    (other / "metrics.json").write_text(json.dumps(metrics))
    monkeypatch.setattr(sys, "argv", ["card", str(other), *arguments[1:]])
    assert card_main() == 2
    assert "export it again" in capsys.readouterr().err
