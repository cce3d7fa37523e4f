"""The house: imports only go down, every file has a room, and nothing grows past what one reads at once."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS

from tests import house
from tests.checkout import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

# These only steer our own code, and no person sees them.
STEERING = frozenset(
    {
        *("CancelledError", "LeftError", "OtherContentError", "ReaderGoneError", "StoppedError", "TooFewError"),
        *("_CancelledError", "_ChangedError", "_EnoughError", "_StaysError"),
    }
)


def files_of(findings: list[str]) -> set[str]:
    return {finding.split(":")[0] for finding in findings}


def build(root: Path) -> None:
    """Every room that the contracts name, empty."""
    rooms = {"app/cli", "app/core", "app/ui", "model"}
    modules = set()
    for contract in CONTRACTS:
        for container in contract.get("containers", []):
            for layer in contract["layers"]:
                rooms |= {f"{container}.{room.strip(' ()')}".replace(".", "/") for room in layer.split("|")}
        for module in (*contract.get("source_modules", []), *contract.get("forbidden_modules", [])):
            if module.startswith(("app.", "model.")):
                modules.add(module.replace(".", "/"))
    for room in rooms | modules:
        (root / room).mkdir(parents=True, exist_ok=True)
    for floor in ("app", "model"):
        for folder in (root / floor, *(path for path in (root / floor).rglob("*") if path.is_dir())):
            (folder / "__init__.py").write_text("")
    (root / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """The contracts over a house, in another process: import-linter turns off the loggers of its own."""
    return subprocess.run(
        [sys.executable, "-c", "import importlinter.cli as cli; raise SystemExit(cli.lint_imports(no_cache=True))"],
        capture_output=True,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": ""},
        check=False,
    )


def test_imports_only_go_down() -> None:
    done = lint(ROOT)
    assert done.returncode == EXIT_STATUS_SUCCESS, done.stdout


@pytest.mark.parametrize(
    ("wrong", "text", "said"),
    [
        ("app/core/system/wrong.py", "import PySide6\n", "app.core.system.wrong"),
        ("app/core/gallery/wrong.py", "import app.core.project\n", "app.core.gallery.wrong"),
        ("app/core/export/wrong.py", "import app.core.review\n", "app.core.export.wrong"),
        ("app/ui/gallery/wrong.py", "import app.ui.review\n", "app.ui.gallery.wrong"),
        ("app/core/recognition/wrong.py", "import model.training\n", "app.core.recognition.wrong"),
        ("model/contract/wrong.py", "import torch\n", "model.contract.wrong"),
        ("app/core/review/wrong.py", "import sqlite3\n", "app.core.review.wrong"),
        ("model/method/wrong.py", "import model.publishing\n", "model.method.wrong"),
        ("model/data/wrong.py", "import app.core.system.paths\n", "model.data.wrong"),
        ("app/ui/review/wrong.py", "import onnxruntime\n", "app.ui.review.wrong"),
        ("app/core/attic/__init__.py", "", "app.core.attic"),
    ],
)
def test_an_import_that_goes_up_is_noticed(tmp_path: Path, wrong: str, text: str, said: str) -> None:
    """The contracts as they stand, over a house with one wrong file, or a room that has no place in it."""
    build(tmp_path)
    if wrong.startswith("app/core/system"):
        assert lint(tmp_path).returncode == EXIT_STATUS_SUCCESS
    (tmp_path / wrong).parent.mkdir(exist_ok=True)
    (tmp_path / wrong).write_text(text)
    done = lint(tmp_path)
    assert done.returncode == EXIT_STATUS_ERROR
    assert said in done.stdout


def test_no_file_is_too_long() -> None:
    assert house.long_files(ROOT) == []


def test_no_room_is_too_large() -> None:
    assert house.large_rooms(ROOT) == []


def test_every_file_has_a_room_and_commands_are_thin() -> None:
    assert house.flat_files(ROOT) == []


def test_a_class_name_stands_for_one_class() -> None:
    assert house.names_twice(ROOT) == []


def test_queries_stay_with_those_who_keep_files() -> None:
    assert house.queries_outside(ROOT) == []


def test_signals_say_what_they_carry() -> None:
    assert house.untyped_signals(ROOT) == []


def test_the_files_of_a_run_are_named_in_one_place() -> None:
    assert house.run_files_named(ROOT) == []


def test_every_error_that_a_person_may_see_is_of_one_kind() -> None:
    assert house.foreign_errors(ROOT, STEERING) == []


@pytest.mark.parametrize(
    ("check", "wrong", "text"),
    [
        (house.long_files, "app/core/system/long.py", "x = 1\n" * 401),
        (house.flat_files, "app/core/loose.py", ""),
        (house.flat_files, "model/loose.py", ""),
        (house.flat_files, "model/study.py", "x = 1\n" * 90),
        (house.names_twice, "app/core/system/twice.py", "class Twice:\n    pass\n"),
        (house.queries_outside, "app/core/export/query.py", 'ROWS = "SELECT id FROM image"\n'),
        (house.queries_outside, "app/ui/review/query.py", 'f"DELETE FROM image WHERE id = {1}"\n'),
        (house.untyped_signals, "app/ui/review/signals.py", "done = Signal(int, object)\n"),
        (house.untyped_signals, "app/ui/review/signals.py", "done = Signal(typing.Any)\n"),
        (house.untyped_signals, "app/ui/review/signals.py", 'done = Signal("QVariant")\n'),
        (house.run_files_named, "app/core/training/named.py", 'folder / "metrics.json"\n'),
        (house.run_files_named, "app/core/training/named.py", 'said = f"{1}: no config.json in it"\n'),
        (
            lambda root: house.foreign_errors(root, STEERING),
            "app/core/system/errors.py",
            "class AError(OSError):\n    pass\n",
        ),
    ],
)
def test_what_breaks_a_rule_is_noticed(
    tmp_path: Path, check: Callable[[Path], list[str]], wrong: str, text: str
) -> None:
    build(tmp_path)
    (tmp_path / "app/core/gallery/once.py").write_text("class Twice:\n    pass\n")
    assert check(tmp_path) == []
    (tmp_path / wrong).write_text(text)
    assert len(check(tmp_path)) == 1


def test_a_room_with_too_many_files_is_noticed(tmp_path: Path) -> None:
    build(tmp_path)
    for number in range(21):
        (tmp_path / f"app/core/system/file{number}.py").write_text("")
    assert house.large_rooms(tmp_path) == ["app/core/system: 21 files"]


@pytest.mark.parametrize("first", ["app.ui.window.start", "app.ui.window.main_window"])
def test_onnxruntime_is_loaded_before_qt(first: str) -> None:
    """`app.core.recognition.engine` says why."""
    program = (
        f"import sys, {first}; names = list(sys.modules)\n"
        "raise SystemExit(names.index('onnxruntime') > names.index('PySide6'))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
