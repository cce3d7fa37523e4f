"""Plain English: phrases that were purged from the texts do not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.english import foreign_phrases


def test_no_purged_phrase_comes_back() -> None:
    assert foreign_phrases(ROOT) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ('"""The list is read anew."""', "again"),
        ("# the person is told which photos stay", "shown, said or called"),
        ('SAID = "a checksum tells a damaged file"', "shows or says"),
        ('f"the training {1} goes on"', "continues"),
        ('"""Where the\n    folder lies."""', "is"),
        ("# what came of it", "the result"),
        ('"""Does what is wanted."""', "needed or asked for"),
        ('"""What was dropped is no file."""', "is not a"),
        ('"""Errors as of `Journal.undo`."""', "as in, like or see"),
        ("def test_a_damaged_file_is_told(): ...", "shown, said or called"),
    ],
)
def test_a_purged_phrase_is_found(tmp_path: Path, text: str, instead: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/wrong.py").write_text(f"{text}\n")
    assert [finding.rpartition(": ")[2] for finding in foreign_phrases(tmp_path)] == [instead]


def test_a_purged_phrase_is_found_in_a_readme(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A model\n\nWhat is missing is told.\n")
    assert foreign_phrases(tmp_path) == ["README.md:3: 'told', write: shown, said or called"]


@pytest.mark.parametrize(
    "text",
    [
        "told, lies, anew = 1, 2, 3",
        '"""There is no folder of that name, which is no longer than the others."""',
        '"""Classes are told apart by their names; a digest tells two files apart."""',
        'EARLIER = "the folder class not told"',
        'KEYS = {"told": 1}',
    ],
)
def test_names_in_the_code_and_plain_sentences_are_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/right.py").write_text(f"{text}\n")
    assert foreign_phrases(tmp_path) == []
