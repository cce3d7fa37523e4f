"""Finding a class by a few letters: beginnings of words in any order, initials, and makers' usual short forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

SHORT_FORMS = {
    "vw": "volkswagen",
    "merc": "mercedes-benz",
    "mb": "mercedes-benz",
    "benz": "mercedes-benz",
    "chevy": "chevrolet",
    "rr": "rolls-royce",
    "rolls": "rolls-royce",
    "lambo": "lamborghini",
    "caddy": "cadillac",
    "alfa": "alfa romeo",
    "aston": "aston martin",
    "cabrio": "convertible",
    "estate": "wagon",
    "saloon": "sedan",
    "lorry": "truck",
    "vlcc": "tanker",
    "boxship": "container",
    "ropax": "roro_passenger",
}
"""What people type -> a part of the class name that they mean, both in lower case."""

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


def find(typed: str, names: Iterable[str], limit: int = 12) -> list[str]:
    """The names that fit what was typed, best first: equal, begins with it, all words found, initials.

    An empty text fits nothing.
    """
    query = typed.casefold().strip()
    if not query:
        return []
    ranked = []
    for place, name in enumerate(names):
        rank = _rank(query, name)
        if rank is not None:
            ranked.append((rank, len(name), place, name))
    return [name for *_, name in sorted(ranked)[:limit]]


def _rank(query: str, name: str) -> int | None:
    whole, words = _prepared(name)
    if whole == query:
        return 0
    if whole.startswith(query):
        return 1
    if all(_begins_word(part, whole, words) for part in query.split()):
        return 2
    if len(query) > 1 and "".join(word[0] for word in words).startswith(query):
        return 3
    return 4 if len(query) > 2 and query in whole else None


def _begins_word(part: str, whole: str, words: tuple[str, ...]) -> bool:
    if any(word.startswith(part) for word in words):
        return True
    meant = SHORT_FORMS.get(part)
    return meant is not None and meant in whole


@lru_cache(maxsize=4096)
def _prepared(name: str) -> tuple[str, tuple[str, ...]]:
    whole = name.casefold()
    words = _WORD.findall(whole)
    return whole, tuple(words + [part for word in words if "-" in word for part in word.split("-")[1:]])
