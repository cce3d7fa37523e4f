"""Every image of a project with its answer: the person's where there is one, else the model's by the thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.core.project.labels import VERDICTS, Label, Verdict
from app.core.project.project import Project
from app.core.project.records import KnownModel, ProjectImage, SubjectId, subjects_of
from app.core.recognition.decision import STATUS_OF, Decision, Status, decide
from app.core.recognition.evidence import Evidence
from app.core.recognition.features import NOBODY
from app.core.recognition.identifier import Identification
from model.contract.decision import LEVELS, Level
from model.system.wording import counted

_PAGE = 1000
BY_PERSON = {Verdict.ACCEPTED: "accepted by a person", Verdict.CORRECTED: "corrected by a person"}
"""What the reason of an answer says where the person gave it."""
UNKNOWN_TO_PERSON = "unknown to a person"


@dataclass(frozen=True)
class PhotoResult:
    """An image and what is known of it.

    Attributes:
        image: with its error, where it could not be read.
        evidence: what the model found, or None.
        decision: what the thresholds make of the evidence, or None.
        label: the person's, or None.
        answer: `decision` with the person's label in its place, where there is one; None where nothing is known.
    """

    image: ProjectImage
    evidence: Evidence | None
    decision: Decision | None
    label: Label | None
    answer: Decision | None

    @property
    def excluded(self) -> bool:
        """Whether the person wants it left out."""
        return self.label is not None and self.label.verdict is Verdict.EXCLUDED

    @property
    def waits(self) -> bool:
        """Whether it has no answer only because it was not identified yet."""
        return self.answer is None and self.image.error is None and not self.excluded

    def identification(self) -> Identification:
        """As a row of the table of labels."""
        error = self.image.error or (None if self.answer is not None else "not identified yet")
        return Identification(self.image.path, self.answer, self.evidence, error=error)


def results(project: Project, model: KnownModel) -> Iterator[PhotoResult]:
    """All images in the order they were added; memory does not grow with their number.

    Raises:
        ProjectError: if the project cannot be read.
    """
    last = 0
    while page := project.images.after(last, _PAGE):
        ids = [image.id for image in page]
        subjects = subjects_of(ids)
        evidence = dict(project.predictions.evidence(model.fingerprint, ids))
        decided = dict(zip(evidence, decide(list(evidence.values()), model.thresholds), strict=True))
        labelled = project.labels.of(subjects)
        decisions, labels = [decided.get(number) for number in ids], [labelled.get(one) for one in subjects]
        for image, decision, label, answer in zip(page, decisions, labels, with_labels(decisions, labels), strict=True):
            yield PhotoResult(image, evidence.get(image.id), decision, label, answer)
        last = page[-1].id


def not_identified(count: int, how: str) -> str:
    """What an export says of photos that wait; how: what identifies them."""
    are, them = ("is", "it") if count == 1 else ("are", "them")
    return f"{counted(count, 'photo')} {are} not identified yet; identify {them} with: {how}"


def result_of(project: Project, model: KnownModel | None, image: int) -> PhotoResult | None:
    """One image, by its number; None if the project has no such. Raises ProjectError."""
    found = project.images.of([image])
    if not found:
        return None
    evidence = decision = None
    if model is not None:
        evidence = dict(project.predictions.evidence(model.fingerprint, [image])).get(image)
        decision = decide([evidence], model.thresholds)[0] if evidence is not None else None
    subject = SubjectId(image)
    label = project.labels.of([subject]).get(subject)
    [answer] = with_labels([decision], [label])
    return PhotoResult(found[0], evidence, decision, label, answer)


def overlaid(level: np.ndarray, verdict: np.ndarray, with_class: np.ndarray) -> np.ndarray:
    """The levels of the answers to N subjects, with the person's labels over them: places in LEVELS, int8 [N].

    Args:
        level: of the model's answers, places in LEVELS, int8 [N].
        verdict: places in VERDICTS, or NOBODY, int8 [N].
        with_class: whether the label names a class, bool [N].
    """
    labelled = (verdict == VERDICTS.index(Verdict.ACCEPTED)) | (verdict == VERDICTS.index(Verdict.CORRECTED))
    shown = level.copy()
    shown[verdict == VERDICTS.index(Verdict.UNKNOWN)] = LEVELS.index(Level.NONE)
    shown[labelled & with_class] = LEVELS.index(Level.FINE)
    shown[labelled & ~with_class] = LEVELS.index(Level.COARSE)
    return shown


def with_labels(decisions: Sequence[Decision | None], labels: Sequence[Label | None]) -> list[Decision | None]:
    """What holds for N subjects: the person's label where there is one, else the model's answer."""
    nothing = LEVELS.index(Level.NONE)
    levels = overlaid(
        np.array([nothing if one is None else LEVELS.index(one.level) for one in decisions], np.int8),
        np.array([NOBODY if one is None else VERDICTS.index(one.verdict) for one in labels], np.int8),
        np.array([one is not None and bool(one.fine) for one in labels], bool),
    )
    return [
        _labelled(decision, label, LEVELS[level])
        for decision, label, level in zip(decisions, labels, levels.tolist(), strict=True)
    ]


def _labelled(decision: Decision | None, label: Label | None, level: Level) -> Decision | None:
    """The answer on this level: the person's if there is a label, else the model's."""
    if label is None or label.verdict is Verdict.EXCLUDED:
        return decision
    known = decision or Decision(Status.UNKNOWN, "", Level.NONE, 0.0, "", "", 0.0, "", 0.0)
    if level is Level.NONE:
        return replace(known, status=STATUS_OF[level], label="", level=level, confidence=0.0, reason=UNKNOWN_TO_PERSON)
    fine, certainty = (label.fine, 1.0) if level is Level.FINE else (known.fine, known.fine_confidence)
    name, reason = label.fine if level is Level.FINE else label.coarse, BY_PERSON[label.verdict]
    return Decision(STATUS_OF[level], name, level, 1.0, reason, label.coarse, 1.0, fine, certainty)
