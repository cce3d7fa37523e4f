from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.contract.taxonomy import NO_FINE, Taxonomy, TaxonomyError

CARS = Taxonomy(coarse=("coupe", "sedan"), fine=("TT", "A4", "S6"), parents=(0, 1, 1))


def test_indices_children_and_parents_agree() -> None:
    assert CARS.coarse_index == {"coupe": 0, "sedan": 1}
    assert CARS.fine_index == {"TT": 0, "A4": 1, "S6": 2}
    assert CARS.children(1) == (1, 2)
    assert CARS.parent_array.tolist() == [0, 1, 1]


def test_encode_gives_the_columns_of_a_label() -> None:
    assert CARS.encode("sedan", "S6") == (1, 2)
    assert CARS.encode("coupe", None) == (0, NO_FINE)


@pytest.mark.parametrize(
    ("coarse", "fine", "message"),
    [
        ("bus", None, "coarse class 'bus' is not in the taxonomy"),
        ("sedan", "A8", "fine class 'A8' is not in the taxonomy"),
        ("coupe", "A4", "fine class 'A4' has two parents: 'sedan' and 'coupe'"),
    ],
)
def test_encode_names_the_label_that_does_not_fit(coarse: str, fine: str | None, message: str) -> None:
    with pytest.raises(TaxonomyError, match=message):
        CARS.encode(coarse, fine)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coarse": ()}, "no coarse class"),
        ({"coarse": ("a", "a")}, "coarse class 'a' is listed twice"),
        ({"fine": ("x", "x", "y")}, "fine class 'x' is listed twice"),
        ({"fine": ("x", " ", "y")}, "a fine class has an empty name"),
        ({"parents": (0, 1)}, "3 fine classes but 2 parents"),
        ({"parents": (0, 1, 2)}, "'S6' has parent 2, but there are 2"),
        ({"parents": (0, 1, -1)}, "'S6' has parent -1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_an_invalid_tree_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Taxonomy.model_validate(CARS.model_dump() | changes)


def test_a_fine_class_with_two_parents_is_named() -> None:
    with pytest.raises(TaxonomyError, match="fine class 'Z4' has two parents: 'coupe' and 'convertible'"):
        Taxonomy.from_pairs([("coupe", "Z4"), ("convertible", "Z4")])


@pytest.mark.parametrize("pairs", [[], [("", None)], [("car", " ")]])
def test_labels_without_a_name_give_no_tree(pairs: list[tuple[str, None]] | list[tuple[str, str]]) -> None:
    with pytest.raises(TaxonomyError):
        Taxonomy.from_pairs(pairs)


@given(st.dictionaries(st.text("abc", min_size=1), st.text("xyz", min_size=1), min_size=1), st.randoms())
def test_the_tree_does_not_depend_on_the_order_of_the_labels(parent_of: dict[str, str], random: Random) -> None:
    pairs = [(coarse, fine) for fine, coarse in parent_of.items()] + [(coarse, None) for coarse in parent_of.values()]
    tree = Taxonomy.from_pairs(pairs)
    random.shuffle(pairs)
    assert Taxonomy.from_pairs(pairs) == tree
    assert {tree.fine[i]: tree.coarse[p] for i, p in enumerate(tree.parents)} == parent_of
    assert list(tree.parents) == sorted(tree.parents)
    assert sorted(i for c in range(len(tree.coarse)) for i in tree.children(c)) == list(range(len(tree.fine)))
