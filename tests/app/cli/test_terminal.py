"""What commands print of a gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.cli.terminal import in_words
from app.core.gallery.gallery import Gallery, ReferenceEntry


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([], "0 photos of 0 types, 0 classes; exact search"),
        ([("ship", None)], "1 photo of 1 type, 0 classes; exact search"),
        ([("ship", "Celeste class")] * 3, "3 photos of 1 type, 1 class; exact search"),
        ([("ship", "Celeste class"), ("sedan", "TL")], "2 photos of 2 types, 2 classes; exact search"),
    ],
)
def test_the_content_of_a_gallery_is_put_into_words(
    labels: list[tuple[str, str | None]], words: str, tmp_path: Path
) -> None:
    with Gallery.create(tmp_path / "g.gallery", "f00d", 4) as gallery:
        entries = [
            ReferenceEntry(coarse, fine, "test", f"{number}.jpg", f"digest {number}")
            for number, (coarse, fine) in enumerate(labels)
        ]
        gallery.add(np.ones((len(labels), 4), np.float32) / 2, entries)
        assert in_words(gallery) == words
