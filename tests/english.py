"""Plain English: finds phrases that were purged from texts, docstrings, comments and the names of tests."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

_PHRASES = {
    "again": r"\banew\b",
    "shown, said or called": r"\btold\b(?! (apart|from)\b)",
    "shows or says": r"\btells\b(?!( \S+){0,3} (apart|from)\b)",
    "continues": r"\bgoes on\b",
    "is": r"\blies\b",
    "the result": r"\b(came|comes|has come|have come|will come|would come) of (it|them|this|that)\b",
    "needed or asked for": r"\bwhat (is|was) want(ed|ing)\b|\bas it was wanted\b",
    "is not a": r"(?<!there )\b(is|are|was|were) no (?!(longer|more|less|\w+er)\b)[a-z]",
    "as in, like or see": r"\bas of `",
}
"""What to write instead -> the phrase."""

PURGED = {instead: re.compile(phrase, re.IGNORECASE) for instead, phrase in _PHRASES.items()}

KEPT = ("class not told",)
"""Texts with such a phrase that must stay: the name of a folder that earlier versions made."""

EXAMPLES = "tests/test_english.py"


def foreign_phrases(root: Path) -> list[str]:
    """A finding for each purged phrase, with what to write instead."""
    found = []
    for place, line, text in _texts(root):
        for kept in KEPT:
            text = text.replace(kept, "")
        for instead, phrase in PURGED.items():
            if match := phrase.search(text):
                found.append(f"{place.relative_to(root).as_posix()}:{line}: '{match[0]}', write: {instead}")
    return found


def _texts(root: Path) -> Iterator[tuple[Path, int, str]]:
    """Place, line and words of all that people read in the repository, but for the examples of such phrases."""
    for floor in ("app", "model", "packaging", "tests"):
        for file in sorted((root / floor).rglob("*.py")):
            if file != root / EXAMPLES:
                for line, text in _words_of(file.read_text(encoding="utf-8")):
                    yield file, line, text
    documents = [
        file for floor in ("", "app/", "model/**/", "packaging/", "tests/") for file in root.glob(f"{floor}*.md")
    ]
    for file in sorted([*documents, *root.glob("resources/**/*.md"), *root.glob("resources/**/*.toml")]):
        for line, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            yield file, line, text


def _words_of(source: str) -> Iterator[tuple[int, str]]:
    """Comments, strings of several words, and what the names of tests say; other names in the code are left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, " ".join(node.value.split())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
