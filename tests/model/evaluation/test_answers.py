"""What the trainer's answers rest on is what the program's do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.recognition import decision, evidence
from model.contract.decision import Beliefs
from model.contract.posterior import Posterior, type_sums
from model.contract.taxonomy import Taxonomy
from model.evaluation.answers import beliefs


@given(st.integers(0, 6), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_beliefs_are_those_of_the_program(n_known: int, n_enrolled: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"f{i}" for i in range(n_known + n_enrolled)]
    parents = [f"c{i}" for i in rng.integers(0, 4, len(names))]
    of_network = {one: rank for rank, one in enumerate(sorted({"c0", "c4", *parents[:n_known]}))}
    known = Taxonomy(
        coarse=tuple(of_network),
        fine=tuple(names[:n_known]),
        parents=tuple(of_network[one] for one in parents[:n_known]),
    )
    whole = known.extended(zip(parents[n_known:], names[n_known:], strict=True))
    fine = rng.choice([0.0, 0.1, 1.0], (8, len(whole.fine))) * rng.random((8, len(whole.fine)))
    coarse = type_sums(fine, whole) + rng.choice([0.0, 1.0, 3.0], (8, len(whole.coarse)))
    likeness, familiar = rng.normal(size=(2, 8))
    photos = [
        evidence.Evidence(
            evidence._types(of_types, whole),
            evidence._classes(of_classes, whole, len(known.fine)),
            float(alike),
            float(known_class),
        )
        for of_types, of_classes, alike, known_class in zip(coarse, fine, likeness, familiar, strict=True)
    ]
    found = beliefs(Posterior(coarse, fine), likeness, familiar, whole, known)
    for name, column, expected in zip(Beliefs._fields, found, decision._beliefs(photos), strict=True):
        assert column.dtype == expected.dtype, name
        assert column.tolist() == pytest.approx(expected.tolist()), name
