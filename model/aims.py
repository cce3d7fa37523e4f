"""What was aimed at and what came of it: `python -m model.aims AIMS.toml --run NAME=FOLDER ... --out FILE.md`.

The file of aims names figures of runs, what they should be, and what was tried where they are not; the table is made of
what the runs wrote down, and of speeds that are measured then and there. No figure in it is typed by hand.

    [[aim]]
    words  = "cars, class right"
    figure = ["flagship", "metrics", "answers", "sources", "cars196", "fine_accuracy"]   # run, file, keys
    less   = [...]                  # instead of the figure: the figure less this one
    times  = ["lite", "flagship"]   # instead of a figure: images/s of one run's model, in those of another
    at_least = 0.92                 # or at_most
    unit   = "%"                    # or nothing
    tried  = "..."                  # shown where it is missed
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import onnx
import tyro
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from model import terminal
from model.bundle import BundleError, read_info
from model.data.samples import DataError
from model.export import BATCH
from model.files import write_whole
from model.run import Run, RunError
from model.stamp import metrics_of, variants_of
from model.variants import speeds

Figures = Mapping[str, Mapping[str, Any]]
"""Run -> "metrics", "variants" -> what it wrote there."""


class AimsError(Exception):
    """A file of aims that cannot be followed; the message says where it is wrong."""


class Aim(BaseModel):
    """One line of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    figure: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    times: tuple[str, str] | None = None
    at_least: float | None = None
    at_most: float | None = None
    unit: Literal["", "%"] = ""
    tried: str = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if bool(self.figure) == (self.times is not None):
            raise ValueError("give either figure or times")
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self

    def is_met(self, value: float) -> bool:
        """Whether the value is what was wanted."""
        return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0.0)


class _Aims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    aim: tuple[Aim, ...]


def read_aims(path: Path) -> tuple[Aim, ...]:
    """The aims of a file. Raises AimsError."""
    try:
        return _Aims.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).aim
    except OSError as error:
        raise AimsError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AimsError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise AimsError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def table(aims: tuple[Aim, ...], figures: Figures, rates: Mapping[str, float]) -> str:
    """The table, and below it what was tried for what is missed.

    Args:
        figures: of each run.
        rates: images/s of each run's model.

    Raises:
        AimsError: if a run or a figure is not there.
    """
    lines, missed = ["| | wanted | measured | |", "|---|---:|---:|---|"], []
    for aim in aims:
        value = _value(aim, figures, rates)
        wanted = f"at least {_cell(aim, aim.at_least)}" if aim.at_most is None else f"at most {_cell(aim, aim.at_most)}"
        lines.append(f"| {aim.words} | {wanted} | {_cell(aim, value)} | {'met' if aim.is_met(value) else 'missed'} |")
        if not aim.is_met(value) and aim.tried:
            missed.append(f"- {aim.words}: {aim.tried}")
    return "\n".join(lines) + (
        "\n\nWhat was tried for those that are missed:\n\n" + "\n".join(missed) if missed else ""
    )


def _value(aim: Aim, figures: Figures, rates: Mapping[str, float]) -> float:
    if aim.times is not None:
        for name in aim.times:
            if name not in rates:
                raise AimsError(f"{aim.words}: no run '{name}' is given")
        return rates[aim.times[0]] / rates[aim.times[1]]
    return _figure(aim, aim.figure, figures) - (_figure(aim, aim.less, figures) if aim.less else 0.0)


def _figure(aim: Aim, keys: tuple[str, ...], figures: Figures) -> float:
    value: Any = figures
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            raise AimsError(f"{aim.words}: there is no {' / '.join(keys)}")
        value = value[key]
    if not isinstance(value, int | float):
        raise AimsError(f"{aim.words}: {' / '.join(keys)} is not a number")
    return float(value)


def _cell(aim: Aim, value: float | None) -> str:
    assert value is not None
    if aim.times is not None:
        return f"{value:.1f} x"
    return f"{100 * value:.2f} %" if aim.unit == "%" else f"{value:.3f}"


def _figures_of(run: Run) -> dict[str, Any]:
    files = {"metrics": (run.metrics, metrics_of), "variants": (run.variants, variants_of)}
    return {name: read(run) for name, (file, read) in files.items() if file.is_file()}


def _measured_speeds(runs: Mapping[str, Run]) -> dict[str, float]:
    """Median images/s of each run's model on this CPU, measured in turns, each at its own size of picture."""
    random = np.random.default_rng(0)
    tasks = {}
    for name, run in runs.items():
        size = read_info(run.model).preprocessing.size
        tasks[name] = onnx.load(run.model), random.integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)
    return speeds(tasks)


def report(aims: tuple[Aim, ...], runs: Mapping[str, Run]) -> str:
    """The whole text. Raises AimsError, RunError, BundleError."""
    timed = {name for aim in aims if aim.times for name in aim.times if name in runs}
    rates = _measured_speeds({name: run for name, run in runs.items() if name in timed})
    text = table(aims, {name: _figures_of(run) for name, run in runs.items()}, rates)
    made = "\n".join(f"- {name}: {_made(run)}" for name, run in runs.items())
    return f"{text}\n\nThe runs:\n\n{made}\n\nWritten by `python -m model.aims` from the runs.\n"


def _made(run: Run) -> str:
    config, state = run.config(), run.load_checkpoint()
    return f"{config.network.backbone}, {state['epoch']} epochs at {config.input.sizes} pixels on {run.device()}"


def main() -> int:
    """Command line. Returns the exit code."""

    def command(
        aims: Annotated[Path, tyro.conf.Positional],
        run: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
        out: Path,
    ) -> tuple[Path, tuple[str, ...], Path]:
        """Write the table of what was aimed at and what came of it.

        Args:
            aims: The TOML file of aims.
            run: NAME=FOLDER of a finished run, by the name that the aims have for it; repeatable.
            out: The table, Markdown.
        """
        return aims, run, out

    place, entries, out = tyro.cli(command, prog="python -m model.aims")
    try:
        text = report(read_aims(place), dict(_named_run(entry) for entry in entries))
        write_whole(out, lambda file: file.write(text.encode()))
    except (AimsError, RunError, DataError, BundleError) as error:
        return terminal.fail(error)
    except OSError as error:
        return terminal.fail(AimsError(f"{error.filename or out}: cannot be written ({error.strerror})"))
    terminal.result(str(out))
    return 0


def _named_run(entry: str) -> tuple[str, Run]:
    name, equals, folder = entry.partition("=")
    if not (name and equals and folder):
        raise AimsError(f"--run {entry}: write NAME=FOLDER")
    return name, Run.open(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
