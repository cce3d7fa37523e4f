"""However a command ends, it says one sentence and gives one of five exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin

from tests.app.tiny import COLOURS, colour_picture
from tests.checkout import ROOT
from tests.reliability.killing import Ended, Moment, cannot_trace
from tests.reliability.situations import Situations, cannot_mount, facts

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is made here is Linux's")
needs_strace = pytest.mark.skipif(bool(cannot_trace()), reason=cannot_trace() or "strace can trace")
needs_mount = pytest.mark.skipif(bool(cannot_mount()), reason=cannot_mount() or "small disks can be made")

FULL = re.compile("full|No space left")
EXPORTS = ("csv", "xlsx", "jsonl", "coco", "training")


@pytest.fixture(scope="module")
def home(place: Path) -> Path:
    folder = place / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def situations(place: Path, home: Path) -> Iterator[Situations]:
    with Situations(place, MARQUE_HOME=str(home)) as running:
        yield running


@pytest.fixture(scope="module")
def pictures(place: Path) -> Path:
    folder = place / "pictures" / "sedan" / "Rossa 2010"
    folder.mkdir(parents=True)
    for number in range(4):
        colour_picture(COLOURS["Rossa 2010"], seed=number).save(folder / f"{number}.jpg")
    return place / "pictures"


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> tuple[str, ...]:
    return ("--model", str(tiny_model), "--device", "cpu", "--gallery", "none")


@pytest.fixture(scope="module")
def project(situations: Situations, pictures: Path, model: tuple[str, ...], place: Path) -> Path:
    made = place / "work.marque"
    assert situations.run("identify", pictures, "--project", made, *model).code == 0
    return made


def said(ended: Ended, code: int, *words: str) -> None:
    """One line that has these words, and this exit code."""
    assert (ended.code, ended.err.count("\n")) == (code, 1), (ended.code, ended.err)
    assert ended.err.startswith("marque: ") and "defect" not in ended.err
    for word in words:
        assert word in ended.err


def test_nobody_who_reads_and_a_full_output(situations: Situations, pictures: Path, model: tuple[str, ...]) -> None:
    words = ("identify", pictures, *model)
    assert situations.run(*words).code == 0
    said(situations.run(*words, stdout="full"), 2, "standard output: the disk is full")
    ended = situations.run(*words, stdout="gone")
    assert (ended.code, ended.err) == (141, "")
    assert situations.run(*words, stderr="gone").code == 141
    assert situations.run(*words, stderr="full").code == 2
    assert situations.run(*words, stdout="closed").code == 0
    ended = situations.run(*words, stderr="closed")
    assert ended.code == 0 and len(ended.out.splitlines()) == 4
    assert situations.run("identify", "--help", stdout="gone").code == 141
    said(situations.run("doctor", stdout="full"), 2, "standard output: the disk is full")


@needs_mount
@pytest.mark.parametrize("kind", EXPORTS)
def test_every_export_reports_a_full_disk(situations: Situations, project: Path, place: Path, kind: str) -> None:
    disk = place / f"disk {kind}"
    disk.mkdir()
    target = disk / f"out.{kind}"
    ended = situations.run("export", project, "--format", kind, "--out", target, small_disk=(disk, 4))
    if ended.code != 0:  # what is written may fit into the one block that there is
        said(ended, 2, str(target))
        assert FULL.search(ended.err)
        assert situations.listing() == []


@needs_mount
def test_a_full_disk_where_copies_tables_projects_and_galleries_go(
    situations: Situations, pictures: Path, project: Path, model: tuple[str, ...], place: Path
) -> None:
    disk = place / "disk"
    disk.mkdir(exist_ok=True)
    small = {"small_disk": (disk, 4)}
    ended = situations.run("export", project, "--format", "xmp-copies", "--out", disk / "copies", **small)
    assert ended.code in (1, 2) and FULL.search(ended.err) and "defect" not in ended.err
    assert not [name for name in situations.listing() if name.endswith(".part")]
    ended = situations.run("file", project, "--into", disk / "sorted", **small)
    assert ended.code in (1, 2) and FULL.search(ended.err) and "defect" not in ended.err
    situations.run("undo", project)
    ended = situations.run("identify", pictures, "--project", disk / "new.marque", *model, **small)
    assert ended.code == 2 and "new.marque" in ended.err and FULL.search(ended.err) and "defect" not in ended.err
    ended = situations.run("enrol", pictures, "--gallery", disk / "new.gallery", *model[:2], **small)
    assert ended.code == 2 and "new.gallery" in ended.err and FULL.search(ended.err) and "defect" not in ended.err


def test_a_home_that_cannot_be_written(
    situations: Situations, pictures: Path, project: Path, model: tuple[str, ...], place: Path
) -> None:
    closed = place / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    environment = {"MARQUE_HOME": str(closed), "HOME": str(closed)}
    at_home: dict[str, Any] = {"plain_user": True, "environment": environment}
    out = place / "home.csv"
    for words in (
        ("identify", pictures, "--out", out, *model),
        ("identify", pictures, "--project", place / "home.marque", *model),
        ("export", place / "home.marque", "--format", "jsonl", "--out", place / "home.jsonl"),
        ("file", place / "home.marque", "--into", place / "home", "--dry-run"),
        ("undo", place / "home.marque"),
        ("enrol", pictures, "--gallery", place / "home.gallery", *model[:2]),
    ):
        ended = situations.run(*words, **at_home)
        assert ended.code == 0, ended.err
    ended = situations.run("doctor", *model[:2], **at_home)
    assert ended.code == 1 and "the folder for your data cannot be created" in ended.out
    said(
        situations.run(plain_user=True, environment=environment | {"QT_QPA_PLATFORM": "offscreen"}),
        2,
        str(closed),
        "permission denied",
        "MARQUE_HOME",
    )
    assert list(closed.iterdir()) == []


def test_commands_report_files_and_folders_in_place_of_each_other(
    situations: Situations, pictures: Path, project: Path, model: tuple[str, ...]
) -> None:
    folder, file = pictures, next(pictures.rglob("*.jpg"))
    for words in (
        ("identify", pictures, *model[2:], "--model", folder),
        ("identify", pictures, *model[:4], "--gallery", folder),
        ("identify", pictures, *model[:4], "--gallery", file),
        ("identify", pictures, *model, "--out", folder),
        ("identify", pictures, *model, "--out", file / "x.csv"),
        ("identify", pictures, *model, "--project", folder),
        ("identify", pictures, *model, "--project", file),
        ("identify", pictures, *model, "--project", file / "x.marque"),
        ("identify", file / "x.jpg", *model),
        ("export", folder, "--format", "csv"),
        ("export", file, "--format", "csv"),
        *(("export", project, "--format", kind, "--out", folder) for kind in EXPORTS),
        *(("export", project, "--format", kind, "--out", file / "x") for kind in EXPORTS),
        ("export", project, "--format", "xmp-copies", "--out", file),
        ("file", project, "--into", file),
        ("file", folder, "--into", folder),
        ("undo", folder),
        ("undo", file),
        ("enrol", file / "x", "--gallery", folder / "x.gallery", *model[:2]),
        ("enrol", pictures, "--gallery", folder, *model[:2]),
        ("enrol", pictures, "--gallery", file, *model[:2]),
        ("enrol", file, "--gallery", folder / "x.gallery", *model[:2]),
    ):
        ended = situations.run(*words)
        assert ended.code in (1, 2), (words, ended)
        assert "defect" not in ended.err and "Traceback" not in ended.err, (words, ended.err)
        assert ended.err.startswith("marque: "), (words, ended.err)
    ended = situations.run("doctor", "--model", folder)
    assert ended.code == 1 and "problem:" in ended.out


def test_every_line_is_json(
    situations: Situations, pictures: Path, project: Path, model: tuple[str, ...], place: Path
) -> None:
    bad = place / "bad"
    bad.mkdir()
    spoil(bad)
    for words, code in (
        (("identify", bad, "--out", place / "bad.csv", *model), 0),
        (("identify", bad, *model), 0),
        (("export", project, "--format", "csv", "--out", place / "json.csv"), 0),
        (("export", project, "--format", "xmp-copies", "--out", place / "json"), 0),
        (("file", project, "--into", place / "json sorted", "--dry-run"), 0),
        (("file", project, "--into", place / "json sorted"), 0),
        (("undo", project), 0),
        (("enrol", pictures, "--gallery", place / "json.gallery", *model[:2]), 0),
        (("doctor", *model[:2]), 0),
        (("identify", "--nonsense"), 2),
        (("identify", place / "nowhere", *model), 2),
        (("export", place / "no.marque", "--format", "csv"), 2),
    ):
        ended = situations.run(*words, "--json")
        assert ended.code == code, (words, ended)
        told = [json.loads(line) for line in (*ended.out.splitlines(), *ended.err.splitlines())]
        assert told and all("event" in one for one in told)
        assert told[-1]["event"] == ("done" if code == 0 else "error")


def test_what_libraries_say_goes_to_the_log(
    situations: Situations, model: tuple[str, ...], place: Path, home: Path
) -> None:
    folder = place / "noisy"
    folder.mkdir()
    spoil(folder)
    ended = situations.run("identify", folder, "--out", place / "noisy.csv", *model, noisy=True)
    assert ended.code == 0
    summary, table = ended.err.splitlines()
    assert "photos: " in summary and table == f"table: {place / 'noisy.csv'}"
    log, raw = ((home / "data" / name).read_text() for name in ("marque.log", "libraries.log"))
    assert "a warning of a library" in log and "an error of a library" in log
    assert "written past Python" in raw and "printed by a library" in raw


def test_a_defect_is_a_sentence_and_the_log_has_the_rest(situations: Situations, home: Path) -> None:
    said_of = r"this is a defect of Marque (LookupError: what nobody\x1b[31m expects)"
    ended = situations.run("doctor", defect=True)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said_of in ended.err and "marque doctor --report" in ended.err
    log = home / "data" / "marque.log"
    assert str(log) in ended.err and "Traceback" in log.read_text()
    (event,) = facts(situations.run("doctor", "--json", defect=True))
    assert event["event"] == "error" and said_of in event["text"]


def spoil(folder: Path) -> None:
    """Pictures about which the libraries that read them complain."""
    colour_picture(COLOURS["Rossa 2010"]).save(folder / "good.jpg")
    raw = (folder / "good.jpg").read_bytes()
    exif = b"\xff\xe1\x00\x10Exif\0\0II*\0\xff\xff\xff\xff"
    (folder / "exif.jpg").write_bytes(raw[:2] + exif + raw[2:])
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[65000] = "a tag of nobody"
    colour_picture(COLOURS["Rossa 2010"]).save(folder / "tags.tif", tiffinfo=tags, compression="tiff_lzw")
    tiff = bytearray((folder / "tags.tif").read_bytes())
    (folder / "cut.tif").write_bytes(bytes(tiff[: len(tiff) // 2]))
    (folder / "damaged.tif").write_bytes(bytes(tiff[:40]) + bytes(60) + bytes(tiff[100:]))
    Image.new("1", (12_000, 9_000)).save(folder / "large.png")  # a warning of Pillow's, as it could be a bomb


@needs_strace
@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_ctrl_c_and_sigterm_end_each_command_with_130(
    situations: Situations, pictures: Path, project: Path, model: tuple[str, ...], place: Path, signal: str
) -> None:
    for words in long_commands(pictures, project, model, place / signal):
        moments = [one for one in situations.moments(*words) if one.call != "write"]
        clean(place / signal)
        interrupted(situations, signal, moments[len(moments) // 2], words)
        clean(place / signal)
    situations.run("undo", project)


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_a_signal_at_any_moment_leaves_everything_sound(
    situations: Situations, pictures: Path, project: Path, model: tuple[str, ...], place: Path, signal: str
) -> None:
    for words in long_commands(pictures, project, model, place / signal):
        moments = situations.moments(*words)
        for moment in moments[:: max(1, len(moments) // 40)]:
            clean(place / signal)
            interrupted(situations, signal, moment, words)
        clean(place / signal)
    situations.run("undo", project)


def long_commands(pictures: Path, project: Path, model: tuple[str, ...], out: Path) -> Iterator[tuple[object, ...]]:
    out.mkdir(exist_ok=True)
    yield "identify", pictures, "--out", out / "a.csv", *model
    yield "identify", pictures, "--project", out / "a.marque", *model
    yield "export", project, "--format", "csv", "--out", out / "b.csv"
    yield "export", project, "--format", "xmp-copies", "--out", out / "copies"
    yield "file", project, "--into", out / "sorted"
    yield "enrol", pictures, "--gallery", out / "a.gallery", *model[:2]


def clean(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def interrupted(situations: Situations, signal: str, moment: Moment, words: tuple[object, ...]) -> None:
    ended = situations.signal(signal, moment, *words)
    # 0: all was done when it came; below 0: in the instant between the end of the command and that of Python
    assert ended.code in (0, 130, -2, -15), (words, moment, ended)
    assert "Traceback" not in ended.err and "defect" not in ended.err
    if ended.code == 130 and ended.err:  # nothing can be said before the streams are in order
        assert "interrupted" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["model.train", "model.study"])
@pytest.mark.parametrize("seconds", [0.3, 2.0, 6.0, 12.0])
def test_ctrl_c_ends_a_command_of_the_trainer(tmp_path: Path, command: str, seconds: float) -> None:
    small = ("--data", "demo:", "--weights", "none")
    words = {
        "model.train": [*small, "--out", str(tmp_path / "run"), "--backbone", "resnet18", "--size", "64"],
        "model.study": ["costs", *small, "--out", str(tmp_path / "study")],
    }[command]
    run = subprocess.Popen(
        [sys.executable, "-m", command, *words],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"MARQUE_HOME": str(tmp_path / "home")},
    )
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        run.send_signal(2)
    _, err = run.communicate(timeout=400)
    # 0: stopped with a checkpoint; minus 2: it ended itself by the signal, which a shell shows as 130
    assert run.returncode in (0, 130, -2), err
    assert "Traceback" not in err


def test_an_encoding_that_has_no_word_for_a_name(tmp_path: Path, tiny_model: Path) -> None:
    folder = tmp_path / "caf\xe9 \u202eabc\x1b[31m"
    folder.mkdir()
    colour_picture(COLOURS["Rossa 2010"]).save(folder / "photo.jpg")
    run = subprocess.run(
        [
            *(sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", "identify", str(folder)),
            *("--model", str(tiny_model), "--gallery", "none", "--device", "cpu"),
        ],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert run.returncode == 0 and run.stdout.isascii()
    assert rb"caf\xe9 \u202eabc\x1b[31m/photo.jpg" in run.stdout


def test_json_of_an_interruption_before_anything_is_loaded(situations: Situations) -> None:
    ended = situations.run("identify", "--json", "nowhere")
    assert [one["event"] for one in facts(ended)] == ["error"]


@pytest.mark.parametrize("seconds", [6, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.5, 1, 1.5, 2, 3))])
@pytest.mark.parametrize("signal", [15, pytest.param(2, marks=pytest.mark.slow)])
def test_the_window_on_a_data_folder_that_cannot_be_written_ends_at_a_signal(
    tmp_path: Path, tiny_model: Path, signal: int, seconds: float
) -> None:
    """Open, or (on a busy computer, or early) while it is being loaded or made."""
    for name in ("data", "config"):
        (tmp_path / "home" / name).mkdir(parents=True)
        (tmp_path / "home" / name).chmod(0o555)
    program = (
        "import sys; from tests.reliability.situations import give_up_rights; give_up_rights(); "
        "from app.cli import main; print('begins', flush=True); sys.exit(main(sys.argv[1:]))"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, "--model", str(tiny_model), "--gallery", str(tmp_path / "none.gallery")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"MARQUE_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"},
    )
    assert run.stdout is not None and run.stdout.readline() == "begins\n"
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(seconds)
    run.send_signal(signal)
    _, err = run.communicate(timeout=400)
    assert run.returncode == 130 and err in ("", "interrupted\n", "marque: interrupted\n")
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
