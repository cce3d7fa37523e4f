"""Trainings: processes of their own that outlive the window. Started, found again, stopped, resumed, one at a time.

For each run there are, in one folder: `NAME.json` (what is remembered of it), `NAME.log` (what the trainer printed) and
`NAME/` (the trainer's run folder; it must be empty when a training begins, so the other two are beside it).
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, field_validator

from app.core.system import paths, processes
from app.core.system.processes import Process
from model.contract.run_layout import RunLayout
from model.system.errors import MarqueError
from model.system.files import make_folder, write_whole
from model.system.reading import open_regular, read_file

HOW_TO_INSTALL = 'pip install ".[train]"'
_NEEDED = (
    "torch",
    "torchvision",
    "lightning_fabric",
    "pytorch_metric_learning",
    "sklearn",
    "safetensors",
    "onnxscript",
)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.|[. ]$')
_TAIL = 20_000


class TrainingError(MarqueError):
    """A request for a training cannot be carried out; the message says what and why."""


class TrainingState(StrEnum):
    """The state of a training."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"


class Record(BaseModel, frozen=True):
    """The record of a run.

    Attributes:
        name: as the person gave it.
        folder: the trainer's run folder.
        arguments: of the trainer, without `--out`.
        created: seconds since 1970.
        waiting: whether to start it when no other one runs. queued: its place in the queue, the lowest first; initially
        the time when it began to wait, seconds since 1970.
        asked_to_stop: whether the person stopped it.
        log_start: where the log of the last start begins, bytes. process: the last one that trained it.
    """

    name: str
    folder: Path
    arguments: tuple[str, ...] = ()
    created: float = Field(allow_inf_nan=False)
    waiting: bool = False
    queued: float = Field(default=0.0, allow_inf_nan=False)
    asked_to_stop: bool = False
    log_start: int = Field(default=0, ge=0, lt=1 << 53)
    process: Process | None = None

    @field_validator("folder")
    @classmethod
    def _is_a_path(cls, folder: Path) -> Path:
        if "\0" in str(folder):
            raise ValueError("a path cannot contain a NUL")
        return folder


def missing_libraries() -> list[str]:
    """The libraries that the trainer needs and that are not installed."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


class Runs:
    """The trainings of a user. Everything is in files, so another start of the program finds it as it was."""

    def __init__(self, folder: Path, trainer: Sequence[str] = (sys.executable, "-m", "model.train")) -> None:
        """Args: folder: where they are kept, made if missing; trainer: the command that trains. Raises FileError."""
        make_folder(folder)
        self.folder = folder
        self._trainer = tuple(trainer)

    # every record

    def records(self) -> list[Record]:
        """All of them, the oldest first; a damaged one is left out."""
        found = []
        for path in self.folder.glob("*.json"):
            try:
                record = Record.model_validate_json(read_file(path))
            except (OSError, ValidationError):
                continue
            if record.name == path.stem:  # commands for it act on the files with this name
                found.append(record)
        return sorted(found, key=lambda record: (record.created, record.name))

    def record(self, name: str) -> Record:
        """One of them. Raises TrainingError if it does not exist."""
        try:
            return Record.model_validate_json(read_file(self._file(name)))
        except (OSError, ValidationError) as error:
            raise TrainingError(f"the training '{name}' is no longer in the list") from error

    def is_alive(self, record: Record) -> bool:
        """Whether its trainer runs now."""
        return record.process is not None and processes.is_alive(record.process)

    def state(self, record: Record, *, alive: bool, done: bool) -> tuple[TrainingState, str]:
        """Its state, and for a failure the reason.

        Args:
            alive: whether its trainer runs; looked up before its events are read, as these say how it ended.
            done: whether its events end with `done`.
        """
        if record.waiting:
            return TrainingState.WAITING, ""
        if alive:
            return (TrainingState.STOPPING if record.asked_to_stop else TrainingState.RUNNING), ""
        if done:
            return TrainingState.FINISHED, ""
        if record.asked_to_stop or record.process is None:
            return TrainingState.STOPPED, ""
        return TrainingState.FAILED, self._reason(record)

    def queue(self) -> list[Record]:
        """Those that wait, the next one first."""
        return sorted(
            (one for one in self.records() if one.waiting), key=lambda one: (one.queued, one.created, one.name)
        )

    def log_file(self, record: Record) -> Path:
        """Where the trainer's output is; for a training that was started elsewhere perhaps beside its run folder."""
        own = self._log(record.name)
        return own if own.exists() else record.folder.with_name(f"{record.folder.name}.log")

    def log(self, record: Record) -> str:
        """What the trainer printed since its last start; only the end if it is long."""
        try:
            with open_regular(self._log(record.name)) as file:
                end = file.seek(0, 2)
                file.seek(max(record.log_start, end - _TAIL))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    # changes to trainings

    def check_name(self, name: str) -> None:
        """Raises TrainingError if a new training cannot have this name."""
        if not name or _FORBIDDEN.search(name):
            raise TrainingError('a name needs a letter or a digit, and none of < > : " / \\ | ? * or a dot at its ends')
        if self._file(name).exists():
            raise TrainingError(f"there is a training '{name}' already; choose another name")
        if (self.folder / name).exists():  # of a training that was removed from the list
            raise TrainingError(f"there is a folder {self.folder / name} already; choose another name")

    def add(self, name: str, arguments: Sequence[str]) -> Record:
        """Put a new training at the end of the queue. Raises TrainingError."""
        self.check_name(name)
        now = time.time()
        record = Record(
            name=name, folder=self.folder / name, arguments=tuple(arguments), created=now, waiting=True, queued=now
        )
        return self._keep(record)

    def adopt(self, folder: Path) -> Record:
        """List a training that was started elsewhere.

        Raises:
            TrainingError: if the folder is not one or is in the list.
        """
        run = RunLayout(folder)
        if not run.is_run():
            raise TrainingError(f"{folder}: this is not a training run (there is no {run.config_file.name} in it)")
        known = self.records()
        if any(record.folder == folder for record in known):
            raise TrainingError(f"{folder} is in the list already")
        names = {record.name for record in known}
        name, number = folder.name, 1
        while name in names:
            number += 1
            name = f"{folder.name} ({number})"
        return self._keep(Record(name=name, folder=folder, created=time.time()))

    def start_next(self) -> Record | None:
        """Start the first one that waits, if none runs; the one that was started.

        Raises:
            TrainingError: if it cannot be started; it is no longer waiting then.
        """
        waiting = next(iter(self.queue()), None)
        if waiting is None or any(self.is_alive(one) for one in self.records()):
            return None
        if RunLayout(waiting.folder).is_run():
            arguments: tuple[str, ...] = ("--resume", str(waiting.folder))
        else:
            # left over from a failed start; the trainer needs an empty folder
            if waiting.folder == self.folder / waiting.name:  # our own; nothing in a folder elsewhere is removed
                shutil.rmtree(waiting.folder, ignore_errors=True)
            arguments = (*waiting.arguments, "--out", str(waiting.folder))
        log = self._log(waiting.name)
        begun = waiting.model_copy(
            update={"waiting": False, "asked_to_stop": False, "log_start": log.stat().st_size if log.exists() else 0}
        )
        try:
            # beside the packages `app` and `model`, so a checkout that is not installed finds them too
            process = processes.start((*self._trainer, *arguments), log, paths.resources().parent)
        except OSError as error:
            self._keep(begun)
            raise TrainingError(f"the trainer cannot be started ({error.strerror})") from error
        return self._keep(begun.model_copy(update={"process": process}))

    def stop(self, name: str) -> None:
        """Ask a training to write a checkpoint and end; one that waits leaves the queue. Raises TrainingError."""
        record = self.record(name)
        self._keep(record.model_copy(update={"waiting": False, "asked_to_stop": True}))
        if record.process is not None:
            processes.ask_to_end(record.process)

    def resume(self, name: str) -> None:
        """Put a training that does not run back into the queue; it continues where it was. Raises TrainingError."""
        record = self.record(name)
        if self.is_alive(record):
            raise TrainingError(f"'{name}' is still running; wait until it has stopped")
        self._keep(record.model_copy(update={"waiting": True, "queued": time.time()}))

    def move(self, name: str, places: int) -> None:
        """Let a waiting training change places with the one this many places behind it (or before it); at the ends it
        stays.

        Raises:
            TrainingError: if it is no longer waiting.
        """
        queue = self.queue()
        at = next((place for place, one in enumerate(queue) if one.name == name), None)
        if at is None:
            raise TrainingError(f"'{name}' is no longer waiting")
        queue.insert(min(max(at + places, 0), len(queue) - 1), queue.pop(at))
        now = time.time()
        for place, one in enumerate(queue):
            # before all that come later, in this order
            self._keep(one.model_copy(update={"queued": now - len(queue) + place}))

    def remove(self, name: str) -> Path:
        """Remove a training that does not run from the list, and return its run folder, which stays.

        Raises:
            TrainingError: if it is still running, or is not in the list.
        """
        record = self.record(name)
        if self.is_alive(record):
            raise TrainingError(f"'{name}' is still running; stop it first")
        self._file(name).unlink(missing_ok=True)
        return record.folder

    def _keep(self, record: Record) -> Record:
        try:
            content = (record.model_dump_json(indent=1) + "\n").encode()
        except ValueError:  # pydantic raises this for bytes of a file name that are not text
            raise TrainingError(
                f"{record.folder}: the path of a training has to be UTF-8", advice="rename the folder"
            ) from None
        try:
            write_whole(self._file(record.name), lambda file: file.write(content))
        except OSError as error:
            raise TrainingError(f"{self._file(record.name)}: cannot be written ({error.strerror})") from error
        return record

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _reason(self, record: Record) -> str:
        lines = [line.strip() for line in self.log(record).splitlines() if line.strip()]
        first = next((place for place, line in enumerate(lines) if line.startswith("error: ")), None)
        if first is not None:
            return "\n".join(lines[first:]).removeprefix("error: ")
        if any(line.startswith("Traceback") for line in lines):
            return lines[-1]
        return "the trainer was ended from outside; it can be resumed"
