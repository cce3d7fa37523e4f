"""A run's test photos and what the program would answer, as one file of arrays: `test.npz`. Needs no torch.

Format 1, an archive of numpy without pickled objects:

format            1
step              of the checkpoint
taxonomy          what the heads know, as JSON
paths             text [N], absolute, as in split.csv
embeddings        float16 [N, d], unit length
coarse, fine      text [N], the labels; `fine` is empty where it is unknown
coarse_answer     int32 [N], the most probable type in the taxonomy
coarse_confidence float32 [N], its calibrated probability
fine_answer       int32 [N], the most probable class in the taxonomy; -1 where it has no classes
fine_confidence   float32 [N], its calibrated probability
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from model.contract.posterior import Posterior
from model.contract.samples import Sample
from model.contract.taxonomy import NO_FINE, Taxonomy
from model.system.errors import MarqueError
from model.system.files import write_whole
from model.system.reading import read_arrays

TESTED_FILE = "test.npz"
_FORMAT = 1
_LARGEST = 2.0  # of a number in an embedding; at unit length no number is larger than 1


class TestedError(MarqueError):
    """A file of tested photos cannot be used; the message says which and why."""

    __test__ = False  # pytest would take it for a test


@dataclass(frozen=True, eq=False)
class Tested:
    """N photos that a run held out for the test.

    Attributes:
        step: of the checkpoint that was tested.
        taxonomy: what the heads know.
        paths: N texts.
        embeddings: float32 [N, d], unit length.
        coarse, fine: N texts, the labels, also those that the heads do not know; `fine` is empty where it is unknown.
        coarse_answer, fine_answer: int32 [N], the most probable ones in the taxonomy; NO_FINE where it has no classes.
        coarse_confidence, fine_confidence: float32 [N], their calibrated probabilities.
    """

    __test__ = False  # pytest would take it for a test

    step: int
    taxonomy: Taxonomy
    paths: tuple[str, ...]
    embeddings: np.ndarray
    coarse: tuple[str, ...]
    fine: tuple[str, ...]
    coarse_answer: np.ndarray
    coarse_confidence: np.ndarray
    fine_answer: np.ndarray
    fine_confidence: np.ndarray

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def of(
        cls, step: int, samples: Sequence[Sample], embeddings: np.ndarray, taxonomy: Taxonomy, posterior: Posterior
    ) -> Tested:
        """From the results for some photos. Args: embeddings: [N, d]; posterior: over the taxonomy."""
        coarse_answer, coarse_confidence = _best(posterior.coarse)
        fine_answer, fine_confidence = _best(posterior.fine)
        return cls(
            step=step,
            taxonomy=taxonomy,
            paths=tuple(os.fspath(sample.path.absolute()) for sample in samples),
            embeddings=embeddings,
            coarse=tuple(sample.coarse for sample in samples),
            fine=tuple(sample.fine or "" for sample in samples),
            coarse_answer=coarse_answer,
            coarse_confidence=coarse_confidence,
            fine_answer=fine_answer,
            fine_confidence=fine_confidence,
        )

    def write(self, path: Path) -> None:
        """Replace the file, whole or not at all. Raises OSError."""
        arrays: dict[str, Any] = {
            "format": np.array(_FORMAT),
            "step": np.array(self.step),
            "taxonomy": np.array(self.taxonomy.model_dump_json()),
            "paths": np.array(self.paths, np.str_),
            "embeddings": self.embeddings.astype(np.float16),
            "coarse": np.array(self.coarse, np.str_),
            "fine": np.array(self.fine, np.str_),
            "coarse_answer": self.coarse_answer,
            "coarse_confidence": self.coarse_confidence,
            "fine_answer": self.fine_answer,
            "fine_confidence": self.fine_confidence,
        }
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))


def read_tested(path: Path) -> Tested:
    """Read what `Tested.write` wrote.

    Raises:
        TestedError: if the file is damaged, something else, or of a later version.
        OSError: if it cannot be read.
    """
    try:
        arrays = read_arrays(path)
        if "format" not in arrays:
            raise TestedError(f"{path}: not the test photos of a training")
        number = int(arrays["format"])
        if number > _FORMAT:
            raise TestedError(f"{path}: written by a later version of Marque (format {number}); update this one")
        if number != _FORMAT:
            raise ValueError(f"format {number}")
        return _checked(arrays)
    except (ValueError, KeyError, TypeError) as error:
        raise TestedError(
            f"{path}: damaged, or not the test photos of a training ({error}); "
            f"python -m model.evaluate {path.parent} writes it again"
        ) from error


def _checked(arrays: Mapping[str, np.ndarray]) -> Tested:
    """The file's content. Raises TestedError, ValueError, KeyError, TypeError if it contradicts itself."""
    try:
        taxonomy = Taxonomy.model_validate_json(str(arrays["taxonomy"]))
    except ValidationError as error:
        raise ValueError(f"taxonomy: {error.errors()[0]['msg']}") from error
    if taxonomy.problem:
        raise ValueError(f"taxonomy: {taxonomy.problem}")
    embeddings = arrays["embeddings"].astype(np.float32)
    if embeddings.ndim != 2 or not embeddings.size or not np.isfinite(embeddings).all():
        raise ValueError(f"embeddings must be finite and of shape [N, d], not {embeddings.shape}")
    if np.abs(embeddings).max() > _LARGEST:
        raise ValueError("embeddings must have unit length")
    # half precision has moved them slightly off the sphere
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    count = len(embeddings)
    for level, classes in (("coarse", taxonomy.coarse), ("fine", taxonomy.fine)):
        answer, confidence = arrays[f"{level}_answer"], arrays[f"{level}_confidence"]
        if answer.shape != (count,) or confidence.shape != (count,):
            raise ValueError(f"{count} photos, but {level} answers {answer.shape} and {confidence.shape}")
        if (
            answer.dtype.kind != "i"
            or confidence.dtype.kind != "f"
            or ((answer < (0 if classes else NO_FINE)) | (answer >= len(classes))).any()
        ):
            raise ValueError(f"{level} answers that are not among the {len(classes)} of the taxonomy")
        if not ((confidence >= 0) & (confidence <= 1)).all():
            raise ValueError(f"{level} confidences that are not between 0 and 1")
    return Tested(
        step=int(arrays["step"]),
        taxonomy=taxonomy,
        paths=_texts(arrays, "paths", count),
        embeddings=embeddings / np.maximum(lengths, 1e-6),
        coarse=_texts(arrays, "coarse", count),
        fine=_texts(arrays, "fine", count),
        coarse_answer=arrays["coarse_answer"],
        coarse_confidence=arrays["coarse_confidence"],
        fine_answer=arrays["fine_answer"],
        fine_confidence=arrays["fine_confidence"],
    )


def _texts(arrays: Mapping[str, np.ndarray], name: str, count: int) -> tuple[str, ...]:
    column = arrays[name]
    if column.dtype.kind != "U" or column.shape != (count,):
        raise ValueError(f"{name} must be {count} texts, not {column.dtype} {column.shape}")
    return tuple(column.tolist())


def _best(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place int32 and value float32 of the largest in each row of [N, n]; NO_FINE and 0 where n is 0."""
    if not probabilities.shape[1]:
        return np.full(len(probabilities), NO_FINE, np.int32), np.zeros(len(probabilities), np.float32)
    # a mixture of probabilities may exceed 1 by rounding
    return probabilities.argmax(axis=1).astype(np.int32), probabilities.max(axis=1).clip(0, 1).astype(np.float32)
