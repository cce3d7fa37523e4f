"""What a person sends with a bug report: it names no folder or photo, and nothing that they named.

It takes the kinds of faults and their places in the code from the log. The messages are left out, as they may name
files, and so are all settings except numbers and switches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from app.core.system import paths
from model.console.fault_log import log_file
from model.system.reading import parse_json, read_file

_FAULTS = 20
_NEWEST = 200_000  # bytes of the log that are read
_SETTINGS = ("theme", "identification_model", "galleries", "project", "recent_projects", "splitters")
_OUR_WORDS = ("dark", "light")
"""Values of settings that are the program's own words, not the person's."""

_HEAD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (WARNING|ERROR|CRITICAL) ")
_FRAME = re.compile(r' +File "(.*)", line (\d+), in ([A-Za-z_<>][\w<>.]*)')
_KIND = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning))(?=:|$)")
_OUR_ROOMS = ("app", "model")


@dataclass
class Fault:
    """When it was, how severe, which kinds of exceptions, and where in the code: the frames, outermost first."""

    time: str
    level: str
    kinds: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)


def report_lines(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The whole report, line by line. Args: facts: versions and the like, without names."""
    for name, text in facts:
        yield f"{name}: {text}"
    yield from _settings()
    yield "last faults (their messages are left out, as they may name files):"
    faults = _faults()
    for fault in faults[-_FAULTS:]:
        yield f"{fault.time} {fault.level} {', '.join(fault.kinds)}".rstrip()
        yield from (f"    {frame}" for frame in fault.frames)
    if not faults:
        yield "    none"


def _settings() -> Iterator[str]:
    try:
        entries = parse_json(read_file(paths.user_config_dir() / "settings.json"))
    except (OSError, ValueError):
        return
    for name in _SETTINGS:
        if isinstance(entries, dict) and name in entries:
            yield f"setting {name}: {_shown(entries[name])}"


def _shown(value: object) -> str:
    if isinstance(value, bool | int | float) or value in _OUR_WORDS:
        return str(value)
    return f"{len(value)} entries" if isinstance(value, list | dict) else "given"


def _faults() -> list[Fault]:
    try:
        content = read_file(log_file())[-_NEWEST:]
    except OSError:
        return []
    found: list[Fault] = []
    for line in content.decode("utf-8", "replace").splitlines():
        head, frame, kind = _HEAD.match(line), _FRAME.fullmatch(line), _KIND.match(line)
        if head is not None:
            found.append(Fault(head[1], head[2]))
        elif not found:
            continue
        elif frame is not None:
            found[-1].frames.append(f"{_place(frame[1])}:{frame[2]} {frame[3]}")
        elif kind is not None and found[-1].frames:
            found[-1].kinds.append(kind[1].rpartition(".")[2])
    return [fault for fault in found if fault.frames]


def _place(file: str) -> str:
    """The path of a code file, of the program or a library, from its package on."""
    path = PurePath(file)
    root = paths.resources().parent
    if path.is_relative_to(root) and path.relative_to(root).parts[0] in _OUR_ROOMS:
        return path.relative_to(root).as_posix()
    if "site-packages" in path.parts:
        return PurePath(*path.parts[len(path.parts) - path.parts[::-1].index("site-packages") :]).as_posix()
    return "elsewhere"
