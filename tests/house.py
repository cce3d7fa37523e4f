"""What is checked of the house itself: rooms, sizes and names. Each check returns its findings, a line each."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from model.contract.run_layout import RunLayout

LONGEST_FILE, LARGEST_ROOM = 400, 20
COMMANDS = dict.fromkeys(("calibrate", "evaluate", "export", "card", "aims", "versus", "pace", "study"), 60) | {
    "train": 120,
    "finder": 130,
    "whole_photos": 65,
}
"""The commands `python -m model.NAME`, and how many lines each may have: they read arguments and call a room."""

_RUN_FILES = {place.name for place in vars(RunLayout(Path("run"))).values()} - {"run"}
_RUN_FILE_IN_TEXT = re.compile(rf"(?<![\w./-])({'|'.join(re.escape(name) for name in _RUN_FILES if '.' in name)})\b")
_VAGUE = (
    "object",
    "list",
    "tuple",
    "dict",
    "set",
    "Any",
    "QVariant",
    "PyObject",
    "PyQt_PyObject",
    "QVariantList",
    "QVariantMap",
)
_QUERY = re.compile(r"\b(SELECT .+ FROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM)\b")
_STORES = ("app/core/system/", "app/core/gallery/", "app/core/project/")


def sources(root: Path, *floors: str) -> Iterator[tuple[Path, str]]:
    """The Python files of these floors, and what is in each."""
    for floor in floors:
        for file in sorted((root / floor).rglob("*.py")):
            yield file, file.read_text(encoding="utf-8")


def long_files(root: Path) -> list[str]:
    """Files that are longer than anyone reads at once."""
    return [
        f"{_name(file, root)}: {lines} lines"
        for file, text in sources(root, "app", "model", "tests")
        if (lines := text.count("\n")) > LONGEST_FILE
    ]


def large_rooms(root: Path) -> list[str]:
    """Folders with more files than one finds a thing in."""
    rooms: dict[Path, int] = defaultdict(int)
    for file, _ in sources(root, "app", "model"):
        rooms[file.parent] += file.name != "__init__.py"
    return [f"{_name(room, root)}: {count} files" for room, count in rooms.items() if count > LARGEST_ROOM]


def flat_files(root: Path) -> list[str]:
    """Files outside of any room; of the commands in model/, those that are not thin."""
    flat = [file for floor in ("app", "app/core", "app/ui", "model") for file in sorted((root / floor).glob("*.py"))]
    found = []
    for file in flat:
        lines = file.read_text(encoding="utf-8").count("\n")
        if file.parent == root / "model" and file.stem in COMMANDS:
            if lines > COMMANDS[file.stem]:
                found.append(f"{_name(file, root)}: {lines} lines, a command is thin")
        elif file.name != "__init__.py":
            found.append(f"{_name(file, root)}: in no room")
    return found


def names_twice(root: Path) -> list[str]:
    """Public classes of one name."""
    places: dict[str, list[str]] = defaultdict(list)
    for file, text in sources(root, "app", "model"):
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(_name(file, root))
    return [f"{name}: {', '.join(files)}" for name, files in sorted(places.items()) if len(files) > 1]


def queries_outside(root: Path) -> list[str]:
    """Queries that leave the rooms that keep files."""
    return [
        f"{_name(file, root)}:{node.lineno}: {node.value.strip()[:40]}"
        for file, text in sources(root, "app")
        if not _name(file, root).startswith(_STORES)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _QUERY.search(node.value)
    ]


def untyped_signals(root: Path) -> list[str]:
    """Signals that carry anything at all."""
    found = []
    for file, text in sources(root, "app"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Signal":
                names = [ast.unparse(part) for part in node.args]
                vague = [name for name in names if name.rpartition(".")[2].strip("'") in _VAGUE]
                found += [f"{_name(file, root)}:{node.lineno}: Signal({', '.join(vague)})"] if vague else []
    return found


def run_files_named(root: Path) -> list[str]:
    """Names of a run's files, typed where `RunLayout` knows them."""
    return [
        f"{_name(file, root)}:{line}: {said[:40]}"
        for file, text in sources(root, "app")
        for line, said in _strings(ast.parse(text))
        if said in _RUN_FILES or _RUN_FILE_IN_TEXT.search(said)
    ]


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The strings of a file and their lines, without docstrings."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def foreign_errors(root: Path, steering: frozenset[str]) -> list[str]:
    """Classes of errors that are neither a MarqueError nor among those that only steer our own code."""
    bases: dict[str, list[str]] = {}
    places: dict[str, str] = {}
    for file, text in sources(root, "app", "model"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                bases[node.name] = [getattr(base, "id", getattr(base, "attr", "")) for base in node.bases]
                places[node.name] = f"{_name(file, root)}:{node.lineno}"

    def ours(name: str) -> bool:
        return name == "MarqueError" or any(ours(base) for base in bases.get(name, ()))

    return [f"{places[name]}: {name}" for name in sorted(bases) if name not in steering and not ours(name)]


def _name(place: Path, root: Path) -> str:
    return place.relative_to(root).as_posix()
