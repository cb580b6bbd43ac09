import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import join, sketch, surplus
from dqv.neardup.tokens import intersection, shingle_sets


def near(a: frozenset[int], b: frozenset[int]) -> bool:
    """J ≥ 0.8, in whole numbers; the threshold itself is near."""
    return 5 * len(a & b) >= 4 * len(a | b)


def sequential(sets: list[frozenset[int]], bucket: Any = None) -> list[int]:
    """The definition itself: for each item the first kept item it has a verified pair with, or −1.

    With buckets, over the pairs that share one: what the sketches do not propose (0.2 % at J = 0.8) nobody sees.
    """
    kept: list[int] = []
    fate = []
    for i, mine in enumerate(sets):
        seen = [k for k in kept if bucket is None or ((bucket[i] == bucket[k]) & (bucket[i] >= 0)).any()]
        found = next((k for k in seen if mine and near(mine, sets[k])), -1)
        fate.append(found)
        if found < 0:
            kept.append(i)
    return fate


def flat(sets: list[frozenset[int]], wanted: Any) -> tuple[Any, Any]:
    """The wanted sets one after the other, and their offsets; the others are empty."""
    chosen = [sorted(each) if want else [] for each, want in zip(sets, wanted, strict=True)]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in chosen])]).astype(np.int64)
    return np.array([value for each in chosen for value in each], np.uint64), ends


def two_passes(sets: list[frozenset[int]], sketches: Any, bucket: Any) -> list[int]:
    """As the stages do it: what is wanted, those sets, the decision."""
    wanted = surplus.decide(bucket, sketches, None).wanted
    values, ends = flat(sets, wanted)
    lost = ~wanted  # whoever was not wanted must not be asked for
    decision = surplus.decide(bucket, sketches, (values, ends, lost))
    assert decision.unverified == 0
    return [int(each) for each in decision.original]


def buckets(keys: Any) -> Any:
    """(n, bands) numbers of the keys that are shared, distinct over all bands; −1 where nobody else is."""
    columns = [join.crowded(np.ascontiguousarray(keys[:, band])) for band in range(keys.shape[1])]
    before = np.cumsum([0, *(count for _, count in columns)])
    shifted = [
        np.where(number < 0, -1, number + start) for (number, _), start in zip(columns, before, strict=False)
    ]
    return np.stack(shifted, 1).astype(np.int32)


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
    bucket = np.zeros((len(sets), sketch.BANDS), np.int32)  # all in one crowded bucket
    assert two_passes(sets, ideal_sketches(sets), bucket) == sequential(sets)


@given(WINDOWS)
def test_two_passes_give_the_sequential_definition_when_the_first_compares_hardly_anyone(
    windows: list[tuple[int, int]],
) -> None:
    sets = [frozenset(range(start, start + length)) for start, length in windows]
    bucket = np.zeros((len(sets), sketch.BANDS), np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surplus, "MOST_COMPARED", 1)
        assert two_passes(sets, ideal_sketches(sets), bucket) == sequential(sets)


def test_a_crowd_that_the_estimate_does_not_settle_is_wanted_in_linear_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(surplus, "_advance", surplus._advance.py_func)
    compared = 0

    def agreement(a: Any, b: Any) -> int:
        nonlocal compared
        compared += 1
        return 100

    monkeypatch.setattr(surplus, "agreement", agreement)
    monkeypatch.setattr(surplus, "MOST_COMPARED", 4)
    bucket, sketches = np.zeros((400, sketch.BANDS), np.int32), np.zeros((400, 128), np.uint32)
    assert surplus.decide(bucket, sketches, None).wanted.all()
    assert compared <= 400 * 4


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
    _, _, sketches = sketch.sketch(data, offsets)
    bucket = buckets(sketch.band_keys(sketches))
    found, expected = two_passes(sets, sketches, bucket), sequential(sets, bucket)
    assert [each >= 0 for each in found] == [each >= 0 for each in expected]
    for mine, original in enumerate(found):
        if original >= 0:
            assert found[original] < 0, "the original was kept"
            assert near(sets[mine], sets[original])


@pytest.mark.parametrize(("shared", "original"), [(7, -1), (8, 0), (9, 0)])
def test_the_threshold_itself_is_near(shared: int, original: int) -> None:
    """Sets of 9 that share `shared` of 10 or so: 8 of 10 is J = 0.8."""
    sets = [frozenset(range(9)), frozenset([*range(shared), *range(100, 109 - shared)])]
    if shared == 8:
        assert len(sets[0] & sets[1]) * 5 == len(sets[0] | sets[1]) * 4
    found = two_passes(sets, ideal_sketches(sets), np.zeros((2, sketch.BANDS), np.int32))
    assert found == [-1, original]


def test_the_original_is_the_first_kept_item_and_its_likeness_is_told() -> None:
    sets = [frozenset(range(20)), frozenset(range(1, 21)), frozenset(range(20))]
    bucket, sketches = np.zeros((3, sketch.BANDS), np.int32), ideal_sketches(sets)
    values, ends = flat(sets, [True] * 3)
    decision = surplus.decide(bucket, sketches, (values, ends, np.zeros(3, np.bool_)))
    assert decision.original.tolist() == [-1, 0, 0]
    assert (decision.shared[1], decision.of[1], decision.shared[2], decision.of[2]) == (19, 21, 20, 20)


def test_a_lost_set_leaves_its_pair_unverified() -> None:
    sets = [frozenset(range(20)), frozenset(range(20))]
    values, ends = flat(sets, [True, False])
    bucket = np.zeros((2, sketch.BANDS), np.int32)
    decision = surplus.decide(bucket, ideal_sketches(sets), (values, ends, np.array([False, True])))
    assert decision.unverified == 1
    assert decision.original.tolist() == [-1, -1]


def test_a_chain_is_about_half_surplus_not_one_cluster() -> None:
    sets = [frozenset(range(i, i + 14)) for i in range(200)]  # neighbours at J = 13/15, the next at 12/16
    fate = two_passes(sets, ideal_sketches(sets), np.zeros((200, sketch.BANDS), np.int32))
    assert fate == sequential(sets)
    assert sum(each >= 0 for each in fate) == 100


@given(st.lists(st.integers(0, 5), max_size=60))
def test_firsts_name_the_first_of_equals(labels: list[int]) -> None:
    hashes = np.array([[label * 7, label % 2] for label in labels], np.uint64).reshape(-1, 2)
    assert surplus.firsts(hashes).tolist() == [labels.index(label) for label in labels]


@given(st.frozensets(st.integers(0, 50)), st.frozensets(st.integers(0, 50)))
def test_intersection_counts_what_two_sets_share(a: frozenset[int], b: frozenset[int]) -> None:
    arrays = [np.array(sorted(each), np.uint64) for each in (a, b)]
    assert intersection(*arrays) == len(a & b)
