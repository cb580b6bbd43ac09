import hmac
import math
from collections import Counter
from fractions import Fraction
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import UsageError
from dqv.trust import sampling

ROOT = sha256(b"root").digest()
sizes = st.integers(1, 60).flatmap(lambda objects: st.tuples(st.just(objects), st.integers(1, objects)))


def exact(objects: int, count: int, changed: int) -> Fraction:
    """By counting: one less those draws that miss all changed objects, of all draws."""
    return 1 - Fraction(math.comb(objects - changed, count), math.comb(objects, count))


@given(sizes, st.integers(0, 60))
def test_the_chance_is_the_hypergeometric_one(size: tuple[int, int], changed: int) -> None:
    objects, count = size
    changed = min(changed, objects)
    assert sampling.chance(objects, count, changed) == pytest.approx(
        float(exact(objects, count, changed)), abs=1e-9
    )


@given(sizes, st.sampled_from([0.5, 0.95, 0.99, 0.999]))
def test_detectable_is_the_least_number_of_changed_objects(size: tuple[int, int], confidence: float) -> None:
    objects, count = size
    found = sampling.detectable(objects, count, confidence)
    assert sampling.chance(objects, count, found) >= confidence
    assert found == 1 or sampling.chance(objects, count, found - 1) < confidence


@pytest.mark.parametrize(
    ("share", "counts"), [(0.05, (59, 90, 135)), (0.01, (299, 459, 688)), (0.001, (2995, 4603, 6905))]
)
def test_samples_of_large_datasets_are_those_of_the_tables(share: float, counts: tuple[int, ...]) -> None:
    objects = 10**9
    for count, confidence in zip(counts, (0.95, 0.99, 0.999), strict=True):
        assert sampling.detectable(objects, count, confidence) <= share * objects
        assert sampling.detectable(objects, count - 1, confidence) > share * objects


@pytest.mark.parametrize(("objects", "count", "changed"), [(1000, 59, 50), (300, 30, 10), (40, 10, 3)])
def test_ten_thousand_spot_checks_notice_as_often_as_theory_says(
    objects: int, count: int, changed: int
) -> None:
    tries = 10_000
    bad = {number * objects // changed for number in range(changed)}
    noticed = sum(
        not bad.isdisjoint(sampling.draw(nonce.to_bytes(32), ROOT, objects, count)) for nonce in range(tries)
    )
    chance = float(exact(objects, count, changed))
    error = math.sqrt(chance * (1 - chance) / tries)
    assert abs(noticed / tries - chance) < 3.3 * error  # one in a thousand would be further off


def test_every_object_is_drawn_as_often_as_any_other() -> None:
    objects, count, tries = 12, 5, 10_000
    drawn = Counter(
        each for nonce in range(tries) for each in sampling.draw(nonce.to_bytes(32), ROOT, objects, count)
    )
    share = count / objects
    error = math.sqrt(share * (1 - share) / tries)
    assert all(abs(drawn[number] / tries - share) < 4 * error for number in range(objects))


@given(sizes, st.binary(min_size=32, max_size=32))
def test_as_many_different_objects_are_drawn_as_asked(size: tuple[int, int], nonce: bytes) -> None:
    objects, count = size
    drawn = sampling.draw(nonce, ROOT, objects, count)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == count
    assert all(0 <= each < objects for each in drawn)
    assert sampling.draw(nonce, ROOT, objects, objects) == list(range(objects))


@given(sizes, st.binary(min_size=32, max_size=32))
def test_whoever_has_the_nonce_can_draw_the_same(size: tuple[int, int], nonce: bytes) -> None:
    """The docstring's definition, written down again."""
    objects, count = size
    seed = hmac.new(nonce, ROOT, sha256).digest()
    chosen: list[int] = []
    for number in range(count):
        below = objects - count + number + 1
        value = int(hmac.new(seed, number.to_bytes(8), sha256).hexdigest(), 16) % below
        chosen.append(below - 1 if value in chosen else value)
    assert sampling.draw(nonce, ROOT, objects, count) == sorted(chosen)


def test_another_nonce_or_root_draws_others() -> None:
    draws = {
        tuple(sampling.draw(nonce, root, 1000, 20))
        for nonce in (bytes(32), b"\1" * 32)
        for root in (ROOT, sha256(b"other").digest())
    }
    assert len(draws) == 4


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("300", 300),
        ("5000", 1000),
        ("5%", 50),
        ("0.01%", 1),
        ("0.25 %", 3),
        ("100%", 1000),
        ("10GB", 100),
        ("1 B", 1),
        ("150 MB", 2),
        ("1 TB", 1000),
    ],
)
def test_a_sample_is_a_number_a_share_or_a_size(text: str, count: int) -> None:
    assert sampling.parse(text).count(1000, 100 * 10**9) == count


def test_a_sample_of_empty_objects_is_bounded() -> None:
    assert sampling.parse("1 GB").count(7, 0) == 7


@pytest.mark.parametrize(
    "text", ["", "0", "-3", "0%", "101%", "1.5", "many", "5 h", "0 GB", "10 XB", "٣", "1e3", "9" * 30]
)
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--sample"):
        sampling.parse(text)
