"""A training run in its folder: everything that is needed to understand, continue and use it later."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor

from model.contract.config import Config
from model.contract.run_layout import RunLayout
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.splits import Split, read_split, write_split
from model.system import reading
from model.system.errors import MarqueError
from model.system.files import write_whole
from model.system.reading import parse_json, read_file
from model.system.unfinished import folder_beside
from model.training.tensor_files import not_finite, read_tensors

_LIBRARIES = ("torch", "torchvision", "lightning-fabric", "onnx", "onnxruntime-gpu", "onnxruntime", "numpy", "pillow")


_MANY = 1 << 53
_Settings = TypeVar("_Settings", bound=BaseModel)


class RunError(MarqueError):
    """A run folder that cannot be created, continued or used; the message says which and why."""


class CheckpointFolder:
    """A folder with the checkpoint of a training.

    Attributes:
        folder: it.
        checkpoint: the file, which may be there or not.
        counts: names of the counts in a checkpoint.
    """

    folder: Path
    checkpoint: Path
    counts: ClassVar[tuple[str, ...]]

    def load_checkpoint(self) -> dict[str, Any]:
        """The last checkpoint, on the CPU. Raises RunError if it is missing or damaged."""
        if not self.checkpoint.is_file():
            raise RunError(f"{self.folder}: the run has no checkpoint yet")
        try:
            state = read_tensors(self.checkpoint)
        except OSError as error:
            raise RunError(f"{self.checkpoint}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise self.damaged_checkpoint(str(error)) from error
        problem = _problem_of(state, self.counts)
        if problem:
            raise self.damaged_checkpoint(problem)
        return state

    def damaged_checkpoint(self, why: object) -> RunError:
        """The error of a checkpoint that cannot be used, with the first line of a reason."""
        first = (str(why).splitlines() or [""])[0]
        return RunError(f"{self.checkpoint}: the checkpoint is damaged ({first}); start a new run")

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint; a crash leaves the old one or the new one. Raises OSError if the disk is full."""
        content = io.BytesIO()  # torch reports a full disk as its own kind of error and hides the cause
        torch.save(state, content)
        write_whole(self.checkpoint, lambda file: file.write(content.getbuffer()))


class RunFolder(RunLayout, CheckpointFolder):
    """What is in a run folder, read and written by the trainer."""

    counts = ("step", "epoch", "batch")

    @classmethod
    def create(
        cls, folder: Path, config: Config, taxonomy: Taxonomy, samples: list[Sample], splits: list[Split]
    ) -> RunFolder:
        """Make the folder and write what the run starts from; `config.json` comes last and marks it complete.

        A new folder appears with everything in it, so a kill leaves no folder that is neither free nor a run.

        Raises:
            RunError: if the folder holds something already or cannot be made.
        """
        check_free(folder)

        def write(run: RunFolder) -> None:
            write_split(run.split_file, samples, splits)
            write_json(run.versions_file, _versions())
            write_json(run.taxonomy_file, taxonomy.model_dump())
            write_json(run.config_file, config.model_dump(mode="json"))

        if folder.exists():  # an empty folder, which may be the mount point of a drive
            write(cls(folder))
            return cls(folder)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with folder_beside(folder) as part:
                write(cls(part))
                part.rename(folder)
        except OSError as error:
            raise RunError(f"{folder}: the run folder cannot be made ({error.strerror})") from error
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> RunFolder:
        """An existing run. Raises RunError if the folder is not one."""
        run = cls(folder)
        if not run.is_run():
            raise RunError(f"{folder}: not a training run (there is no {run.config_file.name} in it)")
        return run

    def config(self) -> Config:
        """The settings of the run. Raises RunError if a version with other settings wrote them."""
        return read_settings(self.config_file, Config)

    def taxonomy(self) -> Taxonomy:
        """The label tree of the heads. Raises RunError if it cannot be read."""
        try:
            found = Taxonomy.model_validate_json(read_file(self.taxonomy_file))
            problem = found.problem
        except OSError as error:
            problem = error.strerror or ""
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
        if problem:
            raise RunError(f"{self.taxonomy_file}: cannot be read; the run cannot be used without it ({problem})")
        return found

    def read_metrics(self) -> dict[str, Any]:
        """The figures of model/evaluation/held_out_metrics.py. Raises RunError."""
        advice = f"python -m model.evaluate {self.folder} writes it again"
        return read_json(self.metrics, ("split", "step", "test"), advice)

    def read_calibration(self) -> dict[str, Any]:
        """The choice of model/evaluation/calibration.py, and as `validation` its figures there. Raises
        RunError.
        """
        names = ("calibration", "fusion", "thresholds", "validation")
        return read_json(self.calibration, names, self.choosing_again, _EARLIER_CALIBRATION)

    @property
    def choosing_again(self) -> str:
        """How to write calibration.json again, and projection.npz where that is missing; for messages."""
        return (
            f"python -m model.calibrate {self.folder} writes it again, with --chosen-on where the bound for known "
            "classes was taken over"
        )

    def read_variants(self) -> dict[str, Any]:
        """The figures of the variants by model/publishing/export.py. Raises RunError."""
        advice = f"python -m model.export {self.folder} --out FILE.onnx --variants writes it again"
        return read_json(self.variants, ("fp32",), advice)

    def inputs(self) -> list[Path]:
        """The files that make the run, which no output replaces; all but the model, which can be exported again."""
        return [place for place in self.folder.iterdir() if place.is_file() and place.suffix != self.model.suffix]

    def device(self) -> str:
        """The processor or GPU of the computer that made the folder. Raises RunError if it cannot be read."""
        advice = "it holds the computer that the run was made on; put a copy back"
        versions = read_json(self.versions_file, ("gpu", "processors"), advice)
        return versions["gpu"] or f"CPU, {versions['processors']} cores"

    def samples(self) -> tuple[list[Sample], list[Split]]:
        """Every photo of the run and its part."""
        return read_split(self.split_file)


def read_settings(path: Path, kind: type[_Settings]) -> _Settings:
    """The settings of a training, as JSON. Raises RunError if a version with other settings wrote them."""
    try:
        return kind.model_validate_json(read_file(path))
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RunError(f"{path}: setting '{where}': {first['msg']}") from error


def check_free(folder: Path) -> None:
    """Raises RunError if `folder` cannot become a new run because something is there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder}: exists already and is not empty; choose another --out, or continue it with --resume")


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people to read, whole or not at all. Bytes of file names that are not text become `?`."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, lambda file: file.write(text.encode("utf-8", "replace")))


_EARLIER_CALIBRATION = (b'"accepted_right": NaN', b'"accepted_right": null')
"""What earlier versions wrote if no photo was sure enough, which is not JSON -> what is written today."""


def read_json(
    path: Path, names: Sequence[str], advice: str, earlier: tuple[bytes, bytes] = (b"", b"")
) -> dict[str, Any]:
    """Read an object that `write_json` wrote.

    Args:
        names: keys that it must have.
        advice: how to get the file back, for the message. earlier: text that earlier versions wrote, and what it stands
        for.

    Raises:
        RunError: if it cannot be read, is damaged or something else.
    """
    try:
        text = read_file(path)
        content = parse_json(text.replace(*earlier) if earlier[0] else text)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); {advice}") from error
    if not isinstance(content, dict):
        raise RunError(f"{path}: damaged (not an object of JSON); {advice}")
    _require(path, content, names, advice)
    return content


Shape = tuple[str, ...]
"""Lengths of an array by name, () for a single number; equal names mean equal lengths."""


def read_arrays(path: Path, shapes: Mapping[str, Shape], advice: str) -> dict[str, np.ndarray]:
    """All arrays of an archive that `np.savez` wrote.

    Args:
        shapes: of the arrays of finite numbers that it must hold.
        advice: how the file comes back, for the message.

    Raises:
        RunError: if it cannot be read, is damaged or something else.
    """
    try:
        content = reading.read_arrays(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); {advice}") from error
    must_have(path, content, shapes, advice)
    return content


def must_have(path: Path, content: Mapping[str, np.ndarray], shapes: Mapping[str, Shape], advice: str) -> None:
    """Raises RunError if arrays of a file are missing or not as they must be. Arguments as for `read_arrays`."""
    _require(path, content, list(shapes), advice)
    lengths: dict[str, int] = {}
    for name, shape in shapes.items():
        array = content[name]
        fits = array.ndim == len(shape) and array.dtype.kind in "iuf" and bool(np.isfinite(array).all())
        if not fits or any(
            lengths.setdefault(one, length) != length for one, length in zip(shape, array.shape, strict=True)
        ):
            raise RunError(f"{path}: damaged ('{name}' is not as it must be: {array.dtype} {array.shape}); {advice}")


def _require(path: Path, content: Mapping[str, Any], names: Sequence[str], advice: str) -> None:
    missing = [name for name in names if name not in content]
    if missing:
        raise RunError(f"{path}: damaged (there is no {', '.join(missing)} in it); {advice}")


def _problem_of(state: Any, counts: Sequence[str]) -> str:
    """What is wrong with the content of a checkpoint, "" if nothing is."""
    if not isinstance(state, dict):
        return "no dictionary"
    for name in counts:
        if not isinstance(state.get(name), int) or not 0 <= state[name] < _MANY:
            return f"'{name}' is not a count"
    for name in ("network", "average"):
        part = state.get(name)
        if not isinstance(part, dict) or not all(isinstance(value, Tensor) for value in part.values()):
            return f"'{name}' is not a dictionary of tensors"
        bad = not_finite(part)
        if bad:
            return f"'{bad}' of '{name}' holds values that are not numbers"
    return ""


def _versions() -> dict[str, Any]:
    versions = {"marque": metadata.version("marque"), "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # one of the two onnxruntime wheels is always absent
    return {
        "versions": versions,
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "command": sys.argv[1:],
    }
