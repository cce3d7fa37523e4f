"""The card of a model file, from the run that made it: `python -m model.card RUN --model FILE.onnx --origin TEXT`.

Its figures come from the run, the run with unseen classes and the files beside the model. --origin is printed as it is:
where the starting weights come from, what was trained before the run began, and any figures about it. The computer in a
run folder is the one where the folder was made: if the folder was made from a model file, it is unknown where the
training ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.contract.bundle import BundleInfo, Variant, beside, read_info
from model.contract.config import Config
from model.data.splits import Split
from model.evaluation.calibration import CalibrationChoice
from model.evaluation.provenance import metrics_of, variants_of
from model.system.plain_text import in_markdown
from model.training.inference import part_of
from model.training.run_folder import RunError, RunFolder

_ANSWERS = (
    ("photos", "photos", ""),
    ("type right", "coarse_accuracy", "%"),
    ("type right, mean over types", "coarse_accuracy_macro", "%"),
    ("... standard error", "coarse_accuracy_macro_error", "%"),
    ("type right, heads without references", "coarse_accuracy_heads", "%"),
    ("class right", "fine_accuracy", "%"),
    ("class among the five best", "fine_accuracy_top5", "%"),
    ("class right, mean over classes", "fine_accuracy_macro", "%"),
    ("... standard error", "fine_accuracy_macro_error", "%"),
    ("class right, heads without references", "fine_accuracy_heads", "%"),
    ("class right, references without heads", "fine_accuracy_references", "%"),
    ("type or class given", "coarse_given", "%"),
    ("... type right of these", "coarse_given_right", "%"),
    ("class given, of the photos of known classes", "fine_given", "%"),
    ("... right of these", "fine_given_right", "%"),
    ("calibration error, type", "coarse_ece", ""),
    ("... by chance alone, on average", "coarse_ece_chance", ""),
    ("calibration error, class", "fine_ece", ""),
    ("... by chance alone, on average", "fine_ece_chance", ""),
)
_OTHERWISE = tuple(
    row for row in _ANSWERS if row[1] in ("coarse_accuracy", "fine_accuracy", "fine_accuracy_top5", "fine_ece")
)
_FIGURES = (
    ("photos with a known class", "photos_with_fine", ""),
    ("type right (coarse head)", "coarse_accuracy", "%"),
    ("class right (fine head)", "fine_accuracy", "%"),
    ("Recall@1 of the embedding, class", "fine_recall_1", "%"),
    ("Recall@1 of the embedding, type", "coarse_recall_1", "%"),
    ("mAP@R", "map_at_r", "%"),
    ("H-AP", "hierarchical_ap", "%"),
    ("severity of wrong nearest photos (1 same type, 2 other)", "severity", ""),
)
_EMBEDDING = tuple(row for row in _FIGURES if row[1] not in ("photos_with_fine", "coarse_accuracy", "fine_accuracy"))
_UNKNOWNS = (
    ("pictures without vehicle or vessel: area under the ROC curve", "strangers_auroc", ""),
    ("... of them refused", "strangers_refused", "%"),
    ("... test photos refused with them", "test_refused", "%"),
    ("photos of unseen classes: area under the ROC curve", "unseen_auroc", ""),
    ("... of them without a (wrong) class in the answer", "unseen_without_class", "%"),
    ("... photos of known classes that get one", "known_with_class", "%"),
    ("unseen class, 1 enrolled photo, 20-way", "few_shot_1", "%"),
    ("unseen class, 5 enrolled photos, 20-way", "few_shot_5", "%"),
    ("unseen class, 10 enrolled photos, 20-way", "few_shot_10", "%"),
    ("unseen classes enrolled beside the known ones, 1 photo each: class answered", "enrolled_1", "%"),
    ("... 5 photos each", "enrolled_5", "%"),
    ("... 10 photos each", "enrolled_10", "%"),
    ("... another enrolled class answered (5 photos)", "enrolled_5_wrong", "%"),
    ("... photos of known classes taken for one of them (5 photos)", "enrolled_5_taken", "%"),
)


def card(run: RunFolder, model: Path, origin: str, unseen: RunFolder | None = None) -> str:
    """The text of the card.

    Args:
        model: the exported file.
        origin: where the run's starting weights come from, sentences that are printed as they are.
        unseen: a run trained in the same way without some classes, for the figures of unknown ones.

    Raises:
        RunError, DataError, BundleError: if the run is not finished, or the file is not of this run.
    """
    info = read_info(model)
    metrics = _checked_metrics(run)
    if info.training.get("metrics") != metrics:
        raise RunError(f"{model}: its figures are not those of {run.folder}; export it again")
    chosen, travels = (
        CalibrationChoice.read(run),
        CalibrationChoice.model_fields.keys() & BundleInfo.model_fields.keys(),
    )
    if any(getattr(info, name) != getattr(chosen, name) for name in travels):
        raise RunError(f"{model}: its calibration is not that of {run.folder}; evaluate the run and export it again")
    paragraphs = [
        f"# {in_markdown(info.name)}",
        _summary(run, info, model),
        "## What the program answers",
        f"On the photos held out for the test ({metrics['split'].replace('_', '-')} split; the model was neither "
        "trained nor calibrated on them); whole pictures, float32, with the training photos as references.",
        _table(_ANSWERS, _columns(metrics["answers"])),
        *_seen_otherwise(metrics),
        "## Heads and embedding by themselves",
        _table(_FIGURES, _columns(metrics["test"])),
        "Recall@1: the nearest other test photo has the right label.",
        *_trained_embedding(metrics),
        "## Confidence",
        f"![confidence and share of right answers]({reliability_file(model).name})",
        _calibration(run.read_calibration(), info),
        "## What it does not know",
        _unknowns(run, metrics, unseen),
        *(["## Variants", _variants(variants_of(run), model)] if run.variants.is_file() else []),
        "## Training",
        _training(run, origin),
        "## Licence and use",
        "Research use. The photographs that it was trained on belong to third parties and are not part of this "
        "project; the gallery holds embeddings, class names, source names and file names, no pictures. It will be "
        "wrong on vehicles and vessels that it does not know, and its confidence holds for photos like those that it "
        "was calibrated on.",
        "Written by `python -m model.card` from the run; the sentences on its starting weights are from --origin.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def reliability_file(model: Path) -> Path:
    """The plot beside the card of a model file."""
    return model.with_suffix(".reliability.svg")


def _checked_metrics(run: RunFolder) -> dict[str, Any]:
    for needed in (run.metrics, run.calibration):
        if not needed.is_file():
            raise RunError(f"{run.folder}: {needed.name} is missing; finish the run first")
    metrics = metrics_of(run)
    if "answers" not in metrics:
        raise RunError(f"{run.folder}: no figures of answers; a card is for a run with the stratified split")
    return metrics


def _summary(run: RunFolder, info: BundleInfo, model: Path) -> str:
    config, taxonomy, difference = run.config(), info.taxonomy, info.training.get("onnxruntime_difference")
    if not isinstance(difference, float):
        raise RunError(f"{model}: does not say how far it is from the training; export {run.folder} again")
    return (
        f"{len(taxonomy.fine)} fine classes (models, ship classes) of {len(taxonomy.coarse)} types. "
        f"{config.network.backbone}, embedding of {info.embedding_dim}, input {info.preprocessing.size} x "
        f"{info.preprocessing.size} pixels ({info.preprocessing.fit}), {model.stat().st_size / 1e6:.1f} MB, "
        f"fingerprint `{info.fingerprint}`. onnxruntime and torch differ by at most "
        f"{difference:.1e} on real photos.\n\n"
        f"Types: {', '.join(map(in_markdown, taxonomy.coarse))}."
    )


def _trained_embedding(metrics: dict[str, Any]) -> list[str]:
    if "trained_embedding" not in metrics:
        return []
    words = (
        "The embedding is the pooled feature, its square root whitened by the scatter within the classes "
        "(model/evaluation/projection.py). The one that the distance cost was on, for comparison:"
    )
    return [words, _table(_EMBEDDING, _columns(metrics["trained_embedding"]))]


def _seen_otherwise(metrics: dict[str, Any]) -> list[str]:
    ways = {
        "answers_exchanged": "The same photos with red and blue exchanged; a data set may have them stored so.",
        "answers_mirrored": "The mean over each photo and its mirror image: twice the time, not done by the program.",
    }
    found = {name: words for name, words in ways.items() if name in metrics}
    return [part for name, words in found.items() for part in (words, _table(_OTHERWISE, _columns(metrics[name])))]


def _columns(parts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"all": parts["all"], **parts["sources"]}


def _table(rows: Sequence[tuple[str, str, str]], columns: dict[str, dict[str, Any]]) -> str:
    """Args: rows: words, name and unit of each figure; columns: the figures of each column by name."""
    lines = [f"| | {' | '.join(map(in_markdown, columns))} |", "|---|" + "---:|" * len(columns)]
    for words, name, unit in rows:
        if any(name in column for column in columns.values()):
            lines.append(f"| {words} | {' | '.join(_cell(column.get(name), unit) for column in columns.values())} |")
    return "\n".join(lines)


def _unknowns(run: RunFolder, metrics: dict[str, Any], unseen: RunFolder | None) -> str:
    columns = {"this model": metrics["unknowns"]}
    words = _chosen_there("first", run, metrics)
    if unseen is not None:
        others = _checked_metrics(unseen)
        columns["trained without some classes"] = others["unknowns"]
        left_out = {sample.fine for sample in part_of(unseen, Split.UNSEEN)}
        epochs = unseen.load_checkpoint()["epoch"]
        config = unseen.config()
        shared = (
            CalibrationChoice.read(unseen).thresholds.familiarity == CalibrationChoice.read(run).thresholds.familiarity
        )
        words += (
            f"\n\nThe second column is a {config.network.backbone} trained for {epochs} epochs at "
            f"{config.input.sizes} pixels{_first_stage(config)} without {len(left_out)} of the classes; its bound for "
            f"known classes is "
            f"{'used here' if shared else 'another one than here'}." + _chosen_there("second", unseen, others)
        )
    return (
        "Pictures without vehicle or vessel are drawn textures, screenshots and scenes, others than those that the "
        "bound was chosen with.\n\n" + _table(_UNKNOWNS, columns) + words
    )


def _first_stage(config: Config) -> str:
    """What came before the training of a run that started from another one."""
    weights = config.network.weights
    if weights in (None, "none", "imagenet") or Path(weights).suffix:  # the last one: a file
        return ""
    if not Path(weights).is_dir():
        return ", after an earlier stage whose folder no longer exists,"
    before = RunFolder.open(Path(weights))
    epochs, sizes = before.load_checkpoint()["epoch"], before.config().input.sizes
    return f", after {epochs} epochs at {sizes},"


def _chosen_there(column: str, run: RunFolder, metrics: dict[str, Any]) -> str:
    """Says which bounds are measured on the photos that they were chosen on."""
    if "unseen_without_class" not in metrics["unknowns"] or CalibrationChoice.read(run).bound_taken_over:
        return ""
    return (
        f"\n\nIn the {column} column the bound for known classes was chosen between the validation photos and the very "
        "photos of unseen classes that are counted there. So the share of them without a class says how well the two "
        "can be separated, not how classes would fare that had no part in the choice. The photos of known classes "
        "are test photos." + _of_the_other_half(run)
    )


def _of_the_other_half(run: RunFolder) -> str:
    """How the bound does on classes that had no part in it; empty for a calibration of an earlier version."""
    found = run.read_calibration()["validation"].get("unseen")
    if not found:
        return ""
    return (
        f" Chosen by one half of the unseen classes each time, the bound turns away {_cell(found['below_bound'], '%')} "
        f"of the photos of the other half, and {_cell(found['known_below_bound'], '%')} of the validation photos."
    )


def _variants(figures: dict[str, dict[str, float]], model: Path) -> str:
    """Raises RunError, BundleError if a variant beside the model file is not the one that was measured."""
    files = {name: beside(model, Variant(name)) for name in figures}
    for name, file in files.items():
        if name != Variant.FP32 and file.is_file() and read_info(file).measured != figures[name]:
            raise RunError(f"{file}: not the variant that the run has figures of; export it again with --variants")
    absent = [name for name, file in files.items() if not file.is_file()]
    lines = ["| | type right | class right | images/s | times fp32 |", "|---|---:|---:|---:|---:|"]
    for name, row in figures.items():
        lines.append(
            f"| {name} | {_cell(row.get('coarse_accuracy'), '%')} | {_cell(row.get('fine_accuracy'), '%')} "
            f"| {row['images_per_second']:.0f} | {row['times_fp32']:.2f} |"
        )
    return (
        "\n".join(lines) + "\n\nTest photos, references by the full network; speed in one run on the CPU that exported "
        "them (half precision is made for GPUs; a CPU widens it)."
        + (f" Measured, but not supplied beside this file: {', '.join(absent)}." if absent else "")
    )


def _cell(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _reached(figures: dict[str, Any]) -> str:
    if figures["accepted_right"] is None:
        return "none of the photos reach"
    accepted, right = 100 * figures["accepted"], 100 * figures["accepted_right"]
    return f"{accepted:.0f} % of the photos reach, {right:.0f} % of these rightly"


def _calibration(chosen: dict[str, Any], info: BundleInfo) -> str:
    facts, thresholds = chosen["validation"], info.thresholds
    lines = []
    for level, words, needed in (("coarse", "type", thresholds.coarse), ("fine", "class", thresholds.fine)):
        figures = facts.get(level, {})
        if "ece_after" in figures:
            lines.append(
                f"- {words}: {_temperatures(info, level)}; {_calibration_errors(figures, level)}; shown as the "
                f"answer from {100 * needed:.0f} % on, which {_reached(figures)}"
            )
    calibration, fusion = info.calibration, info.fusion
    lines.append(
        f"- weight of the coarse head in a type {calibration.coarse_weight:.2f}, of the fine head's sums "
        f"{1 - calibration.coarse_weight:.2f}; of the heads {fusion.heads:.2f} beside {fusion.references:.1f} for a "
        "unit of similarity to the references"
    )
    return (
        f"Chosen on {facts['photos']:,} validation photos. The calibration errors and shares in this list are of these "
        "same photos; those of the test photos, which had no part in this choice, are in the first table.\n\n"
        + "\n".join(lines)
    )


def _calibration_errors(figures: dict[str, float], level: str) -> str:
    """The effect of the temperatures on a head alone, if the run has it, and of everything that was chosen."""
    words = f"expected calibration error of the {level} head alone {figures['ece_before']:.3f} without a temperature"
    if "ece_tempered" in figures:
        words += f", {figures['ece_tempered']:.3f} with it"
    return f"{words}, {figures['ece_after']:.3f} of the answer by both heads and the reference photos"


def _temperatures(info: BundleInfo, level: str) -> str:
    domains = info.calibration.domains
    if not domains:
        return f"temperature {getattr(info.calibration, f'{level}_temperature'):.2f}"
    each = (f"{getattr(one, f'{level}_temperature'):.2f} ({one.types[0]} ... {one.types[-1]})" for one in domains)
    return f"temperatures {', '.join(each)}"


def _training(run: RunFolder, origin: str) -> str:
    config = run.config()
    _, splits = run.samples()
    state = run.load_checkpoint()
    counts = ", ".join(f"{split.value} {splits.count(split):,}" for split in Split)
    loss, optimiser = config.loss, config.optimiser
    return (
        f"Photos: {counts}. {state['epoch']} epochs, {state['step']:,} steps at {config.input.sizes} pixels; "
        f"the run folder was made on: {run.device()}. Starting weights: {origin}\n\n"
        f"Cost {loss.lambda_coarse} x CE type (head on {config.network.coarse_head_on}) + {loss.lambda_fine} x CE "
        f"class (head on {config.network.fine_head_on}) + {loss.lambda_distance} x {loss.distance} (rule {loss.rule}, "
        f"second hinge {loss.second_hinge}, margins {loss.margin_fine} and {loss.margin_coarse}); AdamW at "
        f"{optimiser.lr}, batches of {optimiser.batch_coarse} x {optimiser.batch_fine} x {optimiser.batch_images}, "
        f"moving average of the weights {optimiser.ema}." + _besides(config)
    )


def _besides(config: Config) -> str:
    """What else it learned from, if anything."""
    words, teacher = "", config.teacher
    if config.input.mix != "none":
        words += (
            f" {100 * config.input.mix_share:.0f} % of the batches mixed by {config.input.mix}, for the heads alone."
        )
    if teacher.teacher is not None:
        words += (
            f" The answers of a larger network, trained before on the same photos, weigh {teacher.teacher_answers} "
            f"(answers, temperature {teacher.teacher_temperature}) and {teacher.teacher_embedding} (embedding)."
        )
    return words
