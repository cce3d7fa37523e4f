"""The plot of a card: how often answers are right, by their confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from model.metrics.plot_style import COLOURS, save_figure, styled
from model.system.outputs import Output


@styled
def draw_reliability(tables: Mapping[str, Sequence[Mapping[str, float]]], path: Path | Output) -> None:
    """Share of right answers against their confidence, a panel for each head, with the number of photos beneath.

    Args:
        tables: of `metrics.reliability`, by the name of the head.
    """
    figure = Figure(figsize=(4.2 * len(tables), 4.4), layout="constrained")
    axes = figure.subplots(2, len(tables), squeeze=False, sharex=True, gridspec_kw={"height_ratios": (3, 1)})
    for column, (name, table) in enumerate(tables.items()):
        confidence = [row["confidence"] for row in table]
        above, below = axes[0, column], axes[1, column]
        above.plot((0, 1), (0, 1), color="#767676", linestyle=":", label="as sure as right")
        above.plot(confidence, [row["right"] for row in table], color=COLOURS[2], marker="o")
        above.set(title=name, ylabel="share right", xlim=(0, 1), ylim=(0, 1))
        above.legend(loc="upper left")
        below.bar(confidence, [row["photos"] for row in table], width=0.05, color=COLOURS[2])
        below.set(xlabel="confidence", ylabel="photos")
    save_figure(figure, path)
