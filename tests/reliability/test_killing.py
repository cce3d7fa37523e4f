"""The tests of kills kill where they say: a check of the tool itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.reliability.killing import Commands, Moment, cannot_trace

pytestmark = pytest.mark.skipif(bool(cannot_trace()), reason=cannot_trace() or "strace can trace")


def work(words: list[str]) -> int:
    """What the test kills: a file in two writes, named, then a line on standard output."""
    folder = Path(words[0])
    folder.mkdir()
    with (folder / "part").open("wb", buffering=0) as file:
        file.write(b"first ")
        file.write(b"second")
    (folder / "part").rename(folder / "whole")
    sys.stdout.write("done\n")
    return 3


def test_a_command_is_killed_before_the_call_and_not_after_it(tmp_path: Path) -> None:
    with Commands(tmp_path, "tests.reliability.test_killing:work") as commands:
        names = iter("abcdefgh")

        def killed(at: Moment | float) -> tuple[int | None, dict[str, bytes] | None]:
            folder = tmp_path / next(names)
            ended = commands.kill(folder, at=at)
            files = {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else None
            return ended.code, files

        ended = commands.run(tmp_path / next(names))
        assert (ended.code, ended.out, ended.err) == (3, "done\n", "")
        moments = commands.moments(tmp_path / next(names))
        assert [moment.call for moment in moments] == ["mkdir", "write", "write", "rename", "write"]
        assert killed(moments[0]) == (None, None)
        assert killed(moments[1]) == (None, {"part": b""})
        assert killed(moments[2]) == (None, {"part": b"first "})
        assert killed(moments[3]) == (None, {"part": b"first second"})
        assert killed(Moment("rename", 2)) == (3, {"whole": b"first second"})
        assert killed(0.0)[0] is None
