from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.core.filing.project_journal import journal_of
from app.core.gallery.gallery import Neighbour, Reference
from app.core.project import project_format
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import Counts, FoundFile, Outcome, SubjectId
from app.core.project.schema import ProjectError
from app.core.recognition.evidence import ClassCandidate, Evidence, TypeCandidate
from app.core.system import database
from app.core.system.paths import tidy
from model.contract.photo import MISSING, NO_PERMISSION
from tests.app.foreign import execute

EVIDENCE = Evidence(
    (TypeCandidate("sedan", 0.9, True), TypeCandidate("bus", 0.1, False)),
    (ClassCandidate("Škoda Octavia", "sedan", 0.7, False), ClassCandidate("TL", "sedan", 0.2, True)),
    3.25,
    -0.5,
    (Neighbour(Reference(7, "sedan", None, "test", "a/b.jpg"), 0.75),),
)

TO_FORMAT_2 = (
    "DELETE FROM meta WHERE key = 'id'; DROP TABLE filed_folder; "
    "ALTER TABLE filed DROP COLUMN sidecar; ALTER TABLE filed DROP COLUMN digest"
)
"""Takes away what format 3 has brought."""


def outcome(image: int, **changes: Any) -> Outcome:
    return replace(Outcome(image, "d", EVIDENCE, np.ones(4) / 2), **changes)


def found(number: int, modified: int = 1) -> FoundFile:
    return FoundFile(Path(f"/photos/{number:03}.jpg"), 10 + number, modified)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "work.marque") as created:
        created.sources.add(Path("/photos"))
        yield created


def test_what_was_stored_is_there_after_opening_again(project: Project) -> None:
    assert project.images.add(1, [found(i) for i in range(4)]) == 4
    assert [image.id for image in project.images.waiting("m")] == [1, 2, 3, 4]
    project.predictions.store("m", [outcome(1), outcome(3, evidence=None, embedding=None, error="the file is empty")])
    project.close()
    with Project.open(project.path) as again:
        assert again.images.counts("m") == Counts(predicted=1, failed=1, waiting=2)
        assert again.images.counts("other") == Counts(predicted=0, failed=1, waiting=3)
        assert [image.id for image in again.images.waiting("m", limit=1)] == [2]
        assert [image.id for image in again.images.waiting("m", after=2)] == [4]
        assert list(again.predictions.evidence("m")) == [(1, EVIDENCE)]
        assert list(again.predictions.evidence("m", [3, 1])) == [(1, EVIDENCE)]
        ids, vectors = again.predictions.embeddings("m")
        assert ids.tolist() == [1] and vectors.tolist() == [[0.5] * 4]
        assert again.images.of([3, 1])[0].error == "the file is empty"
        assert again.images.all()[0].path == Path("/photos/000.jpg") and again.images.all()[0].digest == "d"
        assert again.sources.all() == [(1, Path("/photos"), False)]
        assert again.images.retry_failed() == 1 and again.images.counts("m").waiting == 3


def test_unchanged_files_are_not_looked_at_again_and_changed_ones_are(project: Project) -> None:
    project.images.add(1, [found(0), found(1)])
    project.predictions.store("m", [outcome(1), outcome(2)])
    project.labels.set({SubjectId(1): Label(Verdict.UNKNOWN)}, "unknown")
    assert project.images.add(1, [found(0), found(1)]) == 0
    assert project.images.add(1, [found(0, modified=2), found(1)]) == 1
    assert [image.id for image in project.images.waiting("m")] == [1]
    assert project.labels.all() == {SubjectId(1): Label(Verdict.UNKNOWN)}  # what a person said stays


@pytest.mark.parametrize("reason", [MISSING, NO_PERMISSION])
def test_a_file_that_is_there_again_waits_again(project: Project, reason: str) -> None:
    project.images.add(1, [found(0), found(1), found(2)])
    project.predictions.store("m", [outcome(1)])
    gone = {"evidence": None, "embedding": None, "error": reason}
    broken = {**gone, "error": "the file is empty"}
    project.predictions.store("other", [outcome(1, **gone), outcome(2, **gone), outcome(3, **broken)])
    assert project.images.add(1, [found(0), found(1), found(2)]) == 2
    assert [image.id for image in project.images.waiting("m")] == [2]  # what was found of it before is known still
    assert project.images.counts("m").failed == 1


def test_a_file_has_one_name_from_wherever_it_was_named(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "photos" / "1.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "photos")
    number = project.sources.add(tmp_path / "photos")
    for name in ("../photos", ".", "../elsewhere/../photos", "../elsewhere/deep/../../photos"):
        assert project.sources.add(Path(name)) == number
        assert FoundFile.of(Path(name) / "1.jpg").path == tmp_path / "photos" / "1.jpg"
    assert tidy(Path("../link/..")) == tmp_path / "elsewhere"  # and not the folder of the link
    assert tidy(Path("../link")) == tmp_path / "link"


def test_a_change_that_cannot_be_committed_is_as_if_it_had_not_been(project: Project) -> None:
    """A reader holds the file up where there is no WAL."""
    project._database.read("PRAGMA busy_timeout = 50")
    project._database.read("PRAGMA journal_mode = DELETE")
    with closing(database.connect(project.path, "ro")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM source").fetchall()
        with pytest.raises(ProjectError, match="another program is changing it"):
            project.sources.add(Path("/more"))
        assert [place for _, place, _ in project.sources.all()] == [Path("/photos")]
    assert project.sources.add(Path("/more")) == 2


def test_names_that_cannot_be_decoded_are_kept(project: Project) -> None:
    name = os.fsdecode(b"/photos/\xff\xfe.jpg")
    project.images.add(1, [FoundFile(Path(name), 1, 1)])
    assert project.images.all()[0].path == Path(name)


def test_a_batch_is_stored_whole_or_not_at_all(project: Project) -> None:
    project.images.add(1, [found(0), found(1)])
    with pytest.raises(ProjectError, match=r"work\.marque"):
        project.predictions.store("m", [outcome(1), outcome(2, digest=b"no text")])
    assert project.images.counts("m").waiting == 2


def test_moved_images_keep_what_is_known_of_them(project: Project, tmp_path: Path) -> None:
    project.images.add(1, [found(0), found(1)])
    project.predictions.store("m", [outcome(1), outcome(2)])
    (tmp_path / "000.jpg").write_bytes(b"x")
    assert project.images.relocate(Path("/photos"), tmp_path) == 1
    assert [image.path for image in project.images.all()] == [tmp_path / "000.jpg", Path("/photos/001.jpg")]
    assert project.images.counts("m").predicted == 2 and project.sources.all()[0][1] == tmp_path


def test_a_copy_is_a_project_of_its_own(project: Project, tmp_path: Path) -> None:
    project.images.add(1, [found(0)])
    project.save_as(tmp_path / "copy.marque")
    project.images.add(1, [found(1)])
    with Project.open(tmp_path / "copy.marque") as copy:
        assert len(copy.images.all()) == 1 and execute(copy.path, "PRAGMA journal_mode") == [("wal",)]
    with pytest.raises(ProjectError, match="exists already"):
        project.save_as(tmp_path / "copy.marque")
    with pytest.raises(ProjectError, match="cannot be"):
        project.save_as(tmp_path / "nowhere" / "copy.marque")


def test_files_that_hold_no_project_are_refused(tmp_path: Path, project: Project) -> None:
    with pytest.raises(ProjectError, match="does not exist"):
        Project.open(tmp_path / "none.marque")
    (tmp_path / "text.marque").write_text("no database, but long enough to be read as one" * 100)
    with pytest.raises(ProjectError, match="is not a Marque project"):
        Project.open(tmp_path / "text.marque")
    sqlite3.connect(tmp_path / "other.marque").execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(ProjectError, match="is not a Marque project"):
        Project.open(tmp_path / "other.marque")
    with pytest.raises(ProjectError, match="exists already"):
        Project.create(project.path)
    project.close()
    database = sqlite3.connect(project.path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ProjectError, match="format 99, this program knows 3; update the program"):
        Project.open(project.path)


def test_every_project_has_a_number_of_its_own(project: Project, tmp_path: Path) -> None:
    project.save_as(tmp_path / "copy.marque")
    project.close()
    with closing(sqlite3.connect(project.path)) as database:
        database.executescript(f"{TO_FORMAT_2}; PRAGMA user_version = 2")
    with Project.open(project.path) as migrated, Project.open(tmp_path / "copy.marque") as copy:
        numbers = {project.id, migrated.id, copy.id}
    assert len(numbers) == 3 and all(len(number) == 32 for number in numbers)
    with Project.open(project.path) as again:
        assert again.id == migrated.id


def old_project(path: Path, version: int) -> Path:
    """A project as an older program has made it, with one image."""
    with path.open("xb"):
        pass
    database.fill(path, project_format.statements(version), application=project_format.APPLICATION_ID, version=version)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO source (path) VALUES (?)", (b"/photos",))
        connection.execute("INSERT INTO image (source, path, size, modified) VALUES (1, ?, 2, 3)", (b"/photos/a.jpg",))
    return path


@pytest.mark.parametrize("version", range(1, project_format.SCHEMA))
def test_an_older_format_is_copied_and_brought_up_to_date(version: int, tmp_path: Path) -> None:
    path = old_project(tmp_path / "work.marque", version)
    (tmp_path / f"work.marque.format{version}.backup").write_text("somebody's own")
    with Project.open(path) as migrated:
        assert [image.path for image in migrated.images.all()] == [Path("/photos/a.jpg")]
        assert execute(migrated.path, "PRAGMA user_version") == [(project_format.SCHEMA,)]
    assert (tmp_path / f"work.marque.format{version}.backup").read_text() == "somebody's own"
    backup = tmp_path / f"work.marque.format{version} (2).backup"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    assert len(list(tmp_path.iterdir())) == 3
    with Project.open(backup) as again:
        assert len(again.images.all()) == 1


def test_answers_of_the_first_format_hold_until_others_are_asked_for(project: Project) -> None:
    project.images.add(1, [found(0)])
    project.predictions.store("m", [outcome(1)])
    project.close()
    database = sqlite3.connect(project.path)
    database.executescript(f"{TO_FORMAT_2}; ALTER TABLE prediction DROP COLUMN outdated; PRAGMA user_version = 1")
    database.close()
    with Project.open(project.path) as migrated:
        assert migrated.images.counts("m").predicted == 1 and not migrated.images.waiting("m")
        assert migrated.predictions.ask_again("m") == 1 and [one.id for one in migrated.images.waiting("m")] == [1]


def test_an_answer_stays_until_another_one_comes(project: Project) -> None:
    project.images.add(1, [found(number) for number in range(3)])
    project.predictions.store("m", [outcome(number) for number in (1, 2, 3)])
    project.predictions.store("other", [outcome(1)])
    assert project.predictions.ask_again("m") == 3
    counts = project.images.counts("m")
    assert (counts.predicted, counts.waiting) == (0, 3) and [one.id for one in project.images.waiting("m")] == [1, 2, 3]
    assert len(dict(project.predictions.evidence("m"))) == 3 and not project.images.waiting("other", after=1, limit=0)
    project.predictions.store("m", [outcome(1), Outcome(2, error="the file does not exist")])
    assert [one.id for one in project.images.waiting("m")] == [3] and project.images.counts("m").predicted == 1
    assert set(dict(project.predictions.evidence("m"))) == {1, 2, 3}  # the second keeps what it had
    project.predictions.store("m", [Outcome(1, error="is damaged")])
    assert set(dict(project.predictions.evidence("m"))) == {2, 3}  # what was identified since has no better one


def test_a_damaged_file_is_noticed(project: Project) -> None:
    project.images.add(1, [found(i) for i in range(2000)])
    project.close()
    content = bytearray(project.path.read_bytes())
    content[8192:40960] = os.urandom(40960 - 8192)
    project.path.write_bytes(content)
    with pytest.raises(ProjectError, match="damaged"):
        Project.open(project.path)


def test_evidence_of_an_earlier_version_is_read() -> None:
    earlier = EVIDENCE.to_json().replace('"likeness"', '"energy"')
    assert '"energy"' in earlier
    assert Evidence.from_json(earlier) == Evidence.from_json(EVIDENCE.to_json())


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.text(max_size=5), st.floats(0, 1)), min_size=1, max_size=8), st.floats(-50, 50), st.booleans()
)
def test_evidence_is_read_as_it_was_written(types: list[tuple[str, float]], score: float, enrolled: bool) -> None:
    written = Evidence(
        tuple(TypeCandidate(name, round(p, 6), True) for name, p in types if p >= 5e-4),
        tuple(ClassCandidate(name, "x", round(p, 6), enrolled) for name, p in types),
        round(score, 6),
        -round(score, 6),
    )
    assert Evidence.from_json(written.to_json()) == written


LABELS = st.sampled_from(
    [None, Label(Verdict.ACCEPTED, "sedan", "TL"), Label(Verdict.CORRECTED, "bus"), Label(Verdict.EXCLUDED)]
)


class UndoAndRedo(RuleBasedStateMachine):
    """The journal against two stacks of whole states, through restarts."""

    def __init__(self) -> None:
        super().__init__()
        folder = self.folder = Path(os.environ["PYTEST_LABELS"]) / os.urandom(4).hex()
        folder.mkdir(parents=True)
        self.project = Project.create(folder / "p.marque")
        self.project.images.add(self.project.sources.add(folder), [found(i) for i in range(4)])
        self.now: dict[SubjectId, Label] = {}
        self.done: list[dict[SubjectId, Label]] = []
        self.undone: list[dict[SubjectId, Label]] = []

    @rule(labels=st.dictionaries(st.integers(1, 4).map(SubjectId), LABELS, min_size=1))
    def set(self, labels: dict[SubjectId, Label | None]) -> None:
        after = {image: label for image, label in {**self.now, **labels}.items() if label is not None}
        action = self.project.labels.set(labels, "step")
        assert (action is None) == (after == self.now)
        if action is not None:
            self.done.append(self.now)
            self.undone.clear()
            self.now = after

    @precondition(lambda self: self.done)
    @rule()
    def undo(self) -> None:
        assert journal_of(self.project).undo() is not None
        self.undone.append(self.now)
        self.now = self.done.pop()

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        assert journal_of(self.project).redo() is not None
        self.done.append(self.now)
        self.now = self.undone.pop()

    @rule()
    def restart(self) -> None:
        self.project.close()
        self.project = Project.open(self.folder / "p.marque")

    @invariant()
    def labels_and_titles_are_right(self) -> None:
        assert self.project.labels.all() == self.now
        undo, redo = journal_of(self.project).next_steps()
        assert (undo is not None, redo is not None) == (bool(self.done), bool(self.undone))

    def teardown(self) -> None:
        assert (journal_of(self.project).undo() is None) == (not self.done)
        self.project.close()


def test_undo_and_redo_restore_every_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    monkeypatch.setenv("PYTEST_LABELS", str(tmp_path))
    run_state_machine_as_test(UndoAndRedo, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
