"""Aims and what the runs reached: `python -m model.aims AIMS.toml --run NAME=FOLDER ... --out FILE.md`.

The file of aims names figures of runs, what they should be, what was tried when they are missed, and what else a reader
must know. Measured values come from the files of the runs, and from speeds that are measured now; the aims, the words
of a row and the texts below the table are printed as they are in the file of aims.

    [[aim]]
    words  = "cars, class right"
    figure = ["flagship", "metrics", "answers", "sources", "cars196", "fine_accuracy"]   # run, file, keys
    less   = [...]                  # instead of the figure: the figure minus this one
    times  = ["lite", "flagship"]   # instead of a figure: images/s of one run's model, as a multiple of another's
    variant = "int8"                # of both models, beside the file that --model names; default fp32
    at_least = 0.92                 # or at_most
    unit   = "%"                    # or nothing
    tried  = "..."                  # shown if it is missed
    note   = "..."                  # always shown

In `tried` and `note` a figure's neighbours can be named as in Python's format strings: "{fine_photos:,} photos".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from model.contract.bundle import Variant, beside, read_info
from model.contract.bundle import read as read_model
from model.evaluation.provenance import metrics_of, variants_of
from model.publishing.export import BATCH
from model.publishing.variants import speeds
from model.system.errors import MarqueError
from model.system.plain_text import in_markdown
from model.system.reading import read_toml
from model.training.run_folder import RunFolder

Figures = Mapping[str, Mapping[str, Any]]
"""Run -> "metrics", "variants" -> the content of that file."""
Timed = tuple[str, Variant]
"""A run and the variant of its model whose speed is measured."""


class AimsError(MarqueError):
    """A file of aims that cannot be followed; the message says where it is wrong."""


class Aim(BaseModel):
    """One line of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    figure: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    times: tuple[str, str] | None = None
    variant: Variant = Variant.FP32
    at_least: float | None = None
    at_most: float | None = None
    unit: Literal["", "%"] = ""
    tried: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if bool(self.figure) == (self.times is not None):
            raise ValueError("give either figure or times")
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        if self.times is None and "variant" in self.model_fields_set:
            raise ValueError("give variant only with times")
        return self

    @property
    def row(self) -> str:
        """The beginning of its row."""
        return self.words if self.times is None else f"{self.words} ({self.variant} beside {self.variant})"

    def is_met(self, value: float) -> bool:
        """Whether the value meets the aim."""
        return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0.0)


class _Aims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    aim: tuple[Aim, ...]


def read_aims(path: Path) -> tuple[Aim, ...]:
    """The aims of a file. Raises AimsError."""
    try:
        return _Aims.model_validate(read_toml(path)).aim
    except OSError as error:
        raise AimsError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise AimsError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise AimsError(f"{path}: {error}") from error


def named_paths(option: str, entries: Sequence[str]) -> dict[str, Path]:
    """The paths of entries NAME=PATH, by name. Raises AimsError."""
    found = {}
    for entry in entries:
        name, equals, place = entry.partition("=")
        if not (name and equals and place):
            raise AimsError(f"{option} {entry}: write NAME=PATH")
        found[name] = Path(place)
    return found


def table(aims: tuple[Aim, ...], figures: Figures, rates: Mapping[Timed, float]) -> str:
    """The table, and below it what was tried for missed aims, and the notes.

    Args:
        figures: of each run.
        rates: images/s of all models whose speed is asked for.

    Raises:
        AimsError: if a figure, or a neighbour that a text names, is missing.
    """
    lines, missed = ["| | aim | measured | |", "|---|---:|---:|---|"], []
    for aim in aims:
        value = _value(aim, figures, rates)
        goal = f"at least {_cell(aim, aim.at_least)}" if aim.at_most is None else f"at most {_cell(aim, aim.at_most)}"
        met = "met" if aim.is_met(value) else "missed"
        lines.append(f"| {in_markdown(aim.row)} | {goal} | {_cell(aim, value)} | {met} |")
        if not aim.is_met(value) and aim.tried:
            missed.append(f"- {aim.row}: {_filled(aim, aim.tried, figures)}")
    notes = [f"- {aim.row}: {_filled(aim, aim.note, figures)}" for aim in aims if aim.note]
    parts = ["\n".join(lines)]
    for heading, below in (("What was tried for the missed aims:", missed), ("Notes:", notes)):
        parts += [heading, "\n".join(below)] if below else []
    return "\n\n".join(parts)


def _value(aim: Aim, figures: Figures, rates: Mapping[Timed, float]) -> float:
    if aim.times is not None:
        one, other = aim.times
        return rates[one, aim.variant] / rates[other, aim.variant]
    return _figure(aim, aim.figure, figures) - (_figure(aim, aim.less, figures) if aim.less else 0.0)


def _figure(aim: Aim, keys: tuple[str, ...], figures: Figures) -> float:
    value = _at(aim, keys, figures)
    if not isinstance(value, int | float):
        raise AimsError(f"{aim.words}: {' / '.join(keys)} is not a number")
    return float(value)


def _at(aim: Aim, keys: tuple[str, ...], figures: Figures) -> Any:
    value: Any = figures
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            raise AimsError(f"{aim.words}: there is no {' / '.join(keys)}")
        value = value[key]
    return value


def _filled(aim: Aim, text: str, figures: Figures) -> str:
    """The text with the values of the figure's neighbours that it names."""
    neighbours = _at(aim, aim.figure[:-1], figures)
    try:
        return text.format_map(neighbours)
    except KeyError as error:
        raise AimsError(f"{aim.words}: there is no {' / '.join((*aim.figure[:-1], error.args[0]))}") from error
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise AimsError(f"{aim.words}: '{text}': {error}") from error


def _cell(aim: Aim, value: float | None) -> str:
    assert value is not None
    if aim.times is not None:
        return f"{value:.1f} x"
    return f"{100 * value:.2f} %" if aim.unit == "%" else f"{value:.3f}"


def _figures_of(run: RunFolder) -> dict[str, Any]:
    files = {"metrics": (run.metrics, metrics_of), "variants": (run.variants, variants_of)}
    return {name: read(run) for name, (file, read) in files.items() if file.is_file()}


def _measured_speeds(files: Mapping[Timed, Path]) -> dict[Timed, float]:
    """Median images/s of each model file on this CPU, measured in turns, each at its own size of picture."""
    random = np.random.default_rng(0)
    tasks = {}
    for timed, file in files.items():
        info, graph = read_model(file)
        size = info.preprocessing.size
        tasks[timed] = graph, random.integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)
    return speeds(tasks)


def _timed_files(aims: tuple[Aim, ...], runs: Mapping[str, RunFolder], models: Mapping[str, Path]) -> dict[Timed, Path]:
    """The model files whose speeds are asked for. Raises AimsError, BundleError."""
    for name in models.keys() - runs.keys():
        raise AimsError(f"--model {name}={models[name]}: no run '{name}' is given")
    found = {}
    for aim in aims:
        for name in aim.times or ():
            if name not in runs:
                raise AimsError(f"{aim.words}: no run '{name}' is given")
            file = beside(models.get(name, runs[name].model), aim.variant)
            if not file.is_file():
                raise AimsError(
                    f"{aim.words}: there is no {file}; export the run with --variants, and name the file with "
                    f"--model {name}=FILE.onnx"
                )
            if read_info(file).fingerprint != read_info(runs[name].model).fingerprint:
                raise AimsError(f"{aim.words}: {file} is not a model of run '{name}' ({runs[name].folder})")
            found[name, aim.variant] = file
    return found


def report(aims: tuple[Aim, ...], runs: Mapping[str, RunFolder], models: Mapping[str, Path]) -> str:
    """The whole text.

    Args:
        models: the file that a run was exported to, with its variants beside it, unless it is the one in its folder.

    Raises:
        AimsError, RunError, BundleError: if a figure or a model file is missing, or not that of the run.
    """
    rates = _measured_speeds(_timed_files(aims, runs, models))
    text = table(aims, {name: _figures_of(run) for name, run in runs.items()}, rates)
    made = "\n".join(f"- {in_markdown(name)}: {_made(run)}" for name, run in runs.items())
    written = "Written by `python -m model.aims` from the runs and the file of aims."
    return f"{text}\n\nThe runs:\n\n{made}\n\n{written}\n"


def _made(run: RunFolder) -> str:
    config, state = run.config(), run.load_checkpoint()
    trained = f"{config.network.backbone}, {state['epoch']} epochs at {config.input.sizes} pixels"
    return f"{trained}; run folder made on: {run.device()}"
