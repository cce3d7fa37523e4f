"""How the window fares with many photos: `python -m tests.bench.review PHOTOS [--links 100000]`.

Two measurements on real photographs, printed and neither passed nor failed. First: a whole folder is identified from
the page Review, with broken files among it, while a timer of the GUI thread beats; the longest gap between two beats is
the longest time for which the window did not answer. Second: a project of so many hard links to the same photos is
opened and scrolled through to its end.
"""

from __future__ import annotations

# onnxruntime comes before Qt; app/core/recognition/engine.py says why
from app.core.recognition.engine import Engine  # isort: skip

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.core.batch.project_run import Scan
from app.core.project.project import Project
from app.core.project.records import Outcome
from app.core.system import paths
from app.ui.widgets.drawing_pauses import shorten_pauses
from app.ui.window.main_window import MainWindow
from app.ui.window.start import open_window
from model.system.photo_files import scan

_BEAT = 5  # milliseconds
_BROKEN = 20


def say(line: str = "") -> None:
    """A line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def resident() -> float:
    """Memory of this process, MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def pause(seconds: float) -> None:
    """Let the window live for so long."""
    end = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() > end)


def wait(until: Callable[[], bool], seconds: float = 3600) -> None:
    """Let the window live until something holds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError
        loop = QEventLoop()
        QTimer.singleShot(10, loop.quit)
        loop.exec()


class Heartbeat:
    """Notes how long the GUI thread takes from one beat to the next, beyond the beat itself."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(interval=_BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """From now on."""
        self.gaps.clear()
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> str:
        """What was noted, in words."""
        self._timer.stop()
        gaps = np.array(self.gaps) * 1000
        return (
            f"longest gap {gaps.max():.0f} ms, 99.9th percentile {np.percentile(gaps, 99.9):.0f} ms, "
            f"median {np.median(gaps):.1f} ms, {len(gaps):,} beats"
        )

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(max(0.0, now - self._last - _BEAT / 1000))
        self._last = now


def break_files(folder: Path, photo: Path) -> None:
    """Files other than photos, or damaged ones."""
    folder.mkdir()
    whole = photo.read_bytes()
    for number in range(_BROKEN):
        content = (b"", whole[: 200 + 97 * number], b"no picture at all", whole[:40] + bytes(500))[number % 4]
        (folder / f"broken {number}.jpg").write_bytes(content)


def ready(window: MainWindow) -> None:
    """Wait for model and project, then look at the page Review for a second, as a person does who wants to use it."""
    wait(lambda: window.identify.session.loaded() is not None and window.project.project is not None)
    window.show_page(1)
    end = time.monotonic() + 1
    wait(lambda: time.monotonic() > end)


def label_folder(photos: Path, home: Path) -> None:
    """The first measurement."""
    files = list(scan([photos]))
    break_files(home / "broken", files[0])
    window = open_window([], model=None, gallery=None, theme_name="dark", device="cpu")
    ready(window)
    page = window.review
    before, heart, most = resident(), Heartbeat(), [0.0]
    heart.start()
    start = time.monotonic()
    page.project.identify([photos, home / "broken"])
    steps = cycle((1, 1, 1, 40, -20))

    def look() -> bool:
        most[0] = max(most[0], resident())
        if page.listing.rowCount() and len(heart.gaps) % 50 == 0:
            page.step(next(steps))  # a person who looks through it meanwhile
        return page.project.running.active()

    wait(look)
    middle: list[float] = []
    wait(lambda: middle.append(resident()) is None and not page.project.running.active())
    seconds = time.monotonic() - start
    wait(lambda: bool((page.project.columns.predictions["image"] > 0).sum() >= len(files) - _BROKEN))
    count = len(page.project.columns)
    say(f"{count:,} photos identified in {seconds:.0f} s, {count / seconds:.0f} a second")
    say(f"  {window.status.jobs.text()}")
    say(f"  GUI thread: {heart.stop()}")
    say(f"  memory: {before:.0f} MiB before, {middle[len(middle) // 2]:.0f} in the middle, {resident():.0f} at the end")
    window.close()


def many_links(photos: Path, count: int, home: Path) -> Path:
    """A project of hard links with predictions, as after a run."""
    sources = list(scan([photos]))
    folder = home / "links"
    folder.mkdir()
    for number in range(count):
        part = folder / f"{number // 1000:03}"
        part.mkdir(exist_ok=True)
        (part / f"{number:06}.jpg").hardlink_to(sources[number % len(sources)])
    model = paths.bundled_model()
    assert model is not None
    engine = Engine(model, "cpu")
    with Project.create(home / "many.marque") as project:
        project.sources.add(folder)
        project.models.keep(engine.info)
        found = Scan(project, lambda: False)
        found.start()
        found.wait()
        with Project.open(paths.user_data_dir() / "measured.marque") as measured:
            known = [one for _, one in measured.predictions.evidence(engine.info.fingerprint)]
            _, vectors = measured.predictions.embeddings(engine.info.fingerprint)
        images = project.images.all()
        for start in range(0, count, 1000):
            project.predictions.store(
                engine.info.fingerprint,
                [
                    Outcome(image.id, None, known[image.id % len(known)], vectors[image.id % len(known)])
                    for image in images[start : start + 1000]
                ],
            )
    return home / "many.marque"


def open_many(project: Path) -> None:
    """The second measurement."""
    window = open_window([], model=None, gallery=None, theme_name="dark", device="cpu")
    ready(window)
    page, heart = window.review, Heartbeat()
    say(f"memory before opening: {resident():.0f} MiB")
    made: list[float] = []
    window.thumbnails.ready.connect(lambda _path: made.append(time.monotonic()))
    heart.start()
    start = time.monotonic()
    page.project.open(project)
    wait(lambda: len(made) >= page.grid.across() * 4 and len(page.project.columns) > 0)
    first, last = (1000 * (moment - start) for moment in (made[0], made[-1]))
    say(f"first {len(made)} thumbnails after {first:.0f} ms, all after {last:.0f} ms")
    wait(lambda: bool((page.project.columns.predictions["image"] > 0).sum() == len(page.project.columns)))
    say(f"{len(page.project.columns):,} rows listed and decided after {time.monotonic() - start:.1f} s")
    say(f"  GUI thread while opening: {heart.stop()}")
    bar, frames = page.grid.verticalScrollBar(), []
    for value in np.linspace(0, bar.maximum(), 400).astype(int).tolist():
        begun = time.perf_counter()
        bar.setValue(value)
        page.grid.viewport().repaint()
        frames.append(1000 * (time.perf_counter() - begun))
        pause(0.016)
    say(f"scrolled to the end: {np.median(frames):.1f} ms a frame, 99th percentile {np.percentile(frames, 99):.1f} ms")
    heart.start()
    for act in (lambda: page.filters.set_label("tanker"), page.filters.clear, page.grid.selectAll):
        act()
        pause(0.5)
    say(f"  GUI thread while filtering and choosing all: {heart.stop()}")
    say(f"memory: {resident():.0f} MiB")
    window.close()


def main() -> None:
    """Both measurements, in a home of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of photographs")
    parser.add_argument("--links", type=int, default=100_000, help="0: the first measurement alone")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)  # the second measurement, in its own process
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    shorten_pauses()
    if options.open is not None:
        app = QApplication([])
        open_many(options.open)
        return
    with tempfile.TemporaryDirectory(dir=options.photos.absolute().parent) as place:
        home = Path(place)
        os.environ[paths.HOME_VARIABLE] = place
        app = QApplication([])
        label_folder(options.photos.absolute(), home)
        if options.links:
            next(paths.user_data_dir().glob("unsaved*.marque")).rename(paths.user_data_dir() / "measured.marque")
            many = many_links(options.photos.absolute(), options.links, home)
            command = [sys.executable, "-m", "tests.bench.review", str(options.photos), "--open", str(many)]
            subprocess.run(command, check=True)
        app.quit()


if __name__ == "__main__":
    main()
