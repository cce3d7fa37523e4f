"""Reads the arguments of a command; mistakes in them are reported as everything else is."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from app.cli.reports import Report
from model.console.command import FAILED, write_line

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """argparse with errors as lines of JSON on request, and with texts that fit every encoding."""

    def __init__(self, name: str, report: Report, **options: Any) -> None:
        super().__init__(name, **options)
        self._report = report

    def error(self, message: str) -> NoReturn:
        """End with the usage and what is wrong."""
        if not self._report.as_json:
            self.print_usage(sys.stderr)
        self._report.ended(message)
        raise SystemExit(FAILED)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        for line in message.splitlines():
            write_line(line, output=file is sys.stdout)
