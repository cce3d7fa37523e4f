"""What a training would learn from: read by the trainer's own readers, and shown before hours are spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.system.errors import MarqueError
from model.system.wording import counted

KINDS = {
    "folder": "a folder of photos in type/class/",
    "table": "a table (CSV) with file, coarse and fine",
    "coco": "boxes in a COCO file (JSON)",
    "cars196": "a folder of Stanford Cars",
    "demo": "drawn pictures, for a first try",
}
"""Kinds of data by the trainer's names, in words."""


class SurveyError(MarqueError):
    """There is nothing to train on; the message says where and why."""


@dataclass(frozen=True)
class DataSurvey:
    """What was read.

    Attributes: photos: how many can be used. classes: type, class ("" for photos of which only the type is known) and
        number of photos, the fewest first. problems: a message for each skipped entry. unread: the files that Marque
        knows but cannot read, in words. obstacle: why nothing can be learned from these photos, or "".
    """

    photos: int
    classes: tuple[tuple[str, str, int], ...]
    problems: tuple[str, ...]
    unread: str = ""
    obstacle: str = ""

    def words(self) -> str:
        """Everything in one line."""
        counts = [count for _, name, count in self.classes if name]
        types = len({kind for kind, _, _ in self.classes})
        parts = [f"{self.photos:,} photos, {counted(types, 'type')}, {counted(len(counts), 'class', 'classes')}"]
        if counts:
            least, most = min(counts), max(counts)
            parts.append(f"{least:,} photos per class" if least == most else f"{least:,} to {most:,} photos per class")
        without_class = sum(count for _, name, count in self.classes if not name)
        if without_class:
            parts.append(f"{without_class:,} photos of which only the type is known")
        if self.problems:
            parts.append(counted(len(self.problems), "problem"))
        if self.unread:
            parts.append(self.unread)
        return " · ".join(parts)


def spec(kind: str, place: str) -> str:
    """The value for the trainer's `--data`. Raises SurveyError if nothing is there."""
    if kind == "demo":
        return "demo:"
    if not place:
        raise SurveyError("choose where the photos are")
    path = Path(place).expanduser().absolute()
    if not path.exists():
        raise SurveyError(f"{path}: there is no such file or folder")
    return f"{kind}:{path}"


def survey(data: Sequence[str]) -> DataSurvey:
    """Read data sets that are learned from together, each as `spec` gives it. Raises SurveyError."""
    if len(set(data)) < len(data):
        raise SurveyError(f"{data[-1].partition(':')[2] or data[-1]}: this is chosen already")
    # brings SciPy's readers, which the window starts without
    from model.contract.samples import DataError, untrainable
    from model.data.readers import read_data

    try:
        read = read_data(data, skip_bad=True)
    except DataError as error:
        raise SurveyError.like(error) from error
    counts = Counter((sample.coarse, sample.fine or "") for sample in read.samples)
    classes = sorted(((kind, name, count) for (kind, name), count in counts.items()), key=lambda one: (one[2], one[:2]))
    return DataSurvey(len(read.samples), tuple(classes), read.skipped, read.unread, untrainable(counts))
