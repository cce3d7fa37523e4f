import csv
import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.contract.config import DataSettings
from model.contract.samples import DataError, Sample
from model.data.readers import read_data
from model.data.splits import (
    FOLDS,
    Split,
    class_disjoint,
    fold_of_classes,
    later_half,
    read_split,
    stratified,
    write_split,
)
from model.training.run_setup import deal
from tests.real_photos import REAL_PHOTOS as DATA

SPLIT_OF_THE_REAL_PHOTOS = "e539058c2d4f3d4222aa8e8bcc52dd93a470a7850d4d65586ddd8383c2823b43"
"""Of what every figure of the supplied models rests on: which photo trains, chooses or tests."""


def sample(
    number: int | str,
    coarse: str = "car",
    fine: str | None = None,
    source: str = "a",
    group: str | None = None,
    **rest: Any,
) -> Sample:
    return Sample(Path(f"/photos/{number}.jpg"), coarse, fine, source, group or f"g{number}", f"line {number}", **rest)


@st.composite
def collections(draw: st.DrawFn, one_class_a_group: bool = False) -> list[Sample]:
    """Samples of up to three sources with groups of any size."""
    count = draw(st.integers(1, 80))
    samples = []
    label_of = {}
    for number in range(count):
        source, group = draw(st.sampled_from("ab")), f"g{draw(st.integers(0, 30))}"
        label = (draw(st.sampled_from(["car", "ship"])), draw(st.sampled_from([None, "x", "y"])))
        if one_class_a_group:
            label = label_of.setdefault((source, group), label)
        coarse, fine = label
        samples.append(sample(number, coarse, fine and f"{coarse} {fine}", source, group))
    return samples


SHARES = st.sampled_from([(0.0, 0.0), (0.1, 0.0), (0.0, 0.2), (0.1, 0.2), (0.25, 0.25), (0.1, 0.7)])


@given(collections(), SHARES, st.integers(0, 5))
def test_a_group_never_straddles_splits(samples: list[Sample], shares: tuple[float, float], seed: int) -> None:
    splits = stratified(samples, validation=shares[0], test=shares[1], seed=seed)
    seen = defaultdict(set)
    for one, split in zip(samples, splits, strict=True):
        seen[one.source, one.group].add(split)
    assert all(len(parts) == 1 for parts in seen.values())
    assert shares[0] > 0 or Split.VALIDATION not in splits
    assert shares[1] > 0 or Split.TEST not in splits


@given(collections(one_class_a_group=True), SHARES, st.integers(0, 5))
def test_every_class_of_three_groups_is_trained_and_tested(
    samples: list[Sample], shares: tuple[float, float], seed: int
) -> None:
    splits = stratified(samples, validation=shares[0], test=shares[1], seed=seed)
    groups = defaultdict(set)
    parts = defaultdict(set)
    for one, split in zip(samples, splits, strict=True):
        groups[one.coarse, one.fine].add((one.source, one.group))
        parts[one.coarse, one.fine].add(split)
    for label in groups:
        assert Split.TRAIN in parts[label]
        if len(groups[label]) >= 3 and shares[1] > 0:
            assert Split.TEST in parts[label]


@given(st.lists(st.integers(3, 60), min_size=1, max_size=8), st.integers(0, 5))
def test_shares_are_close_in_each_class_and_over_all(sizes: list[int], seed: int) -> None:
    samples = [sample(f"{k}-{i}", "car", f"model {k}") for k, size in enumerate(sizes) for i in range(size)]
    splits = stratified(samples, validation=0.15, test=0.2, seed=seed)
    shares = {Split.TRAIN: 0.65, Split.VALIDATION: 0.15, Split.TEST: 0.2}
    counts = Counter((one.fine, split) for one, split in zip(samples, splits, strict=True))
    for k, size in enumerate(sizes):
        for split, share in shares.items():
            assert abs(counts[f"model {k}", split] - share * size) <= 2.5
    for split, share in shares.items():
        assert abs(splits.count(split) - share * len(samples)) <= 2 + len(sizes) / 2


def test_each_source_has_its_share() -> None:
    samples = [sample(i, "ship", "tug", source="ab"[i % 10 == 0]) for i in range(400)]
    splits = stratified(samples, validation=0.1, test=0.2, seed=0)
    for source, size in (("a", 360), ("b", 40)):
        parts = Counter(split for one, split in zip(samples, splits, strict=True) if one.source == source)
        assert abs(parts[Split.TEST] - 0.2 * size) <= 1
        assert abs(parts[Split.VALIDATION] - 0.1 * size) <= 1


def test_equal_group_names_of_two_sources_are_two_groups() -> None:
    samples = [sample(i, source="ab"[i % 2], group=f"g{i // 2}") for i in range(200)]
    splits = stratified(samples, validation=0, test=0.5, seed=0)
    assert any(splits[i] != splits[i + 1] for i in range(0, 200, 2))


@given(collections(), st.integers(0, 5))
def test_order_and_seed_decide_not_paths_or_names(samples: list[Sample], seed: int) -> None:
    once = stratified(samples, validation=0.2, test=0.2, seed=seed)
    assert once == stratified(samples, validation=0.2, test=0.2, seed=seed)
    elsewhere = [
        Sample(Path("/moved") / one.path.name, one.coarse, one.fine, one.source, f"{one.group} moved", one.origin)
        for one in samples
    ]
    assert once == stratified(elsewhere, validation=0.2, test=0.2, seed=seed)


def test_another_seed_gives_another_split() -> None:
    samples = [sample(i) for i in range(100)]
    assert stratified(samples, validation=0, test=0.5, seed=0) != stratified(samples, validation=0, test=0.5, seed=1)


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0), (0, -0.1), (0.5, 0.5), (0, 1), (float("nan"), 0)])
def test_shares_that_leave_no_training_data_are_refused(validation: float, test: float) -> None:
    with pytest.raises(ValueError, match="shares"):
        stratified([sample(0)], validation=validation, test=test, seed=0)


@given(collections(), st.sampled_from([0.0, 0.2]), st.integers(0, 3))
def test_no_tested_class_is_trained(samples: list[Sample], validation: float, seed: int) -> None:
    first_source = {}
    for one in samples:
        if one.fine:
            first_source.setdefault(one.fine, one.source)
    if max(Counter(first_source.values()).values(), default=0) < 2:
        with pytest.raises(DataError, match="at least two classes"):
            class_disjoint(samples, validation=validation, seed=seed)
        return
    splits = class_disjoint(samples, validation=validation, seed=seed)
    tested = {one.fine for one, split in zip(samples, splits, strict=True) if split is Split.TEST}
    trained = {one.fine for one, split in zip(samples, splits, strict=True) if split is not Split.TEST}
    assert not (tested & trained) - {None}
    test_groups = {(s.source, s.group) for s, split in zip(samples, splits, strict=True) if split is Split.TEST}
    for one, split in zip(samples, splits, strict=True):
        if one.fine is None:  # it may show a tested object, and goes where its group is
            assert (split is Split.TEST) == ((one.source, one.group) in test_groups)
    for source in "ab":
        of_source = [fine for fine, first in first_source.items() if first == source]
        assert [fine in tested for fine in of_source] == [i >= (len(of_source) + 1) // 2 for i in range(len(of_source))]


def test_classes_are_halved_in_order_of_first_occurrence() -> None:
    order = ["m", "b", "z", "a", "k"]
    samples = [sample(f"{fine}{i}", "car", fine) for fine in order for i in range(10)] + [sample("plain", "car")]
    splits = class_disjoint(samples, validation=0.2, seed=0)
    assert {s.fine for s, split in zip(samples, splits, strict=True) if split is Split.TEST} == {"a", "k"}
    held_back = Counter(s.fine for s, split in zip(samples, splits, strict=True) if split is Split.VALIDATION)
    assert held_back == {"m": 2, "b": 2, "z": 2}


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=8)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(
        st.builds(
            Sample,
            path=TEXT.filter(lambda name: "/" not in name and name not in (".", "..")).map(
                lambda name: Path("/p") / name
            ),
            coarse=TEXT,
            fine=st.none() | TEXT,
            source=TEXT,
            group=TEXT,
            origin=st.just(""),
            box=st.none()
            | st.tuples(*[st.integers(0, 9), st.integers(0, 9), st.integers(10, 99), st.integers(10, 99)]),
            attributes=st.dictionaries(TEXT, NUMBER, max_size=2),
        ),
        min_size=1,
        max_size=5,
    ),
    st.randoms(),
)
def test_a_split_that_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, samples: list[Sample], random: Random
) -> None:
    path = tmp_path_factory.mktemp("run") / "split.csv"
    splits = [random.choice(list(Split)) for _ in samples]
    write_split(path, samples, splits)
    read, read_splits = read_split(path)
    assert read_splits == splits
    assert list(path.parent.iterdir()) == [path]
    for before, after in zip(samples, read, strict=True):
        for name in ("path", "coarse", "fine", "source", "group", "box", "attributes"):
            assert getattr(after, name) == getattr(before, name)


def test_a_photo_of_a_split_need_not_be_there_but_its_row_must_be_right(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    write_split(path, [sample(1, fine="x", box=(1, 2, 3, 4), attributes={"year": 2012.0})], [Split.TEST])
    assert read_split(path)[0][0].origin == f"{path}:2"
    with path.open(newline="") as file:
        header, row = list(csv.reader(file))
    for column, value, message in [
        ("split", "rest", "split 'rest' is not one of train, validation, test"),
        ("coarse", "", "column 'coarse' is empty"),
        ("x2", "wide", r"column 'x2' of the box is not a number \('wide'\)"),
        ("attributes", "[1]", "column 'attributes' is not a JSON object of numbers"),
        ("attributes", "", "column 'attributes' is not a JSON object of numbers"),
        ("attributes", '{"a": "b"}', "column 'attributes' is not a JSON object of numbers"),
    ]:
        changed = [value if name == column else old for name, old in zip(header, row, strict=True)]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, row, changed])
        with pytest.raises(DataError, match=f"split.csv:3: {message}"):
            read_split(path)
    path.write_text("path,coarse\n")
    with pytest.raises(DataError, match="column 'fine' is missing"):
        read_split(path)
    with pytest.raises(DataError, match="does not exist"):
        read_split(tmp_path / "none.csv")


def test_folds_share_out_the_training_classes() -> None:
    samples = [sample(i, "car", f"car {i // 3}") for i in range(66)]
    learned = [one for one in samples if one.fine not in later_half(samples)]
    folds = [fold_of_classes(learned, fold) for fold in range(FOLDS)]
    assert [len(fold) for fold in folds] == [5, 6]
    assert sorted(fine for fold in folds for fine in fold) == sorted({one.fine for one in learned if one.fine})


def test_a_fold_never_shows_a_test_class() -> None:
    samples = [sample(i, "car", f"car {i // 3}") for i in range(66)]
    settings = DataSettings(split="class_disjoint", validation=0.0, fold=1)
    kept, splits = deal(samples, settings)
    classes = {part: {one.fine for one, own in zip(kept, splits, strict=True) if own is part} for part in Split}
    assert classes[Split.TEST] == fold_of_classes(kept, 1)
    assert not classes[Split.TRAIN] & classes[Split.TEST]
    assert not (classes[Split.TRAIN] | classes[Split.TEST]) & later_half(samples)
    with pytest.raises(ValidationError, match="fold needs"):
        DataSettings(fold=0, unseen=0.1)


@given(collections(), st.integers(0, FOLDS - 1))
def test_a_fold_never_shows_a_test_photo(samples: list[Sample], fold: int) -> None:
    shares: dict[str, Any] = {"validation": 0.1, "test": 0.3}
    whole, splits = deal(samples, DataSettings(**shares))
    held_out = {one.path for one, split in zip(whole, splits, strict=True) if split is Split.TEST}
    kept, again = deal(samples, DataSettings(**shares, fold=fold))
    assert {one.path for one in kept} == {one.path for one in samples} - held_out
    assert again == stratified(kept, **shares, seed=1 + fold)


@given(samples=collections(), seed=st.integers(0, 5), more=st.integers(0, 5))
def test_groups_that_have_a_part_keep_it(samples: list[Sample], seed: int, more: int) -> None:
    first = stratified(samples, validation=0.2, test=0.2, seed=seed)
    known = {(s.source, s.group): split for s, split in zip(samples, first, strict=True)}
    grown = [*(sample(9000 + i, fine="new", group=f"new{i}") for i in range(more)), *samples]
    again = stratified(grown, validation=0.1, test=0.3, seed=seed + 1, known=known)
    assert again[more:] == first
    assert more < 3 or {Split.TRAIN, Split.TEST} <= set(again[:more])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real photographs at {DATA}; name their folder in MARQUE_DATA")
def test_the_real_photos_are_dealt_as_ever() -> None:
    samples = read_data([f"cars196:{DATA}/cars196", f"table:{DATA}/vessels/labels.csv"]).samples
    kept, splits = deal(samples, DataSettings())
    assert len(kept) == len(samples) == 14_153
    lines = sorted(f"{s.source}/{s.path.name} {split}" for s, split in zip(kept, splits, strict=True))
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == SPLIT_OF_THE_REAL_PHOTOS
