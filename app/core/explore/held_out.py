"""The test photos of a training: their labels and its network's answers, from its run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core.recognition.features import NOBODY
from app.core.review.photo_columns import ClassNumbers, PhotoColumns
from app.core.training.runs import Runs
from model.contract.run_layout import RunLayout
from model.contract.taxonomy import Taxonomy
from model.contract.tested_photos import Tested, TestedError, read_tested


@dataclass(frozen=True)
class Training:
    """A training whose test photos can be asked for."""

    name: str
    folder: Path


@dataclass(frozen=True, eq=False)
class HeldOut:
    """N test photos.

    Attributes:
        taxonomy: what the network knows.
        names: of types and classes.
        truth: int32 [N, 2], type and class; the class is NOBODY where only the type is known.
        answer: the same for the answers; only the type if no class could be right: the network has not learned the
            photo's class, or knows none of the answered type.
        confidence: float32 [N], of the class that was answered, else of the type. files: one for each photo.
    """

    taxonomy: Taxonomy
    names: ClassNumbers
    truth: np.ndarray
    answer: np.ndarray
    confidence: np.ndarray
    files: tuple[str, ...]

    @classmethod
    def of(cls, tested: Tested) -> HeldOut:
        """The same as the program shows it: if the answer is a class, its type is the class's."""
        names, taxonomy = ClassNumbers(), tested.taxonomy
        kinds, fines = (
            np.array([names.place(name) for name in known] or [NOBODY], np.int32)
            for known in (taxonomy.coarse, taxonomy.fine)
        )
        labels = zip(tested.coarse, tested.fine, strict=True)
        truth = np.array([(names.place(coarse), names.place(fine)) for coarse, fine in labels], np.int32)
        learned = np.array([not fine or fine in taxonomy.fine_index for fine in tested.fine], bool)
        said = learned & np.isin(tested.coarse_answer, taxonomy.parent_array)
        above = np.append(taxonomy.parent_array, 0)[tested.fine_answer]
        answer = np.stack(
            [
                kinds[np.where(said, above, tested.coarse_answer)],
                np.where(said, fines[tested.fine_answer], NOBODY),
            ],
            axis=1,
        )
        confidence = np.where(said, tested.fine_confidence, tested.coarse_confidence)
        return cls(taxonomy, names, truth, answer.astype(np.int32), confidence, tested.paths)

    def images(self, columns: PhotoColumns) -> np.ndarray:
        """Which image of the project each photo is, by its file: int64 [N], NOBODY for other photos."""
        number_of = dict(zip(columns.paths, columns.ids.tolist(), strict=True))
        return np.array([number_of.get(file, NOBODY) for file in self.files], np.int64)

    def texts(self) -> list[str]:
        """File, class and type of each photo."""
        labels = zip(self.files, self.truth.tolist(), strict=True)
        return [f"{file} {self.names[fine]} {self.names[kind]}" for file, (kind, fine) in labels]


def finished_trainings(folder: Path) -> list[Training]:
    """The trainings that the page Train knows and that have ended with an identification model, the newest first.

    Args:
        folder: where trainings are kept.
    """
    records = [one for one in Runs(folder).records() if RunLayout(one.folder).model.is_file()]
    return [Training(one.name, one.folder) for one in reversed(records)]


def read_held_out(folder: Path) -> tuple[np.ndarray, HeldOut]:
    """Embeddings, float32 [N, d] of unit length, and everything else known about a run's test photos.

    Raises:
        TestedError: if there are none or they cannot be read; the message says why, and what to do.
        OSError: if the file cannot be read.
    """
    file = RunLayout(folder).tested
    if not file.is_file():
        raise TestedError(f"{folder}: {_why_missing(folder)}")
    tested = read_tested(file)
    return tested.embeddings, HeldOut.of(tested)


def _why_missing(folder: Path) -> str:
    run = RunLayout(folder)
    if not run.is_run():
        missing = f"there is no {run.config_file.name} in it"
        return f"this is not a training run ({missing}); choose the folder of a finished training"
    if run.metrics.is_file():
        return (
            "this training was made by an earlier version, which did not keep the answer for each test photo; "
            f"python -m model.evaluate {folder} adds it"
        )
    if run.model.is_file():
        return "this training kept no photos for testing"
    return "this training has not reached its test photos yet; they come at its end"
