"""Where photos would go by their labels: patterns, names that every system accepts, and a plan that touches nothing."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.metadata.sidecars import ENDING, Sidecar, Sidecars, beside, place_for_new
from app.core.project.filed import FilingStep
from app.core.project.photo_state import CHANGED, ChangedPhotoError, check_unchanged
from app.core.project.records import FoundFile, modified
from app.core.project.results import PhotoResult
from app.core.recognition.decision import Decision, Status
from app.core.system.file_placement import folded, same_content
from app.core.system.paths import tidy
from model.contract.samples import UNKNOWN_CLASS
from model.system.errors import FileError, MarqueError, file_error
from model.system.files import LONGEST_NAME, numbered, shortened
from model.system.wording import counted

PATTERN = "{type}/{class}/{name}"
"""Where a photo goes, below the chosen folder."""
FIELDS = ("type", "class", "label", "name", "status")
"""Names that a pattern may have in braces; `name` is the file's own with its ending."""
COARSEST_TIME = 2_000_000_000
"""Nanoseconds between two times that FAT, the coarsest file system, keeps apart."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"),
}
_ROOM = len("_00.xmp")  # room for what a sidecar's name has besides its photo's
_LINK = "a link: its photo can be copied, but not moved"


class FilingError(MarqueError):
    """A pattern or folder that cannot be used; the message says why."""


@dataclass(frozen=True)
class FilingPlan:
    """What a filing would do.

    Attributes:
        steps: of photos.
        left: photos that stay, with the reason.
        sidecars: steps of the files that go with the photos.
        changed: numbers of photos among `left` that are not the files that were identified. unreachable: photos among
        `left` that are missing or cannot be read now.
    """

    steps: tuple[FilingStep, ...]
    left: tuple[tuple[Path, str], ...]
    sidecars: tuple[FilingStep, ...] = ()
    changed: tuple[int, ...] = ()
    unreachable: tuple[Path, ...] = ()

    def for_move(self) -> FilingPlan:
        """The same plan for moved photos: links stay."""
        links = {step.image for step in self.steps if step.link}
        if not links:
            return self
        left = (*self.left, *((step.source, _LINK) for step in self.steps if step.link))
        steps, sidecars = (
            tuple(step for step in some if step.image not in links) for some in (self.steps, self.sidecars)
        )
        return replace(self, steps=steps, sidecars=sidecars, left=left)

    @property
    def refused(self) -> list[str]:
        """Photos that stay because of their file, not because of their label, in words."""
        away = set(self.unreachable)
        return [f"{path}: {reason}" for path, reason in self.left if reason in (CHANGED, _LINK) or path in away]

    @property
    def copied(self) -> list[str]:
        """Sidecars that are copied although the photos are moved, in words."""
        return [f"{step.source}: {step.copied_because}" for step in self.sidecars if step.copied_because]


def plan(results: Iterable[PhotoResult], into: Path, pattern: str = PATTERN) -> FilingPlan:
    """Where each photo with a label would go, with its sidecars; nothing is touched.

    A name that is taken, on the disk or by another photo of the plan, gets a number: `photo (2).jpg`. A photo that is
    already at its target, itself or as a copy, stays: so an interrupted filing continues, and a second one does
    nothing.

    Raises:
        FilingError: if the pattern or the folder is wrong.
    """
    check_pattern(pattern)
    into = tidy(into)
    check_folder(into)
    return _Planner(into, pattern).plan(results)


def check_pattern(pattern: str) -> None:
    """Raises FilingError if a pattern is wrong: unknown field, leaves the folder, or does not end with the name."""
    unknown = [name for name in re.findall(r"{([^{}]*)}", pattern) if name not in FIELDS]
    if unknown:
        raise FilingError(f"'{{{unknown[0]}}}' is not one of {', '.join(f'{{{name}}}' for name in FIELDS)}")
    if re.search(r"[{}]", re.sub(r"{[a-z]+}", "", pattern)):
        raise FilingError("a brace has no partner")
    if not pattern.endswith("{name}"):
        raise FilingError("the pattern must end with {name}, or photos would lose their ending")
    parts = pattern.replace("\\", "/").split("/")
    if pattern.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", pattern):
        raise FilingError("the pattern must stay below the folder")
    if "\0" in pattern:
        raise FilingError("the pattern contains a character that no name can have")


def check_folder(into: Path) -> None:
    """Raises FilingError if no folder is possible there: it is a file, or below one."""
    try:
        for place in (into, *into.parents):
            if place.is_dir():
                return
            if os.path.lexists(place):
                raise FilingError(f"{place}: this is a file, and a folder is needed", advice="choose another folder")
    except OSError as error:
        raise FilingError(str(file_error(error, into))) from error


def shown(wanted: FilingPlan, into: Path, *, move: bool = False) -> Iterator[tuple[str, dict[str, str | None]]]:
    """A plan for people, one line per file, and the same as facts: `target` is below `into`, None if a photo stays.

    Args:
        wanted: the plan; if photos are moved, the one of `FilingPlan.for_move`. move: whether to say which sidecars are
        copied all the same.
    """
    into = tidy(into)
    sidecars: dict[int, list[FilingStep]] = {}
    for step in wanted.sidecars:
        sidecars.setdefault(step.image, []).append(step)
    for step in wanted.steps:
        for one in (step, *sidecars.get(step.image, ())):
            below = one.target.relative_to(into)
            copied = f" (copied: {one.copied_because})" if move and one.copied_because else ""
            yield f"{one.source} -> {below}{copied}", {"source": str(one.source), "target": str(below)}
    for path, reason in wanted.left:
        yield f"{path}: stays ({reason})", {"source": str(path), "target": None, "reason": reason}


def summary(wanted: FilingPlan) -> str:
    """How much would be filed, in words."""
    sidecars = f" and {counted(len(wanted.sidecars), 'sidecar')}" if wanted.sidecars else ""
    return f"{counted(len(wanted.steps), 'photo')}{sidecars} would be filed"


class _Planner:
    """Makes one plan. Each source and target folder is read once."""

    def __init__(self, into: Path, pattern: str) -> None:
        self._into, self._pattern = into, pattern
        self._sidecars = Sidecars()
        self._folders: dict[Path, dict[str, str] | None] = {}  # content of the target folders: folded name -> name
        self._taken: dict[str, Path] = {}  # folded target -> its source
        self._companions: dict[Path, list[tuple[FilingStep, Sidecar]]] = {}  # by the sidecar's place

    def plan(self, results: Iterable[PhotoResult]) -> FilingPlan:
        steps: list[FilingStep] = []
        left: list[tuple[Path, str]] = []
        changed: list[int] = []
        unreachable: list[Path] = []
        for result in results:
            path = result.image.path
            try:
                step = self._step(result)
            except ChangedPhotoError as error:
                left.append((path, error.reason))
                if error.changed:
                    changed.append(result.image.id)
                else:
                    unreachable.append(path)
            except _StaysError as reason:
                left.append((path, str(reason)))
            else:
                steps.append(step)
        return FilingPlan(tuple(steps), tuple(left), tuple(self._with(steps)), tuple(changed), tuple(unreachable))

    def _step(self, result: PhotoResult) -> FilingStep:
        """Raises _StaysError, ChangedPhotoError."""
        image, answer, reason = result.image, result.answer, _stays(result)
        if reason is not None or answer is None:
            raise _StaysError(reason or "not identified yet")
        check_unchanged(image)
        try:
            file, link = FoundFile.of(image.path), image.path.is_symlink()
        except OSError as error:
            raise ChangedPhotoError(image.path, f"cannot be read ({error.strerror})") from error
        try:
            companions = self._sidecars.of(image.path)
        except FileError as error:
            raise _StaysError(f"its sidecars cannot be determined ({error.message})") from error
        target = self._free(self._place(answer, image.path), image.path, file, companions)
        if target is None:
            raise _StaysError("is there already")
        step = FilingStep(image.id, image.path, target, file.size, file.modified, image.digest, link)
        self._taken[folded(target)] = image.path
        for sidecar in companions:
            place = beside(sidecar.path, image.path, target)
            if not same_content(sidecar.path, place):
                self._take(sidecar, step, place)
        return step

    def _place(self, answer: Decision, path: Path) -> Path:
        """Where a photo goes if the name is free. A folder with the earlier name for unknown classes is still used."""
        now, before = (_place(answer, path, self._into, self._pattern, unknown) for unknown in UNKNOWN_CLASS)
        shared = Path(os.path.commonpath((now, before)))
        return before if now != before and self._there(shared / before.relative_to(shared).parts[0]) else now

    def _free(self, target: Path, path: Path, file: FoundFile, companions: tuple[Sidecar, ...]) -> Path | None:
        """The first free name; None if the photo, or a copy of it, has one of the names before it."""
        number, candidate = 1, numbered(target, 1)
        while True:
            there = self._there(candidate)
            if there is not None and _holds(there, path, file):
                return None
            places = [(one.path, beside(one.path, path, candidate)) for one in companions]
            free = there is None and not self._is_taken(candidate) and all(self._takes(*one) for one in places)
            if free and not self._has_sidecar(candidate, {place for _, place in places}):
                return candidate
            number += 1
            candidate = numbered(target, number, room=_ROOM if companions else 0)

    def _takes(self, sidecar: Path, place: Path) -> bool:
        """Whether a sidecar can go to a place: the place is free, or holds the same."""
        there = self._there(place)
        if there is not None:
            return same_content(sidecar, there)
        return self._taken.get(folded(place), sidecar) == sidecar

    def _has_sidecar(self, target: Path, own: set[Path]) -> bool:
        """Whether a foreign sidecar exists that would count as that of a photo with this name."""
        names = (place_for_new(target), target.with_name(target.stem + ENDING))
        mine = {folded(place) for place in own}
        return any(
            folded(name) not in mine and (self._there(name) is not None or self._is_taken(name)) for name in names
        )

    def _take(self, sidecar: Sidecar, step: FilingStep, place: Path) -> None:
        """Let a sidecar go to a place, only once if it goes there already with another photo of that name."""
        uses = self._companions.setdefault(sidecar.path, [])
        uses[:] = [use for use in uses if use[0].target != place]
        uses.append((replace(step, target=place), sidecar))
        self._taken[folded(place)] = sidecar.path

    def _with(self, steps: list[FilingStep]) -> Iterator[FilingStep]:
        """The steps of the sidecars. A shared one is moved with its last photo, if all are filed."""
        filed = {step.source for step in steps if not step.link}
        order = {step.image: number for number, step in enumerate(steps)}
        found = []
        for sidecar, uses in self._companions.items():
            try:
                file = FoundFile.of(sidecar)
            except OSError:
                continue  # it went away after its folder was read
            last, shared = uses[-1]
            needed_by = next((other for other in shared.others if other not in filed), None)
            reason = f"{needed_by.name} needs it too" if needed_by else "it is a link" if sidecar.is_symlink() else ""
            for step, _ in uses:
                copied = reason or ("" if step is last else f"{last.source.name} needs it too")
                found.append(
                    FilingStep(
                        *(step.image, sidecar, step.target, file.size, file.modified),
                        sidecar=True,
                        copied_because=copied,
                    )
                )
        return iter(sorted(found, key=lambda step: order[step.image]))

    def _is_taken(self, candidate: Path) -> bool:
        return folded(candidate) in self._taken

    def _there(self, candidate: Path) -> Path | None:
        """The entry with this name, in any case and Unicode form; None if it is missing."""
        folder = candidate.parent
        if folder not in self._folders:
            self._folders[folder] = _names(folder)
        names = self._folders[folder]
        if names is None:
            return candidate if os.path.lexists(candidate) else None
        name = names.get(folded(candidate.name))
        return None if name is None else folder / name


class _StaysError(Exception):
    """A photo that stays where it is; the reason."""


def _stays(result: PhotoResult) -> str | None:
    if result.image.error is not None:
        return result.image.error
    if result.excluded:
        return "excluded"
    if result.answer is not None and result.answer.status is Status.UNKNOWN:
        return "unknown"
    return None


def _place(answer: Decision, path: Path, into: Path, pattern: str, unknown_class: str) -> Path:
    values = {
        "type": answer.coarse,
        "class": answer.fine if answer.status is Status.IDENTIFIED else unknown_class,
        "label": answer.label,
        "status": answer.status.value,
        "name": path.name,
    }
    safe = {name: value if name == "name" else as_folder(value) for name, value in values.items()}
    *folders, name = (re.sub(r"{([a-z]+)}", lambda match: safe[match[1]], part) for part in re.split(r"[/\\]", pattern))
    return into.joinpath(*(_fitting_folder(folder) for folder in folders if folder), name)


def as_folder(name: str) -> str:
    """A class's name as a folder name that every system accepts."""
    clean = _FORBIDDEN.sub("_", name).rstrip(". ") or "_"
    return _fitting_folder(f"{clean}_" if _is_reserved(clean) else clean)


def _is_reserved(name: str) -> bool:
    return name.split(".")[0].rstrip().casefold() in _RESERVED


def _fitting_folder(name: str) -> str:
    """A folder's name, shortened if it is too long; different names stay different."""
    if len(os.fsencode(name)) <= LONGEST_NAME:
        return name
    mark = "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return shortened(name, LONGEST_NAME - len(mark)).rstrip(". ") + mark


def _names(folder: Path) -> dict[str, str] | None:
    """The content of a folder; None if it cannot be read."""
    try:
        with os.scandir(folder) as listing:
            return {folded(entry.name): entry.name for entry in listing}
    except FileNotFoundError:
        return {}  # not made yet
    except OSError:
        return None


def _holds(candidate: Path, path: Path, file: FoundFile) -> bool:
    """Whether a file is the photo, or a copy by a filing: with the same time and content."""
    try:
        status = candidate.stat()
        alike = status.st_size == file.size and abs(modified(status) - file.modified) <= COARSEST_TIME
        return alike and (candidate.samefile(path) or same_content(candidate, path))
    except OSError:
        return False
