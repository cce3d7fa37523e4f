"""The finder of vehicles and vessels: `python -m model.finder train|resume|evaluate|export`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from model.console import console
from model.console.arguments import read as read_arguments
from model.contract.bundle import Variant, beside
from model.contract.finder_file import read_finder
from model.data.part_lists import SCENES_PARTS
from model.detection.finder_export import exported
from model.detection.finder_report import as_table, compared
from model.detection.finder_run import FinderRun, FinderSettings
from model.detection.finder_training import train_finder
from model.detection.learned_photos import learned_pictures
from model.system.outputs import Output
from model.training.memory import keep_freed_memory
from model.training.session import StopRequest


@dataclass(frozen=True)
class Train:
    """Train a finder."""

    out: Path
    """Folder of the new training; must not exist yet, or be empty."""
    settings: tyro.conf.OmitArgPrefixes[FinderSettings]


@dataclass(frozen=True)
class Resume:
    """Continue a training that was stopped, with its own settings."""

    run: tyro.conf.Positional[Path]
    """Folder of the training."""


@dataclass(frozen=True)
class Evaluate:
    """Measure a finder on scenes that no training has seen."""

    finder: tyro.conf.Positional[Path]
    """The finder's file."""
    scenes: Path
    """COCO file of the scenes."""
    parts: Path = SCENES_PARTS
    """List of the part that each of the scenes is in."""
    teacher: Path | None = None
    """A trained COCO detector, PicoDet at 416 pixels, as a yardstick beside it."""


@dataclass(frozen=True)
class Export:
    """Write the finder of a training as model files; its threshold is chosen on validation scenes."""

    run: tyro.conf.Positional[Path]
    """Folder of the training."""
    out: Path
    """The file, NAME.onnx."""
    variants: bool = False
    """Also write NAME.int8.onnx and NAME.fp16.onnx."""
    force: bool = False
    """Replace files that are there."""


_Asked = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Resume, tyro.conf.subcommand("resume")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Export, tyro.conf.subcommand("export")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0 finished, or stopped with everything kept; 2 cannot be done as asked."""

    def command(asked: Annotated[_Asked, tyro.conf.OmitArgPrefixes]) -> Train | Resume | Evaluate | Export:
        """Train, measure and export the finder, which says where in a photo the vehicles and vessels are."""
        return asked

    asked = read_arguments(command, "model.finder", arguments)
    keep_freed_memory()
    return console.run(lambda: _done(asked))


def _done(asked: Train | Resume | Evaluate | Export) -> int:
    match asked:
        case Train():
            return _train(FinderRun.create(asked.out, asked.settings))
        case Resume():
            return _train(FinderRun.open(asked.run))
        case Evaluate():
            info, graph = read_finder(asked.finder)
            columns = compared(info, graph, asked.scenes, asked.parts, asked.teacher)
            console.result(as_table(columns), {name: one._asdict() for name, one in columns.items()})
        case Export():
            wanted = tuple(Variant) if asked.variants else (Variant.FP32,)
            inputs = [asked.run / "finder.json", asked.run / "checkpoint.pt"]
            places = {one: Output(beside(asked.out, one), "finder", inputs=inputs, force=asked.force) for one in wanted}
            info = exported(FinderRun.open(asked.run), places, asked.out.stem)
            console.result(f"written: {asked.out} (threshold {info.threshold:.2f}, fingerprint {info.fingerprint})")
    return 0


def _train(run: FinderRun) -> int:
    stopped = StopRequest()
    pictures = learned_pictures(run.settings())
    stopped.patient = True
    if not train_finder(run, pictures, stopped):
        console.note(f"stopped; to continue: python -m model.finder resume {run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
