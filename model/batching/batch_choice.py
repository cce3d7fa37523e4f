"""Which sampler composes the batches of a training."""

from __future__ import annotations

from collections.abc import Sequence

from model.batching.class_hard import ClassHardSampler, ClassMeans
from model.batching.dense import DenseSampler
from model.batching.even import EvenSampler
from model.batching.sampler import BatchShape, HierarchicalSampler, Sampler
from model.contract.config import Config
from model.data.labels import EncodedLabels


def build_sampler(labels: EncodedLabels, n_fine: int, scales: Sequence[float], config: Config) -> Sampler:
    """The sampler that the settings name, for photos with these labels.

    Args:
        scales: of the attributes; see `model.data.labels.attribute_scales`.
    """
    settings, seed = config.optimiser, config.machine.seed
    shape = BatchShape(settings.batch_coarse, settings.batch_fine, settings.batch_images)
    coarse, fine, attributes = labels
    match settings.batches:
        case "hierarchical":
            return HierarchicalSampler(coarse, fine, shape, seed, settings.repeat_rare)
        case "even":
            return EvenSampler(fine, shape, seed)
        case "class_hard":
            means = ClassMeans(n_fine, config.network.embedding_dim, settings.class_momentum)
            return ClassHardSampler(coarse, fine, shape, seed, means)
        case "dense" | "random":
            neighbours = settings.dense_neighbours if settings.batches == "dense" else 0
            size, base = shape.chunks * shape.images, config.loss.label_base
            return DenseSampler(coarse, fine, attributes, scales, size, neighbours, seed, base=base)
