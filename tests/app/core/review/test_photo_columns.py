from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import FoundFile, Outcome, SubjectId
from app.core.project.results import results
from app.core.recognition.decision import Status
from app.core.recognition.evidence import Evidence
from app.core.recognition.features import FEATURES, feature_row
from app.core.review import arrangement, likeness
from app.core.review.arrangement import Filter, Order, Show
from app.core.review.photo_columns import (
    STATUSES,
    WAITING,
    ClassNumbers,
    PhotoColumns,
    answers,
)
from app.core.review.suggestions import suggest
from model.contract.bundle import Thresholds
from model.contract.decision import LEVELS
from model.contract.taxonomy import Taxonomy
from tests.app.core.recognition.test_decision import alone, cases, evidence, near
from tests.app.foreign import execute

MODEL = "m"
LABELS = st.none() | st.sampled_from(
    [
        Label(Verdict.ACCEPTED, "c0", "f0"),
        Label(Verdict.ACCEPTED, "c1"),
        Label(Verdict.CORRECTED, "c9", "quite new"),
        Label(Verdict.UNKNOWN),
        Label(Verdict.EXCLUDED),
    ]
)


def unit(*angles: float) -> np.ndarray:
    """Vectors of unit length at these angles."""
    return np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "work.marque") as created:
        created.sources.add(Path("/photos"))
        yield created


def fill(project: Project, found: list[Evidence | None], vectors: np.ndarray | None = None) -> None:
    """Images 1 to N; None is one that cannot be read."""
    project.images.add(1, [FoundFile(Path(f"/photos/{i}.jpg"), 1, 1) for i in range(1, len(found) + 1)])
    taxonomy = Taxonomy(coarse=("sedan",), fine=(), parents=())
    facts = json.dumps({"name": "m", "taxonomy": taxonomy.model_dump(), "thresholds": Thresholds().model_dump()})
    execute(project.path, "INSERT INTO model (fingerprint, facts) VALUES (?, ?)", (MODEL, facts))
    angles = vectors if vectors is not None else unit(*range(len(found)))
    project.predictions.store(
        MODEL,
        [
            Outcome(i, error="broken") if one is None else Outcome(i, "d", one, vector)
            for i, (one, vector) in enumerate(zip(found, angles, strict=True), start=1)
        ],
    )


def load(project: Project, thresholds: Thresholds | None = None) -> PhotoColumns:
    columns = PhotoColumns(thresholds=thresholds)
    columns.add(project.images.places())
    for piece in project.predictions.features(MODEL, columns.names.place):
        columns.set_predictions(piece)
    columns.set_labels(project.labels.all())
    return columns


def sedan(probability: float, *, second: float = 0.1, neighbours: int = 0, of: str = "TSX") -> Evidence:
    return evidence(
        {"sedan": 0.9, "coupe": 0.1},
        {"TL": probability, "TSX": second},
        [near(0.9, "sedan", of)] * neighbours,
    )


def test_an_answer_whose_image_came_after_the_list_was_read_waits_for_it(project: Project) -> None:
    """A run stores images while a project is being loaded: the list of images is older than that of answers."""
    fill(project, [sedan(0.9), sedan(0.8), sedan(0.7)])
    columns = PhotoColumns()
    columns.add([place for place in project.images.places() if place[0] != 3])
    [piece] = project.predictions.features(MODEL, columns.names.place)
    assert columns.set_predictions(piece).tolist() == [0, 1]
    assert columns.predictions["image"].tolist() == [1, 2]
    columns.add(project.images.places(after=2))
    assert columns.set_predictions(piece).tolist() == [0, 1, 2]
    assert columns.predictions["fine_probability"] == pytest.approx([0.9, 0.8, 0.7])


@given(cases())
def test_rows_are_decided_as_single_photos_are(case: tuple[Evidence, Thresholds]) -> None:
    found, thresholds = case
    kept = Evidence.from_json(found.to_json())  # with as many decimals as are kept
    names = ClassNumbers()
    piece = np.frombuffer(feature_row(1, found, names.place), FEATURES)
    row, decision = answers(piece, thresholds), alone(kept, thresholds)
    assert STATUSES[row.status[0]] is decision.status and LEVELS[row.level[0]] is decision.level
    assert names[row.label[0]] == decision.label and names[row.type[0]] == decision.coarse
    assert row.confidence[0] == decision.confidence


@given(st.lists(st.tuples(cases(), LABELS), min_size=1, max_size=6))
def test_columns_show_what_the_results_say(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[tuple[Evidence | None, Thresholds], Label | None]]
) -> None:
    thresholds = rows[0][0][1]
    with Project.create(tmp_path_factory.mktemp("p") / "work.marque") as project:
        project.sources.add(Path("/photos"))
        fill(project, [found for (found, _), _ in rows])
        project.labels.set({SubjectId(i): label for i, (_, label) in enumerate(rows, start=1)}, "test")
        project.models.choose_thresholds(MODEL, thresholds)
        columns = load(project, thresholds)
        for row, result in enumerate(results(project, project.models.all()[0])):
            assert result.answer is not None
            assert STATUSES[columns.shown.status[row]] is result.answer.status
            assert columns.names[columns.shown.label[row]] == result.answer.label
            assert columns.shown.confidence[row] == pytest.approx(result.answer.confidence, abs=1e-6)


def test_images_that_come_change_and_fail(project: Project) -> None:
    fill(project, [sedan(0.8), None])
    columns = load(project)
    assert [columns.names[place] for place in columns.shown.label] == ["TL", ""]
    assert STATUSES[columns.shown.status[1]] is Status.ERROR and columns.errors == {1: "broken"}
    project.images.add(1, [FoundFile(Path("/photos/1.jpg"), 2, 9), FoundFile(Path("/photos/9.jpg"), 1, 1)])
    assert columns.add(project.images.places()).tolist() == [0, 1, 2]
    assert columns.shown.status.tolist() == [WAITING, STATUSES.index(Status.ERROR), WAITING]
    assert columns.paths[2] == "/photos/9.jpg" and columns.rows_of([2, 77, 1]).tolist() == [1, 0]


def test_other_thresholds_decide_at_once_and_are_kept(project: Project) -> None:
    fill(project, [sedan(0.8), sedan(0.6)])
    columns = load(project, Thresholds(fine=0.5))
    assert columns.shown.confidence.tolist() == [0.8, 0.6]
    columns.decide(Thresholds(fine=0.7))
    assert columns.shown.confidence.tolist() == [0.8, 0.9]
    project.models.choose_thresholds(MODEL, Thresholds(fine=0.7))
    path = project.path
    project.close()
    with Project.open(path) as again:
        assert again.models.all()[0].thresholds.fine == 0.7
        again.models.choose_thresholds(MODEL, None)
        assert again.models.all()[0].thresholds.fine == 0.5


def test_accepting_takes_what_is_shown(project: Project) -> None:
    unknown = evidence({"sedan": 0.3, "coupe": 0.3}, {"TL": 0.2})
    fill(project, [sedan(0.8), sedan(0.4), unknown, None])
    columns = load(project)
    assert [columns.accepted(row) for row in range(4)] == [
        Label(Verdict.ACCEPTED, "sedan", "TL"),
        Label(Verdict.ACCEPTED, "sedan"),
        Label(Verdict.UNKNOWN),
        None,
    ]


def test_filters_choose_rows(project: Project) -> None:
    fill(project, [sedan(0.8, second=0.1), sedan(0.6, second=0.39), sedan(0.4), None, sedan(0.9)])
    project.labels.set(
        {SubjectId(5): Label(Verdict.EXCLUDED), SubjectId(1): Label(Verdict.ACCEPTED, "sedan", "TL")}, "test"
    )
    columns = load(project)

    def rows(**wanted: Any) -> list[int]:
        return arrangement.matching(columns, Filter(**wanted)).tolist()

    assert rows() == [0, 1, 2, 3, 4]
    assert rows(show=Show.UNDECIDED) == [1, 2]
    assert rows(show=Show.IDENTIFIED) == [0, 1] and rows(show=Show.COARSE_ONLY) == [2]
    assert rows(show=Show.ERROR) == [3] and rows(show=Show.EXCLUDED) == [4] and rows(show=Show.ACCEPTED) == [0]
    assert rows(show=Show.WAITING) == [] and rows(show=Show.CORRECTED) == []
    assert rows(label="TL") == [0, 1, 4] and rows(label="sedan") == [0, 1, 2, 4]
    assert rows(text="/3 SED") == [2] and rows(text="tl") == [0, 1, 4] and rows(text="nothing") == []
    assert rows(least=0.55, most=0.95) == [1, 2, 4] and rows(most_margin=0.25) == [1, 3]
    assert arrangement.counts(columns)[Show.UNDECIDED] == 2
    assert arrangement.labels_in_use(columns) == {"sedan": 4, "TL": 3}


@given(st.lists(st.integers(0, 3), max_size=12), st.sampled_from([Order.CONFIDENCE, Order.ALIKE]), st.booleans())
def test_sorting_keeps_equal_rows_in_order(values: list[int], order: Order, down: bool) -> None:
    columns = PhotoColumns()
    columns.ids = np.arange(1, len(values) + 1)
    object.__setattr__(columns.shown, "confidence", np.array(values, float))
    rows = arrangement.sorted_rows(
        columns, np.arange(len(values)), order, descending=down, likeness=-np.array(values, np.float32)
    )
    expected = sorted(range(len(values)), key=lambda row: -values[row] if down else values[row])
    assert rows.tolist() == expected


def test_sorting_by_name_class_margin_and_age(project: Project) -> None:
    fill(project, [sedan(0.8), sedan(0.45, second=0.4), None, sedan(0.2, second=0.7)])
    columns = load(project)
    every = np.arange(4)
    assert arrangement.sorted_rows(columns, every, Order.ADDED, descending=True).tolist() == [3, 2, 1, 0]
    assert arrangement.sorted_rows(columns, every, Order.MARGIN).tolist() == [2, 1, 3, 0]
    # sedan, TL, TSX, and at the end what has no label
    assert arrangement.sorted_rows(columns, every, Order.CLASS).tolist() == [1, 0, 3, 2]
    columns.paths = ["b", "C", "a", "d"]
    assert arrangement.sorted_rows(columns, every, Order.NAME).tolist() == [2, 0, 1, 3]
    with pytest.raises(ValueError, match="likeness"):
        arrangement.sorted_rows(columns, every, Order.ODD)
    alike = likeness.spread(np.array([2, 4]), np.array([0.5, 0.1], np.float32), columns.ids)
    assert arrangement.sorted_rows(columns, every, Order.ODD, likeness=alike).tolist() == [3, 1, 0, 2]


@given(st.integers(1, 30), st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_most_similar_finds_what_a_full_sort_finds(n: int, among: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (rng.normal(size=(count, 4)).astype(np.float32) for count in (n, among))
    places, cosines = likeness.most_similar(one, other, k)
    whole = one @ other.T
    assert np.allclose(cosines, -np.sort(-whole, axis=1)[:, :k], atol=1e-5)
    assert np.allclose(np.take_along_axis(whole, places, axis=1), cosines, atol=1e-5)


def test_the_odd_one_is_least_like_its_class() -> None:
    vectors = unit(0.0, 0.1, 1.5, 3.0, 0.05)
    scores = likeness.to_own_class(vectors, np.array([0, 0, 0, 1, 0]))
    assert scores.argmin() == 2 and scores[3] == 1
    others = vectors[[0, 1, 4]].sum(axis=0)
    assert scores[2] == pytest.approx(vectors[2] @ others / np.linalg.norm(others), abs=1e-6)
    assert likeness.to_one(vectors, 3).argmax() == 3


def test_suggestions_come_from_the_persons_labels_and_from_references(project: Project) -> None:
    # five photos alike, two of which the person calls TSX; one elsewhere whose references say TSX; one they agree with
    fill(
        project,
        [*[sedan(0.8)] * 5, sedan(0.8, neighbours=5), sedan(0.8, neighbours=5, of="TL")],
        unit(0.0, 0.01, 0.02, 0.03, 0.04, 2.0, 2.5),
    )
    project.labels.set(dict.fromkeys(map(SubjectId, (1, 2)), Label(Verdict.CORRECTED, "sedan", "TSX")), "test")
    columns = load(project)
    (found,) = suggest(columns, *project.predictions.embeddings(MODEL))
    assert set(found.images) == {3, 4, 5, 6} and found.shown == "TL"
    assert found.label == Label(Verdict.CORRECTED, "sedan", "TSX") and "you labelled" in found.reason
    project.labels.set(dict.fromkeys(map(SubjectId, (3, 4, 5)), Label(Verdict.ACCEPTED, "sedan", "TL")), "test")
    (left,) = suggest(load(project), *project.predictions.embeddings(MODEL))
    assert left.images == (6,) and "reference photos" in left.reason
