"""To which checkpoint, and to which choice on the validation photos, the figures of a run belong.

`metrics.json` and `variants.json` keep both; figures of another checkpoint or another choice are not those of the model
that is described or exported. Files of earlier versions keep less of it, and are judged by what they have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from model.contract.bundle import Variant
from model.evaluation.calibration import CalibrationChoice
from model.training.run_folder import RunError, RunFolder

CHOICE = "choice"
"""Key of the digest of what was chosen."""


def stamp(step: int, chosen: CalibrationChoice) -> dict[str, Any]:
    """What is written beside figures of this checkpoint and choice."""
    return {"step": step, CHOICE: digest(chosen)}


def digest(chosen: CalibrationChoice) -> str:
    """The digest of a choice: the same for the same temperatures, weights and bounds, whoever chose them."""
    # a setting that a later version adds leaves the digest as it was
    content = chosen.model_dump(mode="json", exclude={"step", "bound_taken_over"}, exclude_defaults=True)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def why_stale(run: RunFolder, stamped: Mapping[str, Any]) -> str | None:
    """Why figures are not those of the run as it is now; None if they are. Raises RunError.

    Args:
        stamped: figures with what `stamp` gave.
    """
    step = run.load_checkpoint()["step"]
    if stamped.get("step", step) != step:
        return f"its figures are those of step {stamped['step']:,}, the training is at step {step:,}"
    if CHOICE in stamped and stamped[CHOICE] != digest(CalibrationChoice.read(run)):
        return "its figures are those of an earlier calibration"
    return None


def metrics_of(run: RunFolder) -> dict[str, Any]:
    """The figures of the run's test photos. Raises RunError if they cannot be read or are of an earlier state."""
    metrics = run.read_metrics()
    why = why_stale(run, metrics)
    if why is not None:
        raise RunError(
            f"{run.metrics}: {why}; evaluate it and export it again: python -m model.evaluate {run.folder}, then "
            f"python -m model.export {run.folder} --out FILE.onnx"
        )
    return metrics


def variants_of(run: RunFolder) -> dict[str, dict[str, float]]:
    """The figures of each variant. Raises RunError if they cannot be read or are of an earlier state."""
    kept = run.read_variants()
    why = why_stale(run, kept)
    if why is not None:
        raise RunError(
            f"{run.variants}: {why}; export it again: python -m model.export {run.folder} --out FILE.onnx --variants"
        )
    return {name: row for name, row in kept.items() if name in list(Variant)}
