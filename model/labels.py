"""Labels of samples as the integers that the loss and the metrics take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.data.samples import Sample
from model.taxonomy import NO_FINE, Taxonomy


class Labels(NamedTuple):
    """Class indices, int64 [N]; `fine` is NO_FINE where the fine class is unknown or not in the taxonomy."""

    coarse: np.ndarray
    fine: np.ndarray

    def at(self, rows: np.ndarray) -> Labels:
        """The labels of some rows."""
        return Labels(self.coarse[rows], self.fine[rows])


def encode(samples: Sequence[Sample], taxonomy: Taxonomy) -> Labels:
    """Labels in the order of `taxonomy`; -1 for a class that it does not have (a test class of a zero-shot run)."""
    coarse = [taxonomy.coarse_index.get(sample.coarse, -1) for sample in samples]
    fine = [NO_FINE if sample.fine is None else taxonomy.fine_index.get(sample.fine, NO_FINE) for sample in samples]
    return Labels(np.asarray(coarse, dtype=np.int64), np.asarray(fine, dtype=np.int64))


def group_numbers(samples: Sequence[Sample]) -> np.ndarray:
    """int64 [N]: equal for photos of one group of one source."""
    numbers: dict[tuple[str, str], int] = {}
    return np.asarray([numbers.setdefault((s.source, s.group), len(numbers)) for s in samples], dtype=np.int64)


def taxonomy_of(samples: Sequence[Sample]) -> Taxonomy:
    """The label tree of some samples. Raises TaxonomyError if they do not form one."""
    return Taxonomy.from_pairs((sample.coarse, sample.fine) for sample in samples)
