"""Processes that outlive the program: started separately, recognised by number and birth, ended by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from model.system.reading import regular_file

_started: list[subprocess.Popen] = []  # ended ones must be waited for, or the system would keep them


class Process(BaseModel, frozen=True):
    """A process of this computer. `birth` distinguishes it from a later one with the same number."""

    pid: int
    birth: str


def start(command: Sequence[str], log: Path, folder: Path) -> Process:
    """Start a command in a session of its own, so that neither a closed window nor its Ctrl-C ends it.

    Args:
        log: what it prints is appended here.
        folder: it runs in.

    Raises:
        OSError: if the command cannot be started or the log not written.
    """
    apart: dict = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    if log.exists():
        regular_file(log)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, env=environment, **apart
        )
    _started.append(process)
    return Process(pid=process.pid, birth=_birth(process.pid) or "")


def is_alive(process: Process) -> bool:
    """Whether this very process still runs."""
    for child in _started[:]:
        if child.poll() is not None:
            _started.remove(child)
    return bool(process.birth) and _birth(process.pid) == process.birth


def ask_to_end(process: Process) -> None:
    """Send the signal that asks a process to finish its current step and end. It may have ended already."""
    if not is_alive(process):
        return
    number = signal.SIGTERM
    if sys.platform == "win32":
        number = signal.CTRL_BREAK_EVENT
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return


def _birth(pid: int) -> str | None:
    """When a process was started, in the system's own form; None if it does not exist or has ended."""
    if sys.platform == "linux":
        return _birth_by_proc(pid)
    if sys.platform == "win32":
        return _birth_by_windows(pid)
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, birth = shown.stdout.strip().partition(" ")
    return birth.strip() if birth and not state.startswith("Z") else None


def _birth_by_proc(pid: int) -> str | None:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    fields = line.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot} {ticks}"


def _birth_by_windows(pid: int) -> str | None:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return None
    try:
        times = [ctypes.c_ulonglong() for _ in range(4)]
        code = ctypes.c_ulong()
        known = kernel.GetProcessTimes(handle, *map(ctypes.byref, times))
        runs = kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value == 259  # STILL_ACTIVE
        return str(times[0].value) if known and runs else None
    finally:
        kernel.CloseHandle(handle)
