"""Temperatures, weights and thresholds, chosen on a run's validation photos: `python -m model.calibrate RUN`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.optimize import minimize

from model.contract.bundle import Calibration, Domain, Familiarity, Fusion, Thresholds
from model.contract.openset import largest
from model.contract.posterior import softmax, temperatures, tree_posterior
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.labels import encode
from model.data.splits import Split
from model.evaluation.answers import Seen, TrainingReferences, references_of
from model.evaluation.projection import project
from model.evaluation.threshold_search import log_loss, separating, temperature, threshold_for
from model.metrics.classification import expected_calibration_error
from model.metrics.fewshot import TooFewError, none_score
from model.training.inference import infer_samples, infer_strangers, part_of, trained_network
from model.training.run_folder import RunError, RunFolder, write_json

FINE_PRECISION = 0.90
COARSE_PRECISION = 0.95
LEAST = 0.5
"""No answer is shown that is more likely wrong than right, even if all answers together are right often enough."""
FAMILIAR = 0.97
"""Share of the validation photos that must pass as a known class, if there are no unseen classes to choose by."""
REFUSED = 0.01
"""Largest share of the validation photos that may be taken for no vehicle or vessel."""
LOGIT = 0.8
"""`Fusion.logit`, as measured with a run that left classes out: see model/README.md."""
MIN_PHOTOS = 30
"""With fewer photos than this, temperature 1 and the plain thresholds stay."""

_WEIGHTS = np.linspace(0, 1, 21)
_FAR = -2.0  # the score of a class without references; less than any cosine


class CalibrationChoice(BaseModel):
    """Everything that is chosen on the validation photos."""

    model_config = ConfigDict(frozen=True)

    calibration: Calibration = Calibration()
    fusion: Fusion = Fusion()
    familiarity: Familiarity = Familiarity()
    thresholds: Thresholds = Thresholds()
    step: int | None = Field(default=None, description="of the checkpoint; runs of earlier versions do not have it")
    bound_taken_over: bool = Field(default=False, description="whether another run gave the bound for known classes")

    @classmethod
    def read(cls, run: RunFolder) -> CalibrationChoice:
        """What was chosen for a run. Raises RunError if nothing was chosen yet, or it cannot be read."""
        if not run.calibration.is_file():
            raise RunError(f"{run.folder}: the run is not calibrated yet")
        try:
            return cls.model_validate(run.read_calibration())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RunError(f"{run.calibration}: damaged ({where}: {first['msg']}); {run.choosing_again}") from error


def kinds(samples: Iterable[Sample]) -> list[tuple[str, ...]]:
    """Types that occur together in some source, directly or through others: one tuple of names for each kind."""
    types_of: dict[str, set[str]] = {}
    for sample in samples:
        types_of.setdefault(sample.source, set()).add(sample.coarse)
    found: list[set[str]] = []
    for types in types_of.values():
        together = [other for other in found if other & types]
        found = [other for other in found if not other & types] + [types.union(*together)]
    return sorted(tuple(sorted(types)) for types in found)


def calibrated(run: RunFolder) -> CalibrationChoice:
    """The choice for a run's last checkpoint; it is made now if it is missing, or if the training has continued since.

    A bound from another run stays. Raises as `calibrate`.
    """
    if not run.calibration.is_file():
        return calibrate(run)
    kept = CalibrationChoice.read(run)
    if kept.step is None:
        return kept
    if kept.step == run.load_checkpoint()["step"]:
        project(run)  # its file may have been deleted; fitting it again gives the same result
        return kept
    return calibrate(run, kept.thresholds.familiarity if kept.bound_taken_over else None)


def bound_of(run: RunFolder) -> float:
    """The bound for known classes of a run with unseen classes.

    It is in standard deviations of the validation photos, so it also holds for a run that was trained on all classes.

    Raises:
        RunError, PhotoError: as `calibrate`; RunError if the run has no unseen classes, or too few validation photos.
    """
    if not part_of(run, Split.UNSEEN):
        raise RunError(f"{run.folder}: has no unseen classes; train it with --unseen 0.1")
    bound = calibrated(run).thresholds.familiarity
    if bound is None:
        raise RunError(f"{run.folder}: has fewer than {MIN_PHOTOS} validation photos, and so no bound")
    return bound


def calibrate(run: RunFolder, bound: float | None = None) -> CalibrationChoice:
    """Choose everything and write it, with the figures that it rests on, into the run.

    First of all the projection that photos are compared by (model/evaluation/projection.py), if the run does not have
    it yet.

    Args:
        run: a trained run.
        bound: for known classes, taken over from another run (`bound_of`).

    Raises:
        RunError, PhotoError, DataError: if the run has no checkpoint, a photo cannot be read any more, or the network
            sees no differences between the training photos.
    """
    project(run)
    config, taxonomy, network = run.config(), run.taxonomy(), trained_network(run)
    samples, train = part_of(run, Split.VALIDATION), part_of(run, Split.TRAIN)
    chosen = CalibrationChoice()
    step = run.load_checkpoint()["step"]
    facts: dict[str, Any] = {"photos": len(samples)}
    if len(samples) >= MIN_PHOTOS:
        references = references_of(run, network)

        def see(part: Sequence[Sample]) -> tuple[np.ndarray, Seen]:
            output, labels = infer_samples(network, part, config), encode(part, taxonomy)
            return output.embedding.numpy(), Seen.by(output, labels, references, Fusion().neighbours)

        embeddings, seen = see(samples)
        strange = infer_strangers(network, config, first=0)
        left_out = [sample for sample in part_of(run, Split.UNSEEN) if sample.fine is not None]
        unseen = see(left_out)[1] if left_out else None
        chosen = choose(seen, taxonomy, kinds(train), strange.likeness.numpy(), unseen)
        chosen = _with_none(chosen, references, embeddings, seen.labels.fine)
        if unseen is not None:
            facts |= _of_the_other_half(seen, unseen, left_out, chosen.familiarity)
        if bound is not None:
            thresholds = chosen.thresholds.model_copy(update={"familiarity": bound})
            chosen = chosen.model_copy(update={"thresholds": thresholds, "bound_taken_over": True})
        facts |= _facts(seen, taxonomy, chosen)
    chosen = chosen.model_copy(update={"step": step})
    write_json(run.calibration, {**chosen.model_dump(), "validation": facts})
    return chosen


def choose(
    seen: Seen,
    taxonomy: Taxonomy,
    domains: Sequence[tuple[str, ...]],
    strange: np.ndarray,
    unseen: Seen | None,
) -> CalibrationChoice:
    """Everything that is chosen on the validation photos.

    Args:
        seen: the validation photos.
        domains: types of each kind of photo.
        strange: likeness of pictures without vehicle or vessel.
        unseen: photos of classes that the network does not know, to choose the bound of the known ones by.
    """
    calibration = _weighted(_tempered(seen, taxonomy, domains), seen, taxonomy)
    fusion = _fused(seen, taxonomy, calibration)
    logits = largest(seen.fine_logits)
    scale = Familiarity(
        logit_mean=float(logits.mean()),
        logit_deviation=float(logits.std()) or 1.0,
        similarity_mean=float(seen.closest.mean()),
        similarity_deviation=float(seen.closest.std()) or 1.0,
    )
    scores = seen.familiarity(scale)
    posterior = seen.posterior(taxonomy, calibration, fusion)
    return CalibrationChoice(
        calibration=calibration,
        fusion=fusion,
        familiarity=scale,
        thresholds=Thresholds(
            coarse=_threshold(posterior.coarse, seen.labels.coarse, COARSE_PRECISION),
            fine=_threshold(posterior.fine, seen.labels.fine, FINE_PRECISION),
            likeness=separating(seen.likeness, strange, REFUSED),
            familiarity=float(np.quantile(scores, 1 - FAMILIAR))
            if unseen is None
            else separating(scores, unseen.familiarity(scale)),
        ),
    )


def _tempered(seen: Seen, taxonomy: Taxonomy, domains: Sequence[tuple[str, ...]]) -> Calibration:
    """The temperature of each head over all photos and, if there are several kinds of photo, for each kind."""

    def both(rows: np.ndarray, otherwise: Calibration) -> tuple[float, float]:
        part = seen.at(rows)
        return (
            _temperature_of(part.coarse_logits, part.labels.coarse, otherwise.coarse_temperature),
            _temperature_of(part.fine_logits, part.labels.fine, otherwise.fine_temperature),
        )

    t_coarse, t_fine = both(np.arange(len(seen.closest)), Calibration())
    whole = Calibration(coarse_temperature=t_coarse, fine_temperature=t_fine)
    if len(domains) < 2:
        return whole
    of_each = []
    for types in domains:
        numbers = [taxonomy.coarse_index[name] for name in types]
        t_coarse, t_fine = both(np.flatnonzero(np.isin(seen.labels.coarse, numbers)), whole)
        of_each.append(Domain(types=types, coarse_temperature=t_coarse, fine_temperature=t_fine))
    return whole.model_copy(update={"domains": tuple(of_each)})


def _temperature_of(logits: np.ndarray, labels: np.ndarray, otherwise: float) -> float:
    known = labels >= 0
    return temperature(logits[known], labels[known]) if known.sum() >= MIN_PHOTOS else otherwise


def _weighted(calibration: Calibration, seen: Seen, taxonomy: Taxonomy) -> Calibration:
    """The same with the best weight of the coarse head."""

    def cost(candidate: Calibration) -> float:
        found = tree_posterior(seen.coarse_logits, seen.fine_logits, taxonomy, candidate)
        return log_loss(found.coarse, seen.labels.coarse) + log_loss(found.fine, seen.labels.fine)

    return min((calibration.model_copy(update={"coarse_weight": float(w)}) for w in _WEIGHTS), key=cost)


def _fused(seen: Seen, taxonomy: Taxonomy, calibration: Calibration) -> Fusion:
    """The best weights of heads and references, and the temperature of the references by themselves."""
    labels = seen.labels
    known = labels.fine >= 0
    if known.sum() < MIN_PHOTOS:
        return Fusion()
    present = np.where(np.isfinite(seen.scores), seen.scores, _FAR)

    def cost(weights: np.ndarray) -> float:
        found = seen.posterior(taxonomy, calibration, Fusion(heads=weights[0], references=weights[1]))
        return log_loss(found.coarse, labels.coarse) + log_loss(found.fine, labels.fine)

    best = minimize(cost, x0=(1.0, 10.0), bounds=((0, 5), (0, 200)), method="Nelder-Mead").x
    return Fusion(
        heads=float(best[0]), references=float(best[1]), temperature=temperature(present[known], labels.fine[known])
    )


def _with_none(
    chosen: CalibrationChoice, references: TrainingReferences, embeddings: np.ndarray, fine: np.ndarray
) -> CalibrationChoice:
    """The same with the score of "none of these"; unchanged if there are too few photos."""
    try:
        none = none_score(references.embeddings, references.fine, embeddings, fine)
    except TooFewError:
        return chosen
    return chosen.model_copy(update={"fusion": chosen.fusion.model_copy(update={"none": none, "logit": LOGIT})})


def _of_the_other_half(
    seen: Seen, unseen: Seen, left_out: Sequence[Sample], scale: Familiarity
) -> dict[str, dict[str, float]]:
    """How the bound for known classes does on classes that it was not chosen with: it is chosen by every second class.

    Means over both halves: shares of the validation photos and of the other half's photos that are below the bound.
    """
    names = sorted({str(sample.fine) for sample in left_out})
    second = np.array([names.index(str(sample.fine)) % 2 == 1 for sample in left_out])
    if len(names) < 2:
        return {}
    known, others = seen.familiarity(scale), unseen.familiarity(scale)
    bounds = [separating(known, others[half]) for half in (second, ~second)]
    return {
        "unseen": {
            "below_bound": float(np.mean([(others[~second] < bounds[0]).mean(), (others[second] < bounds[1]).mean()])),
            "known_below_bound": float(np.mean([(known < bound).mean() for bound in bounds])),
        }
    }


def _threshold(probabilities: np.ndarray, labels: np.ndarray, precision: float) -> float:
    known = labels >= 0
    if known.sum() < MIN_PHOTOS:
        return Thresholds().fine
    confident = probabilities[known].max(axis=1)
    found = threshold_for(confident, probabilities[known].argmax(axis=1) == labels[known], precision)
    return min(1.0, max(LEAST, found))  # a mixture of probabilities may exceed 1 by rounding


def _facts(seen: Seen, taxonomy: Taxonomy, chosen: CalibrationChoice) -> dict[str, Any]:
    """How good the choice is on the validation photos themselves.

    Calibration errors: `ece_before` for a level's head alone as it was trained, `ece_tempered` for the same with its
    temperatures, `ece_after` for the answer, by both heads and the reference photos together.
    """
    posterior = seen.posterior(taxonomy, chosen.calibration, chosen.fusion)
    t_coarse, t_fine = temperatures(seen.coarse_logits, taxonomy, chosen.calibration)
    facts: dict[str, Any] = {}
    for level, logits, t, found, labels, threshold in (
        ("coarse", seen.coarse_logits, t_coarse, posterior.coarse, seen.labels.coarse, chosen.thresholds.coarse),
        ("fine", seen.fine_logits, t_fine, posterior.fine, seen.labels.fine, chosen.thresholds.fine),
    ):
        known = labels >= 0
        if known.sum() < MIN_PHOTOS:
            facts[level] = {"photos": int(known.sum())}
            continue
        right = found[known].argmax(axis=1) == labels[known]
        accepted = found[known].max(axis=1) >= threshold
        facts[level] = {
            "photos": int(known.sum()),
            "ece_before": expected_calibration_error(softmax(logits[known]), labels[known]),
            "ece_tempered": expected_calibration_error(softmax((logits / t[:, None])[known]), labels[known]),
            "ece_after": expected_calibration_error(found[known], labels[known]),
            "accepted": float(accepted.mean()),
            "accepted_right": float(right[accepted].mean()) if accepted.any() else None,
        }
    return facts
