"""A gallery loses nothing when the program dies: killed at random moments of everything, and opened again each time."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.core.gallery import search_index
from app.core.gallery.gallery import Gallery
from tests.app.busy_gallery import EXACT
from tests.app.synthetic import check, vector_of

_KILLS = 20


class Account:
    """What the process said that it did. A change is there wholly once it was reported, before that wholly or not."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.made: set[str] = set()
        self.approximate = 0
        self._asked: dict[str, int | None] = {}

    def read(self, line: str) -> None:
        """Take one line of it."""
        said = json.loads(line)
        if said["what"] == "changing":
            self._asked = said["to"]
        elif said["what"] == "changed":
            self._do()
        elif said["what"] == "made":
            self.made.add(said["name"])
        elif said["what"] == "open":
            self.approximate += said["approximate"]

    def settle(self, path: Path) -> None:
        """See whether the last change was made."""
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            there = {digest for (digest,) in database.execute("SELECT digest FROM reference")}
        if there != {f"digest {number}" for number in self.held}:
            self._do()
        elif self._asked and None not in self._asked.values():  # the same photos: again, in another version?
            number, version = next(iter(self._asked.items()))
            with Gallery.open(path) as gallery:
                one = gallery.find(f"digest {number}")
                if one is not None and version is not None:
                    found = gallery.embeddings([one.id])[0]
                    if found @ vector_of(int(number), version) > 0.9999:
                        self._do()
        self._asked = {}

    def _do(self) -> None:
        for number, version in self._asked.items():
            if version is None:
                del self.held[number]
            else:
                self.held[number] = version
        self._asked = {}


@pytest.mark.slow
def test_a_gallery_killed_at_random_moments_stays_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "EXACT", EXACT)
    path = tmp_path / "busy.gallery"
    chance = random.Random(11)
    account = Account()
    for kill in range(_KILLS):
        command = [sys.executable, "-m", "tests.app.busy_gallery", str(path), str(kill)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines: list[str] = []
        reader = threading.Thread(target=lines.extend, args=(process.stdout,))
        reader.start()
        while not lines:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 2.0))
        assert process.poll() is None
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
        for line in lines:
            if line.endswith("\n"):
                account.read(line)
        if not path.exists():  # killed before it was made
            assert account.held == {}
            continue
        account.settle(path)
        held = {f"digest {number}": vector_of(int(number), version) for number, version in account.held.items()}
        with Gallery.open(path, read_only=True) as gallery:
            check(gallery, held)
        with Gallery.open(path) as gallery:
            gallery.finish_index()
            check(gallery, held)
        for other in tmp_path.glob("*.gallery"):  # also one that was not reported
            with Gallery.open(other, read_only=True) as gallery:
                assert len(gallery) == 0 or other.name.startswith(("busy", "copy"))
        assert account.made <= {other.name for other in tmp_path.glob("*.gallery")}
    assert account.approximate > 0
    assert account.held
