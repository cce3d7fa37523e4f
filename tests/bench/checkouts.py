"""Whether one checkout of Marque is slower than another: `python -m tests.bench.checkouts OTHER --photos DIR`.

Both run the same work in turns, A B, B A, A B, ..., each time in a process of its own: opening the window and closing
it again, identifying a folder into a table (both the whole process), and opening a project that holds every photo 41
times (the call alone). Printed is the median
of the ratios of the pairs (this checkout / the other) with a 95 % interval (bootstrap of the median, 10,000 draws).
Slower is a checkout whose whole interval is above 1.03. Where the two do different work (another number of rows,
other answers), the benchmark ends with an error instead of a figure.
"""

from __future__ import annotations

import argparse
import csv
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.checkout import ROOT

_DRAWS = 10_000
_SLOWER = 1.03
_MARQUE = "import sys; from app.cli import main; sys.exit(main())"
_AGAIN = 40
_MULTIPLIED = (
    "INSERT INTO image (source, path, size, modified, digest, error) "
    "SELECT source, CAST(CAST(path AS TEXT) || ?1 AS BLOB), size, modified, digest, error FROM image WHERE id <= ?2",
    "INSERT INTO prediction (image, model, figures, evidence, embedding) "
    "SELECT other.id, model, figures, evidence, embedding FROM prediction JOIN image ON image.id = prediction.image "
    "JOIN image AS other ON other.path = CAST(CAST(image.path AS TEXT) || ?1 AS BLOB) WHERE image.id <= ?2",
)
_TIMED_OPENING = """
import sys, time
from pathlib import Path
try:
    from app.core.project.project import Project
except ModuleNotFoundError:  # checkouts from before there were rooms
    from app.core.project import Project
begin = time.perf_counter()
with Project.open(Path(sys.argv[1])) as project:
    # projects of older checkouts list their places themselves
    rows = len(project.images.places() if hasattr(project.images, "places") else project.places())
print(rows, file=sys.stderr)
print(time.perf_counter() - begin)
"""
_WINDOW_SHOWN = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
run = QApplication.exec
def once(*_):
    QTimer.singleShot(0, QApplication.quit)
    return run()
QApplication.exec = once
from app.cli import main
sys.exit(main([]))
"""


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def python(tree: Path, home: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the packages of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(tree), "MARQUE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def ratios(sides: tuple[Callable[[], float], Callable[[], float]], pairs: int) -> np.ndarray:
    """Ratio of seconds, first side / second, of each pair; which side begins alternates; one pair is not counted."""
    found = []
    for number in range(pairs + 1):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        seconds = {side: sides[side]() for side in order}
        found.append(seconds[0] / seconds[1])
    return np.array(found[1:])


def multiply(project: Path) -> None:
    """Let a project hold each of its photos, with its answer, 40 times more under other names."""
    with closing(sqlite3.connect(project)) as database, database:
        (count,) = database.execute("SELECT max(id) FROM image").fetchone()
        for number in range(_AGAIN):
            for statement in _MULTIPLIED:
                database.execute(statement, (f".{number}", count))


def worded(name: str, found: np.ndarray) -> str:
    generator = np.random.default_rng(0)
    medians = np.median(generator.choice(found, (_DRAWS, len(found))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    verdict = "slower" if low > _SLOWER else "not slower"
    return f"{name}: {np.median(found):.3f} (95 % {low:.3f} to {high:.3f}, {len(found)} pairs): {verdict}"


def answers(table: Path) -> list[tuple[str, ...]]:
    """What a table says of each photo, without the sentences and without columns that only one side has."""
    with table.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    left_out = {"reason", "verdict"}
    return [tuple(value for name, value in row.items() if name not in left_out) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--model", default="marque-lite", help="supplied model, or a file")
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    trees = (ROOT, options.other.resolve())
    photos = options.photos.resolve()
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / str(side) for side in range(2)]
        for place in places:
            place.mkdir()

        def identify(side: int) -> float:
            table = places[side] / "table.csv"
            table.unlink(missing_ok=True)
            arguments = ("identify", str(photos), "--model", options.model, "--out", str(table))
            begin = time.perf_counter()
            python(trees[side], places[side] / "home", _MARQUE, *arguments)
            return time.perf_counter() - begin

        def start(side: int) -> float:
            begin = time.perf_counter()
            python(trees[side], places[side] / "home", _WINDOW_SHOWN)
            return time.perf_counter() - begin

        def open_project(side: int) -> float:
            done = python(trees[side], places[side] / "home", _TIMED_OPENING, str(places[side] / "work.marque"))
            rows.add(done.stderr.split()[-1])
            return float(done.stdout.split()[-1])

        rows: set[str] = set()
        for side in range(2):
            arguments = (
                "identify",
                str(photos),
                "--model",
                options.model,
                "--project",
                str(places[side] / "work.marque"),
            )
            python(trees[side], places[side] / "home", _MARQUE, *arguments)
            multiply(places[side] / "work.marque")
        say(f"{ROOT} / {options.other}, {os.cpu_count()} cores, {options.model}")
        say(worded("open and close the window", ratios((lambda: start(0), lambda: start(1)), options.pairs)))
        say(worded("open a project", ratios((lambda: open_project(0), lambda: open_project(1)), options.pairs)))
        if len(rows) != 1:
            raise SystemExit(f"the two projects hold different numbers of photos: {sorted(rows)}")
        say(worded("identify a folder", ratios((lambda: identify(0), lambda: identify(1)), options.pairs)))
        if answers(places[0] / "table.csv") != answers(places[1] / "table.csv"):
            raise SystemExit("the two checkouts give different answers")
        say(f"the same answers; {rows.pop()} rows in each project")


if __name__ == "__main__":
    main()
