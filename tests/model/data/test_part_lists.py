"""The lists of parts: how photos are dealt, what a list must hold, and the lists that are kept with the program."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contract.samples import DataError, Sample
from model.data import part_lists
from model.data.part_lists import CARSFULL_PARTS, SCENES_PARTS, PhotoPart, deal_cars, deal_scenes, read_parts
from model.data.scenes import Scene, read_scenes
from model.data.splits import Split
from tests.real_photos import REAL_PHOTOS

needs_photos = pytest.mark.skipif(not (REAL_PHOTOS / "scenes").is_dir(), reason=f"no {REAL_PHOTOS}/scenes")
LISTS = pytest.mark.parametrize(
    ("parts", "folder"), [(SCENES_PARTS, "scenes"), (CARSFULL_PARTS, "carsfull")], ids=["scenes", "carsfull"]
)


def scene(number: int, source: str, kinds: tuple[int, ...] = ()) -> Scene:
    boxes, crowd = np.zeros((len(kinds), 4), np.float32), np.zeros(len(kinds), bool)
    path = Path(f"/photos/{number}.jpg")
    return Scene(path, path.name, 20, 10, source, boxes, np.array(kinds, np.int8), crowd)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 20)), max_size=60))
def test_scenes_are_dealt_by_cluster_and_source(drawn: list[tuple[str, int, int]]) -> None:
    scenes = [
        scene(number, source, ((), (0,), (1, 0, 1))[content]) for number, (source, content, _) in enumerate(drawn)
    ]
    groups = np.array([group for _, _, group in drawn])
    parts = deal_scenes(scenes, groups, {3: Split.TEST, 4: Split.TRAIN})
    part_of = dict(zip(groups.tolist(), parts, strict=True))
    assert [part_of[group] for group in groups.tolist()] == parts
    assert part_of.get(3, Split.TEST) == Split.TEST
    assert part_of.get(4, Split.TRAIN) == Split.TRAIN


def test_every_source_and_content_has_its_share() -> None:
    contents: list[tuple[int, ...]] = [(), (0,), (1,)]
    scenes = [scene(n, source, contents[n % 3]) for source in ("a", "b") for n in range(600)]
    parts = deal_scenes(scenes, np.arange(len(scenes)), {})
    counts = Counter((s.source, tuple(s.kinds.tolist()), part) for s, part in zip(scenes, parts, strict=True))
    for source in ("a", "b"):
        for content in contents:
            assert abs(counts[source, content, Split.TEST] - 50) <= 2
            assert abs(counts[source, content, Split.VALIDATION] - 15) <= 2


def test_no_car_is_for_training() -> None:
    samples = [
        Sample(Path(f"/{n}.jpg"), "suv" if n % 2 else "van", None, "exact", str(n // 3), origin="x") for n in range(90)
    ]
    parts = deal_cars(samples)
    assert set(parts) == {Split.VALIDATION, Split.TEST}
    assert abs(parts.count(Split.TEST) - 60) <= 3
    assert all(len({parts[n] for n in range(first, first + 3)}) == 1 for first in range(0, 90, 3))


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "ü, 1.jpg").write_bytes(b"one")
    part_lists.write_parts(tmp_path / "parts.csv", tmp_path, ["ü, 1.jpg"], [Split.TEST], np.array([7]))
    digest = hashlib.sha256(b"one").hexdigest()
    assert read_parts(tmp_path / "parts.csv") == {"ü, 1.jpg": PhotoPart("ü, 1.jpg", digest, Split.TEST, 7)}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a.jpg,00,tests,1", "2: part 'tests' is not one of train, validation, test"),
        ("a.jpg,00,test,-1", "2: cluster '-1' is not a number"),
        ("a.jpg,00,test,1\na.jpg,00,train,2", "3: a.jpg occurs twice"),
        ("a.jpg,00,test", "2: 3 values, but 4 columns"),
    ],
)
def test_other_lists_are_refused(tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "parts.csv").write_text(f"file,sha256,part,cluster\n{rows}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"parts\.csv:{said}"):
        read_parts(tmp_path / "parts.csv")


@LISTS
def test_no_cluster_straddles_parts(parts: Path, folder: str) -> None:
    of_cluster = defaultdict(set)
    for photo in read_parts(parts).values():
        of_cluster[photo.cluster].add(photo.part)
    assert all(len(found) == 1 for found in of_cluster.values())


@needs_photos
@LISTS
def test_the_photos_are_those_that_were_dealt(parts: Path, folder: str) -> None:
    listed = read_parts(parts)
    there = sorted(f"photos/{file.name}" for file in (REAL_PHOTOS / folder / "photos").iterdir())
    assert sorted(listed) == there
    for photo in listed.values():
        assert hashlib.sha256((REAL_PHOTOS / folder / photo.file).read_bytes()).hexdigest() == photo.sha256


@needs_photos
def test_a_quarter_of_each_source_of_scenes_is_for_the_test() -> None:
    listed = read_parts(SCENES_PARTS)
    counts: dict[str, Counter[Split]] = defaultdict(Counter)
    for one in read_scenes(REAL_PHOTOS / "scenes" / "annotations.json"):
        counts[one.source][listed[f"photos/{one.file_name}"].part] += 1
    for source, of_source in counts.items():
        # most of gsh are photos that the vessels have as well, and have their part
        assert of_source[Split.TEST] / of_source.total() == pytest.approx(0.25, abs=0.04 if source == "gsh" else 0.01)
        rest = of_source[Split.TRAIN] + of_source[Split.VALIDATION]
        assert of_source[Split.VALIDATION] / rest == pytest.approx(0.1, abs=0.05)


@needs_photos
def test_a_third_of_the_whole_cars_is_for_validation() -> None:
    listed = read_parts(CARSFULL_PARTS)
    counts: dict[str, Counter[Split]] = defaultdict(Counter)
    of_group = defaultdict(set)
    with (REAL_PHOTOS / "carsfull" / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            part = listed[row["file"]].part
            counts[row["match"]][part] += 1
            of_group[row["source"], row["fine"]].add(part)
    assert all(len(found) == 1 for found in of_group.values())
    for of_match in counts.values():
        assert of_match[Split.TRAIN] == 0
        assert of_match[Split.VALIDATION] / of_match.total() == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.slow
@needs_photos
def test_the_lists_are_dealt_again_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that a scene has the part of the vessel whose photo it is."""
    monkeypatch.setattr(part_lists, "SCENES_PARTS", tmp_path / "scenes.csv")
    monkeypatch.setattr(part_lists, "CARSFULL_PARTS", tmp_path / "carsfull.csv")
    assert part_lists.main([str(REAL_PHOTOS)]) == 0
    assert (tmp_path / "scenes.csv").read_bytes() == SCENES_PARTS.read_bytes()
    assert (tmp_path / "carsfull.csv").read_bytes() == CARSFULL_PARTS.read_bytes()
