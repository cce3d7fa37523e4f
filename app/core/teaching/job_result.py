"""The result of a job on many references, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.teaching.enrolment import Enrolled
from model.system.wording import counted


@dataclass
class JobResult:
    """The result of a job on many references.

    Attributes:
        report: of all batches together.
        message: why it ended early, or empty.
        cancelled: whether the person ended it.
    """

    report: Enrolled = field(default_factory=lambda: Enrolled(0, 0, ()))
    message: str = ""
    cancelled: bool = False

    def add(self, report: Enrolled) -> None:
        """Add one more batch."""
        before = self.report
        self.report = Enrolled(
            before.added + report.added, before.known + report.known, before.problems + report.problems
        )


def photos(count: int) -> str:
    """A number of photos in words."""
    return counted(count, "photo")


def there_already(count: int) -> str:
    """What follows the number of new ones: how many were known already."""
    return f", {count:,} there already" if count else ""


def passed_over(problems: Sequence[str]) -> str:
    """The first problem and the number of the others."""
    rest = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
    return f"Skipped: {problems[0]}{rest}."
