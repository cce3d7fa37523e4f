"""Paths in JSON files, also if they are not UTF-8."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_URI = "file://"


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_URI):
        return os.fsdecode(unquote_to_bytes(value.removeprefix(_URI)))
    return value


def _can_be_a_path(value: Any) -> Any:
    if "\0" in str(value):
        raise ValueError("a path cannot contain a NUL")
    return value


def _written(value: Path | str) -> str:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Path(text).absolute().as_uri()  # which escapes the bytes that are not text
    return text


_rules = (BeforeValidator(_read), AfterValidator(_can_be_a_path), PlainSerializer(_written, when_used="json"))

StoredPath = Annotated[Path, *_rules]
"""A path as a field of a pydantic model: text in JSON, or a file URI if it is not UTF-8."""
StoredPlace = Annotated[str, *_rules]
"""The same for a path or an address, as text."""
