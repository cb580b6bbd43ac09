"""The fewest items to remove, beside every set of items that there is."""

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.reports.selection import Population, fewest, fewest_by_weight

SHARES = st.sampled_from(
    [Fraction(1, 20), Fraction(1, 4), Fraction(1, 2), Fraction(2, 3), Fraction(9, 10), Fraction(1)]
)


def population(
    items: list[tuple[int, bool, bool]], most: Fraction | None, least: Fraction | None
) -> Population:
    return Population(
        items=len(items),
        surplus=sum(surplus for _, surplus, _ in items),
        whole=sum(weight for weight, _, _ in items),
        recent=sum(weight for weight, _, recent in items if recent),
        most=most,
        least=least,
    )


def conforms(items: list[tuple[int, bool, bool]], most: Fraction | None, least: Fraction | None) -> bool:
    """The definition: both rates over what is left, and something recent is left where that is asked."""
    left = population(items, most, least)
    if least and not (left.recent and left.recent >= least * left.whole):
        return False
    return most is None or left.surplus <= most * left.items


def brute(items: list[tuple[int, bool, bool]], most: Fraction | None, least: Fraction | None) -> int | None:
    """The size of the smallest set of items, of any kind, whose removal makes the rest conform."""
    for count in range(len(items) + 1):
        for gone in combinations(range(len(items)), count):
            if conforms([each for at, each in enumerate(items) if at not in gone], most, least):
                return count
    return None


def chosen(
    items: list[tuple[int, bool, bool]], most: Fraction | None, least: Fraction | None
) -> list[int] | None:
    weights, surplus, recent = (np.array(each) for each in zip(*items, strict=True))
    found = fewest(
        weights.astype(np.int64), surplus.astype(bool), recent.astype(bool), population(items, most, least)
    )
    return None if found is None else found.tolist()


ITEM = st.tuples(st.integers(0, 12), st.booleans(), st.booleans())


@settings(max_examples=400, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=9), st.none() | SHARES, st.none() | SHARES)
def test_no_smaller_set_of_items_conforms_and_the_chosen_one_does(
    items: list[tuple[int, bool, bool]], most: Fraction | None, least: Fraction | None
) -> None:
    found, smallest = chosen(items, most, least), brute(items, most, least)
    assert (found is None) == (smallest is None)
    if found is not None:
        assert len(set(found)) == smallest
        assert conforms([each for at, each in enumerate(items) if at not in found], most, least)


@settings(max_examples=200, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=9), SHARES)
def test_of_as_few_surplus_items_the_lightest_go(items: list[tuple[int, bool, bool]], most: Fraction) -> None:
    found = chosen(items, most, None)
    assert found is not None
    weights = sorted(weight for weight, surplus, _ in items if surplus)
    assert sum(items[at][0] for at in found) == sum(weights[: len(found)])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=9), st.fractions(0, 60))
def test_heaviest_first_is_the_least_number_for_a_sum(weights: list[int], need: Fraction) -> None:
    found = fewest_by_weight(np.array(weights, np.int64), need)
    smallest = next(
        (count for count in range(len(weights) + 1)
         if any(sum(each) >= need for each in combinations(weights, count))), None,
    )  # fmt: skip
    assert (None if found is None else len(found)) == smallest
    if found is not None:
        assert sum(weights[at] for at in found) >= need


@pytest.mark.parametrize(("surplus", "expected"), [(5, 0), (6, 2), (7, 3), (100, 100)])
def test_the_ceiling_of_five_percent_at_and_over_it(surplus: int, expected: int) -> None:
    """(6 − x) ÷ (100 − x) ≤ 5 % from x = 2 on: one removal also makes the whole smaller."""
    items = [(1, at < surplus, True) for at in range(100)]
    found = chosen(items, Fraction(1, 20), None)
    assert found is not None
    assert len(found) == expected


def test_a_run_of_equal_weights_is_taken_from_its_end_and_the_same_each_time() -> None:
    items = [(10, False, False)] * 6 + [(10, False, True)] * 4
    assert chosen(items, None, Fraction(1, 2)) == chosen(items, None, Fraction(1, 2)) == [4, 5]


def test_a_lighter_item_goes_where_it_is_enough() -> None:
    items = [(100, False, False), (30, False, False), (20, False, False), (130, False, True)]
    assert chosen(items, None, Fraction(1, 2)) == [2]


def test_great_numbers_do_not_overflow() -> None:
    weight = 2**60 // 100
    items: list[Any] = [(weight, at % 2 == 0, at % 3 == 0) for at in range(99)]
    found = chosen(items, Fraction(49_999_999_999, 10**12), Fraction(123_456_789_011, 10**12))
    assert found is not None
    assert conforms(
        [each for at, each in enumerate(items) if at not in found],
        Fraction(49_999_999_999, 10**12),
        Fraction(123_456_789_011, 10**12),
    )


def test_a_million_items_take_seconds() -> None:
    rng = np.random.default_rng(1)
    count = 1_000_000
    weights = rng.integers(1, 10**9, count)
    surplus, recent = rng.random(count) < 0.3, rng.random(count) < 0.2
    whole = int(weights.sum())
    all_ = Population(
        count, int(surplus.sum()), whole, int(weights[recent].sum()), Fraction(1, 20), Fraction(1, 2)
    )
    found = fewest(weights, surplus, recent, all_)
    assert found is not None
    left = np.ones(count, bool)
    left[found] = False
    assert 20 * surplus[left].sum() <= left.sum()
    assert 2 * weights[left & recent].sum() >= weights[left].sum()
