"""What is checked of the READMEs: their lists of rooms, and the files they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

READMES = ("app/README.md", "model/README.md", "tests/README.md")
LISTED = {
    "app/README.md": ("app", "app/ui", "app/core"),
    "model/README.md": ("model",),
    "tests/README.md": ("tests",),
}
"""The folders whose rooms each README lists."""

_NAMED_FROM = {
    "app/README.md": ("app", "model", "tests"),
    "model/README.md": ("model", "tests/model"),
    "tests/README.md": ("app", "model", "tests"),
}
"""Where the files are that each README names without their place."""

_FOLDER = re.compile(r"^(?P<folder>\S+)/$")
_ROOM = re.compile(r"^  (?P<room>\w+)/ +\S")
_FILES = re.compile(r"^ {6,}(?P<files>\S.*)$")
_FILE_IN_TEXT = re.compile(r"`([\w/]+\.py)`")


def faults(root: Path, readme: str) -> list[str]:
    """Rooms and files that the README lists twice, or not at all, or that do not exist."""
    text = (root / readme).read_text(encoding="utf-8")
    rooms, files = _listed(text)
    found = []
    for folder in LISTED[readme]:
        named = [room for place, room in rooms if place == folder]
        there = {file.relative_to(root / folder).parts[0] for file in (root / folder).glob("*/**/*.py")}
        found += [f"{readme}: {folder}/{room} is not in the list" for room in sorted(there - set(named))]
        found += [f"{readme}: there is no room {folder}/{room}" for room in sorted(set(named) - there)]
        found += [f"{readme}: {folder}/{room} is listed twice" for room in sorted(set(named)) if named.count(room) > 1]
    inside = {
        file
        for folder, room in rooms
        if f"{folder}/{room}" not in LISTED[readme]
        for file in _files(root, folder, room)
    }
    found += [f"{readme}: {file} is not in the list" for file in sorted(inside - set(files))]
    found += [f"{readme}: there is no {file}" for file in files if not (root / file).exists()]
    found += [f"{readme}: {file} is listed twice" for file in sorted(set(files)) if files.count(file) > 1]
    places = [place.relative_to(root).as_posix() for top in _NAMED_FROM[readme] for place in (root / top).rglob("*.py")]
    found += [
        f"{readme}: there is no {file}"
        for file in _FILE_IN_TEXT.findall(text)
        if not (root / file).exists() and not any(f"/{place}".endswith(f"/{file}") for place in places)
    ]
    return found


def _files(root: Path, folder: str, room: str) -> Iterator[str]:
    """The places of the files and folders of a room that a list should name: tests are named by what they test."""
    for place in (root / folder / room).glob("*"):
        name = f"{folder}/{room}/{place.name}"
        if place.suffix == ".py" and not place.name.startswith(("__", "test_")):
            yield name
        elif any(place.rglob("*.py")):
            yield f"{name}/"


def _listed(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """From the list of a README: each room with its folder, and the places of the files that are named for it."""
    folder = room = ""
    rooms: list[tuple[str, str]] = []
    files: list[str] = []
    for block in re.findall(r"^```\n(\w\S*/\n.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if head := _FOLDER.match(line):
                folder = head["folder"]
            elif entry := _ROOM.match(line):
                room = entry["room"]
                rooms.append((folder, room))
            elif more := _FILES.match(line):
                names = [name for name in re.split(r"[,;]\s*", more["files"]) if name]
                files += [f"{folder}/{room}/{name}" + ("" if name.endswith("/") else ".py") for name in names]
    return rooms, files
