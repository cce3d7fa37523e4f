from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from rich.table import Table

from model import aims, calibrate, card, evaluate, export, pace, study, train, versus
from model.console import console, interruption
from model.console.arguments import read
from model.system.errors import ReaderGoneError

COMMANDS = (aims, calibrate, card, evaluate, export, pace, study, train, versus)


@pytest.fixture(autouse=True)
def words_afterwards() -> Iterator[None]:
    yield
    console.speak_json(False)
    console.console.quiet = False


def command(place: Path) -> Path:
    """Do something.

    Args:
        place: Where.
    """
    return place


def events(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.__name__)
def test_wrong_usage_of_every_command_is_a_line_of_json(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["command", "--nonsense", "--json"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 2
    captured = capsys.readouterr()
    (told,) = events(captured.err)
    assert captured.out == "" and told["event"] == "error" and "--help" in told["text"]


def test_whatever_a_command_says_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert read(command, "model.some", ["--json", "--place", "x"]) == Path("x")

    def work() -> int:
        console.note("a word")
        with console.progress() as bar:
            assert list(bar.track(range(3), description="reading")) == [0, 1, 2]
            task = bar.add_task("training", total=2)
            bar.advance(task)
            bar.update(task, advance=1)
        console.result("two\nlines")
        console.show(Table(), {"figure": 0.5})
        raise ReaderGoneError

    assert console.run(work) == 141
    console.fail("it broke")
    captured = capsys.readouterr()
    assert events(captured.out) == [{"event": "result", "text": "two\nlines"}, {"event": "result", "figure": 0.5}]
    note, *progress, error = events(captured.err)
    assert note == {"event": "note", "text": "a word"} and error == {"event": "error", "text": "it broke"}
    assert {one["event"] for one in progress} == {"progress"}
    ends = {one["what"]: (one["done"], one["total"]) for one in progress}
    assert ends == {"reading": (3, 3), "training": (2, 2)}


def test_the_next_command_speaks_words(capsys: pytest.CaptureFixture[str]) -> None:
    read(command, "model.some", ["--json", "--place", "x"])
    read(command, "model.some", ["--place", "x"])
    console.note("a word")
    assert capsys.readouterr().err == "a word\n"


def test_the_help_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read(command, "model.some", ["--help", "--json"])
    assert not ended.value.code and "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"), [([], "interrupted\n"), (["--json"], '{"event": "error", "text": "interrupted"}\n')]
)
def test_an_interruption_while_a_command_is_loaded(
    more: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["command", *more])
    monkeypatch.setattr("sys.excepthook", interruption._on_exception)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err == said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process can answer")
@pytest.mark.parametrize(
    ("more", "said"), [([], "interrupted\n"), (["--json"], '{"event": "error", "text": "interrupted"}\n')]
)
def test_sigterm_while_a_command_is_loaded_is_as_ctrl_c(more: list[str], said: str) -> None:
    program = "import os, signal, model; os.kill(os.getpid(), signal.SIGTERM); import torch"
    ended = subprocess.run([sys.executable, "-c", program, *more], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, said)  # which a shell calls 130


def test_a_worker_process_ends_at_sigterm() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(_answers_sigterm).result() is signal.SIG_DFL


def test_an_earlier_answer_to_sigterm_is_kept() -> None:
    program = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); import model; "
        "print(signal.getsignal(signal.SIGTERM) is signal.SIG_IGN)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"


def _answers_sigterm() -> object:
    return signal.getsignal(signal.SIGTERM)
