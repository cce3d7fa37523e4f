"""What is checked of the docstrings: the files and the errors that they name."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

from tests.house import sources

_FLOORS = ("app", "model", "tests")
_RAISED_IN_APP = ("app/", "model/system/", "model/console/", "model/contract/", "model/data/", "model/experiments/plan")
"""Where the errors are defined that the program can meet: it imports nothing else of model that defines one."""

_FILE = re.compile(r"(?<![\w./-])([\w/]+\.py)\b")
_ERROR = re.compile(r"\b[A-Z]\w*Error\b")


def stale_names(root: Path) -> list[str]:
    """Files that do not exist, and errors that do not exist or that the program cannot meet, in docstrings."""
    trees = {
        file.relative_to(root).as_posix(): ast.parse(text) for floor in _FLOORS for file, text in sources(root, floor)
    }
    errors = {
        (node.name, place) for place, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }
    everywhere = {name for name, _ in errors} | set(vars(builtins))
    in_app = {name for name, place in errors if place.startswith(_RAISED_IN_APP)} | set(vars(builtins))
    found = []
    for place, tree in trees.items():
        known = in_app if place.startswith("app/") else everywhere
        for docstring in _docstrings(tree):
            found += [
                f"{place}: there is no {file}"
                for file in _FILE.findall(docstring)
                if not any(f"/{other}".endswith(f"/{file}") for other in trees)
            ]
            found += [f"{place}: there is no {error} here" for error in _ERROR.findall(docstring) if error not in known]
    return found


def _docstrings(tree: ast.Module) -> list[str]:
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, described)]
    return [text for text in found if text]
