"""The card of a model file, from the run that made it: `python -m model.card RUN --model FILE.onnx --origin TEXT`.

No figure in a card is typed by hand: what the run did not write down is not in it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import tyro

from model import terminal
from model.bundle import BundleError, BundleInfo, read_info
from model.data.samples import DataError
from model.data.splits import Split
from model.files import write_whole
from model.run import Run, RunError

_FIGURES = (
    ("photos", "photos", ""),
    ("photos with a known class", "photos_with_fine", ""),
    ("type right (coarse head)", "coarse_accuracy", "%"),
    ("type right, mean over types", "coarse_accuracy_macro", "%"),
    ("class right (fine head)", "fine_accuracy", "%"),
    ("class among the five best", "fine_accuracy_top5", "%"),
    ("class right, mean over classes", "fine_accuracy_macro", "%"),
    ("Recall@1 of the embedding, class", "fine_recall_1", "%"),
    ("Recall@1 of the embedding, type", "coarse_recall_1", "%"),
    ("mAP@R", "map_at_r", "%"),
)


def card(run: Run, model: Path, origin: str) -> str:
    """The text of the card.

    Args:
        model: the exported file.
        origin: where the backbone's starting weights come from, a sentence.

    Raises:
        RunError, DataError, BundleError: if the run is not finished, or the file is not of this run.
    """
    info = read_info(model)
    for needed in (run.metrics, run.calibration):
        if not needed.is_file():
            raise RunError(f"{run.folder}: {needed.name} is missing; finish the run first")
    metrics = json.loads(run.metrics.read_bytes())
    if info.training.get("metrics") != metrics:
        raise RunError(f"{model}: its figures are not those of {run.folder}; export it again")
    paragraphs = [
        f"# {info.name}",
        _summary(run, info, model),
        "## Figures",
        f"On the photos held out for the test ({metrics['split'].replace('_', '-')} split; the model was neither "
        "trained nor calibrated on them); whole pictures, float32.",
        _figures(metrics),
        "Recall@1: the nearest other test photo has the right label. Written by `python -m model.card` from the run.",
        "## Confidence",
        _calibration(json.loads(run.calibration.read_bytes()), info),
        "## Training",
        _training(run, origin),
        "## Licence and use",
        "Research use. The photographs that it was trained on belong to third parties and are not part of this "
        "project; the gallery holds embeddings, class names, source names and file names, no pictures. It will be "
        "wrong on vehicles and vessels that it does not know, and its confidence holds for photos like those that it "
        "was calibrated on.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _summary(run: Run, info: BundleInfo, model: Path) -> str:
    config, taxonomy = run.config(), info.taxonomy
    return (
        f"{len(taxonomy.fine)} fine classes (models, ship classes) of {len(taxonomy.coarse)} types. "
        f"{config.network.backbone}, embedding of {info.embedding_dim}, input {info.preprocessing.size} x "
        f"{info.preprocessing.size} pixels ({info.preprocessing.fit}), {model.stat().st_size / 1e6:.1f} MB, "
        f"fingerprint `{info.fingerprint}`. onnxruntime and torch differ by at most "
        f"{info.training['onnxruntime_difference']:.1e} on real photos.\n\n"
        f"Types: {', '.join(taxonomy.coarse)}."
    )


def _figures(metrics: dict[str, Any]) -> str:
    columns = {"all": metrics["test"]["all"], **metrics["test"]["sources"]}
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for words, name, unit in _FIGURES:
        cells = (_cell(column[name], unit) for column in columns.values())
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:,}"


def _calibration(chosen: dict[str, Any], info: BundleInfo) -> str:
    facts, thresholds = chosen["validation"], info.thresholds
    lines = []
    for level, words, needed in (("coarse", "type", thresholds.coarse), ("fine", "class", thresholds.fine)):
        figures = facts.get(level, {})
        if "ece_after" in figures:
            lines.append(
                f"- {words}: temperature {chosen['calibration'][level + '_temperature']:.2f}, expected calibration "
                f"error {figures['ece_before']:.3f} before and {figures['ece_after']:.3f} after; shown as the answer "
                f"from {100 * needed:.0f} % on, which {100 * figures['accepted']:.0f} % of the validation photos "
                f"reach, {100 * figures['accepted_right']:.0f} % of these rightly"
            )
    return f"Chosen on {facts['photos']:,} validation photos.\n\n" + "\n".join(lines)


def _training(run: Run, origin: str) -> str:
    config = run.config()
    _, splits = run.samples()
    state = run.load_checkpoint()
    versions = json.loads((run.folder / "versions.json").read_bytes())
    counts = ", ".join(f"{split.value} {splits.count(split):,}" for split in Split)
    device = versions["gpu"] or f"CPU, {versions['processors']} cores"
    loss, optimiser = config.loss, config.optimiser
    return (
        f"Photos: {counts}. {state['epoch']} epochs, {state['step']:,} steps at {config.input.train_size} pixels on "
        f"{device}. Starting weights: {origin}\n\n"
        f"Cost {loss.lambda_coarse} x CE type (head on {config.network.coarse_head_on}) + {loss.lambda_fine} x CE "
        f"class (head on {config.network.fine_head_on}) + {loss.lambda_distance} x {loss.distance} (rule {loss.rule}, "
        f"second hinge {loss.second_hinge}, margins {loss.margin_fine} and {loss.margin_coarse}); AdamW at "
        f"{optimiser.lr}, batches of {optimiser.batch_coarse} x {optimiser.batch_fine} x {optimiser.batch_images}, "
        f"moving average of the weights {optimiser.ema}."
    )


def main() -> int:
    """Command line. Returns the exit code."""

    def command(
        run: Annotated[Path, tyro.conf.Positional], model: Path, origin: str, out: Path | None = None
    ) -> tuple[Path, Path, str, Path]:
        """Write the card of an exported model.

        Args:
            run: Folder of the run.
            model: The .onnx file exported from it.
            origin: Where the backbone's starting weights come from, and under which licence.
            out: The card; default: beside the model, with the ending .md.
        """
        return run, model, origin, out or model.with_suffix(".md")

    folder, model, origin, out = tyro.cli(command, prog="python -m model.card")
    try:
        text = card(Run.open(folder), model, origin)
        write_whole(out, lambda file: file.write(text.encode()))
    except (RunError, DataError, BundleError) as error:
        return terminal.fail(error)
    except OSError as error:
        return terminal.fail(RunError(f"{error.filename or out}: cannot be written ({error.strerror})"))
    terminal.result(str(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
