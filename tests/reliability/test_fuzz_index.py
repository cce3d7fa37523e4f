"""The index beside a gallery, damaged or made to lead the search out of its memory: then it is not used."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.gallery import search_index, search_index_file
from app.core.gallery.gallery import Gallery
from tests.app.synthetic import DIM, clustered, entries, unit
from tests.reliability.fuzzing import another_value, as_json, damaged, fuzz, reads_or_tells

COUNT = 60


@pytest.fixture(scope="module")
def gallery(place: Path) -> Path:
    """A gallery with an approximate index."""
    path = place / "a.gallery"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_index, "EXACT", 20)
        with Gallery.create(path, "fp", DIM) as made:
            made.add(clustered(COUNT), entries(range(COUNT)))
        with Gallery.open(path, "fp") as made:
            made.finish_index()
    index = search_index_file.read(search_index_file.place_of(path), DIM)
    assert index is not None and len(index[0]) == COUNT
    return path


def search(path: Path) -> None:
    """Everything that an index is asked for, where it is taken."""
    read = search_index_file.read(search_index_file.place_of(path), DIM)
    if read is None:
        return
    index, _ = read
    queries = unit(np.random.default_rng(3).normal(size=(2, DIM)))
    for near in index.search(queries, 5):
        index.columns.references(np.array([row for _, row in near], np.int64))
    index.embeddings(np.arange(len(index)))
    index.columns.roots(np.arange(len(index)))
    for row in range(len(index)):
        index.columns.reference(row)
    index.columns.labels()
    dict(index.columns.by_fine())
    index.columns.in_roots()


@given(data=st.data())
@fuzz(30)
def test_a_damaged_index_is_read_or_not_used(gallery: Path, data: st.DataObject) -> None:
    file = search_index_file.place_of(gallery)
    whole = file.read_bytes()
    try:
        file.write_bytes(data.draw(damaged(whole)))
        reads_or_tells("index", lambda: search(gallery))
    finally:
        file.write_bytes(whole)


@given(data=st.data())
@fuzz(30)
def test_an_index_of_any_content_is_read_or_not_used(gallery: Path, data: st.DataObject) -> None:
    """The checksums fit, but not what it says."""
    file = search_index_file.place_of(gallery)
    whole = file.read_bytes()
    with np.load(file) as kept:
        arrays = {name: kept[name] for name in kept.files}
    try:
        name = data.draw(st.sampled_from(list(arrays)))
        if name in ("about", "names"):
            document = json.loads(arrays[name].tobytes())
            arrays[name] = np.frombuffer(as_json(data.draw(another_value(document))), np.uint8)
        else:
            arrays[name] = _other(arrays[name], data)
        with zipfile.ZipFile(file, "w") as archive:
            for one, array in arrays.items():
                with archive.open(f"{one}.npy", "w") as member:
                    np.lib.format.write_array(member, array)
        reads_or_tells("index, other content", lambda: search(gallery))
    finally:
        file.write_bytes(whole)


def _other(array: np.ndarray, data: st.DataObject) -> np.ndarray:
    kind = data.draw(st.sampled_from(("value", "short", "long", "type", "flat")))
    if kind == "value" and array.size:
        changed = array.copy()
        place = data.draw(st.integers(0, array.size - 1))
        numbers: tuple[float, ...] = (-1, 0, 1, 77, 255, 100_000, (1 << 31) - 1)
        if array.dtype.kind == "f":
            numbers = (np.nan, np.inf, -1.0, 0.0, 1e30)
        changed.ravel()[place] = np.array(data.draw(st.sampled_from(numbers))).astype(array.dtype)
        return changed
    if kind == "short":
        return array[:-1]
    if kind == "long":
        return np.concatenate([array, array[:1]])
    if kind == "type":
        return array.astype(data.draw(st.sampled_from((np.int8, np.float64, np.uint64))))
    return array.reshape(-1)
