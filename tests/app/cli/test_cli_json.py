from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from tests.app.tiny import colour_picture
from tests.checkout import ROOT


def events(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def identify(photos: Path, model: Path, *more: object) -> list[str]:
    return ["identify", str(photos), "--model", str(model), "--device", "cpu", "--json", *map(str, more)]


def test_a_table_run_reports_progress_and_counts(
    tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "broken.jpg").write_text("no picture")
    out = tmp_path / "labels.csv"
    assert main(identify(photos, tiny_model, "--out", out, "--batch", 5)) == 0
    captured = capsys.readouterr()
    *progress, done = events(captured.err)
    assert captured.out == "" and captured.err.isascii()
    assert {one["event"] for one in progress} == {"progress"}
    assert all(one.keys() == {"event", "done", "total", "rate", "seconds_left"} for one in progress)
    assert (progress[0]["done"], progress[0]["total"], progress[0]["seconds_left"]) == (0, 13, None)
    assert (progress[-1]["done"], progress[-1]["total"], progress[-1]["seconds_left"]) == (13, 13, 0)
    assert progress[-1]["rate"] > 0
    assert done.pop("seconds") > 0 and done.pop("rate") > 0
    assert done == {
        **{"event": "done", "interrupted": False, "photos": 13, "identified": 12, "coarse_only": 0, "unknown": 0},
        **{"errors": 1, "processor": "CPU", "reason": "the CPU was asked for", "table": str(out)},
    }


def test_a_line_a_photo_stays_on_standard_output(
    tiny_model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(identify(photos, tiny_model)) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 12
    assert events(captured.err)[-1]["event"] == "done" and "table" not in events(captured.err)[-1]


def test_a_project_run_reports_the_same(
    tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "broken.jpg").write_text("no picture")
    (photos / "round.jpg").symlink_to(photos / "round.jpg")
    place = tmp_path / "work.marque"
    assert main(identify(photos, tiny_model, "--project", place)) == 0
    told = events(capsys.readouterr().err)
    assert [one["text"] for one in told if one["event"] == "warning"] == [
        f"{photos / 'round.jpg'}: the link cannot be followed ({os.strerror(errno.ELOOP)})"
    ]
    progress = [one for one in told if one["event"] == "progress"]
    assert (progress[-1]["done"], progress[-1]["total"]) == (13, 13)
    done = told[-1]
    assert done["event"] == "done" and done["project"] == str(place)
    assert [done[name] for name in ("photos", "images", "predicted", "failed", "waiting")] == [13, 13, 12, 1, 0]
    assert main(identify(photos, tiny_model, "--project", place)) == 0
    done = events(capsys.readouterr().err)[-1]
    assert (done["photos"], done["rate"], done["images"]) == (0, 0, 13)


def test_without_json_the_problems_of_a_project_run_are_reported_too(
    tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "round.jpg").symlink_to(photos / "round.jpg")
    assert main(["identify", str(photos), "--model", str(tiny_model), "--project", str(tmp_path / "w.marque")]) == 0
    assert f"marque: {photos / 'round.jpg'}: the link cannot be followed" in capsys.readouterr().err


def test_what_cannot_be_used_is_an_event_too(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(identify(tmp_path / "nowhere", tiny_model)) == 2
    assert events(capsys.readouterr().err) == [
        {"event": "error", "text": f"{tmp_path / 'nowhere'}: there is no such file or folder"}
    ]


def test_a_name_that_cannot_be_decoded_is_escaped(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"\xe9")
    folder.mkdir()
    colour_picture((220, 20, 30)).save(folder / "a.png")
    assert main(identify(folder, tiny_model, "--out", folder / "l.csv")) == 0
    assert os.fsencode(events(capsys.readouterr().err)[-1]["table"]) == os.fsencode(folder / "l.csv")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("kind", ["--out", "--project"])
def test_ctrl_c_is_reported(tiny_model: Path, photos: Path, tmp_path: Path, kind: str) -> None:
    one = (photos / "sedan" / "Rossa 2010" / "1.jpg").read_bytes()
    many = tmp_path / "many"
    many.mkdir()
    for i in range(3000):
        (many / f"{i}.jpg").write_bytes(one)
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())"]
    run = subprocess.Popen(
        [*command, *identify(many, tiny_model, "--batch", 4, kind, tmp_path / "out")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    told = []
    while not told or not told[-1].get("done"):
        told.append(json.loads(run.stderr.readline()))
    run.send_signal(signal.SIGINT)
    _, rest = run.communicate(timeout=30)
    done = events(rest)[-1]
    assert run.returncode == 130
    assert done["event"] == "done" and done["interrupted"] and 0 < done["photos"] < 3000
    if kind == "--out":
        assert done["table"] == str(tmp_path / "out.incomplete")
