"""Where things are in the folder of a training run. Trainer and program find them by these names alone.

config.json      the settings, with every default filled in
versions.json    Python and libraries, machine, command line
taxonomy.json    the label tree that the heads were trained on
split.csv        every photo with its labels and the part that it was in
events.jsonl     what happened (model/contract/events.py)
checkpoint.pt    weights, their moving average, optimiser and place in the epoch
metrics.json     figures on the held-out parts (model/evaluation/held_out_metrics.py)
calibration.json temperatures, weights and thresholds (model/evaluation/calibration.py)
variants.json    accuracy and speed of the model's variants, where they were exported (model/publishing/export.py)
projection.npz   what photos are compared by (model/evaluation/projection.py)
references.npz   embeddings of the training photos (model/evaluation/answers.py)
test.npz         embeddings and answers of the test photos (model/contract/tested_photos.py)
model.onnx       the identification model
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.contract.events import EVENTS_FILE
from model.contract.tested_photos import TESTED_FILE
from model.system.reading import parse_json, read_file


class RunLayout:
    """The files of a run, whether they exist or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = folder / "config.json"
        self.versions_file = folder / "versions.json"
        self.taxonomy_file = folder / "taxonomy.json"
        self.split_file = folder / "split.csv"
        self.events = folder / EVENTS_FILE
        self.checkpoint = folder / "checkpoint.pt"
        self.metrics = folder / "metrics.json"
        self.calibration = folder / "calibration.json"
        self.variants = folder / "variants.json"
        self.projection = folder / "projection.npz"
        self.references = folder / "references.npz"
        self.tested = folder / TESTED_FILE
        self.model = folder / "model.onnx"

    def is_run(self) -> bool:
        """Whether a training was begun here: the settings are written last."""
        return self.config_file.is_file()

    def settings(self) -> dict[str, Any]:
        """The settings of the run; {} if the file is missing or damaged."""
        settings = _json_or_none(self.config_file)
        return settings if isinstance(settings, dict) else {}

    def held_out_metrics(self) -> dict[str, Any]:
        """Figures on all held-out photos; {} if there are none, or the file is damaged."""
        return metrics_on_all(_json_or_none(self.metrics))


def metrics_on_all(metrics: Any) -> dict[str, Any]:
    """The figures on all held-out photos, from what the trainer wrote into a run or a model file; numbers alone."""
    try:
        return {name: value for name, value in metrics["test"]["all"].items() if isinstance(value, int | float)}
    except (KeyError, TypeError, AttributeError):
        return {}


def _json_or_none(file: Path) -> Any:
    try:
        return parse_json(read_file(file))
    except (OSError, ValueError):
        return None
