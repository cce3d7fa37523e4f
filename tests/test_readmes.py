"""The READMEs name the rooms and files that exist, and `make help` the targets of the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.readmes import READMES, faults

_EXPLAINED = {
    "photo",
    "vehicle",
    "type",
    "class",
    "answer",
    "verdict",
    "label",
    "reference photo",
    "gallery",
    "project",
    "model",
    "training",
    "study",
    "neighbour",
    "embedding",
    "finder",
}
"""The words that the glossary must have."""

_CONTRACT = "  contract/  shared\n             bundle\n"
_DATA = "  data/  photos\n         readers/\n"


@pytest.mark.parametrize("readme", READMES)
def test_every_room_and_file_is_listed_once_and_every_named_file_exists(readme: str) -> None:
    assert faults(ROOT, readme) == []


@pytest.mark.parametrize(
    ("list_of_rooms", "fault"),
    [
        (f"{_CONTRACT}{_DATA}", ""),
        (_CONTRACT, "model/data is not in the list"),
        (f"{_CONTRACT}{_DATA}  attic/  old\n", "there is no room model/attic"),
        (f"{_CONTRACT}{_DATA}  data/  photos\n", "model/data is listed twice"),
        (f"  contract/  shared\n             bundle, gone\n{_DATA}", "there is no model/contract/gone.py"),
        (f"  contract/  shared\n             bundle, bundle\n{_DATA}", "model/contract/bundle.py is listed twice"),
        (f"  contract/  shared\n{_DATA}", "model/contract/bundle.py is not in the list"),
        (f"{_CONTRACT}  data/  photos\n", "model/data/readers/ is not in the list"),
        (f"{_CONTRACT}{_DATA}```\n`old.py`\n```\n", "there is no old.py"),
        (f"{_CONTRACT}{_DATA}```\n`theirs.py`\n```\n", "there is no theirs.py"),
    ],
)
def test_a_wrong_list_is_found(tmp_path: Path, list_of_rooms: str, fault: str) -> None:
    for file in ("model/contract/bundle.py", "model/data/__init__.py", "model/data/readers/table.py", "app/theirs.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    (tmp_path / "model/README.md").write_text(f"```\nmodel/\n{list_of_rooms}```\n")
    assert faults(tmp_path, "model/README.md") == ([f"model/README.md: {fault}"] if fault else [])


def test_the_glossary_is_short_and_explains_the_words_of_the_program() -> None:
    text = (ROOT / "app/README.md").read_text(encoding="utf-8")
    section = text.split("\n## Words\n", 1)[1].split("\n## ", 1)[0].strip()
    lines = section.splitlines()
    assert len(lines) <= 25 and max(map(len, lines)) <= 125
    words = re.findall(r"^- \*\*([a-z ]+)\*\*: \S", section, re.MULTILINE)
    assert len(words) == len(set(words)) and set(words) >= _EXPLAINED


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [targets] = re.findall(r"^\.PHONY: help (.+)$", makefile, re.MULTILINE)
    assert set(re.findall(r'@echo "make ([\w-]+) ', makefile)) == set(targets.split())
