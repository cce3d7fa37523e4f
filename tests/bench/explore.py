"""How fluid the map is: `python -m tests.bench.explore [--points 100000] [--project FILE] [--photos 14000]`.

Two measurements, printed and neither passed nor failed; other work on the computer slows both. First: pans and zooms
the map of the page Explore over synthetic clusters, and pyqtgraph's ScatterPlotItem over the same points in a window of
the same size; each frame is painted (`QWidget.grab`) before the next begins. Second: the real window shows the page
Explore of a project (a copy of FILE, or one of so many synthetic vectors of 256 dimensions in clusters) while a timer
of the GUI thread beats and the pointer moves over the map; the longest gap between two beats, with principal components
and t-SNE at work, is the longest time for which the window did not answer.
"""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from PySide6.QtGui import QColor

from app.core.recognition.engine import Engine  # isort: skip

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.core.explore.projection import STEPS, fitted, inside
from app.core.project.project import Project
from app.core.project.records import FoundFile, Outcome
from app.core.recognition.evidence import ClassCandidate, Evidence, TypeCandidate
from app.core.system import paths
from app.ui.explore.map_view import MapView, PointCard
from app.ui.widgets import theme
from app.ui.widgets.drawing_pauses import shorten_pauses
from app.ui.window.start import open_window
from tests.bench.review import Heartbeat, ready, say, wait

_SIZE = (1000, 720)
_FRAMES = 60
_CLUSTERS = 60


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
    view = MapView(lambda _point: PointCard("", "", None, True))
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


class Beats(Heartbeat):
    """Notes also how long the GUI thread itself computed in each gap: the rest of it, it waited for a processor."""

    def __init__(self) -> None:
        super().__init__()
        self.worked: list[float] = []
        self._spent = time.thread_time()

    def _beat(self) -> None:
        super()._beat()
        now = time.thread_time()
        self.worked.append(now - self._spent)
        self._spent = now


def synthetic_project(count: int, home: Path) -> Path:
    """A project with so many unit vectors of 256 dimensions about the centres of clusters, as after a run."""
    model = paths.bundled_model()
    assert model is not None
    info, generator = Engine(model, "cpu").info, np.random.default_rng(5)
    of = generator.integers(0, _CLUSTERS, count)
    vectors = generator.normal(size=(_CLUSTERS, 256))[of] + 0.9 * generator.normal(size=(count, 256))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    classes = list(zip(info.taxonomy.fine, (info.taxonomy.coarse[one] for one in info.taxonomy.parents), strict=True))
    with Project.create(home / "synthetic.marque") as project:
        source = project.sources.add(home)
        project.images.add(source, (FoundFile(home / f"{number}.jpg", 1, 1) for number in range(count)))
        project.models.keep(info)
        outcomes = []
        for image, cluster, vector in zip(project.images.all(), of.tolist(), vectors, strict=True):
            fine, coarse = classes[cluster % len(classes)]
            evidence = Evidence(
                (TypeCandidate(coarse, 0.9, True),), (ClassCandidate(fine, coarse, 0.9, False),), 9.0, 9.0
            )
            outcomes.append(Outcome(image.id, None, evidence, vector))
        project.predictions.store(info.fingerprint, outcomes)
    return home / "synthetic.marque"


def animation(project: Path) -> None:
    """The second measurement."""
    window = open_window([], model=None, gallery=None, theme_name="dark", device="cpu")
    window.resize(1280, 800)
    ready(window)
    page, heart = window.explore, Beats()
    window.project.open(project)
    wait(lambda: len(window.project.columns) > 0 and window.project.running.active() is False)
    wait(lambda: bool((window.project.columns.predictions["image"] > 0).any()))
    begun = time.monotonic()
    wait(lambda: time.monotonic() - begun > 1.0)
    reads: list[float] = []
    pictures: list[float] = []
    page.survey.read.connect(lambda: reads.append(time.monotonic()))
    page.survey.placed.connect(lambda _places: pictures.append(time.monotonic()))
    heart.start()
    begun = time.monotonic()
    window.show_page(3)

    def look() -> bool:
        QTest.mouseMove(page.map, QPoint(200 + len(heart.gaps) % 500, 300))  # a person who points at it meanwhile
        return bool(pictures) and not page.survey.unfolding()

    wait(look)
    seconds, count = time.monotonic() - begun, len(page.map.places())
    say(f"{count:,} photos: embeddings read after {reads[-1] - begun:.2f} s, principal components shown")
    say(f"  {pictures[0] - reads[-1]:.2f} s later, the end of t-SNE ({STEPS} steps) after {seconds:.0f} s")
    say(f"  {len(pictures)} pictures of it, {len(pictures) / (pictures[-1] - pictures[0]):.1f} a second")
    say(f"  GUI thread: {heart.stop()}")
    late, worked = 1000 * np.array(heart.gaps), 1000 * np.array(heart.worked[-len(heart.gaps) :])
    say(f"  gaps above 50 ms: {(late > 50).sum()}, above 30 ms: {(late > 30).sum()}")
    say(f"  of its own, without waiting for a processor, it was busy for {worked[1:].max():.0f} ms at the longest")
    window.close()


def main() -> None:
    """Both measurements, in a home of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--project", type=Path, help="a project whose photos have been identified; it stays as it is")
    parser.add_argument("--photos", type=int, default=14_000, help="synthetic ones, without a project")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    shorten_pauses()
    app = QApplication([])
    theme.apply(app, theme.ThemeName.DARK)
    if options.points:
        compare_frames(options.points)
    with tempfile.TemporaryDirectory() as place:
        os.environ[paths.HOME_VARIABLE] = place
        if options.project is not None:
            animation(Path(shutil.copy(options.project, place)))
        elif options.photos:
            animation(synthetic_project(options.photos, Path(place)))


def compare_frames(count: int) -> None:
    """The first measurement."""
    places, of = clusters(count)
    colours = [QColor(theme.class_colour(number)) for number in range(_CLUSTERS)]
    table = np.array([(one.red(), one.green(), one.blue()) for one in colours], np.uint8)
    found = {"map": own(places, table[of]), "ScatterPlotItem": plain(places, table[of])}
    for move in ("pan", "zoom"):
        ours, theirs = (np.median(one[move]) for one in found.values())
        worst = np.percentile(found["map"][move], 99)
        say(
            f"{move}, {count:,} points: map {ours:.1f} ms a frame (99th percentile {worst:.1f}), "
            f"ScatterPlotItem {theirs:.1f} ms, ratio {theirs / ours:.1f}"
        )


if __name__ == "__main__":
    main()
