"""Work that gives way to the window."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from app.core.system.thread_priority import lower_thread_priority


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
def test_a_thread_gives_way_with_those_it_starts_and_no_other_does() -> None:
    found: list[int] = []

    def look() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def work() -> None:
        lower_thread_priority()
        look()
        child = threading.Thread(target=look)
        child.start()
        child.join()

    look()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    look()
    before, lowered, inherited, after = found
    assert lowered == inherited > before == after


def test_the_collector_leaves_out_what_is_there_when_the_window_is_made() -> None:
    code = (
        "import gc, sys\nfrom app.ui.widgets.drawing_pauses import shorten_pauses\n"
        "before = len(gc.get_objects())\nshorten_pauses()\n"
        "sys.exit(not (gc.get_freeze_count() > 0.9 * before and len(gc.get_objects()) < 0.1 * before))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
