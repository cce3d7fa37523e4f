"""From settings to a new run: read the data, check every photo and the weights, split, make the folder.

Everything that can be wrong is found here, before the folder exists and hours are spent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from model.batching.pipeline import PictureForm, PictureStore
from model.console.console import note
from model.contract.config import Config, DataSettings
from model.contract.samples import DataError, Sample, untrainable
from model.data.labels import attribute_scales, encode, taxonomy_of
from model.data.readers import read_data
from model.data.splits import Split, class_disjoint, fold_of_classes, some_classes, stratified, without_classes
from model.method.network import build_backbone
from model.system.wording import counted, first_of
from model.training.distributed import choose_accelerator
from model.training.model_file_weights import is_model_file
from model.training.run_folder import RunFolder, check_free
from model.training.starting_weights import load_starting_weights
from model.training.teacher import checked_teacher

_SHOWN = 10


def new_run(folder: Path, config: Config) -> RunFolder:
    """A run folder that is ready to be trained.

    Raises:
        DataError, TaxonomyError, WeightsError, RunError: with a message for the user; the folder is not made then.
    """
    check_free(folder)
    config = config.resolved()
    choose_accelerator(config.machine.accelerator)
    read = read_data(config.data.data, skip_bad=config.data.skip_bad)
    assert config.network.backbone is not None and config.network.weights is not None
    # before the weights, which may need a download
    if not config.data.skip_bad:  # with it the photos are unknown until all have been opened, which takes minutes
        dealt(read.samples, config)
    load_starting_weights(build_backbone(config.network.backbone)[0], config.network.backbone, config.network.weights)
    samples, damaged = _decodable(read.samples, config)
    skipped = [*read.skipped, *damaged]
    for message in skipped[:_SHOWN]:
        note(f"skipped: {message}")
    if skipped:
        note(f"{len(skipped):,} entries were skipped")
    if read.unread:
        note(read.unread)
    return create_run(folder, config, samples)


def create_run(folder: Path, config: Config, samples: Sequence[Sample]) -> RunFolder:
    """A run folder for photos that have been looked at; `config` resolved. Raises as `new_run`."""
    samples, splits = dealt(samples, config)
    note_unknown_parts(config.network.weights)
    taxonomy = taxonomy_of(part(samples, splits, Split.TRAIN))
    counts = Counter(splits)
    note(
        f"{len(samples):,} photos, {counted(len(taxonomy.coarse), 'type')} and "
        f"{counted(len(taxonomy.fine), 'class', 'classes')} to learn; "
        + ", ".join(f"{split.value} {counts[split]:,}" for split in Split)
    )
    return RunFolder.create(folder, config, taxonomy, samples, splits)


def dealt(samples: Sequence[Sample], config: Config) -> tuple[list[Sample], list[Split]]:
    """The photos that a run uses and the part of each, checked for training and measuring; `config` resolved.

    Raises:
        DataError, TaxonomyError, RunError: if too few are left for the training, starting weights or teacher were
            trained on some that are held out, the teacher cannot teach this run, or an attribute has one value only.
    """
    before = parts_before(config.network.weights)
    samples, splits = deal(samples, config.data, before)
    _refuse_seen(samples, splits, before, config)
    train = part(samples, splits, Split.TRAIN)
    if len(train) < 2:
        raise DataError(f"{len(train)} photos are left for training; at least 2 are needed")
    if problem := untrainable(Counter((sample.coarse, sample.fine or "") for sample in train)):
        raise DataError(f"nothing to learn from the {len(train):,} photos for training: {problem}")
    taxonomy = taxonomy_of(train)
    attribute_scales(encode(train, taxonomy, config.loss.label_attributes), config.loss.label_attributes)
    if config.teacher.teacher is not None:
        checked_teacher(Path(config.teacher.teacher), taxonomy, samples, splits)
    return samples, splits


def note_unknown_parts(weights: str | None) -> None:
    """Note that it is unknown which photos the starting weights were trained on, if they come from a model file."""
    if is_model_file(weights or ""):
        note(
            f"it is not known which photos {weights} was trained on; if this training holds some of them out, its "
            "figures are too good"
        )


def part(samples: Sequence[Sample], splits: Sequence[Split], wanted: Split) -> list[Sample]:
    """The samples of one part of a split."""
    return [sample for sample, own in zip(samples, splits, strict=True) if own is wanted]


def parts_before(weights: str | None) -> dict[Path, Split]:
    """What the photos of the starting run, and of the runs before it, were used for; none without one.

    Raises:
        RunError, DataError: if a run, or its list of photos, cannot be read.
    """
    found: dict[Path, Split] = {}
    while weights is not None and Path(weights).is_dir():
        run = RunFolder.open(Path(weights))
        for sample, split in zip(*run.samples(), strict=True):
            if split is Split.TRAIN:
                found[sample.path] = split
            else:
                found.setdefault(sample.path, split)
        weights = run.config().network.weights
    return found


def _refuse_seen(
    samples: Sequence[Sample], splits: Sequence[Split], before: Mapping[Path, Split], config: Config
) -> None:
    """Photos of the training would be recognised, and the figures would be too good."""
    seen = sum(
        split is not Split.TRAIN and before.get(sample.path) is Split.TRAIN
        for sample, split in zip(samples, splits, strict=True)
    )
    if seen:
        raise DataError(
            f"{seen:,} photos that this training holds out are among those that {config.network.weights} was trained "
            "on; start from a training with the same split, or with --weights imagenet"
        )


def deal(
    samples: Sequence[Sample], settings: DataSettings, before: Mapping[Path, Split] | None = None
) -> tuple[list[Sample], list[Split]]:
    """The photos that a run uses and the part of each. Raises DataError.

    Args:
        before: parts that photos have already and, with the plain stratified split, keep.
    """
    validation, seed = settings.validation, settings.split_seed
    if settings.split == "class_disjoint":
        splits = class_disjoint(samples, validation=validation, seed=seed)
        if settings.fold is None:
            return list(samples), splits
        kept = [sample for sample, split in zip(samples, splits, strict=True) if split is not Split.TEST]
        return kept, class_disjoint(kept, validation=validation, seed=seed, tested=fold_of_classes(kept, settings.fold))
    if settings.unseen:
        left_out = some_classes(samples, settings.unseen, seed)
        splits = without_classes(samples, left_out, validation=validation, test=settings.test, seed=seed)
        return list(samples), splits
    known = {} if settings.fold is not None else _known_groups(samples, before or {})
    splits = stratified(samples, validation=validation, test=settings.test, seed=seed, known=known)
    if settings.fold is None:
        return list(samples), splits
    kept = [sample for sample, split in zip(samples, splits, strict=True) if split is not Split.TEST]
    return kept, stratified(kept, validation=validation, test=settings.test, seed=seed + 1 + settings.fold)


def _known_groups(samples: Sequence[Sample], before: Mapping[Path, Split]) -> dict[tuple[str, str], Split]:
    """Source and group of photos that already have a part; the training if they differ."""
    known: dict[tuple[str, str], Split] = {}
    for sample in samples:
        part_before = before.get(sample.path, Split.UNSEEN)
        group = (sample.source, sample.group)
        if part_before is not Split.UNSEEN and known.get(group) is not Split.TRAIN:
            known[group] = part_before
    return known


def _decodable(samples: Sequence[Sample], config: Config) -> tuple[list[Sample], list[str]]:
    """All samples, if every photo can be decoded; with --skip-bad those that can, and a message for each other."""
    assert config.input.size is not None
    form = PictureForm(config.input.size, config.input.fit)
    with PictureStore(samples, form, budget=0, workers=config.machine.workers) as store:
        bad = {error.path: error for error in store.decode_all("checking photos")}
    messages = [f"{sample.origin}: {bad[sample.path]}" for sample in samples if sample.path in bad]
    if messages and not config.data.skip_bad:
        advice = "repair or remove them, or skip them with --skip-bad"
        raise DataError.of_lines([*first_of(messages, _SHOWN), advice])
    return [sample for sample in samples if sample.path not in bad], messages
