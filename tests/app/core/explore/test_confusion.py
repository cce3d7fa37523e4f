"""Classes that are taken for each other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.explore.confusion import ClassName, confused, crossing, mistakes
from app.core.explore.evaluation import (
    EvaluatedPhotos,
    TestPartError,
    by_person,
    by_test_part,
    leave_one_out,
    read_test_part,
)
from app.core.explore.map_points import MapPoints
from app.core.gallery.gallery import Reference
from app.core.project.labels import Label, Verdict
from app.core.project.records import SubjectId
from app.core.recognition.features import FEATURES, NAMED, NOBODY
from app.core.review.photo_columns import ClassNumbers, PhotoColumns

TYPES = ("sedan", "coupe", "ship")
CLASSES = ("", "A", "B", "C")
ONE = st.tuples(st.sampled_from(TYPES), st.sampled_from(CLASSES))


def judged_of(photos: list[tuple[tuple[str, str], tuple[str, str]]]) -> EvaluatedPhotos:
    names = ClassNumbers()
    numbers = [[[names.place(name) for name in label] for label in photo] for photo in photos]
    both = np.array(numbers, np.int32).reshape(-1, 2, 2)
    return EvaluatedPhotos(
        names, both[:, 0], both[:, 1], np.arange(len(photos)) + 1, ("x.jpg",) * len(photos), np.zeros(len(photos), bool)
    )


def is_mistake(truth: tuple[str, str], answer: tuple[str, str]) -> bool:
    return truth[0] != answer[0] or bool(truth[1] and answer[1] and truth[1] != answer[1])


@given(st.lists(st.tuples(ONE, ONE), max_size=40))
def test_pairs_and_types_are_counted_as_one_by_one(photos: list[tuple[tuple[str, str], tuple[str, str]]]) -> None:
    judged = judged_of(photos)
    wrong = [place for place, photo in enumerate(photos) if is_mistake(*photo)]
    assert np.flatnonzero(mistakes(judged)).tolist() == wrong
    expected = Counter(frozenset(photos[place]) for place in wrong)
    pairs = confused(judged)
    assert {frozenset(((p.one.type, p.one.fine), (p.other.type, p.other.fine))): p.count for p in pairs} == expected
    assert [pair.count for pair in pairs] == sorted((pair.count for pair in pairs), reverse=True)
    assert sorted(place for pair in pairs for place in [*pair.there.tolist(), *pair.back.tolist()]) == wrong
    totals = Counter(truth for truth, _ in photos)
    for pair in pairs:
        one, other = (pair.one.type, pair.one.fine), (pair.other.type, pair.other.fine)
        assert all(photos[place] == (one, other) for place in pair.there.tolist())
        assert all(photos[place] == (other, one) for place in pair.back.tolist())
        assert len(pair.there) >= len(pair.back) and pair.photos == totals[one] + totals[other]
        assert 0 < pair.share <= 1
    found = crossing(judged, order=("ship", "sedan"))
    assert list(found.types) == [t for t in ("ship", "sedan", "coupe") if any(t in (a[0], b[0]) for a, b in photos)]
    for row, kind in enumerate(found.types):
        for column, answer in enumerate(found.types):
            assert found.counts[row, column] == sum(a[0] == kind and b[0] == answer for a, b in photos)
        assert found.within[row] == sum(is_mistake(a, b) and a[0] == b[0] == kind for a, b in photos)
    assert found.across + found.within.sum() == len(wrong)


def test_the_more_frequent_direction_comes_first() -> None:
    sedan, coupe = ("sedan", "A"), ("coupe", "B")
    (pair,) = confused(judged_of([(sedan, coupe), (coupe, sedan), (coupe, sedan), (coupe, coupe)]))
    assert (pair.one, pair.other) == (ClassName("coupe", "B"), ClassName("sedan", "A"))
    assert (pair.there.tolist(), pair.back.tolist(), pair.share) == ([1, 2], [0], 0.75)
    assert crossing(judged_of([(sedan, coupe), (sedan, sedan)])).share(1, 0) == 0.5


def columns() -> PhotoColumns:
    """Five photos that the model takes for class A of type sedan; the last one waits."""
    result = PhotoColumns()
    result.add([(number, f"/photos/{number}.jpg".encode(), None) for number in (1, 2, 3, 4, 5)])
    piece = np.zeros(4, FEATURES)
    for name in NAMED:
        piece[name] = NOBODY
    piece["image"] = (1, 2, 3, 4)
    piece["type"] = result.names.place("ship")
    piece["fine"], piece["fine_type"] = result.names.place("A"), result.names.place("sedan")
    piece["fine"][3] = NOBODY
    result.set_predictions(piece)
    return result


def texts(judged: EvaluatedPhotos, labels: np.ndarray) -> list[tuple[str, ...]]:
    return [tuple(judged.names[name] for name in label) for label in labels.tolist()]


def test_the_persons_labels_are_compared_with_the_best_guess() -> None:
    shown = columns()
    accepted, corrected = Label(Verdict.ACCEPTED, "sedan", "A"), Label(Verdict.CORRECTED, "coupe", "B")
    shown.set_labels(
        {
            SubjectId(1): accepted,
            SubjectId(2): Label(Verdict.UNKNOWN),
            SubjectId(3): corrected,
            SubjectId(4): Label(Verdict.CORRECTED, "ship"),
            SubjectId(5): accepted,
        }
    )
    found = by_person(shown)
    assert found.images.tolist() == [1, 3, 4] and found.files[1] == "/photos/3.jpg"
    assert texts(found, found.truth) == [("sedan", "A"), ("coupe", "B"), ("ship", "")]
    assert texts(found, found.answer) == [("sedan", "A"), ("sedan", "A"), ("ship", "")]
    assert len(by_person(columns())) == 0 and crossing(by_person(columns())).types == ()


def test_the_test_part_of_a_run(tmp_path: Path) -> None:
    head = "path,coarse,fine,source,group,split,x1,y1,x2,y2,attributes\n"
    rows = ("/photos/1.jpg,sedan,A,s,1,train", "/photos/2.jpg,coupe,B,s,2,test", "/photos/9.jpg,coupe,,s,3,test")
    (tmp_path / "split.csv").write_text(head + "".join(f"{row},,,,,{{}}\n" for row in rows), encoding="utf-8")
    labels = read_test_part(tmp_path)
    assert labels == {"/photos/2.jpg": ("coupe", "B"), "/photos/9.jpg": ("coupe", "")}
    found = by_test_part(columns(), labels)
    assert found.images.tolist() == [2] and texts(found, found.truth) == [("coupe", "B")]
    (tmp_path / "split.csv").write_text(head + f"{rows[0]},,,,,{{}}\n", encoding="utf-8")
    with pytest.raises(TestPartError, match="no photos for testing"):
        read_test_part(tmp_path)
    with pytest.raises(TestPartError, match=r"split\.csv"):
        read_test_part(tmp_path / "nowhere")


def references(count: int, seed: int) -> MapPoints:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(count, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    named = tuple(
        Reference(number, TYPES[number % 3], CLASSES[generator.integers(4)] or None, "s", f"{number}.jpg")
        for number in range(count)
    )
    return MapPoints(vectors, np.zeros(0, np.int64), named, (None,) * count)


def one_left_out(points: MapPoints) -> tuple[list[int], EvaluatedPhotos]:
    told, steps = [], leave_one_out(points)
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


@pytest.mark.parametrize("count", [0, 1, 2, 4, 120])
def test_each_reference_is_judged_by_the_others(count: int) -> None:
    points = references(count, seed=count)
    told, judged = one_left_out(points)
    assert len(judged) == count and (not told or told[-1] == count)
    assert judged.missing.all() and judged.files == tuple(one.path for one in points.references)
    labels = [(one.coarse, one.fine or "") for one in points.references]
    assert texts(judged, judged.truth) == labels
    for place in range(count):
        others = [one for one in range(count) if one != place] or [place]
        nearest = max(others, key=lambda one: float(points.vectors[one] @ points.vectors[place]))
        assert texts(judged, judged.answer[[place]]) == [labels[nearest]]


def test_many_copies_of_a_photo_are_all_judged() -> None:
    points = references(40, seed=1)
    same = MapPoints(np.tile(points.vectors[:1], (40, 1)), points.images, points.references, points.pictures)
    _, judged = one_left_out(same)
    assert len(judged) == 40
