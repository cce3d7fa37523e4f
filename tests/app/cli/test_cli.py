from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.cli import main
from app.cli.enrol import source_spec
from app.core.gallery.gallery import Gallery
from app.core.gallery.selection import own_place
from app.core.system import paths
from model.contract.bundle import Variant, read, read_info, write
from tests.app.tiny import GREEN, FailingGpu, colour_picture, write_tiny_model
from tests.checkout import ROOT


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def no_bundled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Resources without a model, so that the tests do not depend on which one is supplied."""
    folder = tmp_path / "resources"
    (folder / "models").mkdir(parents=True)
    monkeypatch.setattr(paths, "resources", lambda: folder)
    return folder / "models"


def test_a_folder_becomes_a_table(
    tiny_model: Path, tiny_gallery: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "sedan" / "broken.jpg").write_text("no picture")
    out = tmp_path / "labels.csv"
    arguments = ["identify", str(photos), "--out", str(out), "--model", str(tiny_model), "--gallery", str(tiny_gallery)]
    assert main([*arguments, "--batch", "5"]) == 0
    table = rows(out)
    assert len(table) == 13
    for row in table:
        path = Path(row["path"])
        if path.name == "broken.jpg":
            assert (row["status"], row["reason"]) == ("error", "not a picture in a format this program reads")
        else:
            assert (row["status"], row["label"], row["neighbour_1"]) == (
                "identified",
                path.parent.name,
                path.parent.name,
            )
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "13 photos: 12 identified, 0 type only, 0 unknown, 1 error;" in captured.err
    assert f"table: {out}" in captured.err


def test_without_a_table_each_photo_is_a_line(
    tiny_model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["identify", str(photos / "ship"), "--model", str(tiny_model), "--device", "cpu"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 6
    assert lines[0].split(maxsplit=3)[0] == "identified"
    assert "Azzurra class" in lines[0]
    assert lines[0].endswith(str(photos / "ship" / "Azzurra class" / "1.jpg"))
    assert "on CPU (the CPU was asked for)" in captured.err


def test_a_line_never_claims_certainty(tiny_model: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", str(photos / "ship"), "--model", str(tiny_model), "--device", "cpu"]) == 0
    figures = [line[12:20].strip() for line in capsys.readouterr().out.splitlines()]
    assert ">99 %" in figures and "100 %" not in figures


def test_a_project_run_counts_answers_whatever_they_say(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    colour_picture((220, 20, 30)).save(tmp_path / "red.png")
    arguments = ["identify", str(tmp_path), "--model", str(tiny_model), "--project", str(tmp_path / "p.marque")]
    assert main(arguments) == 0
    assert "1 photo, 1 with an answer, 0 errors, 0 waiting; 1 in this run" in capsys.readouterr().err
    colour_picture((5, 5, 5)).save(tmp_path / "dark.png")
    assert main(["identify", str(tmp_path / "dark.png"), "--model", str(tiny_model)]) == 0
    assert capsys.readouterr().out.startswith("unknown")
    assert main(arguments) == 0
    assert "2 photos, 2 with an answer, 0 errors, 0 waiting; 1 in this run" in capsys.readouterr().err


def test_a_project_answers_again_with_a_gallery_that_has_changed(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own" / "tram" / "Verde").mkdir(parents=True)
    colour_picture(GREEN).save(tmp_path / "own" / "tram" / "Verde" / "1.png")
    colour_picture(GREEN, seed=1).save(tmp_path / "green.png")
    gallery, project = tmp_path / "own.gallery", tmp_path / "p.marque"
    model = ["--model", str(tiny_model)]
    identify = ["identify", str(tmp_path / "green.png"), *model, "--project", str(project)]

    def label() -> str:
        capsys.readouterr()
        assert main(["export", str(project), "--format", "csv", "--out", str(tmp_path / "labels.csv")]) == 0
        with (tmp_path / "labels.csv").open(newline="", encoding="utf-8") as table:
            return next(csv.DictReader(table))["label"]

    assert main([*identify, "--gallery", "none"]) == 0
    before = label()
    assert main(["enrol", str(tmp_path / "own"), *model, "--gallery", str(gallery)]) == 0
    assert main([*identify, "--gallery", str(gallery)]) == 0
    assert label() == before != "Verde"
    assert main([*identify, "--gallery", str(gallery), "--again"]) == 0
    assert "1 with an answer, 0 errors, 0 waiting; 1 in this run" in capsys.readouterr().err
    assert label() == "Verde"
    assert main(["identify", str(tmp_path / "green.png"), *model, "--again"]) == 2
    assert "--again needs a project" in capsys.readouterr().err


def test_a_gpu_that_fails_while_files_are_identified_gives_way_and_is_reported(
    tiny_model: Path, photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.identify.Engine", FailingGpu)
    assert main(["identify", str(photos), "--model", str(tiny_model), "--batch", "5"]) == 0
    captured = capsys.readouterr()
    assert [line.split()[0] for line in captured.out.splitlines()] == ["identified"] * 12
    failed = "the GPU failed (the inference failed (out of memory))"
    assert f"marque: {failed}: continuing on the CPU" in captured.err
    assert f"on CPU ({failed})" in captured.err


def test_a_file_name_that_cannot_be_decoded_does_not_stop_the_run(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    colour_picture((220, 20, 30)).save(folder / "a.png")
    (folder / "a.png").rename(folder / os.fsdecode(b"\xe9.png"))
    out = tmp_path / "l.csv"
    assert main(["identify", str(folder), "--model", str(tiny_model)]) == 0
    assert main(["identify", str(folder), "--model", str(tiny_model), "--out", str(out)]) == 0
    assert b"\xe9.png" in out.read_bytes()


def test_the_supplied_model_and_gallery_are_used(
    tiny_model: Path, tiny_gallery: Path, photos: Path, no_bundled_model: Path, tmp_path: Path
) -> None:
    shutil.copy(tiny_model, no_bundled_model / "marque.onnx")
    write_tiny_model(no_bundled_model / "another.onnx", name="another")
    shutil.copy(tiny_gallery, no_bundled_model / "marque.gallery")
    photo, out = photos / "sedan" / "Rossa 2010" / "1.jpg", tmp_path / "l.csv"
    assert main(["identify", str(photo), "--out", str(out)]) == 0
    assert rows(out)[0]["model"].startswith("tiny colours ")
    assert rows(out)[0]["neighbour_5"] == "Gialla 2012"
    assert main(["identify", str(photo), "--out", str(out), "--gallery", "none"]) == 0
    assert rows(out)[0]["neighbour_1"] == ""
    assert sorted(path.name for path in no_bundled_model.iterdir()) == ["another.onnx", "marque.gallery", "marque.onnx"]


def test_a_variant_takes_the_gallery_of_its_model(
    tiny_model: Path, tiny_gallery: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(tiny_gallery, tmp_path / "m.gallery")
    info, graph = read(tiny_model)
    variant, out = tmp_path / "m.int8.onnx", tmp_path / "l.csv"
    write(variant, graph, info.model_copy(update={"variant": Variant.INT8}))
    arguments = ["identify", str(photos / "sedan"), "--out", str(out), "--model", str(variant)]
    assert main(arguments) == 0
    assert rows(out)[0]["neighbour_1"] == "Gialla 2012"
    assert main([*arguments, "--precision", "fp32"]) == 2
    assert "this file is the int8 variant; open the fp32 file" in capsys.readouterr().err
    assert paths.bundled_gallery(tmp_path / "m.other.onnx") is None
    shutil.copy(tiny_gallery, tmp_path / "m.int8.gallery")
    assert paths.bundled_gallery(variant) == tmp_path / "m.int8.gallery"


def test_what_cannot_be_used_is_one_line_and_exit_2(
    tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = str(photos / "sedan" / "Rossa 2010" / "1.jpg")
    empty = tmp_path / "empty"
    empty.mkdir()
    with Gallery.create(tmp_path / "other.gallery", "f00d", 4):
        pass
    model = ["--model", str(tiny_model)]
    for arguments, message in [
        (["identify", photo], "this installation has no identification model"),
        (["identify", photo, "--model", str(tmp_path / "no.onnx")], "the model file does not exist"),
        (["identify", photo, "--model", photo], "not an ONNX file"),
        (["identify", str(tmp_path / "nowhere"), *model], "there is no such file or folder"),
        (["identify", str(empty), *model], "no photo found"),
        (["identify", photo, *model, "--gallery", str(tmp_path / "no.gallery")], "the gallery does not exist"),
        (["identify", photo, *model, "--gallery", photo], "not a Marque gallery"),
        (["identify", photo, *model, "--gallery", str(tmp_path / "other.gallery")], "another identification model"),
        (["identify", photo, *model, "--out", str(tmp_path / "no" / "l.csv")], "no does not exist; make it first"),
        (["identify", photo, *model, "--out", str(tmp_path)], "this is a folder"),
        (["enrol", str(tmp_path / "nowhere"), *model, "--gallery", str(tmp_path / "g")], "no such file or folder"),
        (["enrol", str(empty), *model, "--gallery", str(tmp_path / "g")], "it has no class folders"),
        (["enrol", str(photos), *model, "--gallery", str(tmp_path / "other.gallery")], "another identification model"),
    ]:
        assert main(arguments) == 2, arguments
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.startswith("marque: ")
        assert captured.err.count("\n") == 1
        assert captured.out == ""
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("arguments", [["identify"], ["identify", "x", "--batch", "0"], ["enrol", "x"], ["--nonsense"]])
def test_wrong_usage_is_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: marque" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["identify", "--help"], ["enrol", "--help"], ["doctor", "--help"]])
def test_every_command_explains_itself(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    if arguments == ["--help"]:
        assert all(f"  {command} " in text for command in ("identify", "enrol", "doctor"))
    else:
        assert "exit codes:" in text


def test_enrol_makes_a_gallery_that_identify_uses(
    tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery, out = tmp_path / "mine.gallery", tmp_path / "l.csv"
    (photos / "sedan" / "Rossa 2010" / "bad.jpg").write_text("no picture")
    enrol = ["enrol", str(photos), "--gallery", str(gallery), "--model", str(tiny_model)]
    assert main([*enrol, "--limit-per-class", "1"]) == 1
    assert "4 added, 0 already there, 1 skipped;" in capsys.readouterr().err
    assert main(enrol) == 1
    message = capsys.readouterr().err
    assert f"8 added, 4 already there, 1 skipped; {gallery} holds 12 photos of 2 types, 4 classes" in message
    assert "bad.jpg" in message
    (photos / "sedan" / "Rossa 2010" / "bad.jpg").unlink()
    assert main(enrol) == 0
    photo = photos / "ship" / "Azzurra class" / "2.jpg"
    assert main(["identify", str(photo), "--model", str(tiny_model), "--gallery", str(gallery), "--out", str(out)]) == 0
    assert rows(out)[0]["neighbour_1"] == "Azzurra class"
    assert float(rows(out)[0]["neighbour_1_similarity"]) == pytest.approx(1, abs=1e-3)


def test_enrol_reads_a_table_of_labels(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    labels = photos / "labels.csv"
    labels.write_text("file,coarse,fine\nsedan/Rossa 2010/1.jpg,sedan,\nship/Celeste class/1.jpg,ship,New class\n")
    for source, name in ((str(labels), "a"), (f"table:{labels}", "b")):
        gallery = tmp_path / f"{name}.gallery"
        assert main(["enrol", source, "--gallery", str(gallery), "--model", str(tiny_model), "--portable"]) == 0
        with Gallery.open(gallery) as opened:
            references = opened.references()
        assert {(r.coarse, r.fine, r.path) for r in references} == {
            ("sedan", None, "sedan/Rossa 2010/1.jpg"),
            ("ship", "New class", "ship/Celeste class/1.jpg"),
        }


def test_kinds_of_sources_are_distinguished(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("")
    assert source_spec(str(tmp_path)) == f"folder:{tmp_path}"
    assert source_spec(f"cars196:{tmp_path}") == f"cars196:{tmp_path}"
    assert source_spec(f"coco:{tmp_path / 'l.csv'}") == f"coco:{tmp_path / 'l.csv'}"
    assert source_spec(str(tmp_path / "l.csv")) == f"table:{tmp_path / 'l.csv'}"


def test_doctor_reports_a_working_installation(
    tiny_model: Path, tiny_gallery: Path, no_bundled_model: Path, capsys: pytest.CaptureFixture[str], marque_home: Path
) -> None:
    shutil.copy(tiny_model, no_bundled_model / "marque.onnx")
    shutil.copy(tiny_gallery, no_bundled_model / "marque.gallery")
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    for part in (
        "tiny colours",
        "2 types, 4 classes",
        "32 x 32",
        "its confidences are not calibrated",
        "12 photos of 2 types, 4 classes",
        "processor:",
        str(marque_home),
    ):
        assert part in text
    assert text.rstrip().endswith("no problems found")


def test_doctor_names_problems(
    tiny_model: Path,
    tmp_path: Path,
    no_bundled_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["doctor"]) == 1
    assert "problem:      this installation has no identification model" in capsys.readouterr().out
    shutil.copy(tiny_model, no_bundled_model / "marque.onnx")
    (no_bundled_model / "marque.gallery").write_text("no gallery")
    assert main(["doctor"]) == 1
    assert "not a Marque gallery" in capsys.readouterr().out
    (no_bundled_model / "marque.gallery").unlink()
    own = own_place(read_info(tiny_model).fingerprint)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("no gallery either")
    assert main(["doctor"]) == 1
    assert f"problem:      {own}" in capsys.readouterr().out
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "file" / "home"))
    assert main(["doctor"]) == 1
    assert "the folder for your data cannot be created" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE")
def test_a_reader_that_goes_away_does_not_count_as_a_fault(tiny_model: Path, photos: Path) -> None:
    command = "import sys; from app.cli import main; sys.exit(main())"
    arguments = [sys.executable, "-c", command, "identify", str(photos), "--model", str(tiny_model)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read() and process.wait() == 141


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_keeps_what_was_done(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    one = (photos / "sedan" / "Rossa 2010" / "1.jpg").read_bytes()
    many = tmp_path / "many"
    many.mkdir()
    for i in range(3000):
        (many / f"{i}.jpg").write_bytes(one)
    out = tmp_path / "labels.csv"
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", "identify", str(many)]
    run = subprocess.Popen(
        [*command, "--out", str(out), "--model", str(tiny_model), "--batch", "4"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    part = tmp_path / "labels.csv.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 2000) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, message = run.communicate(timeout=30)
    assert run.returncode == 130, message
    assert "Traceback" not in message
    kept = rows(tmp_path / "labels.incomplete.csv")
    assert 0 < len(kept) < 3000
    assert [Path(row["path"]).name for row in kept] == [f"{i}.jpg" for i in range(len(kept))]
    assert all(row["status"] == "identified" for row in kept)
    assert "labels.incomplete.csv" in message
    assert not out.exists()
    assert not part.exists()


def test_the_users_folders_follow_the_variable(marque_home: Path) -> None:
    for folder in (paths.user_data_dir(), paths.user_config_dir()):
        assert folder.is_dir()
        assert folder.parent == marque_home


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_the_window_says_when_it_has_no_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 2
    assert "needs a screen" in capsys.readouterr().err


def test_a_supplied_model_is_used_by_its_name(
    tiny_model: Path, photos: Path, no_bundled_model: Path, tmp_path: Path
) -> None:
    shutil.copy(tiny_model, no_bundled_model / "marque.onnx")
    write_tiny_model(no_bundled_model / "marque-lite.onnx", name="lite")
    out = tmp_path / "labels.csv"
    for arguments, used in (((), "tiny"), (("--model", "marque-lite"), "lite")):
        assert main(["identify", str(photos), "--out", str(out), "--gallery", "none", *arguments]) == 0
        assert {row["model"].split()[0] for row in rows(out)} == {used}
