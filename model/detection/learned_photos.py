"""The photos that a finder may learn from, as its settings name them: none that is kept for validation or test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model.console.console import note
from model.contract.config import DataSettings
from model.contract.finding import KINDS
from model.contract.photo import upright_size
from model.contract.samples import DataError, Sample
from model.data.part_lists import PhotoPart
from model.data.readers import read_data
from model.data.scenes import Scene, read_scenes
from model.data.splits import Split, stratified
from model.detection.finder_batches import FinderPictures, PictureShares
from model.detection.finder_run import FinderSettings
from model.detection.taught_scenes import read_taught, without_doubted


def learned_pictures(settings: FinderSettings) -> FinderPictures:
    """The source of pictures of a training. Raises DataError, PhotoError."""
    scenes, _ = scenes_by_part(settings.scenes, settings.listed_parts())[Split.TRAIN]
    if settings.doubted is not None:
        scenes = without_doubted(scenes, settings.doubted)
    trained, held_out = _classified(settings.classified)
    taught = [_framed(sample) for sample in trained if sample.source in settings.cut]
    for named in settings.taught:
        folder, equals, table = named.partition("=")
        if not equals:
            raise DataError(f"--taught {named}: names no table; give FOLDER=FILE.csv")
        taught += read_taught(Path(folder), Path(table), {sample.path.resolve() for sample in held_out})
    shares = PictureShares(settings.taught_share, settings.framed_share, settings.composed_share, settings.tiled_share)
    note(f"to learn from: {len(scenes):,} scenes, {len(taught):,} photos with a teacher's boxes or cut to a vehicle")
    return FinderPictures(scenes, taught, shares, settings.size)


def scenes_by_part(annotations: Path, parts: Mapping[str, PhotoPart]) -> dict[Split, tuple[list[Scene], np.ndarray]]:
    """Of each part its scenes, and for each of these its cluster, from 0 on.

    Raises:
        DataError: if the file cannot be used, or the list has none of its photos for training, validation or test.
    """
    listed = {Path(name).name: one for name, one in parts.items()}
    scenes = read_scenes(annotations)
    found = {}
    for part in (Split.TRAIN, Split.VALIDATION, Split.TEST):
        own = [
            (scene, one.cluster)
            for scene in scenes
            if (one := listed.get(Path(scene.file_name).name)) is not None and one.part is part
        ]
        if not own:
            raise DataError(f"{annotations}: the list of parts has none of its photos for {part.value}")
        found[part] = [scene for scene, _ in own], np.unique([cluster for _, cluster in own], return_inverse=True)[1]
    return found


def _classified(specs: Sequence[str]) -> tuple[list[Sample], list[Sample]]:
    """The photos that the identification models of these data are trained on, and those that they hold out."""
    if not specs:
        return [], []
    samples, usual = read_data(specs).samples, DataSettings()
    parts = stratified(samples, validation=usual.validation, test=usual.test, seed=usual.split_seed)
    both = list(zip(samples, parts, strict=True))
    return [one for one, part in both if part is Split.TRAIN], [one for one, part in both if part is not Split.TRAIN]


def _framed(sample: Sample) -> Scene:
    """A photo that is cut to its vehicle."""
    width, height = upright_size(sample.path)
    box = np.array([[0, 0, width, height]], np.float32)
    kinds = np.full(1, KINDS.index("vehicle"), np.int8)
    return Scene(sample.path, sample.path.name, width, height, sample.source, box, kinds, np.zeros(1, bool))
