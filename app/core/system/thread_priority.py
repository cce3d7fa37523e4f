"""Work in the background gives way to the thread that draws the window."""

from __future__ import annotations

import os
import sys
import threading

_NICE = 5


def lower_thread_priority() -> None:
    """Let the calling thread, and those that it starts from now on, run after all others that need the processor.

    With as many busy threads as processors, a thread that wakes up to draw waits for its turn for tens of milliseconds,
    once for each of them. On Linux each thread has its own priority, which its children inherit; elsewhere Python
    cannot set one, and nothing happens.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
