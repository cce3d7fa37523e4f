"""From a study's table of finished runs to a report: figures, paired tests and plots, `report.md` beside `runs.csv`.

No figure of it is typed by hand, and none of its sentences says that a cell is better without a test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from model.experiments import plots
from model.experiments.comparison import (
    LAST_EPOCH,
    LEVEL,
    OTHERS,
    SHARES,
    BaselinesOf,
    Comparison,
    ComparisonVerdict,
    MeasuredCell,
    best_first,
    compare_all,
    deviation,
    interval,
    read_cells,
    read_curves,
    read_last_epochs,
)
from model.experiments.plan import CURVES_FILE, REPORT_FILE, RUNS_FILE
from model.system.files import write_whole
from model.system.plain_text import in_markdown


def write_report(
    study: Path,
    *,
    title: str,
    varied: Sequence[str],
    baselines_of: BaselinesOf,
    figure: str = "recall_1",
) -> Path:
    """Write `report.md` and its plots into the folder of a study; each file is complete or missing.

    Args:
        study: holds `runs.csv`, perhaps `curves.csv` (cell, seed, epoch, recall_1) and `map.npz` (points, coarse, fine,
            title: a run's test classes in two dimensions).
        varied: the columns of the settings that the study varies; a column that is named twice counts once.
        baselines_of: names the cells that a cell is compared with, such as the `random` cell of its cost form.
        figure: the share that cells are compared by first, one of `compare.SHARES`.

    Raises:
        DataError: if one of the tables cannot be used.
        OSError: if something cannot be written.
    """
    cells = best_first(read_cells(study / RUNS_FILE, varied), figure)
    comparisons, words = compare_all(cells, baselines_of, figure), SHARES[figure]
    parts = [f"# {title}", _summary(comparisons, words), _overview(cells, figure), _comparison_text(comparisons, words)]
    parts += _others(cells, baselines_of, figure) + _quadruplets(study, cells)
    parts += _plots(study, cells, comparisons, words)
    report = study / REPORT_FILE
    text = "\n\n".join(parts) + "\n"
    write_whole(report, lambda file: file.write(text.encode()))
    return report


def _plots(study: Path, cells: Sequence[MeasuredCell], comparisons: Sequence[Comparison], words: str) -> list[str]:
    """Draw the plots into the folder; the Markdown that shows them."""
    drawn = []
    if any(comparison.seeds for comparison in comparisons):
        plots.forest(study / "differences.svg", comparisons, words)
        drawn.append(f"![Difference of {words} from the baselines with its 95 % interval, by cell](differences.svg)")
    curves = read_curves(study / CURVES_FILE) if (study / CURVES_FILE).exists() else {}
    if curves:
        plots.curves(study / "curves.svg", curves, comparisons)
        drawn.append("![R@1 against epoch: mean over seeds, band of one standard deviation](curves.svg)")
    measured = [cell for cell in cells if cell.values("recall_1") and cell.settings.get(plots.DIMENSION)]
    if len({cell.settings[plots.DIMENSION] for cell in measured}) > 1:
        plots.dimensions(study / "dimensions.svg", measured)
        drawn.append("![R@1 against embedding dimension: mean over seeds, 95 % interval](dimensions.svg)")
    if (study / "map.npz").exists():
        plots.class_map(study / "map.png", study / "map.npz")
        drawn.append("![Map of the test classes: colour is the type, lines lead to the mean of the class](map.png)")
    return ["## Plots", *drawn] if drawn else []


def _summary(comparisons: Sequence[Comparison], words: str) -> str:
    if not comparisons:
        return "No cell was compared with another."
    of = {word: [c for c in comparisons if c.verdict == word] for word in ComparisonVerdict}
    better, worse = of[ComparisonVerdict.BETTER], of[ComparisonVerdict.WORSE]
    same = of[ComparisonVerdict.NOT_DISTINGUISHABLE]
    untested = [
        c for c in comparisons if c.verdict in (ComparisonVerdict.TOO_FEW_SEEDS, ComparisonVerdict.SAME_DIFFERENCE)
    ]
    tested = len(comparisons) - len(untested)
    sentences = [
        f"{tested} of {len(comparisons)} comparisons of {words} could be tested (paired by seed, t-test, "
        f"Holm-corrected, p < {LEVEL}): {len(better)} better than their baseline, {len(worse)} worse, "
        f"{len(same)} not distinguishable from it."
    ]
    sentences += [
        f"- **{_cell(c.cell)}** is {c.verdict} than {_cell(c.baseline)} by {abs(100 * c.mean):.2f} points "
        f"(95 % interval of the difference {_range(c.mean, c.half)}, p {_p(c.holm_t, '= ')}, {len(c.seeds)} seeds)."
        for c in better + worse
    ]
    for label, group in (("Not distinguishable", same), ("Not tested", untested)):
        if group:
            pairs = "; ".join(f"{_cell(c.cell)} against {_cell(c.baseline)}" for c in group)
            sentences.append(f"- {label}: {pairs}.")
    return "\n\n".join([sentences[0], "\n".join(sentences[1:])]).strip()


def _overview(cells: Sequence[MeasuredCell], figure: str) -> str:
    rows = []
    for cell in cells:
        values = cell.values(figure)
        mean, half = interval(values)
        spread = f" ± {100 * deviation(values):.2f}" if len(values) > 1 else ""
        collapsed = sum(run.collapsed for run in cell.runs)
        own = [str(len(values)), _share(mean) + spread, _range(mean, half), f"{collapsed} of {len(cell.runs)}"]
        rows.append([_cell(cell.name), *own, _mean(cell, "step_ms"), _mean(cell, "selection_ms")])
    first_head = ["cell", "seeds", f"{SHARES[figure]} (%), mean ± SD", "95 % interval", "collapsed"]
    first_table = _table([*first_head, "ms a step", "ms selection"], rows)
    all_seeds = {run.seed for cell in cells for run in cell.runs}
    missing = [
        f"- {_cell(cell.name)}: no {SHARES[figure]} for {_seeds(sorted(all_seeds - cell.by_seed(figure).keys()))}"
        for cell in cells
        if all_seeds - cell.by_seed(figure).keys()
    ]
    shares = [name for name in SHARES if name != figure and any(cell.values(name) for cell in cells)]
    others = [name for name in ("severity", "seconds") if any(cell.values(name) for cell in cells)]
    means = [[_cell(cell.name), *(_mean(cell, name) for name in (*shares, *others))] for cell in cells]
    head = ["cell", *(f"{SHARES[name]} (%)" for name in shares), *(OTHERS[name] for name in others)]
    settings = [
        f"- `{name}`: {', '.join(dict.fromkeys(_cell(c.settings[name]) or 'not set' for c in cells))}"
        for name in cells[0].settings
    ]
    parts = ["## Results", "Runs that collapsed count like the others.", first_table]
    parts += ["Seeds without a figure:\n\n" + "\n".join(missing)] if missing else []
    parts += ["## Other figures, means over seeds", _table(head, means)] if shares or others else []
    parts += ["Varied settings:\n\n" + "\n".join(settings)] if settings else []
    return "\n\n".join(parts)


def _comparison_text(comparisons: Sequence[Comparison], words: str) -> str:
    parts = [f"## Differences of {words} from the baselines"]
    if not comparisons:
        return "\n\n".join([*parts, "No cell was compared with another."])
    tested = [c for c in comparisons if not math.isnan(c.p_t)]
    if tested:
        most = max(len(c.seeds) for c in tested)
        parts.append(
            f"In points, paired by seed. Intervals are not corrected; Holm's correction is over {len(tested)} "
            f"comparison{'s' * (len(tested) > 1)}, and the words follow the corrected t-test. The signed-rank test of "
            f"{most} seeds cannot give an uncorrected p below {2.0 ** (1 - most):.2g}."
        )
    else:
        parts.append("Nothing can be tested: no comparison has two common seeds whose differences vary.")
    head = ["cell", "baseline", "common seeds", "difference", "95 % interval"]
    head += ["p (t)", "p (t, Holm)", "p (Wilcoxon)", "p (Wilcoxon, Holm)", "in words"]
    rows = []
    for c in comparisons:
        difference = "—" if math.isnan(c.mean) else f"{100 * c.mean:+.2f}"
        p = [_p(value) for value in (c.p_t, c.holm_t, c.p_wilcoxon, c.holm_wilcoxon)]
        names = [_cell(c.cell), _cell(c.baseline)]
        rows.append([*names, str(len(c.seeds)), difference, _range(c.mean, c.half), *p, c.verdict])
    parts.append(_table(head, rows))
    unpaired = [f"- {_cell(c.cell)} and {_cell(c.baseline)}: {_seeds(c.unpaired)}" for c in comparisons if c.unpaired]
    parts += ["Left out, because only one of the two has them:\n\n" + "\n".join(unpaired)] if unpaired else []
    return "\n\n".join(parts)


def _others(cells: Sequence[MeasuredCell], baselines_of: BaselinesOf, first: str) -> list[str]:
    """The same for other figures, in short; empty where a table has none of them."""
    parts = []
    for figure, unit, scale in (
        ("recall_1", "points", 100.0),
        ("hierarchical_ap", "points", 100.0),
        ("severity", "levels", 1.0),
        ("fine_accuracy", "points", 100.0),
        ("fine_accuracy_macro", "points", 100.0),
        ("coarse_accuracy", "points", 100.0),
    ):
        if figure == first:
            continue
        name = SHARES.get(figure) or OTHERS[figure]
        rows = [
            [
                _cell(c.cell),
                _cell(c.baseline),
                str(len(c.seeds)),
                f"{scale * c.mean:+.3f}",
                f"{scale * (c.mean - c.half):.3f} to {scale * (c.mean + c.half):.3f}",
                _p(c.holm_t),
                c.verdict,
            ]
            for c in compare_all(cells, baselines_of, figure)
            if not math.isnan(c.half)
        ]
        if rows:
            head = [
                "cell",
                "baseline",
                "common seeds",
                f"difference, {unit}",
                "95 % interval",
                "p (t, Holm)",
                "in words",
            ]
            parts += [f"## Differences of {name} from the baselines", _table(head, rows)]
    return parts


def _quadruplets(study: Path, cells: Sequence[MeasuredCell]) -> list[str]:
    """The quadruplets at the end of the trainings; empty if no table has them."""
    last = read_last_epochs(study / CURVES_FILE) if (study / CURVES_FILE).exists() else {}
    figures = [figure for figure in LAST_EPOCH if any(figure in own for own in last.values())]
    if not figures:
        return []
    rows = [
        [_cell(cell.name), *("—" if f not in last[cell.name] else f"{last[cell.name][f]:.3f}" for f in figures)]
        for cell in cells
        if cell.name in last
    ]
    note = "Means over the batches of the last epoch and over seeds; shares of rows, and squared distances."
    return ["## Quadruplets in the last epoch", note, _table(["cell", *(LAST_EPOCH[f] for f in figures)], rows)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(name: str) -> str:
    return in_markdown(name)


def _share(value: float) -> str:
    return "—" if math.isnan(value) else f"{100 * value:.2f}"


def _range(mean: float, half: float) -> str:
    return "—" if math.isnan(half) else f"{100 * (mean - half):.2f} to {100 * (mean + half):.2f}"


def _p(value: float, equals: str = "") -> str:
    if math.isnan(value):
        return "—"
    return "< 0.001" if value < 0.001 else f"{equals}{value:.3f}"


def _mean(cell: MeasuredCell, figure: str) -> str:
    mean, _ = interval(cell.values(figure))
    return _share(mean) if figure in SHARES else "—" if math.isnan(mean) else f"{mean:.2f}"


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
