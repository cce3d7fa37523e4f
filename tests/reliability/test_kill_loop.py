"""Every command that writes, killed: nothing is lost, and once more it ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.kill_loop import KillLoop, kill_training, table
from tests.reliability.killing import Commands, cannot_trace
from tests.reliability.operations import Site, operations, prepare

pytestmark = pytest.mark.skipif(bool(cannot_trace()), reason=cannot_trace() or "strace can trace")

_QUICK = ("identify, table", "identify, project", "file --move", "undo", "enrol", "older project", "export csv")


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillLoop]:
    folder = tmp_path_factory.mktemp("loop")
    site = Site(folder, photos=1)
    with Commands(folder, MARQUE_HOME=str(site.home)) as commands:
        prepare(site, commands)
        yield KillLoop(folder, commands, site)


def test_commands_killed_a_few_times_lose_nothing(loop: KillLoop) -> None:
    figures = [loop.run(operation, 2, 0) for operation in operations() if operation.name in _QUICK]
    assert [loss for one in figures for loss in one.losses] == []
    assert sum(one.kills for one in figures) == 2 * len(_QUICK)


@pytest.mark.slow
def test_commands_killed_over_and_over_lose_nothing(loop: KillLoop) -> None:
    figures = [loop.run(operation, 8, 4) for operation in operations()]
    assert [loss for one in figures for loss in one.losses] == [], table(figures)
    assert sum(one.kills for one in figures) >= 100


@pytest.mark.slow
def test_a_training_killed_over_and_over_loses_nothing(tmp_path: Path) -> None:
    figures = kill_training(tmp_path, 8, 4)
    assert figures.losses == []
    assert figures.kills >= 8
