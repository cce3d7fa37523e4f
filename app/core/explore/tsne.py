"""t-SNE in a process of its own, as it would make the window slow.

openTSNE holds the interpreter while it is loaded and for whole steps of an iteration, 50 ms and more with 10,000
points; no other thread, and so no window, can work meanwhile.
"""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

import numpy as np

from app.core.explore.projection import Report, StoppedError, tsne
from app.core.system.thread_priority import lower_thread_priority
from model.system.errors import MarqueError

APART = 200
"""From this many points on t-SNE gets a process; for fewer, t-SNE takes less time than starting one."""

_LOOK = 0.05  # seconds between two checks whether to stop


class UnfoldingError(MarqueError):
    """The process has ended before t-SNE has; the message says how."""


def prepare() -> None:
    """Start the helper that Python needs for its first process: this holds the interpreter, so do it early."""
    if sys.platform != "win32":
        resource_tracker.ensure_running()


def unfold(vectors: np.ndarray, start: np.ndarray, report: Report, threads: int = 1) -> np.ndarray:
    """Like `projection.tsne`; in a process of its own from APART points on.

    Raises:
        StoppedError: once `report` returns False.
        ValueError: if there are too few points.
        UnfoldingError: if the process was ended from outside, for instance because memory ran out.
    """
    if len(vectors) < APART:
        return tsne(vectors, start, report, threads)
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of the window's threads
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        here.send((vectors.shape, start, threads))
        here.send_bytes(np.ascontiguousarray(vectors, np.float32).data.cast("B"))  # never copied by the interpreter
        return _follow(here, report)
    except (EOFError, ConnectionError) as error:
        process.join()
        raise UnfoldingError(f"t-SNE was ended from outside (exit code {process.exitcode})") from error
    finally:
        here.close()
        process.terminate()
        process.join()


def _follow(pipe: Connection, report: Report) -> np.ndarray:
    """Hand on what the process reports until it is done."""
    done = 0
    while True:
        if not pipe.poll(_LOOK):
            if not report(done, None):
                raise StoppedError
            continue
        done, places, failure = pipe.recv()
        if failure:
            raise RuntimeError(failure)
        if done < 0:
            return places
        if not report(done, places):
            raise StoppedError


def _work(pipe: Connection) -> None:
    """The work of the process; it ends by itself when nobody listens any more."""
    lower_thread_priority()

    def report(done: int, places: np.ndarray | None) -> bool:
        pipe.send((done, places, ""))
        return True

    try:
        import faiss
        from threadpoolctl import threadpool_limits

        shape, start, threads = pipe.recv()
        vectors = np.frombuffer(pipe.recv_bytes(), np.float32).reshape(shape)
        faiss.omp_set_num_threads(threads)
        threadpool_limits(limits=threads, user_api="blas")
        pipe.send((-1, tsne(vectors, start, report, threads), ""))
    except (EOFError, ConnectionError):
        return
    except Exception:  # noqa: BLE001 - a defect is reported where it can be shown
        pipe.send((0, None, traceback.format_exc()))
