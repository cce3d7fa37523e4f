"""What happens to photos when several programs, people or odd clocks come between the steps of a filing."""

from __future__ import annotations

import errno
import os
import resource
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.core.filing.project_journal import journal_of
from app.core.metadata.sidecars import Sidecars
from app.core.project.project import Project
from app.core.project.records import FoundFile, Outcome
from app.core.recognition.engine import Engine
from app.core.system.file_placement import OtherContentError, copy_new, remove_spare
from tests.app.core.filing.filing_commands import file, scan, tree, undo
from tests.app.foreign import execute
from tests.app.tiny import COLOURS, colour_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    return tmp_path / "p"


@pytest.fixture
def place(tmp_path: Path, folder: Path, tiny_engine: Engine) -> Path:
    """A project of two photos."""
    for number, name in enumerate(("a.jpg", "b.jpg")):
        colour_picture(COLOURS["Rossa 2010"], seed=number).save(folder / name, "JPEG", quality=92)
    scan(tmp_path / "work.marque", folder, tiny_engine)
    return tmp_path / "work.marque"


def replace_photo(photo: Path) -> None:
    """By one of another class."""
    colour_picture(COLOURS["Azzurra class"], seed=99).save(photo, "JPEG", quality=92)


def say(place: Path, photo: Path, coarse: str, fine: str) -> int:
    table = place.with_name("labels.csv")
    table.write_text(f"file,coarse,fine\n{photo.relative_to(place.parent)},{coarse},{fine}\n")
    return main(["label", str(place), "--from", str(table)])


def test_two_programs_that_take_each_others_file_for_the_spare_one_do_not_remove_both(tmp_path: Path) -> None:
    start = threading.Barrier(2)

    def remove(spare: Path, kept: Path) -> None:
        start.wait()
        with suppress(OtherContentError, OSError):  # what counts is what is left
            remove_spare(spare, kept)

    for number in range(100):
        pair = [tmp_path / f"{number}{letter}.jpg" for letter in "ab"]
        for one in pair:
            one.write_bytes(b"photo" * 100_000)
        threads = [threading.Thread(target=remove, args=order) for order in (pair, pair[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert any(one.exists() for one in pair)


def test_what_stays_of_a_step_that_was_taken_back_in_part_can_be_taken_back_after_later_steps(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    assert file(place, tmp_path / "out", "--move") == 0
    replace_photo(folder / "a.jpg")
    assert undo(place) == 1
    assert tree(tmp_path / "out") == {"sedan/", "sedan/a.jpg"}

    assert say(place, folder / "b.jpg", "sedan", "Gialla 2012") == 0  # a new step: nothing can be done again
    (folder / "a.jpg").unlink()
    assert undo(place) == 0 and undo(place) == 0
    assert tree(folder) == {"a.jpg", "b.jpg"} and not (tmp_path / "out").exists()


def test_a_step_that_was_taken_back_in_part_can_be_done_again(
    folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert file(place, tmp_path / "out") == 0
    replace_photo(folder / "a.jpg")
    for _ in range(2):
        assert undo(place) == 1
        assert tree(tmp_path / "out") == {"sedan/", "sedan/a.jpg"}
        assert undo(place, "--redo") == 0
        assert tree(tmp_path / "out") == {"sedan/", "sedan/a.jpg", "sedan/b.jpg"}


class Killed(BaseException):
    """The program ends at once."""


@pytest.mark.parametrize("then", ["--redo", "undo", "file"])
@pytest.mark.parametrize("moved", [["--move"], []], ids=["move", "copy"])
@pytest.mark.parametrize("done", [0, 1], ids=["none done", "one done"])
def test_a_redo_that_was_killed_is_finished_or_taken_back(
    folder: Path,
    place: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    then: str,
    moved: list[str],
    done: int,
) -> None:
    out, all_filed = tmp_path / "out", {"sedan/", "sedan/a.jpg", "sedan/b.jpg"}
    assert file(place, out, *moved) == 0 and undo(place) == 0
    copies = iter([copy_new] * done)

    def copy(*arguments: Any) -> Any:
        return next(copies, die)(*arguments)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("app.core.filing.filing_moves.copy_new", copy)
        undo(place, "--redo")
    capsys.readouterr()
    if then == "file":
        assert file(place, out, *moved) == 0
    elif then == "--redo":
        assert undo(place, "--redo") == 0
        assert "redone: " in capsys.readouterr().err and tree(out) == all_filed
    if then != "undo":
        assert tree(out) == all_filed and tree(folder) == (set() if moved else {"a.jpg", "b.jpg"})
    for _ in range(2):
        assert undo(place) == 0
    assert tree(folder) == {"a.jpg", "b.jpg"} and not out.exists()


def test_a_redo_that_was_stopped_can_be_continued(folder: Path, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert file(place, out) == 0 and undo(place) == 0
    with Project.open(place) as project:
        answers = iter([False])
        journal_of(project).redo(cancelled=lambda: next(answers, True))
        undone, redone = journal_of(project).next_steps()
        assert undone == redone is not None and tree(out) == {"sedan/", "sedan/a.jpg"}
    assert undo(place, "--redo") == 0 and tree(out) == {"sedan/", "sedan/a.jpg", "sedan/b.jpg"}
    assert undo(place) == 0 and not out.exists()


def test_a_copy_that_stays_as_it_is_the_last_one_does_not_keep_earlier_steps_from_being_taken_back(
    folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(place, folder / "a.jpg", "sedan", "Gialla 2012") == 0
    assert file(place, tmp_path / "out") == 0
    replace_photo(folder / "a.jpg")
    replace_photo(folder / "b.jpg")
    assert undo(place) == 1
    capsys.readouterr()
    assert undo(place) == 0 and "undone: 1 label" in capsys.readouterr().err
    assert (tmp_path / "out/sedan/a.jpg").exists()


@pytest.mark.parametrize("again", ["file", "scan that is cut off"])
def test_a_photo_that_was_replaced_is_not_filed_under_the_label_of_the_earlier_one(
    folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny_engine: Engine, again: str
) -> None:
    say(place, folder / "a.jpg", "sedan", "Gialla 2012")
    (folder / "b.jpg").unlink()
    replace_photo(folder / "a.jpg")
    if again == "file":
        assert file(place, tmp_path / "out") == 1
    else:
        with Project.open(place) as project:
            project.images.add(1, [FoundFile.of(folder / "a.jpg")])
    for words in (["file", str(place), "--into", str(tmp_path / "out")], ["export", str(place), "--format", "xmp"]):
        capsys.readouterr()
        assert main(words) == 1
        assert "a.jpg: has changed since it was identified" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and Sidecars().of(folder / "a.jpg") == ()

    scan(place, folder, tiny_engine)
    assert file(place, tmp_path / "out") == 1  # b.jpg is not there
    assert tree(tmp_path / "out") == {
        "sedan/",
        "sedan/a.jpg",
    }  # what the person said holds, now that it is known what they see


@pytest.mark.parametrize("seconds", [-(2**31), 0, 4_102_444_800, 10_413_792_000])
def test_photos_of_any_time_are_identified_filed_and_brought_back(
    folder: Path, place: Path, tmp_path: Path, tiny_engine: Engine, seconds: int
) -> None:
    colour_picture(COLOURS["Rossa 2010"], seed=5).save(folder / "odd.jpg", "JPEG")
    os.utime(folder / "odd.jpg", (seconds, seconds))
    scan(place, folder, tiny_engine)
    assert file(place, tmp_path / "out", "--move") == 0 and tree(folder) == set()
    assert undo(place) == 0 and tree(folder) == {"a.jpg", "b.jpg", "odd.jpg"}


def test_an_answer_for_an_image_that_a_filing_has_removed_meanwhile_is_dropped(place: Path) -> None:
    with Project.open(place) as project:
        (model,) = project.models.all()
        evidence, (_, vectors) = (
            dict(project.predictions.evidence(model.fingerprint)),
            project.predictions.embeddings(model.fingerprint),
        )
        # as where a scan found a file in its new place before the filing did
        execute(place, "DELETE FROM image WHERE id = 1")
        project.predictions.store(
            model.fingerprint, [Outcome(n, "0" * 32, evidence[n], vectors[n - 1]) for n in (1, 2)]
        )
        assert [image.digest for image in project.images.all()] == ["0" * 32]


def test_photos_that_cannot_be_reached_are_named_by_a_filing(
    folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.jpg").unlink()
    assert file(place, tmp_path / "out") == 1
    assert "a.jpg: cannot be read" in capsys.readouterr().err
    assert tree(tmp_path / "out") == {"sedan/", "sedan/b.jpg"}


def test_photos_are_filed_on_a_drive_that_knows_no_permissions_and_no_links(
    folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, *_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(os, "link", refuse)
    times = {name: (folder / name).stat().st_mtime_ns for name in ("a.jpg", "b.jpg")}
    assert file(place, tmp_path / "out", "--move") == 0 and tree(folder) == set()
    assert {name: (tmp_path / "out/sedan" / name).stat().st_mtime_ns for name in times} == times
    assert undo(place) == 0 and tree(folder) == {"a.jpg", "b.jpg"}


def test_photos_that_were_only_touched_since_are_brought_back(folder: Path, place: Path, tmp_path: Path) -> None:
    assert file(place, tmp_path / "out", "--move") == 0
    os.utime(tmp_path / "out/sedan/a.jpg", (1, 1))  # as by a copy of the whole folder to another drive and back
    assert undo(place) == 0 and tree(folder) == {"a.jpg", "b.jpg"}


def test_a_sidecar_that_two_photos_share_comes_back_whichever_of_them_had_it(
    folder: Path, place: Path, tmp_path: Path, tiny_engine: Engine
) -> None:
    colour_picture(COLOURS["Azzurra class"], seed=3).save(folder / "a.png")
    (folder / "a.xmp").write_text("rating")
    scan(place, folder, tiny_engine)
    assert file(place, tmp_path / "out", "--move") == 0 and tree(folder) == set()
    assert undo(place) == 0
    assert tree(folder) == {"a.jpg", "a.png", "a.xmp", "b.jpg"} and not (tmp_path / "out").exists()


def test_a_sidecar_that_was_left_as_another_was_in_its_place_can_come_back_later(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    (folder / "a.jpg.xmp").write_text("rating")
    assert file(place, tmp_path / "out", "--move") == 0
    (folder / "a.jpg.xmp").write_text("another")
    assert undo(place) == 1 and tree(tmp_path / "out") == {"sedan/", "sedan/a.jpg.xmp"}
    assert say(place, folder / "b.jpg", "sedan", "Gialla 2012") == 0
    (folder / "a.jpg.xmp").unlink()
    assert undo(place) == 0 and undo(place) == 0
    assert (folder / "a.jpg.xmp").read_text() == "rating" and not (tmp_path / "out").exists()


def test_photos_that_took_each_others_place_and_time_are_not_copied_under_the_answer_of_the_other(
    folder: Path, place: Path, tmp_path: Path, tiny_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, fine in (("c.bmp", "Rossa 2010"), ("d.bmp", "Azzurra class")):
        colour_picture(COLOURS[fine], seed=3).save(folder / name)
        os.utime(folder / name, (1, 1))
    scan(place, folder, tiny_engine)
    (folder / "c.bmp").rename(folder / "e")
    (folder / "d.bmp").rename(folder / "c.bmp")
    (folder / "e").rename(folder / "d.bmp")
    assert main(["export", str(place), "--format", "xmp-copies", "--out", str(tmp_path / "copies")]) == 1
    told = capsys.readouterr().err
    assert all(f"{folder / name}: has changed since it was identified" in told for name in ("c.bmp", "d.bmp"))
    assert not any(tmp_path.glob("copies/*.bmp*"))


def test_on_a_full_disk_the_copy_is_named_and_not_the_photo(tmp_path: Path) -> None:
    photo, copy = tmp_path / "a.jpg", tmp_path / "out/a.jpg"
    photo.write_bytes(b"x" * 5000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as told:
            copy_new(photo, copy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.value.filename == str(copy) and list(copy.parent.iterdir()) == []
