"""Projects and galleries from elsewhere: nothing else is opened, changed or removed, and each ends in a sentence."""

from __future__ import annotations

import os
import socket
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.core.filing.project_journal import journal_of
from app.core.gallery.gallery import Gallery, GalleryError
from app.core.gallery.gallery_steps import GallerySteps
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from app.core.project.results import results
from app.core.project.schema import ProjectError
from app.core.review.photo_columns import ClassNumbers
from app.core.system.paths import resources
from model.contract.bundle import read_info
from tests.app.core.project.test_project import found, outcome
from tests.app.foreign import tamper
from tests.app.synthetic import DIM, clustered, entries

ERRORS = (ProjectError, GalleryError)


@pytest.fixture
def project(tmp_path: Path, tiny_model: Path) -> Path:
    info = read_info(tiny_model)
    with Project.create(tmp_path / "work.marque") as made:
        made.models.keep(info)
        made.images.add(made.sources.add(Path("/photos")), [found(number) for number in range(4)])
        made.predictions.store(info.fingerprint, [outcome(1), outcome(2)])
        made.labels.set({SubjectId(1): Label(Verdict.CORRECTED, "sedan", "TL")}, "one")
    return tmp_path / "work.marque"


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    with Gallery.create(tmp_path / "a.gallery", "fp", DIM) as made:
        GallerySteps(made).add(clustered(6), entries(range(6)), "add")
        GallerySteps(made).remove([2], "remove")
    return tmp_path / "a.gallery"


def look(path: Path, *, sound: bool = False) -> None:
    """What the window asks a project for."""
    with Project.open(path, sound=sound) as opened:
        opened.sources.all()
        opened.images.all()
        opened.images.places()
        journal_of(opened).next_steps()
        opened.labels.all()
        for model in opened.models.all():
            list(results(opened, model))
            opened.predictions.embeddings(model.fingerprint)
            list(opened.predictions.features(model.fingerprint, ClassNumbers().place))


def use(path: Path) -> None:
    """What the window does with a gallery."""
    with Gallery.open(path) as opened:
        opened.search(clustered(2), 3)
        opened.entries()
        GallerySteps(opened).turn(back=True)


def open_either(path: Path) -> None:
    look(path) if path.suffix == ".marque" else use(path)


@pytest.fixture(params=["project", "gallery"])
def either(request: pytest.FixtureRequest) -> Path:
    """A project, then a gallery."""
    return request.getfixturevalue(request.param)


def change(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM meta; END",
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON meta (value)",
        "DROP TABLE meta; CREATE VIEW meta AS SELECT 'id' AS key, '0' AS value",
        "ALTER TABLE meta ADD COLUMN more TEXT DEFAULT 'more'",
        "CREATE VIRTUAL TABLE f USING fts5 (x)",
    ],
    ids=["trigger", "endless view", "table", "index", "view for a table", "column", "virtual table"],
)
def test_tables_that_are_not_ours_are_refused(either: Path, script: str) -> None:
    change(either, script)
    with pytest.raises(ERRORS, match=f"{either.name}: this is not a .* as Marque makes them"):
        open_either(either)


def test_a_gallery_may_have_all_of_its_own_tables_or_none(gallery: Path) -> None:
    whole = gallery.read_bytes()
    for script in ("DROP TABLE step_row", "DROP TABLE step_row; DROP TABLE step", "CREATE TABLE change (x)"):
        gallery.write_bytes(whole)
        change(gallery, script)
        if script.endswith("step"):
            Gallery.open(gallery).close()
        else:
            with pytest.raises(GalleryError, match="as Marque makes them"):
                Gallery.open(gallery)
    for supplied in (resources() / "models").glob("*.gallery"):
        Gallery.open(supplied, read_only=True).close()


def test_a_journal_that_names_another_file_removes_nothing(either: Path, tmp_path: Path) -> None:
    """SQLite removes the file that a journal names once it has played the journal back."""
    precious = tmp_path / "precious.txt"
    precious.write_bytes(b"my only words\0")
    magic, name = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", os.fsencode(precious)
    (page,) = struct.unpack(">H", either.read_bytes()[16:18])
    header = magic + struct.pack(">IIIII", 0, 0, either.stat().st_size // page, 512, page)
    names = struct.pack(">I", 0x40000000 // page + 1) + name + struct.pack(">II", len(name), sum(name)) + magic
    either.with_name(f"{either.name}-journal").write_bytes(header.ljust(512, b"\0") + names)
    with pytest.raises(ERRORS, match="names another file to be removed"):
        open_either(either)
    assert precious.exists()


@pytest.mark.parametrize("ending", ["-wal", "-journal", "-shm"])
def test_a_link_beside_a_file_is_not_written_through(either: Path, tmp_path: Path, ending: str) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    either.with_name(either.name + ending).symlink_to(precious)
    with pytest.raises(ERRORS, match="must be a file; remove it"):
        open_either(either)
    assert precious.read_text() == "mine"


def _fifo(place: Path) -> None:
    os.mkfifo(place)


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(place))


def _device(place: Path) -> None:
    place.symlink_to("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_fifo, "named pipe"),
        (_socket, "socket"),
        (Path.mkdir, "folder"),
        (lambda p: p.symlink_to("/dev/zero"), "device"),
    ],
    ids=["pipe", "socket", "folder", "device"],
)
def test_only_regular_files_are_opened(
    make: Callable[[Path], None],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # the names of sockets must be short
    for name in ("a.marque", "a.gallery"):
        make(Path(name))
        with pytest.raises(ERRORS, match=words):
            open_either(Path(name))
    assert main(["export", "a.marque", "--format", "csv"]) == 2
    assert words in capsys.readouterr().err


BAD = {
    "evidence that is not JSON": "UPDATE prediction SET evidence = '[[['",
    "evidence of other types": "UPDATE prediction SET evidence = json_set(evidence, '$.likeness', 'high')",
    "evidence without types": "UPDATE prediction SET evidence = json_set(evidence, '$.types', json('[]'))",
    "an embedding of another length": "UPDATE prediction SET embedding = x'0011' WHERE image = 1",
    "an embedding that is not made of numbers": "UPDATE prediction SET embedding = x'007e007e007e007e'",
    "figures of another length": "UPDATE prediction SET figures = x'00'",
    "figures with names that are not there": "DELETE FROM name",
    "a negative size": "UPDATE image SET size = -1",
    "a size that is not a number": "UPDATE image SET size = x'00'",
    "a path with a zero byte": "UPDATE image SET path = x'2f610062' WHERE id = 1",
    "a path that is not given in full": "UPDATE image SET path = CAST('a.jpg' AS BLOB) WHERE id = 1",
    "a path that is a number": "UPDATE image SET path = 7 WHERE id = 1",
    "a source that is not given in full": "UPDATE source SET path = CAST('../x' AS BLOB)",
    "a verdict that there is not": "UPDATE label SET verdict = 'maybe'",
    "a label that is not text": "UPDATE label SET fine = x'00'",
    "a step of a kind that there is not": "UPDATE action SET kind = 'format the disk'",
    "a model without a taxonomy": """UPDATE model SET facts = '{"name": "x"}'""",
    "a model with absurd numbers": "UPDATE model SET facts = json_set(facts, '$.thresholds.fine', 9e999)",
    "a model deep in brackets": f"UPDATE model SET facts = '{'[' * 5000}'",
    "thresholds that are none": "INSERT INTO meta SELECT 'thresholds of ' || fingerprint, '[]' FROM model",
    "no number": "DELETE FROM meta WHERE key = 'id'",
}


@pytest.mark.parametrize("statement", BAD.values(), ids=BAD)
def test_rows_that_make_no_sense_are_reported_with_the_file(project: Path, statement: str) -> None:
    tamper(project, statement)
    with pytest.raises(ProjectError, match=r"work\.marque: .*damaged \(.+\)"):
        look(project)


BAD_REFERENCES = {
    "an embedding of another length": "UPDATE reference SET embedding = x'00' WHERE id = 3",
    "an embedding that is not made of numbers": f"UPDATE reference SET embedding = x'{'007e' * DIM}'",
    "a path that leads out": "UPDATE reference SET path = '../../' || path",
    "a path from the top": "UPDATE reference SET path = '/etc/' || path",
    "a path with a zero byte": "UPDATE reference SET path = 'a' || char(0) || path",
    "a label that is not text": "UPDATE reference SET fine = x'00'",
    "a folder that is not given in full": "INSERT INTO root (place) VALUES ('here')",
    "a length of nothing": "UPDATE meta SET value = '0' WHERE key = 'dim'",
    "an absurd length": "UPDATE meta SET value = '99999999999999' WHERE key = 'dim'",
    "a fingerprint with control codes": "UPDATE meta SET value = char(27) || '[2J' WHERE key = 'fingerprint'",
    "a step with an embedding of another length": "UPDATE step_row SET embedding = x'00'",
    "a step with something else for a digest": "UPDATE step_row SET digest = x'00'",
}


@pytest.mark.parametrize("statement", BAD_REFERENCES.values(), ids=BAD_REFERENCES)
def test_references_that_make_no_sense_are_reported_with_the_file(gallery: Path, statement: str) -> None:
    tamper(gallery, statement)
    with pytest.raises(GalleryError, match=r"a\.gallery: the gallery is damaged \(.+\)"):
        use(gallery)


def test_rows_that_come_again_and_again_have_an_end(tmp_path: Path) -> None:
    """A page of a tree that is reached many times: a table of a few pages with more rows than a computer can count."""
    path = tmp_path / "work.marque"
    with Project.create(path) as made:
        made.images.add(made.sources.add(Path("/photos")), [found(number) for number in range(4000)])
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute("PRAGMA page_size").fetchone()
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'image'").fetchone()
    begin = (root - 1) * page
    assert content[begin] == 5  # an inner page
    (cells,) = struct.unpack_from(">H", content, begin + 3)
    (first,) = struct.unpack_from(">H", content, begin + 12)
    for cell in range(1, cells):
        (place,) = struct.unpack_from(">H", content, begin + 12 + 2 * cell)
        content[begin + place : begin + place + 4] = content[begin + first : begin + first + 4]
    path.write_bytes(content)
    with Project.open(path, sound=False) as opened:
        with pytest.raises(ProjectError, match="repeat endlessly"):
            opened.images.places()
        with pytest.raises(ProjectError, match="damaged"):
            opened.check()
    with pytest.raises(ProjectError, match="damaged"):
        look(path, sound=True)


@pytest.mark.parametrize("after", ["deleted", "replaced"])
def test_a_file_that_goes_while_it_is_in_use_is_noticed(project: Path, gallery: Path, after: str) -> None:
    with Project.open(project) as opened, Gallery.open(gallery) as references:
        for path in (project, gallery):
            content = path.read_bytes()
            path.unlink()
            if after == "replaced":
                path.with_name("other").write_bytes(content)
                path.with_name("other").rename(path)
        with pytest.raises(ProjectError, match=f"was {after}"):
            opened.sources.add(Path("/more"))
        with pytest.raises(ProjectError, match=f"was {after}"):
            opened.images.all()
        with pytest.raises(GalleryError, match=f"was {after}"):
            references.add(np.eye(1, DIM, dtype=np.float32), entries([7]))


def test_new_files_never_take_the_place_of_others(project: Path, gallery: Path, tmp_path: Path) -> None:
    place = tmp_path / "precious"
    place.write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    with Project.open(project) as opened, Gallery.open(gallery) as references:
        for target in (place, tmp_path / "dangling", project, gallery):
            for make in (
                lambda target=target: opened.save_as(target),
                lambda target=target: Project.create(target),
                lambda target=target: references.copy_to(target),
                lambda target=target: Gallery.create(target, "fp", DIM),
            ):
                with pytest.raises(ERRORS, match="exists already"):
                    make()
    assert place.read_text() == "mine" and not (tmp_path / "elsewhere").exists()
    assert not list(tmp_path.glob(".marque-*"))
