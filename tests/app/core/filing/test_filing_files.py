"""What filing does with the files of a person: sidecars, links, copies that are the last, folders, names, changes."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.cli import main
from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import run_project
from app.core.project.project import Project
from app.core.recognition.engine import Engine
from app.core.recognition.identifier import Identifier
from app.core.system import file_placement
from app.core.system.file_placement import OtherContentError
from model.system.wording import LISTED
from tests.app.core.filing.filing_commands import FINE, Identify, file, scan, tree, undo
from tests.app.tiny import COLOURS, colour_picture

# the last copy


def test_a_copy_stays_when_it_is_the_last_one(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    identify("gone.jpg", "edited.jpg", "same time.jpg", "linked.jpg", "there.jpg")
    assert file(place, tmp_path / "s") == 0
    made = tmp_path / "s/sedan"
    (folder / "gone.jpg").unlink()
    (folder / "edited.jpg").write_bytes(b"edited")
    times = (folder / "same time.jpg").stat()
    content = bytearray((folder / "same time.jpg").read_bytes())
    content[-10] ^= 1
    (folder / "same time.jpg").write_bytes(content)
    os.utime(folder / "same time.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder / "linked.jpg").unlink()
    (folder / "linked.jpg").symlink_to(made / "linked.jpg")
    capsys.readouterr()
    assert undo(place) == 1
    told = capsys.readouterr().err
    for name in ("gone.jpg", "edited.jpg", "same time.jpg", "linked.jpg"):
        assert f"{made / name}: stays" in told and (made / name).is_file()
    assert not (made / "there.jpg").exists() and (folder / "there.jpg").exists()


def test_of_many_files_that_stay_only_some_are_listed(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    names = [f"{number}.jpg" for number in range(LISTED + 3)]
    identify(*names)
    assert file(place, tmp_path / "s") == 0
    for name in names:
        (folder / name).unlink()
    capsys.readouterr()
    assert undo(place) == 1
    lines = capsys.readouterr().err.splitlines()
    assert sum(": stays" in line for line in lines) == LISTED
    assert any("and 3 more" in line for line in lines)


def test_a_spare_is_removed_only_where_another_whole_copy_is_there(tmp_path: Path) -> None:
    one, other, link, folder = (tmp_path / name for name in ("one", "other", "link", "folder"))
    one.write_bytes(b"same")
    with pytest.raises(OSError, match="No such file"):
        file_placement.remove_spare(one, other)
    other.write_bytes(b"some")
    with pytest.raises(OtherContentError):
        file_placement.remove_spare(one, other)
    with pytest.raises(OtherContentError):
        file_placement.remove_spare(one, one)
    link.symlink_to(one)
    for kept, spare in ((link, one), (one, link)):
        with pytest.raises(OtherContentError):
            file_placement.remove_spare(spare, kept)
    folder.symlink_to(tmp_path)
    with pytest.raises(OtherContentError):
        file_placement.remove_spare(one, folder / "one")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="named pipe"):
        file_placement.remove_spare(one, tmp_path / "pipe")
    assert one.read_bytes() == b"same"
    os.link(one, tmp_path / "second name")
    file_placement.remove_spare(one, tmp_path / "second name")
    assert not one.exists() and (tmp_path / "second name").read_bytes() == b"same"


def test_a_photo_that_cannot_be_moved_away_stays_and_only_there(
    identify: Identify,
    folder: Path,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    identify("a.jpg")
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.parent == folder and path.suffix == ".jpg":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert file(place, tmp_path / "s", "--move") == 1
    assert f"{folder / 'a.jpg'}: permission denied" in capsys.readouterr().err
    assert tree(folder) == {"a.jpg"} and not (tmp_path / "s").exists()
    assert undo(place) == 0 and "nothing to undo" in capsys.readouterr().err
    with Project.open(place) as project:
        assert [image.path for image in project.images.all()] == [folder / "a.jpg"]


# folders


def test_undo_removes_the_folders_that_the_filing_made_and_no_others(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    identify("a.jpg")
    (tmp_path / "mine/empty").mkdir(parents=True)
    into = tmp_path / "mine/new/sorted"
    deep = ["file", str(place), "--into", str(into), "--pattern", "{type}/{class}/x/{status}/{name}", "--move"]
    assert main(deep) == 0 and (into / f"sedan/{FINE}/x/identified/a.jpg").exists()
    assert undo(place) == 0
    assert tree(tmp_path / "mine") == {"empty/"}
    (into / "sedan").mkdir(parents=True)  # now it is the person's
    assert main(deep) == 0 and undo(place) == 0
    assert tree(tmp_path / "mine") == {"empty/", "new/", "new/sorted/", "new/sorted/sedan/"}
    assert undo(place, "--redo") == 0
    (into / f"sedan/{FINE}/notes.txt").write_text("mine")
    assert undo(place) == 0
    assert tree(into / "sedan") == {f"{FINE}/", f"{FINE}/notes.txt"}


# photos that changed, and links


def test_a_photo_that_was_replaced_is_not_filed_and_waits_for_identification(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, tiny_engine: Engine, capsys: pytest.CaptureFixture
) -> None:
    identify("a.jpg", "b.jpg", "touched.jpg")
    colour_picture(COLOURS["Azzurra class"], seed=9).save(folder / "a.jpg")
    os.utime(folder / "touched.jpg", (1, 1))
    assert file(place, tmp_path / "s", "--dry-run") == 0
    assert "a.jpg: stays (has changed since it was identified; identify it again)" in capsys.readouterr().out
    assert file(place, tmp_path / "s", "--move") == 1
    told = capsys.readouterr().err
    assert f"{folder / 'a.jpg'}: has changed since it was identified" in told and "1 left as they are" in told
    assert tree(folder) == {"a.jpg"} and {"sedan/b.jpg", "sedan/touched.jpg"} < tree(tmp_path / "s")
    with Project.open(place) as project:
        assert [image.path.name for image in project.images.waiting(tiny_engine.info.fingerprint)] == ["a.jpg"]
        list(run_project(project, LocalRunner(Identifier(tiny_engine, None))))
    assert file(place, tmp_path / "s", "--move") == 0 and (tmp_path / "s/ship/a.jpg").exists()


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_photo_that_was_replaced_is_reported_whatever_its_name(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    identify("a\n.jpg")
    (folder / "a\n.jpg").write_bytes(b"other")
    assert file(place, tmp_path / "s") == 1
    assert r"a\n.jpg: has changed since it was identified; identify it again" in capsys.readouterr().err


def test_a_photo_that_was_replaced_under_its_size_and_time_is_noticed_when_it_is_copied(
    identify: Identify, folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    identify("a.jpg")
    times, content = (folder / "a.jpg").stat(), bytearray((folder / "a.jpg").read_bytes())
    content[-10] ^= 1
    (folder / "a.jpg").write_bytes(content)
    os.utime(folder / "a.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file(place, tmp_path / "s", "--move") == 1
    assert "identify it again" in capsys.readouterr().err
    assert (folder / "a.jpg").read_bytes() == content and not (tmp_path / "s").exists()
    assert undo(place) == 0 and "nothing to undo" in capsys.readouterr().err


def test_a_linked_photo_is_copied_as_a_picture_and_never_moved(
    folder: Path, place: Path, tmp_path: Path, tiny_engine: Engine, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "store").mkdir()
    colour_picture(COLOURS[FINE], seed=1).save(tmp_path / "store/1.jpg")
    (folder / "car.jpg").symlink_to("../store/1.jpg")
    scan(place, folder, tiny_engine)
    copy = tmp_path / "s/sedan/car.jpg"
    assert file(place, tmp_path / "s") == 0
    assert copy.read_bytes() == (tmp_path / "store/1.jpg").read_bytes() and not copy.is_symlink()
    assert undo(place) == 0 and not (tmp_path / "s").exists() and (folder / "car.jpg").is_symlink()
    capsys.readouterr()
    assert file(place, tmp_path / "s", "--move") == 1
    assert "car.jpg: a link" in capsys.readouterr().err and not (tmp_path / "s").exists()
    assert (folder / "car.jpg").is_symlink() and (tmp_path / "store/1.jpg").exists()


# names and places


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_file_in_the_place_of_the_folder_is_refused_at_once(
    identify: Identify, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture, below: str
) -> None:
    identify("a.jpg")
    (tmp_path / "f").write_text("")
    assert file(place, tmp_path / "f" / below) == 2
    assert f"{tmp_path / 'f'}: this is a file" in capsys.readouterr().err
    assert undo(place) == 0 and "nothing to undo" in capsys.readouterr().err


def test_an_error_names_the_file_that_caused_it(
    identify: Identify,
    folder: Path,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    identify("a.jpg")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(file_placement.os, "fsync", full)
        assert file(place, tmp_path / "s") == 1
    told = capsys.readouterr().err
    assert f"{tmp_path / 's/sedan/a.jpg'}: the disk is full" in told and str(folder / "a.jpg") not in told
    assert undo(place) == 0 and "nothing to undo" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


@pytest.mark.skipif(os.name == "nt", reason="bytes of a name are counted otherwise there")
def test_names_of_255_bytes_also_with_a_number(place: Path, tmp_path: Path, tiny_engine: Engine) -> None:
    name = "ü" * 125 + "1.jpg"
    for part in ("x", "y"):
        (tmp_path / "p" / part).mkdir(parents=True)
        colour_picture(COLOURS[FINE], seed=ord(part)).save(tmp_path / "p" / part / name)
    scan(place, tmp_path / "p", tiny_engine)
    assert file(place, tmp_path / "s", "--move") == 0
    names = sorted(one.name for one in (tmp_path / "s/sedan").iterdir())
    assert name in names and len(names) == 2 and all(one.endswith(".jpg") for one in names)
    long = ["--pattern", "{class} {class} " * 12 + "{name}"]
    assert undo(place) == 0
    assert main(["file", str(place), "--into", str(tmp_path / "s"), *long]) == 0
    assert len(list((tmp_path / "s").glob("*.jpg"))) == 2


def test_folders_of_long_and_reserved_classes_get_valid_names(identify: Identify, place: Path, tmp_path: Path) -> None:
    identify("a.jpg", "b.jpg", "c.jpg")
    names = {1: "x" * 300, 2: "x" * 299 + "y", 3: "con.x"}
    with closing(sqlite3.connect(place)) as database, database:
        for image, name in names.items():
            database.execute("INSERT INTO label VALUES (?, 'corrected', 'sedan', ?)", (image, name))
    assert main(["file", str(place), "--into", str(tmp_path / "s"), "--pattern", "{class}/{name}"]) == 0
    folders = {one.name for one in (tmp_path / "s").iterdir()}
    assert len(folders) == 3 and "con.x_" in folders and all(len(os.fsencode(one)) <= 255 for one in folders)


def test_names_that_differ_in_case_or_unicode_form_do_not_meet(
    identify: Identify, folder: Path, place: Path, tmp_path: Path
) -> None:
    (tmp_path / "s/sedan").mkdir(parents=True)
    (tmp_path / "s/sedan/A.JPG").write_text("somebody else's")
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    identify("a.jpg", composed)
    with suppress(OSError):
        (folder / decomposed).write_bytes((folder / composed).read_bytes() + b"other")
    names = [one.name for one in folder.iterdir()]
    assert file(place, tmp_path / "s", "--move") == 0
    filed = [one.name for one in (tmp_path / "s/sedan").iterdir()]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in filed}) == len(filed) == 3
    assert (tmp_path / "s/sedan/A.JPG").read_text() == "somebody else's" and len(names) >= 2
