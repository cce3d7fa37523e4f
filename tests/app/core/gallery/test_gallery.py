from __future__ import annotations

import sqlite3
import stat
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.gallery.gallery import Gallery, GalleryError, Reference, ReferenceEntry


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def entry(number: int, coarse: str = "sedan", fine: str | None = "TL", root: Path | None = None) -> ReferenceEntry:
    return ReferenceEntry(coarse, fine, "test", f"{coarse}/{number}.jpg", f"digest {number}", root)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Gallery]:
    gallery = Gallery.create(tmp_path / "new.gallery", "f00d", 6)
    yield gallery
    gallery.close()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(1, 7), st.integers(0, 2**32 - 1), st.data())
def test_search_agrees_with_brute_force_after_removals(
    tmp_path_factory: pytest.TempPathFactory, count: int, k: int, seed: int, data: st.DataObject
) -> None:
    vectors = unit(np.random.default_rng(seed).normal(size=(count + 3, 6)))
    known, queries = vectors[:count], vectors[count:]
    with Gallery.create(tmp_path_factory.mktemp("g") / "a.gallery", "f00d", 6) as gallery:
        ids = gallery.add(known, [entry(i) for i in range(count)])
        gone = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
        gallery.remove(gone)
        kept = [i for i, number in enumerate(ids) if number not in gone]
        stored = unit(known.astype(np.float16).astype(np.float32)[kept].reshape(len(kept), 6))
        found = gallery.search(queries, k)
    for query, neighbours in zip(queries, found, strict=True):
        expected = np.sort(stored @ query)[::-1][:k]
        np.testing.assert_allclose([n.similarity for n in neighbours], expected, atol=1e-5)
        by_id = {ids[i]: row for i, row in zip(kept, stored, strict=True)}
        for neighbour in neighbours:
            assert by_id[neighbour.reference.id] @ query == pytest.approx(neighbour.similarity, abs=1e-5)


def test_what_was_added_is_there_after_opening_again(empty: Gallery) -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(3, 6)))
    entries = [entry(1), entry(2, fine=None), entry(3, "ship", "Nimitz class")]
    ids = empty.add(vectors, entries)
    before = empty.search(vectors, 3)
    empty.close()
    with Gallery.open(empty.path, "f00d") as again:
        assert len(again) == 3
        assert again.references() == [
            Reference(number, e.coarse, e.fine, "test", e.path) for number, e in zip(ids, entries, strict=True)
        ]
        assert again.classes() == Counter({("sedan", "TL"): 1, ("sedan", None): 1, ("ship", "Nimitz class"): 1})
        assert again.search(vectors, 3) == before
        assert again.search(vectors, 1)[1][0].similarity == pytest.approx(1, abs=1e-3)


def test_the_same_content_again_takes_the_new_label_and_stays_one(empty: Gallery) -> None:
    vectors = unit(np.eye(6)[:2])
    first = empty.add(vectors, [entry(1), entry(2)])
    second = empty.add(vectors[1:], [ReferenceEntry("ship", None, "other", "moved.jpg", "digest 2")])
    assert second == first[1:]
    assert len(empty) == 2
    assert empty.find("digest 2") == Reference(first[1], "ship", None, "other", "moved.jpg")
    assert [n.reference.id for n in empty.search(vectors[1:], 5)[0]] == [first[1], first[0]]


def test_one_content_twice_in_one_addition_is_one_reference(empty: Gallery) -> None:
    ids = empty.add(unit(np.eye(6)[:2]), [entry(1), entry(1, "ship")])
    assert ids[0] == ids[1]
    assert [r.coarse for r in empty.references()] == ["ship"]
    assert len(empty.search(unit(np.eye(6)[:1]), 5)[0]) == 1


def test_a_failing_addition_adds_nothing(empty: Gallery) -> None:
    broken = ReferenceEntry("sedan", "TL", "test", "b.jpg", None)  # type: ignore[arg-type]
    with pytest.raises(GalleryError, match=r"new\.gallery"):
        empty.add(unit(np.eye(6)[:2]), [entry(1), broken])
    assert len(empty) == 0
    assert empty.search(unit(np.eye(6)[:1]), 1) == [[]]
    empty.add(unit(np.eye(6)[:1]), [entry(1)])
    assert len(empty) == 1


def test_wrong_shapes_are_refused(empty: Gallery) -> None:
    with pytest.raises(ValueError, match="dimension 6"):
        empty.add(np.ones((1, 5), np.float32), [entry(1)])
    with pytest.raises(ValueError, match="2 entries"):
        empty.add(np.ones((1, 6), np.float32), [entry(1), entry(2)])


def test_another_models_gallery_is_refused(tiny_gallery: Path) -> None:
    with pytest.raises(GalleryError, match=r"tiny\.gallery.*another identification model.*enrol"):
        Gallery.open(tiny_gallery, "0123456789abcdef")


def test_a_read_only_gallery_in_a_read_only_folder_leaves_no_trace(tiny_gallery: Path, tmp_path: Path) -> None:
    folder = tmp_path / "installed"
    folder.mkdir()
    copy = folder / "bundled.gallery"
    copy.write_bytes(tiny_gallery.read_bytes())
    copy.chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with Gallery.open(copy, read_only=True) as gallery:
            assert len(gallery) == 12
            assert [path.name for path in folder.iterdir()] == ["bundled.gallery"]
            with pytest.raises(GalleryError, match="read-only"):
                gallery.remove([1])
            with pytest.raises(GalleryError, match="read-only"):
                gallery.add(np.ones((1, gallery.dim), np.float32) / 2, [entry(1)])
            assert len(gallery) == 12
        assert [path.name for path in folder.iterdir()] == ["bundled.gallery"]
        assert copy.read_bytes() == tiny_gallery.read_bytes()
    finally:
        folder.chmod(stat.S_IRWXU)


def test_a_reader_sees_what_a_writer_has_not_yet_folded_into_the_file(empty: Gallery) -> None:
    empty.add(unit(np.eye(6)[:1]), [entry(1)])
    with Gallery.open(empty.path, read_only=True) as reader:
        assert len(reader) == 1


def test_a_closed_gallery_is_one_file(tiny_gallery: Path) -> None:
    assert [path.name for path in tiny_gallery.parent.glob("tiny.gallery*")] == ["tiny.gallery"]


def test_files_that_hold_no_gallery_are_refused(tmp_path: Path) -> None:
    noise = tmp_path / "noise.gallery"
    noise.write_bytes(b"this is not a database, but it is long enough to be one" * 40)
    other = tmp_path / "other.gallery"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE meta (key TEXT)")
    database.close()
    future = tmp_path / "future.gallery"
    Gallery.create(future, "f00d", 6).close()
    database = sqlite3.connect(future)
    database.execute("PRAGMA user_version = 9")
    database.close()
    for path, message in [
        (tmp_path / "missing.gallery", "does not exist"),
        (noise, "not a Marque gallery"),
        (other, "not a Marque gallery"),
        (future, "format 9.*update the program"),
    ]:
        with pytest.raises(GalleryError, match=message):
            Gallery.open(path)
    assert not (tmp_path / "missing.gallery").exists()


def test_a_cut_off_gallery_is_reported(tiny_gallery: Path) -> None:
    tiny_gallery.write_bytes(tiny_gallery.read_bytes()[:5000])
    with pytest.raises(GalleryError, match=r"tiny\.gallery"):
        Gallery.open(tiny_gallery)


def test_create_keeps_an_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.gallery"
    path.write_text("precious")
    with pytest.raises(GalleryError, match="exists already"):
        Gallery.create(path, "f00d", 6)
    assert path.read_text() == "precious"
    with pytest.raises(GalleryError, match="cannot be written"):
        Gallery.create(tmp_path / "no folder" / "a.gallery", "f00d", 6)


def test_pictures_are_found_where_they_were_or_in_another_folder(tiny_gallery: Path, photos: Path) -> None:
    with Gallery.open(tiny_gallery) as gallery:
        reference = gallery.references()[0]
        assert gallery.picture(reference) == photos / reference.path
        moved = photos.rename(photos.with_name("moved"))
        assert gallery.picture(reference) is None
        assert gallery.picture(reference, [moved]) == moved / reference.path


def test_a_place_is_forgotten_with_its_last_photo(empty: Gallery, tmp_path: Path) -> None:
    number, _ = empty.add(unit(np.eye(6)[:2]), [entry(1, root=tmp_path), entry(2)])
    empty.remove([number])
    with sqlite3.connect(empty.path) as database:
        assert database.execute("SELECT count(*) FROM root").fetchone() == (0,)


def test_threads_may_search_while_others_add(empty: Gallery) -> None:
    vectors = unit(np.random.default_rng(3).normal(size=(60, 6)))

    def search() -> None:
        for _ in range(60):
            for neighbours in empty.search(vectors[:4], 5):
                assert len({n.reference.id for n in neighbours}) == len(neighbours)

    with ThreadPoolExecutor(3) as pool:
        searches = [pool.submit(search) for _ in range(3)]
        for i in range(0, 60, 10):
            ids = empty.add(vectors[i : i + 10], [entry(j) for j in range(i, i + 10)])
            empty.remove(ids[:2])
        for done in searches:
            done.result()
    assert len(empty) == 48
