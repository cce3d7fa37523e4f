"""Labels of samples as the integers that the loss and the metrics take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.contract.samples import DataError, Sample
from model.contract.taxonomy import NO_FINE, Taxonomy


class EncodedLabels(NamedTuple):
    """What a batch is labelled with.

    Attributes:
        coarse, fine: class indices, int64 [N]; `fine` is NO_FINE where it is unknown or not in the taxonomy.
        attributes: float64 [N, number of attributes], NaN where unknown.
    """

    coarse: np.ndarray
    fine: np.ndarray
    attributes: np.ndarray

    def at(self, rows: np.ndarray) -> EncodedLabels:
        """The labels of some rows."""
        return EncodedLabels(self.coarse[rows], self.fine[rows], self.attributes[rows])


def encode(samples: Sequence[Sample], taxonomy: Taxonomy, attributes: Sequence[str] = ()) -> EncodedLabels:
    """Labels in the order of `taxonomy`; -1 for a class that it does not have (a test class of a zero-shot run).

    Args:
        attributes: names of the attributes.
    """
    coarse = [taxonomy.coarse_index.get(sample.coarse, -1) for sample in samples]
    fine = [NO_FINE if sample.fine is None else taxonomy.fine_index.get(sample.fine, NO_FINE) for sample in samples]
    values = [[sample.attributes.get(name, np.nan) for name in attributes] for sample in samples]
    return EncodedLabels(
        np.asarray(coarse, dtype=np.int64),
        np.asarray(fine, dtype=np.int64),
        np.asarray(values, dtype=np.float64).reshape(len(samples), len(attributes)),
    )


def attribute_scales(labels: EncodedLabels, names: Sequence[str]) -> tuple[float, ...]:
    """The interquartile range of each attribute over the photos that have it.

    Raises:
        DataError: if an attribute does not vary enough to have one.
    """
    scales = []
    for name, column in zip(names, labels.attributes.T, strict=True):
        known = column[~np.isnan(column)]
        low, high = np.percentile(known, (25, 75)) if len(known) else (0.0, 0.0)
        if not high > low:
            raise DataError(f"attribute '{name}': its interquartile range over {len(known)} photos is 0; leave it out")
        scales.append(float(high - low))
    return tuple(scales)


def group_numbers(samples: Sequence[Sample]) -> np.ndarray:
    """int64 [N]: equal for photos of one group of one source."""
    numbers: dict[tuple[str, str], int] = {}
    return np.asarray([numbers.setdefault((s.source, s.group), len(numbers)) for s in samples], dtype=np.int64)


def taxonomy_of(samples: Sequence[Sample]) -> Taxonomy:
    """The label tree of some samples. Raises TaxonomyError if they do not form one."""
    return Taxonomy.from_pairs((sample.coarse, sample.fine) for sample in samples)
