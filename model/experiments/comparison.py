"""Cells of a study against their baselines: reads the table of finished runs, pairs by seed, tests, corrects.

Runs with one seed share their data order and first weights, so cells are compared over the seeds that both have.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from model.contract.samples import DataError
from model.data.csvfile import CsvRow, read_table

BaselinesOf = Callable[[Mapping[str, str]], Sequence[str]]
"""From a cell's first row of the table, as text, to the cells that it is compared with; itself is ignored."""

LEVEL = 0.05
"""Below this Holm-corrected p a difference counts as one."""

SHARES = {
    "recall_1": "R@1",
    "recall_2": "R@2",
    "recall_4": "R@4",
    "recall_8": "R@8",
    "coarse_recall_1": "type R@1",
    "map_at_r": "mAP@R",
    "hierarchical_ap": "H-AP",
    "set_intersection": "ASI",
    "ndcg": "NDCG",
    "nmi": "NMI",
    "ami": "AMI",
    "coarse_accuracy": "type right",
    "fine_accuracy": "class right",
    "fine_accuracy_macro": "class right, mean over classes",
}
"""Figures that are shares from 0 to 1, with the headings of their columns."""

LAST_EPOCH = {
    "fine_active": "fine term active",
    "coarse_active": "coarse term active",
    "d_plus": "D(R,P+)",
    "d_minus": "D(R,P-)",
    "d_negative": "D(R,N)",
    "spread": "D of all pairs",
    "gap": "D(any N) - D(any P+)",
}
"""Figures of the quadruplets in a training's last epoch, with the headings of their columns."""

_LARGEST = 1e15  # of a figure, and of a seed or an epoch

LOWER_IS_BETTER = ("severity",)

OTHERS = {"severity": "severity", "step_ms": "ms a step", "selection_ms": "ms selection", "seconds": "s a run"}
"""The other figures."""


@dataclass(frozen=True, slots=True)
class SeedRun:
    """A finished run. `figures` holds what was measured: a missing figure is not in it."""

    seed: int
    figures: Mapping[str, float]
    collapsed: bool


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """One combination of settings.

    Attributes:
        settings: the varied ones; empty if one does not apply.
        runs: by ascending seed.
        row: its first row of the table.
    """

    name: str
    settings: Mapping[str, str]
    runs: tuple[SeedRun, ...]
    row: Mapping[str, str]

    def values(self, figure: str) -> list[float]:
        """The figure of every run that has it."""
        return [run.figures[figure] for run in self.runs if figure in run.figures]

    def by_seed(self, figure: str) -> dict[int, float]:
        """Seed to the figure, where it was measured."""
        return {run.seed: run.figures[figure] for run in self.runs if figure in run.figures}


class ComparisonVerdict(StrEnum):
    """What the corrected paired t-test says of a cell against its baseline, as reports write it."""

    BETTER = "better"
    WORSE = "worse"
    NOT_DISTINGUISHABLE = "not distinguishable"
    TOO_FEW_SEEDS = "not tested: fewer than two common seeds"
    SAME_DIFFERENCE = "not tested: every seed has the same difference"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A cell's figure less its baseline's, paired by seed; shares in [0, 1].

    Attributes:
        seeds: those that both have.
        unpaired: those that only one of them has.
        mean, half: mean difference and half the width of its 95 % t-interval; NaN without one.
        p_t, p_wilcoxon: two-sided and not corrected; NaN if nothing can be tested.
        holm_t, holm_wilcoxon: corrected for all comparisons of the report that could be tested.
    """

    cell: str
    baseline: str
    seeds: tuple[int, ...]
    unpaired: tuple[int, ...]
    mean: float
    half: float
    p_t: float
    p_wilcoxon: float
    holm_t: float = math.nan
    holm_wilcoxon: float = math.nan
    figure: str = "recall_1"

    @property
    def verdict(self) -> ComparisonVerdict:
        """In plain words, from the corrected paired t-test."""
        if len(self.seeds) < 2:
            return ComparisonVerdict.TOO_FEW_SEEDS
        if math.isnan(self.p_t):
            return ComparisonVerdict.SAME_DIFFERENCE
        # this way round, a p that was not corrected (NaN) claims nothing
        if not self.holm_t < LEVEL:
            return ComparisonVerdict.NOT_DISTINGUISHABLE
        better = (self.mean > 0) != (self.figure in LOWER_IS_BETTER)
        return ComparisonVerdict.BETTER if better else ComparisonVerdict.WORSE


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % t-interval; NaN for what too few values do not give."""
    from scipy import stats  # slow to import, and the program that reads studies starts without it

    n = len(values)
    mean = statistics.fmean(values) if n else math.nan
    half = float(stats.t.ppf(0.975, n - 1)) * statistics.stdev(values) / math.sqrt(n) if n > 1 else math.nan
    return mean, half


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample; NaN for fewer than two values."""
    return statistics.stdev(values) if len(values) > 1 else math.nan


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction of the p of as many comparisons, in their order."""
    corrected = [0.0] * len(p)
    highest = 0.0
    for done, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        highest = max(highest, min(1.0, (len(p) - done) * p[index]))
        corrected[index] = highest
    return corrected


def compare(cell: MeasuredCell, baseline: MeasuredCell, figure: str = "recall_1") -> Comparison:
    """Paired by seed, not corrected yet; runs without the figure count as missing."""
    from scipy import stats  # slow to import, and the program that reads studies starts without it

    ours, theirs = cell.by_seed(figure), baseline.by_seed(figure)
    seeds = tuple(sorted(ours.keys() & theirs.keys()))
    differences = [ours[seed] - theirs[seed] for seed in seeds]
    mean, half = interval(differences)
    p_t = p_wilcoxon = math.nan
    if len(seeds) > 1:
        # after subtraction, equal differences may be about 1e-16 apart
        if max(differences) - min(differences) > 1e-12:
            p_t = float(stats.ttest_1samp(differences, 0.0).pvalue)
            # rounded for the same reason: ranks must see ties
            p_wilcoxon = float(stats.wilcoxon(np.round(differences, 12)).pvalue)
        elif abs(mean) <= 1e-12:
            p_t = p_wilcoxon = 1.0
        else:
            half = math.nan  # there was no spread, which is not the same as being sure
    unpaired = tuple(sorted(ours.keys() ^ theirs.keys()))
    return Comparison(cell.name, baseline.name, seeds, unpaired, mean, half, p_t, p_wilcoxon, figure=figure)


def compare_all(cells: Sequence[MeasuredCell], baselines_of: BaselinesOf, figure: str = "recall_1") -> list[Comparison]:
    """Every cell with each of its baselines, largest difference first, corrected for the number of comparisons.

    A baseline without a finished run is not an error: the comparison then has no common seed.
    """
    by_name = {cell.name: cell for cell in cells}
    found = []
    for cell in cells:
        for name in baselines_of(cell.row):
            if name == cell.name:
                continue
            found.append(compare(cell, by_name.get(name, MeasuredCell(name, {}, (), {})), figure))
    tested = [comparison for comparison in found if not math.isnan(comparison.p_t)]
    by_t = holm([comparison.p_t for comparison in tested])
    by_wilcoxon = holm([comparison.p_wilcoxon for comparison in tested])
    corrected = [
        replace(comparison, holm_t=p_t, holm_wilcoxon=p_wilcoxon)
        for comparison, p_t, p_wilcoxon in zip(tested, by_t, by_wilcoxon, strict=True)
    ]
    untested = [comparison for comparison in found if math.isnan(comparison.p_t)]
    return sorted(corrected, key=lambda comparison: -comparison.mean) + untested


def read_cells(table: Path, varied: Sequence[str]) -> list[MeasuredCell]:
    """The cells of a `runs.csv` in the order of their first rows.

    Raises:
        DataError: if the file cannot be read, a value is not a number, or a cell has a seed twice or two
            values of a setting.
    """
    read = read_table(table, ["cell", "seed", "recall_1", "collapsed", *varied], strip=False)
    if read.problems:
        raise DataError(read.problems[0])
    figures = [name for name in (*SHARES, *OTHERS) if name in read.columns]
    first: dict[str, dict[str, str]] = {}
    runs: dict[str, dict[int, SeedRun]] = {}
    for row in read.rows:
        name = row.values["cell"]
        above = first.setdefault(name, row.values)
        if any(row.values[setting] != above[setting] for setting in varied):
            raise DataError(f"{row.origin}: cell '{name}' has other settings than in a row above; give it another name")
        seed = _whole(row, "seed")
        if seed in runs.setdefault(name, {}):
            raise DataError(f"{row.origin}: cell '{name}' has seed {seed} twice; delete one of the rows")
        measured = {figure: _number(row, figure) for figure in figures if row.values[figure]}
        finite = {figure: value for figure, value in measured.items() if math.isfinite(value)}
        if row.values["collapsed"] not in ("0", "1"):
            raise DataError(f"{row.origin}: collapsed is '{row.values['collapsed']}'; it must be 0 or 1")
        runs[name][seed] = SeedRun(seed, finite, row.values["collapsed"] == "1")
    return [
        MeasuredCell(
            name, {setting: row[setting] for setting in varied}, tuple(runs[name][s] for s in sorted(runs[name])), row
        )
        for name, row in first.items()
    ]


def best_first(cells: Iterable[MeasuredCell], figure: str) -> list[MeasuredCell]:
    """Cells in the order of the mean of a figure; those without it come last."""
    sign = 1 if figure in LOWER_IS_BETTER else -1
    # infinite and not NaN, which cannot be sorted
    return sorted(cells, key=lambda cell: statistics.fmean(sign * v for v in cell.values(figure) or [sign * math.inf]))


def read_curves(table: Path) -> dict[str, dict[int, list[float]]]:
    """Cell to epoch to the R@1 of every seed that has one there, from a `curves.csv`; epochs ascend.

    Raises:
        DataError: if the file cannot be read or a value is not a number.
    """
    read = read_table(table, ["cell", "seed", "epoch", "recall_1"], strip=False)
    if read.problems:
        raise DataError(read.problems[0])
    curves: dict[str, dict[int, list[float]]] = {}
    for row in sorted(read.rows, key=lambda row: _whole(row, "epoch")):
        value = _number(row, "recall_1") if row.values["recall_1"] else math.nan
        if math.isfinite(value):
            curves.setdefault(row.values["cell"], {}).setdefault(_whole(row, "epoch"), []).append(value)
    return curves


def read_last_epochs(table: Path) -> dict[str, dict[str, float]]:
    """Cell to the figures of its runs' last epochs, in the mean over seeds, from a `curves.csv`; see `LAST_EPOCH`.

    Raises:
        DataError: if the file cannot be read or a value is not a number.
    """
    read = read_table(table, ["cell", "seed", "epoch"], strip=False)
    last: dict[tuple[str, str], CsvRow] = {}
    for row in read.rows:
        key = (row.values["cell"], row.values["seed"])
        if key not in last or _whole(row, "epoch") > _whole(last[key], "epoch"):
            last[key] = row
    found: dict[str, dict[str, list[float]]] = {}
    for (cell, _), row in last.items():
        for figure in LAST_EPOCH:
            if row.values.get(figure) and math.isfinite(value := _number(row, figure)):
                found.setdefault(cell, {}).setdefault(figure, []).append(value)
    return {
        cell: {figure: statistics.fmean(values) for figure, values in figures.items()}
        for cell, figures in found.items()
    }


def _whole(row: CsvRow, column: str) -> int:
    with suppress(ValueError):
        value = int(row.values[column])
        if abs(value) <= _LARGEST:
            return value
    raise DataError(f"{row.origin}: {column} is '{row.values[column][:40]}', which is not a whole number")


def _number(row: CsvRow, column: str) -> float:
    with suppress(ValueError):
        value = float(row.values[column])
        if abs(value) <= _LARGEST or not math.isfinite(value):  # values that are not finite count as missing
            return value
    raise DataError(f"{row.origin}: {column} is '{row.values[column][:40]}', which is not a number")
