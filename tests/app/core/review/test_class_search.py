from __future__ import annotations

import pytest

from app.core.review.class_search import find

NAMES = [
    "sedan",
    "Volkswagen Golf Hatchback 2012",
    "Mercedes-Benz C-Class Sedan 2012",
    "Rolls-Royce Phantom Sedan 2012",
    "bulk_carrier",
    "carrier_floating",
    "Acura TL Sedan 2012",
]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("sedan", "sedan"),
        ("se", "sedan"),
        ("vw", "Volkswagen Golf Hatchback 2012"),
        ("golf vw", "Volkswagen Golf Hatchback 2012"),
        ("merc c-cl", "Mercedes-Benz C-Class Sedan 2012"),
        ("benz", "Mercedes-Benz C-Class Sedan 2012"),
        ("royce", "Rolls-Royce Phantom Sedan 2012"),
        ("carr", "carrier_floating"),
        ("bulk carrier", "bulk_carrier"),
        ("ATS", "Acura TL Sedan 2012"),
        ("cura", "Acura TL Sedan 2012"),
        ("2012 tl", "Acura TL Sedan 2012"),
    ],
)
def test_a_few_letters_find_the_class(typed: str, first: str) -> None:
    assert find(typed, NAMES)[0] == first


def test_a_search_for_no_word_or_an_unknown_word_finds_no_class() -> None:
    assert find("  ", NAMES) == [] and find("zeppelin", NAMES) == []


def test_a_search_with_a_limit_gives_the_first_of_the_classes() -> None:
    assert find("2012", NAMES, limit=2) == find("2012", NAMES)[:2]
