"""The plan of a study: a grid of settings in a TOML file.

    title, mode ("frozen" or "full"), seeds
    [base.SECTION]        settings of every run, as in a run's config.json
    [axes.AXIS]           the values of an axis, each a table of settings: name = { "loss.rule" = "random" }
    [[baseline]]          AXIS = name: a cell is compared with the cell that differs in this axis alone; repeatable

Every combination of the axes is a cell, and is run with each seed.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.config import Config

PLANS = Path(__file__).parent / "studies" / "plans"


class PlanError(Exception):
    """A plan that cannot be run; the message says where it is wrong."""


class Plan(BaseModel):
    """What a plan file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    mode: Literal["frozen", "full"]
    seeds: int = Field(ge=1)
    base: dict[str, dict[str, Any]] = {}
    axes: dict[str, dict[str, dict[str, Any]]]
    baseline: tuple[dict[str, str], ...] = ()


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
    for axis, name in (pair for baseline in plan.baseline for pair in baseline.items()):
        if name not in plan.axes.get(axis, {}):
            raise PlanError(f"{path}: baseline: axis '{axis}' has no value '{name}'")
    return plan


def cells(plan: Plan) -> Iterator[Cell]:
    """Every combination of the axes' values, the last axis changing fastest."""
    for combination in itertools.product(*(values.items() for values in plan.axes.values())):
        names = dict(zip(plan.axes, (name for name, _ in combination), strict=True))
        yield Cell(names, {key: value for _, settings in combination for key, value in settings.items()})


def baselines_of(plan: Plan, names: Mapping[str, str]) -> list[str]:
    """The names of the cells that a cell is compared with."""
    others = [Cell({**names, **baseline}, {}).name for baseline in plan.baseline]
    return [other for other in others if other != Cell(names, {}).name]


def config_of(plan: Plan, cell: Cell, seed: int, data: tuple[str, ...], weights: Mapping[str, str]) -> Config:
    """The settings of one run.

    Args:
        weights: backbone -> where it starts; under "" for all that are not named. Empty: as the plan says.

    Raises:
        PlanError: if the plan names a setting that does not exist.
    """
    content: dict[str, dict[str, Any]] = {section: dict(values) for section, values in plan.base.items()}
    for dotted, value in cell.settings.items():
        section, _, name = dotted.partition(".")
        content.setdefault(section, {})[name] = value
    content.setdefault("data", {})["data"] = data
    content.setdefault("machine", {})["seed"] = seed
    network = content.setdefault("network", {})
    start = weights.get(network.get("backbone", ""), weights.get(""))
    if start is not None:
        network["weights"] = start
    try:
        return Config.model_validate(content).resolved()
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanError(f"cell '{cell.name}': {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
