"""Learning from a larger network: the answers and embeddings of a teacher beside the labels.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015); the embedding follows the teacher's as
in Budnik and Avrithis, "Asymmetric metric learning for knowledge transfer" (CVPR 2021), so that the small network
orders photos as the large one does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from model.method.network import NetworkOutput


class Lesson(NamedTuple):
    """The teacher's answers to N photos: coarse logits, fine logits, unit-length embedding; float32 [N, ...]."""

    coarse_logits: Tensor
    fine_logits: Tensor
    embedding: Tensor

    def at(self, rows: np.ndarray) -> Lesson:
        """The lesson of some photos."""
        chosen = torch.from_numpy(rows)
        return Lesson(*(column[chosen] for column in self))


def distillation(output: NetworkOutput, lesson: Lesson, temperature: float) -> tuple[Tensor, Tensor]:
    """Two costs of a batch: difference of the answers of both heads, and 1 - cosine of the embeddings (0 if they differ
    in length).

    The first is the Kullback-Leibler divergence at `temperature`, times its square, which keeps the gradients as large
    as those of the labels.
    """
    answers = torch.zeros((), device=output.embedding.device)
    for own, taught in ((output.coarse_logits, lesson.coarse_logits), (output.fine_logits, lesson.fine_logits)):
        answers = answers + temperature**2 * F.kl_div(
            F.log_softmax(own.float() / temperature, dim=1),
            F.log_softmax(taught / temperature, dim=1),
            reduction="batchmean",
            log_target=True,
        )
    if output.embedding.shape != lesson.embedding.shape:
        return answers, output.embedding.sum() * 0
    return answers, (1 - (output.embedding.float() * lesson.embedding).sum(dim=1)).mean()
