"""Commands in situations that a person's computer gets into: no room on the disk, nobody who reads, nothing writable.

`Situations` runs each command in a fork (see `killing.py`), which is put into its situation before the command begins.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli import commands, main
from tests.reliability.killing import Commands, Ended, Moment

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x00020000, 0x4000, 0x40000
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITIES_VERSION = 0x20080522
_LISTING = "listing"


class Situations:
    """Runs commands in situations. Use as a context."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self._commands = Commands(folder, "tests.reliability.situations:in_situation", **environment)

    def __enter__(self) -> Situations:
        self._commands.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._commands.__exit__()

    def run(self, *words: object, **situation: object) -> Ended:
        """Run a command.

        Args:
            situation: stdout, stderr: "full", "closed" or "gone" (a pipe that nobody reads); environment: a mapping;
                plain_user: root's right to write everywhere is given up; small_disk: (folder, kB), the largest that
                the files in this folder may become together, for this command alone; noisy: while it works, libraries
                write to standard error in every way that there is; defect: it raises something that nobody expects.
        """
        return self._commands.run(json.dumps(situation | {"folder": str(self._folder)}, default=str), *words)

    def signal(self, name: str, at: Moment, *words: object) -> Ended:
        """Run a command that gets a signal right before a system call."""
        return self._commands.kill(json.dumps({"folder": str(self._folder)}), *words, at=at, by=name)

    def moments(self, *words: object) -> list[Moment]:
        """The calls of a command before which it can get a signal."""
        return self._commands.moments(json.dumps({"folder": str(self._folder)}), *words)

    def listing(self) -> list[str]:
        """What the small disk held at the end."""
        return json.loads((self._folder / _LISTING).read_text(encoding="utf-8"))


def in_situation(words: list[str]) -> int:
    """Run the `marque` command given by all words but the first, in the situation that this one describes."""
    situation = json.loads(words[0])
    os.environ.update(situation.get("environment", {}))
    if "small_disk" in situation:
        _mount(*situation["small_disk"])
    if situation.get("plain_user"):
        give_up_rights()
    if situation.get("noisy"):
        commands.remove_leftovers = _noise
    if situation.get("defect"):
        commands.remove_leftovers = _defect
    for number, name in ((1, "stdout"), (2, "stderr")):
        if name in situation:
            _put(number, situation[name])
    try:
        return main(words[1:])
    finally:
        if "small_disk" in situation:
            held = sorted(path.name for path in Path(situation["small_disk"][0]).rglob("*"))
            (Path(situation["folder"]) / _LISTING).write_text(json.dumps(held), encoding="utf-8")


def cannot_mount() -> str:
    """Why no small disk can be made here, for `pytest.mark.skipif`; "" if one can."""
    if not sys.platform.startswith("linux"):
        return "only Linux mounts a disk for one process"
    process = os.fork()
    if process == 0:
        os._exit(_libc().unshare(_CLONE_NEWNS) != 0)
    return "mounting needs root" if os.waitpid(process, 0)[1] else ""


def _noise() -> None:
    os.write(2, b"written past Python\n")
    sys.stderr.write("printed by a library\n")
    warnings.warn("a warning of a library", stacklevel=1)
    logging.getLogger("a library").error("an error of a library")


def _defect() -> None:
    raise LookupError("what nobody\x1b[31m expects")


def _put(number: int, state: str) -> None:
    os.close(number)
    if state == "full":
        opened = os.open("/dev/full", os.O_WRONLY)
    elif state == "gone":
        reading, opened = os.pipe()
        os.close(reading)
    else:
        sys.stdout, sys.stderr = (
            None if own == number else stream for own, stream in ((1, sys.stdout), (2, sys.stderr))
        )
        return
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)


def _mount(folder: str, kilobytes: int) -> None:
    libc = _libc()
    done = [
        libc.unshare(_CLONE_NEWNS),
        libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None),
        libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={kilobytes}k".encode()),
    ]
    assert done == [0, 0, 0], os.strerror(ctypes.get_errno())


def give_up_rights() -> None:
    """From now on root, too, writes only where permissions let it."""
    if os.getuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    libc = _libc()
    assert libc.capget(header, sets) == 0
    for place in range(3):
        sets[place] &= ~(1 << _CAP_DAC_OVERRIDE | 1 << _CAP_DAC_READ_SEARCH) & 0xFFFFFFFF
    assert libc.capset(header, sets) == 0


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def facts(ended: Ended) -> list[Mapping[str, Any]]:
    """The lines of JSON on standard error."""
    return [json.loads(line) for line in ended.err.splitlines()]
