"""Which photos of the scenes, and of whole photos of cars, are for what: lists that are kept with the program.

`python -m model.data.part_lists DATA` dealt them, once and for all: figures of one day can be compared with those of
another only on the same photos, and no test photo may ever be learned from. Photos of one look stay together, those of
which a copy is among the vessels of the supplied models too: such a scene has the part of the vessel.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.contract.config import DataSettings
from model.contract.finding import KINDS
from model.contract.samples import DataError, Sample
from model.data.csvfile import CsvRow, read_table
from model.data.lookalikes import alike, clusters, looks
from model.data.readers import read_data
from model.data.scenes import Scene, read_scenes
from model.data.splits import Split, stratified
from model.system.errors import file_errors
from model.system.files import write_whole

SCENES_PARTS = Path(__file__).parent / "parts" / "scenes.csv"
"""Of the photos that a finder learns from: training, validation, and a quarter of each source for the test."""
CARSFULL_PARTS = Path(__file__).parent / "parts" / "carsfull.csv"
"""Of whole photos of cars, which nothing is trained on: a third for validation, the others for the test."""

_COLUMNS = ("file", "sha256", "part", "cluster")
_SCENES_TEST, _SCENES_VALIDATION = 0.25, 0.075  # a tenth of what the test leaves
_CARSFULL_TEST = 2 / 3
_SEED = 0


class PhotoPart(NamedTuple):
    """A photo of a list.

    Attributes:
        file: its name, relative to the folder of its data set.
        sha256: of its content, as a person has it who has the same photo.
        part: what it is used for.
        cluster: equal for photos of one look, and of one source and model where that is known.
    """

    file: str
    sha256: str
    part: Split
    cluster: int


def read_parts(path: Path) -> dict[str, PhotoPart]:
    """The photos of a list by their names. Raises DataError if it is not such a list."""
    table = read_table(path, required=_COLUMNS, strip=False)
    if table.problems:
        raise DataError(table.problems[0])
    listed = {}
    for row in table.rows:
        photo = _listed(row)
        if photo.file in listed:
            raise DataError(f"{row.origin}: {photo.file} occurs twice")
        listed[photo.file] = photo
    return listed


def _listed(row: CsvRow) -> PhotoPart:
    file, digest, part, cluster = (row.values[column] for column in _COLUMNS)
    if part not in list(Split):
        raise DataError(f"{row.origin}: part '{part}' is not one of {', '.join(Split)}")
    if not cluster.isdecimal():
        raise DataError(f"{row.origin}: cluster '{cluster}' is not a number")
    return PhotoPart(file, digest, Split(part), int(cluster))


def write_parts(path: Path, folder: Path, files: Sequence[str], parts: Sequence[Split], groups: np.ndarray) -> None:
    """Write the list of photos of a folder. Raises OSError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for file, part, group in zip(files, parts, groups.tolist(), strict=True):
        digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        writer.writerow(PhotoPart(file, digest, part, group))
    write_whole(path, lambda output: output.write(text.getvalue().encode()))


def deal_scenes(scenes: Sequence[Scene], groups: np.ndarray, copied: Mapping[int, Split]) -> list[Split]:
    """The part of each scene: of each source a quarter for the test, of the rest a tenth for validation.

    Photos with vehicles, with vessels and with neither are dealt one after the other, so that each part has its share.

    Args:
        scenes: in any order; the same order gives the same parts.
        groups: for each scene its cluster.
        copied: clusters with a copy in another data set, and the part that the copy has there.
    """
    samples = _samples([(scene.path, scene.source, _content(scene)) for scene in scenes], groups)
    known = {(s.source, s.group): copied[int(s.group)] for s in samples if int(s.group) in copied}
    return stratified(samples, validation=_SCENES_VALIDATION, test=_SCENES_TEST, seed=_SEED, known=known)


def deal_cars(samples: Sequence[Sample]) -> list[Split]:
    """Of whole photos of cars, each group of one `source`, a third for validation and two thirds for the test."""
    dealt = stratified(samples, validation=0.0, test=_CARSFULL_TEST, seed=_SEED)
    return [Split.VALIDATION if part is Split.TRAIN else part for part in dealt]


def _content(scene: Scene) -> str:
    """What is in a scene: the kind of most of its boxes, or "" for none."""
    counts = np.bincount(scene.kinds, minlength=len(KINDS))
    return KINDS[counts.argmax()] if counts.any() else ""


def _samples(photos: Sequence[tuple[Path, str, str]], groups: np.ndarray) -> list[Sample]:
    """What `stratified` deals: of each photo its path, source and class; a cluster is of its first photo's source."""
    home: dict[int, str] = {}
    return [
        Sample(path, coarse, None, home.setdefault(group, source), str(group), origin=str(path))
        for (path, source, coarse), group in zip(photos, groups.tolist(), strict=True)
    ]


def _copied(data: Path, hashes: np.ndarray, groups: np.ndarray) -> dict[int, Split]:
    """Clusters of scenes with a copy among the photos of the supplied models, and the part of the copy there.

    Of several copies the one counts that must be learned from least.
    """
    samples = read_data([f"cars196:{data / 'cars196'}", f"table:{data / 'vessels' / 'labels.csv'}"]).samples
    usual = DataSettings()
    parts = stratified(samples, validation=usual.validation, test=usual.test, seed=usual.split_seed)
    pairs = alike(hashes, looks([sample.path for sample in samples]))
    of_cluster: dict[int, set[Split]] = {}
    for scene, sample in pairs.tolist():
        of_cluster.setdefault(int(groups[scene]), set()).add(parts[sample])
    order = (Split.TEST, Split.VALIDATION, Split.TRAIN)
    console.note(f"{len(pairs)} pairs of a scene and a photo of the supplied models look alike")
    return {group: next(part for part in order if part in found) for group, found in of_cluster.items()}


def _write_scenes(data: Path) -> None:
    scenes = read_scenes(data / "scenes" / "annotations.json")
    hashes = looks([scene.path for scene in scenes])
    groups = clusters(hashes)
    parts = deal_scenes(scenes, groups, _copied(data, hashes, groups))
    files = [scene.path.relative_to(data / "scenes").as_posix() for scene in scenes]
    write_parts(SCENES_PARTS, data / "scenes", files, parts, groups)


def _write_cars(data: Path) -> None:
    folder = data / "carsfull"
    rows = [
        row.values for row in read_table(folder / "labels.csv", required=("coarse", "fine", "match", "source")).rows
    ]
    files = [row["file"] for row in rows]
    together = [f"{row['source']} {row['fine']}" for row in rows]
    groups = clusters(looks([folder / file for file in files]), together)
    samples = _samples([(folder / row["file"], row["match"], row["coarse"]) for row in rows], groups)
    write_parts(CARSFULL_PARTS, folder, files, deal_cars(samples), groups)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0, or 2 where it cannot be done."""

    def command(data: Annotated[Path, tyro.conf.Positional]) -> Path:
        """Deal the photos of scenes and of whole cars to training, validation and test, and write the lists.

        Args:
            data: Folder with the data sets `scenes`, `carsfull`, `cars196` and `vessels`.
        """
        return data

    data = read_arguments(command, "model.data.part_lists", arguments)

    def work() -> int:
        with file_errors(SCENES_PARTS.parent):
            _write_scenes(data.absolute())
            _write_cars(data.absolute())
        console.result(f"written: {SCENES_PARTS} and {CARSFULL_PARTS.name}")
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
