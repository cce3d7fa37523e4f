from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.gallery.gallery import Gallery
from app.core.recognition.engine import Engine
from app.core.teaching.enrolment import Enrolled, enrol, limit_per_class
from model.contract.samples import Sample
from tests.app.tiny import COLOURS, DIM, colour_picture


@pytest.fixture
def gallery(tmp_path: Path, tiny_engine: Engine) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "new.gallery", tiny_engine.info.fingerprint, DIM) as gallery:
        yield gallery


def samples(folder: Path) -> list[Sample]:
    return [
        Sample(path, path.parts[-3], path.parts[-2], "photos", group=path.name, origin=str(path))
        for path in sorted(folder.rglob("*.jpg"))
    ]


def totals(steps: list[Enrolled]) -> tuple[int, int, int]:
    return sum(s.added for s in steps), sum(s.known for s in steps), sum(len(s.problems) for s in steps)


def test_enrolled_photos_are_found_again(tiny_engine: Engine, gallery: Gallery, photos: Path) -> None:
    steps = list(enrol(tiny_engine, gallery, samples(photos), batch=5))
    assert [step.done for step in steps] == [5, 5, 2]
    assert totals(steps) == (12, 0, 0)
    query = tiny_engine.run(tiny_engine.prepare(colour_picture(COLOURS["Celeste class"], seed=99))[None]).embeddings
    assert {n.reference.fine for n in gallery.search(query, 3)[0]} == {"Celeste class"}
    first = gallery.references()[0]
    assert gallery.picture(first) == photos / first.path


def test_enrolling_again_changes_nothing(tiny_engine: Engine, gallery: Gallery, photos: Path) -> None:
    list(enrol(tiny_engine, gallery, samples(photos)))
    before = gallery.references()
    assert totals(list(enrol(tiny_engine, gallery, samples(photos)))) == (0, 12, 0)
    assert gallery.references() == before


def test_a_photo_that_changed_its_class_takes_the_new_label(
    tiny_engine: Engine, gallery: Gallery, photos: Path
) -> None:
    list(enrol(tiny_engine, gallery, samples(photos)))
    target = photos / "sedan" / "Verde 2020"
    target.mkdir()
    (photos / "sedan" / "Rossa 2010" / "1.jpg").rename(target / "1.jpg")
    assert totals(list(enrol(tiny_engine, gallery, samples(photos)))) == (1, 11, 0)
    assert len(gallery) == 12
    assert gallery.classes()["sedan", "Verde 2020"] == 1  # the model knows no such class; a gallery may


def test_moved_photos_are_found_after_enrolling_again(tiny_engine: Engine, gallery: Gallery, photos: Path) -> None:
    list(enrol(tiny_engine, gallery, samples(photos)))
    moved = photos.rename(photos.with_name("moved"))
    assert totals(list(enrol(tiny_engine, gallery, samples(moved)))) == (12, 0, 0)
    assert len(gallery) == 12
    assert all(gallery.picture(reference) == moved / reference.path for reference in gallery.references())


def test_bad_and_double_photos_are_passed_over_with_a_message(
    tiny_engine: Engine, gallery: Gallery, photos: Path
) -> None:
    (photos / "ship" / "Azzurra class" / "bad.jpg").write_text("no picture")
    shutil.copy(photos / "sedan" / "Rossa 2010" / "2.jpg", photos / "ship" / "Azzurra class" / "copy.jpg")
    wanted = [*samples(photos), Sample(photos / "gone.jpg", "ship", None, "photos", group="g", origin="o")]
    for expected in ((12, 0, 3), (0, 12, 3)):
        steps = list(enrol(tiny_engine, gallery, wanted))
        assert totals(steps) == expected
    messages = "\n".join(problem for step in steps for problem in step.problems)
    assert "bad.jpg: not a picture" in messages
    assert "2.jpg, which is enrolled as sedan / Rossa 2010" in messages
    assert "gone.jpg: the file cannot be read (No such file or directory)" in messages


def test_a_portable_gallery_does_not_tell_where_it_was_made(
    tiny_engine: Engine, gallery: Gallery, photos: Path
) -> None:
    list(enrol(tiny_engine, gallery, samples(photos), remember_root=False))
    assert totals(list(enrol(tiny_engine, gallery, samples(photos), remember_root=False))) == (0, 12, 0)
    first = gallery.references()[0]
    assert gallery.picture(first) is None
    assert gallery.picture(first, [photos]) == photos / first.path
    gallery.close()
    assert str(photos.parent).encode() not in gallery.path.read_bytes()


def test_a_cancelled_enrolment_keeps_its_finished_batches(tiny_engine: Engine, gallery: Gallery, photos: Path) -> None:
    done: list[Enrolled] = []
    done.extend(enrol(tiny_engine, gallery, samples(photos), batch=4, cancelled=lambda: len(done) >= 1))
    assert totals(done) == (4, 0, 0)
    assert len(gallery) == 4


def test_a_limit_takes_the_first_of_each_class(photos: Path) -> None:
    kept = limit_per_class(samples(photos), 2)
    assert [sample.path.name for sample in kept] == ["1.jpg", "2.jpg"] * 4


def test_the_gallery_of_another_model_is_refused(tiny_engine: Engine, tmp_path: Path, photos: Path) -> None:
    with Gallery.create(tmp_path / "other.gallery", "f00d", DIM) as other, pytest.raises(ValueError, match="f00d"):
        list(enrol(tiny_engine, other, samples(photos)))


def test_stored_paths_start_at_the_common_folder_of_each_source(
    tiny_engine: Engine, gallery: Gallery, photos: Path
) -> None:
    wanted = [replace(sample, source=sample.coarse) for sample in samples(photos)]
    list(enrol(tiny_engine, gallery, wanted, remember_root=False))
    stored = {(reference.source, reference.path) for reference in gallery.references()}
    common = {coarse: os.path.commonpath([s.path.parent for s in wanted if s.coarse == coarse]) for coarse, _ in stored}
    assert stored == {(one.source, one.path.relative_to(common[one.source]).as_posix()) for one in wanted}
    assert all(gallery.picture(reference) is None for reference in gallery.references())
