"""Ctrl-C while a command is still being loaded: a word and no traceback. Afterwards each command answers for itself."""

from __future__ import annotations

import sys
from types import TracebackType

_before = sys.excepthook


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _before(kind, error, trace)
    elif sys.stderr is not None:
        # what writes the other lines of JSON may not be loaded yet
        sys.stderr.write('{"event": "error", "text": "interrupted"}\n' if "--json" in sys.argv else "interrupted\n")


def protect() -> None:
    """Answer from now on."""
    sys.excepthook = _on_exception


protect()
