"""Keys that meet, and what hangs together through them, against the plain way."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import join


@given(st.lists(st.integers(0, 12), max_size=80))
def test_keys_that_occur_twice_are_numbered_in_the_order_of_their_first_rows(keys: list[int]) -> None:
    number, count = join.crowded(np.array([key << 33 for key in keys], np.uint64))
    often = [key for key in dict.fromkeys(keys) if Counter(keys)[key] > 1]
    assert count == len(often)
    assert number.tolist() == [often.index(key) if key in often else -1 for key in keys]


@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.lists(st.integers(0, n - 1), max_size=5)))
    )
)
def test_a_bin_holds_whole_crowds(made: tuple[int, list[list[int]]]) -> None:
    n, groups = made
    parent = np.arange(n)
    numbers = np.array([at for at, group in enumerate(groups) for _ in group], np.int64)
    join.unite(parent, numbers, np.array([row for group in groups for row in sorted(group)], np.int64))
    label = list(range(n))
    for group in groups:
        for row in group:
            old, new = label[row], label[group[0]]
            label = [new if each == old else each for each in label]
    for size in (1, 3, n):
        bins = join.bins(parent, size)
        crowds = [[i for i in range(n) if label[i] == one] for one in dict.fromkeys(label)]
        assert all(len({int(bins[i]) for i in crowd}) == 1 for crowd in crowds)
        held = Counter(bins.tolist())
        assert sorted(held) == list(range(len(held)))
        assert all(held[number] >= size for number in range(len(held) - 1))
        if size == 1:
            assert len(held) == len(crowds)
