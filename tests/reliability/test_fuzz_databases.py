"""Projects and galleries that are damaged, or whose rows hold anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.filing.project_journal import journal_of
from app.core.gallery.gallery import Gallery
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from app.core.project.results import results
from app.core.review.photo_columns import PhotoColumns
from model.contract.bundle import read_info
from tests.app.core.project.test_project import found, outcome
from tests.app.synthetic import DIM, clustered, entries, unit
from tests.app.tiny import TINY_TAXONOMY, write_tiny_model
from tests.reliability.fuzzing import damaged, fuzz, reads_or_tells


@pytest.fixture(scope="module")
def project(place: Path) -> Path:
    """A project with a source, images, answers, a label and a step."""
    path = place / "work.marque"
    info = read_info(write_tiny_model(place / "tiny.onnx"))
    with Project.create(path) as made:
        made.models.keep(info)
        made.images.add(made.sources.add(Path("/photos")), [found(number) for number in range(4)])
        made.predictions.store(info.fingerprint, [outcome(1), outcome(2)])
        made.labels.set({SubjectId(1): Label(Verdict.CORRECTED, "sedan", "TL")}, "one")
    return path


@pytest.fixture(scope="module")
def gallery(place: Path) -> Path:
    path = place / "a.gallery"
    with Gallery.create(path, "fp", DIM) as made:
        made.add(clustered(6), entries(range(6)))
    return path


def look(path: Path) -> None:
    """What the window and the exports ask a project for."""
    with Project.open(path) as opened:
        opened.sources.all()
        opened.images.all()
        opened.images.places()
        journal_of(opened).next_steps()
        opened.labels.all()
        for model in opened.models.all():
            opened.images.counts(model.fingerprint)
            list(results(opened, model))
            opened.predictions.embeddings(model.fingerprint)
            columns = PhotoColumns()
            columns.add(opened.images.places())
            for piece in opened.predictions.features(model.fingerprint, columns.names.place):
                columns.set_predictions(piece)


def search(path: Path) -> None:
    """What identification and the page Gallery ask a gallery for."""
    with Gallery.open(path, "fp", read_only=True) as opened:
        queries = unit(np.random.default_rng(3).normal(size=(2, DIM)))
        for near in opened.search(queries, 4):
            for one in near:
                opened.picture(one.reference)
        opened.centre_similarities(queries, ["TL 1", "TL 2"])
        opened.classes()
        opened.taxonomy(TINY_TAXONOMY)
        opened.references()
        opened.entries()
        opened.places()


READERS: dict[str, Callable[[Path], None]] = {"work.marque": look, "a.gallery": search}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@fuzz(20)
def test_a_damaged_database_is_read_or_reported(
    project: Path, gallery: Path, place: Path, name: str, data: st.DataObject
) -> None:
    whole = (project if name == project.name else gallery).read_bytes()
    path = place / f"damaged {name}"
    path.write_bytes(data.draw(damaged(whole)))
    reads_or_tells(f"damaged {name}", lambda: READERS[name](path), path.name)


_VALUES = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(),
    st.sampled_from((-1, 0, 1, 2, 3, 99, 1 << 31, 1 << 40)),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
    st.binary(max_size=40),
    st.sampled_from(("", "{}", "[]", "null", "[" * 2000, '{"types": 3}', "a\x1b[2J", "../../x", "a\0b", "x" * 100_000)),
    st.sampled_from((b"", b"\xff", b"../x", b"a\0b", np.full(DIM, np.nan, np.float16).tobytes(), b"\0" * 8)),
)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@fuzz(25)
def test_a_row_of_any_content_is_read_or_reported(
    project: Path, gallery: Path, place: Path, name: str, data: st.DataObject
) -> None:
    path = place / f"rows {name}"
    path.write_bytes((project if name == project.name else gallery).read_bytes())
    with closing(sqlite3.connect(path)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for _ in range(data.draw(st.integers(1, 3))):
            table = data.draw(st.sampled_from(sorted(set(tables) - {"sqlite_sequence"})))
            column = data.draw(st.sampled_from([row[1] for row in database.execute(f"PRAGMA table_info({table})")]))
            with suppress(sqlite3.Error):  # of another type than the table takes
                database.execute(f"UPDATE {table} SET {column} = ?", (data.draw(_VALUES),))
        database.commit()
    reads_or_tells(f"rows of {name}", lambda: READERS[name](path), path.name)
