"""A finished run's answers to the photos that another run learns from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.splits import Split
from model.method.distillation import Lesson
from model.system.files import write_whole
from model.training.inference import infer_samples, part_of, trained_network
from model.training.run_folder import RunError, RunFolder, read_arrays


def checked_teacher(folder: Path, taxonomy: Taxonomy, samples: Sequence[Sample], splits: Sequence[Split]) -> RunFolder:
    """The run that teaches another one.

    Args:
        taxonomy, samples, splits: of the other one.

    Raises:
        RunError: if it has no checkpoint, knows other classes, or was trained on photos that the other run holds out.
    """
    teacher = RunFolder.open(folder)
    teacher.load_checkpoint()
    if teacher.taxonomy() != taxonomy:
        raise RunError(f"{folder}: the teacher knows other classes than this run; train both on the same data")
    held_out = {
        sample.path for sample, split in zip(samples, splits, strict=True) if split in (Split.VALIDATION, Split.TEST)
    }
    if any(sample.path in held_out for sample in part_of(teacher, Split.TRAIN)):
        raise RunError(f"{folder}: the teacher was trained on photos that this run holds out; use the same split")
    return teacher


def lesson_for(run: RunFolder, teacher: Path) -> Lesson:
    """A trained run's answers to another run's training photos, whole and not augmented; kept in that run's folder.

    Raises:
        RunError: as `checked_teacher`.
        PhotoError: if a photo cannot be read any more.
    """
    kept = run.folder / "lesson.npz"
    if kept.is_file():
        shapes = {name: ("photos", name) for name in Lesson._fields}
        arrays = read_arrays(kept, shapes, "delete it; it is made again when the training continues")
        return Lesson(*(torch.from_numpy(arrays[name]) for name in Lesson._fields))
    other = checked_teacher(teacher, run.taxonomy(), *run.samples())
    config = other.config().model_copy(update={"machine": run.config().machine})
    output = infer_samples(trained_network(other), part_of(run, Split.TRAIN), config)
    # the trained embedding, on which the fine head of this run is built too
    lesson = Lesson(output.coarse_logits, output.fine_logits, F.normalize(output.raw, dim=1))
    columns = {name: column.numpy() for name, column in lesson._asdict().items()}
    write_whole(kept, lambda file: np.savez(file, **columns))
    return lesson
