"""What a program asks of the operating system under strace: which sockets it opens, and which files it changes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_OPENING = ("open", "openat", "openat2", "creat")
_CHANGING = (
    *("mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "mknod", "mknodat", "truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "removexattr", "lremovexattr"),
)
_CALLS = ("%network", "io_uring_setup", "chdir", *_OPENING, *_CHANGING)

_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_LINE = re.compile(r"(?P<name>\w+)\((?P<given>.*)\) += (?P<result>.*)")
_GIVEN = re.compile(r'(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>|"(?P<path>(?:[^"\\]|\\.)*)"')
_ADDRESS = re.compile(r'(?:sin_addr=inet_addr\(|inet_pton\(AF_INET6, )"(?P<address>[^"]*)"')
_REACHING = re.compile(r"connect|bind|send")
_RESOLVER = re.compile(r"/etc/resolv\.conf|/io\.systemd\.Resolve|/nscd/socket")


@dataclass(frozen=True)
class Traced:
    """What was traced.

    code, out, err: of the program itself.
    network: lines of strace about sockets that lead, or may lead, elsewhere; about looking up names; io_uring, which
        strace cannot look into.
    reached: those of them that name another computer, or let other computers in.
    changed: every file or folder that was opened for writing, made, renamed, linked, removed or otherwise changed.
    """

    code: int
    out: str
    err: str
    network: list[str]
    reached: list[str]
    changed: set[Path]


def traced(command: Sequence[object], folder: Path, environment: Mapping[str, str], cwd: Path) -> Traced:
    """Run a command with all processes and threads that it starts.

    Args:
        folder: empty; takes the lines of strace, a file a thread.
    """
    words = ["strace", "-ff", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", "signal=none"]
    words += ["-e", "trace=" + ",".join(name if name[0] == "%" else f"?{name}" for name in _CALLS)]
    words += ["-o", str(folder / "thread"), "--", *map(str, command)]
    done = subprocess.run(
        words, capture_output=True, text=True, errors="replace", env=environment, cwd=cwd, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    network: list[str] = []
    changed: set[Path] = set()
    logs = sorted(folder.glob("thread.*"))
    assert logs, done.stderr
    for log in logs:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        network += _leading_elsewhere(lines)
        changed.update(_changed(lines, cwd))
    reached = [line for line in network if _REACHING.match(line) and not _all_loopback(line)]
    return Traced(done.returncode, done.stdout, done.stderr, network, reached, changed)


def _leading_elsewhere(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        name = line.partition("(")[0]
        if name == "io_uring_setup" or (name in _OPENING and _RESOLVER.search(line)):
            yield line
        elif name == "connect" and _RESOLVER.search(line):
            # the C library asks this service for names of users too; where it is missing it looks up hosts by itself,
            # which shows
            if not line.endswith("= -1 ENOENT (No such file or directory)"):
                yield line
        elif name in ("socket", "socketpair"):
            if not line.startswith((f"{name}(AF_UNIX", f"{name}(AF_LOCAL")):
                yield line
        elif not _all_loopback(line):
            yield line


def _all_loopback(line: str) -> bool:
    addresses = [found["address"] for found in _ADDRESS.finditer(line)]
    return all(address.startswith(("127.", "::ffff:127.")) or address == "::1" for address in addresses)


def _changed(lines: Sequence[str], cwd: Path) -> Iterator[Path]:
    for line in lines:
        found = _LINE.match(line)
        if found is None or found["result"].startswith("-1 EEXIST"):
            continue
        name, given, result = found["name"], found["given"], found["result"]
        if name == "chdir" and result == "0":
            (cwd,) = _paths(given, cwd)
        elif "O_TMPFILE" in given:
            continue  # a file without a name; giving it one is another call
        elif name in _OPENING and (name == "creat" or _WRITING.search(given)):
            opened = re.search(r"<(/[^>]*)>", result)
            yield Path(opened[1]) if opened else _paths(given, cwd)[0]
        elif name in _CHANGING:
            paths = _paths(given, cwd)
            yield from paths[1:] if name.startswith(("link", "symlink")) else paths


def _paths(given: str, cwd: Path) -> list[Path]:
    """The paths among the arguments of a call, each in the folder that it is relative to."""
    paths, folder = [], cwd
    for one in _GIVEN.finditer(given):
        if one["folder"] is not None:
            folder = Path(one["folder"])
        else:
            paths.append(Path(os.path.normpath(folder / one["path"])))
            folder = cwd
    return paths
