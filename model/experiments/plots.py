"""The plots of a study's report; lines and markers repeat what the colours say, for all forms of colour vision."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from model.contract.samples import DataError
from model.experiments.comparison import Comparison, ComparisonVerdict, MeasuredCell, interval
from model.metrics.plot_style import MARKERS, colour_of, line_of, save_figure, styled
from model.system.reading import read_arrays

DIMENSION = "network.embedding_dim"
"""The setting on the horizontal axis of `dimensions`."""

_VERDICTS = {
    ComparisonVerdict.BETTER: ("#0072B2", "o"),
    ComparisonVerdict.WORSE: ("#D55E00", "s"),
    ComparisonVerdict.NOT_DISTINGUISHABLE: ("#000000", "D"),
}
_NOT_TESTED = ("#767676", "X")


@styled
def forest(path: Path, comparisons: Sequence[Comparison], words: str) -> None:
    """Difference of a figure and its 95 % interval, one line per comparison that has a common seed, best on top.

    Raises:
        OSError: if the file cannot be written, as for all plots here.
    """
    shown = sorted((c for c in comparisons if c.seeds), key=lambda c: c.mean)
    figure = Figure(figsize=(9, 1.6 + 0.34 * len(shown)), layout="constrained")
    ax = figure.subplots()
    labelled = set()
    for height, c in enumerate(shown):
        colour, marker = _VERDICTS.get(c.verdict, _NOT_TESTED)
        word = c.verdict if c.verdict in _VERDICTS else "not tested"
        label = None if word in labelled else word
        labelled.add(word)
        half = None if math.isnan(c.half) else 100 * c.half
        ax.errorbar(100 * c.mean, height, xerr=half, fmt=marker, color=colour, capsize=3, label=label)
    ax.axvline(0.0, color="#767676", linewidth=1)
    ax.set_yticks(range(len(shown)), [f"{c.cell}  −  {c.baseline}" for c in shown])
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.set_xlabel(f"difference of {words} in points, 95 % interval")
    ax.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=4)
    save_figure(figure, path)


@styled
def curves(
    path: Path, measured: Mapping[str, Mapping[int, Sequence[float]]], comparisons: Sequence[Comparison]
) -> None:
    """R@1 against epoch: mean over seeds, band of one standard deviation.

    Args:
        path: the SVG to write.
        measured: cell to epoch to the R@1 of each seed; at least one cell.
        comparisons: a baseline and what is compared with it share a panel.
    """
    panels: dict[str, list[str]] = {}
    for c in comparisons:
        panels.setdefault(c.baseline, [c.baseline]).append(c.cell)
    placed = {cell for panel in panels.values() for cell in panel}
    shown = [[cell for cell in panel if cell in measured] for panel in panels.values()]
    shown = [panel for panel in [*shown, [cell for cell in measured if cell not in placed]] if panel]
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(6 * columns, 4.5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for ax in grid.flat[len(shown) :]:
        ax.remove()
    for ax, panel in zip(grid.flat, shown, strict=False):
        for index, cell in enumerate(panel):
            _curve(ax, index, cell, measured[cell])
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("R@1 (%)")
        ax.grid(alpha=0.3)
        ax.legend(fontsize="small", ncols=1 + len(panel) // 8)
    save_figure(figure, path)


def _curve(ax: Axes, index: int, cell: str, measured: Mapping[int, Sequence[float]]) -> None:
    epochs = list(measured)
    mean = 100 * np.array([statistics.fmean(values) for values in measured.values()])
    spread = 100 * np.array([statistics.stdev(values) if len(values) > 1 else 0.0 for values in measured.values()])
    # a lone point has no line
    marker = MARKERS[index % len(MARKERS)] if len(epochs) == 1 else None
    (line,) = ax.plot(epochs, mean, color=colour_of(index), linestyle=line_of(index), marker=marker, label=cell)
    ax.fill_between(epochs, mean - spread, mean + spread, color=line.get_color(), alpha=0.15, linewidth=0)


@styled
def dimensions(path: Path, cells: Sequence[MeasuredCell]) -> None:
    """R@1 against the embedding dimension with 95 % intervals, a line per combination of the other settings.

    Args:
        path: the SVG to write.
        cells: each has `DIMENSION` among its settings and at least one R@1.

    Raises:
        DataError: if a dimension is not a positive number.
    """
    lines: dict[str, dict[float, MeasuredCell]] = {}
    for cell in cells:
        others = " / ".join(value for name, value in cell.settings.items() if name != DIMENSION)
        lines.setdefault(others, {})[_dimension(cell)] = cell
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    ax = figure.subplots()
    for index, (others, line) in enumerate(lines.items()):
        at = sorted(line)
        intervals = [interval(line[dimension].values("recall_1")) for dimension in at]
        mean = [100 * mean for mean, _ in intervals]
        half = [100 * half for _, half in intervals]
        style: dict[str, Any] = {"color": colour_of(index), "linestyle": line_of(index)}
        marker = MARKERS[index % len(MARKERS)]
        ax.errorbar(at, mean, yerr=half, marker=marker, capsize=3, label=others or None, **style)
    ticks = sorted({dimension for line in lines.values() for dimension in line})
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel("embedding dimension")
    ax.set_ylabel("R@1 (%), 95 % interval")
    ax.grid(alpha=0.3)
    if any(lines):
        figure.legend(loc="outside right upper", fontsize="small")
    save_figure(figure, path)


def _dimension(cell: MeasuredCell) -> float:
    text = cell.settings[DIMENSION]
    try:
        dimension = float(text)
    except ValueError:
        dimension = math.nan
    if not 0 < dimension < math.inf:
        raise DataError(f"cell '{cell.name}': {DIMENSION} is '{text}'; it must be a positive number")
    return dimension


@styled
def class_map(path: Path, archive: Path) -> None:
    """Test photos in two dimensions: colour and marker are the type, thin lines lead to the mean of the class.

    Args:
        path: the PNG to write; as an SVG thousands of points are ten times as large.
        archive: .npz with points [N, 2], coarse [N], fine [N] (empty where there is none) and title.

    Raises:
        DataError: if the archive is something else.
    """
    points, coarse, fine, title = _read_map(archive)
    figure = Figure(figsize=(9, 7), layout="constrained")
    ax = figure.subplots()
    ax.add_collection(LineCollection(to_class_means(points, fine), colors="#767676", linewidths=0.3, alpha=0.3))
    for index, name in enumerate(np.unique(coarse)):
        mine = points[coarse == name]
        marker = MARKERS[index % len(MARKERS)]
        ax.scatter(mine[:, 0], mine[:, 1], s=12, marker=marker, color=colour_of(index), linewidths=0, label=str(name))
    ax.set_title(title)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_axis_off()
    figure.legend(loc="outside right upper", title="type", markerscale=2)
    save_figure(figure, path)


def to_class_means(points: np.ndarray, fine: np.ndarray) -> list[np.ndarray]:
    """A line [2, 2] from each point that has a class to the mean of its class.

    Args:
        points: [N, 2].
        fine: names [N], empty for points without a class.
    """
    points, fine = points[fine != ""], fine[fine != ""]
    if not len(points):
        return []
    _, of_class = np.unique(fine, return_inverse=True)
    count = np.bincount(of_class)[:, None]
    means = np.stack([np.bincount(of_class, points[:, axis]) for axis in (0, 1)], axis=1) / count
    return list(np.stack([points, means[of_class]], axis=1))


def _read_map(archive: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    try:
        arrays = read_arrays(archive)
        points, coarse, fine, title = (arrays[name] for name in ("points", "coarse", "fine", "title"))
    except OSError as error:
        raise DataError(f"{archive}: cannot be read ({error.strerror})") from error
    except (KeyError, ValueError) as error:
        raise DataError(f"{archive}: not a map of points, coarse, fine and title ({error})") from None
    if (
        points.dtype.kind not in "iuf"
        or points.ndim != 2
        or points.shape[1] != 2
        or not len(points)
        or not np.isfinite(points).all()
    ):
        raise DataError(f"{archive}: points must be finite and of shape [N, 2], not {points.shape}")
    if coarse.shape != points.shape[:1] or fine.shape != points.shape[:1]:
        raise DataError(f"{archive}: {len(points)} points, but coarse {coarse.shape} and fine {fine.shape}")
    return points, coarse, fine, str(title)
