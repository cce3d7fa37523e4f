"""A study's folder, read as it grows: its cells, their differences from the baselines, R@1 against epoch.

The figures are computed by `model.experiments.comparison`, as those of the study's own report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.contract.samples import DataError
from model.experiments.comparison import (
    OTHERS,
    SHARES,
    Comparison,
    MeasuredCell,
    best_first,
    compare_all,
    deviation,
    interval,
    read_cells,
    read_curves,
)
from model.experiments.plan import (
    CURVES_FILE,
    PLAN_FILE,
    REPORT_FILE,
    RUNS_FILE,
    PlanError,
    StudyPlan,
    baselines_of,
    cells,
    kept_plan,
)
from model.system.errors import MarqueError
from model.system.reading import read_file

_FIRST_FIGURE = "recall_1"  # unless a plan says otherwise
_PAIRS = "## Differences of R@1 from the baselines"


class StudyError(MarqueError):
    """A folder that is not a study, or one that cannot be read; the message says which, what and what to do."""


@dataclass(frozen=True)
class Curve:
    """R@1 of a cell against epoch, shares: mean over seeds, and standard deviation (0 for one seed)."""

    epochs: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class StudyLine:
    """A cell, and the difference of its figure from a baseline if it has one.

    Attributes:
        seeds: how many have the figure.
        mean, spread: of the figure over the seeds; NaN without any. collapsed: how many runs have collapsed.
        comparison: None for a baseline, and if it is unknown what cells are compared with.
    """

    cell: str
    seeds: int
    mean: float
    spread: float
    collapsed: int
    comparison: Comparison | None = None


@dataclass(frozen=True)
class MeasuredStudy:
    """The present state of a study.

    Attributes:
        done, planned: finished runs, and how many the plan asks for (None if the plan is not in the folder). figures:
        those of its runs, by name, with their words. figure: the one of the lines; a share from 0 to 1 if it is in
        SHARES. lines: the best first. curves: by cell; empty if the folder has none. notes: what is missing, each a
        sentence.
    """

    folder: Path
    title: str
    done: int
    planned: int | None
    figures: Mapping[str, str]
    figure: str
    lines: tuple[StudyLine, ...]
    curves: Mapping[str, Curve]
    notes: tuple[str, ...]

    @property
    def scale(self) -> float:
        """The factor for display: shares are shown in per cent."""
        return 100.0 if self.figure in SHARES else 1.0

    @property
    def words(self) -> str:
        """The words of the figure."""
        return (SHARES | OTHERS)[self.figure]

    @property
    def report(self) -> Path | None:
        """The report that the study wrote at its end."""
        path = self.folder / REPORT_FILE
        return path if path.is_file() else None


class StudyReader:
    """Reads the folder of a study again whenever it has changed."""

    def __init__(self, folder: Path) -> None:
        """Raises StudyError if the folder is not that of a study."""
        if not folder.is_dir():
            raise StudyError(f"{folder}: there is no such folder")
        if not any((folder / name).is_file() for name in (RUNS_FILE, PLAN_FILE)):
            raise StudyError(
                f"{folder}: this is not a study (there is no {RUNS_FILE} in it); "
                "python -m model.study writes such folders"
            )
        self.folder = folder
        self._seen: tuple[object, ...] = ()
        self._curves: tuple[object, Mapping[str, Curve], str] = (None, {}, "")

    def poll(self, figure: str | None = None) -> MeasuredStudy | None:
        """The state of the study by one figure, or by the plan's own; None if nothing has changed since.

        Raises:
            StudyError: if something in the folder cannot be read.
        """
        seen = (figure, *(self._stamp(name) for name in (RUNS_FILE, CURVES_FILE, REPORT_FILE, PLAN_FILE)))
        if seen == self._seen:
            return None
        self._seen = seen  # what cannot be read is not read again until it changes
        try:
            return self._read(figure)
        except (DataError, PlanError) as error:
            raise StudyError.like(error) from error
        except OSError as error:
            raise StudyError(f"{error.filename or self.folder}: cannot be read ({error.strerror})") from error

    def _stamp(self, name: str) -> tuple[int, int] | None:
        try:
            found = (self.folder / name).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read(self, figure: str | None) -> MeasuredStudy:
        plan = kept_plan(self.folder)
        pairs, title = self._from_report()
        planned = None if plan is None else plan.seeds * sum(1 for _ in cells(plan))
        table = self.folder / RUNS_FILE
        found = read_cells(table, [] if plan is None else list(plan.axes)) if table.is_file() else []
        figures = {name: words for name, words in (SHARES | OTHERS).items() if any(cell.values(name) for cell in found)}
        if figure not in figures:
            figure = plan.figure if plan else _FIRST_FIGURE
        comparisons = compare_all(found, _baselines(plan, pairs), figure)
        curves, problem = self._read_curves()
        done, notes = sum(len(cell.runs) for cell in found), [problem] if problem else []
        if not found:
            notes.append("No run has finished yet; each one appears here as it does.")
        elif plan is None and not pairs:
            notes.append(
                f"Neither {PLAN_FILE} nor {REPORT_FILE} is in the folder, "
                "so it is not known what cells are compared with."
            )
        return MeasuredStudy(
            folder=self.folder,
            title=plan.title if plan else title or self.folder.name,
            done=done,
            planned=planned,
            figures=figures,
            figure=figure,
            lines=_lines(best_first(found, figure), comparisons, figure),
            curves=curves,
            notes=tuple(notes),
        )

    def _read_curves(self) -> tuple[Mapping[str, Curve], str]:
        """The curves, and what is wrong with them; read only when they have changed, as they may be large."""
        path, stamp = self.folder / CURVES_FILE, self._stamp(CURVES_FILE)
        if stamp != self._curves[0]:
            curves, problem = {}, ""
            if stamp is not None:
                try:
                    curves = {cell: _curve(by_epoch) for cell, by_epoch in read_curves(path).items()}
                except DataError as error:
                    problem = f"The curves cannot be shown: {error}"
            self._curves = (stamp, curves, problem)
        return self._curves[1:]

    def _from_report(self) -> tuple[dict[str, list[str]], str]:
        """Each cell's baselines, and the title, from the report, for folders without a plan."""
        try:
            lines = read_file(self.folder / REPORT_FILE).decode().splitlines()
        except (FileNotFoundError, UnicodeDecodeError):
            return {}, ""
        pairs: dict[str, list[str]] = {}
        inside = False
        for line in lines:
            if line.startswith("## "):
                inside = line == _PAIRS
            elif inside and line.startswith("| "):
                parts = [part.strip().replace("\\|", "|") for part in re.split(r"(?<!\\)\|", line)[1:3]]
                if len(parts) == 2:  # a report that is cut off ends inside a line
                    pairs.setdefault(parts[0], []).append(parts[1])
        return pairs, next((line[2:] for line in lines if line.startswith("# ")), "")


def _baselines(
    plan: StudyPlan | None, pairs: Mapping[str, Sequence[str]]
) -> Callable[[Mapping[str, str]], Sequence[str]]:
    if plan is None:
        return lambda row: pairs.get(row["cell"], ())
    return lambda row: baselines_of(plan, {axis: row[axis] for axis in plan.axes})


def _lines(found: Sequence[MeasuredCell], comparisons: Sequence[Comparison], figure: str) -> tuple[StudyLine, ...]:
    lines = []
    for cell in found:
        values = cell.values(figure)
        own: list[Comparison | None] = [comparison for comparison in comparisons if comparison.cell == cell.name]
        collapsed = sum(run.collapsed for run in cell.runs)
        lines += [
            StudyLine(cell.name, len(values), interval(values)[0], deviation(values), collapsed, comparison)
            for comparison in own or [None]
        ]
    return tuple(lines)


def _curve(by_epoch: Mapping[int, Sequence[float]]) -> Curve:
    values = list(by_epoch.values())
    return Curve(
        np.array(list(by_epoch), dtype=float),
        np.array([interval(one)[0] for one in values]),
        np.nan_to_num(np.array([deviation(one) for one in values])),
    )
