"""The model in use on the photos that a training held out, measured by the trainer in a process of its own."""

from __future__ import annotations

from pydantic import ValidationError

from model.contract.commands import ComparisonProgress, ComparisonReport


def parsed(line: str) -> ComparisonReport | ComparisonProgress | None:
    """Read a line that such a process printed; None if it is something else."""
    for kind in (ComparisonReport, ComparisonProgress):
        try:
            return kind.model_validate_json(line)
        except ValidationError:
            continue
    return None
