"""What a finished run says of the photos that another is to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from model.data.splits import Split
from model.distill import Lesson
from model.files import write_whole
from model.inference import infer_samples, part_of, trained_network
from model.run import Run, RunError


def lesson_for(run: Run, teacher: Path) -> Lesson:
    """What a trained run says of the training photos of another, whole and not augmented; kept in the other's folder.

    Raises:
        RunError: if the teacher is no finished run, knows other classes, or has seen photos that are not for training.
        PhotoError: if a photo cannot be read any more.
    """
    kept = run.folder / "lesson.npz"
    if kept.is_file():
        arrays = np.load(kept)
        return Lesson(*(torch.from_numpy(arrays[name]) for name in Lesson._fields))
    other, samples = Run.open(teacher), part_of(run, Split.TRAIN)
    if other.taxonomy() != run.taxonomy():
        raise RunError(f"{teacher}: the teacher knows other classes than this run; train both on the same data")
    held_out = {sample.path for part in (Split.VALIDATION, Split.TEST) for sample in part_of(run, part)}
    if any(sample.path in held_out for sample in part_of(other, Split.TRAIN)):
        raise RunError(f"{teacher}: the teacher was trained on photos that this run holds out; use the same split")
    config = other.config().model_copy(update={"machine": run.config().machine})
    output = infer_samples(trained_network(other), samples, config)
    # of the embedding the trained one: it is what the fine head of this run rests on too
    lesson = Lesson(output.coarse_logits, output.fine_logits, F.normalize(output.raw, dim=1))
    columns = {name: column.numpy() for name, column in lesson._asdict().items()}
    write_whole(kept, lambda file: np.savez(file, **columns))
    return lesson
