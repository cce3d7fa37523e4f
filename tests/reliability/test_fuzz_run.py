"""The files of a run folder, and weights, that are damaged or invented."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
import torch
from safetensors.torch import save_file
from torch import nn

from app.core.explore.held_out import read_held_out
from app.core.training.runs import Runs
from app.core.training.training_history import History, write_table
from app.core.training.training_watch import TrainingWatch
from model.contract.config import Config
from model.contract.events import EventWriter, rewind
from model.contract.posterior import Posterior
from model.contract.run_layout import RunLayout
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import Tested
from model.data.splits import Split
from model.evaluation.calibration import CalibrationChoice
from model.system.errors import MarqueError
from model.training.run_folder import RunFolder, read_arrays, write_json
from model.training.starting_weights import load_starting_weights
from tests.model.small import SMALL
from tests.reliability.fuzzing import another_value, as_json, damaged, fuzz, reads_or_tells

TREE = Taxonomy(coarse=("boat", "car"), fine=("ferry", "tug", "van"), parents=(0, 0, 1))
PROJECTION = {"step": (), "centre": ("width",), "axes": ("d", "width"), "landmarks": ("marks", "d")}


@pytest.fixture(scope="module")
def run(place: Path) -> RunFolder:
    """A run folder with every file, small; nothing was trained."""
    samples = [
        Sample(Path(f"/photos/{n}.jpg"), "boat", "tug", "photos", str(n), "", attributes={"y": 1.5}) for n in "ab"
    ]
    made = RunFolder.create(place / "run", Config.model_validate(SMALL), TREE, samples, [Split.TRAIN, Split.TEST])
    write_json(made.metrics, {"split": "x", "step": 3, "test": {"all": {"fine_accuracy": 0.5}}})
    write_json(made.calibration, {**CalibrationChoice(step=3).model_dump(), "validation": {"photos": 12}})
    write_json(made.variants, {"fp32": {"photos": 12, "images_per_second": 50.0, "times_fp32": 1.0}, "step": 3})
    network = {"backbone.weight": torch.ones(3, 2), "heads.bias": torch.zeros(2, dtype=torch.float16)}
    made.save_checkpoint(
        {"step": 3, "epoch": 1, "batch": 0, "sums": {"loss": [0.5]}, "network": network, "average": dict(network)}
    )
    np.savez(made.projection, step=3, centre=np.zeros(4, np.float32), axes=np.eye(4), landmarks=np.ones((2, 4)))
    sure = Posterior(np.full((2, 2), 0.5), np.full((2, 3), 0.3))
    Tested.of(3, samples, np.eye(2, 4), TREE, sure).write(made.tested)
    with EventWriter(made.events) as events:
        events.write("start", 0, device="cpu", epochs=2, batches=3)
        for step in (1, 2, 3):
            events.write("step", step, epoch=0, loss=1.5, images_per_second=20.0)
        events.write("epoch", 3, epoch=0, loss=1.0, val_fine=0.5)
        events.write("done", 6, fingerprint="0123")
    return made


def followed(folder: Path) -> None:
    """The events as curves, as a table, and as a resumed run takes them up."""
    history = History(folder)
    history.poll()
    history.progress()
    for name in history.names():
        history.curve(name, 0.5)
    write_table([("a", history)], folder / "table.csv")
    rewind(folder / "events.jsonl", 2, 0)


READERS: dict[str, Callable[[RunFolder], object]] = {
    "config.json": RunFolder.config,
    "taxonomy.json": RunFolder.taxonomy,
    "metrics.json": lambda run: (RunLayout(run.folder).held_out_metrics(), run.read_metrics()),
    "calibration.json": CalibrationChoice.read,
    "variants.json": RunFolder.read_variants,
    "versions.json": RunFolder.device,
    "split.csv": RunFolder.samples,
    "checkpoint.pt": RunFolder.load_checkpoint,
    "projection.npz": lambda run: read_arrays(run.projection, PROJECTION, "delete it"),
    "test.npz": lambda run: read_held_out(run.folder),
    "events.jsonl": lambda run: followed(run.folder),
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@fuzz(12)
def test_a_damaged_file_of_a_run_is_read_or_reported(run: RunFolder, name: str, data: st.DataObject) -> None:
    file = run.folder / name
    whole = file.read_bytes()
    try:
        file.write_bytes(data.draw(damaged(whole)))
        reads_or_tells(f"run's {name}", lambda: READERS[name](run), name)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(".json")])
@given(data=st.data())
@fuzz(12)
def test_json_of_any_kind_is_read_or_reported(run: RunFolder, name: str, data: st.DataObject) -> None:
    file = run.folder / name
    whole = file.read_bytes()
    try:
        file.write_bytes(as_json(data.draw(another_value(json.loads(whole)))))
        reads_or_tells(f"run's {name}, other values", lambda: READERS[name](run), name)
    finally:
        file.write_bytes(whole)


@given(data=st.data())
@fuzz(12)
def test_events_of_any_kind_are_read_or_reported(run: RunFolder, data: st.DataObject) -> None:
    whole = run.events.read_bytes()
    lines = [json.loads(line) for line in whole.splitlines()]
    try:
        changed = data.draw(another_value(lines))
        run.events.write_bytes(b"\n".join(map(as_json, changed if isinstance(changed, list) else [changed])) + b"\n")
        reads_or_tells("run's events.jsonl, other values", lambda: followed(run.folder), "events.jsonl")
    finally:
        run.events.write_bytes(whole)


_ARRAYS = st.sampled_from(
    [
        np.array(np.nan),
        np.array([np.inf, 1.0]),
        np.zeros((0, 4), np.float32),
        np.zeros(3, np.int64),
        np.array("text"),
        np.array(["a", "b"]),
        np.full((2, 4), 1e30),
        np.zeros((2, 4), bool),
        np.array([1 << 62, -1]),
        np.array([5, -7], np.int32),
        np.array([2.5, np.nan], np.float32),
        np.array('{"coarse":["a\\u0000"],"fine":[],"parents":[]}'),
    ]
)


@pytest.mark.parametrize("name", ["projection.npz", "test.npz"])
@given(data=st.data())
@fuzz(20)
def test_arrays_of_any_kind_are_read_or_reported(run: RunFolder, name: str, data: st.DataObject) -> None:
    file = run.folder / name
    whole = file.read_bytes()
    with np.load(file) as kept:
        arrays = {one: kept[one] for one in kept.files}
    try:
        for one in data.draw(st.lists(st.sampled_from(list(arrays)), min_size=1, max_size=2)):
            arrays[one] = data.draw(_ARRAYS)
        if data.draw(st.integers(0, 4)) == 0:
            del arrays[data.draw(st.sampled_from(list(arrays)))]
        np.savez(file, **arrays)
        reads_or_tells(f"run's {name}, other arrays", lambda: READERS[name](run), name)
    finally:
        file.write_bytes(whole)


_STATES: dict[str, Any] = {
    "step": [-1, 1 << 60, "3", 2.5, None],
    "network": [{}, [], {"a": 3}, {"a": torch.tensor(float("nan"))}, {"a": torch.ones(1).expand(1 << 40)}],
    "average": [None, {"a": torch.tensor([float("inf")])}, {"a": torch.ones(2, 2).to_sparse()}],
    "epoch": [[], torch.tensor(1)],
    "sums": [None],
}


@given(data=st.data())
@fuzz(15)
def test_a_checkpoint_of_any_content_is_read_or_reported(run: RunFolder, data: st.DataObject) -> None:
    whole = run.checkpoint.read_bytes()
    state = run.load_checkpoint()
    name = data.draw(st.sampled_from(list(_STATES)))
    try:
        if data.draw(st.integers(0, 5)) == 0:
            del state[name]
        else:
            state[name] = data.draw(st.sampled_from(_STATES[name]))
        torch.save(state if data.draw(st.integers(0, 9)) else list(state), run.checkpoint)
        reads_or_tells("run's checkpoint.pt, other content", run.load_checkpoint, "checkpoint.pt")
    finally:
        run.checkpoint.write_bytes(whole)


def test_a_pipe_in_the_place_of_a_file_of_a_run_is_not_waited_for(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(tmp_path / "run")
    copy.folder.mkdir()
    for name in READERS:
        os.mkfifo(copy.folder / name)
    for name, read in READERS.items():
        reads_or_tells(f"run's {name}", partial(read, copy), name, copy.folder.name)
    reads_or_tells("run's events.jsonl", lambda: EventWriter(copy.events), "events.jsonl")
    reads_or_tells("run's folder", lambda: RunFolder.open(copy.folder), copy.folder.name)


class Evil:
    """What pickle would run."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (Path("ran"),)


@pytest.mark.parametrize("old_form", [True, False])
def test_nothing_in_a_checkpoint_is_run(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old_form: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = run.checkpoint.read_bytes()
    try:
        torch.save({"step": Evil()}, run.checkpoint, _use_new_zipfile_serialization=not old_form)
        with pytest.raises(MarqueError, match=r"checkpoint\.pt: the checkpoint is damaged"):
            run.load_checkpoint()
    finally:
        run.checkpoint.write_bytes(whole)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_that_unpacks_to_more_than_it_is_is_refused(run: RunFolder) -> None:
    whole = run.checkpoint.read_bytes()
    try:
        with zipfile.ZipFile(run.checkpoint) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(run.checkpoint, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in parts.items():
                archive.writestr(name, part + (bytes(50 << 20) if name.endswith("data/0") else b""))
        with pytest.raises(MarqueError, match="unpacked it would take"):
            run.load_checkpoint()
    finally:
        run.checkpoint.write_bytes(whole)


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
@given(data=st.data())
@fuzz(15)
def test_damaged_weights_are_read_or_reported(place: Path, ending: str, data: st.DataObject) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    good, file = place / f"good{ending}", place / f"weights{ending}"
    if not good.exists():
        state = network.state_dict()
        save_file(state, good) if ending == ".safetensors" else torch.save(state, good)
    file.write_bytes(data.draw(damaged(good.read_bytes())))
    reads_or_tells(f"weights{ending}", lambda: load_starting_weights(network, "resnet18", str(file)), file.name)


RECORD = {
    "name": "first",
    "folder": "/nowhere/first",
    "arguments": ["--epochs", "3"],
    "created": 1.5,
    "waiting": True,
    "queued": 2.5,
    "log_start": 0,
    "process": {"pid": 1, "born": "x"},
}


@given(data=st.data())
@fuzz(20)
def test_records_of_trainings_of_any_kind_are_read_or_left_out(
    place: Path, run: RunFolder, data: st.DataObject
) -> None:
    folder = place / "trainings"
    folder.mkdir(exist_ok=True)
    record = RECORD | {"folder": str(run.folder)}
    content = data.draw(st.one_of(another_value(record).map(as_json), damaged(as_json(record))))
    (folder / "first.json").write_bytes(content)

    def look() -> None:
        watcher = TrainingWatch(folder)
        watcher.look(("first",), 0.0)
        watcher.paces()
        watcher.printed("first") if Runs(folder).records() else None

    reads_or_tells("record of a training", look, "first")
