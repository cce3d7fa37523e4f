"""Places in the space of the embedding that stand for all training photos: what is far from them all is something else.

Each class, and the photos of a type without a class, has its centre; with many photos it has several, as ships of one
type look different. They travel with the model, so the answer does not depend on whose gallery is in use.
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

PHOTOS_EACH = 50
"""A group of photos has one landmark for this many of them, but at least one."""
MOST = 16
"""And no more than this."""


def landmarks(embeddings: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Centres of the photos of each group, by k-means where there are several: float32 [C, d], unit length.

    Args:
        embeddings: float32 [N, d], unit length.
        groups: [N, 2], what belongs together; type and class, for instance.
    """
    _, group = np.unique(groups, axis=0, return_inverse=True)
    centres = []
    for rows in (np.flatnonzero(group.ravel() == number) for number in range(group.max(initial=-1) + 1)):
        several = min(MOST, len(rows) // PHOTOS_EACH)
        if several <= 1:
            centres.append(embeddings[rows].mean(axis=0, keepdims=True))
        else:
            centres.append(KMeans(several, n_init=1, random_state=0).fit(embeddings[rows]).cluster_centers_)
    found = np.concatenate(centres).astype(np.float32)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.finfo(np.float32).tiny)
