"""How good the approximate search of a database server is: the share of the true 10 nearest that it finds."""

from __future__ import annotations

import time

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg import sql

from app.core.gallery.search_index import Recall, recall_at_10

NEAREST = 11
"""The reference itself and 10 others. The index links each of so few to all others, so that it finds all of them."""

_SAMPLE = 50  # references
_LEAST = 10  # least number of them; fewer say little
_SECONDS = 5.0  # for exact searches: of a million references one may take half a second

_SOME = "SELECT embedding FROM {table} TABLESAMPLE BERNOULLI ({part}) REPEATABLE (5)"

_ONE_STATE = """
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SET LOCAL statement_timeout = {milliseconds}
"""

_EXACTLY = """
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_seqscan = on
"""


def by_index(connection: psycopg.Connection, search: sql.Composed, dim: int) -> bool:
    """Whether the server uses its approximate index; with few references it compares each, which is exact."""
    plan = connection.execute(sql.SQL("EXPLAIN ") + search, ([HalfVector(np.zeros(dim))], NEAREST)).fetchall()
    return any("Index Scan" in line for (line,) in plan)


def measure(connection: psycopg.Connection, search: sql.Composed, table: sql.Identifier, size: int) -> Recall | None:
    """Recall@10 on about 50 references, or as many as five seconds allow; None if fewer than ten.

    Args:
        connection: on which nothing is prepared: a prepared search might keep to the index.
        search: takes vectors and the number of nearest ones; the results come best first, each with the similarity
        last. table: that of the references.
        size: their number, more than ten.
    """
    found: list[list[float]] = []
    true: list[list[float]] = []
    end = time.monotonic() + _SECONDS
    try:
        with connection.transaction():
            connection.execute(sql.SQL(_ONE_STATE).format(milliseconds=sql.Literal(round(1000 * _SECONDS))))
            part = sql.Literal(min(100.0, 100 * _SAMPLE / size))
            rows = connection.execute(sql.SQL(_SOME).format(table=table, part=part)).fetchall()
            found = [_similarities(connection, search, vector) for (vector,) in rows]
            connection.execute(_EXACTLY)
            for (vector,) in rows:
                true.append(_similarities(connection, search, vector))
                if time.monotonic() > end:
                    break
    except psycopg.errors.QueryCanceled:  # one search alone takes longer
        pass
    return recall_at_10(found[: len(true)], [exact[-1] for exact in true]) if len(true) >= _LEAST else None


def _similarities(connection: psycopg.Connection, search: sql.Composed, vector: HalfVector) -> list[float]:
    return [row[-1] for row in connection.execute(search, ([vector], NEAREST)).fetchall()]
