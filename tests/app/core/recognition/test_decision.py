from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.gallery.gallery import Neighbour, Reference
from app.core.recognition.decision import Decision, Status, decide
from app.core.recognition.evidence import ClassCandidate, Evidence, TypeCandidate
from model.contract.bundle import Thresholds
from model.contract.decision import Level

PARENTS = {"RX-8": "coupe", "TL": "sedan", "TSX": "sedan"}
HALF = Thresholds(fine=0.6, coarse=0.5, likeness=2.0, familiarity=-1.0)


def near(similarity: float, coarse: str = "sedan", fine: str | None = "TL") -> Neighbour:
    return Neighbour(Reference(1, coarse, fine, "test", "a.jpg"), similarity)


def evidence(
    types: dict[str, float],
    classes: dict[str, float],
    neighbours: list[Neighbour] | None = None,
    *,
    likeness: float = 5.0,
    familiarity: float = 0.0,
    enrolled: tuple[str, ...] = (),
    parents: dict[str, str] = PARENTS,
) -> Evidence:
    return Evidence(
        tuple(
            TypeCandidate(name, p, name in parents.values()) for name, p in sorted(types.items(), key=lambda x: -x[1])
        ),
        tuple(
            ClassCandidate(name, parents[name], p, name in enrolled)
            for name, p in sorted(classes.items(), key=lambda x: -x[1])
        ),
        likeness,
        familiarity,
        tuple(neighbours or ()),
    )


def alone(found: Evidence, thresholds: Thresholds) -> Decision:
    [decision] = decide([found], thresholds)
    return decision


SCORES = st.integers(-9000, 9000).map(lambda number: number / 1000)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Evidence, Thresholds]:
    n_coarse, n_fine = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    parents = {f"f{i}": f"c{draw(st.integers(0, n_coarse - 1))}" for i in range(n_fine)}
    weights = draw(st.lists(st.floats(0.001, 1), min_size=n_fine + n_coarse, max_size=n_fine + n_coarse))
    total = sum(weights)
    classes = {name: weight / total for name, weight in zip(parents, weights, strict=False)}
    types = {f"c{i}": weight / total for i, weight in enumerate(weights[n_fine:])}
    for name, probability in classes.items():
        types[parents[name]] += probability
    enrolled = draw(st.sets(st.sampled_from(sorted(parents)))) if parents else set()
    similarities = sorted(draw(st.lists(st.floats(-1, 1), max_size=5)), reverse=True)
    fine = st.sampled_from([None, *parents])
    neighbours = [near(s, draw(st.sampled_from(sorted(types))), draw(fine)) for s in similarities]
    found = evidence(
        types,
        classes,
        neighbours,
        likeness=draw(SCORES),
        familiarity=draw(SCORES),
        enrolled=tuple(enrolled),
        parents=parents,
    )
    unit, score = st.floats(0, 1), st.none() | SCORES
    return found, Thresholds(fine=draw(unit), coarse=draw(unit), likeness=draw(score), familiarity=draw(score))


@given(cases())
def test_status_level_label_and_confidence_belong_together(case: tuple[Evidence, Thresholds]) -> None:
    found, thresholds = case
    decision = alone(found, thresholds)
    guess = found.classes[0] if found.classes else None
    assert (decision.fine, decision.fine_confidence) == ((guess.name, guess.probability) if guess else ("", 0))
    assert (decision.coarse, decision.coarse_confidence) in [(one.name, one.probability) for one in found.types]
    match decision.status:
        case Status.IDENTIFIED:
            assert guess is not None
            assert (decision.level, decision.label) == (Level.FINE, guess.name)
            assert decision.confidence == guess.probability >= thresholds.fine
            assert decision.coarse == guess.coarse
        case Status.COARSE_ONLY:
            assert (decision.level, decision.label) == (Level.COARSE, found.types[0].name)
            assert decision.confidence == decision.coarse_confidence >= thresholds.coarse
        case status:
            assert status is Status.UNKNOWN
            assert (decision.level, decision.label, decision.confidence) == (Level.NONE, "", 0)


@given(cases(), st.floats(0.01, 9))
def test_what_is_unlike_everything_is_unknown_unless_what_was_enrolled_carries_an_answer(
    case: tuple[Evidence, Thresholds], short: float
) -> None:
    found, thresholds = case
    demanding = thresholds.model_copy(update={"likeness": found.likeness + short})
    guess, best = found.classes[0] if found.classes else None, found.types[0]
    of_gallery = sum(one.probability for one in found.classes if one.enrolled and one.coarse == best.name)
    carried = guess is not None and guess.enrolled and guess.coarse == best.name
    if (
        carried
        and of_gallery >= best.probability / 2
        and (guess.probability >= thresholds.fine or best.probability >= thresholds.coarse)
    ):
        assert alone(found, demanding) == alone(found, thresholds.model_copy(update={"likeness": None}))
    else:
        assert alone(found, demanding).status is Status.UNKNOWN


@given(cases())
def test_every_reason_is_one_line_with_a_figure_and_no_contradiction(case: tuple[Evidence, Thresholds]) -> None:
    reason = alone(*case).reason
    assert re.search(r"\d", reason)
    assert "\n" not in reason
    assert not reason.endswith(".")
    for low, needed in re.findall(r"(?:only|score) (-?[\d.]+)(?: %)?, needs (-?[\d.]+)", reason):
        assert float(low) < float(needed)


@given(cases(), st.floats(0, 1), st.floats(0, 1), st.floats(0, 5), st.floats(0, 5))
def test_higher_thresholds_never_give_a_more_specific_answer(
    case: tuple[Evidence, Thresholds], fine: float, coarse: float, likeness: float, familiarity: float
) -> None:
    found, thresholds = case
    stricter = Thresholds(
        fine=min(1, thresholds.fine + fine),
        coarse=min(1, thresholds.coarse + coarse),
        likeness=None if thresholds.likeness is None else thresholds.likeness + likeness,
        familiarity=None if thresholds.familiarity is None else thresholds.familiarity + familiarity,
    )
    rank = {Status.UNKNOWN: 0, Status.COARSE_ONLY: 1, Status.IDENTIFIED: 2}
    assert rank[alone(found, stricter).status] <= rank[alone(found, thresholds).status]


def decided(*arguments: Any, **how: Any) -> Decision:
    return alone(evidence(*arguments, **how), HALF)


SEDAN = {"bus": 0.01, "coupe": 0.02, "sedan": 0.97}
SURE = {"RX-8": 0.02, "TL": 0.88, "TSX": 0.07}


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        (
            evidence(SEDAN, SURE, [near(0.9)] * 4 + [near(0.8, fine="TSX")]),
            Status.IDENTIFIED,
            "class 88 %, above 60 %; 4 of 5 nearest reference photos agree",
        ),
        (evidence(SEDAN, SURE), Status.IDENTIFIED, "class 88 %, above 60 %"),
        (
            evidence(SEDAN, {"RX-8": 0.02, "TL": 0.43, "TSX": 0.38}, [near(0.9)]),
            Status.COARSE_ONLY,
            "TL and TSX share 81 %: shown as sedan, 97 %, above 50 %; the nearest reference photo agrees",
        ),
        (
            evidence(SEDAN, {"TL": 0.59996, "RX-8": 0.02, "TSX": 0.01}),
            Status.COARSE_ONLY,
            "class TL only 59.996 %, needs 60.000 %: shown as sedan, 97 %, above 50 %",
        ),
        (
            evidence({"bus": 0.8, "coupe": 0.1, "sedan": 0.1}, {"RX-8": 0.1, "TL": 0.05, "TSX": 0.05}),
            Status.COARSE_ONLY,
            "no classes are known of type bus: shown as bus, 80 %, above 50 %",
        ),
        (
            evidence({"bus": 0.3, "coupe": 0.25, "sedan": 0.45}, {"RX-8": 0.25, "TL": 0.4, "TSX": 0.05}, [near(0.5)]),
            Status.UNKNOWN,
            "class TL only 40 %, needs 60 %; type sedan only 45 %, needs 50 %",
        ),
        (
            evidence(SEDAN, {"RX-8": 0.02, "TL": 0.5, "TSX": 0.47}, [near(0.9, fine="TSX")] * 3 + [near(0.8)] * 2),
            Status.COARSE_ONLY,
            "neighbours disagree with the classifier: 3 of 5 are TSX, the best guess is TL (50 %): "
            "shown as sedan, 97 %, above 50 %; 5 of 5 nearest reference photos agree",
        ),
        (
            evidence(SEDAN, SURE, [near(0.31)], familiarity=-2.25),
            Status.COARSE_ONLY,
            "far from every known class, closest reference photo 0.31 (score -2.25, needs -1.00): "
            "shown as sedan, 97 %, above 50 %; the nearest reference photo agrees",
        ),
        (
            evidence(SEDAN, SURE, familiarity=-2.25),
            Status.COARSE_ONLY,
            "unlike every known class (score -2.25, needs -1.00): shown as sedan, 97 %, above 50 %",
        ),
        (
            evidence(SEDAN, SURE, [near(0.9)] * 5, likeness=1.5),
            Status.UNKNOWN,
            "unlike everything that the identification model knows (score 1.50, needs 2.00)",
        ),
        (
            evidence(SEDAN, SURE, [near(0.9)], likeness=-3, familiarity=-3, enrolled=("TL",)),
            Status.IDENTIFIED,
            "class 88 %, above 60 %; the nearest reference photo agrees",
        ),
        (
            evidence({"sedan": 0.9, "coupe": 0.1}, {"RX-8": 0.1, "TL": 0.05}, likeness=-3, enrolled=("RX-8",)),
            Status.UNKNOWN,
            "unlike everything that the identification model knows (score -3.00, needs 2.00)",
        ),
        (
            evidence({"sedan": 0.95, "coupe": 0.05}, {"TL": 0.4, "TSX": 0.55}, likeness=-3, enrolled=("TL",)),
            Status.UNKNOWN,
            "unlike everything that the identification model knows (score -3.00, needs 2.00)",
        ),
        (
            evidence({"bus": 0.6, "sedan": 0.4}, {"TL": 0.4}, likeness=-3, enrolled=("TL",)),
            Status.UNKNOWN,
            "unlike everything that the identification model knows (score -3.00, needs 2.00)",
        ),
        (
            evidence(SEDAN, {"TL": 0.5, "TSX": 0.45}, likeness=-3, enrolled=("TL", "TSX")),
            Status.COARSE_ONLY,
            "TL and TSX share 95 %: shown as sedan, 97 %, above 50 %",
        ),
    ],
)
def test_decisions_give_their_reasons(found: Evidence, status: Status, reason: str) -> None:
    decision = alone(found, HALF)
    assert (decision.status, decision.reason) == (status, reason)


def test_a_confidence_on_its_threshold_is_enough() -> None:
    exact = decided({"sedan": 1.0}, {"TL": 0.6, "TSX": 0.4}, [near(0.45)], likeness=2.0, familiarity=-1.0)
    assert exact.status is Status.IDENTIFIED
    assert exact.reason == "class 60 %, just enough; the nearest reference photo agrees"


@pytest.mark.parametrize(
    ("probability", "threshold", "words"),
    [
        (0.49, 0.6, "only 49 %, needs 60 %"),
        (0.004, 0.5, "only <1 %, needs 50 %"),
        (0.0, 0.5, "only 0 %, needs 50 %"),
        (0.5, 0.999, "only 50 %, needs >99 %"),
        (0.5, 1.0, "only 50 %, needs 100 %"),
        (0.599, 0.6, "only 59.9 %, needs 60.0 %"),
        (0.994, 0.999, "only 99.4 %, needs 99.9 %"),
        (0.9994, 0.9996, "only 99.94 %, needs 99.96 %"),
        (0.0004, 0.003, "only 0.04 %, needs 0.30 %"),
    ],
)
def test_a_probability_that_falls_short_is_never_rounded_to_the_threshold_or_to_certainty(
    probability: float, threshold: float, words: str
) -> None:
    found = evidence({"sedan": 1.0}, {"TL": probability})
    assert alone(found, Thresholds(fine=threshold, coarse=1.0)).reason.startswith(f"class TL {words}: shown as sedan")


def test_a_reason_never_claims_certainty() -> None:
    decision = decided({"sedan": 1.0}, {"TL": 0.997, "TSX": 0.003}, [near(0.9)])
    assert decision.reason == "class >99 %, above 60 %; the nearest reference photo agrees"
