from __future__ import annotations

import errno
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import main
from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_project
from app.core.filing import filing_plan
from app.core.filing.filing import Filing
from app.core.filing.filing_plan import FilingError, FilingPlan, check_pattern, plan
from app.core.filing.project_journal import journal_of
from app.core.project import scanned_folders
from app.core.project.filed import FiledTable
from app.core.project.journal_steps import JournalStep, StepKind
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from app.core.project.results import results
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier
from app.core.system import file_placement


def begun(filing: Filing, wanted: FilingPlan, *, move: bool) -> JournalStep:
    action = filing.begin(wanted, move=move)
    assert action is not None
    return action


@pytest.fixture
def project(photos: Path, tiny_engine: Engine, tmp_path: Path) -> Iterator[Project]:
    """The 12 photos, identified; the first excluded, the second unknown, the third labelled by its type alone."""
    with Project.create(tmp_path / "work.marque") as created:
        created.sources.add(photos)
        list(run_project(created, LocalRunner(Identifier(tiny_engine, None))))
        labels = {
            SubjectId(1): Label(Verdict.EXCLUDED),
            SubjectId(2): Label(Verdict.UNKNOWN),
            SubjectId(3): Label(Verdict.CORRECTED, 'ship: "A/B"'),
        }
        created.labels.set(labels, "review")
        scanned_folders.remember(created, [photos])
        yield created


def planned(project: Project, into: Path, pattern: str = filing_plan.PATTERN) -> FilingPlan:
    return plan(results(project, project.models.all()[0]), into, pattern)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_plan_touches_nothing_and_says_who_stays(project: Project, photos: Path, tmp_path: Path) -> None:
    before = contents(photos)
    wanted = planned(project, tmp_path / "filed")
    assert contents(photos) == before and not (tmp_path / "filed").exists()
    assert len(wanted.steps) == 10
    assert sorted(reason for _, reason in wanted.left) == ["excluded", "unknown"]
    places = {step.target.relative_to(tmp_path / "filed").as_posix() for step in wanted.steps}
    assert "ship_ _A_B_/class unknown/3.jpg" in places and "ship/Azzurra class/1.jpg" in places


@pytest.mark.parametrize("pattern", ["{type}/{class}/{name}", "by class/{class}/{name}", "{class} {name}"])
def test_a_folder_with_the_earlier_name_for_an_unknown_class_is_used_on(
    project: Project, tmp_path: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing_plan, "UNKNOWN_CLASS", ("class not told", "class not told"))  # an earlier version
    Filing(project).carry_out(begun(Filing(project), planned(project, tmp_path / "filed", pattern), move=False))
    before = contents(tmp_path / "filed")
    assert [name for name in before if "class not told" in name]
    monkeypatch.undo()
    assert not planned(project, tmp_path / "filed", pattern).steps  # each copy is found where it is


def test_a_photo_joins_others_in_a_folder_with_the_earlier_name(project: Project, tmp_path: Path) -> None:
    (tmp_path / "filed" / "ship_ _A_B_" / "class not told").mkdir(parents=True)
    places = {
        step.target.relative_to(tmp_path / "filed").as_posix() for step in planned(project, tmp_path / "filed").steps
    }
    assert "ship_ _A_B_/class not told/3.jpg" in places


def test_names_that_are_taken_get_numbers(project: Project, tmp_path: Path) -> None:
    into = tmp_path / "filed"
    (into / "sedan").mkdir(parents=True)
    (into / "sedan" / "1.jpg").write_text("somebody else's")
    wanted = planned(project, into, "{type}/{name}")
    names = [step.target.name for step in wanted.steps if step.target.parent == into / "sedan"]
    assert len(names) == len(set(names)) and "1.jpg" not in names and "1 (2).jpg" in names
    Filing(project).carry_out(begun(Filing(project), wanted, move=False))
    assert (into / "sedan" / "1.jpg").read_text() == "somebody else's"
    again = planned(project, into, "{type}/{name}")
    assert again.steps == () and sum(reason == "is there already" for _, reason in again.left) == len(wanted.steps)
    next((into / "sedan").glob("1 (2).jpg")).write_text("edited")
    (step,) = planned(project, into, "{type}/{name}").steps
    assert step.target.name not in names


@pytest.mark.parametrize("move", [False, True])
def test_what_was_filed_is_taken_back_and_done_again(
    project: Project, tmp_path: Path, photos: Path, move: bool
) -> None:
    into, before = tmp_path / "filed", contents(photos)
    filing = Filing(project)
    steps = planned(project, into).steps
    action = begun(filing, FilingPlan(steps, ()), move=move)
    seen: list[int] = []
    assert filing.carry_out(action, seen.append) == [] and seen == list(range(1, 11))
    after = contents(into)
    wanted = {step.source.relative_to(photos).as_posix(): step.target for step in steps}
    assert {target.read_bytes() for target in wanted.values()} == {before[name] for name in wanted}
    left = {name: content for name, content in before.items() if not (move and name in wanted)}
    assert len(after) == 10 and contents(photos) == left
    places = {wanted[name] if move and name in wanted else photos / name for name in before}
    assert {image.path for image in project.images.all()} == places
    project.close()
    with Project.open(project.path) as again:
        turned = journal_of(again).undo()
        assert turned is not None and turned[1] == []
        assert (contents(photos) == before and not into.exists()) or contents(into) == {}
        assert {image.path for image in again.images.all()} == {photos / name for name in before}
        assert again.labels.of([SubjectId(1)])  # the labels are a step of their own
        turned = journal_of(again).redo()
        assert turned is not None and turned[1] == []
        assert contents(into) == after


def test_files_that_changed_are_left_as_they_are(project: Project, tmp_path: Path, photos: Path) -> None:
    into = tmp_path / "filed"
    wanted = planned(project, into)
    edited, gone = wanted.steps[0].source, wanted.steps[1].source
    edited.write_bytes(edited.read_bytes() + b"more")
    gone.unlink()
    filing = Filing(project)
    problems = filing.carry_out(begun(filing, wanted, move=True))
    assert len(problems) == 2 and all("changed" in problem for problem in problems)
    assert edited.exists() and len(contents(into)) == 8
    mine = wanted.steps[2].target
    mine.write_bytes(b"edited after it was filed")
    wanted.steps[3].source.write_text("another file took the old place")
    turned = journal_of(project).undo()
    assert turned is not None and len(turned[1]) == 2
    assert mine.read_bytes() == b"edited after it was filed"
    assert wanted.steps[3].source.read_text() == "another file took the old place"
    assert wanted.steps[3].target.exists()


def test_a_filing_whose_drive_is_away_is_kept_until_it_is_back(project: Project, tmp_path: Path, photos: Path) -> None:
    drive, before = tmp_path / "drive", contents(photos)
    filing = Filing(project)
    assert filing.carry_out(begun(filing, planned(project, drive), move=True)) == []
    drive.rename(tmp_path / "unplugged")
    journal = journal_of(project)
    turned = journal.undo()
    assert turned is not None and turned.stays and len(turned.problems) == 10
    # passed over from now on
    turned = journal.undo()
    assert turned is not None and turned.action.kind is StepKind.LABELS and not turned.stays
    # what is new forgets what was taken back, but not what could not be
    project.labels.set({SubjectId(1): Label(Verdict.EXCLUDED)}, "one more")
    (tmp_path / "unplugged").rename(drive)
    assert journal.next_steps()[0].title == "one more" and journal.undo() is not None
    turned = journal.undo()
    assert turned is not None and turned.action.kind is StepKind.FILES and turned.problems == [] and not turned.stays
    assert contents(photos) == before and not contents(drive)


@pytest.mark.parametrize("move", [False, True])
@pytest.mark.parametrize("moment", range(1, 42, 5))
def test_a_program_that_dies_loses_nothing_and_can_continue(
    project: Project, tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, move: bool, moment: int
) -> None:
    """Dies at the n-th touch of the disk or the journal, is started again, and ends as if nothing had been."""
    into, before = tmp_path / "filed", contents(photos)
    filing = Filing(project)
    action = begun(filing, planned(project, into), move=move)
    touches = iter(range(moment))

    class Death(BaseException):
        pass

    def mortal(work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **how: Any) -> Any:
            if next(touches, None) is None:
                raise Death
            return work(*arguments, **how)

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(file_placement, "rename_without_overwriting", mortal(file_placement.rename_without_overwriting))
        patch.setattr(Path, "unlink", mortal(Path.unlink))
        patch.setattr(FiledTable, "change", mortal(FiledTable.change))
        with suppress(Death):
            filing.carry_out(action)
    for part in (*into.rglob(".marque-*.part"), *photos.rglob(".marque-*.part")):
        part.unlink()  # as the next start does with those of a process that is gone
    everything = contents(photos) | contents(into)
    assert set(before.values()) <= set(everything.values())  # every photo is whole somewhere
    settled = filing.settle()
    assert len(settled) <= 1 and filing.settle() == []
    here, there = contents(photos), contents(into)
    assert {*here.values(), *there.values()} == set(before.values())
    assert not move or len(here) + len(there) == len(before)  # a file that lay in both places is in one
    assert filing.carry_out(action) == []
    assert len([name for name in contents(into) if not name.endswith(".part")]) == 10
    assert len(contents(photos)) == (2 if move else 12)
    turned = journal_of(project).undo()
    assert turned is not None and turned[1] == [] and contents(photos) == before


@pytest.mark.parametrize("answer", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_on_a_file_system_without_links_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "a").write_text("new")
    file_placement.copy_new(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "new"
    (tmp_path / "c").write_text("old")
    with pytest.raises(FileExistsError):
        file_placement.copy_new(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c").read_text() == "old" and len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{colour}/{name}", "'{colour}' is not one of"),
        ("{type", "brace"),
        ("{type}/photo.jpg", "must end with {name}"),
        ("../{name}", "below the folder"),
        ("/etc/{name}", "below the folder"),
        ("C:/{name}", "below the folder"),
    ],
)
def test_patterns_that_are_wrong_say_why(pattern: str, message: str) -> None:
    with pytest.raises(FilingError, match=message):
        check_pattern(pattern)


@given(st.text(max_size=30))
def test_a_class_is_a_folder_on_every_system(name: str) -> None:
    folder = filing_plan.as_folder(name)
    assert folder and folder not in (".", "..") and not set(folder) & set('<>:"/\\|?*\0\n')
    assert not folder.endswith((".", " "))


def test_the_command_plans_files_and_undoes(
    project: Project, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
) -> None:
    project.close()
    place, into = str(project.path), tmp_path / "filed"
    before = contents(photos)
    assert main(["file", place, "--into", str(into), "--dry-run"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 12 and "10 photos would be filed, 2 stay" in told.err
    assert not into.exists()
    assert main(["file", place, "--into", str(into), "--move"]) == 0
    assert "move 10 photos into" in capsys.readouterr().err and len(contents(photos)) == 2
    assert main(["undo", place]) == 0
    assert contents(photos) == before
    assert main(["file", place, "--into", str(into), "--pattern", "{name}/"]) == 2
    shutil.rmtree(into, ignore_errors=True)
    with Project.open(project.path) as again:
        assert {image.path for image in again.images.all()} == {photos / name for name in before}


@pytest.mark.skipif(os.name == "nt", reason="quotes are read as a shell of Linux and macOS does")
def test_commands_that_are_named_can_be_typed(
    project: Project, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
) -> None:
    project.close()
    place = str(project.path.rename(tmp_path / "ann's $work (2).marque"))
    before = contents(photos)
    scanned = ["--trust"]  # the project has another name
    assert main(["file", place, "--into", str(tmp_path / "drive"), "--move", *scanned]) == 0
    undo = shlex.split(capsys.readouterr().err.partition("undo with: ")[2])
    assert undo == ["marque", "undo", place]
    (tmp_path / "drive").rename(tmp_path / "unplugged")
    assert main([*undo[1:], *scanned]) == 1
    assert shlex.split(capsys.readouterr().err.partition("are back, use: ")[2]) == undo
    (tmp_path / "unplugged").rename(tmp_path / "drive")
    assert main([*undo[1:], *scanned]) == 0
    assert contents(photos) == before
    table = tmp_path / "labels.csv"
    table.write_text(f"file,coarse\n{min(photos.rglob('*.*'))},tram\n")
    assert main(["label", place, "--from", str(table)]) == 0
    assert shlex.split(capsys.readouterr().err.partition("undo with: ")[2]) == undo


def test_a_photo_whose_sidecars_are_not_known_stays(
    project: Project, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing, a folder that may not be listed, is in test_read_only_places.py: here we may list everything."""
    really = os.scandir

    def not_this_one(folder: Path | str) -> object:
        if str(folder) == str(photos / "sedan" / "Gialla 2012"):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return really(folder)

    monkeypatch.setattr(os, "scandir", not_this_one)
    wanted = planned(project, tmp_path / "filed")
    stay = {path.name: reason for path, reason in wanted.left if "sidecars" in reason}
    assert stay and all("permission denied" in reason for reason in stay.values())
    assert not any(step.source.parent.name == "Gialla 2012" for step in wanted.steps)
