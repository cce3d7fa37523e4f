"""A log followed while another process writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.system import log_tail
from app.core.system.log_tail import LogTail


def shown(tail: LogTail, before: list[str]) -> list[str]:
    """What a reader has on the screen after another look, whole lines and the partial one."""
    came = tail.poll()
    if came is None:
        return before
    return [*([] if came.restarted else before[:-1]), *came.lines, came.partial]


def test_lines_come_as_they_are_written_and_bars_are_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    tail = LogTail(path)
    assert tail.poll() is None
    path.write_bytes(b"one\ntw")
    lines = shown(tail, [])
    assert lines == ["one", "tw"] and tail.poll() is None
    with path.open("ab") as file:
        file.write(b"o\n 1 %\r 5")
        file.flush()
        lines = shown(tail, lines)
        assert lines == ["one", "two", " 5"]
        file.write(b" %\r")
        file.write("100 %\nschö".encode()[:-1])  # within a letter
        file.flush()
        lines = shown(tail, lines)
        assert lines[:3] == ["one", "two", "100 %"]
        file.write("schö".encode()[-1:])
    assert shown(tail, lines) == ["one", "two", "100 %", "schö"]
    path.write_bytes(b"again\n")
    came = tail.poll()
    assert came is not None and came.restarted and came.lines == ("again",)


def test_of_a_long_log_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "_MOST", 1000)
    path = tmp_path / "long.log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    tail = LogTail(path)
    came = tail.poll()
    assert came is not None and came.restarted and came.lines[-1] == "line 4999" and len(came.lines) < 100
    assert came.skipped + sum(len(line) + 1 for line in came.lines) == path.stat().st_size
    with path.open("a") as file:
        file.write("".join(f"more {number}\n" for number in range(500)))
    came = tail.poll()
    assert came is not None and came.restarted and came.skipped > 40_000 and came.lines[-1] == "more 499"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab\n\rö", max_size=12), max_size=8))
def test_pieces_show_the_same_as_the_whole(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    path = Path(tmp_path_factory.mktemp("log")) / "a.log"
    tail, lines = LogTail(path), [""]
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece.encode())
        lines = shown(tail, lines)
    assert lines == shown(LogTail(path), [""])
