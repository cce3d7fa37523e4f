"""The promises of the README: few, and each with a test that is there."""

from __future__ import annotations

import re

from tests.checkout import ROOT

MOST = 12


def promises() -> list[tuple[str, list[str]]]:
    """Sentence and test files of each row of the table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## What Marque promises\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| ([^|]+?) \| (`[^|]+`) \|$", section, re.MULTILINE)
    return [(sentence, re.findall(r"`([^`]+)`", files)) for sentence, files in rows]


def test_each_promise_has_a_test_file_with_tests() -> None:
    found = promises()
    assert 0 < len(found) <= MOST
    for sentence, files in found:
        assert sentence.endswith(".") and files
        for file in files:
            assert re.search(r"^def test_", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), file


def test_no_two_promises_rest_on_the_same_file() -> None:
    files = [file for _, of_one in promises() for file in of_one]
    assert len(files) == len(set(files))
