"""Studies: what a plan means, that nothing is run twice, and that a run repeats itself."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from model.contract.config import Config
from model.contract.samples import DataError, Sample
from model.data.labels import encode, taxonomy_of
from model.data.readers import read_data
from model.data.splits import Split
from model.experiments import cell_run
from model.experiments import grid as study_room
from model.experiments.cell_run import CellTask, config_of, run_frozen
from model.experiments.frozen_training import cached_features, train_heads
from model.experiments.grid import StudyGrid, read_rows, write_rows
from model.experiments.plan import PLANS, Cell, PlanError, baselines_of, cells, kept_plan, read_plan
from model.study import main
from model.training.inference import part_of
from model.training.run_folder import RunFolder
from tests.checkout import ROOT

PLAN = """
title = "A small one"
mode = "frozen"
seeds = 2
[base.data]
split = "class_disjoint"
validation = 0.0
[base.network]
backbone = "resnet18"
weights = "none"
embedding_dim = 8
[base.input]
size = 32
[base.optimiser]
epochs = 2
[axes.rule]
random = { "loss.rule" = "random" }
semi_easy = { "loss.rule" = "semi_easy" }
[axes.cost]
hinge = { "loss.form" = "hinge" }
[[baseline]]
rule = "random"
"""


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_plan_that_comes_with_the_project_is_sound(path: Path) -> None:
    plan = read_plan(path.stem)
    names = [cell.name for cell in cells(plan)]
    assert len(names) == len(set(names)) > 1
    for cell in cells(plan):
        config = config_of(plan, cell, 3, ("demo:",), {"": "none"})
        assert config.machine.seed == 3
        assert set(baselines_of(plan, cell.names)) <= set(names)


def test_cells_are_all_combinations(plan_file: Path) -> None:
    plan = read_plan(str(plan_file))
    assert [cell.name for cell in cells(plan)] == ["random / hinge", "semi_easy / hinge"]
    assert baselines_of(plan, {"rule": "semi_easy", "cost": "hinge"}) == ["random / hinge"]
    assert baselines_of(plan, {"rule": "random", "cost": "hinge"}) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('mode = "frozen"', 'mode = "fast"', "mode"),
        ('rule = "random"\n', 'rule = "best"\n', "no value 'best'"),
        ("seeds = 2", "seeds = ", "plan.toml"),
    ],
)
def test_a_wrong_plan_is_reported(plan_file: Path, old: str, new: str, said: str) -> None:
    plan_file.write_text(PLAN.replace(old, new), encoding="utf-8")
    with pytest.raises(PlanError, match=said):
        read_plan(str(plan_file))


def test_a_setting_that_does_not_exist_is_reported(plan_file: Path) -> None:
    plan_file.write_text(PLAN.replace('"loss.form" = "hinge"', '"loss.shape" = "hinge"'), encoding="utf-8")
    plan = read_plan(str(plan_file))
    with pytest.raises(PlanError, match=r"loss\.shape"):
        config_of(plan, next(cells(plan)), 0, ("demo:",), {})
    with pytest.raises(PlanError, match="selection"):
        read_plan("no such plan")


@pytest.mark.slow
def test_a_stopped_study_can_be_resumed_and_repeated(plan_file: Path, picture_folder: Path, tmp_path: Path) -> None:
    plan, out, data = read_plan(str(plan_file)), tmp_path / "study", (f"folder:{picture_folder}",)
    assert StudyGrid(plan, out).run(data, {}, jobs=1)
    table = out / "runs.csv"
    rows = read_rows(table)
    assert {(row["cell"], row["seed"]) for row in rows} == {
        (cell, seed) for cell in ("random / hinge", "semi_easy / hinge") for seed in "01"
    }
    kept = [row for row in rows if (row["cell"], row["seed"]) != ("semi_easy / hinge", "1")]
    write_rows(table, kept)
    assert StudyGrid(plan, out).run(data, {}, jobs=1)
    again = read_rows(table)
    assert again[:3] == kept  # what was there was not run again
    assert kept_plan(out) == plan
    lost = next(row for row in rows if row not in kept)
    timing = {"step_ms", "selection_ms", "seconds"}
    assert {k: v for k, v in again[3].items() if k not in timing} == {k: v for k, v in lost.items() if k not in timing}
    assert all(0 <= float(row["recall_1"]) <= 1 for row in again)


def test_heads_learn_on_frozen_features(picture_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)  # some backbones of random weights distinguish all pictures as they are
    config = Config.model_validate(
        {
            "data": {"data": (f"folder:{picture_folder}",), "test": 0.3},
            "network": {"backbone": "resnet18", "weights": "none", "embedding_dim": 8},
            "input": {"size": 32},
            "optimiser": {"epochs": 15, "lr": 3e-3},
        }
    ).resolved()
    samples = read_data(config.data.data).samples
    features = np.load(cached_features(samples, config, tmp_path))
    assert np.linalg.norm(features, axis=1) == pytest.approx(np.ones(len(samples)), abs=1e-5)
    taxonomy = taxonomy_of(samples)
    labels = encode(samples, taxonomy)
    trained = train_heads(config, features, labels, taxonomy, (features, labels))
    embedding = trained.infer(features).embedding
    assert float((embedding.norm(dim=1) - 1).abs().max()) < 1e-5
    known = labels.fine >= 0
    nearest = (embedding @ embedding.T - 2 * torch.eye(len(samples))).argmax(dim=1).numpy()
    assert (labels.fine[nearest] == labels.fine)[known].mean() > 0.6
    assert trained.epochs[-1]["recall_1"] > trained.epochs[0]["recall_1"]


def test_a_run_of_a_frozen_study_keeps_the_parts_of_the_run_that_it_starts_from(
    small_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Sample] = []
    monkeypatch.setattr(cell_run, "_result", lambda _task, _output, tested, *_: measured.extend(tested))
    samples = read_data(small_run.config().data.data).samples
    features = tmp_path / "features.npy"
    np.save(features, np.random.default_rng(0).normal(size=(len(samples), 6)).astype(np.float32))
    settings = small_run.config().model_dump()
    settings["data"]["split_seed"] = 7
    settings["network"]["weights"] = str(small_run.folder)
    run_frozen(CellTask(Cell({"rule": "random"}, {}), Config.model_validate(settings), samples, features))
    assert [sample.path for sample in measured] == [sample.path for sample in part_of(small_run, Split.TEST)]


def test_a_frozen_study_does_not_test_on_photos_that_its_backbone_was_trained_on(
    plan_file: Path, small_run: RunFolder, picture_folder: Path, tmp_path: Path
) -> None:
    study = StudyGrid(read_plan(str(plan_file)), tmp_path / "study")
    with pytest.raises(DataError, match=r"holds out are among those that .* was trained on"):
        study.run((f"folder:{picture_folder}",), {"": str(small_run.folder)}, jobs=1)
    assert not (tmp_path / "study" / "cache").exists()


def test_a_model_file_of_unknown_training_photos_is_reported_once(
    plan_file: Path,
    small_run: RunFolder,
    picture_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = StudyGrid(read_plan(str(plan_file)), tmp_path / "study")
    monkeypatch.setattr(study_room, "cached_features", lambda *_: tmp_path)
    monkeypatch.setattr(study, "_run_frozen", lambda *_: None)
    study.run((f"folder:{picture_folder}",), {"": str(small_run.model)}, jobs=1)
    assert capsys.readouterr().err.count("it is not known which photos") == 1


@pytest.mark.parametrize("ended_by", [ValueError, KeyboardInterrupt])
def test_where_a_frozen_run_fails_no_other_begins_and_what_is_done_is_kept(
    ended_by: type[BaseException], plan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, ran, failed = StudyGrid(read_plan(str(plan_file)), tmp_path), [], threading.Event()
    tasks = [CellTask(Cell({"number": str(number)}, {}), Config(), ()) for number in range(20)]

    def work(task: CellTask) -> int:
        number = tasks.index(task)
        ran.append(number)
        if number == 1:
            failed.set()
            raise ended_by
        failed.wait(10)
        time.sleep(0.2)  # still running when the other has failed
        return number

    added = []
    monkeypatch.setattr(study_room, "_pool", lambda jobs, *_: ThreadPoolExecutor(jobs))
    monkeypatch.setattr(study_room, "run_frozen", work)
    monkeypatch.setattr(study, "add", added.append)
    with pytest.raises(ended_by):
        study._run_frozen(tasks, jobs=2)
    assert 0 in added and sorted([*added, 1]) == sorted(ran) and len(ran) < 6


@pytest.mark.slow
def test_a_full_study_trains_whole_networks(plan_file: Path, picture_folder: Path, tmp_path: Path) -> None:
    text = PLAN.replace('mode = "frozen"', 'mode = "full"').replace("seeds = 2", "seeds = 1")
    plan_file.write_text(text.replace("[base.optimiser]", '[base.machine]\naccelerator = "cpu"\n[base.optimiser]'))
    plan, out, data = read_plan(str(plan_file)), tmp_path / "study", (f"folder:{picture_folder}",)
    study = StudyGrid(plan, out)
    assert study.run(data, {}, jobs=1)
    rows, epochs = read_rows(out / "runs.csv"), read_rows(out / "curves.csv")
    assert [row["cell"] for row in rows] == ["random / hinge", "semi_easy / hinge"]
    assert [(row["cell"], row["epoch"]) for row in epochs] == [(row["cell"], n) for row in rows for n in "12"]
    assert all(0 <= float(row["recall_1"]) <= 1 and float(row["selection_ms"]) > 0 for row in rows + epochs)
    assert not list((out / "runs").iterdir())
    text = study.report().read_text(encoding="utf-8")
    assert "random / hinge" in text and "map.png" in text and (out / "curves.svg").is_file()
    assert read_rows(out / "runs.csv") == rows


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process group is interrupted in another way there")
@pytest.mark.parametrize("end", [lambda study: os.killpg(study.pid, signal.SIGINT), subprocess.Popen.terminate])
def test_an_interrupted_full_study_can_be_resumed_and_leaves_nothing_running(
    plan_file: Path, picture_folder: Path, tmp_path: Path, end: Callable[[subprocess.Popen], None]
) -> None:
    text = PLAN.replace('mode = "frozen"', 'mode = "full"').replace("epochs = 2", "epochs = 30")
    plan_file.write_text(text.replace("[base.optimiser]", '[base.machine]\naccelerator = "cpu"\n[base.optimiser]'))
    out = tmp_path / "study"
    command = [sys.executable, "-m", "model.study", plan_file, "--out", out, "--data", f"folder:{picture_folder}"]
    process = subprocess.Popen([*map(str, command), "--jobs", "2"], cwd=ROOT, start_new_session=True)
    until = time.monotonic() + 300
    while len(list((out / "runs").glob("*/checkpoint.pt"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    end(process)
    assert process.wait(180) in (0, 130, -signal.SIGINT)
    until = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):  # its workers too have ended
        while time.monotonic() < until:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    kept = sorted(path.parent.name for path in (out / "runs").glob("*/checkpoint.pt"))
    assert len(kept) == 2 and not read_rows(out / "runs.csv")
    assert main([*map(str, command[3:]), "--jobs", "2"]) == 0
    assert len(read_rows(out / "runs.csv")) == 4 and len(read_rows(out / "curves.csv")) == 4 * 30
    assert not list((out / "runs").iterdir())


def test_a_folder_that_holds_something_else_is_refused_for_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, words in (("letters", "holds something other than a study"), ("file", "this is a file")):
        assert main(["recipe", "--out", str(tmp_path / name), "--data", "demo:"]) == 2
        assert words in capsys.readouterr().err
    assert [one.name for one in (tmp_path / "letters").iterdir()] == ["mine.txt"]


def test_a_study_that_is_refused_for_its_data_leaves_no_folder(
    plan_file: Path, picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few" / "car" / "A"
    few.mkdir(parents=True)
    shutil.copy(min(picture_folder.rglob("*.*")), few)
    for data, words in (("nowhere", "does not exist"), (tmp_path / "few", "two classes")):
        assert main([str(plan_file), "--out", str(tmp_path / "new" / "study"), "--data", f"folder:{data}"]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_study_that_is_refused_for_its_weights_leaves_no_folder(
    plan_file: Path, picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", f"folder:{picture_folder}"]
    weights = ["--weights", str(tmp_path / "none.pth")]
    assert main([str(plan_file), "--out", str(tmp_path / "study"), *data, *weights]) == 2
    assert "no such file" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
