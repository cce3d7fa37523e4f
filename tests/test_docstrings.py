"""Docstrings name files and errors that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.docstrings import stale_names


def test_the_docstrings_name_only_what_exists() -> None:
    assert stale_names(ROOT) == []


@pytest.mark.parametrize(
    ("docstring", "finding"),
    [
        ("Stores what runs.py finds. Raises RunsError, OSError.", ""),
        ("See training/runs.py and https://example.org/stage.py.", ""),
        ("See stage.py.", "app/core/training/runs.py: there is no stage.py"),
        ("Raises LostError if it is gone.", "app/core/training/runs.py: there is no LostError here"),
        ("Raises TorchError if it is gone.", "app/core/training/runs.py: there is no TorchError here"),
    ],
)
def test_a_stale_name_is_found(tmp_path: Path, docstring: str, finding: str) -> None:
    files = {
        "app/core/training/runs.py": f'class RunsError(Exception):\n    """{docstring}"""\n',
        "model/training/torch_errors.py": "class TorchError(Exception): ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert stale_names(tmp_path) == ([finding] if finding else [])
