"""Galleries as a whole: given away and merged, re-embedded by another model, their pictures found again."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.gallery.gallery import Gallery, GalleryError, ReferenceEntry
from app.core.gallery.gallery_steps import GallerySteps
from app.core.gallery.references import address_problem
from app.core.gallery.selection import GallerySelection, own_place
from app.core.recognition.engine import Engine
from app.core.teaching.class_teaching import teach
from app.core.teaching.enrolment import digest_of
from app.core.teaching.gallery_exchange import export, merge
from app.core.teaching.picture_search import Located, locate
from app.core.teaching.reembedding import Behind, left_behind, own_galleries, reembed
from tests.app.tiny import DIM, write_tiny_model

CARS = ("sedan", "Verde 2020")


def taught(engine: Engine, photos: Path, named: Path | None = None) -> GallerySelection:
    shelf = GallerySelection(engine.info.fingerprint, DIM, named=named, supplied=None)
    for _ in teach(engine, shelf, [photos], CARS):
        pass
    return shelf


def test_an_exported_gallery_reveals_nothing_of_the_computer_and_merges_into_another(
    tiny_engine: Engine, photos: Path, tmp_path: Path
) -> None:
    info = tiny_engine.info
    shelf = taught(tiny_engine, photos)
    gallery = shelf.writable()
    removed = gallery.references()[0].path
    GallerySteps(gallery).remove([gallery.references()[0].id], "remove 1 photo")
    place = tmp_path / "given.gallery"
    place.write_bytes(b"another file")
    with pytest.raises(GalleryError, match="exists already"):
        list(export(gallery, place))
    assert place.read_bytes() == b"another file"
    place.unlink()
    assert not list(export(gallery, place, cancelled=lambda: True))[1:] and not list(tmp_path.glob("given*"))
    assert sum(report.added for _, report in export(gallery, place)) == 11
    assert [path.name for path in tmp_path.glob("given*")] == ["given.gallery"]
    content = place.read_bytes()
    assert str(photos).encode() not in content and removed.encode() not in content
    with pytest.raises(GalleryError, match="exists already"):
        list(export(gallery, gallery.path))

    other = GallerySelection(info.fingerprint, DIM, named=tmp_path / "theirs.gallery", supplied=None)
    theirs = other.writable()
    entry = next(iter(gallery.entries().values()))
    theirs.add(
        gallery.embeddings([gallery.references()[0].id]), [ReferenceEntry("ship", "Other", "s", "x.jpg", entry.digest)]
    )
    reports = [report for _, report in merge(other, place, info.fingerprint, DIM)]
    assert sum(one.added for one in reports) == 10
    assert len(reports[-1].problems) == 1 and "is Other here and Verde 2020 in given.gallery" in reports[-1].problems[0]
    again = [report for _, report in merge(other, place, info.fingerprint, DIM)]
    assert (sum(one.added for one in again), sum(one.known for one in again)) == (0, 10)
    ours = {one.digest: gallery.embeddings([number])[0] for number, one in gallery.entries().items()}
    for number, one in theirs.entries().items():
        np.testing.assert_allclose(theirs.embeddings([number])[0], ours[one.digest], atol=1e-3)
    assert GallerySteps(theirs).turn(back=True) == "import given.gallery" and len(theirs) == 1


def test_what_does_not_compare_is_refused_in_words(tiny_engine: Engine, tmp_path: Path) -> None:
    info = tiny_engine.info
    shelf = GallerySelection(info.fingerprint, DIM, named=None, supplied=None)
    Gallery.create(tmp_path / "wide.gallery", info.fingerprint, 8).close()
    Gallery.create(tmp_path / "other.gallery", "0ddba11", DIM).close()
    (tmp_path / "none.gallery").write_text("no gallery")
    for name, words in (
        ("wide", "have 8 numbers"),
        ("other", "another identification model"),
        ("none", "not a Marque gallery"),
    ):
        with pytest.raises(GalleryError, match=words):
            list(merge(shelf, tmp_path / f"{name}.gallery", info.fingerprint, DIM))
    assert not own_place(info.fingerprint).exists()


def test_references_of_another_model_are_embedded_again_and_the_old_gallery_stays(
    tiny_engine: Engine, photos: Path, tmp_path: Path
) -> None:
    old = taught(tiny_engine, photos)
    old.close()
    before = own_place(tiny_engine.info.fingerprint).read_bytes()
    files = sorted(photos.rglob("*.jpg"))
    files[0].unlink()
    files[1].write_bytes(files[2].read_bytes() + b" ")  # another content by now
    engine = Engine(write_tiny_model(tmp_path / "new.onnx", fingerprint="0ddba11"), "cpu")
    behind = left_behind(own_galleries("0ddba11"), "0ddba11", known=())
    assert len(behind.entries) == 11 and behind.missing == (files[0],) and not behind.problems
    shelf = GallerySelection("0ddba11", DIM, named=None, supplied=None)
    reports = [report for _, report in reembed(engine, shelf, behind.entries)]
    assert sum(one.added for one in reports) == 10
    (problem,) = [problem for one in reports for problem in one.problems]
    assert "has changed since" in problem and str(files[1]) in problem
    gallery = shelf.writable()
    assert set(gallery.places().values()) == set(files[2:]) and gallery.classes() == {CARS: 10}
    known = {one.digest for one in gallery.entries().values()}
    assert len(left_behind(own_galleries("0ddba11"), "0ddba11", known).entries) == 1
    assert left_behind([gallery.path], "0ddba11", known=()) == Behind()
    assert own_place(tiny_engine.info.fingerprint).read_bytes() == before
    assert GallerySteps(gallery).turn(back=True) == "re-embed 11 references" and len(gallery) == 0


def search(wanted: dict[int, ReferenceEntry], folder: Path) -> Located:
    *_, (_, _, found) = locate(wanted, folder)
    assert found is not None
    return found


def test_pictures_are_found_by_path_and_content(tiny_engine: Engine, photos: Path, tmp_path: Path) -> None:
    shelf = taught(tiny_engine, photos)
    gallery = shelf.writable()
    moved = tmp_path / "elsewhere" / "deep"
    moved.parent.mkdir()
    shutil.move(photos, moved)
    gone, changed, renamed = sorted(moved.rglob("*.jpg"))[:3]
    gone.unlink()
    changed.write_bytes(b"other")
    renamed.rename(renamed.with_name("new name.jpg"))  # not found, as names are what is gone by
    assert not any(place.is_file() for place in gallery.places().values())

    found = search(gallery.entries(), moved)
    paths = {number: one.path for number, one in gallery.entries().items()}
    assert len(found.places) == 10 and [paths[number] for number in found.other] == [
        changed.relative_to(moved).as_posix()
    ]
    assert set(found.missing) == {one.relative_to(moved).as_posix() for one in (gone, renamed)}
    above = search(gallery.entries(), moved.parent)  # a folder further out: by the content
    assert len(above.places) == 9 and not above.other
    inner = search(gallery.entries(), moved / "ship")
    assert len(inner.places) == 6

    assert GallerySteps(gallery).relocate(found.places, "locate 10 pictures") == 10
    assert sum(place.is_file() for place in gallery.places().values()) == 10
    assert GallerySteps(gallery).turn(back=True) == "locate 10 pictures"
    assert not any(place.is_file() for place in gallery.places().values())


def test_equal_names_are_matched_by_content(tmp_path: Path) -> None:
    wanted = {}
    for folder in "abc":
        (tmp_path / folder).mkdir()
    for number, folder in enumerate("abc"):
        content = f"picture {number}".encode()
        (tmp_path / "cab"[number] / "1.jpg").write_bytes(content)
        wanted[number] = ReferenceEntry("sedan", None, "s", f"{folder}/1.jpg", digest_of(content))
    found = search(wanted, tmp_path)
    assert {number: path for number, (_, path) in found.places.items()} == {0: "c/1.jpg", 1: "a/1.jpg", 2: "b/1.jpg"}
    assert not found.other and not found.missing


def test_a_foreign_database_is_left_alone(tmp_path: Path, tiny_engine: Engine) -> None:
    own = own_place("feed")
    own.parent.mkdir(parents=True)
    sqlite3.connect(own).executescript("CREATE TABLE t (x)")
    fingerprint = tiny_engine.info.fingerprint
    behind = left_behind(own_galleries(fingerprint), fingerprint, known=())
    assert behind.entries == () and len(behind.problems) == 1 and "not a Marque gallery" in behind.problems[0]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("postgresql://ann@host/photos", ""),
        ("postgresql://ann@host:5433/photos?sslmode=require", ""),
        ("postgresql:///photos?host=/run/postgresql", ""),
        ("postgres://ann:secret@host/photos", "Leave out the password"),
        ("postgresql://host", "postgresql://user@host"),
        ("host/photos", "postgresql://user@host"),
        ("postgresql://[ann@host/photos", "not an address"),
    ],
)
def test_an_address_is_checked_before_it_is_used(typed: str, words: str) -> None:
    assert words in address_problem(typed) and bool(words) == bool(address_problem(typed))


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=60))
def test_no_address_makes_a_traceback(typed: str) -> None:
    assert isinstance(address_problem(f"postgresql://{typed}"), str)
