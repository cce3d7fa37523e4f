"""What a finder finds on scenes that were held out, beside the yardstick's figures from the same photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

from model.console import console
from model.contract.bundle import INPUT
from model.contract.finder_file import OUTPUTS, FinderInfo
from model.contract.finding import FoundBoxes
from model.contract.photo import fit, read_rgb
from model.data.part_lists import read_parts
from model.data.scenes import Scene
from model.data.splits import Split
from model.detection.finding_metrics import (
    ALL,
    LARGE,
    PRECISION,
    SMALL,
    Counted,
    Interval,
    average_precision,
    counted,
    draws,
    figures_table,
    interval,
    recall_at,
    share,
    threshold_at,
)
from model.detection.learned_photos import scenes_by_part
from model.detection.teacher import Teacher
from model.publishing.variants import cpu_session

Finder = Callable[[Scene], FoundBoxes]
"""What finds boxes in a photo, down to a score of almost nothing."""
_LEAST = 0.02
"""Score down to which boxes are looked at, so that precision can be followed over all thresholds."""


class FinderFigures(NamedTuple):
    """A finder on some scenes.

    Attributes:
        large, small: recall at PRECISION for boxes of 4 % of the picture and more, and of 1 to 4 %.
        ap50: average precision of boxes of 1 % and more.
        with_boxes: share of the photos without vehicles in which the finder sees one, at the threshold.
        kind_right: share of the found boxes whose kind is right.
        by_source: source -> recall of large boxes.
    """

    large: Interval
    small: Interval
    ap50: Interval
    with_boxes: Interval
    kind_right: float
    by_source: dict[str, float]


def finder_of(graph: onnx.ModelProto, info: FinderInfo) -> Finder:
    """A finder's file as a function from a scene to boxes, on the CPU. Raises PhotoError when it is called."""
    session = cpu_session(graph)
    open_info = info.model_copy(update={"threshold": _LEAST})

    def found(scene: Scene) -> FoundBoxes:
        square = fit(read_rgb(scene.path), info.preprocessing.size, info.preprocessing.fit)
        scores, boxes = session.run(list(OUTPUTS), {INPUT: square[None]})
        return open_info.found(scores[0], boxes[0], (scene.width, scene.height))

    return found


def compared(
    info: FinderInfo, graph: onnx.ModelProto, annotations: Path, parts: Path, teacher: Path | None
) -> dict[str, FinderFigures]:
    """The figures of a finder on the test scenes, and of a teacher beside it with a threshold chosen in the same way.

    Args:
        info, graph: of the finder's file.
        annotations: the scenes; parts: which of them are for what.
        teacher: the yardstick's file; None for none.

    Raises:
        DataError, PhotoError: if the scenes cannot be used, or the teacher is not one.
    """
    by_part = scenes_by_part(annotations, read_parts(parts))
    scenes, clusters = by_part[Split.TEST]
    columns = {info.name: figures(scenes, found_in(scenes, finder_of(graph, info), "scenes"), clusters, info.threshold)}
    if teacher is None:
        return columns
    looks = Teacher(teacher)

    def by_teacher(scene: Scene) -> FoundBoxes:
        return looks(read_rgb(scene.path))

    validation, own = by_part[Split.VALIDATION]
    threshold = threshold_of(validation, found_in(validation, by_teacher, "teacher, threshold"), own)
    found = found_in(scenes, by_teacher, "teacher, scenes")
    return columns | {teacher.stem: figures(scenes, found, clusters, threshold)}


def found_in(scenes: Sequence[Scene], finder: Finder, title: str) -> list[FoundBoxes]:
    """What a finder finds in each of the scenes. Raises PhotoError."""
    with console.progress() as progress:
        return [finder(scene) for scene in progress.track(scenes, description=title)]


def threshold_of(scenes: Sequence[Scene], found: Sequence[FoundBoxes], clusters: np.ndarray) -> float:
    """The lowest score at which boxes of 4 % and more are right to PRECISION; chosen on validation scenes."""
    return threshold_at(counted(scenes, found, clusters, LARGE), PRECISION)


def figures(
    scenes: Sequence[Scene], found: Sequence[FoundBoxes], clusters: np.ndarray, threshold: float
) -> FinderFigures:
    """All figures of a finder, with intervals over clusters of near-identical photos.

    Args:
        scenes: that were held out.
        found: in each.
        clusters: int [scenes].
        threshold: of the finder, for the photos without vehicles.
    """
    drawn = draws(int(clusters.max()) + 1)

    def over(figure: Callable[..., float], one: Counted) -> Interval:
        return interval(figure(one), [figure(one, weights=weights) for weights in drawn])

    large = counted(scenes, found, clusters, LARGE)
    every = counted(scenes, found, clusters, ALL)
    empty = np.array([not len(scene.boxes) for scene in scenes])
    seen = np.array([bool((one.scores >= threshold).any()) for one in found])
    return FinderFigures(
        over(recall_at, large),
        over(recall_at, counted(scenes, found, clusters, SMALL)),
        over(average_precision, every),
        share(seen, empty, clusters),
        every.kind_right,
        _by_source(scenes, found, clusters, threshold),
    )


def _by_source(
    scenes: Sequence[Scene], found: Sequence[FoundBoxes], clusters: np.ndarray, threshold: float
) -> dict[str, float]:
    """Recall of large boxes at the threshold, source by source."""
    recalls = {}
    for source in sorted({scene.source for scene in scenes}):
        rows = [row for row, scene in enumerate(scenes) if scene.source == source]
        one = counted([scenes[row] for row in rows], [found[row] for row in rows], clusters[rows], LARGE)
        if one.wanted.sum():
            recalls[source] = float((one.right & (one.scores >= threshold)).sum() / one.wanted.sum())
    return recalls


def as_table(columns: Mapping[str, FinderFigures]) -> str:
    """The figures as a Markdown table, a column a finder."""
    rows: list[tuple[str, Callable[[FinderFigures], str]]] = [
        (f"recall at precision {PRECISION:.2f}, boxes of 4 % and more", lambda one: one.large.in_percent()),
        (f"recall at precision {PRECISION:.2f}, boxes of 1 to 4 %", lambda one: one.small.in_percent()),
        ("average precision (AP50), boxes of 1 % and more", lambda one: one.ap50.in_percent()),
        ("photos without vehicles that get a box", lambda one: one.with_boxes.in_percent()),
        ("kind right, of the found ones", lambda one: f"{100 * one.kind_right:.1f}"),
    ]
    sources = sorted({source for one in columns.values() for source in one.by_source})
    rows += [(f"recall at the threshold, boxes of 4 % and more, {name}", partial(_recall_of, name)) for name in sources]
    return figures_table(columns, rows)


def _recall_of(source: str, one: FinderFigures) -> str:
    return f"{100 * one.by_source.get(source, float('nan')):.1f}"
