"""Damaged and invented files for the readers, and what must come of them: read, or one sentence; soon, in little room.

How many are tried for each reader: a few in the fast tests, always the same ones; with MARQUE_FUZZ_EXAMPLES as many as
it says, others each time. `python -m tests.reliability.fuzz` runs them for some minutes and counts.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from model.system.errors import MarqueError

EXAMPLES, COUNTS = "MARQUE_FUZZ_EXAMPLES", "MARQUE_FUZZ_COUNTS"
SECONDS, ROOM = 20, 2 << 30
"""What one small file may take: seconds with other work beside it, and bytes of address space besides."""

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
_TEXTS = (
    b"",
    b"\0",
    b"\n",
    b"\r",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 400,
    b"[" * 2000,
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
tried: Counter[str] = Counter()
"""Examples for each reader, and how many of them were read."""


def fuzz(examples: int = 20) -> Callable[..., Any]:
    """The settings of a property. Args: examples: in the fast tests."""
    told = os.environ.get(EXAMPLES)
    return settings(
        max_examples=int(told or examples),
        deadline=None,
        derandomize=not told,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """A file of this content with one to four faults."""
    return st.lists(_faults(len(content)), min_size=1, max_size=4).map(lambda faults: _with(content, faults))


def _faults(length: int) -> st.SearchStrategy[tuple[Any, ...]]:
    place, size = st.integers(0, max(length - 1, 0)), st.integers(1, 64)
    return st.one_of(
        st.tuples(st.just("flip"), place, st.integers(0, 7)),
        st.tuples(st.just("cut"), place, st.just(0)),
        st.tuples(st.just("remove"), place, size),
        st.tuples(st.just("insert"), place, st.one_of(st.binary(min_size=1, max_size=64), st.sampled_from(_TEXTS))),
        st.tuples(st.just("write"), place, st.binary(min_size=1, max_size=16)),
        st.tuples(st.just("number"), place, st.sampled_from(_NUMBERS), st.sampled_from((1, 2, 4, 8)), st.booleans()),
        st.tuples(st.just("copy"), place, place, size),
        st.tuples(st.just("digits"), place, st.sampled_from((b"-1", b"0", b"1e308", b"99999999999999999999", b"x"))),
    )


def _with(content: bytes, faults: list[tuple[Any, ...]]) -> bytes:
    for kind, place, *how in faults:
        if kind == "flip" and place < len(content):
            content = content[:place] + bytes([content[place] ^ 1 << how[0]]) + content[place + 1 :]
        elif kind == "cut":
            content = content[:place]
        elif kind == "remove":
            content = content[:place] + content[place + how[0] :]
        elif kind == "insert":
            content = content[:place] + how[0] + content[place:]
        elif kind == "write":
            content = content[:place] + how[0] + content[place + len(how[0]) :]
        elif kind == "number":
            value, width, big = how
            number = (value % (1 << 8 * width)).to_bytes(width, "big" if big else "little")
            content = content[:place] + number + content[place + width :]
        elif kind == "copy":
            source, size = how
            content = content[:place] + content[source : source + size] + content[place:]
        elif kind == "digits" and (found := _NUMBER.search(content, place)):
            content = content[: found.start()] + how[0] + content[found.end() :]
    return content


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from((1 << 31, 1 << 53, 1 << 70, -1, 10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf")))
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(("", "\0", "../../x", "a\x1b[31m", "\u202e", "\ud800", "x" * 5000, "nan")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=6,
)
"""Anything that JSON as Python writes it can hold."""


def another_value(document: Any) -> st.SearchStrategy[Any]:
    """A document of dictionaries and lists in which one or two entries are another value, or are away, or new."""
    return st.lists(
        st.tuples(st.sampled_from(list(_places(document))), st.sampled_from("=-+"), values), min_size=1
    ).map(lambda changes: _changed(document, changes[:2]))


def as_json(document: Any) -> bytes:
    """As careless programs write it: with NaN and Infinity, and halves of characters."""
    return json.dumps(document).encode()


def _places(document: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, part in list(inner)[:200]:
        yield from _places(part, (*place, key))


def _changed(document: Any, changes: list[tuple[tuple[Any, ...], str, Any]]) -> Any:
    document = json.loads(json.dumps(document))
    for place, how, value in changes:
        if not place:
            document = value if how == "=" else document
            continue
        holder = document
        try:
            for key in place[:-1]:
                holder = holder[key]
            if how == "=":
                holder[place[-1]] = value
            elif how == "-":
                del holder[place[-1]]
            elif isinstance(holder, dict):
                holder[f"{place[-1]} "] = value
            else:
                holder.append(value)
        except (KeyError, IndexError, TypeError, AttributeError):  # an earlier change took the place away
            continue
    return document


def reads_or_tells(reader: str, read: Callable[[], object], *names: str) -> None:
    """Whether a file is read, or refused in a sentence that names it, within bounds.

    Args:
        reader: its name, for the count.
        read: reads the file.
        names: one of which must be in the sentence.
    """
    tried[reader] += 1
    with _bounds():
        try:
            read()
        except MarqueError as error:
            said = str(error)
        except OSError as error:  # of what the system says callers make a sentence with the path
            said = f"{error.filename}: {error.strerror}"
            assert error.strerror, repr(error)
        else:
            tried[f"{reader}: read"] += 1
            return
    assert any(name in said for name in names), said
    assert len(said) < 20_000, said[:200]


@contextmanager
def _bounds() -> Iterator[None]:
    """Within, what takes too long or too much memory fails."""

    def too_long(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"took more than {SECONDS} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        if pages is not None:
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, hard))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def keep_counts() -> None:
    """Add what was tried in this process to the file that the long run counts in."""
    place = os.environ.get(COUNTS)
    if place and tried:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(tried) + "\n")
