import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contract.events import EVENTS_FILE, Event, EventFollower, EventWriter, read_events, rewind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / EVENTS_FILE


def write_steps(path: Path, *steps: int) -> None:
    with EventWriter(path) as writer:
        for step in steps:
            writer.write("step", step, loss=step / 2)


def test_what_is_written_is_read(path: Path) -> None:
    with EventWriter(path) as writer:
        writer.write("start", 0, name="Übung", classes=196)
        writer.write("metric", 10, recall={"R@1": 0.5})
    start, metric = read_events(path)
    assert (start.kind, start.step, start.values) == ("start", 0, {"name": "Übung", "classes": 196})
    assert metric.values == {"recall": {"R@1": 0.5}}
    assert start.time <= metric.time


def test_numbers_that_json_does_not_know_become_null(path: Path) -> None:
    with EventWriter(path) as writer:
        writer.write("step", 1, loss=float("nan"), parts={"a": float("inf"), "b": [1.0, np.float64("-inf")]})
    assert read_events(path)[0].values == {"loss": None, "parts": {"a": None, "b": [1.0, None]}}
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the file"))


def test_a_follower_sees_each_event_once_and_at_once(path: Path) -> None:
    follower = EventFollower(path)
    assert list(follower.poll()) == []
    with EventWriter(path) as writer:
        writer.write("step", 1)
        assert [event.step for event in follower.poll()] == [1]
        writer.write("step", 2)
        writer.write("step", 3)
        assert [event.step for event in follower.poll()] == [2, 3]
    assert list(follower.poll()) == []


def test_a_follower_notices_that_a_file_was_started_again(path: Path) -> None:
    write_steps(path, 1, 2, 3)
    follower = EventFollower(path)
    assert len(list(follower.poll())) == 3 and follower.rewound == 0
    rewind(path, step=2, epoch=0)
    assert [event.step for event in follower.poll()] == [1, 2] and follower.rewound == 1


def test_a_line_that_is_being_written_waits(path: Path) -> None:
    write_steps(path, 1)
    line = '{"kind": "step", "step": 2, "time": 1.5}\n'
    follower = EventFollower(path)
    with path.open("a") as file:
        file.write(line[:20])
        file.flush()
        assert [event.step for event in follower.poll()] == [1]
        file.write(line[20:])
    assert list(follower.poll()) == [Event("step", 2, 1.5)]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1, 2]",
        b'"word"',
        b"7",
        b"null",
        b"\xff\xfe",
        b'{"kind": "step", "step": 1}',
        b'{"kind": "other", "step": 1, "time": 1}',
        b'{"kind": "step", "step": "1", "time": 1}',
        b'{"kind": "step", "step": 1, "time": null}',
        b'{"kind": ["step"], "step": 1, "time": 1}',
    ],
)
def test_a_damaged_line_is_passed_over(path: Path, line: bytes) -> None:
    write_steps(path, 1)
    with path.open("ab") as file:
        file.write(line + b"\n")
    write_steps(path, 2)
    assert [event.step for event in read_events(path)] == [1, 2]
    rewind(path, 5, 99)
    assert path.read_bytes().count(b"\n") == 2


def test_a_half_line_of_a_killed_writer_does_not_swallow_the_next(path: Path) -> None:
    write_steps(path, 1)
    path.write_bytes(path.read_bytes() + b'{"kind": "st')
    write_steps(path, 2)
    assert [event.step for event in read_events(path)] == [1, 2]


@given(st.lists(st.integers(0, 20)), st.integers(-1, 21))
def test_rewinding_keeps_the_events_up_to_the_step(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], last: int
) -> None:
    path = tmp_path_factory.mktemp("run") / EVENTS_FILE
    write_steps(path, *steps)
    rewind(path, last, 99)
    assert [event.step for event in read_events(path)] == [step for step in steps if step <= last]
    assert list(path.parent.iterdir()) == [path]


def test_rewinding_a_run_without_events_does_nothing(path: Path) -> None:
    rewind(path, 3, 99)
    assert not path.exists()


@pytest.mark.parametrize("more", [(), (2, 3, 4, 5, 6, 7)])
def test_a_follower_starts_again_when_the_file_was_rewound(
    path: Path, more: tuple[int, int, int, int, int, int]
) -> None:
    write_steps(path, 1, 2, 3)
    follower = EventFollower(path)
    list(follower.poll())
    rewind(path, 1, 99)
    write_steps(path, *more)
    assert [event.step for event in follower.poll()] == [1, *more]


def test_rewinding_drops_what_a_resumed_run_reports_again(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as events:
        events.write("step", 4)
        events.write("epoch", 4, epoch=1)
        events.write("step", 5)
        events.write("epoch", 5, epoch=2)
        events.write("metric", 5, recall=0.5)
        events.write("done", 5)
    rewind(path, 5, 3)
    assert [event.kind for event in read_events(path)] == ["step", "epoch", "step", "epoch"]
    rewind(path, 5, 2)  # the checkpoint was written before the end of that epoch was reported
    assert [event.kind for event in read_events(path)] == ["step", "epoch", "step"]
