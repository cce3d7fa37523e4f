"""Trainings that outlive the program: with a stand-in for the trainer, and (slow) with the trainer itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.core.system import processes
from app.core.system.processes import Process
from app.core.training.runs import Runs, TrainingError, TrainingState
from app.core.training.training_history import History, smooth, write_table
from model.contract.events import EVENTS_FILE, EventWriter, rewind
from model.contract.run_layout import RunLayout

STAND_IN = """
import json, pathlib, signal, sys, time
resumed = sys.argv[1] == "--resume"
out = pathlib.Path(sys.argv[-1])
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
if "fail" in sys.argv:
    print("skipped: something"); print("error: labels.csv:3: no such photo\\nmend it"); sys.exit(2)
out.mkdir(exist_ok=True)
(out / "config.json").write_text("{}")
with (out / "events.jsonl").open("a") as file:
    def tell(kind, step, **values):
        print(json.dumps({"kind": kind, "step": step, "time": time.time(), **values}), file=file, flush=True)
    tell("start", 10 * resumed, epochs=1, batches=20)
    for step in range(10 * resumed, 10 + 10 * resumed):
        tell("step", step + 1, epoch=0, loss=1.0)
    while not resumed and not asked:
        time.sleep(0.01)
    tell("done" if resumed else "stopped", 20 if resumed else 10)
"""


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    script = tmp_path / "trainer.py"
    script.write_text(STAND_IN)
    return Runs(tmp_path / "runs", (sys.executable, str(script)))


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def state_of(runs: Runs, name: str) -> tuple[TrainingState, str]:
    record = runs.record(name)
    alive, history = runs.is_alive(record), History(record.folder)
    history.poll()
    return runs.state(record, alive=alive, done=history.progress().done)


def steps_of(runs: Runs, name: str) -> int:
    history = History(runs.record(name).folder)
    history.poll()
    return history.progress().step


def test_a_training_can_be_found_again_stopped_and_resumed(runs: Runs) -> None:
    runs.add("mine", ["--data", "x"])
    assert state_of(runs, "mine") == (TrainingState.WAITING, "")
    assert runs.start_next().name == "mine"
    until(lambda: steps_of(runs, "mine") == 10)

    again = Runs(runs.folder, runs._trainer)  # as another start of the program sees it
    assert [record.name for record in again.records()] == ["mine"]
    assert state_of(again, "mine") == (TrainingState.RUNNING, "")
    with pytest.raises(TrainingError, match="stop it first"):
        again.remove("mine")
    again.stop("mine")
    until(lambda: state_of(again, "mine")[0] is not TrainingState.STOPPING)
    assert state_of(again, "mine") == (TrainingState.STOPPED, "")

    again.resume("mine")
    again.start_next()
    until(lambda: state_of(again, "mine")[0] is TrainingState.FINISHED)
    assert steps_of(again, "mine") == 20
    folder = again.remove("mine")
    assert again.records() == [] and (folder / EVENTS_FILE).is_file()
    with pytest.raises(TrainingError, match="already"):
        again.add("mine", [])
    assert again.adopt(folder).name == "mine" and state_of(again, "mine")[0] is TrainingState.FINISHED
    with pytest.raises(TrainingError, match="already"):
        again.adopt(folder)


def test_the_next_one_starts_when_one_has_ended(runs: Runs) -> None:
    runs.add("one", [])
    runs.add("two", [])
    assert runs.start_next().name == "one" and runs.start_next() is None
    until(lambda: steps_of(runs, "one") == 10)
    runs.stop("one")
    until(lambda: state_of(runs, "one")[0] is TrainingState.STOPPED)
    assert runs.start_next().name == "two"
    until(lambda: steps_of(runs, "two") == 10)
    runs.stop("two")
    until(lambda: state_of(runs, "two")[0] is TrainingState.STOPPED)


def test_a_failure_says_what_the_trainer_said(runs: Runs) -> None:
    runs.add("bad", ["fail"])
    runs.start_next()
    until(lambda: state_of(runs, "bad")[0] is TrainingState.FAILED)
    assert state_of(runs, "bad")[1] == "labels.csv:3: no such photo\nmend it"


def test_one_that_was_killed_has_failed_and_can_be_resumed(runs: Runs) -> None:
    runs.add("mine", [])
    process = runs.start_next().process
    until(lambda: steps_of(runs, "mine") == 10)
    os.kill(process.pid, 9)
    until(lambda: state_of(runs, "mine")[0] is TrainingState.FAILED)
    assert "resumed" in state_of(runs, "mine")[1]
    runs.resume("mine")
    runs.start_next()
    until(lambda: state_of(runs, "mine")[0] is TrainingState.FINISHED)


def test_a_number_that_was_given_to_another_process_does_not_count_as_a_training() -> None:
    here = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        birth = processes._birth(here.pid)
        assert birth is not None
        assert processes.is_alive(Process(pid=here.pid, birth=birth))
        assert not processes.is_alive(Process(pid=here.pid, birth=birth + "0"))
    finally:
        here.communicate(b"\n")
    assert not processes.is_alive(Process(pid=here.pid, birth=birth))


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x.", "a:b"])
def test_names_that_cannot_be_file_names_are_refused(runs: Runs, name: str) -> None:
    with pytest.raises(TrainingError):
        runs.add(name, [])


def test_damaged_records_are_passed_over(runs: Runs) -> None:
    runs.add("good", [])
    (runs.folder / "bad.json").write_text("{")
    assert [record.name for record in runs.records()] == ["good"]
    with pytest.raises(TrainingError):
        runs.adopt(runs.folder)


# histories


def tell(folder: Path, first: int, last: int, **more: float) -> None:
    with EventWriter(folder / EVENTS_FILE) as events:
        events.write("start", first - 1, epochs=2, batches=10)
        for step in range(first, last + 1):
            events.write("step", step, epoch=(step - 1) // 10, loss=10.0 / step, images_per_second=50.0, **more)
            if step % 10 == 0:
                events.write("epoch", step, epoch=(step - 1) // 10, loss=1.0, val_fine=0.5)


def test_curves_grow_and_a_torn_last_line_waits(tmp_path: Path) -> None:
    tell(tmp_path, 1, 12)
    history = History(tmp_path)
    assert history.poll() and not history.poll()
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write('{"kind": "step", "step": 13, "ti')
    assert not history.poll()
    assert history.progress().step == 12 and history.progress().steps == 20
    assert history.progress().images_per_second == 50 and history.progress().epoch == 2
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write('me": 5.0, "epoch": 1, "loss": null}\n')
    assert history.poll() and history.progress().step == 13
    steps, values = history.curve("loss")
    assert steps.tolist() == list(range(1, 13)) and values[0] == 10  # a missing value gives no point
    assert history.curve("val_fine")[1].tolist() == [0.5] and "epoch" not in history.names()
    assert [len(column) for column in history.curve("nonsense")] == [0, 0]


def test_a_resumed_run_does_not_fold_back(tmp_path: Path) -> None:
    tell(tmp_path, 1, 15)
    history = History(tmp_path)
    history.poll()
    rewind(tmp_path / EVENTS_FILE, step=12, epoch=1)
    tell(tmp_path, 13, 20)
    history.poll()
    steps, _ = history.curve("loss")
    assert steps.tolist() == list(range(1, 21))
    assert history.progress().finishing and history.progress().share == 1


def test_long_curves_are_thinned_and_keep_their_end(tmp_path: Path) -> None:
    with EventWriter(tmp_path / EVENTS_FILE) as events:
        for step in range(1, 5002):
            events.write("step", step, epoch=0, loss=float(step))
    history = History(tmp_path)
    history.poll()
    steps, values = history.curve("loss")
    assert len(steps) <= 1201 and steps[0] == 1 and steps[-1] == values[-1] == 5001


def test_smoothing_is_true_from_the_start() -> None:
    assert smooth(np.full(5, 3.0), 0.9) == pytest.approx(np.full(5, 3.0))
    assert smooth(np.array([1.0, 2.0]), 0.0).tolist() == [1, 2]
    assert smooth(np.array([0.0, 1.0]), 0.5)[-1] == pytest.approx(2 / 3)


def test_a_table_of_several_runs(tmp_path: Path) -> None:
    histories = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tell(tmp_path / name, 1, 10, **({"extra": 1.0} if name == "b" else {}))
        histories.append((name, History(tmp_path / name)))
        histories[-1][1].poll()
    write_table(histories, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "run,kind,step,time,epoch,loss,images_per_second,val_fine,extra" and len(lines) == 23


def test_figures_of_a_run(tmp_path: Path) -> None:
    assert RunLayout(tmp_path).held_out_metrics() == {}
    (tmp_path / "metrics.json").write_text(json.dumps({"test": {"all": {"fine_accuracy": 0.5}}}))
    assert RunLayout(tmp_path).held_out_metrics() == {"fine_accuracy": 0.5}
    (tmp_path / "metrics.json").write_text("[]")
    assert RunLayout(tmp_path).held_out_metrics() == {}


@pytest.mark.slow
def test_the_trainer_itself_is_stopped_resumed_and_finished(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    small = ("--size", "32", "--epochs", "2", "--accelerator", "cpu", "--embedding-dim", "16")
    runs.add("drawn", ["--data", f"demo:{tmp_path / 'drawn'}", *small])
    runs.start_next()
    until(lambda: steps_of(runs, "drawn") >= 1, 120)
    runs.stop("drawn")
    until(lambda: state_of(runs, "drawn")[0] is not TrainingState.STOPPING, 120)
    assert state_of(runs, "drawn") == (TrainingState.STOPPED, ""), runs.log(runs.record("drawn"))
    runs.resume("drawn")
    runs.start_next()
    until(lambda: state_of(runs, "drawn")[0] is TrainingState.FINISHED, 300)
    folder = runs.record("drawn").folder
    assert (folder / "model.onnx").is_file() and 0 <= RunLayout(folder).held_out_metrics()["fine_accuracy"] <= 1
