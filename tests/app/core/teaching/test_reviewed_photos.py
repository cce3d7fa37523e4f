"""Photos of a project that a person labelled, into a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.core.gallery.selection import GallerySelection
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import FoundFile, SubjectId
from app.core.recognition.engine import Engine
from app.core.system.content_digest import content_digest
from app.core.teaching.reviewed_photos import enrol_reviewed, reviewed
from tests.app.foreign import execute
from tests.app.tiny import DIM


@pytest.fixture
def project(tmp_path: Path, photos: Path, tiny_engine: Engine) -> Iterator[Project]:
    """The 12 photos, each with an embedding that no model would make, the last without the digest of its file."""
    files = sorted(photos.rglob("*.jpg"))
    with Project.create(tmp_path / "work.marque") as opened:
        opened.images.add(opened.sources.add(photos), [FoundFile.of(file) for file in files])
        opened.models.keep(tiny_engine.info)
        vector = np.eye(DIM)[3]
        images = opened.images.all()
        stored = (tiny_engine.info.fingerprint, vector.astype(np.float16).tobytes())
        insert = "INSERT INTO prediction VALUES (?, ?, x'', '{}', ?, 0)"
        execute(opened.path, insert, *((image.id, *stored) for image in images))
        digests = ((content_digest(image.path), image.id) for image in images[:-1])
        execute(opened.path, "UPDATE image SET digest = ? WHERE id = ?", *digests)
        yield opened


def test_only_what_a_person_called_something_is_enrolled_and_embeddings_are_taken_over(
    project: Project, tiny_engine: Engine
) -> None:
    images = [image.id for image in project.images.all()]
    verdicts = {
        images[0]: Label(Verdict.ACCEPTED, "sedan", "Gialla 2012"),
        images[1]: Label(Verdict.CORRECTED, "sedan", ""),
        images[2]: Label(Verdict.UNKNOWN),
        images[3]: Label(Verdict.EXCLUDED),
        images[11]: Label(Verdict.CORRECTED, "ship", "Verde class"),
    }
    project.labels.set({SubjectId(image): label for image, label in verdicts.items()}, "label")
    changed = project.images.of([images[0]])[0].path
    changed.write_bytes(changed.read_bytes() + b" ")  # so its label is not that of the file any longer
    found = reviewed(project, tiny_engine.info.fingerprint, images)
    assert [(one.coarse, one.fine) for one in found.samples] == [
        *(("sedan", None), ("sedan", "Gialla 2012"), ("ship", "Verde class")),
    ]
    assert found.left_out == 9 and found.title == "enrol 3 photos from the project"

    shelf = GallerySelection(tiny_engine.info.fingerprint, DIM, named=None, supplied=None)
    reports = [report for _, report in enrol_reviewed(tiny_engine, shelf, found)]
    assert sum(one.added for one in reports) == 2
    (problem,) = [problem for one in reports for problem in one.problems]
    assert problem == f"{changed}: has changed since it was identified; identify it again"
    gallery = shelf.writable()
    taken = {one.fine: gallery.embeddings([one.id])[0][3] for one in gallery.references()}
    assert taken == {None: 1, "Verde class": 1}
    assert len(reviewed(project, "another", images).embeddings) == 0
