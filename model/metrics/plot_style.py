"""How plots look and are saved: colours for all forms of colour vision, the same bytes for the same figures."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from model.system.outputs import Output, write_to

# Okabe and Ito's palette without its yellow, which is too pale on white
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
# Their numbers have no divisor in common with that of the colours: 56 and 28 pairs before one returns
MARKERS = "osD^vP*X"
LINES = ("-", "--", ":", "-.")

# The same figures give the same file; a "$" in a cell's name does not start a formula
styled = mpl.rc_context(
    {
        "svg.hashsalt": "report",
        "text.parse_math": False,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
)


def colour_of(index: int) -> str:
    """The colour of the series with this number; they repeat after the last."""
    return COLOURS[index % len(COLOURS)]


def line_of(index: int) -> str:
    """Like `colour_of`, for its line."""
    return LINES[index % len(LINES)]


def save_figure(figure: Figure, place: Path | Output) -> None:
    """Save it in the format of the name's ending, without a date in it."""
    path = place.place if isinstance(place, Output) else place
    kind = path.suffix.removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {}
    write_to(place, lambda file: figure.savefig(file, format=kind, dpi=150, metadata=metadata))
