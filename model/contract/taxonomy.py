"""The two-level label tree: coarse classes (types) and the fine classes (models, ship classes) beneath them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from model.system.errors import MarqueError

NO_FINE = -1
"""The fine index of an image whose fine class is unknown."""

LONGEST_NAME = 300
"""Characters that a class's name may have where it comes from a file."""
MOST_CLASSES = 200_000
"""Classes that a file may have."""
_NO_TEXT = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of characters, ends of lines and paragraphs
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # show text in another order


class TaxonomyError(MarqueError, ValueError):
    """The labels do not form a tree; the message names the classes in question."""


class Taxonomy(BaseModel):
    """Class names of both levels and the coarse parent of every fine class.

    Index `i` of `coarse` and of `fine` is the column `i` of the network's coarse and fine outputs; `parents[i]` is the
    index in `coarse` of the parent of fine class `i`. A coarse class may have no fine classes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coarse: tuple[str, ...]
    fine: tuple[str, ...]
    parents: tuple[int, ...]

    @model_validator(mode="after")
    def _is_a_tree(self) -> Self:
        for level, names in (("coarse", self.coarse), ("fine", self.fine)):
            if any(not name.strip() for name in names):
                raise ValueError(f"a {level} class has an empty name")
            twice = _first_repeated(names)
            if twice is not None:
                raise ValueError(f"{level} class '{twice}' is listed twice")
        if not self.coarse:
            raise ValueError("there is no coarse class")
        if len(self.parents) != len(self.fine):
            raise ValueError(f"{len(self.fine)} fine classes but {len(self.parents)} parents")
        for name, parent in zip(self.fine, self.parents, strict=True):
            if not 0 <= parent < len(self.coarse):
                raise ValueError(
                    f"fine class '{name}' has parent {parent}, but there are {len(self.coarse)} coarse classes"
                )
        return self

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str | None]]) -> Taxonomy:
        """Build the tree from (coarse, fine) labels as they occur; `fine` is None if it is unknown.

        Classes are ordered by name (coarse first, then fine within its parent), so the same labels give the same tree
        in any order.

        Raises:
            TaxonomyError: if a fine class occurs under two coarse classes, a name is empty or cannot be shown, or there
                are no labels.
        """
        parent_of: dict[str, str] = {}
        coarse: set[str] = set()
        for coarse_name, fine_name in pairs:
            if not coarse_name.strip() or (fine_name is not None and not fine_name.strip()):
                raise TaxonomyError(f"a label has an empty name: coarse '{coarse_name}', fine '{fine_name}'")
            coarse.add(coarse_name)
            if fine_name is None:
                continue
            known = parent_of.setdefault(fine_name, coarse_name)
            if known != coarse_name:
                raise TaxonomyError(f"fine class '{fine_name}' has two parents: '{known}' and '{coarse_name}'")
        if not coarse:
            raise TaxonomyError("there is no labelled image")
        problem = name_problem((*coarse, *parent_of))
        if problem:
            raise TaxonomyError(problem)
        ordered_coarse = sorted(coarse)
        ordered_fine = sorted(parent_of, key=lambda name: (parent_of[name], name))
        index = {name: i for i, name in enumerate(ordered_coarse)}
        return cls(
            coarse=tuple(ordered_coarse),
            fine=tuple(ordered_fine),
            parents=tuple(index[parent_of[name]] for name in ordered_fine),
        )

    def extended(self, pairs: Iterable[tuple[str, str]]) -> Taxonomy:
        """This tree with further (coarse, fine) classes after its own, whose indices stay.

        A name that the tree already has keeps its place, even if a pair puts it under another coarse class; if a new
        name comes twice, the first pair counts.

        Raises:
            TaxonomyError: if a new name is empty.
        """
        coarse, fine, parents = dict(self.coarse_index), dict(self.fine_index), list(self.parents)
        for coarse_name, fine_name in pairs:
            if fine_name not in fine:
                fine[fine_name] = len(fine)
                parents.append(coarse.setdefault(coarse_name, len(coarse)))
        try:
            return Taxonomy(coarse=tuple(coarse), fine=tuple(fine), parents=tuple(parents))
        except ValidationError as error:
            raise TaxonomyError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error

    @property
    def problem(self) -> str:
        """Why a tree from a file is refused, "" if it is not."""
        return name_problem((*self.coarse, *self.fine))

    @cached_property
    def coarse_index(self) -> dict[str, int]:
        """Coarse name -> index."""
        return {name: i for i, name in enumerate(self.coarse)}

    @cached_property
    def fine_index(self) -> dict[str, int]:
        """Fine name -> index."""
        return {name: i for i, name in enumerate(self.fine)}

    @cached_property
    def parent_array(self) -> np.ndarray:
        """`parents` as int64 [n_fine], to be indexed by fine class."""
        return np.asarray(self.parents, dtype=np.int64)

    def children(self, coarse: int) -> tuple[int, ...]:
        """Indices of the fine classes under coarse class `coarse`."""
        return tuple(i for i, parent in enumerate(self.parents) if parent == coarse)

    def encode(self, coarse: str, fine: str | None) -> tuple[int, int]:
        """Indices (coarse, fine) of a label; fine is NO_FINE where it is unknown.

        Raises:
            TaxonomyError: if a name is not in the tree or the fine class belongs to another coarse class.
        """
        if coarse not in self.coarse_index:
            raise TaxonomyError(f"coarse class '{coarse}' is not in the taxonomy")
        coarse_id = self.coarse_index[coarse]
        if fine is None:
            return coarse_id, NO_FINE
        if fine not in self.fine_index:
            raise TaxonomyError(f"fine class '{fine}' is not in the taxonomy")
        fine_id = self.fine_index[fine]
        if self.parents[fine_id] != coarse_id:
            raise TaxonomyError(
                f"fine class '{fine}' has two parents: '{self.coarse[self.parents[fine_id]]}' and '{coarse}'"
            )
        return coarse_id, fine_id


def name_problem(names: Sequence[str]) -> str:
    """What is wrong with names of classes, models or the like that come from a file, "" if nothing is.

    A control character in a name acts on a terminal and has no place in XML; a reader of it sees something else.
    """
    if len(names) > MOST_CLASSES:
        return f"there are {len(names)} names, and at most {MOST_CLASSES} are taken"
    for name in names:
        if len(name) > LONGEST_NAME:
            return f"the name '{name[:30]}...' has {len(name)} characters, and at most {LONGEST_NAME} are taken"
        if not name.isprintable() and any(map(_cannot_be_shown, name)):
            return f"the name {name!a} holds a character that cannot be shown"
    return ""


def _cannot_be_shown(character: str) -> bool:
    return unicodedata.category(character) in _NO_TEXT or character in _TURNING


def _first_repeated(names: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
