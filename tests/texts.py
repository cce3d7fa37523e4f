"""Every text that a person can see, with file and line, to be read in a row: `python -m tests.texts [FLOOR...]`."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house import sources

ROOT = Path(__file__).resolve().parents[1]
_WORDS = re.compile(r"[A-Za-z}] +[A-Za-z{(]|[a-z][.:!?…]$")
_CODE = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|DROP|ALTER)\b [A-Za-z*{]|[{;] *[a-z-]+: |\(\?")
"""Queries, style sheets and patterns: strings with words that nobody sees."""


def visible(text: str) -> Iterator[tuple[int, str]]:
    """The texts of a module that are sentences or parts of one, each with its line."""
    tree = ast.parse(text)
    hidden: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            hidden.add(node.value)  # a docstring
        if isinstance(node, ast.JoinedStr):
            hidden.update(node.values)
    found = [
        (node.lineno, said)
        for node in ast.walk(tree)
        if isinstance(node, ast.expr)
        and node not in hidden
        and (said := _said(node))
        and _WORDS.search(said)
        and not _CODE.search(said)
    ]
    yield from sorted(found)


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.strip()
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{" + _name(part) + "}" for part in node.values)
        return "".join(str(part) for part in parts).strip()
    return ""


def _name(part: ast.expr) -> str:
    return ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""


if __name__ == "__main__":
    for file, text in sources(ROOT, *(sys.argv[1:] or ("app", "model"))):
        for line, said in visible(text):
            sys.stdout.write(f"{file.relative_to(ROOT)}:{line}: {said.replace(chr(10), ' / ')}\n")
