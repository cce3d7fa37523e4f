"""An output never replaces something that is not that very output."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model.system import outputs
from model.system.files import free_names
from model.system.outputs import Output, OutputError, TakenError
from model.system.signatures import GALLERY, MODEL, PHOTO, PROJECT, SIDECAR, kind_of

TABLE = "table of labels"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def write(place: Path, content: bytes = b"answers", kind: str = TABLE, **options: Any) -> Path:
    return Output(place, kind, **options).write(lambda file: file.write(content)).place


def sqlite_file(place: Path, application: int) -> Path:
    database = sqlite3.connect(place)
    database.executescript(f"PRAGMA application_id = {application}; CREATE TABLE t (a);")
    database.close()
    return place


def test_our_own_output_is_replaced_without_asking_until_somebody_changes_it(tmp_path: Path) -> None:
    place = tmp_path / "labels.csv"
    write(place, b"first")
    place.chmod(0o640)
    write(place, b"second")
    assert place.read_bytes() == b"second" and stat.S_IMODE(place.stat().st_mode) == 0o640
    place.write_bytes(b"second, corrected by hand")
    with pytest.raises(TakenError, match=r"changed since Marque wrote it is there; .*--force"):
        write(place)
    assert place.read_bytes() == b"second, corrected by hand"
    write(place, b"third", force=True)
    write(place, b"fourth")
    assert place.read_bytes() == b"fourth"


def test_an_output_of_another_kind_and_a_foreign_file_are_asked_about(tmp_path: Path) -> None:
    place, notes = tmp_path / "work.csv", tmp_path / "notes.csv"
    notes.write_bytes(b"mine")
    write(place, kind="training table")
    with pytest.raises(TakenError, match="a training table, not a table of labels is there"):
        write(place)
    with pytest.raises(TakenError, match="a file that Marque did not write is there"):
        write(notes)
    assert notes.read_bytes() == b"mine"
    write(notes, force=True)
    assert notes.read_bytes() == b"answers"


def test_what_is_read_is_never_replaced_by_whatever_way_it_is_named(tmp_path: Path) -> None:
    table = tmp_path / "table.dat"
    table.write_bytes(b"input")
    (tmp_path / "folder").mkdir()
    link, second = tmp_path / "link.csv", tmp_path / "folder" / "second.csv"
    link.symlink_to(table)
    os.link(table, second)
    for place in (table, link, second, tmp_path / "folder" / ".." / "table.dat"):
        with pytest.raises(OutputError, match="this is what is being read"):
            write(place, inputs=[table], force=True)
    with pytest.raises(OutputError, match=r"belongs to table\.dat"):
        write(tmp_path / "table.dat-wal", inputs=[table], force=True)
    assert table.read_bytes() == b"input" and not (tmp_path / "table.dat-wal").exists()


def test_even_our_own_output_is_kept_where_the_same_call_reads_it(tmp_path: Path) -> None:
    place = write(tmp_path / "labels.csv")
    with pytest.raises(OutputError, match="being read"):
        write(place, b"new", inputs=[place])


def test_photos_sidecars_and_files_of_marque_are_never_replaced(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    Image.new("RGB", (4, 4)).save(tmp_path / "no ending", "PNG")
    (tmp_path / "broken.JPEG").write_bytes(b"no picture")
    (tmp_path / "broken.marque").write_bytes(b"")
    for name in ("a.xmp", "a.jpg.XMP", "a.mp4", "a.nef"):
        (tmp_path / name).write_bytes(b"of another program")
    sqlite_file(tmp_path / "project.db", 0x4D515550)
    sqlite_file(tmp_path / "gallery.db", 0x4D515547)
    for name, kind in {
        "a.jpg": PHOTO,
        "no ending": PHOTO,
        "broken.JPEG": PHOTO,
        "a.xmp": SIDECAR,
        "a.jpg.XMP": SIDECAR,
        "a.mp4": "video",
        "a.nef": "RAW photo",
        "broken.marque": PROJECT,
        "project.db": PROJECT,
        "gallery.db": GALLERY,
    }.items():
        before = (tmp_path / name).read_bytes()
        assert kind_of(tmp_path / name) == kind
        with pytest.raises(OutputError, match=f"this is a {kind}, which is never replaced"):
            write(tmp_path / name, force=True)
        assert (tmp_path / name).read_bytes() == before


def test_a_model_is_known_by_its_metadata_and_other_files_are_nothing_of_ours(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    ours.write_bytes(b"\x08\x0a" + b"x" * 10_000 + b"r\x0f\x0a\x06marque\x12\x05{...}")
    other.write_bytes(b"\x08\x0a" + b"x" * 10_000)
    sqlite_file(tmp_path / "other.db", 7)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "BMW.csv").write_bytes(b"BMW,estate\n")
    assert kind_of(ours) == MODEL
    assert [kind_of(tmp_path / name) for name in ("other", "other.db", "empty", "BMW.csv")] == [None] * 4


def test_a_gallery_that_is_open_is_not_replaced(tmp_path: Path) -> None:
    place = write(tmp_path / "a.gallery", kind=GALLERY)
    (tmp_path / "a.gallery-wal").write_bytes(b"rows")
    with pytest.raises(OutputError, match="a program has it open"):
        write(place, kind=GALLERY, force=True)


def test_what_appears_or_changes_during_the_work_stays(tmp_path: Path) -> None:
    place = tmp_path / "labels.csv"
    output = Output(place, TABLE)
    place.write_bytes(b"appeared")
    written = output.write(lambda file: file.write(b"answers"))
    assert written.place == tmp_path / "labels (2).csv" and "labels (2).csv" in written.note
    assert (place.read_bytes(), written.place.read_bytes()) == (b"appeared", b"answers")

    for force in (False, True):
        place.unlink()
        write(place, b"ours")
        output = Output(place, TABLE, force=force)
        place.write_bytes(b"edited meanwhile")
        assert output.write(lambda file: file.write(b"answers")).place != place
        assert place.read_bytes() == b"edited meanwhile"
    assert list(tmp_path.glob(".marque-*")) == []


def test_what_is_removed_meanwhile_is_written_at_its_place(tmp_path: Path) -> None:
    place = write(tmp_path / "labels.csv")
    output = Output(place, TABLE)
    place.unlink()
    assert output.write(lambda file: file.write(b"again")).note == "" and place.read_bytes() == b"again"


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    place = write(tmp_path / "labels.csv", b"old")

    def fails(_file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"labels\.csv: the disk is full"):
        Output(place, TABLE).write(fails)
    assert place.read_bytes() == b"old" and [one.name for one in tmp_path.iterdir()] != []
    assert list(tmp_path.glob(".marque-*")) == []


def test_a_link_stays_and_what_it_points_to_is_replaced_by_the_same_rules(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "labels.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    write(link, b"first")
    write(link, b"second")
    assert link.is_symlink() and real.read_bytes() == b"second"
    real.write_bytes(b"mine")
    with pytest.raises(TakenError):
        write(link)
    with pytest.raises(OutputError, match="this is a photo"):
        Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
        (tmp_path / "photo.csv").symlink_to(tmp_path / "a.png")
        write(tmp_path / "photo.csv", force=True)


def test_places_that_cannot_take_a_file_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for place, words in {
        tmp_path: "this is a folder",
        tmp_path / "nowhere" / "a.csv": "does not exist; make it first",
        tmp_path / "file" / "a.csv": "a part of this path is a file",
        tmp_path / "loop": "links form a circle",
        Path(): "this is a folder",
    }.items():
        with pytest.raises(OutputError, match=words):
            write(place)


def test_a_pipe_and_a_device_are_written_to_directly(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    write(Path("/dev/stdout"), b"to the screen")
    assert capfd.readouterr().out == "to the screen"
    write(Path("/dev/null"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert write(pipe, b"through the pipe") == pipe
        assert read.result(10) == b"through the pipe"
    assert sorted(one.name for one in tmp_path.iterdir() if one.name != "home") == ["pipe"]


def test_standard_output_that_the_shell_sends_into_a_file_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"before\n")
    saved, opened = os.dup(1), os.open(log, os.O_WRONLY | os.O_APPEND)
    try:
        os.dup2(opened, 1)
        write(Path("/dev/stdout"), b"answers\n")
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(opened)
    assert log.read_bytes() == b"before\nanswers\n"


def test_where_nothing_can_be_remembered_every_file_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no home").write_bytes(b"")
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "no home"))
    place = write(tmp_path / "labels.csv", b"first")
    with pytest.raises(TakenError):
        write(place, b"second")
    assert place.read_bytes() == b"first"


def test_a_damaged_memory_forgets_and_then_remembers_again(tmp_path: Path, home: Path) -> None:
    place = write(tmp_path / "labels.csv")
    (home / "data" / "outputs.sqlite").write_bytes(b"damaged" * 1000)
    with pytest.raises(TakenError):
        write(place)
    write(place, force=True)
    write(place, force=True)
    write(place)


@pytest.mark.parametrize("earlier", [True, False])
def test_what_was_put_in_place_right_before_the_program_died_is_still_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    place = tmp_path / "labels.csv"
    if earlier:
        write(place, b"first")
    with monkeypatch.context() as dying:
        dying.setattr(outputs, "remember", die)
        with pytest.raises(KeyboardInterrupt):
            write(place, b"second")
    assert place.read_bytes() == b"second"
    write(place, b"third")
    place.write_bytes(b"somebody else's")
    with pytest.raises(TakenError):
        write(place)


def test_many_at_a_time_lose_nothing(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def one(number: int) -> Path:
        output = Output(tmp_path / "labels.csv", TABLE)
        barrier.wait(10)
        return output.write(lambda file: file.write(b"%d" % number)).place

    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(one, range(8)))
    assert len(set(places)) == 8
    assert [int(place.read_bytes()) for place in places] == list(range(8))
    for place in places:  # each is remembered
        write(place)


def test_free_names_fit_the_file_system(tmp_path: Path) -> None:
    names = free_names(tmp_path / ("é" * 125 + ".csv"))
    assert next(names).name == "é" * 125 + ".csv"
    second = next(names).name
    assert second.endswith(" (2).csv") and len(second.encode()) <= 255


def test_two_outputs_of_one_command_never_share_a_place(tmp_path: Path) -> None:
    """Neither is there yet."""
    with pytest.raises(OutputError, match="belongs to the same command"):
        Output(tmp_path / "new.onnx", "table of references", inputs=[tmp_path / "new.onnx"], force=True)


@pytest.mark.parametrize("ignores_case", [True, False])
def test_upper_and_lower_case_are_two_places_where_the_system_distinguishes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignores_case: bool
) -> None:
    monkeypatch.setattr(outputs, "_IGNORES_CASE", ignores_case)
    with pytest.raises(OutputError, match="belongs to the same") if ignores_case else nullcontext():
        Output(tmp_path / "N.onnx", MODEL, inputs=[tmp_path / "n.onnx"])
    # by some file systems of every system SQLite would be given this one
    with pytest.raises(OutputError, match=r"belongs to work\.marque"):
        Output(tmp_path / "WORK.marque-WAL", "table", inputs=[tmp_path / "work.marque"])
