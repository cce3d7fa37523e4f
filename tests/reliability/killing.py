"""Commands that are killed at a moment of choice: after a time, or right before a system call that changes files.

A program takes a second to load, and a kill is wanted before each of hundreds of calls. So the program is loaded once,
by this module as a process of its own, and every command runs in a fork of that. strace is attached to the fork. What
a command has loaded besides is loaded before the next one.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from app.cli.commands import COMMANDS, command_of
from tests.checkout import ROOT

CHANGING = (
    *("write", "pwrite64", "writev", "pwritev", "copy_file_range", "sendfile", "ftruncate", "truncate", "fallocate"),
    *("fsync", "fdatasync", "msync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "utimensat", "fsetxattr"),
)
"""System calls that change files, folders, or what of them is on the disk."""

_LOADED = "loaded"
_DEFECT = 70  # exit code of a command that raised something
_ATTACHING = 10.0  # seconds
_ANY_PROCESS = ctypes.c_ulong(-1)
_SET_TRACER = 0x59616D61  # PR_SET_PTRACER


def cannot_trace() -> str:
    """Why no process can be traced here, for `pytest.mark.skipif`; "" if one can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here ({tried.stderr.strip()})"


@dataclass(frozen=True)
class Moment:
    """Right before the `number`th of these calls, counted from 1 in each thread."""

    call: str
    number: int


@dataclass(frozen=True)
class Ended:
    """How a command ended. code: None if it was killed."""

    code: int | None
    out: str
    err: str


class Commands:
    """Runs commands one after the other, each in a process of its own. Use as a context."""

    def __init__(self, folder: Path, entry: str = "app.cli:main", **environment: str) -> None:
        """folder: takes what commands print; entry: module and function that is given the words; environment: added."""
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.killing", entry],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def run(self, *words: object, cwd: Path | None = None) -> Ended:
        """Undisturbed."""
        self._begin(words, cwd, undisturbed=True)
        return self._end(None)

    def kill(self, *words: object, at: Moment | float, cwd: Path | None = None, by: str = "KILL") -> Ended:
        """Killed at a moment, or after so many seconds; it may end before. by: another signal, at a moment."""
        process = self._begin(words, cwd)
        if isinstance(at, Moment):
            with self._tracing(process, ["-e", f"inject={at.call}:signal={by}:when={at.number}"], at.call):
                return self._end(None)
        return self._end(at)

    def moments(self, *words: object, cwd: Path | None = None) -> list[Moment]:
        """Runs undisturbed; all calls of its first thread at which it could have been killed, in their order."""
        process = self._begin(words, cwd)
        with self._tracing(process, [], ",".join(f"?{name}" for name in CHANGING)) as tracing:
            self._end(None)
        counts: Counter[str] = Counter()
        found = []
        for line in tracing.log.read_text(encoding="utf-8", errors="replace").splitlines():
            match = re.match(rf"{process} +(\w+)\(", line)
            if match is not None:
                counts[match[1]] += 1
                found.append(Moment(match[1], counts[match[1]]))
        return found

    def _tracing(self, process: int, how: list[str], calls: str) -> _Tracing:
        return _Tracing(process, how, calls, self._folder / "strace.log")

    def _begin(self, words: tuple[object, ...], cwd: Path | None, *, undisturbed: bool = False) -> int:
        """A process that waits to be let go."""
        encoded = [os.fsencode(str(word)).decode("latin-1") for word in words]
        return self._ask(words=encoded, cwd=str(cwd or ROOT), undisturbed=undisturbed)

    def _end(self, seconds: float | None) -> Ended:
        status = self._ask(seconds=seconds)
        code = None if status == -signal.SIGKILL else status
        out, err = ((self._folder / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        return Ended(code, out, err)

    def _ask(self, **request: Any) -> int:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(request | {"folder": str(self._folder)}) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


class _Tracing:
    """strace, attached to a process until that ends. Use as a context."""

    def __init__(self, process: int, how: list[str], calls: str, log: Path) -> None:
        self.log = log
        command = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", "-e", "signal=none", *how]
        self._tracer = subprocess.Popen([*command, "-p", str(process)], stderr=subprocess.PIPE, text=True)
        status, end = Path(f"/proc/{process}/status"), time.monotonic() + _ATTACHING
        while "\nTracerPid:\t0\n" in status.read_text(encoding="utf-8"):
            assert self._tracer.poll() is None and time.monotonic() < end, "strace does not attach"
            time.sleep(0.001)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_of: object) -> None:
        _, complaints = self._tracer.communicate()
        assert not complaints, complaints


def _serve(entry: str) -> None:
    """Read requests: one to begin a command, one to let it go and wait for its end."""
    module, name = entry.split(":")
    function = getattr(importlib.import_module(module), name)
    for command in COMMANDS:  # which `app.cli` itself loads when one is called
        command_of(command)
    for line in sys.stdin:
        request = json.loads(line)
        wait, go = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(go)
            _run(function, request, wait)
        os.close(wait)
        _answer(process)
        seconds = json.loads(sys.stdin.readline())["seconds"]
        os.write(go, b".")
        os.close(go)
        _answer(_status(process, seconds))
        _load(Path(request["folder"]) / _LOADED)


def _load(names: Path) -> None:
    if names.exists():
        for name in names.read_text(encoding="utf-8").splitlines():
            if name not in sys.modules and name != "__mp_main__":
                with suppress(ImportError):  # some names are made up by their packages
                    importlib.import_module(name)
        names.unlink()


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(function: Callable[..., object], request: Mapping[str, Any], wait: int) -> None:
    """What a fork does."""
    ctypes.CDLL(None).prctl(_SET_TRACER, _ANY_PROCESS, 0, 0, 0)  # strace is not a parent of this process
    folder = Path(request["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w"), "utf-8", write_through=True) for number in (1, 2)
    )
    os.chdir(request["cwd"])
    words = [os.fsdecode(word.encode("latin-1")) for word in request["words"]]
    sys.argv[1:] = words
    os.read(wait, 1)
    try:
        code = function(words)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - shown, as Python itself does
        traceback.print_exc()
        code = _DEFECT
    if request["undisturbed"]:
        with suppress(OSError):  # the disk may be full, as a test wants it
            (folder / _LOADED).write_text("\n".join(name for name, one in sys.modules.items() if one), encoding="utf-8")
    atexit._run_exitfuncs()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _status(process: int, seconds: float | None) -> int:
    """Exit code of a process, or the negative number of the signal that ended it."""
    end = None if seconds is None else time.monotonic() + seconds
    while end is not None and time.monotonic() < end:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    if end is not None:
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    _serve(sys.argv[1])
