"""Large galleries, searched approximately: what the index finds, and that one which is out of date is never used."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli.terminal import in_words
from app.core.gallery import gallery_file, search_index, search_index_file
from app.core.gallery.gallery import Gallery, ReferenceEntry
from app.core.gallery.gallery_file import Block
from app.core.gallery.reference_columns import Gathering
from tests.app.synthetic import DIM, check, clustered, entries, unit

COUNT = 180


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "EXACT", 100)
    monkeypatch.setattr(search_index, "_LEAST_PROBED", 1)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A gallery of 180 references with its index beside it."""
    with Gallery.create(tmp_path / "large.gallery", "f00d", DIM) as gallery:
        gallery.add(clustered(COUNT), entries(range(COUNT)))
        gallery.finish_index()
        assert gallery.approximation is not None
    return gallery.path


def test_the_stated_recall_is_the_true_one(large: Path) -> None:
    vectors = clustered(COUNT)
    with Gallery.open(large) as gallery:
        ids = [one.id for one in gallery.references()]
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -1)
        parts = []
        for row, near in enumerate(gallery.search(vectors, 11)):
            found = [one.reference.id for one in near if one.reference.id != ids[row]][:10]
            true = {ids[other] for other in np.argsort(-cosines[row])[:10]}
            parts.append(len(true & set(found)) / 10)
        told = re.fullmatch(
            r"approximate search, recall@10 (\S+) measured on 180 references", gallery.approximation or ""
        )
        assert in_words(gallery).endswith(f"5 classes; {gallery.approximation}")
    assert told is not None
    assert float(told[1]) == pytest.approx(np.mean(parts), abs=0.001)
    assert float(told[1]) >= search_index.RECALL


def test_few_cells_are_searched_where_few_are_enough(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "apart.gallery", "f00d", DIM) as gallery:
        centres = np.eye(DIM)[np.arange(COUNT * 2) % DIM]
        gallery.add(unit(centres + np.random.default_rng(1).normal(0, 0.01, centres.shape)), entries(range(COUNT * 2)))
        gallery.finish_index()
        index = gallery._holdings.index
        assert index.recall is not None and index.recall.value > 0.98
        assert index.vectors.nprobe < index.vectors.nlist / 2


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "change", "remove", "open", "open read-only"]), st.integers(0, 99))))
def test_changes_beside_the_index_are_found_as_in_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    usual, search_index._LEAST_PROBED = search_index._LEAST_PROBED, 1000  # all cells: the search misses nothing
    vectors = clustered(400)
    path = tmp_path_factory.mktemp("g") / "a.gallery"
    gallery = Gallery.create(path, "f00d", DIM)
    try:
        gallery.add(vectors[:COUNT], entries(range(COUNT)))
        gallery.finish_index()
        held = {f"digest {number}": vectors[number] for number in range(COUNT)}
        for what, number in steps:
            if what == "open":
                gallery.close()
                gallery = Gallery.open(path)
                assert gallery.approximation is not None
            elif what == "open read-only":
                with Gallery.open(path, read_only=True) as reader:
                    assert reader.approximation is not None
                    check(reader, held)
            elif what == "remove":
                found = gallery.find(f"digest {number}")
                gallery.remove([found.id] if found is not None else [])
                held.pop(f"digest {number}", None)
            else:
                one = number if what == "change" else COUNT + number
                gallery.add(vectors[one + 100 : one + 101], entries([one], fine="other"))
                held[f"digest {one}"] = vectors[one + 100]
        check(gallery, held)
    finally:
        gallery.close()
        search_index._LEAST_PROBED = usual


def test_what_another_program_has_changed_is_seen(large: Path) -> None:
    database = sqlite3.connect(large)
    vector = clustered(1, seed=9)
    gallery_file.upsert(database, vector, [ReferenceEntry("ship", "Nimitz class", "test", "n.jpg", "new")], DIM)
    database.execute("UPDATE reference SET fine = 'TX' WHERE digest = 'digest 3'")
    database.execute("DELETE FROM reference WHERE digest = 'digest 4'")
    database.commit()
    database.close()
    with Gallery.open(large) as gallery:
        assert gallery.approximation is not None
        assert gallery.search(vector, 1)[0][0].reference.fine == "Nimitz class"
        three = gallery.find("digest 3")
        assert three is not None and three.fine == "TX"
        assert gallery.find("digest 4") is None and len(gallery) == COUNT
        assert all(one.path != "4.jpg" for one in gallery.references())


def test_an_index_stored_while_the_gallery_is_opened_is_taken(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery.open(large) as writer:
        reads = []

        def read_before_the_other(path: Path, dim: int) -> object:
            reads.append(read(path, dim))
            if len(reads) == 1:
                writer.add(clustered(50, seed=3), entries(range(500, 550)))
                writer.finish_index()
            return reads[-1]

        read = search_index_file.read
        monkeypatch.setattr(search_index_file, "read", read_before_the_other)
        with Gallery.open(large, read_only=True) as reader:
            assert reader.approximation is not None and len(reader) == COUNT + 50
        assert len(reads) == 2


def test_after_many_changes_a_new_index_is_made(large: Path) -> None:
    with Gallery.open(large) as gallery:
        before = gallery._holdings.index
        gallery.add(clustered(5, seed=3), entries(range(500, 505)))
        assert gallery._holdings.index is before and not gallery.indexing
        gallery.add(clustered(50, seed=3), entries(range(500, 550)))
        gallery.finish_index()
        assert gallery._holdings.index is not before
        assert len(gallery._holdings.index) == len(gallery) == COUNT + 50


def _restore_a_copy(path: Path) -> None:
    """Back to a copy made before, which has gone another way since, for as many steps."""
    copy = path.with_name("copy.gallery")
    shutil.copy(path, copy)
    Gallery.open(path).close()
    for place, number in ((path, 1), (copy, 2)):
        with Gallery.open(place) as gallery:
            gallery.remove([number])
            gallery.remove(range(10, 40))
            gallery.finish_index()
            assert gallery.approximation is not None
    search_index_file.place_of(copy).unlink()
    copy.replace(path)


def _cut_off(path: Path) -> None:
    place = search_index_file.place_of(path)
    place.write_bytes(place.read_bytes()[:-3000])


def _flip_a_bit(path: Path) -> None:
    place = search_index_file.place_of(path)
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 4
    place.write_bytes(content)


def _throw_away(path: Path) -> None:
    search_index_file.place_of(path).unlink()


@pytest.mark.parametrize("spoil", [_restore_a_copy, _cut_off, _flip_a_bit, _throw_away])
def test_an_index_that_does_not_fit_is_made_again(large: Path, spoil: Callable[[Path], None]) -> None:
    spoil(large)
    vectors = clustered(COUNT)
    with Gallery.open(large, read_only=True) as reader:
        assert reader.approximation is None  # exact, from the gallery's file
        held = {f"digest {one.path[:-4]}": vectors[int(one.path[:-4])] for one in reader.references()}
        assert len(held) == (COUNT if spoil is not _restore_a_copy else COUNT - 31)
        check(reader, held)
    with Gallery.open(large) as gallery:
        gallery.finish_index()
        assert gallery.approximation is not None
    with Gallery.open(large, read_only=True) as reader:
        assert reader.approximation is not None
        assert [f"digest {one.path[:-4]}" for one in reader.references()] == list(held)


def test_a_reader_leaves_no_trace(large: Path) -> None:
    search_index_file.place_of(large).unlink()
    before = large.read_bytes()
    with Gallery.open(large, read_only=True) as gallery:
        assert not gallery.indexing
    assert large.read_bytes() == before
    assert [path.name for path in large.parent.iterdir()] == ["large.gallery"]


def test_closing_gives_up_an_index_that_is_being_made(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search_index_file.place_of(large).unlink()
    begun, opened, usual = threading.Event(), threading.Event(), Gathering.add

    def slow(gathering: Gathering, block: Block) -> None:
        usual(gathering, block)
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            assert opened.wait(10) and gallery._closing.wait(10)

    monkeypatch.setattr(gallery_file, "_BLOCK", 20)
    monkeypatch.setattr(Gathering, "add", slow)
    gallery = Gallery.open(large)
    opened.set()
    assert begun.wait(10)
    assert gallery.search(clustered(1), 3) != [[]]  # continues meanwhile
    gallery.close()
    assert [path.name for path in large.parent.iterdir()] == ["large.gallery"]


def test_an_index_that_cannot_be_stored_does_not_stop_the_search(
    large: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    search_index_file.place_of(large).unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(search_index_file, "write", full)
    with Gallery.open(large) as gallery:
        gallery.finish_index()
        assert gallery.approximation is None
        gallery.remove([1])
        assert not gallery.indexing  # not again and again
        assert len(gallery.search(clustered(1), 5)[0]) == 5
    assert "No space left" in caplog.text


def test_the_index_of_what_has_become_few_is_dropped(large: Path) -> None:
    with Gallery.open(large) as gallery:
        gallery.remove(range(1, 150))
    with Gallery.open(large) as gallery:
        assert gallery.approximation is None and len(gallery) == COUNT - 149
    assert [path.name for path in large.parent.iterdir()] == ["large.gallery"]
    with sqlite3.connect(large) as database:
        assert database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'change%'").fetchall() == []
