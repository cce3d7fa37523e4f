"""A training that is killed: it continues from its last checkpoint to the very figures that it would have had."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

from tests.app.tiny import COLOURS, colour_picture
from tests.reliability.killing import Commands, Ended, Moment

ENTRY = "model.train:main"
_SETTINGS = (
    *("--backbone", "resnet18", "--weights", "none", "--embedding-dim", "8", "--size", "32", "--epochs", "2"),
    *("--batch-coarse", "2", "--batch-fine", "2", "--batch-images", "3", "--accelerator", "cpu"),
    *("--precision", "32-true", "--validation", "0.2"),
)


class Training:
    """A small training, over and over into one folder."""

    def __init__(self, folder: Path, commands: Commands) -> None:
        """commands: of ENTRY."""
        self.run, self._photos, self._commands = folder / "run", folder / "learned from", commands
        for index, (fine, colour) in enumerate(COLOURS.items()):
            place = self._photos / ("sedan" if index < 2 else "ship") / fine
            place.mkdir(parents=True)
            for number in range(8):
                colour_picture(colour, seed=10 * index + number, size=(40, 40)).save(place / f"{number}.jpg")
        self._words = ("--data", f"folder:{self._photos}", "--out", self.run, *_SETTINGS)
        start = time.monotonic()
        ended = commands.run(*self._words)
        assert ended.code == 0, ended
        self.seconds = time.monotonic() - start
        self._figures = self._outcome()
        shutil.rmtree(self.run)
        self.moments = commands.moments(*self._words)

    def kill(self, at: Moment | float) -> Ended:
        """Kill it, then let it continue; how it was killed. Raises AssertionError if anything is lost."""
        shutil.rmtree(self.run, ignore_errors=True)
        killed = self._commands.kill(*self._words, at=at)
        begun = (self.run / "config.json").exists()
        if begun:
            for line in (self.run / "events.jsonl").read_text(encoding="utf-8").splitlines()[:-1]:
                json.loads(line)
        words = ("--resume", self.run) if begun else self._words
        again = self._commands.run(*words)
        assert again.code == 0, again
        assert self._outcome() == self._figures, "other figures than without the kill"
        left = list(self.run.rglob(".marque-*.part*"))
        assert not left, left
        return killed

    def chosen(self, chance: random.Random, before_calls: int, at_times: int) -> list[Moment | float]:
        """Moments to kill it at."""
        calls = chance.sample(self.moments, min(before_calls, len(self.moments)))
        return [*calls, *(chance.uniform(0.0, self.seconds) for _ in range(at_times))]

    def _outcome(self) -> dict:
        assert (self.run / "model.onnx").stat().st_size > 0
        return json.loads((self.run / "metrics.json").read_text(encoding="utf-8"))
