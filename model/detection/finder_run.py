"""The folder of a finder's training: its settings, events and checkpoint."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from model.contract.events import EVENTS_FILE
from model.data.part_lists import SCENES_PARTS, PhotoPart, read_parts
from model.system.errors import file_errors
from model.system.files import write_whole
from model.training.run_folder import CheckpointFolder, RunError, check_free, read_settings


class FinderSettings(BaseModel, frozen=True, extra="forbid"):
    """How a finder is trained."""

    scenes: Path
    """COCO file of photos with boxes that people have drawn around all vehicles and vessels."""
    parts: Path | None = None
    """List of the part that each of the scenes is in (model/data/part_lists.py). Default: the one of the program."""
    classified: tuple[str, ...] = ()
    """KIND:PATH, data of the identification models: photos that these hold out are not learned from here either."""
    cut: tuple[str, ...] = ()
    """Sources of `classified` whose photos are cut to the one vehicle that they show."""
    taught: tuple[str, ...] = ()
    """FOLDER=FILE.csv: photos with the boxes of a teacher (python -m model.detection.teacher)."""
    doubted: Path | None = None
    """The teacher's boxes on the scenes: nothing is learned where it sees what nobody has boxed."""
    weights: str = "imagenet"
    """Of the backbone at the start: imagenet, none, or a file."""
    size: int = Field(default=320, ge=64, le=1024, multiple_of=64)
    """Side of the square that photos are stretched to, in pixels; a multiple of 64."""
    channels: int = Field(default=96, ge=8, le=1024)
    """Of the pyramid."""
    depth: int = Field(default=2, ge=1, le=8)
    """Separable convolutions in each tower of the heads."""
    epochs: int = Field(default=30, ge=1)
    """How many of `pictures` each."""
    pictures: int = Field(default=4000, ge=1)
    """Pictures that are drawn an epoch, however many photos there are."""
    batch: int = Field(default=16, ge=1)
    """Pictures a step."""
    lr: float = Field(default=1.5e-3, gt=0)
    """Highest learning rate; that of the backbone is a third of it."""
    weight_decay: float = Field(default=0.02, ge=0)
    """Of AdamW."""
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """Share of the training in which the learning rate rises."""
    ema: float = Field(default=0.998, ge=0, lt=1)
    """Memory of the averaged weights, which are what is exported."""
    taught_share: float = Field(default=0.20, ge=0, le=1)
    """Share of the pictures that are windows of photos with a teacher's boxes."""
    framed_share: float = Field(default=0.08, ge=0, le=0.2)
    """Share of the pictures that one vehicle fills."""
    composed_share: float = Field(default=0.20, ge=0, le=1)
    """Share of the pictures with vehicles pasted in."""
    tiled_share: float = Field(default=0.15, ge=0, le=1)
    """Share of the pictures that are made of four."""
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Of the heads' starting weights and of the pictures."""
    workers: int = Field(default=2, ge=1, le=1024)
    """Threads that draw pictures."""

    def listed_parts(self) -> dict[str, PhotoPart]:
        """The part of each scene by its name; the program's own list wherever it is installed. Raises DataError."""
        return read_parts(self.parts or SCENES_PARTS)


class FinderRun(CheckpointFolder):
    """What is in the folder, which may be there or not."""

    counts = ("step",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_file = folder / "finder.json"
        self.events = folder / EVENTS_FILE
        self.checkpoint = folder / "checkpoint.pt"

    @classmethod
    def create(cls, folder: Path, settings: FinderSettings) -> FinderRun:
        """Make the folder. Raises RunError if it holds something already, FileError if it cannot be made."""
        check_free(folder)
        run = cls(folder)
        with file_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            text = settings.model_dump_json(indent=1)
            write_whole(run.settings_file, lambda file: file.write(text.encode()))
        return run

    @classmethod
    def open(cls, folder: Path) -> FinderRun:
        """The folder of a training that was begun. Raises RunError if it is something else."""
        run = cls(folder)
        if not run.settings_file.is_file():
            raise RunError(f"{folder}: is not the folder of a finder's training ({run.settings_file.name} is missing)")
        return run

    def settings(self) -> FinderSettings:
        """What the training was asked for. Raises RunError if that cannot be read."""
        return read_settings(self.settings_file, FinderSettings)
