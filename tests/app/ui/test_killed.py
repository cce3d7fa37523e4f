"""Nothing is lost when the program dies: killed at random moments of everything, and opened again each time."""

from __future__ import annotations

import csv
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.core.project.labels import Label, Verdict
from app.core.project.project import Project

_KILLS = 20


def contents(*folders: Path) -> set[str]:
    """Digests of the whole photos in these folders; a copy in the making has a name that begins with a dot."""
    files = (path for folder in folders for path in folder.rglob("*.jpg") if not path.name.startswith("."))
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class Account:
    """What the window said that it was asked for and saw done."""

    def __init__(self, before: dict[int, Label]) -> None:
        """before: the labels that the project held when the window was opened."""
        self.predicted = 0
        self._before = before
        self._possible: dict[int, list[Label | None]] = {}
        self._turning = 0  # undo and redo that were asked for and not seen done

    def read(self, line: str) -> None:
        """Take one line of it."""
        kind, *words = line.rstrip("\n").split("\t")
        if kind == "predicted":
            self.predicted = max(self.predicted, int(words[0]))
        elif kind == "told":
            self._possible[int(words[0])] = [_label(words[1:])]
        elif kind == "ask":
            image = int(words[0])
            self._possible.setdefault(image, [self._before.get(image)]).append(_label(words[1:]))
        elif kind == "turn":
            self._turning += 1
        elif kind == "turned":
            self._turning -= 1

    def check(self, labels: dict[int, Label]) -> None:
        """What was seen done, or asked for after that, is there; each turn not seen done may have changed a label."""
        wrong = {
            image: (labels.get(image), possible)
            for image, possible in self._possible.items()
            if labels.get(image) not in possible
        }
        assert len(wrong) <= self._turning, wrong


def _label(words: list[str]) -> Label | None:
    verdict, coarse, fine = words
    return None if verdict == "none" else Label(Verdict(verdict), coarse, fine)


@pytest.mark.slow
def test_a_window_killed_at_random_moments_loses_nothing(tmp_path: Path, tiny_model: Path, photos: Path) -> None:
    many, out, home = tmp_path / "many", tmp_path / "out", tmp_path / "busy home"
    for folder in (many, out, home):
        folder.mkdir()
    for number, source in enumerate(sorted(photos.rglob("*.jpg")) * 20):
        (many / f"{number:03}.jpg").write_bytes(source.read_bytes() + number.to_bytes(2, "little"))
    before = contents(many)
    chance = random.Random(7)
    environment = os.environ | {"MARQUE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    predicted = 0
    labels: dict[int, Label] = {}
    for kill in range(_KILLS):
        account = Account(labels)
        command = [sys.executable, "-m", "tests.app.ui.busy_window", tiny_model, many, out, str(kill)]
        process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert process.stdout is not None
        lines: list[str] = []
        reader = threading.Thread(target=lines.extend, args=(process.stdout,))
        reader.start()
        while "ready\n" not in lines:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(chance.uniform(0.05, 3.0))
        process.kill()
        process.wait()
        reader.join()
        for line in lines:
            if line.endswith("\n"):
                account.read(line)
        predicted = max(predicted, account.predicted)
        (place,) = (home / "data").glob("*.marque")
        with Project.open(place) as project:  # reads the whole file
            labels = {int(subject): label for subject, label in project.labels.all().items()}
            account.check(labels)
            models = project.models.all()
            if models:
                assert project.images.counts(models[0].fingerprint).predicted >= predicted
            # a scan may have seen a file just before it was moved: such a row was never identified
            known = [image for model in models for image, _ in project.predictions.evidence(model.fingerprint)]
            assert [image.path for image in project.images.of(known) if not image.path.exists()] == []
        assert contents(many, out) == before
        if (out / "labels.csv").exists():
            list(csv.DictReader((out / "labels.csv").open(encoding="utf-8")))
    assert predicted == len(before)
