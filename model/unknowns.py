"""What becomes of photos of classes that the network does not know, and of pictures without vehicle or vessel."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from model.answers import Seen, references_of
from model.calibrate import Chosen
from model.data.splits import Split
from model.fewshot import SHOTS, episodes
from model.inference import STRANGERS, infer_samples, infer_strangers, part_of
from model.labels import encode, taxonomy_of
from model.network import Network
from model.run import Run


def unknown_figures(run: Run, network: Network, seen: Seen, chosen: Chosen) -> dict[str, float]:
    """How well the unknown is told from the known; shares in [0, 1].

    - strangers_*: drawn pictures without vehicle or vessel, others than those that the bound was chosen with: area
      under the ROC curve of the likeness, share that is refused; and the share of the test photos that is.
    - unseen_*: photos of the classes that a run with --unseen left out: area under the ROC curve of the familiarity,
      share that does not get a (necessarily wrong) class, share that is taken for no vehicle or vessel;
      few_shot_K: `fewshot.episodes` over these classes.

    Args:
        seen: the test photos.
    """
    config, thresholds = run.config(), chosen.thresholds
    strange = infer_strangers(network, config, first=STRANGERS).likeness.numpy()
    found = {"strangers_auroc": _auroc(seen.likeness, strange)}
    if thresholds.likeness is not None:
        found["strangers_refused"] = float((strange < thresholds.likeness).mean())
        found["test_refused"] = float((seen.likeness < thresholds.likeness).mean())
    samples = part_of(run, Split.UNSEEN)
    if not samples:
        return found
    output = infer_samples(network, samples, config)
    taxonomy = run.taxonomy()
    labelled = [i for i, sample in enumerate(samples) if sample.fine is not None]
    labels = encode(samples, taxonomy)
    unseen = Seen.by(output, labels, references_of(run, network), chosen.fusion.neighbours).at(np.asarray(labelled))
    with_class = seen.at(np.flatnonzero(seen.labels.fine >= 0))
    found["unseen_auroc"] = _auroc(with_class.familiarity(chosen.familiarity), unseen.familiarity(chosen.familiarity))
    found["unseen_without_class"] = 1 - float(named(unseen, run, chosen).mean())
    if thresholds.likeness is not None:
        found["unseen_refused"] = float((unseen.likeness < thresholds.likeness).mean())
    found["known_with_class"] = float(named(with_class, run, chosen).mean())
    own = encode(samples, taxonomy_of(samples)).fine
    return found | few_shot(output.embedding.numpy(), own)


def named(seen: Seen, run: Run, chosen: Chosen) -> np.ndarray:
    """Which photos get a fine class as their answer: bool [N]."""
    posterior = seen.posterior(run.taxonomy(), chosen.calibration, chosen.fusion)
    thresholds = chosen.thresholds
    result = posterior.fine.max(axis=1) >= thresholds.fine
    if thresholds.familiarity is not None:
        result &= seen.familiarity(chosen.familiarity) >= thresholds.familiarity
    if thresholds.likeness is not None:
        result &= seen.likeness >= thresholds.likeness
    return result


def few_shot(embeddings: np.ndarray, fine: np.ndarray) -> dict[str, float]:
    """`fewshot.episodes` for each number of enrolled photos."""
    return {f"few_shot_{shots}": episodes(embeddings, fine, shots=shots) for shots in SHOTS}


def _auroc(known: np.ndarray, others: np.ndarray) -> float:
    labels = np.concatenate([np.ones(len(known)), np.zeros(len(others))])
    return float(roc_auc_score(labels, np.concatenate([known, others])))
