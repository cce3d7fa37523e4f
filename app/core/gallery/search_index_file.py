"""An approximate index as a file beside its gallery, so opening does not make it again.

It can be thrown away at any time: without it, or if it is older than the gallery's log of changes, the references are
read from the gallery's file. A zip file of numpy arrays (`.npz`),
whose checksums reveal damage. A file from elsewhere may be made to fit them, so its content is checked too.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, BinaryIO

import faiss
import numpy as np
from pydantic import BaseModel, Field, TypeAdapter

from app.core.gallery.change_log import Mark
from app.core.gallery.reference_columns import ReferenceColumns
from app.core.gallery.search_index import Index, Recall, empty
from model.system.files import ARCHIVE_FAULTS, write_whole
from model.system.reading import must_fit, open_regular, parse_json, read_array

_FORMAT = 1  # a new number whenever the written content changes, also _TOGETHER
_SUFFIX = ".index"
_ROOM = 64 << 20  # bytes; an index is never larger than its gallery by more than this, nor by more than half
_MANY = 1 << 53
_TOGETHER = 16  # cells in one array: 8 MB where a million references are 256 long, and this memory is used again


class _About(BaseModel):
    """The facts about an index, in its file."""

    format: int
    mark: tuple[Annotated[int, Field(ge=0, le=_MANY)], str]
    nprobe: int = Field(ge=1)
    recall: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[int, Field(ge=0, le=_MANY)]]
    classes: list[str]


_NAMES = TypeAdapter(list[str])


def place_of(gallery: Path) -> Path:
    """The place of a gallery's index."""
    return gallery.with_name(gallery.name + _SUFFIX)


def write(path: Path, index: Index, mark: Mark) -> None:
    """Write an approximate index made at an entry of the gallery's log of changes. Raises OSError."""
    write_whole(path, lambda file: _write(file, index, mark))


def read(path: Path, dim: int) -> tuple[Index, Mark] | None:
    """The index and the entry at which it was made; None if it is missing, damaged or of another format."""
    try:
        largest = _largest(path)
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            must_fit(os.fstat(file.fileno()).st_size, largest, path)
            must_fit(sum(member.file_size for member in archive.infolist()), largest, path)
            return _read(archive, dim)
    except (OSError, *ARCHIVE_FAULTS):
        return None


def _largest(path: Path) -> int:
    """The most bytes of an index, by the size of its gallery."""
    gallery = path.with_name(path.name.removesuffix(_SUFFIX))
    parts = (gallery, gallery.with_name(f"{gallery.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.is_file()) * 3 // 2 + _ROOM


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
    about = _About.model_validate(parse_json(_get(archive, "about").tobytes()))
    centres, sizes, sums, lengths = (_get(archive, name) for name in ("centres", "sizes", "sums", "lengths"))
    if about.format != _FORMAT or centres.shape != (len(sizes), dim):
        return None
    columns = {name: _get(archive, name) for name in ("ids", "codes", "roots", "paths", "ends", "names")}
    if not _is_sound(about, centres, sizes, sums, lengths, columns):
        return None
    there = np.zeros(len(lengths), bool)
    vectors = empty(dim, len(sizes))
    vectors.quantizer.add(centres)
    vectors.is_trained = True
    for begin in range(0, len(sizes), _TOGETHER):
        rows, codes = _get(archive, f"rows {begin}"), _get(archive, f"codes {begin}")
        here = int(sizes[begin : begin + _TOGETHER].sum())
        if not (_is(rows, np.int64, here) and _is(codes, np.uint8, here * vectors.code_size)):
            return None
        if here and not (rows.min() >= 0 and rows.max() < len(lengths)):
            return None
        there[rows] = True
        done = 0
        for cell, size in enumerate(sizes[begin : begin + _TOGETHER].tolist(), begin):
            if size:
                own = codes[done * vectors.code_size : (done + size) * vectors.code_size]
                ids = rows[done : done + size]
                vectors.invlists.add_entries(cell, size, faiss.swig_ptr(ids), faiss.swig_ptr(own))
            done += size
    if not there.all():
        return None
    vectors.ntotal = int(sizes.sum())
    vectors.make_direct_map()
    vectors.nprobe = about.nprobe
    place, token = about.mark
    totals = dict(zip(about.classes, sums, strict=True))
    return Index(ReferenceColumns(columns), vectors, totals, lengths, Recall(*about.recall)), Mark(
        place, bytes.fromhex(token)
    )


def _is_sound(
    about: _About,
    centres: np.ndarray,
    sizes: np.ndarray,
    sums: np.ndarray,
    lengths: np.ndarray,
    columns: Mapping[str, np.ndarray],
) -> bool:
    """Whether numbers and shapes agree; FAISS and the columns use them without checking bounds."""
    cells, count, dim = len(sizes), len(lengths), centres.shape[1]
    names = _NAMES.validate_python(parse_json(columns["names"].tobytes()))
    ids, codes, ends = columns["ids"], columns["codes"], columns["ends"]
    return (
        about.nprobe <= cells
        and _is(centres, np.float32, cells, dim)
        and _is(sizes, np.int64, cells)
        and bool((sizes >= 0).all())
        and int(sizes.sum()) == count
        and _is(sums, np.float32, len(about.classes), dim)
        and lengths.dtype.kind == "f"
        and lengths.shape == (count,)
        and bool((lengths > 0).all())
        and all(np.isfinite(array).all() for array in (centres, sums, lengths))
        and _is(ids, np.int64, count)
        and bool((np.diff(ids) > 0).all())
        and _is(codes, np.int32, count, 3)
        and (not count or bool(codes.min() >= -1 and codes.max() < len(names)))
        and _is(columns["roots"], np.int64, count)
        and _is(columns["paths"], np.uint8, len(columns["paths"]))
        and _is(ends, np.int64, count)
        and bool((np.diff(ends, prepend=0) >= 0).all())
        and int(ends[-1] if count else 0) == len(columns["paths"])
        and _are_texts(columns["paths"], ends)
    )


def _are_texts(paths: np.ndarray, ends: np.ndarray) -> bool:
    """Whether everything is UTF-8 and no text ends within a character. Raises ValueError if it is not."""
    str(paths.data, "utf-8")
    begins = ends[ends < len(paths)]
    return bool((paths[begins] & 0xC0 != 0x80).all())


def _is(array: np.ndarray, kind: type, *shape: int) -> bool:
    return array.dtype == kind and array.shape == shape


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _get(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    return read_array(archive, archive.getinfo(f"{name}.npy"))
