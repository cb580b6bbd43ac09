import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import minhash, surplus
from dqv.neardup.tokens import intersection, shingle_sets


def sequential(sets: list[frozenset[int]]) -> list[int]:
    """The definition itself: for each item the first kept item it has a verified pair with, or −1."""
    kept: list[int] = []
    fate = []
    for i, mine in enumerate(sets):
        found = next(
            (k for k in kept if mine and surplus.settle(len(mine & sets[k]), len(mine | sets[k]))), -1
        )
        fate.append(found)
        if found < 0:
            kept.append(i)
    return fate


def two_passes(sets: list[frozenset[int]], sketches: Any, bucket: Any) -> list[int]:
    """As the stages do it: candidates, exact answers for what was asked, decision."""
    ids = np.arange(len(sets), dtype=np.int64) * 10 + 3  # ids need not be rows
    _, _, later, earlier = surplus.decide(bucket, sketches, ids, None)
    order = np.lexsort((earlier, later))
    later, earlier = later[order], earlier[order]
    pairs = [(sets[(a - 3) // 10], sets[(b - 3) // 10]) for a, b in zip(later, earlier, strict=True)]
    near = np.array([surplus.settle(len(a & b), len(a | b)) for a, b in pairs], np.bool_)
    original, _, asked, _ = surplus.decide(bucket, sketches, ids, (later, earlier, near))
    assert asked.size == 0
    return [int(each) for each in original]


def ideal_sketches(sets: list[frozenset[int]], slots: int = 128) -> Any:
    """Sketches of which the agreement settles nothing: every pair has between 79 and 121 slots alike."""
    base = np.tile(np.arange(slots, dtype=np.uint32), (len(sets), 1))
    for row in range(len(sets)):
        base[row, 100:] = 10_000 + row
    return base


# Chains: item i holds a window that moves, so neighbours are near and ends are not.
WINDOWS = st.lists(st.tuples(st.integers(0, 12), st.integers(8, 12)), min_size=1, max_size=25)


@given(WINDOWS)
def test_two_passes_give_the_sequential_definition_when_every_pair_needs_an_exact_answer(
    windows: list[tuple[int, int]],
) -> None:
    sets = [frozenset(range(start, start + length)) for start, length in windows]
    bucket = np.zeros((len(sets), minhash.BANDS), np.int32)  # all in one crowded bucket
    assert two_passes(sets, ideal_sketches(sets), bucket) == sequential(sets)


def documents(words: list[list[int]]) -> tuple[Any, Any]:
    texts = [" ".join(f"w{word}" for word in each).encode() for each in words]
    data = np.frombuffer(b"".join(texts) or b"\0", np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    return data, offsets


@st.composite
def corpora(draw: Any) -> list[list[int]]:
    """Documents of which many are changed copies of earlier ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 40))
    out = [list(rng.integers(0, 10_000, 120))]
    for _ in range(count - 1):
        copy = list(out[int(rng.integers(len(out)))])
        for _ in range(int(rng.choice([0, 1, 2, 3, 4, 40]))):
            copy[int(rng.integers(len(copy)))] = int(rng.integers(10_000))
        out.append(copy)
    return out


@given(corpora())
def test_real_sketches_give_the_sequential_definition(words: list[list[int]]) -> None:
    data, offsets = documents(words)
    values, ends = shingle_sets(data, offsets)
    sets = [frozenset(values[a:b].tolist()) for a, b in itertools.pairwise(ends)]
    _, _, sketches = minhash.sketch(data, offsets)
    bucket = surplus.buckets(minhash.band_keys(sketches))
    found, expected = two_passes(sets, sketches, bucket), sequential(sets)
    assert [each >= 0 for each in found] == [each >= 0 for each in expected]
    for mine, original in enumerate(found):
        if original >= 0:
            assert found[original] < 0, "the original was kept"
            assert surplus.settle(len(sets[mine] & sets[original]), len(sets[mine] | sets[original]))


@pytest.mark.parametrize(
    ("shared", "of", "near"), [(4, 5, True), (799, 1000, False), (800, 1000, True), (801, 1000, True)]
)
def test_the_threshold_itself_is_near(shared: int, of: int, near: bool) -> None:
    assert surplus.settle(shared, of) == near


def test_a_chain_is_about_half_surplus_not_one_cluster() -> None:
    sets = [frozenset(range(i, i + 14)) for i in range(200)]  # neighbours at J = 13/15, the next at 12/16
    fate = two_passes(sets, ideal_sketches(sets), np.zeros((200, minhash.BANDS), np.int32))
    assert fate == sequential(sets)
    assert sum(each >= 0 for each in fate) == 100


@given(st.lists(st.integers(0, 5), max_size=60))
def test_firsts_name_the_first_of_equals(labels: list[int]) -> None:
    hashes = np.array([[label * 7, label % 2] for label in labels], np.uint64).reshape(-1, 2)
    assert surplus.firsts(hashes).tolist() == [labels.index(label) for label in labels]


@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), max_size=40))
def test_items_share_a_bucket_when_they_share_a_key_of_the_band(rows: list[list[int]]) -> None:
    keys = np.array(rows, np.uint64).reshape(-1, 3)
    bucket = surplus.buckets(keys)
    for i in range(len(rows)):
        for j in range(i):
            for band in range(3):
                together = bucket[i, band] == bucket[j, band] and bucket[i, band] >= 0
                assert together == (rows[i][band] == rows[j][band])
        for a in range(3):
            for b in range(a):
                assert bucket[i, a] < 0 or bucket[i, a] != bucket[i, b]


@given(st.frozensets(st.integers(0, 50)), st.frozensets(st.integers(0, 50)))
def test_intersection_counts_what_two_sets_share(a: frozenset[int], b: frozenset[int]) -> None:
    arrays = [np.array(sorted(each), np.uint64) for each in (a, b)]
    assert intersection(*arrays) == len(a & b)
