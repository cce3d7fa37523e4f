"""The names for photos of a project: the model's, those of the gallery seen so far, and the person's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.core.recognition.features import NOBODY
from app.core.review.photo_columns import PhotoColumns
from model.contract.taxonomy import Taxonomy


def classes(columns: PhotoColumns, taxonomy: Taxonomy | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """All types, and the type of each class.

    Args:
        columns: the project; what the person called a photo, and what its predictions name besides the taxonomy.
        taxonomy: of the identification model, or None without one.
    """
    names = columns.names
    types = dict.fromkeys(taxonomy.coarse if taxonomy is not None else ())
    type_of: dict[str, str] = {}
    if taxonomy is not None:
        pairs_known = zip(taxonomy.fine, taxonomy.parents, strict=True)
        type_of = {fine: taxonomy.coarse[parent] for fine, parent in pairs_known}
    enrolled = columns.predictions[columns.predictions["enrolled"] > 0]
    labelled = np.stack([columns.told_type, columns.told_fine], axis=1)
    pairs = np.concatenate([labelled, np.stack([enrolled["fine_type"], enrolled["fine"]], axis=1)])
    for kind, fine in np.unique(pairs, axis=0).tolist():
        if kind != NOBODY:
            types[names[kind]] = None
            if fine != NOBODY:
                type_of.setdefault(names[fine], names[kind])
    return tuple(types), type_of


def likely(columns: PhotoColumns, row: int, used: Sequence[str]) -> list[str]:
    """Labels that a row probably has, likeliest first: the model's guess, its neighbours', those used last.

    Args:
        columns: the project.
        row: of the photo.
        used: names that the person gave to other photos, the last one at the end.
    """
    names, prediction = columns.names, columns.predictions[row]
    guesses = [names[prediction[name]] for name in ("fine", "near", "type", "near_type")] if prediction["image"] else []
    return [name for name in dict.fromkeys([*guesses[:2], *reversed(used), *guesses[2:]]) if name]
