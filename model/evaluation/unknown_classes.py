"""What becomes of photos of classes that the network does not know, and of pictures without vehicle or vessel."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from model.contract.decision import LEVELS, Level, rule
from model.contract.posterior import Posterior
from model.contract.taxonomy import Taxonomy
from model.data.labels import encode, group_numbers, taxonomy_of
from model.data.splits import Split
from model.evaluation.answers import Seen, beliefs, references_of
from model.evaluation.calibration import CalibrationChoice
from model.evaluation.enrolled_classes import AnsweredPhotos, enrolled_figures
from model.method.network import Network
from model.metrics.fewshot import SHOTS, episodes
from model.training.inference import STRANGERS, infer_samples, infer_strangers, part_of
from model.training.run_folder import RunFolder


def unknown_figures(
    run: RunFolder, network: Network, known: AnsweredPhotos, seen: Seen, chosen: CalibrationChoice
) -> dict[str, float]:
    """How well the unknown is told from the known; shares in [0, 1].

    - strangers_*: drawn pictures without vehicle or vessel, others than those that the bound was chosen with: area
      under the ROC curve of the likeness, share that is refused; and the share of the test photos that is.
    - known_with_class: share of the test photos of known classes that get a class.
    - unseen_*: photos of the classes that a run with --unseen left out: area under the ROC curve of the familiarity,
      share that does not get a (necessarily wrong) class, share that is taken for no vehicle or vessel;
      few_shot_K: `fewshot.episodes` over these classes; enrolled_*: `enrolled.enrolled_figures` of them.

    Args:
        known: the test photos.
        seen: the same beside the training photos.
    """
    config, thresholds = run.config(), chosen.thresholds
    strange = infer_strangers(network, config, first=STRANGERS).likeness.numpy()
    found = {"strangers_auroc": _auroc(seen.likeness, strange)}
    if thresholds.likeness is not None:
        found["strangers_refused"] = float((strange < thresholds.likeness).mean())
        found["test_refused"] = float((seen.likeness < thresholds.likeness).mean())
    taxonomy = run.taxonomy()
    with_class = seen.at(np.flatnonzero(seen.labels.fine >= 0))
    found["known_with_class"] = _share_with_class(with_class, taxonomy, chosen)
    samples = [sample for sample in part_of(run, Split.UNSEEN) if sample.fine is not None]
    if not samples:
        return found
    output, references = infer_samples(network, samples, config), references_of(run, network)
    unseen = Seen.by(output, encode(samples, taxonomy), references, chosen.fusion.neighbours)
    found["unseen_auroc"] = _auroc(with_class.familiarity(chosen.familiarity), unseen.familiarity(chosen.familiarity))
    found["unseen_without_class"] = 1 - _share_with_class(unseen, taxonomy, chosen)
    if thresholds.likeness is not None:
        found["unseen_refused"] = float((unseen.likeness < thresholds.likeness).mean())
    own = encode(samples, taxonomy_of(samples)).fine
    labelled = known.at(np.flatnonzero(seen.labels.fine >= 0))
    found |= few_shot(output.embedding.numpy(), own, group_numbers(samples))
    return found | enrolled_figures(AnsweredPhotos(samples, output), labelled, references, taxonomy, chosen)


def given(
    seen: Seen, posterior: Posterior, taxonomy: Taxonomy, chosen: CalibrationChoice
) -> tuple[np.ndarray, np.ndarray]:
    """Which photos get a fine class as their answer, and which a class or at least a type: bool [N] each.

    Args:
        posterior: of the photos seen.
        taxonomy: the network's.
    """
    familiar = seen.familiarity(chosen.familiarity)
    level = rule(beliefs(posterior, seen.likeness, familiar, taxonomy, taxonomy), chosen.thresholds).level
    return level == LEVELS.index(Level.FINE), level != LEVELS.index(Level.NONE)


def _share_with_class(seen: Seen, taxonomy: Taxonomy, chosen: CalibrationChoice) -> float:
    with_class, _ = given(seen, seen.posterior(taxonomy, chosen.calibration, chosen.fusion), taxonomy, chosen)
    return float(with_class.mean())


def few_shot(embeddings: np.ndarray, fine: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """`fewshot.episodes` for each number of enrolled photos."""
    return {f"few_shot_{shots}": episodes(embeddings, fine, groups, shots=shots) for shots in SHOTS}


def _auroc(known: np.ndarray, others: np.ndarray) -> float:
    labels = np.concatenate([np.ones(len(known)), np.zeros(len(others))])
    return float(roc_auc_score(labels, np.concatenate([known, others])))
