from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dqv.neardup import films, pictures

U8 = npt.NDArray[np.uint8]
STEP_MS = 40


@cache
def textured(seed: int, height: int, width: int) -> U8:
    """Soft shapes of several sizes."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    out = np.full((height, width), 128.0)
    for _ in range(60):
        top, left, side = random.uniform((0, 0, 15), (height, width, 120))
        out += random.uniform(-45, 45) / (
            1 + np.exp(((np.hypot(y - top, x - left) - side / 2) / 2).clip(-50, 50))
        )
    whole: U8 = out.clip(0, 255).astype(np.uint8)
    return whole


def with_object(grey: U8, x: int, y: int) -> U8:
    out = grey.copy()
    out[y : y + 14, x : x + 14] = np.where(out[y : y + 14, x : x + 14] > 128, 30, 220)
    return out


@dataclass
class Clip:
    """A video in memory: a picture every 40 ms, and which of them are key pictures.

    Attributes:
        draw: the picture of a number.
        first: number of the first picture.
        frames: how many there are.
        gop: of them one is a key picture.
        asked: times that were asked for.
    """

    draw: Callable[[int], U8]
    first: int = 0
    frames: int = 200
    gop: int = 50
    asked: list[tuple[int, int]] = field(default_factory=list)
    decoded: int = 0

    def grey(self, number: int) -> U8:
        return self.draw(self.first + number)

    def shown(self, number: int) -> films.Shown:
        grey = self.grey(number)
        height, width = (side // films.CELLS for side in grey.shape)
        cells = grey.reshape(films.CELLS, height, films.CELLS, width).mean((1, 3)).astype(np.uint8)
        return films.Shown(number * STEP_MS, cells, lambda: grey)

    def pictures(self, first_ms: int, last_ms: int) -> Iterator[films.Shown]:
        self.asked.append((first_ms, last_ms))
        for number in range(self.frames):
            if (number + 1) * STEP_MS > first_ms and number * STEP_MS <= last_ms:
                self.decoded += 1
                yield self.shown(number)

    def fingerprint(self, run: int = 60) -> bytes | None:
        numbers = sorted({*range(min(run, self.frames)), *range(0, self.frames, self.gop)})
        known = {n * STEP_MS: pictures.fingerprint(self.shown(n).cells) for n in numbers}
        return films.packed(0, self.frames * STEP_MS, -(-self.frames // self.gop), known)


WIDE = textured(1, 256, 2048)


def moving(number: int) -> U8:
    """A shot that never stands still."""
    return WIDE[:, 4 * number : 4 * number + 320]


def fixed(seed: int) -> Callable[[int], U8]:
    """One fixed camera; an object of its own that moves."""
    ground = textured(2, 256, 320)

    def draw(number: int) -> U8:
        return with_object(ground, 20 + (number * (seed + 1) + 61 * seed) % 280, 20 + 50 * seed % 210)

    return draw


def compared(a: Clip, b: Clip, run: int = 60) -> films.Match:
    ours, theirs = a.fingerprint(run), b.fingerprint(run)
    assert ours is not None
    assert theirs is not None
    return films.verify(ours, theirs, a, b)


# --- fingerprints


def test_a_fingerprint_keeps_what_is_told_by_time() -> None:
    known = {80: (np.uint64(5), False), -40: (np.uint64(2**64 - 1), False), 40: (np.uint64(7), True)}
    made = films.packed(-40, 120, 3, known)
    assert made is not None
    film = films.unpacked(made)
    assert (film.first_ms, film.last_ms, film.keys, film.length_ms, film.gap_ms) == (-40, 120, 3, 160, 53)
    assert film.times_ms.tolist() == [-40, 80]
    assert film.hashes.tolist() == [2**64 - 1, 5]
    assert len(made) == 20 + 2 * 16


@pytest.mark.parametrize("flat", [(True, True, True), (False, True, True)])
def test_fewer_than_two_pictures_that_tell_something_are_no_fingerprint(flat: tuple[bool, ...]) -> None:
    known = {40 * number: (np.uint64(number), each) for number, each in enumerate(flat)}
    assert films.packed(0, 120, 1, known) is None


def test_absurd_times_are_no_fingerprint() -> None:
    known = {n: (np.uint64(n), False) for n in range(3)}
    assert films.packed(0, 1 << 48, 1, known) is not None
    assert films.packed(0, 1 << 60, 1, known) is None
    assert films.packed(-(1 << 70), 100, 1, known) is None


# --- candidates


def film_of(hashes: list[int]) -> bytes | None:
    return films.packed(0, 1000, 1, {n: (np.uint64(h), False) for n, h in enumerate(hashes)})


def spread(number: int) -> int:
    """Hashes far apart."""
    return number * 0x9E3779B97F4A7C15 % 2**64


def pairs_of(found: films.Candidates) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in found.pairs]


@example([[spread(1), spread(1)]] * 10)
@given(
    st.lists(
        st.none()
        | st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7)), min_size=2, max_size=4).map(
            lambda drawn: [spread(a + 1) ^ ((1 << 3 * b) - 1) for a, b in drawn]
        ),
        max_size=12,
    )
)
@settings(deadline=None, max_examples=60)
def test_candidates_share_a_hash_to_seven_bits(drawn: list[list[int] | None]) -> None:
    """However many one has: `test_a_crowd_lists_its_first_videos_and_says_so` is for more than are compared."""
    with mock.patch.object(films, "MOST_CANDIDATES", len(drawn)):
        found = films.candidates([None if each is None else film_of(each) for each in drawn])

    def leaders(hashes: list[int]) -> list[int]:
        kept: list[int] = []
        for each in hashes:
            if all((each ^ other).bit_count() > 2 for other in kept):
                kept.append(each)
        return kept

    def shares(one: list[int] | None, other: list[int] | None) -> bool:
        if one is None or other is None:
            return False
        return any((a ^ b).bit_count() <= 7 for a in leaders(one) for b in leaders(other))

    expected = [(i, k) for k in range(len(drawn)) for i in range(k) if shares(drawn[i], drawn[k])]
    assert sorted(pairs_of(found), key=lambda pair: (pair[1], pair[0])) == expected
    assert not found.crowded.any()
    assert (found.votes > 0).all()


def test_those_that_share_most_come_first() -> None:
    hashes = [spread(n) for n in range(1, 9)]
    found = films.candidates(
        [film_of(hashes[:2]), film_of(hashes[:5]), film_of(hashes[2:5]), film_of(hashes)]
    )
    assert pairs_of(found) == [(0, 1), (1, 2), (1, 3), (2, 3), (0, 3)]
    assert found.votes.tolist() == [2, 3, 5, 3, 2]


def test_a_crowd_lists_its_first_videos_and_says_so() -> None:
    count = films.CROWD + 20
    one_scene: list[bytes | None] = [film_of([spread(1), spread(2)])] * count
    found = films.candidates([*one_scene, film_of([spread(3), spread(4)])])
    assert len(found.pairs) == sum(min(k, films.CROWD, films.MOST_CANDIDATES) for k in range(count))
    assert int(found.pairs[:, 0].max()) == min(films.CROWD, films.MOST_CANDIDATES) - 1
    least = min(films.CROWD, films.MOST_CANDIDATES + 1)
    assert found.crowded.tolist() == [False] * least + [True] * (count - least) + [False]


def test_twenty_thousand_copies_are_proposed_in_bounded_room() -> None:
    count = 20_000
    found = films.candidates([film_of([spread(1), spread(2), spread(3)])] * count)
    assert len(found.pairs) <= count * films.MOST_CANDIDATES
    assert set(found.pairs[:, 1].tolist()) == set(range(1, count))


def test_no_videos_have_no_candidates() -> None:
    for none in ([], [None], [None, None]):
        assert films.candidates(none).pairs.shape == (0, 2)


# --- verification


@pytest.mark.parametrize("gop", [12, 50, 200])
@pytest.mark.parametrize("first", [0, 30, -30])
def test_the_same_moving_shot_is_found_whatever_the_key_pictures(gop: int, first: int) -> None:
    a, b = Clip(moving, first=40), Clip(moving, first=40 + first, gop=gop)
    match = compared(a, b)
    assert match.is_verified
    assert match.offset_ms == -first * STEP_MS
    assert match.difference < 0.1
    assert compared(b, a).offset_ms == first * STEP_MS


def test_no_more_is_decoded_than_settles_it() -> None:
    a, b = Clip(moving), Clip(moving)
    match = compared(a, b)
    assert (match.frames, match.of) == (4, 4)
    assert len(a.asked) == len(b.asked) == 4
    other = Clip(lambda number: moving(number) if number < 60 else textured(number // 8, 256, 320))
    failed = compared(Clip(moving), other)
    assert not failed.is_verified
    assert failed.of - failed.frames == 5


def test_a_shared_beginning_is_not_half_of_the_moments() -> None:
    other = Clip(lambda number: moving(number) if number < 80 else textured(number // 8, 256, 320))
    assert not compared(Clip(moving), other).is_verified
    enough = Clip(lambda number: moving(number) if number < 120 else textured(number // 8, 256, 320))
    assert compared(Clip(moving), enough).is_verified


@pytest.mark.parametrize("seeds", [(0, 1), (0, 2), (1, 2), (2, 3)])
def test_other_objects_before_one_fixed_camera_are_other_videos(seeds: tuple[int, int]) -> None:
    a, b = (Clip(fixed(seed)) for seed in seeds)
    assert len(films.candidates([a.fingerprint(), b.fingerprint()]).pairs) == 1
    assert not compared(a, b).is_verified


@pytest.mark.parametrize("first", [0, 25, 60])
def test_a_fixed_camera_s_own_copy_is_found_though_hashes_leave_the_offset_open(first: int) -> None:
    match = compared(Clip(fixed(0)), Clip(fixed(0), first=first, gop=20))
    assert match.is_verified
    assert match.offset_ms == pytest.approx(-first * STEP_MS, abs=2 * STEP_MS)


def test_flat_moments_are_left_out() -> None:
    def draw(number: int) -> U8:
        return moving(number) if number < 60 else np.full((256, 320), 9, np.uint8)

    match = compared(Clip(draw), Clip(draw, gop=20))
    assert match.is_verified
    assert match.of <= 3


def test_one_moment_proves_nothing() -> None:
    def draw(number: int) -> U8:
        return moving(number) if 85 < number < 105 else np.full((256, 320), 9, np.uint8)

    clip = Clip(draw, gop=1)
    match = compared(clip, clip)
    assert (match.frames, match.of, match.is_verified) == (1, 1, False)


def test_what_lasts_much_longer_has_moments_that_the_other_has_not() -> None:
    assert not compared(Clip(moving, frames=400), Clip(moving, frames=150)).is_verified
    assert compared(Clip(moving, frames=400), Clip(moving, frames=250)).is_verified


def test_nothing_shared_compares_nothing() -> None:
    a, b = Clip(moving), Clip(lambda number: textured(number // 50, 256, 320))
    assert compared(a, b) == films.Match(0, 0, 0, 0.0)
    assert not a.asked
    assert not b.asked


def test_pictures_that_cannot_be_had_fail() -> None:
    class Gone(Clip):
        def pictures(self, first_ms: int, last_ms: int) -> Iterator[films.Shown]:
            return iter(())

    for a, b in ((Clip(moving), Gone(moving)), (Gone(moving), Clip(moving))):
        match = compared(a, b)
        assert (match.frames, match.is_verified) == (0, False)


def test_what_is_decoded_of_a_long_fixed_camera_is_bounded() -> None:
    a, b = (Clip(fixed(seed), frames=4000) for seed in (0, 3))
    assert not compared(a, b).is_verified
    once = 2 * (films.SEARCH_MS + films.NEAR_MS) // STEP_MS + 2
    assert a.decoded + b.decoded <= once + 5 * (2 * films.NEAR_MS // STEP_MS + 2) + 5


def test_two_hashes_are_too_few_to_tell_the_offset() -> None:
    film = films.Film(0, 9000, 1, np.array([0, 4000]), np.array([5, spread(9)], np.uint64))
    other = films.Film(0, 9000, 1, np.array([1000]), np.array([5], np.uint64))
    assert films.offsets(film, other) == (1000 - films.SEARCH_MS, 1000 + films.SEARCH_MS)
    assert films.offsets(film, films.Film(0, 9, 1, np.array([0]), np.array([spread(7)], np.uint64))) is None


@st.composite
def graphs(draw: Any) -> tuple[int, npt.NDArray[np.int64], set[tuple[int, int]]]:
    """Candidates of up to 9 videos, and which pairs are near-duplicates."""
    count = draw(st.integers(0, 9))
    every = [(a, b) for b in range(count) for a in range(b)]
    pairs = [pair for pair in every if draw(st.booleans())]
    near = {pair for pair in every if draw(st.booleans())}
    return count, np.array(pairs, np.int64).reshape(-1, 2), near


@given(graphs())
@example((6, np.array([[0, 2], [2, 3], [1, 5], [3, 5]]), {(0, 2), (0, 3), (0, 5), (1, 5)}))
@settings(deadline=None)
def test_rounds_decide_as_one_after_the_other(
    made: tuple[int, npt.NDArray[np.int64], set[tuple[int, int]]],
) -> None:
    count, pairs, near = made
    original = [-1] * count
    for later in range(count):
        candidates = {int(a) for a, b in pairs if b == later}
        stand = sorted({original[k] if original[k] >= 0 else k for k in candidates})
        original[later] = next((k for k in stand if (k, later) in near), -1)
    decisions = films.Decisions(count, pairs)
    told: set[tuple[int, int]] = set()
    while asked := decisions.asked():
        assert not told & set(asked)
        told |= set(asked)
        for pair in asked:
            decisions.tell(*pair, verified=pair in near)
    assert decisions.original.tolist() == original
