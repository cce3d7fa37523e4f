"""Whom SIGTERM is answered for while a program is being loaded."""

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
