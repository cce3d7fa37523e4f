"""Who handles a signal while a program is being loaded."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

PROGRAM = """
import multiprocessing, time
from model.console import interruption  # imported by the spawned process too, before it runs
if '__main__' == __name__:
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    time.sleep(3)
    process.terminate()
    process.join()
    print(process.exitcode)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process that is ended there has no signal")
def test_a_spawned_process_that_is_terminated_says_nothing(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("-15\n", "")


DROPPED = """
import os, signal, sys
import model

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), {number})
        for _ in range(1000):  # Python handles the signal between two of its own lines
            pass

Finalised()
print("loaded", flush=True)
from app.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself these signals there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [(), ("identify", "nothing.jpg")])
def test_a_signal_whose_exception_python_drops_ends_the_program(
    number: int, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DROPPED.format(number=int(number)), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"MARQUE_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
        cwd=ROOT,
        check=False,
        timeout=300,
    )
    assert done.stdout == "loaded\n"
    assert done.returncode == 130
    assert done.stderr.endswith("interrupted\n")
