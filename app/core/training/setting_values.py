"""From the entries of a form to the settings of a training, with sentences for what is wrong; and to a command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.core.training.setting_fields import FieldKind, fields
from model.contract.config import Config

WHOLE = ""
"""Path of a problem that belongs to no field and no section."""


@dataclass(frozen=True)
class Checked:
    """The result for the entries.

    Attributes: config: the settings; None if something is wrong. problems: path of a field, name of a section, or WHOLE
        -> a sentence that continues after its name.
    """

    config: Config | None
    problems: Mapping[str, str] = field(default_factory=dict)

    def first(self) -> str:
        """One problem with the name of its field; empty without a problem."""
        if not self.problems:
            return ""
        path, words = next(iter(self.problems.items()))
        place = f"the setting '{fields()[path].title}' {words}" if path in fields() else words
        return f"{place[:1].upper()}{place[1:]}."


def check(texts: Mapping[str, str], values: Mapping[str, Any]) -> Checked:
    """Build the settings as the trainer does.

    Args:
        texts: path -> what was typed; the others keep their default. values: path -> value, for settings that are
        chosen elsewhere.
    """
    problems: dict[str, str] = {}
    nested: dict[str, dict[str, Any]] = {name: {} for name in Config.model_fields}
    for path, own in fields().items():
        if path in values:
            nested[own.section][own.name] = values[path]
        elif path in texts:
            try:
                nested[own.section][own.name] = own.read(texts[path])
            except ValueError as error:
                problems[path] = str(error)
    try:
        config = Config.model_validate(nested)
    except ValidationError as error:
        for one in error.errors():
            path = ".".join(str(part) for part in one["loc"][:2])
            problems.setdefault(path, _sentence(path, one))
        return Checked(None, problems)
    return Checked(None if problems else config, problems)


def value_of(config: Config, path: str) -> Any:
    """One setting as it is in `config.json`, tuples as such."""
    section, name = path.split(".")
    return getattr(config, section).model_dump()[name]


def arguments(config: Config) -> list[str]:
    """The trainer's command line, without `--out`: every setting that is not the default, which the trainer has itself.

    Each data set is an option of its own; a text is joined to its option, so that it cannot be taken as one.
    """
    result: list[str] = []
    for path, own in fields().items():
        value = value_of(config, path)
        option = f"--{own.name.replace('_', '-')}"
        if value == own.default:
            continue
        if path == "data.data":
            result += [argument for one in value for argument in (option, one)]
        elif own.kind is FieldKind.SWITCH:
            result.append(option if value else f"--no-{option.removeprefix('--')}")
        elif own.kind is FieldKind.TEXTS:
            result += [option, *value]
        elif own.kind is FieldKind.TEXT:
            result.append(f"{option}={value}")
        else:
            result += [option, "None" if value is None else str(value)]
    return result


def _sentence(path: str, error: ErrorDetails) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    known = fields().get(path)
    return error["msg"] if known is None else known.accepts
