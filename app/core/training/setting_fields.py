"""The settings of the trainer as fields of a form, derived from `model.contract.config`: a new setting there is a new
field here.

A person types text; a field reads it, or says in a sentence what it accepts.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic.fields import FieldInfo

from model.contract.config import Config

YES, NO = "yes", "no"
"""A switch as text."""

LEFT_OUT = {
    "data.data": "chosen at the top of the form, which shows what was read",
    "data.skip_bad": "asked for if the data has problems",
    "network.backbone": "at the top of the form",
    "network.weights": "at the top of the form",
    "input.size": "at the top of the form",
    "optimiser.epochs": "at the top of the form",
}
"""Settings that are not shown among the others -> why. The folder of the run and --resume are not settings: the list
of trainings gives them."""


class FieldKind(StrEnum):
    """The kind of value."""

    SWITCH = "switch"
    WHOLE = "whole number"
    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    TEXTS = "texts"


@dataclass(frozen=True)
class SettingField:
    """One setting.

    Attributes:
        section, name: as in `model.contract.config.Config`.
        kind: what is entered.
        default: the default value; for a choice its name. optional: whether nothing (None, the empty text) is a value
        too. choices: the names, for a choice. bounds: the limits of a number, in words: "of at least 0 and below 1";
        may be empty. words: its meaning, from the docstring.
    """

    section: str
    name: str
    kind: FieldKind
    default: Any
    optional: bool
    choices: tuple[str, ...]
    bounds: str
    words: str

    @property
    def path(self) -> str:
        """`section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")

    @property
    def accepts(self) -> str:
        """What it accepts: "must be a whole number of at least 1, or empty"."""
        thing = {
            FieldKind.SWITCH: f"{YES} or {NO}",
            FieldKind.WHOLE: "a whole number",
            FieldKind.NUMBER: "a number",
            FieldKind.CHOICE: f"one of {', '.join(self.choices)}",
            FieldKind.TEXT: "a text",
            FieldKind.TEXTS: "names, with commas between them",
        }[self.kind]
        return f"must be {thing}{self.bounds and ' ' + self.bounds}{', or empty' if self.optional else ''}"

    def show(self, value: Any) -> str:
        """A value as the text that `read` reads."""
        if value is None:
            return ""
        if self.kind is FieldKind.SWITCH:
            return YES if value else NO
        if self.kind is FieldKind.TEXTS:
            return _joined(value)
        return str(value).removesuffix(".0") if self.kind is FieldKind.NUMBER else str(value)

    def read(self, text: str) -> Any:
        """The value of a text; bounds are left to the settings' own check. Raises ValueError with a sentence."""
        if self.optional and not text.strip():
            return None
        if self.kind is FieldKind.SWITCH and text in (YES, NO):
            return text == YES
        if self.kind is FieldKind.CHOICE and text in self.choices:
            return text
        if self.kind in (FieldKind.WHOLE, FieldKind.NUMBER):
            try:
                return int(text) if self.kind is FieldKind.WHOLE else _finite(text)
            except ValueError as error:
                raise ValueError(self.accepts) from error
        if self.kind is FieldKind.TEXT:
            return _sayable(text)
        if self.kind is FieldKind.TEXTS:
            return tuple(_sayable(one) for one in _split(text))
        raise ValueError(self.accepts)

    def is_same(self, text: str, other: str) -> bool:
        """Whether two texts mean the same: 0.10 is 0.1."""
        try:
            return text == other or self.read(text) == self.read(other)
        except ValueError:
            return False


@dataclass(frozen=True)
class Section:
    """Settings that belong together. Attributes: name: as in the config; words: what they are; fields: in order."""

    name: str
    words: str
    fields: tuple[SettingField, ...]


@cache
def sections() -> tuple[Section, ...]:
    """All settings. Raises TypeError for a setting whose type has no field."""
    result = []
    for name, info in Config.model_fields.items():
        model = info.annotation
        assert model is not None and hasattr(model, "model_fields")
        fields = tuple(_field(name, own, described) for own, described in model.model_fields.items())
        result.append(Section(name, _line(model.__doc__ or ""), fields))
    return tuple(result)


@cache
def fields() -> dict[str, SettingField]:
    """Path -> setting, in order."""
    return {field.path: field for section in sections() for field in section.fields}


def _field(section: str, name: str, info: FieldInfo) -> SettingField:
    kind, choices, optional = _kind(f"{section}.{name}", info.annotation)
    default = info.get_default(call_default_factory=True)
    return SettingField(
        section=section,
        name=name,
        kind=kind,
        default=default.value if isinstance(default, Enum) else default,
        optional=optional,
        choices=choices,
        bounds=_bounds(info.metadata),
        words=_line(info.description or ""),
    )


def _kind(path: str, annotation: Any) -> tuple[FieldKind, tuple[str, ...], bool]:
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    kept = [part for part in parts if part is not NoneType]
    optional = len(kept) < len(parts)
    if all(get_origin(part) is Literal for part in kept):
        return FieldKind.CHOICE, tuple(str(name) for part in kept for name in get_args(part)), optional
    if len(kept) == 1:
        (only,) = kept
        if isinstance(only, type) and issubclass(only, Enum):
            return FieldKind.CHOICE, tuple(str(one.value) for one in only), optional
        simple = {
            bool: FieldKind.SWITCH,
            int: FieldKind.WHOLE,
            float: FieldKind.NUMBER,
            str: FieldKind.TEXT,
            tuple[str, ...]: FieldKind.TEXTS,
        }
        if only in simple:
            return simple[only], (), optional
    raise TypeError(f"{path}: there is no field for a setting of type {annotation}")


def _bounds(metadata: list[Any]) -> str:
    words = []
    for one in metadata:
        match one:
            case Ge(ge):
                words.append(f"of at least {ge}")
            case Gt(gt):
                words.append(f"above {gt}")
            case Le(le):
                words.append(f"of at most {le}")
            case Lt(lt):
                words.append(f"below {lt}")
            case MinLen(length):
                words.append(f"of at least {length} letter{'' if length == 1 else 's'}")
    return " and ".join(words)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _sayable(text: str) -> str:
    """Raises ValueError for text that a command line would take as something else."""
    if text.startswith("-"):
        raise ValueError("must not begin with a dash")
    if text == "None":
        raise ValueError("must not be the word None, which stands for nothing")
    return text


def _joined(texts: tuple[str, ...]) -> str:
    """Joined by commas; names that would be misread are in quotes."""
    return ", ".join(
        f'"{one.replace(chr(34), 2 * chr(34))}"' if not one or one != one.strip() or set(one) & set(',"') else one
        for one in texts
    )


def _split(text: str) -> list[str]:
    """The opposite of `_joined`. Raises ValueError."""
    if not text.strip():
        return []
    try:
        return next(csv.reader(io.StringIO(text), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError("must be names, with commas between them; a quote is not closed") from error


def _line(text: str) -> str:
    return " ".join(text.split())
