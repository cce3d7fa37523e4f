"""Why a photo cannot be opened, and Python in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.contract.photo import PhotoError, read_rgb, read_small, upright_size
from tests.checkout import ROOT


def reason(path: Path) -> str:
    """Why no way of reading gives a picture; they agree."""
    said = set()
    for read in (read_rgb, upright_size, lambda one: read_small(one, 32)):
        with pytest.raises(PhotoError) as caught:
            read(path)
        said.add(caught.value.reason)
    [one] = said
    return one


def child(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with every warning shown."""
    return subprocess.run(
        [sys.executable, "-W", "default", "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
    )
