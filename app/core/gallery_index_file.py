"""An approximate index as a file beside its gallery, so that opening need not make it again.

It can be thrown away at any time: without it, or where it belongs to another state of the gallery than the file's own
account of changes goes back to, the references are read from the gallery's file. A zip file of numpy arrays (`.npz`),
whose checksums tell a damaged one.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np

from app.core.gallery_changes import Mark
from app.core.gallery_columns import Columns
from app.core.gallery_index import Index, Recall, empty
from model.files import write_whole

_FORMAT = 1  # another one, where anything here changes that is written, also _TOGETHER
_TOGETHER = 16  # cells in one array: 8 MB where a million references are 256 long, which is memory that is used again


def place_of(gallery: Path) -> Path:
    """Where the index of a gallery lies."""
    return gallery.with_name(gallery.name + ".index")


def write(path: Path, index: Index, mark: Mark) -> None:
    """Write an approximate index made at an entry of the gallery's account of changes. Raises OSError."""
    write_whole(path, lambda file: _write(file, index, mark))


def read(path: Path, dim: int) -> tuple[Index, Mark] | None:
    """The index and the entry that it was made at; None where there is none, or it is damaged or of another format."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, dim)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return None


def _write(file: BinaryIO, index: Index, mark: Mark) -> None:
    vectors, recall, lengths = index.vectors, index.recall, index.lengths
    if recall is None or lengths is None:
        raise ValueError("an exact index is not stored")
    lists = vectors.invlists
    centres = vectors.quantizer.reconstruct_n(0, vectors.nlist)
    sizes = np.array([lists.list_size(cell) for cell in range(vectors.nlist)], np.int64)
    about = {
        "format": _FORMAT,
        "mark": [mark.place, mark.token.hex()],
        "nprobe": vectors.nprobe,
        "recall": [recall.value, recall.sample],
        "classes": list(index.sums),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, "about", np.frombuffer(json.dumps(about).encode(), np.uint8))
        _put(archive, "sums", np.array(list(index.sums.values()), np.float32).reshape(len(index.sums), vectors.d))
        for name, array in index.columns.arrays().items():
            _put(archive, name, array)
        _put(archive, "lengths", lengths)
        _put(archive, "centres", centres)
        _put(archive, "sizes", sizes)
        for begin in range(0, vectors.nlist, _TOGETHER):
            cells = range(begin, min(begin + _TOGETHER, vectors.nlist))
            rows = [faiss.rev_swig_ptr(lists.get_ids(cell), int(sizes[cell])) for cell in cells if sizes[cell]]
            codes = [
                faiss.rev_swig_ptr(lists.get_codes(cell), int(sizes[cell]) * vectors.code_size)
                for cell in cells
                if sizes[cell]
            ]
            _put(archive, f"rows {begin}", np.concatenate([np.zeros(0, np.int64), *rows]))
            _put(archive, f"codes {begin}", np.concatenate([np.zeros(0, np.uint8), *codes]))


def _read(archive: zipfile.ZipFile, dim: int) -> tuple[Index, Mark] | None:
    about = json.loads(_get(archive, "about").tobytes())
    centres, sizes, sums, lengths = (_get(archive, name) for name in ("centres", "sizes", "sums", "lengths"))
    if about["format"] != _FORMAT or centres.shape[1] != dim:
        return None
    vectors = empty(dim, len(sizes))
    vectors.quantizer.add(centres)
    vectors.is_trained = True
    for begin in range(0, len(sizes), _TOGETHER):
        rows, codes = _get(archive, f"rows {begin}"), _get(archive, f"codes {begin}")
        done = 0
        for cell, size in enumerate(sizes[begin : begin + _TOGETHER].tolist(), begin):
            if size:
                own = codes[done * vectors.code_size : (done + size) * vectors.code_size]
                ids = rows[done : done + size]
                vectors.invlists.add_entries(cell, size, faiss.swig_ptr(ids), faiss.swig_ptr(own))
            done += size
    vectors.ntotal = int(sizes.sum())
    vectors.make_direct_map()
    vectors.nprobe = about["nprobe"]
    columns = Columns({name: _get(archive, name) for name in ("ids", "codes", "roots", "paths", "ends", "names")})
    place, token = about["mark"]
    totals = dict(zip(about["classes"], sums, strict=True))
    return Index(columns, vectors, totals, lengths, Recall(*about["recall"])), Mark(place, bytes.fromhex(token))


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _get(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))
