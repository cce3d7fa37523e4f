"""Changes to a gallery, taken back and done again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.gallery.gallery import Gallery, GalleryError, ReferenceEntry
from app.core.gallery.gallery_steps import GallerySteps
from app.core.gallery.selection import GallerySelection, own_place
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier
from app.core.teaching.class_teaching import known_types, label_problem, teach
from tests.app.core.gallery.test_gallery import unit
from tests.app.tiny import DIM, TINY_TAXONOMY, colour_picture

CLASSES = [("sedan", "TL"), ("sedan", "RS"), ("ship", "Nimitz"), ("ship", None)]


def entry(number: int, label: tuple[str, str | None]) -> ReferenceEntry:
    return ReferenceEntry(*label, "test", f"{number}.jpg", f"digest {number}", Path("/here"))


def state(gallery: Gallery) -> tuple:
    """Everything that a step may change, in memory and in the file."""
    references = gallery.references()
    vectors = gallery.embeddings([one.id for one in references])
    names = sorted({one.fine for one in references if one.fine})
    centres = gallery.centre_similarities(np.eye(6, dtype=np.float32), names) if names else np.zeros(0)
    rows = gallery.query("SELECT id, coarse, fine, source, path, digest, embedding FROM reference ORDER BY id")
    return references, gallery.places(), vectors.tolist(), np.round(centres, 3).tolist(), rows


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_step_can_be_taken_back_and_done_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    labels = st.sampled_from(CLASSES)
    path = tmp_path_factory.mktemp("g") / "a.gallery"
    with Gallery.create(path, "f00d", 6) as gallery:
        steps, states = GallerySteps(gallery), [state(gallery)]
        for _ in range(data.draw(st.integers(1, 6))):
            ids = [one.id for one in gallery.references()]
            some = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
            kind = data.draw(st.sampled_from(["add", "relabel", "class", "remove", "drop"]))
            changed = 1
            if kind == "add":
                numbers = data.draw(st.sets(st.integers(0, 9), min_size=1))
                vectors = unit(random.normal(size=(len(numbers), 6)))
                label = data.draw(labels)
                half = len(numbers) // 2
                entries = [entry(number, label) for number in sorted(numbers)]
                step = steps.add(vectors[:half], entries[:half], "add")
                assert steps.add(vectors[half:], entries[half:], "add", step) == step
            elif kind == "relabel":
                changed = steps.relabel(some, *data.draw(labels), "relabel")
            elif kind == "class":
                changed = steps.relabel_class(data.draw(labels), data.draw(labels), "class")
            elif kind == "remove":
                changed = steps.remove(some, "remove")
            else:
                changed = steps.remove_class(data.draw(labels), "drop")
            if changed:
                states.append(state(gallery))
    with Gallery.open(path) as gallery:  # also after a restart
        steps = GallerySteps(gallery)
        for expected in states[-2::-1]:
            assert steps.turn(back=True) is not None
            assert state(gallery) == expected
        assert steps.turn(back=True) is None and steps.next_steps()[0] is None
        for expected in states[1:]:
            assert steps.turn(back=False) is not None
            assert state(gallery) == expected
        assert steps.turn(back=False) is None


def test_a_new_step_ends_what_could_be_done_again(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "a.gallery", "f00d", 6) as gallery:
        steps = GallerySteps(gallery)
        assert steps.next_steps() == (None, None)
        steps.add(unit(np.eye(6)[:2]), [entry(1, CLASSES[0]), entry(2, CLASSES[0])], "add two")
        steps.relabel_class(CLASSES[0], ("sedan", "TLX"), "rename")
        assert steps.turn(back=True) == "rename" and steps.next_steps() == ("add two", "rename")
        steps.remove_class(CLASSES[0], "remove TL")
        assert steps.next_steps() == ("remove TL", None)
        assert steps.relabel([99], "ship", None, "nobody") == 0 and steps.next_steps()[0] == "remove TL"


def test_what_was_added_elsewhere_gives_way_and_comes_back(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "a.gallery", "f00d", 6) as gallery:
        steps, vectors = GallerySteps(gallery), unit(np.eye(6)[:1])
        steps.add(vectors, [entry(1, CLASSES[0])], "add")
        steps.remove_class(CLASSES[0], "remove")
        gallery.add(vectors, [entry(1, CLASSES[2])])
        assert steps.turn(back=True) == "remove"
        assert set(gallery.classes()) == {CLASSES[0]}
        assert steps.turn(back=False) == "remove"
        assert set(gallery.classes()) == {CLASSES[2]}


def test_the_supplied_gallery_is_copied_at_the_first_change(tiny_engine: Engine, tiny_gallery: Path) -> None:
    fingerprint = tiny_engine.info.fingerprint
    before = tiny_gallery.read_bytes()

    def shelf() -> GallerySelection:
        return GallerySelection(fingerprint, DIM, named=None, supplied=tiny_gallery)

    one = shelf()
    assert one.gallery is not None and one.gallery.path == tiny_gallery and not own_place(fingerprint).exists()
    GallerySteps(one.writable()).remove_class(("sedan", "Rossa 2010"), "remove")
    assert one.gallery.path == own_place(fingerprint) and len(one.gallery) == 9
    assert one.writable() is one.gallery
    one.close()
    assert tiny_gallery.read_bytes() == before
    again = shelf()
    assert len(again.contents().references) == 9 and again.contents().undo == "remove"
    again.close()


def test_galleries_of_two_models_are_never_mixed(tiny_engine: Engine, tiny_gallery: Path) -> None:
    fingerprint = tiny_engine.info.fingerprint
    other = GallerySelection("f00d", DIM, named=None, supplied=tiny_gallery)
    assert other.gallery is None and "another identification model" in (other.problem or "")
    written = other.writable()
    assert len(written) == 0 and written.path == own_place("f00d")
    other.close()
    own_place(fingerprint).parent.mkdir(exist_ok=True)
    shutil.copy(own_place("f00d"), own_place(fingerprint))  # somebody renamed it
    shelf = GallerySelection(fingerprint, DIM, named=None, supplied=tiny_gallery)
    assert shelf.gallery is not None and shelf.gallery.path == tiny_gallery
    assert "another identification model" in (shelf.problem or "")
    with pytest.raises(GalleryError, match="another identification model"):
        shelf.writable()
    assert len(shelf.gallery) == 12
    shelf.close()


def test_a_named_gallery_is_changed_in_place(tiny_engine: Engine, tiny_gallery: Path) -> None:
    fingerprint = tiny_engine.info.fingerprint
    shelf = GallerySelection(fingerprint, DIM, named=tiny_gallery, supplied=None)
    assert shelf.writable().path == tiny_gallery and not own_place(fingerprint).exists()
    shelf.close()
    missing = GallerySelection(fingerprint, DIM, named=tiny_gallery.with_name("no.gallery"), supplied=tiny_gallery)
    assert missing.gallery is None and "does not exist" in (missing.problem or "")


def test_what_is_meant_for_a_shared_gallery_that_is_not_there_goes_nowhere_else(
    tiny_engine: Engine, tiny_gallery: Path
) -> None:
    fingerprint = tiny_engine.info.fingerprint
    shelf = GallerySelection(fingerprint, DIM, named="postgresql://127.0.0.1:1/nothing", supplied=tiny_gallery)
    assert shelf.gallery is None and shelf.problem is not None
    with pytest.raises(GalleryError, match="only adds photos"):
        shelf.writable()
    with pytest.raises(GalleryError, match="cannot be reached"):
        shelf.additions()
    assert not own_place(fingerprint).exists()


def test_a_class_is_taught_with_a_few_photos(tiny_engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "green"
    folder.mkdir()
    for number in range(6):
        colour_picture((30, 200, 40), seed=number).save(folder / f"{number}.png")
    (folder / "bad.jpg").write_text("no picture")
    shelf = GallerySelection(tiny_engine.info.fingerprint, DIM, named=None, supplied=None)
    reports = list(teach(tiny_engine, shelf, [folder, tmp_path / "gone.jpg"], ("sedan", "Verde 2020")))
    assert {total for total, _ in reports} == {8}
    assert sum(report.added for _, report in reports) == 6
    assert [len(report.problems) for _, report in reports] == [1, 0, 1]
    found = Identifier(tiny_engine, shelf.gallery).identify([colour_picture((30, 200, 40), seed=99)])[0]
    assert found.decision is not None and found.decision.label == "Verde 2020"
    contents = shelf.contents()
    assert contents.undo == "add photos to Verde 2020"
    assert contents.places[contents.references[0].id] == folder / "0.png"
    assert GallerySteps(shelf.writable()).turn(back=True) == contents.undo and len(shelf.contents().references) == 0
    shelf.close()


def test_names_that_cannot_be() -> None:
    types, type_of = known_types(TINY_TAXONOMY, [("tram", "Combino"), ("tram", None)])
    assert types == ["sedan", "ship", "tram"] and type_of["Combino"] == "tram" and type_of["Rossa 2010"] == "sedan"
    for coarse, fine, words in (
        ("sedan", "", "needs a name"),
        ("", "Verde", "needs a name and a type"),
        ("sedan", "ship", "name of a type"),
        ("Combino", "Verde", "name of a class"),
        ("ship", "Combino", "of the type tram"),
    ):
        assert words in label_problem(coarse, fine, types, type_of)
    assert label_problem("bus", "Verde", types, type_of) == ""
    assert label_problem("tram", "Combino", types, type_of) == ""
