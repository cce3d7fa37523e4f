"""What a large gallery costs: `python -m tests.bench.gallery [--count 100000 1000000] [--folder DIR]`.

Makes galleries of synthetic references (clusters of unit vectors, 256 long) and prints how long opening takes, with and
without the index file beside the gallery, a search of one photo beside FAISS alone on the same vectors in the same run,
what part of the true 10 nearest is found, what adding and removing take, and the memory that is in use. Each gallery is
opened in a process of its own. Nothing here passes or fails. Other work on the computer slows all of it.
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import faiss
import numpy as np

from app.core.gallery import gallery_file
from app.core.gallery.gallery import Gallery, ReferenceEntry
from app.core.system import database

DIM, K, ASKED = 256, 10, 300
PER_CLASS = 250
SPREAD = 0.7  # of a cluster, beside the length of 1 of its centre: two of one class have a cosine of about 0.67
ROUNDS = 20
_AT_ONCE = 20_000


def say(line: str = "") -> None:
    """A line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Unit length, float32."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def references(count: int, seed: int = 5) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of embeddings float32 [N, d], unit length, and the class of each; the same at every call."""
    centres = unit(np.random.default_rng(1).normal(size=(max(count // PER_CLASS, 1), DIM)))
    chance = np.random.default_rng(seed)
    for begin in range(0, count, _AT_ONCE):
        of = chance.integers(0, len(centres), min(_AT_ONCE, count - begin))
        noise = chance.standard_normal((len(of), DIM), np.float32)
        yield unit(centres[of] + SPREAD / math.sqrt(DIM) * noise), of


def stored(vectors: np.ndarray) -> np.ndarray:
    """What float16 leaves of embeddings, as the gallery has them."""
    return unit(vectors.astype(np.float16).astype(np.float32))


def resident() -> str:
    """The memory that this process has in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return f"{pages * resource.getpagesize() / 2**20:,.0f} MiB resident"


def entry(number: int, of: int) -> ReferenceEntry:
    """A photo; 20 types."""
    place = f"type {of % 20}/class {of}/photo {number}.jpg"
    return ReferenceEntry(f"type {of % 20}", f"class {of}", "bench", place, f"{number:032x}", Path("/photos"))


def make(path: Path, count: int) -> None:
    """The gallery, without an index."""
    gallery_file.create(path, "f00d", DIM)
    number = 0
    with closing(database.connect(path, "rw")) as connection:
        for vectors, of in references(count):
            entries = [entry(number + place, one) for place, one in enumerate(of.tolist())]
            with database.transaction(connection):
                gallery_file.upsert(connection, vectors, entries, DIM)
            number += len(of)


def first_opening(path: Path) -> None:
    """Without an index file; it is made where the gallery is large."""
    before = resident()
    begun = time.perf_counter()
    with Gallery.open(path) as gallery:
        say(f"  opened without an index file: {time.perf_counter() - begun:.2f} s, {resident()} (before: {before})")
        if gallery.indexing:
            begun = time.perf_counter()
            gallery.finish_index()
            say(f"  index made and stored: {time.perf_counter() - begun:.1f} s beside other work, {resident()}")


def later_opening(path: Path, count: int) -> None:
    """As it is opened every day; then searched beside FAISS alone, and changed."""
    before = resident()
    begun = time.perf_counter()
    with Gallery.open(path) as gallery:
        say(f"  opened: {time.perf_counter() - begun:.2f} s, {resident()} (before: {before})")
        say(f"  {gallery.approximation or 'exact search'}")
        searches(gallery, count)
        changes(gallery, count)


def searches(gallery: Gallery, count: int) -> None:
    """Beside FAISS alone: with the very index of the gallery, and exactly."""
    chance = np.random.default_rng(3)
    some = next(references(count))[0][:ASKED]
    asked = unit(some + 0.5 / math.sqrt(DIM) * chance.standard_normal(some.shape))
    flat = faiss.IndexFlatIP(DIM)
    for vectors, _ in references(count):
        flat.add(stored(vectors))
    say("  (FAISS alone is filled)")
    beside(gallery, gallery._holdings.index.vectors, asked)
    times = [milliseconds(flat.search, one) for one in asked[:50, None]]
    say(f"  search, FAISS alone, exact (IndexFlatIP): p50 {np.median(times):.2f} ms")
    true = np.sort(flat.search(asked, K)[0], axis=1)[:, 0]
    found = zip(gallery.search(asked, K), true, strict=True)
    good = [sum(one.similarity >= least - 1e-6 for one in near) for near, least in found]
    say(f"  recall@10 on {len(asked)} photos that are not in the gallery: {np.mean(good) / K:.4f}")


def beside(gallery: Gallery, index: faiss.Index, asked: np.ndarray) -> None:
    """Here and there in turn, so that other work slows both, with other photos, which the cache does not have."""
    ours, theirs = [], []
    for one, other in zip(asked[:, None], np.roll(asked, len(asked) // 2, axis=0)[:, None], strict=True):
        ours.append(milliseconds(gallery.search, one))
        theirs.append(milliseconds(index.search, other))
    for who, times in (("gallery", ours), ("FAISS alone, the same index", theirs)):
        say(f"  search, {who}: p50 {np.median(times):.2f} ms, p95 {np.percentile(times, 95):.2f} ms")
    say(f"  gallery / FAISS alone: {np.median(ours) / np.median(theirs):.2f}")


def milliseconds(search: Callable[[np.ndarray, int], object], one: np.ndarray) -> float:
    """How long one search takes."""
    begun = time.perf_counter()
    search(one, K)
    return 1000 * (time.perf_counter() - begun)


def changes(gallery: Gallery, count: int) -> None:
    """Adding and removing, each one transaction that is on the disk when it is reported."""
    for size in (1, 100):
        added, removed = [], []
        for turn in range(ROUNDS):
            vectors = unit(np.random.default_rng(turn).normal(size=(size, DIM)))
            entries = [entry(count + number, 3) for number in range(size)]
            begun = time.perf_counter()
            ids = gallery.add(vectors, entries)
            added.append(1000 * (time.perf_counter() - begun))
            begun = time.perf_counter()
            gallery.remove(ids)
            removed.append(1000 * (time.perf_counter() - begun))
        say(f"  {size} added: p50 {np.median(added):.1f} ms; {size} removed: p50 {np.median(removed):.1f} ms")


def apart(work: Callable[..., None], *values: object) -> None:
    """In a process of its own, which begins with little memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(work, *values).result()


def main() -> None:
    """One gallery after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[100_000, 1_000_000], metavar="N")
    parser.add_argument("--folder", type=Path, help="where galleries are made: 1.3 GB for a million references")
    options = parser.parse_args()
    for count in options.count:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path = Path(folder) / "bench.gallery"
            begun = time.perf_counter()
            apart(make, path, count)
            say(f"{count:,} references of {DIM}, made in {time.perf_counter() - begun:.0f} s")
            apart(first_opening, path)
            apart(later_opening, path, count)
            files = ", ".join(
                f"{one.name} {one.stat().st_size / 2**20:,.0f} MiB" for one in sorted(path.parent.iterdir())
            )
            say(f"  on the disk: {files}")


if __name__ == "__main__":
    main()
