"""Single linkage: connected components over all verified pairs that share a bucket."""

import itertools
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import linkage, sketch, surplus
from dqv.neardup.tokens import shingle_sets
from tests.neardup.test_surplus import WINDOWS, buckets, corpora, documents, flat, ideal_sketches, near


def components(sets: list[frozenset[int]], bucket: Any) -> list[int]:
    """The definition itself: for each item the first of its cluster."""
    first = list(range(len(sets)))
    for i, k in itertools.combinations(range(len(sets)), 2):
        if ((bucket[i] == bucket[k]) & (bucket[i] >= 0)).any() and near(sets[i], sets[k]):
            old, new = max(first[i], first[k]), min(first[i], first[k])
            first = [new if each == old else each for each in first]
    return first


def two_passes(sets: list[frozenset[int]], sketches: Any, bucket: Any) -> tuple[Any, linkage.Linkage]:
    """As the stages do it: what is wanted, those sets, the decision; which items are kept, and their linkage."""
    decision = surplus.decide(bucket, sketches, None)
    wanted = linkage.link(bucket, sketches, None, decision).wanted
    found = (*flat(sets, wanted), ~wanted)
    decision = surplus.decide(bucket, sketches, found)
    return decision.original < 0, linkage.link(bucket, sketches, found, decision)


def of_texts(words: list[list[int]]) -> tuple[list[frozenset[int]], Any, Any]:
    data, offsets = documents(words)
    values, ends = shingle_sets(data, offsets)
    _, _, sketches = sketch.sketch(data, offsets)
    sets = [frozenset(values[a:b].tolist()) for a, b in itertools.pairwise(ends)]
    return sets, sketches, buckets(sketch.band_keys(sketches))


def in_groups(count: int, members: Callable[[int], list[int]]) -> Any:
    """(n, bands) of which band b holds the group that the function gives at b."""
    bucket = np.full((count, sketch.BANDS), -1, np.int32)
    for row in range(count):
        for band, group in enumerate(members(row)):
            bucket[row, band] = group
    return bucket


@given(corpora())
def test_real_sketches_give_the_components_of_the_definition(words: list[list[int]]) -> None:
    sets, sketches, bucket = of_texts(words)
    kept, found = two_passes(sets, sketches, bucket)
    first = components(sets, bucket)
    assert found.linked.tolist() == [bool(kept[row]) and first[row] != row for row in range(len(sets))]
    assert not found.perhaps.any()


@given(WINDOWS, st.integers(0, 2**32 - 1))
def test_two_passes_are_exact_when_every_pair_needs_an_exact_answer(
    windows: list[tuple[int, int]], seed: int
) -> None:
    sets = [frozenset(range(start, start + length)) for start, length in windows]
    rng = np.random.default_rng(seed)  # each item is in one of two groups of either of two bands, or in none
    group = rng.integers(-1, 2, (len(sets), 2))
    bucket = in_groups(
        len(sets), lambda row: [int(group[row, 0]), int(group[row, 1]) + 2 * (group[row, 1] >= 0)]
    )
    kept, found = two_passes(sets, ideal_sketches(sets), bucket)
    first = components(sets, bucket)
    assert found.linked.tolist() == [bool(kept[row]) and first[row] != row for row in range(len(sets))]
    assert not found.perhaps.any()


@given(corpora(), st.integers(0, 30), st.sampled_from([1, 500, 10**9]))
def test_what_a_bound_cuts_is_a_range_that_holds_the_truth(
    words: list[list[int]], pairs: int, shingles: int
) -> None:
    sets, sketches, bucket = of_texts(words)
    with (
        mock.patch.object(linkage, "GROUP_PAIRS", pairs + 1),
        mock.patch.object(linkage, "GROUP_SHINGLES", shingles),
    ):
        kept, found = two_passes(sets, sketches, bucket)
    first = components(sets, bucket)
    truth = sum(bool(kept[row]) and first[row] != row for row in range(len(sets)))
    least = int(found.linked.sum())
    assert least <= truth <= least + int(found.perhaps.sum())
    assert not (found.linked & found.perhaps).any()
    assert kept[found.linked | found.perhaps].all()


def test_a_chain_is_one_cluster() -> None:
    sets = [frozenset(range(i, i + 14)) for i in range(200)]  # neighbours at J = 13/15, the next at 12/16
    bucket = in_groups(200, lambda row: [0])
    kept, found = two_passes(sets, ideal_sketches(sets), bucket)
    assert (kept.sum(), found.linked.sum()) == (100, 99)


def test_two_kept_items_are_one_cluster_through_a_surplus_one_alone() -> None:
    sets = [frozenset(range(14)), frozenset(range(2, 16)), frozenset(range(1, 15))]
    bridged, apart = in_groups(3, lambda row: [0]), in_groups(3, lambda row: [0, -1] if row < 2 else [-1, -1])
    assert two_passes(sets, ideal_sketches(sets), bridged)[1].linked.tolist() == [False, True, False]
    assert not two_passes(sets, ideal_sketches(sets), apart)[1].linked.any()


def test_surplus_items_that_verify_with_each_other_alone_bring_their_originals_together() -> None:
    a, b = frozenset(range(20)), frozenset(range(4, 24))  # J = 16/24
    sets = [
        a,
        b,
        frozenset(range(2, 22)),
        frozenset(range(3, 23)),
    ]  # of a 18/22, of b 19/21; each other 19/21
    bucket = in_groups(4, lambda row: [[0, -1, -1], [-1, 1, -1], [0, -1, 2], [-1, 1, 2]][row])
    kept, found = two_passes(sets, ideal_sketches(sets), bucket)
    assert kept.tolist() == [True, True, False, False]
    assert found.linked.tolist() == [False, True, False, False]


def test_a_lost_set_may_be_near() -> None:
    sets = [frozenset(range(20)), frozenset(range(4, 24)), frozenset(range(2, 22))]
    bucket = in_groups(3, lambda row: [0])
    values, ends = flat(sets, [True, False, True])
    lost = np.array([False, True, False])
    decision = surplus.decide(bucket, ideal_sketches(sets), (values, ends, lost))
    found = linkage.link(bucket, ideal_sketches(sets), (values, ends, lost), decision)
    assert decision.original.tolist() == [-1, -1, 0]
    assert (found.linked.tolist(), found.perhaps.tolist()) == ([False] * 3, [False, True, False])


@pytest.mark.parametrize("count", [20_000])
def test_a_crowd_of_nearly_equal_items_costs_no_pairs(count: int) -> None:
    """Two kept items, all others near the first: with pairs this would be 2 × 10⁸ comparisons in each band."""
    base = np.arange(128, dtype=np.uint32)
    sketches = np.tile(base, (count, 1))
    sketches[:, 127] = np.arange(count)
    sketches[1, :40] += 1000  # far from all
    bucket = np.tile(np.arange(sketch.BANDS, dtype=np.int32), (count, 1))
    with mock.patch.object(linkage, "GROUP_PAIRS", 2 * count):
        found = linkage.link(bucket, sketches, None, surplus.decide(bucket, sketches, None))
    assert not found.linked.any()
    assert not found.perhaps.any(), "no bound was reached"
