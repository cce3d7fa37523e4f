"""Every image of a project with its answer: the person's where there is one, else the model's by the thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import KnownModel, ProjectImage, SubjectId, subjects_of
from app.core.recognition.decision import Decision, Level, Status, decide
from app.core.recognition.evidence import Evidence
from app.core.recognition.identifier import Identification
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
    labels = project.labels
    last = 0
    while page := project.images.after(last, _PAGE):
        ids = [image.id for image in page]
        evidence = dict(project.predictions.evidence(model.fingerprint, ids))
        told = labels.of(subjects_of(ids))
        for image in page:
            found, label = evidence.get(image.id), told.get(SubjectId(image.id))
            decision = None if found is None else decide(found, model.thresholds)
            yield PhotoResult(image, found, decision, label, answer(decision, label))
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
    evidence = None
    if model is not None:
        evidence = dict(project.predictions.evidence(model.fingerprint, [image])).get(image)
    decision = None if model is None or evidence is None else decide(evidence, model.thresholds)
    subject = SubjectId(image)
    label = project.labels.of([subject]).get(subject)
    return PhotoResult(found[0], evidence, decision, label, answer(decision, label))


def answer(decision: Decision | None, label: Label | None) -> Decision | None:
    """What holds: the person's label before the model's answer."""
    if label is None or label.verdict is Verdict.EXCLUDED:
        return decision
    known = decision or Decision(Status.UNKNOWN, "", Level.NONE, 0.0, "", "", 0.0, "", 0.0)
    if label.verdict is Verdict.UNKNOWN:
        return replace(
            known, status=Status.UNKNOWN, label="", level=Level.NONE, confidence=0.0, reason=UNKNOWN_TO_PERSON
        )
    reason = BY_PERSON[label.verdict]
    if label.fine:
        known = replace(known, coarse=label.coarse, coarse_confidence=1.0, fine=label.fine, fine_confidence=1.0)
        return replace(
            known, status=Status.IDENTIFIED, label=label.fine, level=Level.FINE, confidence=1.0, reason=reason
        )
    known = replace(known, coarse=label.coarse, coarse_confidence=1.0)
    return replace(
        known, status=Status.COARSE_ONLY, label=label.coarse, level=Level.COARSE, confidence=1.0, reason=reason
    )
