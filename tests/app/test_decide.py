from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.decide import Decision, Level, Status, decide
from app.core.gallery import Neighbour, Reference
from model.bundle import Thresholds
from model.taxonomy import Taxonomy

CARS = Taxonomy(coarse=("bus", "coupe", "sedan"), fine=("RX-8", "TL", "TSX"), parents=(1, 2, 2))
HALF = Thresholds(fine=0.6, coarse=0.5, similarity=0.45)


def near(similarity: float, coarse: str = "sedan", fine: str | None = "TL") -> Neighbour:
    return Neighbour(Reference(1, coarse, fine, "test", "a.jpg"), similarity)


def decided(coarse: list[float], fine: list[float], neighbours: list[Neighbour] | None = None) -> Decision:
    return decide(np.array(coarse, np.float32), np.array(fine, np.float32), neighbours or [], CARS, HALF)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[Neighbour], Taxonomy, Thresholds]:
    n_coarse, n_fine = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    parents = draw(st.lists(st.integers(0, n_coarse - 1), min_size=n_fine, max_size=n_fine))
    taxonomy = Taxonomy(
        coarse=tuple(f"c{i}" for i in range(n_coarse)),
        fine=tuple(f"f{i}" for i in range(n_fine)),
        parents=tuple(parents),
    )

    def probabilities(n: int) -> np.ndarray:
        weights = np.array(draw(st.lists(st.floats(0.001, 1), min_size=n, max_size=n)), np.float32)
        return weights / weights.sum() if n else weights

    similarities = sorted(draw(st.lists(st.floats(-1, 1), max_size=5)), reverse=True)
    neighbours = [near(s, draw(st.sampled_from(taxonomy.coarse)), None) for s in similarities]
    unit = st.floats(0, 1)
    thresholds = Thresholds(fine=draw(unit), coarse=draw(unit), similarity=draw(st.floats(-1, 1)))
    return probabilities(n_coarse), probabilities(n_fine), neighbours, taxonomy, thresholds


@given(cases())
def test_status_level_label_and_confidence_belong_together(case) -> None:
    coarse, fine, neighbours, taxonomy, thresholds = case
    decision = decide(*case)
    assert decision.coarse == taxonomy.coarse[int(np.argmax(coarse))]
    assert decision.coarse_confidence == float(coarse.max())
    assert decision.fine == (taxonomy.fine[int(np.argmax(fine))] if taxonomy.fine else "")
    assert decision.fine_confidence == (float(fine.max()) if taxonomy.fine else 0)
    match decision.status:
        case Status.IDENTIFIED:
            assert (decision.level, decision.label) == (Level.FINE, decision.fine)
            assert decision.confidence == decision.fine_confidence >= thresholds.fine
            assert taxonomy.parents[taxonomy.fine_index[decision.fine]] == taxonomy.coarse_index[decision.coarse]
        case Status.COARSE_ONLY:
            assert (decision.level, decision.label) == (Level.COARSE, decision.coarse)
            assert decision.confidence == decision.coarse_confidence >= thresholds.coarse
        case status:
            assert status is Status.UNKNOWN
            assert (decision.level, decision.label, decision.confidence) == (Level.NONE, "", 0)
    if neighbours and neighbours[0].similarity < thresholds.similarity:
        assert decision.status is Status.UNKNOWN


@given(cases())
def test_every_reason_is_one_line_with_a_figure_and_no_contradiction(case) -> None:
    reason = decide(*case).reason
    assert re.search(r"\d", reason)
    assert "\n" not in reason
    assert not reason.endswith(".")
    for low, needed in re.findall(r"only ([\d.]+) %, needs ([\d.]+) %", reason):
        assert float(low) < float(needed)


@given(cases(), st.floats(0, 1), st.floats(0, 1), st.floats(0, 2))
def test_higher_thresholds_never_give_a_more_specific_answer(
    case, fine: float, coarse: float, similarity: float
) -> None:
    *evidence, thresholds = case
    stricter = Thresholds(
        fine=min(1, thresholds.fine + fine),
        coarse=min(1, thresholds.coarse + coarse),
        similarity=min(1, thresholds.similarity + similarity),
    )
    rank = {Status.UNKNOWN: 0, Status.COARSE_ONLY: 1, Status.IDENTIFIED: 2}
    # a fine answer does not depend on the coarse threshold, so only a loss of detail is possible
    assert rank[decide(*evidence, stricter).status] <= rank[decide(*evidence, thresholds).status]


@pytest.mark.parametrize(
    ("coarse", "fine", "neighbours", "status", "reason"),
    [
        (
            [0.01, 0.02, 0.97],
            [0.05, 0.88, 0.07],
            [near(0.9)] * 4 + [near(0.8, fine="TSX")],
            Status.IDENTIFIED,
            "class 88 %, above 60 %; 4 of 5 nearest reference photos agree",
        ),
        ([0.01, 0.02, 0.97], [0.05, 0.88, 0.07], [], Status.IDENTIFIED, "class 88 %, above 60 %"),
        (
            [0.01, 0.02, 0.97],
            [0.19, 0.43, 0.38],
            [near(0.9)],
            Status.COARSE_ONLY,
            "TL and TSX share 81 %: shown as sedan, 97 %, above 50 %; the nearest reference photo agrees",
        ),
        (
            [0.01, 0.02, 0.97],
            [0.5, 0.59996, 0.01],
            [],
            Status.COARSE_ONLY,
            "class TL only 59.996 %, needs 60.000 %: shown as sedan, 97 %, above 50 %",
        ),
        (
            [0.1, 0.2, 0.7],
            [0.9, 0.05, 0.05],
            [near(0.9, "coupe")],
            Status.COARSE_ONLY,
            "type and class disagree: RX-8 is of type coupe (90 %), but the type looks like sedan (70 %): "
            "shown as sedan, 70 %, above 50 %; the nearest reference photo disagrees",
        ),
        (
            [0.8, 0.1, 0.1],
            [0.2, 0.4, 0.4],
            [],
            Status.COARSE_ONLY,
            "no classes are known of type bus: shown as bus, 80 %, above 50 %",
        ),
        (
            [0.3, 0.3, 0.4],
            [0.3, 0.4, 0.3],
            [near(0.5)],
            Status.UNKNOWN,
            "TL and TSX share 70 %; type sedan only 40 %, needs 50 %",
        ),
        (
            [0.01, 0.02, 0.97],
            [0.05, 0.88, 0.07],
            [near(0.31)],
            Status.UNKNOWN,
            "far from every reference photo (closest 0.31, needs 0.45)",
        ),
    ],
)
def test_reasons(coarse, fine, neighbours, status: Status, reason: str) -> None:
    decision = decided(coarse, fine, neighbours)
    assert (decision.status, decision.reason) == (status, reason)


def test_a_confidence_on_its_threshold_is_enough() -> None:
    assert (
        decided([0, 0.5, 0.5], [0.2, 0.2, 0.6]).status is not Status.IDENTIFIED
    )  # sedan ties with coupe, coupe is first
    assert decided([0, 0, 0.5], [0, 0.75, 0.25]).status is Status.IDENTIFIED
    exact = decide(np.array([0, 0, 1.0]), np.array([0.0, 0.6, 0.4]), [near(0.45)], CARS, HALF)
    assert exact.status is Status.IDENTIFIED
    assert exact.reason == "class 60 %, just enough; the nearest reference photo agrees"
