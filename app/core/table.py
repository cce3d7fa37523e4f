"""The table of labels as a CSV file, written while the run goes on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from app.core.identify import Identification

NEIGHBOURS = 5
COLUMNS = (
    "path",
    "status",
    "label",
    "level",
    "confidence",
    "reason",
    "coarse",
    "coarse_confidence",
    "fine",
    "fine_confidence",
    *(f"neighbour_{i}" for i in range(1, NEIGHBOURS + 1)),
    *(f"neighbour_{i}_similarity" for i in range(1, NEIGHBOURS + 1)),
    "model",
)
