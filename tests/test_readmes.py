"""The READMEs name the rooms and files that exist, and `make help` the targets of the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.readmes import READMES, faults


@pytest.mark.parametrize("readme", READMES)
def test_every_room_is_listed_once_and_every_named_file_exists(readme: str) -> None:
    assert faults(ROOT, readme) == []


@pytest.mark.parametrize(
    ("list_of_rooms", "fault"),
    [
        ("  contract/  shared\n             bundle\n  data/  photos\n", ""),
        ("  contract/  shared\n", "model/data is not in the list"),
        ("  contract/  shared\n  data/  photos\n  attic/  old\n", "there is no room model/attic"),
        ("  contract/  shared\n  data/  photos\n  data/  photos\n", "model/data is listed twice"),
        ("  contract/  shared\n             bundle, gone\n  data/  photos\n", "there is no model/contract/gone.py"),
        ("  contract/  shared\n  data/  photos\n```\n`old.py`\n```\n", "there is no old.py"),
    ],
)
def test_a_wrong_list_is_found(tmp_path: Path, list_of_rooms: str, fault: str) -> None:
    for file in ("contract/bundle.py", "data/__init__.py"):
        (tmp_path / "model" / file).parent.mkdir(parents=True)
        (tmp_path / "model" / file).write_text("")
    (tmp_path / "model/README.md").write_text(f"```\nmodel/\n{list_of_rooms}```\n")
    assert faults(tmp_path, "model/README.md") == ([f"model/README.md: {fault}"] if fault else [])


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [targets] = re.findall(r"^\.PHONY: help (.+)$", makefile, re.MULTILINE)
    assert set(re.findall(r'@echo "make ([\w-]+) ', makefile)) == set(targets.split())
