from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import sketch, surplus

ALL = 2**64 - 1


def mixed(x: int) -> int:
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & ALL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & ALL
    return x ^ (x >> 31)


def reference(elements: set[int], of: int) -> list[int]:
    """The paper's definition in plain Python: all rounds, whatever the slots hold already."""
    slots, top = [(2 * of, 0)] * of, {128: 57, 256: 56}[of]
    for number in range(2 * of):
        for element in elements:
            slot = element >> top if number < of else number - of
            slots[slot] = min(slots[slot], (number, element & (2 ** (top - 1) - 1)))
        elements = {mixed((element + 0x9E3779B97F4A7C15) & ALL) for element in elements}
    return [number << (top - 1) | value for number, value in slots]


def filled(elements: Any, of: int = 128) -> Any:
    slots = np.empty(of, np.uint64)
    sketch.fill(np.array(elements, np.uint64), slots)
    return slots


HASHES = st.sets(st.integers(0, ALL), min_size=1, max_size=40)


@given(HASHES, st.sampled_from([128, 256]))
def test_stopping_when_every_slot_is_full_gives_what_all_rounds_give(elements: set[int], of: int) -> None:
    assert filled(sorted(elements), of).tolist() == reference(elements, of)


@given(HASHES, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(elements: set[int], random: Any) -> None:
    again = [*elements, *random.sample(sorted(elements), len(elements) // 2)]
    random.shuffle(again)
    assert (filled(again) == filled(sorted(elements))).all()


@given(HASHES, HASHES)
def test_the_sketch_of_a_union_is_the_least_of_its_parts(a: set[int], b: set[int]) -> None:
    assert (filled(sorted(a | b)) == np.minimum(filled(sorted(a)), filled(sorted(b)))).all()


def test_a_document_without_a_token_has_a_sketch_of_ones_that_means_nothing() -> None:
    data = np.frombuffer("… a".encode(), np.uint8)
    counts, normal, sketches = sketch.sketch(data, np.array([0, 0, 4, 5]))
    assert counts.tolist() == [0, 0, 1]
    assert (sketches[:2] == 2**32 - 1).all()
    assert (normal[0] == normal[1]).all()
    assert not (sketches[2] == 2**32 - 1).any()


def estimates(shared: int, a_only: int, b_only: int, pairs: int, slots: int = 128) -> Any:
    """Estimates of the similarity of random sets."""
    rng = np.random.default_rng([shared, a_only, b_only])
    low = np.uint64(2**32 - 1)
    out = []
    for _ in range(pairs):
        elements = rng.integers(0, ALL, shared + a_only + b_only, np.uint64, endpoint=True)
        a, b = (
            filled(elements[: shared + a_only], slots),
            filled(np.delete(elements, slice(shared, shared + a_only)), slots),
        )
        out.append(sketch.agreement(a & low, b & low) / slots)
    return np.array(out)


@pytest.mark.parametrize("of", [10, 50, 300, 2000, 20_000])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.8, 0.9])
@pytest.mark.parametrize(("within", "slots"), [(False, 128), (True, 128), (False, 256)])
def test_agreement_has_no_bias_and_spreads_no_wider_than_minhash(
    share: float, of: int, within: bool, slots: int
) -> None:
    """The mean lies within four standard errors of J, the variance below J(1 − J)/slots and four errors.

    The sets are of one size, or one lies within the other.
    """
    pairs = 100 if of == 20_000 else 400
    shared = round(share * of)
    b_only = 0 if within else (of - shared) // 2
    found = estimates(shared, of - shared - b_only, b_only, pairs, slots)
    variance = share * (1 - share) / slots
    assert abs(found.mean() - share) < 4 * np.sqrt(variance / pairs)
    assert found.var() < variance * (1 + 4 * np.sqrt(2 / pairs))


@pytest.mark.parametrize(
    ("shared", "a_only", "b_only"),
    [(1, 1, 0), (1, 0, 3), (1, 1, 1), (1, 9_999, 0), (2, 19_998, 0), (100, 19_900, 0)],
)
def test_nor_has_it_for_sets_of_one_element_or_very_unequal_size(
    shared: int, a_only: int, b_only: int
) -> None:
    share = shared / (shared + a_only + b_only)
    found = estimates(shared, a_only, b_only, 400)
    assert abs(found.mean() - share) < 4 * np.sqrt(share * (1 - share) / 128 / 400)


@pytest.mark.parametrize("size", [1, 2, 5, 128, 20_000])
def test_equal_sets_agree_everywhere_and_disjoint_ones_nowhere(size: int) -> None:
    assert (estimates(size, 0, 0, 20) == 1).all()
    assert (estimates(0, size, size, 20) == 0).all()


@pytest.mark.parametrize(
    ("slots", "share", "least", "most"),
    [(128, 0.8, 0.994, 1), (128, 0.5, 0.24, 0.33), (256, 0.8, 0.998, 1), (256, 0.5, 0.2, 0.29)],
)
def test_bands_propose_the_pairs_that_theory_says(
    slots: int, share: float, least: float, most: float
) -> None:
    """At J = 0.8, 1 − (1 − J⁶)²¹ = 0.9983 and 1 − (1 − J⁷)³⁶ = 0.9998; at 0.5, 0.28 and 0.25; four standard errors."""
    rng = np.random.default_rng(7)
    first = rng.integers(0, 1 << 32, (2000, slots), dtype=np.uint32)
    other = rng.integers(0, 1 << 32, (2000, slots), dtype=np.uint32)
    other = np.where(rng.random((2000, slots)) < share, first, other)
    same = sketch.band_keys(first) == sketch.band_keys(other)
    assert least < same.any(axis=1).mean() <= most


@pytest.mark.parametrize("slots", [128, 256])
def test_an_estimate_decides_only_beyond_doubt(slots: int) -> None:
    """At J = 0.8 the tails of independent slots beyond the limits are below 7 × 10⁻⁷, and no limit could be nearer."""
    alike = [comb(slots, k) * Fraction(4, 5) ** k * Fraction(1, 5) ** (slots - k) for k in range(slots + 1)]
    sure, unsure = surplus.SURE_SLOTS[slots], surplus.UNSURE_SLOTS[slots]
    beyond = Fraction(7, 10**7)
    assert sum(alike[sure:]) < beyond < sum(alike[sure - 1 :])
    assert sum(alike[:unsure]) < beyond < sum(alike[: unsure + 1])
