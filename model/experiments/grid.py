"""Experiments: a grid of settings over seeds, everything else equal: `python -m model.study PLAN --out DIR --data ...`.

PLAN is a TOML file, or the name of one that comes with the project (model/experiments/plan.py, model/studies/plans).
In mode `full` every run is a training of the whole network; in mode `frozen` embedding and heads alone are trained, on
features that are computed once (model/experiments/frozen_training.py).

DIR/plan.json     the plan, for those who read the folder
DIR/runs.csv one row for each finished run; a stopped study continues there
DIR/curves.csv one row for each epoch of these runs
DIR/embeddings/   of the test photos, from the first seed of each cell
DIR/report.md     figures, paired tests and plots
"""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.manifold import TSNE

from model.console import console
from model.contract.config import Config
from model.contract.samples import DataError
from model.data.csvfile import read_table
from model.data.readers import read_data
from model.experiments.cell_run import CellResult, CellTask, config_of, run_frozen, run_full
from model.experiments.comparison import best_first, read_cells
from model.experiments.frozen_training import cached_features
from model.experiments.plan import (
    CURVES_FILE,
    PLAN_FILE,
    RUNS_FILE,
    Cell,
    StudyPlan,
    baselines_of,
    cells,
    keep_plan,
    read_plan,
)
from model.experiments.report import write_report
from model.method.network import BACKBONES, build_backbone
from model.system.errors import file_errors
from model.system.files import write_whole
from model.training.memory import keep_freed_memory
from model.training.run_folder import RunError, read_arrays
from model.training.run_setup import dealt, note_unknown_parts
from model.training.session import StopRequest
from model.training.starting_weights import load_starting_weights

_DIGITS = 9  # of a seed


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a study's table; none without a table. Raises DataError if it is damaged."""
    if not path.exists():
        return []
    table = read_table(path, ("cell", "seed"), strip=False)
    if table.problems:
        raise DataError(table.problems[0])
    for row in table.rows:
        if not row.values["seed"].isdecimal() or len(row.values["seed"]) > _DIGITS:
            raise DataError(f"{row.origin}: the seed '{row.values['seed'][:40]}' is not a whole number")
    return [row.values for row in table.rows]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replace the table; a crash leaves the old one or the new one."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    table.writerows(rows)
    write_whole(path, lambda file: file.write(text.getvalue().encode()))


class StudyGrid:
    """The folder of a study."""

    def __init__(self, plan: StudyPlan, out: Path) -> None:
        self.plan, self.out = plan, out
        self.map = out / "map.npz"
        self._table, self._curves = out / RUNS_FILE, out / CURVES_FILE
        self._rows: list[dict[str, Any]] = list(read_rows(self._table))
        done = {(row["cell"], row["seed"]) for row in self._rows}
        # the study was killed between the two tables
        self._epochs: list[dict[str, Any]] = [r for r in read_rows(self._curves) if (r["cell"], r["seed"]) in done]

    def missing(self, data: tuple[str, ...], weights: Mapping[str, str]) -> list[tuple[Cell, Config]]:
        """The runs without a row, seed by seed. Raises PlanError."""
        done = {(row["cell"], int(row["seed"])) for row in self._rows}
        return [
            (cell, config_of(self.plan, cell, seed, data, weights))
            for seed in range(self.plan.seeds)
            for cell in cells(self.plan)
            if (cell.name, seed) not in done
        ]

    def embedding(self, cell: str) -> Path:
        """Where the embeddings of a cell's first seed are."""
        return self.out / "embeddings" / f"{slug(cell)}.npz"

    def add(self, result: CellResult) -> None:
        """Keep a finished run."""
        if result.row["seed"] == 0:
            path = self.embedding(result.row["cell"])
            path.parent.mkdir(exist_ok=True)
            write_whole(path, lambda file: np.savez(file, allow_pickle=False, **result.points))
        self._epochs += result.epochs
        write_rows(self._curves, self._epochs)
        self._rows.append(result.row)
        write_rows(self._table, self._rows)

    def report(self) -> Path:
        """Write the report. Raises DataError if the tables cannot be used."""
        varied = [key for values in self.plan.axes.values() for setting in values.values() for key in setting]
        best = best_first(read_cells(self._table, varied), self.plan.figure)[0].name
        if self.embedding(best).is_file():
            draw_map(self, best)
        return write_report(
            self.out,
            title=self.plan.title,
            figure=self.plan.figure,
            baselines_of=lambda row: baselines_of(self.plan, {axis: row[axis] for axis in self.plan.axes}),
            varied=varied,
        )

    def run(self, data: tuple[str, ...], weights: Mapping[str, str], jobs: int | None) -> bool:
        """Run what is missing; False if it was stopped.

        Raises:
            PlanError, DataError, TaxonomyError, WeightsError, RunError, PhotoError, OSError: with a message for the
                user.
        """
        self._check_folder()
        wanted = self.missing(data, weights)
        samples = read_data(data).samples if wanted else ()
        for config in {(config.data, config.network.weights): config for _, config in wanted}.values():
            dealt(samples, config)  # faults of the data are reported before anything is computed or written
        for backbone, start in {(config.network.backbone, config.network.weights) for _, config in wanted}:
            assert backbone is not None and start is not None
            load_starting_weights(build_backbone(backbone)[0], backbone, start)  # so are those of the weights
        self.out.mkdir(parents=True, exist_ok=True)
        keep_plan(self.plan, self.out)
        console.note(f"{len(self._rows)} runs are done, {len(wanted)} are left")
        if not wanted:
            return True
        if self.plan.mode == "full":
            return self._run_full([CellTask(cell, config, samples) for cell, config in wanted], jobs or 1)
        for start in {config.network.weights for _, config in wanted}:
            note_unknown_parts(start)
        features: dict[tuple[str | None, ...], Path] = {}
        for _, config in wanted:
            if _feature_key(config) not in features:
                features[_feature_key(config)] = cached_features(samples, config, self.out / "cache")
        tasks = [CellTask(cell, config, samples, features[_feature_key(config)]) for cell, config in wanted]
        self._run_frozen(tasks, jobs or os.cpu_count() or 1)
        return True

    def _check_folder(self) -> None:
        """Raises RunError if something other than a study is in its place."""
        if self.out.exists() and not self.out.is_dir():
            raise RunError(f"{self.out}: this is a file; name a folder for the study")
        ours = (self.out / PLAN_FILE).exists() or self._table.exists()
        if self.out.exists() and not ours and any(self.out.iterdir()):
            raise RunError(f"{self.out}: holds something other than a study; choose another --out")

    def _run_frozen(self, tasks: list[CellTask], jobs: int) -> None:
        with _pool(jobs, 1, _SPAWN.Event()) as pool, console.progress() as progress:
            bar = progress.add_task("runs", total=len(tasks))
            left = {pool.submit(run_frozen, task) for task in tasks}
            try:
                for future in as_completed(set(left)):
                    left.remove(future)
                    self.add(future.result())
                    progress.advance(bar)
            finally:
                pool.shutdown(cancel_futures=True)
                for future in left:  # the runs that were active when another one failed, or the study was stopped
                    if not future.cancelled() and future.exception() is None:
                        self.add(future.result())

    def _run_full(self, tasks: list[CellTask], jobs: int) -> bool:
        folders = [self.out / "runs" / f"{slug(t.cell.name)}-{t.config.machine.seed}" for t in tasks]
        threads = max(1, (os.cpu_count() or 1) // jobs)
        ending = _SPAWN.Event()
        with _pool(jobs, threads, ending) as pool, console.progress() as progress:
            bar = progress.add_task("runs", total=len(tasks))
            running = [pool.submit(_in_worker, task, folder) for task, folder in zip(tasks, folders, strict=True)]
            try:
                for future in as_completed(running):
                    if (result := future.result()) is None:
                        return False
                    self.add(result)
                    shutil.rmtree(folders[running.index(future)])  # its figures are kept; weights would fill the disk
                    progress.advance(bar)
            finally:
                ending.set()  # SIGTERM came to this process alone: the others would train to the end
                pool.shutdown(cancel_futures=True)
        return True


_SPAWN = multiprocessing.get_context("spawn")


def _pool(jobs: int, threads: int, ending: Event) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=_SPAWN, initializer=_begin_worker, initargs=(threads, ending))


_stopped: StopRequest
"""For a worker process: once it was asked to stop, it trains no further run."""


def _begin_worker(threads: int, ending: Event) -> None:
    global _stopped
    torch.set_num_threads(threads)
    console.console.quiet = True  # several bars at a time cannot be read; a run's folder has its events
    keep_freed_memory()
    _stopped = StopRequest()
    threading.Thread(target=_end_with_the_study, args=(_stopped, ending), daemon=True).start()


def _end_with_the_study(stopped: StopRequest, ending: Event) -> None:
    """If the study ends or was killed, the result is lost: end as after Ctrl-C, with a checkpoint."""
    study = multiprocessing.parent_process()
    assert study is not None, "this is a worker"
    while study.is_alive() and not ending.wait(1):
        pass
    while True:
        if not (stopped.requested and stopped.patient):  # otherwise the current step is finished first
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


def _in_worker(task: CellTask, folder: Path) -> CellResult | None:
    return None if _stopped() else run_full(task, folder, _stopped)


def _feature_key(config: Config) -> tuple[str | None, ...]:
    return config.network.backbone, config.network.weights, str(config.input.size), config.input.fit


def slug(name: str) -> str:
    """A cell's name as a file name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def draw_map(study: StudyGrid, cell: str) -> None:
    """Lay the test photos of a cell out on a plane by t-SNE, for the report."""
    file, advice = study.embedding(cell), "delete the folder, and the first seed is run again"
    kept = read_arrays(file, {"embedding": ("photos", "d")}, advice)
    if not all(kept.get(level, np.zeros(0)).shape == kept["embedding"].shape[:1] for level in ("coarse", "fine")):
        raise RunError(f"{file}: damaged (it names no classes of its photos); {advice}")
    embedding, coarse, fine = kept["embedding"].astype(np.float32), kept["coarse"], kept["fine"]
    points = TSNE(
        perplexity=min(30, len(embedding) / 4), init="pca", metric="cosine", random_state=0, n_jobs=-1
    ).fit_transform(embedding)
    title = f"{cell}: test photos, t-SNE of the embedding"
    write_whole(study.map, lambda file: np.savez(file, points=points, coarse=coarse, fine=fine, title=title))


def run_study(
    place: str, out: Path, data: tuple[str, ...], weights: Sequence[str], *, seeds: int | None, jobs: int | None
) -> Path | None:
    """Run the experiments of a plan that are not done yet and write the report; None if they were stopped.

    Args:
        place: the plan, as `read_plan` takes it.
        weights: starting weights, FILE or BACKBONE=FILE.
        seeds: seeds per cell; None for those of the plan.

    Raises:
        FileError: if the folder cannot be read or written. Also what `read_plan` and `StudyGrid.run` raise.
    """
    plan = read_plan(place)
    study = StudyGrid(plan.model_copy(update={"seeds": seeds or plan.seeds}), out)
    with file_errors(out):
        finished = study.run(data, dict(map(_backbone_and_weights, weights)), jobs)
        return study.report() if finished else None


def _backbone_and_weights(entry: str) -> tuple[str, str]:
    """The two parts of BACKBONE=WEIGHTS; without a backbone the weights are for all of them, under ""."""
    backbone, equals, place = entry.partition("=")
    return (backbone, place) if equals and backbone in BACKBONES else ("", entry)
