"""What a person corrected in a table, brought back into a project as labels.

The table is one of our exports, as a spreadsheet may have saved it, or any other with a column of files. In one of our
exports only changes count. The table itself shows what was exported: `label` and `level` hold the
answer, `reason` the person's earlier decision. The best guess, which is in `coarse` and `fine` if the answer is not
that specific, is compared with the project's, as long as its confidence is still the one in the table.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from app.core.export.correction_table import CorrectionTable, TableRow
from app.core.export.label_table import unguarded
from app.core.project.journal_steps import JournalStep
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from app.core.project.results import BY_PERSON, UNKNOWN_TO_PERSON, PhotoResult, results
from app.core.recognition.decision import Status
from app.core.recognition.evidence import ClassCandidate, TypeCandidate
from app.core.system.paths import tidy
from model.contract.decision import Level
from model.system.wording import counted

_NONE = "none"
_VERDICTS = {"", _NONE, *Verdict}
_ROUNDED = 6e-5  # tables have four decimals
_EXPORTED = {reason: verdict.value for verdict, reason in BY_PERSON.items()} | {
    UNKNOWN_TO_PERSON: Verdict.UNKNOWN.value
}


@dataclass
class Corrections:
    """What a table changes.

    Attributes:
        labels: subject -> its new label; None takes the person's label away.
        unchanged: number of rows that say nothing new. problems: a sentence for each row that was not used, in the
        order of the table.
    """

    labels: dict[SubjectId, Label | None] = field(default_factory=dict)
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)

    def apply(self, project: Project, table: Path) -> JournalStep | None:
        """Set the labels in one step that can be undone; None if there are none. Raises ProjectError."""
        return project.labels.set(self.labels, f"{counted(len(self.labels), 'label')} from {table.name}")


def corrections(project: Project, place: Path) -> Corrections:
    """Compare a table with a project; nothing is changed.

    Raises:
        TableError: if the file cannot be used as a table.
        ProjectError: if the project cannot be read.
    """
    table = CorrectionTable.read(place)
    found = Corrections()
    wanted: dict[int, list[tuple[TableRow, Label | None]]] = defaultdict(list)
    refused: list[tuple[TableRow, str]] = []
    photos = _Photos(project, table)
    types = photos.types()
    for row in table.rows:
        result = photos.of(row)
        if result is None:
            refused.append((row, f"the project has no photo {row.name}"))
            continue
        said = _said(row, result, types, ours=table.is_ours)
        if isinstance(said, str):
            refused.append((row, said))
        elif isinstance(said, _Nothing) or said == result.label:
            found.unchanged += 1
        else:
            wanted[result.image.id].append((row, said))
    refused += _keep_clear(found, wanted, photos)
    found.problems = [f"{row.origin}: {why}" for row, why in sorted(refused, key=lambda one: one[0].line)]
    return found


class _Nothing:
    """A row that says nothing new."""


_NOTHING = _Nothing()


class _Photos:
    """The photos of a project by the names that tables use for them."""

    def __init__(self, project: Project, table: CorrectionTable) -> None:
        models = project.models.all()
        named = {row.value("model") for row in table.rows}
        model = next((one for one in models if one.signature in named), models[0] if models else None)
        self._taxonomies = [one.taxonomy for one in models]
        found = [] if model is None else results(project, model)
        self._by_path, self._by_form = {}, defaultdict(list)
        for result in found:
            self._by_path[os.fsencode(result.image.path)] = result
            self._by_form[_form(result.image.path)].append(result)
        self._folder = table.place.absolute().parent

    def of(self, row: TableRow) -> PhotoResult | None:
        """The photo of a row: relative to the table's folder; the Unicode form of the name does not matter."""
        names = dict.fromkeys((row.name, unguarded(row.name)))
        places = [tidy(self._folder / name) for name in names if name]
        for place in [*places, *(Path(os.path.realpath(place)) for place in places)]:
            found = self._by_path.get(os.fsencode(place))
            if found is not None:
                return found
        alike = [result for place in places for result in self._by_form.get(_form(place), ())]
        return alike[0] if len(alike) == 1 else None

    def types(self, without: Collection[int] = ()) -> dict[str, set[str]]:
        """The types of each class, by the models and by the person's labels of all photos except `without`."""
        found: dict[str, set[str]] = defaultdict(set)
        for taxonomy in self._taxonomies:
            for fine, parent in zip(taxonomy.fine, taxonomy.parents, strict=True):
                found[fine].add(taxonomy.coarse[parent])
        for result in self._by_path.values():
            if result.label is not None and result.label.fine and result.image.id not in without:
                found[result.label.fine].add(result.label.coarse)
        return found


def _form(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path))


def _said(
    row: TableRow, result: PhotoResult, types: Mapping[str, set[str]], *, ours: bool
) -> Label | _Nothing | str | None:
    """The meaning of a row for its photo: a label, none, nothing new, or why it cannot be used."""
    verdict = row.value("verdict").casefold()
    if verdict not in _VERDICTS:
        return f"the verdict '{verdict}' is not one of unknown, excluded, none"
    exported = _EXPORTED.get(row.value("reason"), "") if ours else ""
    if verdict != exported:
        if verdict in (Verdict.UNKNOWN, Verdict.EXCLUDED):
            return Label(Verdict(verdict))
        if verdict == _NONE:
            return None
    coarse, fine = row.value("coarse"), row.value("fine")
    if not ours:
        return _label(coarse, fine, result) if coarse or fine else _NOTHING
    was = _exported(row, result, types)
    new_coarse, new_fine = coarse != was.coarse, fine != was.fine
    if not (new_coarse or new_fine):
        if row.value("level") == Level.FINE and row.value("label") != fine:
            return "the column label was changed, but only coarse and fine are read; correct those"
        if verdict == Verdict.ACCEPTED and not exported and row.value("label"):
            return Label(Verdict.ACCEPTED, coarse, fine if row.value("level") == Level.FINE else "")
        return _NOTHING
    if (was.coarse is None and new_coarse) or (was.fine is None and new_fine):
        return "the photo was identified again since the table was exported; export it again"
    # a guess that nobody changed is not an answer
    return _label(coarse, fine if new_fine or row.value("level") == Level.FINE else "", result)


class _Exported(NamedTuple):
    """Coarse and fine of a row as they were exported; None if that can no longer be found out."""

    coarse: str | None
    fine: str | None


def _exported(row: TableRow, result: PhotoResult, types: Mapping[str, set[str]]) -> _Exported:
    level, label, evidence = row.value("level"), row.value("label"), result.evidence
    if row.value("status") == Status.ERROR:
        return _Exported("", "")
    if level == Level.FINE:
        # the table has the type of an exported class only once: any type that the class has will do
        fine = label
        if row.value("reason") not in _EXPORTED and evidence is not None and evidence.classes:
            # in the table the column label may have been edited too
            fine = _guessed(row.value("fine_confidence"), evidence.classes[0]) or label
        coarse, known = row.value("coarse"), types.get(fine, set())
        if evidence is not None:  # a class of the gallery
            known = known | {one.coarse for one in evidence.classes if one.name == fine}
        return _Exported(coarse if not known or coarse in known else min(known), fine)
    best = evidence.types[0] if evidence is not None else None
    guess = evidence.classes[0] if evidence is not None and evidence.classes else None
    guessed = _guessed(row.value("fine_confidence"), guess)
    return _Exported(label if level == Level.COARSE else _guessed(row.value("coarse_confidence"), best), guessed)


def _guessed(confidence: str, guess: TypeCandidate | ClassCandidate | None) -> str | None:
    """The project's best guess, if its confidence is the one in the table."""
    if guess is None:
        return "" if _near(confidence, 0.0) else None
    return guess.name if _near(confidence, guess.probability) else None


def _near(text: str, confidence: float) -> bool:
    try:
        return abs(float(text.replace(",", ".")) - confidence) < _ROUNDED
    except ValueError:
        return False


def _label(coarse: str, fine: str, result: PhotoResult) -> Label | str:
    if not coarse:
        if fine:
            return "there is a class but no type (column coarse)"
        return "coarse and fine are empty; to clear your label, write none in the column verdict"
    label, answer = result.label, result.decision
    if label is not None and label.verdict in BY_PERSON and (label.coarse, label.fine) == (coarse, fine):
        return label
    answered = answer is not None and (answer.coarse, answer.fine if answer.level is Level.FINE else "") == (
        coarse,
        fine,
    )
    right = answered and answer is not None and answer.level is not Level.NONE
    return Label(Verdict.ACCEPTED if right else Verdict.CORRECTED, coarse, fine)


def _keep_clear(
    found: Corrections, wanted: Mapping[int, list[tuple[TableRow, Label | None]]], photos: _Photos
) -> list[tuple[TableRow, str]]:
    """Keep the labels that agree and put each class under one type; the others, each with the reason."""
    clear, refused = {}, []
    for image, said in wanted.items():
        if len({label for _, label in said}) == 1:
            clear[image] = said[0]
        else:
            words = "is in the table more than once, with different labels"
            refused += [(row, f"{row.name} {words}") for row, _ in said]
    types = photos.types(without=clear)
    for _, new in clear.values():
        if new is not None and new.fine:
            types[new.fine].add(new.coarse)
    for image, (row, new) in clear.items():
        if new is not None and new.fine and len(types[new.fine]) > 1:
            others = ", ".join(sorted(types[new.fine] - {new.coarse}))
            refused.append((row, f"class {new.fine} is under {new.coarse} here, under {others} elsewhere"))
        else:
            found.labels[SubjectId(image)] = new
    return refused
