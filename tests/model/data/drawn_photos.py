"""Photos for the tests of readers, and what a reader says of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model.contract.samples import DataError, Sample
from model.data.readers import read_data


def picture(path: Path, size: tuple[int, int] = (20, 10), **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 60, 30)).save(path, **how)
    return path


def labels(samples: Iterable[Sample]) -> list[tuple[str, str, str | None]]:
    return [(sample.path.name, sample.coarse, sample.fine) for sample in samples]


def error(*specs: str, skip_bad: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        read_data(specs, skip_bad=skip_bad)
    return str(caught.value)
