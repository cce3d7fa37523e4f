"""The plan of a study: a grid of settings in a TOML file.

    title, mode ("frozen" or "full"), seeds
    figure                the one that cells are compared by first: recall_1 (the default), fine_accuracy
    [base.SECTION]        settings of every run, as in a run's config.json
    [axes.AXIS]           the values of an axis, each a table of settings: name = { "loss.rule" = "random" }
    [[baseline]]          AXIS = name: a cell is compared with the cell that differs in this axis alone; repeatable

Every combination of the axes is a cell, and is run with each seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.system.errors import MarqueError
from model.system.files import write_whole
from model.system.reading import read_file, read_toml

PLANS = Path(__file__).parents[1] / "studies" / "plans"
PLAN_FILE, RUNS_FILE, CURVES_FILE, REPORT_FILE = "plan.json", "runs.csv", "curves.csv", "report.md"
"""The files of a study that the program reads too."""
"""The file in the folder of a study with the plan that it follows, for those who read the folder."""
_MOST_CELLS = 100_000


class PlanError(MarqueError):
    """A plan that cannot be run; the message says where it is wrong."""


class StudyPlan(BaseModel):
    """The content of a plan file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    mode: Literal["frozen", "full"]
    seeds: int = Field(ge=1, le=100_000)
    figure: Literal["recall_1", "fine_accuracy"] = "recall_1"
    base: dict[str, dict[str, Any]] = {}
    axes: dict[str, dict[str, dict[str, Any]]]
    baseline: tuple[dict[str, str], ...] = ()

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        count = math.prod(map(len, self.axes.values()))
        if count > _MOST_CELLS:
            raise ValueError(f"the axes have {count} combinations, and at most {_MOST_CELLS} are taken")
        return self


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
        """Its name in tables."""
        return " / ".join(self.names.values())


def read_plan(place: str) -> StudyPlan:
    """A plan by file or by the name of one that comes with the project. Raises PlanError."""
    path = Path(place)
    if not path.is_file():
        path = PLANS / f"{place}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in PLANS.glob("*.toml")))
        raise PlanError(f"{place}: no such plan; give a TOML file or one of: {known}")
    try:
        plan = StudyPlan.model_validate(read_toml(path))
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise PlanError(f"{path}: {error}") from error
    for axis, name in (pair for baseline in plan.baseline for pair in baseline.items()):
        if name not in plan.axes.get(axis, {}):
            raise PlanError(f"{path}: baseline: axis '{axis}' has no value '{name}'")
    return plan


def keep_plan(plan: StudyPlan, study: Path) -> None:
    """Write the plan into the folder of its study. Raises OSError."""
    write_whole(study / PLAN_FILE, lambda file: file.write(plan.model_dump_json(indent=1).encode() + b"\n"))


def kept_plan(study: Path) -> StudyPlan | None:
    """The plan that the study in a folder follows; None if it has none, as older ones. Raises PlanError, OSError."""
    path = study / PLAN_FILE
    if not path.is_file():
        return None
    try:
        return StudyPlan.model_validate_json(read_file(path))
    except ValidationError as error:
        raise PlanError(f"{path}: this is not a study plan ({error.errors()[0]['msg']})") from error


def cells(plan: StudyPlan) -> Iterator[Cell]:
    """Every combination of the axes' values, the last axis changing fastest."""
    for combination in itertools.product(*(values.items() for values in plan.axes.values())):
        names = dict(zip(plan.axes, (name for name, _ in combination), strict=True))
        yield Cell(names, {key: value for _, settings in combination for key, value in settings.items()})


def baselines_of(plan: StudyPlan, names: Mapping[str, str]) -> list[str]:
    """The names of the cells that a cell is compared with."""
    others = [Cell({**names, **baseline}, {}).name for baseline in plan.baseline]
    return [other for other in others if other != Cell(names, {}).name]
