"""The telemetry of libraries is off before they are loaded, in every process that there is.

onnxruntime makes a device id in the user's cache as it is imported, and looks up a collector a little later.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from model.system.privacy import TELEMETRY_OFF
from tests.checkout import ROOT

PROGRAM = ["app.cli", "packaging/launch.py"]
TRAINER = [
    *(
        f"model.{name}"
        for name in (
            "aims",
            "calibrate",
            "card",
            "evaluate",
            "export",
            "finder",
            "pace",
            "study",
            "train",
            "versus",
            "whole_photos",
        )
    ),
    *("model.data.part_lists", "model.detection.teacher"),
]
TESTS = [
    *("tests.app.busy_gallery", "tests.app.ui.busy_window"),
    *(f"tests.bench.{name}" for name in ("explore", "gallery", "review", "selection")),
    *(f"tests.reliability.{name}" for name in ("fuzz", "kill_loop", "tour")),
]
WITHOUT_LIBRARIES = [
    *(
        "packaging/smoke.py",
        "packaging/system_libraries.py",
        "tests.bench.checkouts",
        "tests.reliability.killing",
        "tests.texts",
    ),
]
"""They load no library by themselves, and start the program as a person does, or one of the others."""

_CALL_HOME = {"onnxruntime", "ray"}
_LOAD_THEM = {"torch", "torchvision", "lightning_fabric", "matplotlib"}
"""Slow to load; the trainer's commands load one of them before onnxruntime."""

# Loads an entry point; ends with the variables' values at the first import of one of these libraries, or at the end.
_WATCHED = """
import importlib, os, runpy, sys
def end():
    sys.stdout.write(' '.join(os.environ.get(name, '-') for name in {variables!r}))
    sys.stdout.flush()
    os._exit(0)
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {libraries!r}:
            end()
sys.meta_path.insert(0, Watch())
sys.path.insert(0, os.getcwd())
entry = {entry!r}
runpy.run_path(entry) if entry.endswith('.py') else importlib.import_module(entry)
end()
"""


def _entry_points() -> set[str]:
    """Every file that is started by itself: by its name, or as a module."""
    found = {"app.cli"}  # the script `marque` of pyproject.toml
    for folder in ("app", "model", "packaging", "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            if file.name == "__main__.py" or re.search(r"^if __name__\b", file.read_text(encoding="utf-8"), re.M):
                place = file.relative_to(ROOT)
                found.add(str(place) if folder == "packaging" else ".".join(place.with_suffix("").parts))
    return found


def test_every_entry_point_is_known() -> None:
    assert _entry_points() == {*PROGRAM, *TRAINER, *TESTS, *WITHOUT_LIBRARIES}


@pytest.mark.parametrize("entry", [*PROGRAM, *TRAINER, *(pytest.param(name, marks=pytest.mark.slow) for name in TESTS)])
def test_it_is_off_before_a_library_is_loaded(entry: str) -> None:
    libraries = _CALL_HOME if entry in TESTS else _CALL_HOME | _LOAD_THEM
    code = _WATCHED.format(variables=list(TELEMETRY_OFF), libraries=libraries, entry=entry)
    # whoever asks for telemetry does not get it either
    environment = os.environ | dict.fromkeys(TELEMETRY_OFF, "asked for")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=True
    )
    assert done.stdout.split() == list(TELEMETRY_OFF.values())


def test_onnxruntime_is_imported_in_one_place() -> None:
    """That place turns off what the variable does not; parts of the package may be imported after it."""
    importing = set()
    for folder in ("app", "model", "packaging"):
        for file in (ROOT / folder).rglob("*.py"):
            if re.search(r"^\s*(import|from) onnxruntime\b", file.read_text(encoding="utf-8"), re.M):
                importing.add(file.relative_to(ROOT).as_posix())
    assert importing == {"model/system/onnx_runtime.py", "model/publishing/variants.py"}
