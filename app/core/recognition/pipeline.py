"""A run over many files: decoding in a bounded pool, one inference after the other, results in the files' order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.core.recognition.engine import BATCH
from app.core.recognition.identifier import Identification, Identifier
from app.core.recognition.images import PhotoError, load
from app.core.system.thread_priority import lower_thread_priority

T = TypeVar("T")
R = TypeVar("R")


def default_workers() -> int:
    """Decoding threads that keep an inference busy without crowding it out."""
    return max(2, min(8, (os.cpu_count() or 2) // 2))


def map_in_order(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    ahead: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[R]:
    """`work(item)` for each item in threads, in the order of the items, at most `ahead` items before the reader.

    The input is only read as far as needed, so it may be endless or slow. A cancelled or abandoned run waits for
    the items that are being worked on and drops the rest; an exception of `work` ends the run.
    """
    source = iter(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="decode", initializer=lower_thread_priority) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            while not cancelled():
                waiting.extend(pool.submit(work, item) for item in islice(source, ahead - len(waiting)))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def identify_paths(
    identifier: Identifier,
    paths: Iterable[Path],
    *,
    batch: int = BATCH,
    workers: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[Identification]]:
    """Identify files; lists of at most `batch`, together in the order of `paths`.

    A file that cannot be read gives an Identification with `error` in its place. Memory does not grow with the number
    of files. After `cancelled` answers True no further list comes.

    Raises:
        EngineError: if the inference itself fails, on the CPU if it began on the GPU.
    """

    def decode(path: Path) -> tuple[Path, np.ndarray | None, str | None]:
        try:
            return path, identifier.engine.prepare(load(path)), None
        except PhotoError as error:
            return path, None, error.reason

    workers = workers or default_workers()
    decoded = map_in_order(decode, paths, workers=workers, ahead=batch + workers, cancelled=cancelled)
    while chunk := list(islice(decoded, batch)):
        if cancelled():
            return
        good = [(path, pixels) for path, pixels, _ in chunk if pixels is not None]
        answers = iter(
            identifier.identify_steadily(np.stack([pixels for _, pixels in good]), [path for path, _ in good])
            if good
            else ()
        )
        yield [next(answers) if error is None else Identification(path=path, error=error) for path, _, error in chunk]
