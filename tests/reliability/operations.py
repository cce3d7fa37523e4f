"""What is killed over and over: each command with what it begins with, and what a person has when it is done."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from app.core.gallery.gallery import Gallery
from tests.app.core.project.test_project import TO_FORMAT_2
from tests.app.tiny import COLOURS, TINY_TAXONOMY, colour_picture, write_tiny_model
from tests.reliability.killing import Commands

EXPORTS = {"csv": "csv", "xlsx": "xlsx", "jsonl": "jsonl", "coco": "json", "training": "training.csv"}
"""Format -> ending of the file that is written here."""


class Site:
    """A folder with photos, a project, a gallery and exports, always at one place; it can be put back to a state.

    Attributes:
        work: the folder of everything; `photos` and `sorted` in it hold photos, `out` what is written.
    """

    def __init__(self, folder: Path, photos: int = 3) -> None:
        """photos: of each of the four classes."""
        self._states, self.work, self.scratch = folder / "states", folder / "work", folder / "scratch"
        self.model = write_tiny_model(folder / "tiny.onnx")
        self.home, self.photos, self.sorted, self.out = (self.work / n for n in ("home", "photos", "sorted", "out"))
        self.project, self.gallery = self.work / "work.marque", self.work / "own.gallery"
        for place in (self._states, self.scratch, self.home, self.out):
            place.mkdir(parents=True)
        for index, (fine, parent) in enumerate(zip(TINY_TAXONOMY.fine, TINY_TAXONOMY.parents, strict=True)):
            there = self.photos / TINY_TAXONOMY.coarse[parent] / fine
            there.mkdir(parents=True)
            for number in range(photos):
                colour_picture(COLOURS[fine], seed=100 * index + number).save(there / f"{number}.jpg", quality=92)
        self.originals = {_digest(path) for path in self.photos.rglob("*.jpg")}

    def keep(self, state: str) -> None:
        """Call what there is now by a name."""
        shutil.copytree(self.work, self._states / state)

    def begin(self, state: str) -> None:
        """Put everything back to a state."""
        shutil.rmtree(self.work)
        shutil.copytree(self._states / state, self.work)

    def identify(self, *paths: Path) -> tuple[object, ...]:
        """The command that identifies folders into the project."""
        return ("identify", *paths, "--project", self.project, *self.options())

    def options(self) -> tuple[object, ...]:
        """Options of each command that needs the model."""
        return ("--model", self.model, "--device", "cpu")

    def export(self, form: str) -> tuple[object, ...]:
        """The command that writes an export."""
        return ("export", self.project, "--format", form, "--out", self.out / f"a.{EXPORTS[form]}")

    def file(self, *how: str) -> tuple[object, ...]:
        """The command that files the photos."""
        return ("file", self.project, "--into", self.sorted, *how)


Outcome = Callable[[Site, Commands], object]


@dataclass(frozen=True)
class Operation:
    """A command that is killed.

    Attributes:
        name: for people.
        state: what it begins with.
        words: the command.
        outcome: what a person has when it is done; the same, however often it was killed before.
        afterwards: checks what must hold right after a kill, given the outcome before and the whole one.
        takes_back: it moves photos: `marque undo` afterwards gives back what there was.
    """

    name: str
    state: str
    words: Callable[[Site], tuple[object, ...]]
    outcome: Outcome
    afterwards: Callable[[Site, Commands, object, object], None] = lambda *_: None
    takes_back: bool = False


def prepare(site: Site, commands: Commands) -> None:
    """Make the states that the operations begin with."""

    def run(*words: object) -> None:
        ended = commands.run(*words)
        assert ended.code == 0, (words, ended)

    first = next(site.photos.iterdir())
    run("identify", first, "--out", site.out / "labels.csv", "--gallery", "none", *site.options())
    site.keep("photos")
    run(*site.identify(first), "--gallery", "none")
    run("enrol", first, "--gallery", site.gallery, *site.options())
    for form in EXPORTS:
        run(*site.export(form))
    run(*site.identify(site.photos), "--gallery", "none")
    site.keep("identified")
    with closing(sqlite3.connect(site.project)) as database:
        database.executescript(f"{TO_FORMAT_2}; PRAGMA user_version = 2")
    site.keep("older")
    site.begin("identified")
    run(*site.file("--move"))
    site.keep("moved")
    run("undo", site.project)
    site.keep("undone")


def operations() -> list[Operation]:
    """All commands that write."""
    found = [
        Operation("identify, table", "photos", _into_table, _bytes_of("labels.csv"), _old_or_new("labels.csv")),
        Operation(
            "identify, project", "photos", lambda site: (*site.identify(site.photos), "--gallery", "none"), answers
        ),
        Operation("file", "identified", lambda site: site.file(), places, takes_back=True),
        Operation("file --move", "identified", lambda site: site.file("--move"), places, takes_back=True),
        Operation("undo", "moved", lambda site: ("undo", site.project), places),
        Operation(
            "undo --redo",
            "undone",
            lambda site: ("undo", site.project, "--redo"),
            places,
            takes_back=True,
        ),
        Operation("enrol", "identified", _enrol, references),
        Operation("older project", "older", lambda site: ("undo", site.project), answers),
        Operation("export xmp", "identified", lambda site: ("export", site.project, "--format", "xmp"), sidecars),
        Operation("export xmp-copies", "identified", _copies, copies),
    ]
    for form, ending in EXPORTS.items():
        read = {"xlsx": _cells, "coco": _entries}.get(form, _bytes_of(f"a.{ending}"))
        found.append(
            Operation(
                f"export {form}",
                "identified",
                methodcaller("export", form),
                read,
                _old_or_new(f"a.{ending}", read),
            )
        )
    return found


def _into_table(site: Site) -> tuple[object, ...]:
    return ("identify", site.photos, "--out", site.out / "labels.csv", "--gallery", "none", *site.options())


def _enrol(site: Site) -> tuple[object, ...]:
    return ("enrol", site.photos, "--gallery", site.gallery, *site.options())


def _copies(site: Site) -> tuple[object, ...]:
    return ("export", site.project, "--format", "xmp-copies", "--out", site.out / "copies")


def places(site: Site, _: Commands) -> dict[str, str]:
    """Where which photo is."""
    return {
        path.relative_to(site.work).as_posix(): _digest(path)
        for folder in (site.photos, site.sorted)
        for path in folder.rglob("*")
        if path.is_file()
    }


def answers(site: Site, commands: Commands) -> list[dict]:
    """What the project says of every photo."""
    out = site.scratch / "answers.jsonl"
    out.unlink(missing_ok=True)
    ended = commands.run("export", site.project, "--format", "jsonl", "--out", out)
    assert ended.code == 0, ended
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def references(site: Site, _: Commands) -> list[tuple[object, ...]]:
    """What the gallery holds."""
    with Gallery.open(site.gallery, read_only=True) as gallery:
        entries = gallery.entries()
        vectors = gallery.embeddings(list(entries))
    rows = zip(entries.values(), vectors, strict=True)
    return sorted((one.digest, one.coarse, one.fine, one.path, vector.tobytes()) for one, vector in rows)


def sidecars(site: Site, _: Commands) -> dict[str, object]:
    """The photos, and the words of each sidecar."""
    found: dict[str, object] = dict(places(site, _))
    for path in site.photos.rglob("*.xmp"):
        found[path.relative_to(site.work).as_posix()] = sorted(
            element.text or "" for element in ElementTree.parse(path).iter() if element.tag.endswith("}li")
        )
    return found


def copies(site: Site, _: Commands) -> dict[str, object]:
    """Pixels of every copy, and whether keywords are in it."""
    found: dict[str, object] = {}
    for path in (site.out / "copies").rglob("*.*"):
        if not path.name.startswith("."):
            with Image.open(path) as image:
                found[path.name + path.parent.name] = hashlib.sha256(image.tobytes()).hexdigest(), "xmp" in image.info
    return found


def _bytes_of(name: str) -> Outcome:
    return lambda site, _: (site.out / name).read_bytes()


def _cells(site: Site, _: Commands) -> list[bytes]:
    """Of a workbook, what says nothing of when it was written."""
    with zipfile.ZipFile(site.out / "a.xlsx") as book:
        return [book.read(name) for name in sorted(book.namelist()) if name != "docProps/core.xml"]


def _entries(site: Site, _: Commands) -> dict[str, object]:
    """Of a COCO file, what says nothing of when it was written."""
    entries = json.loads((site.out / "a.json").read_text(encoding="utf-8"))
    return {name: value for name, value in entries.items() if name != "info"}


def _old_or_new(name: str, read: Outcome | None = None) -> Callable[[Site, Commands, object, object], None]:
    reader = read or _bytes_of(name)

    def check(site: Site, commands: Commands, before: object, whole: object) -> None:
        assert reader(site, commands) in (before, whole), f"{name} is neither the old one nor the new one"

    return check


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
