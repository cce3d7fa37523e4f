"""How fluid the map is: `python -m tests.bench.explore [--points 100000]`.

Pans and zooms the map of the page Explore over synthetic clusters, and pyqtgraph's ScatterPlotItem over the same points
in a window of the same size; each frame is painted (`QWidget.grab`) before the next begins. Prints both medians and
their ratio, and what pointing and a lasso cost; neither passes nor fails. Other work on the computer slows both.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget

from app.core.projection import fitted, inside
from app.ui import theme
from app.ui.explore.map_view import Card, MapView

_SIZE = (1000, 720)
_FRAMES = 60
_CLUSTERS = 60


def say(line: str = "") -> None:
    """A line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def clusters(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places float32 [N, 2] from -1 to 1 in round clusters, and the number of each point's cluster."""
    generator = np.random.default_rng(5)
    of = generator.integers(0, _CLUSTERS, count)
    places = generator.uniform(-1, 1, (_CLUSTERS, 2))[of] + generator.normal(0, 0.06, (count, 2))
    return fitted(places), of


def frames(widget: QWidget, step: Callable[[int], None]) -> np.ndarray:
    """Milliseconds of each frame, from the step to the end of its painting."""
    widget.grab()
    times = []
    for number in range(_FRAMES):
        begun = time.perf_counter()
        step(number)
        widget.grab()
        times.append(1000 * (time.perf_counter() - begun))
    return np.array(times)


def own(places: np.ndarray, colours: np.ndarray) -> dict[str, np.ndarray]:
    """Frames of the map, and what else a person does there."""
    view = MapView(lambda _point: Card("", "", None, True))
    view.resize(*_SIZE)
    view.show()
    view.show_points(places, colours)
    result = {"pan": frames(view, lambda number: view.pan(QPointF(6 * (-1) ** (number // 10), 4)))}
    view.fit()
    result["zoom"] = frames(view, lambda number: view.zoom(1.1 if number % 20 < 10 else 1 / 1.1, QPointF(300, 300)))
    view.fit()
    begun = time.perf_counter()
    view._at(QPointF(300, 300))
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    for number in range(1000):
        view._at(QPointF(number, 300))
    each = (time.perf_counter() - begun) / 1000
    angles = np.linspace(0, 2 * np.pi, 300)
    begun = time.perf_counter()
    chosen = inside(places, 0.7 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    lasso = time.perf_counter() - begun
    say(f"pointing: {1000 * first:.0f} ms once after the points have moved, then {1e6 * each:.0f} µs")
    say(f"a lasso of 300 corners about {chosen.sum():,} points: {1000 * lasso:.0f} ms")
    view.close()
    return result


def plain(places: np.ndarray, colours: np.ndarray) -> dict[str, np.ndarray]:
    """Frames of pyqtgraph's own item, by its recommended ways: one brush each point, no outline, pixel mode."""
    plot = pyqtgraph.PlotWidget(background=theme.tokens().window)
    plot.resize(*_SIZE)
    plot.hideAxis("left")
    plot.hideAxis("bottom")
    brushes = {tuple(colour): pyqtgraph.mkBrush(*colour) for colour in np.unique(colours, axis=0).tolist()}
    item = pyqtgraph.ScatterPlotItem(
        *places.T, size=4, pen=None, brush=[brushes[tuple(one)] for one in colours.tolist()]
    )
    plot.addItem(item)
    plot.show()
    box = plot.getViewBox()
    box.disableAutoRange()
    box.setRange(xRange=(-1, 1), yRange=(-1, 1), padding=0.05)
    result = {"pan": frames(plot, lambda number: box.translateBy(x=0.012 * (-1) ** (number // 10), y=0.01))}
    result["zoom"] = frames(plot, lambda number: box.scaleBy([1 / 1.1 if number % 20 < 10 else 1.1] * 2))
    plot.close()
    return result


def main() -> None:
    """Both, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    theme.apply(app, theme.Name.DARK)
    places, of = clusters(options.points)
    table = np.array([QColor(theme.class_colour(number)).getRgb()[:3] for number in range(_CLUSTERS)], np.uint8)
    found = {"map": own(places, table[of]), "ScatterPlotItem": plain(places, table[of])}
    for move in ("pan", "zoom"):
        ours, theirs = (np.median(one[move]) for one in found.values())
        worst = np.percentile(found["map"][move], 99)
        say(
            f"{move}, {options.points:,} points: map {ours:.1f} ms a frame (99th percentile {worst:.1f}), "
            f"ScatterPlotItem {theirs:.1f} ms, ratio {theirs / ours:.1f}"
        )


if __name__ == "__main__":
    main()
