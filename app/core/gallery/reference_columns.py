"""Labels and files of references in columns: a million take 70 MB; as objects they would take 500 MB."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.core.gallery.gallery_file import Block, Reference

_NOTHING = -1  # in `codes`: without a fine class
_NO_ROOT = 0  # SQLite numbers rows from one


class ReferenceColumns:
    """N references, in the order of their ids; does not change.

    Attributes:
        ids: int64 [N], ascending.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        """From the result of `arrays`."""
        self.ids = arrays["ids"]
        self._codes = arrays["codes"]  # int32 [N, 3]: coarse, fine, source as places in the names
        self._roots = arrays["roots"]  # int64 [N]
        self._paths = arrays["paths"]  # uint8: all paths as UTF-8, one after the other
        self._ends = arrays["ends"]  # int64 [N]: where each path ends
        self._names: list[str | None] = [*json.loads(arrays["names"].tobytes()), None]  # the last one is _NOTHING

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it as arrays, to be stored."""
        return {
            "ids": self.ids,
            "codes": self._codes,
            "roots": self._roots,
            "paths": self._paths,
            "ends": self._ends,
            "names": _text(self._names[:-1]),
        }

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: Sequence[int]) -> np.ndarray:
        """The row of each id, int64; -1 if it is missing."""
        wanted = np.asarray(ids, np.int64)
        if not len(self.ids):
            return np.full(len(wanted), -1, np.int64)
        rows = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[rows] == wanted, rows, -1)

    def reference(self, row: int) -> Reference:
        """The reference in a row; without numpy, which is slow with single values."""
        codes, ends, names = self._codes.data, self._ends.data, self._names
        text = str(self._paths.data[ends[row - 1] if row else 0 : ends[row]], "utf-8")
        coarse, fine, source = (names[codes[row, column]] for column in range(3))
        return Reference(self.ids.data[row], coarse or "", fine, source or "", text)

    def references(self, rows: np.ndarray) -> list[Reference]:
        """References of these rows."""
        text = self._paths.data
        begins = np.where(rows > 0, self._ends[rows - 1], 0)
        columns = (self.ids[rows], *self._codes[rows].T, begins, self._ends[rows])
        names = self._names
        return [
            Reference(number, names[coarse] or "", names[fine], names[source] or "", str(text[begin:end], "utf-8"))
            for number, coarse, fine, source, begin, end in zip(*(one.tolist() for one in columns), strict=True)
        ]

    def roots(self, rows: np.ndarray) -> list[int | None]:
        """Number of each row's folder, or None."""
        return [None if root == _NO_ROOT else root for root in self._roots[rows].tolist()]

    def labels(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        many = len(self._names)  # the last one is _NOTHING
        pairs = self._codes[:, 0].astype(np.int64) * many + self._codes[:, 1] % many
        found, counts = np.unique(pairs, return_counts=True)
        coarse, fine = np.divmod(found, many)
        return Counter(
            {
                (self._names[first] or "", self._names[second]): number
                for first, second, number in zip(coarse.tolist(), fine.tolist(), counts.tolist(), strict=True)
            }
        )

    def by_fine(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each fine class and the rows that have it."""
        if not len(self):
            return
        fine = self._codes[:, 1]
        order = np.argsort(fine, kind="stable")
        found, begins = np.unique(fine[order], return_index=True)
        for code, rows in zip(found.tolist(), np.split(order, begins[1:]), strict=True):
            name = self._names[code]
            if name is not None:
                yield name, rows

    def in_roots(self) -> Counter[int | None]:
        """Number of references in each folder, by its number; None for those without."""
        found, counts = np.unique(self._roots, return_counts=True)
        return Counter({root or None: number for root, number in zip(found.tolist(), counts.tolist(), strict=True)})


class Gathering:
    """Builds columns from blocks of the file, in the order of their ids."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, int] = {None: _NOTHING}
        self._ids: list[np.ndarray] = []
        self._codes: list[np.ndarray] = []
        self._roots: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []
        self._paths: list[bytes] = []

    def add(self, block: Block) -> None:
        """Add the next rows."""
        codes = [self._codes_of(column) for column in (block.coarse, block.fine, block.source)]
        paths = [path.encode("utf-8") for path in block.path]
        self._ids.append(np.array(block.ids, np.int64))
        self._codes.append(np.array(codes, np.int32).T)
        self._roots.append(np.array([root or _NO_ROOT for root in block.root], np.int64))
        self._lengths.append(np.array(list(map(len, paths)), np.int64))
        self._paths.append(b"".join(paths))

    def columns(self) -> ReferenceColumns:
        """The columns of all rows."""
        return ReferenceColumns(
            {
                "ids": np.concatenate([np.zeros(0, np.int64), *self._ids]),
                "codes": np.concatenate([np.zeros((0, 3), np.int32), *self._codes]),
                "roots": np.concatenate([np.zeros(0, np.int64), *self._roots]),
                "paths": np.frombuffer(b"".join(self._paths), np.uint8),
                "ends": np.cumsum(np.concatenate([np.zeros(0, np.int64), *self._lengths])),
                "names": _text([name for name in self._numbers if name is not None]),
            }
        )

    def _codes_of(self, names: Sequence[str | None]) -> list[int]:
        for name in dict.fromkeys(names):
            self._numbers.setdefault(name, len(self._numbers) - 1)  # without None
        return [self._numbers[name] for name in names]


def _text(names: Sequence[str | None]) -> np.ndarray:
    return np.frombuffer(json.dumps(names).encode(), np.uint8)
