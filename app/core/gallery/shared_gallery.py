"""A gallery that a team shares: in a PostgreSQL database with pgvector, several people enrolling at once.

It has one table for each identification model, as embeddings of different models cannot be compared. The database
decides who may read and write. Every change raises a number, so that others notice when their copy in memory (the
centres of the classes) is out of date.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from app.core.gallery import shared_recall
from app.core.gallery.gallery import GalleryError, Neighbour, Reference, ReferenceEntry
from app.core.gallery.holdings import cosines_to_sums
from app.core.gallery.search_index import Recall
from model.contract.taxonomy import Taxonomy

_CANDIDATES = 100
"""Least number of neighbours that the index examines for a search; more find more of the true ones but take longer."""

_GROWN = 1 / 16
"""Recall is measured again when the number of references has changed by more than this share."""

_TABLES = """
CREATE TABLE IF NOT EXISTS marque_gallery (
    fingerprint text PRIMARY KEY, dim integer NOT NULL, revision bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS {table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    coarse text NOT NULL,
    fine text,
    source text NOT NULL,
    root text,
    path text NOT NULL,
    digest text NOT NULL UNIQUE,
    embedding halfvec({dim}) NOT NULL
);
CREATE INDEX IF NOT EXISTS {index} ON {table} USING hnsw (embedding halfvec_ip_ops);
INSERT INTO marque_gallery (fingerprint, dim) VALUES ({fingerprint}, {dim}) ON CONFLICT DO NOTHING;
"""

_UPSERT = """
INSERT INTO {table} (coarse, fine, source, root, path, digest, embedding) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET coarse = excluded.coarse, fine = excluded.fine, source = excluded.source,
    root = excluded.root, path = excluded.path, embedding = excluded.embedding
RETURNING id
"""

_LABEL = "coarse, fine, source, root, path"
"""The columns that enrolling a photo again may change."""

_UNCHANGED = f"id = %s AND ROW({_LABEL}) IS NOT DISTINCT FROM ROW(%s::text, %s::text, %s::text, %s::text, %s::text)"

_SEARCH = """
SELECT asked.number, near.id, near.coarse, near.fine, near.source, near.path, near.similarity
FROM unnest(%s::halfvec[]) WITH ORDINALITY AS asked (vector, number)
CROSS JOIN LATERAL (
    SELECT id, coarse, fine, source, path, -(embedding <#> asked.vector) AS similarity
    FROM {table} ORDER BY embedding <#> asked.vector LIMIT %s
) AS near
ORDER BY asked.number, near.similarity DESC, near.id
"""


_Label = tuple[str, str | None, str, str | None, str]


@dataclass(frozen=True)
class Addition:
    """A photo that was added.

    Attributes:
        id: of the reference.
        before: its earlier type, class, source, folder and path; None if it was new. after: the new ones.
    """

    id: int
    before: _Label | None
    after: _Label


class SharedGallery:
    """Like `Gallery`, on a database server. Safe to use from several threads; a change is one transaction.

    Attributes:
        fingerprint: of the identification model that made the embeddings.
        dim: length of an embedding.
        read_only: whether `add` and `remove` are refused here; the database may refuse them too.
    """

    def __init__(self, connection: psycopg.Connection, fingerprint: str, dim: int, read_only: bool, name: str) -> None:
        """Called by `open`."""
        self.fingerprint, self.dim, self.read_only = fingerprint, dim, read_only
        self._name = name
        self._lock = threading.RLock()
        self._database = connection
        self._table = sql.Identifier(_table_name(fingerprint))
        self._revision = -1
        self._sums: dict[str, np.ndarray] = {}
        self._classes: Counter[tuple[str, str | None]] = Counter()
        self._whole: tuple[Taxonomy, Taxonomy] | None = None
        self._measured: tuple[int, Recall | None] | None = None

    @classmethod
    def open(cls, address: str, fingerprint: str, dim: int, *, read_only: bool = False) -> Self:
        """Connect to `postgresql://user@host/database`; missing tables are made if that is allowed.

        Raises:
            GalleryError: if the server cannot be reached, has no pgvector, or refuses.
        """
        name = _without_password(address)
        with _faults(name):
            # nothing is prepared: the plan of a prepared search does not know how few neighbours are requested
            connection = psycopg.connect(address, autocommit=True, connect_timeout=10, prepare_threshold=None)
            try:
                _prepare(connection, fingerprint, dim, name)
                register_vector(connection)
                connection.execute(sql.SQL("SET hnsw.ef_search = {}").format(_CANDIDATES))
            except BaseException:
                connection.close()
                raise
        return cls(connection, fingerprint, dim, read_only, name)

    @property
    def name(self) -> str:
        """The address, without password."""
        return self._name

    @property
    def revision(self) -> int:
        """The number that every change raises, whoever makes it."""
        with self._lock, _faults(self._name):
            query = "SELECT revision FROM marque_gallery WHERE fingerprint = %s"
            row = self._execute(query, (self.fingerprint,)).fetchone()
        return -1 if row is None else int(row[0])

    @property
    def approximation(self) -> str | None:
        """How the search is approximate, for people; None if it is exact.

        Recall is measured when it is asked for, which takes seconds at most, and again when the gallery has grown.
        """
        search = sql.SQL(_SEARCH).format(table=self._table)
        with self._fresh():
            size = self._classes.total()
            if size <= shared_recall.NEAREST or not shared_recall.by_index(self._database, search, self.dim):
                return None
            if self._measured is None or abs(size - self._measured[0]) > _GROWN * self._measured[0]:
                self._measured = size, shared_recall.measure(self._database, search, self._table, size)
            recall = self._measured[1]
        known = "recall not measured, as exact searches take too long" if recall is None else recall.words
        return f"approximate search by the server, {known}"

    def __len__(self) -> int:
        with self._fresh():
            return self._classes.total()

    def add(self, embeddings: np.ndarray, entries: Sequence[ReferenceEntry]) -> list[int]:
        """Add N photos in one transaction; their ids. Like `Gallery.add`."""
        return [one.id for one in self.put(embeddings, entries)]

    def put(self, embeddings: np.ndarray, entries: Sequence[ReferenceEntry]) -> list[Addition]:
        """Like `add`; returns what is needed to undo it."""
        if embeddings.shape != (len(entries), self.dim):
            raise ValueError(f"embeddings {embeddings.shape} for {len(entries)} entries of dimension {self.dim}")
        query = sql.SQL(_UPSERT).format(table=self._table)
        additions = []
        with self._transaction():
            digests = [entry.digest for entry in entries]
            rows = self._execute(f"SELECT digest, {_LABEL} FROM {{table}} WHERE digest = ANY(%s)", (digests,))
            before: dict[str, _Label] = {digest: tuple(label) for digest, *label in rows.fetchall()}
            for entry, vector in zip(entries, embeddings, strict=True):
                root = None if entry.root is None else str(entry.root.absolute())
                after = (entry.coarse, entry.fine, entry.source, root, entry.path)
                row = self._database.execute(query, (*after, entry.digest, HalfVector(vector))).fetchone()
                additions.append(Addition(int(row[0]), before.get(entry.digest), after))  # type: ignore[index]
        return additions

    def take_back(self, additions: Sequence[Addition]) -> int:
        """Undo additions in one transaction; how many.

        References that somebody has changed or removed since are not touched.

        Raises:
            GalleryError: if the database refuses; then nothing was changed.
        """
        new = [(one.id, *one.after) for one in additions if one.before is None]
        old = [(*one.before, one.id, *one.after) for one in additions if one.before is not None]
        with self._transaction(), self._database.cursor() as cursor:
            taken = 0
            for query, values in (
                (f"DELETE FROM {{table}} WHERE {_UNCHANGED}", new),
                (f"UPDATE {{table}} SET ({_LABEL}) = (%s, %s, %s, %s, %s) WHERE {_UNCHANGED}", old),
            ):
                if values:
                    cursor.executemany(sql.SQL(query).format(table=self._table), values)
                    taken += cursor.rowcount
        return taken

    def remove(self, ids: Iterable[int]) -> None:
        """Remove photos in one transaction; unknown ids are ignored."""
        with self._transaction():
            self._execute("DELETE FROM {table} WHERE id = ANY(%s)", (list(ids),))

    def search(self, embeddings: np.ndarray, k: int) -> list[list[Neighbour]]:
        """For each of N embeddings [N, d] of unit length, its at most k most similar references, most similar first."""
        found: list[list[Neighbour]] = [[] for _ in embeddings]
        if len(embeddings) == 0 or k == 0:
            return found
        with self._lock, _faults(self._name):
            rows = self._execute(_SEARCH, ([HalfVector(vector) for vector in embeddings], k)).fetchall()
        for number, *reference, similarity in rows:
            found[number - 1].append(Neighbour(Reference(*reference), float(similarity)))
        return found

    def centre_similarities(self, embeddings: np.ndarray, fine: Sequence[str]) -> np.ndarray:
        """Cosine of N embeddings to the centre of each named class: [N, len(fine)]; -inf without references."""
        with self._fresh():
            sums = [self._sums.get(name, np.zeros(self.dim, np.float32)) for name in fine]
        return cosines_to_sums(embeddings, np.array(sums, np.float32).reshape(len(fine), self.dim))

    def references(self) -> list[Reference]:
        """All references in the order of their ids."""
        with self._lock, _faults(self._name):
            rows = self._execute("SELECT id, coarse, fine, source, path FROM {table} ORDER BY id").fetchall()
        return [Reference(*row) for row in rows]

    def embeddings(self, ids: Sequence[int]) -> np.ndarray:
        """Embeddings float32 [N, d] of references, in the order given. Raises KeyError if one is missing."""
        with self._lock, _faults(self._name):
            rows = self._execute("SELECT id, embedding FROM {table} WHERE id = ANY(%s)", (list(ids),)).fetchall()
        found = {number: vector.to_numpy() for number, vector in rows}
        return (
            np.stack([found[number] for number in ids]).astype(np.float32)
            if ids
            else np.zeros((0, self.dim), np.float32)
        )

    def classes(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        with self._fresh():
            return Counter(self._classes)

    def taxonomy(self, known: Taxonomy) -> Taxonomy:
        """`known` with the classes that only this gallery has after them."""
        with self._fresh():
            if self._whole is None or self._whole[0] is not known:
                classes = sorted((coarse, fine) for coarse, fine in self._classes if fine is not None)
                self._whole = (known, known.extended(classes))
            return self._whole[1]

    def entries(self) -> dict[int, ReferenceEntry]:
        """Everything stored for each reference besides its embedding, by id, in the order of the ids."""
        with self._lock, _faults(self._name):
            query = "SELECT id, coarse, fine, source, path, digest, root FROM {table} ORDER BY id"
            rows = self._execute(query).fetchall()
        return {
            number: ReferenceEntry(coarse, fine, source, path, digest, None if root is None else Path(root))
            for number, coarse, fine, source, path, digest, root in rows
        }

    def find(self, digest: str) -> Reference | None:
        """The reference with this content, or None."""
        with self._lock, _faults(self._name):
            query = "SELECT id, coarse, fine, source, path FROM {table} WHERE digest = %s"
            row = self._execute(query, (digest,)).fetchone()
        return None if row is None else Reference(*row)

    def picture(self, reference: Reference, roots: Sequence[Path] = ()) -> Path | None:
        """Where the reference's file is, in the folder that it was added from (a shared drive) or in one of `roots`."""
        with self._lock, _faults(self._name):
            row = self._execute("SELECT root FROM {table} WHERE id = %s", (reference.id,)).fetchone()
        own = [Path(row[0])] if row is not None and row[0] is not None else []
        return next((place for root in (*own, *roots) if (place := root / reference.path).is_file()), None)

    def close(self) -> None:
        """Disconnect; the gallery is not used after that."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _execute(self, query: str, values: Sequence[Any] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._database.execute(sql.SQL(query).format(table=self._table), values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self.read_only:
            raise GalleryError(f"{self._name}: the gallery was opened for reading only")
        with self._lock, _faults(self._name), self._database.transaction():
            # first: a change waits here for the changes before it
            self._execute(
                "UPDATE marque_gallery SET revision = revision + 1 WHERE fingerprint = %s", (self.fingerprint,)
            )
            yield

    @contextmanager
    def _fresh(self) -> Iterator[None]:
        """The gallery with its current classes and centres."""
        with self._lock, _faults(self._name):
            revision = self.revision
            if revision != self._revision:
                rows = self._execute(
                    "SELECT coarse, fine, count(*), sum(embedding::vector) FROM {table} GROUP BY coarse, fine"
                ).fetchall()
                self._classes = Counter({(coarse, fine): count for coarse, fine, count, _ in rows})
                self._sums = {}
                for _, fine, _, total in rows:
                    if fine is not None:
                        self._sums[fine] = self._sums.get(fine, 0) + total.to_numpy()
                self._revision, self._whole = revision, None
            yield


def _table_name(fingerprint: str) -> str:
    return f"marque_reference_{fingerprint}"


def _prepare(connection: psycopg.Connection, fingerprint: str, dim: int, name: str) -> None:
    """Make what is missing. If everything exists the database is not changed, so readers need no further permission."""
    table = _table_name(fingerprint)
    if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,):
        return
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('marque'))")  # two people may come first at once
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(
                sql.SQL(_TABLES).format(
                    table=sql.Identifier(table),
                    index=sql.Identifier(f"{table}_near"),
                    dim=sql.Literal(dim),
                    fingerprint=sql.Literal(fingerprint),
                )
            )
    except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported) as error:
        raise GalleryError(
            f"{name}: the server has no pgvector; ask whoever keeps it to install the extension"
        ) from error


def _without_password(address: str) -> str:
    try:
        parts = conninfo_to_dict(address)
    except psycopg.Error as error:  # its words may repeat the whole address with the password
        raise GalleryError(
            "this is not the address of a database; write it as postgresql://user@host/database"
        ) from error
    user = f"{parts['user']}@" if parts.get("user") else ""
    return f"postgresql://{user}{parts.get('host', '')}/{parts.get('dbname', '')}"


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Turn an error of the database into one in words for the user."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise GalleryError(f"{name}: the database does not allow you to do this ({_first_line(error)})") from error
    except psycopg.OperationalError as error:
        raise GalleryError(f"{name}: the database cannot be reached ({_first_line(error)})") from error
    except psycopg.Error as error:
        raise GalleryError(f"{name}: the database refused ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
