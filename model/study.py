"""Experiments: a grid of settings over seeds, everything else equal: `python -m model.study PLAN --out DIR --data ...`.

A plan is a TOML file (or the name of one that comes with the project, see model/studies/plans):

    title, mode ("frozen" or "full"), seeds
    [base.SECTION]        settings of every run, as in a run's config.json
    [axes.AXIS]           the values of an axis, each a table of settings: name = { "loss.rule" = "random" }
    [baseline]            AXIS = name: a cell is compared with the cell that differs in this axis alone

Every combination of the axes is a cell, and is run with each seed. One finished run is one row of DIR/runs.csv; a study
that was stopped goes on where it was, and rows that are there are not run again. At the end DIR/report.md is written.
"""

from __future__ import annotations

import csv
import io
import itertools
import multiprocessing
import os
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.progress import Progress

from model import terminal
from model.config import Config
from model.data.readers import read_data
from model.data.samples import DataError, Sample
from model.data.splits import Split, class_disjoint, stratified
from model.files import write_whole
from model.frozen import cached_features, train_heads
from model.labels import encode, taxonomy_of
from model.network import WeightsError
from model.photo import PhotoError
from model.report import write_report
from model.retrieval import clustering, retrieval
from model.run import RunError
from model.taxonomy import TaxonomyError

PLANS = Path(__file__).parent / "studies" / "plans"


class PlanError(Exception):
    """A plan that cannot be run; the message says where it is wrong."""


class Plan(BaseModel):
    """What a plan file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    mode: Literal["frozen"]
    seeds: int = Field(ge=1)
    base: dict[str, dict[str, Any]] = {}
    axes: dict[str, dict[str, dict[str, Any]]]
    baseline: dict[str, str] = {}


@dataclass(frozen=True)
class Cell:
    """One combination of the axes.

    Attributes:
        names: axis -> name of its value.
        settings: dotted setting -> value.
    """

    names: Mapping[str, str]
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As it stands in tables."""
        return " / ".join(self.names.values())


def read_plan(place: str) -> Plan:
    """A plan by file or by the name of one that comes with the project. Raises PlanError."""
    path = Path(place)
    if not path.is_file():
        path = PLANS / f"{place}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in PLANS.glob("*.toml")))
        raise PlanError(f"{place}: no such plan; give a TOML file or one of: {known}")
    try:
        plan = Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for axis, name in plan.baseline.items():
        if name not in plan.axes.get(axis, {}):
            raise PlanError(f"{path}: baseline: axis '{axis}' has no value '{name}'")
    return plan


def cells(plan: Plan) -> Iterator[Cell]:
    """Every combination of the axes' values, the last axis changing fastest."""
    for combination in itertools.product(*(values.items() for values in plan.axes.values())):
        names = dict(zip(plan.axes, (name for name, _ in combination), strict=True))
        yield Cell(names, {key: value for _, settings in combination for key, value in settings.items()})


def baseline_of(plan: Plan, names: Mapping[str, str]) -> str | None:
    """The name of the cell that a cell is compared with; None for one that is itself a baseline."""
    other = Cell({**names, **plan.baseline}, {}).name
    return None if not plan.baseline or other == Cell(names, {}).name else other


def config_of(plan: Plan, cell: Cell, seed: int, data: tuple[str, ...], weights: str | None) -> Config:
    """The settings of one run. Raises PlanError if the plan names a setting that does not exist."""
    content: dict[str, dict[str, Any]] = {section: dict(values) for section, values in plan.base.items()}
    for dotted, value in cell.settings.items():
        section, _, name = dotted.partition(".")
        content.setdefault(section, {})[name] = value
    content.setdefault("data", {})["data"] = data
    content.setdefault("machine", {})["seed"] = seed
    if weights is not None:
        content.setdefault("network", {})["weights"] = weights
    try:
        return Config.model_validate(content).resolved()
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanError(f"cell '{cell.name}': {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@dataclass(frozen=True)
class Task:
    """One run of a study, as it goes to a worker process."""

    cell: Cell
    config: Config
    samples: tuple[Sample, ...]
    features: Path


def run_frozen(task: Task) -> dict[str, Any]:
    """Train and measure one run; its row in the table."""
    start = time.perf_counter()
    config = task.config
    splits = np.asarray(split_of(task.samples, config))
    train, test = (np.flatnonzero(splits == part) for part in (Split.TRAIN, Split.TEST))
    features = np.load(task.features, mmap_mode="r")
    learned = [task.samples[i] for i in train]
    taxonomy = taxonomy_of(learned)
    trained = train_heads(config, np.asarray(features[train]), encode(learned, taxonomy), taxonomy)
    tested = [task.samples[i] for i in test]
    labels = encode(tested, taxonomy_of(tested))
    embedding = trained.embed(np.asarray(features[test]))
    found = asdict(retrieval(embedding, torch.from_numpy(labels.coarse), torch.from_numpy(labels.fine)))
    known = labels.fine >= 0
    clusters = clustering(embedding.numpy()[known], labels.fine[known], seed=config.machine.seed)
    recall = found.pop("recall")
    return {
        "cell": task.cell.name,
        "seed": config.machine.seed,
        **task.cell.names,
        **task.cell.settings,
        **{f"recall_{k}": value for k, value in recall.items()},
        **found,
        **asdict(clusters),
        "collapsed": int(trained.collapsed),
        "step_ms": trained.step_ms,
        "seconds": time.perf_counter() - start,
    }


def split_of(samples: tuple[Sample, ...], config: Config) -> list[Split]:
    """The split of a study: the same for all its runs, whatever their seed, so that they can be compared in pairs."""
    data = config.data
    if data.split == "class_disjoint":
        return class_disjoint(samples, validation=data.validation, seed=0)
    return stratified(samples, validation=data.validation, test=data.test, seed=0)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a study's table; none where there is no table yet."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replace the table; a crash leaves the old one or the new one."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    table.writerows(rows)
    write_whole(path, lambda file: file.write(text.getvalue().encode()))


def run_study(plan: Plan, out: Path, data: tuple[str, ...], weights: str | None, jobs: int) -> None:
    """Run what is missing of a study and write its table.

    Raises:
        PlanError, DataError, TaxonomyError, WeightsError, PhotoError, OSError: with a message for the user.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = out / "runs.csv"
    rows: list[dict[str, Any]] = list(read_rows(table))
    done = {(row["cell"], int(row["seed"])) for row in rows}
    wanted = [
        (cell, config_of(plan, cell, seed, data, weights))
        for seed in range(plan.seeds)
        for cell in cells(plan)
        if (cell.name, seed) not in done
    ]
    terminal.note(f"{len(done)} runs are done, {len(wanted)} are wanted")
    if not wanted:
        return
    samples = read_data(data).samples
    features: dict[tuple[str | None, ...], Path] = {}
    for _, config in wanted:
        if _feature_key(config) not in features:
            features[_feature_key(config)] = cached_features(samples, config, out / "cache")
    tasks = [Task(cell, config, samples, features[_feature_key(config)]) for cell, config in wanted]
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(jobs, mp_context=spawn, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        Progress(console=terminal.console) as progress,
    ):
        bar = progress.add_task("runs", total=len(tasks))
        for future in as_completed([pool.submit(run_frozen, task) for task in tasks]):
            rows.append(future.result())
            write_rows(table, rows)
            progress.advance(bar)


def _feature_key(config: Config) -> tuple[str | None, ...]:
    return config.network.backbone, config.network.weights, str(config.input.size), config.input.fit


def main() -> int:
    """Command line. Returns the exit code: 0 finished, 2 cannot be done as asked, 130 interrupted (rows are kept)."""

    def command(
        plan: Annotated[str, tyro.conf.Positional],
        out: Path,
        data: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
        weights: str | None = None,
        seeds: int | None = None,
        jobs: int = os.cpu_count() or 1,
    ) -> tuple[str, Path, tuple[str, ...], str | None, int | None, int]:
        """Run the experiments of a plan that are not done yet, and write the report.

        Args:
            plan: A TOML file, or the name of a plan that comes with the project.
            out: Folder of the study.
            data: KIND:PATH, repeatable.
            weights: Starting weights of the backbone: imagenet, none, or FILE. Default: as the plan says.
            seeds: Seeds per cell. Default: as the plan says.
            jobs: Runs at a time.
        """
        return plan, out, data, weights, seeds, jobs

    place, out, data, weights, seeds, jobs = tyro.cli(command, prog="python -m model.study")
    try:
        plan = read_plan(place)
        plan = plan.model_copy(update={"seeds": seeds or plan.seeds})
        run_study(plan, out, data, weights, jobs)
        report = write_report(
            out,
            title=plan.title,
            baseline_of=lambda row: baseline_of(plan, {axis: row[axis] for axis in plan.axes}),
            varied=[key for values in plan.axes.values() for setting in values.values() for key in setting],
        )
    except (PlanError, DataError, TaxonomyError, WeightsError, PhotoError, RunError) as error:
        return terminal.fail(error)
    except OSError as error:
        return terminal.fail(RunError(f"{error.filename or out}: {error.strerror}"))
    except KeyboardInterrupt:
        terminal.note(f"stopped; the same command goes on. What is done is in {out / 'runs.csv'}")
        return 130
    terminal.result(str(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
