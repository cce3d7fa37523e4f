"""Settings of a training that takes seconds."""

from typing import Any

SMALL: dict[str, dict[str, Any]] = {
    "network": {"backbone": "resnet18", "weights": "none", "embedding_dim": 8},
    "input": {"size": 32},
    "optimiser": {"epochs": 1, "batch_coarse": 2, "batch_fine": 2, "batch_images": 3},
    "machine": {"accelerator": "cpu", "precision": "32-true"},
}
