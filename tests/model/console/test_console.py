from __future__ import annotations

import errno
import io

import pytest
from rich.table import Table

from model.console import console


class Broken(io.StringIO):
    """Standard output that takes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, _text: str) -> int:
        raise OSError(self.number, "not taken")


def table() -> Table:
    drawn = Table()
    drawn.add_column("figure")
    drawn.add_row("0.5")
    return drawn


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 2), (errno.EPIPE, 141)])
def test_a_table_that_nobody_can_read_ends_the_command(
    number: int, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Broken(number))

    def work() -> int:
        console.show(table(), {})
        return 0

    assert console.run(work) == code
    said = capfd.readouterr().err
    assert said.startswith("error: standard output: the disk is full") if code == 2 else said == ""


def test_a_table_is_drawn_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    console.show(table(), {})
    assert "0.5" in capsys.readouterr().out
