"""Which colour and which word each group of points has. A type or class keeps its colour whatever else is shown."""

from __future__ import annotations

from zlib import crc32

from PySide6.QtGui import QColor

from app.core.explore.map_points import CONFIDENCES, CORRECTNESS, GALLERY, NONE, PROJECT, By, Groups
from app.core.project.labels import Verdict
from app.core.recognition.decision import Status
from app.ui.widgets import theme
from app.ui.widgets.status_face import FACES, VERDICT_FACES
from model.contract.taxonomy import Taxonomy

_NOTHING = {
    By.TYPE: "no type",
    By.CLASS: "no class",
    By.STATUS: "not identified yet",
    By.VERDICT: "not decided",
    By.CONFIDENCE: "no answer",
    By.CORRECTNESS: "without your label",
    By.SOURCE: "",
}


def colours(by: By, groups: Groups, taxonomy: Taxonomy | None) -> list[QColor]:
    """The colour of each group in the current theme.

    Args:
        taxonomy: of the identification model: types have colours in its order, classes those of their type; unknown
            ones get a colour from their name.
    """
    kinds = {name: place for place, name in enumerate(taxonomy.coarse)} if taxonomy is not None else {}
    result = []
    for number, name in enumerate(groups.names):
        if name == NONE:
            result.append(_nothing())
        elif by is By.TYPE:
            result.append(theme.class_colour(kinds.get(name, crc32(name.encode()))))
        elif by is By.CLASS:
            above = groups.types[number]
            result.append(theme.class_tint(kinds.get(above, crc32(above.encode())), _tint(name, taxonomy)))
        else:
            result.append(_fixed(by, name))
    return result


def words(by: By, name: str) -> str:
    """The name of a group in the legend."""
    if name == NONE:
        return _NOTHING[by]
    if name in (GALLERY, PROJECT) and by not in (By.TYPE, By.CLASS):
        return "photos of the project" if name == PROJECT else "references of the gallery"
    if by is By.STATUS:
        return FACES[Status(name)].word
    if by is By.CORRECTNESS and name in CORRECTNESS[1:]:
        return f"taken for {name}"
    return VERDICT_FACES[Verdict(name)].word if by is By.VERDICT else name


def _tint(name: str, taxonomy: Taxonomy | None) -> int:
    if taxonomy is None or name not in taxonomy.fine_index:
        return crc32(name.encode())
    place = taxonomy.fine_index[name]
    return taxonomy.parents[:place].count(taxonomy.parents[place])


def _fixed(by: By, name: str) -> QColor:
    if name == PROJECT:
        return QColor(theme.tokens().accent)
    if name == GALLERY:
        return QColor(theme.tokens().caution) if by is By.SOURCE else _nothing()
    if by is By.STATUS:
        return QColor(FACES[Status(name)].colour)
    if by is By.VERDICT:
        return QColor(VERDICT_FACES[Verdict(name)].colour)
    if by is By.CORRECTNESS:
        return QColor(getattr(theme.tokens(), ("ok", "caution", "danger")[CORRECTNESS.index(name)]))
    return theme.ramp_colour(CONFIDENCES.index(name) / (len(CONFIDENCES) - 1))


def rgb(colour: QColor) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255."""
    return colour.red(), colour.green(), colour.blue()


def _nothing() -> QColor:
    """Between ground and muted text: there, but quiet."""
    ground, muted = QColor(theme.tokens().window), QColor(theme.tokens().muted)
    return QColor(*((one + other) // 2 for one, other in zip(rgb(ground), rgb(muted), strict=True)))
