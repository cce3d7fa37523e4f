"""Text that came from files (names of photos, classes, models, runs) as plain text on one line."""

from __future__ import annotations

import re

_CONTROLS = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1: new lines, tabs, the bell, anything that a terminal takes as a command
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of writing
    "\u2028\u2029\ufeff"  # separators of lines and paragraphs, the byte order mark
    "\ud800-\udfff"  # bytes of a file name that are not text
    "]"
)
_MARKUP = re.compile(r"[\\`*<>&|\[\]]")


def one_line(text: str) -> str:
    r"""A text without control codes: each is written as its escape (`\x1b`, `\n`, `\u202e`), so that it can be seen."""
    return _CONTROLS.sub(_escape, text)


def in_markdown(text: str) -> str:
    """A name for a Markdown text, escaped: it cannot be markup, HTML or the end of a cell."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")
