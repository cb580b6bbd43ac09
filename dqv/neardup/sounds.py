"""Near-duplicates of recordings: signs of band energies, candidates, alignment, kept and surplus.

Haitsma and Kalker, A Highly Robust Audio Fingerprinting System, ISMIR 2002: E(n, m) is the energy in frame n of band m
of 33, logarithmic between 300 and 2000 Hz; bit m of frame n says whether E(n, m) − E(n, m + 1) is larger than it was in
frame n − `LAG`. Another codec, rate or loudness changes few of these bits, another recording about half. Frames are 16
a second, each over 213 ms; before, everything becomes mono at 4,800 samples a second, so that all rates give the same
frames. Channels that cancel each other, and what sounds outside of these bands alone, are silence to it.

The limits were measured (`benchmarks/audio_near.py`). A frame that says nothing (silent, or steady as a hum, whose
signs are rounding) never matches. A pair is verified when, at the offset that fits best, at least 80 % of the sounding
frames of the one that has more say something over such frames of the other, and the share of wrong bits, and one
frame's worth over how many different frames there are, stay under `MOST_WRONG_PERMILLE`: two takes of one word by one
speaker differ in an eighth of the bits, beeps of about the same pitch in none, so the less there is to tell, the more
alike they must be, and five different frames are too few whatever they say.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.neardup.tokens import mix

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

RATE_HZ = 4800
"""Divides the usual rates well: 48,000 by 10, 16,000 by 10/3, 44,100 by 147/16."""

WINDOW, HOP, LAG = 1024, 300, 4
"""Samples at RATE_HZ; the lag in frames. A cut moves the frames by half a hop at most: with the lag of a quarter second
that changes 10–16 % of the bits, with one of a sixteenth 15–24 %."""

FRAMES_PER_SECOND = RATE_HZ // HOP

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 4000, 768_000
"""Recordings of other rates have no frames: the bands would be empty, or the filter without bound."""

LONGEST_S = 24 * 3600
"""Longer recordings have no frames either: what one takes, and comparing two of them, needs a bound."""

SILENT, STEADY = 0, 1
"""Values of frames that say nothing. Silent ones count for nothing; steady ones belong to what sounds and never match."""

QUIET_DBFS = -60
"""A frame whose bands hold less than noise of this level is silent."""

LEAST_CHANGE = 1 / 1024
"""A frame is steady where the changes of all bands are less than this share of its energy."""

MOST_WRONG_PERMILLE = 200
"""Wrong bits of a verified pair are fewer. Same recording: mostly under 0.07, where cut by half a hop up to 0.25, and
then not always found; different ones of 3 s and more: at least 0.42."""

CROWD = 64
"""So many kept recordings are listed under one value; more have it in common and it tells nothing."""

SHORT_FRAMES = 1024
"""Up to this length (64 s), values with one wrong bit propose too: a short recording that was cut may share none."""

VOTES_SHARE = 256
"""A candidate shares one frame in so many, at least one."""

PROBES = 64
"""Frames that decide the offset."""

_CHUNK_ROWS = 64
"""Rows between two signs of life."""

_FULL_SCALE = 8192
"""Samples are integers, of which ±1 is this: sums do not depend on their order, and ±4 has room."""

_SHIFT = 14
"""Coefficients of the filter are integers, of which 1 is 2 ** this; every sum of products fits into 32 bits."""

_PHASES = 48
"""Places between two samples for which the filter is tabled; exact for 8, 16, 32, 44.1, 48, 96 kHz."""

_HALF_WIDTH, _KAISER = 3, 3.0
"""The filter's half width, in samples at RATE_HZ, and its window's shape: what folds back onto 2,000 Hz comes 15 dB down,
onto 1,700 Hz 27 dB, and the same at all rates."""

_EDGES = np.round(np.geomspace(300, 2000, 34) * WINDOW / RATE_HZ).astype(np.int64)
_HANN = np.hanning(WINDOW + 1)[:-1] * 2.0**-_SHIFT
_QUIET = (_FULL_SCALE * 10 ** (QUIET_DBFS / 20)) ** 2 * WINDOW * (WINDOW * 3 / 8) / 2


@lru_cache(maxsize=16)
def _filter(rate_hz: int) -> npt.NDArray[np.int16]:
    """(phases, taps): a windowed sinc that passes what both rates hold, the same for all rates, its sum 2 ** _SHIFT."""
    reach = _HALF_WIDTH * max(rate_hz / RATE_HZ, 1)
    half = 16 * math.ceil(reach / 16)  # registers hold sixteen: the compiler's loop over taps has no rest
    at = np.arange(1 - half, half + 1) - np.arange(_PHASES)[:, None] / _PHASES
    window = np.where(abs(at) < reach, np.i0(_KAISER * np.sqrt(np.maximum(0, 1 - (at / reach) ** 2))), 0)
    taps = np.sinc(at * min(1, RATE_HZ / rate_hz)) * window
    whole: npt.NDArray[np.float64] = np.round(taps / taps.sum(1, keepdims=True) * 2.0**_SHIFT)
    return whole.astype(np.int16)


@numba.njit(nogil=True, cache=True)
def _mono(block: Any, out: Any) -> None:
    """Mix (n, channels) float32 into int16; NaN is 0."""
    channels = block.shape[1]
    scale, most = np.float32(_FULL_SCALE / channels), np.float32(32767)
    for t in range(block.shape[0]):
        value = block[t, 0]
        if channels == 2:
            value += block[t, 1]
        elif channels > 2:
            for c in range(1, channels):
                value += block[t, c]
        value *= scale
        if not abs(value) <= most:
            value = most if value > most else -most if value < -most else np.float32(0)
        out[t] = np.int16(value)


@numba.njit(nogil=True, cache=True)
def _resample(mono: Any, first: int, done: int, rate_hz: int, taps: Any, out: Any) -> int:
    """Make all the samples at RATE_HZ that `mono` reaches.

    Args:
        mono: (n,) int16.
        first: number of the sample mono[0] in the recording.
        done: samples made before.
        rate_hz: of mono.
        taps: of `_filter`.
        out: int32, in 2 ** _SHIFT of mono's.

    Returns:
        How many.
    """
    # Unsigned and by addition: signed division and slices would cost more than the sum of products.
    width, count = taps.shape[1], 0
    begin = done * rate_hz // RATE_HZ - width // 2 + 1 - first
    rest, step, step_rest = (
        np.uint64(done * rate_hz % RATE_HZ),
        rate_hz // RATE_HZ,
        np.uint64(rate_hz % RATE_HZ),
    )
    while begin + width <= mono.size:
        tap = taps[rest * np.uint64(_PHASES) // np.uint64(RATE_HZ)]
        heard = mono[np.uint64(begin) : np.uint64(begin + width)]
        total = np.int32(0)
        for k in range(width):
            total = np.int32(
                total + np.int32(np.int32(heard[k]) * np.int32(tap[k]))
            )  # int64 would cost twice
        out[count] = total
        count += 1
        begin += step
        rest += step_rest
        if rest >= np.uint64(RATE_HZ):
            rest -= np.uint64(RATE_HZ)
            begin += 1
    return count


@numba.njit(nogil=True, cache=True)
def _windows(low: Any, hann: Any, out: Any) -> None:
    """Cut (n, WINDOW) windows, HOP apart, out of samples at RATE_HZ."""
    for n in range(out.shape[0]):
        for k in range(WINDOW):
            out[n, k] = low[n * HOP + k] * hann[k]


@numba.njit(nogil=True, cache=True)
def _signs(spectrum: Any, edges: Any, falls: Any, out: Any) -> None:
    """Bits of frames.

    Args:
        spectrum: (n, WINDOW / 2 + 1) complex.
        edges: 34 bins.
        falls: (LAG + n, 32) energy of a band less that of the next; the first LAG are of the frames before.
        out: (n,) uint32.
    """
    for n in range(spectrum.shape[0]):
        energy = before = 0.0
        for m in range(33):
            band = 0.0
            for k in range(edges[m], edges[m + 1]):
                band += spectrum[n, k].real ** 2 + spectrum[n, k].imag ** 2
            if m:
                falls[LAG + n, m - 1] = before - band
            energy += band
            before = band
        bits, change = np.uint32(0), 0.0
        for m in range(32):
            rise = falls[LAG + n, m] - falls[n, m]
            bits = np.uint32(bits << np.uint32(1)) | np.uint32(rise > 0)
            change += abs(rise)
        if energy < _QUIET:
            bits = np.uint32(SILENT)
        elif change < LEAST_CHANGE * energy:
            bits = np.uint32(STEADY)
        out[n] = bits


class Fingerprint:
    """The frames of one recording, while its blocks pass: under 1 MB at usual rates, and 64 bytes a second.

    Frame n is centred n / 16 s behind the beginning; around the recording is silence.

    Args:
        sample_rate_hz: of the recording.
        channels: likewise.
    """

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._rate_hz, self._channels = sample_rate_hz, channels
        self._frames = bytearray()
        self._usable = LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ
        if not self._usable:
            return
        self._taps = _filter(sample_rate_hz)
        width = self._taps.shape[1]
        self._held = width // 2 - 1  # silence before the first sample
        self._first, self._done = -self._held, 0
        self._samples = np.zeros(
            sample_rate_hz + width, np.int16
        )  # a second: what is made of it stays in the caches
        self._low = np.zeros(WINDOW // 2, np.int32)
        self._falls = np.zeros((LAG, 32))

    def add(self, block: npt.NDArray[np.float32]) -> None:
        """Take (n, channels) samples; how they are cut into blocks changes nothing."""
        at = 0
        while self._usable and at < len(block):
            count = min(len(block) - at, self._samples.size - self._held)
            _mono(block[at : at + count], self._samples[self._held : self._held + count])
            self._held += count
            at += count
            if self._held == self._samples.size:
                self._pass_on()

    def finish(self) -> U32:
        """The frames; nothing can be added afterwards."""
        if self._usable:
            self.add(np.zeros((self._taps.shape[1] // 2, self._channels), np.float32))
            self._pass_on()
            self._transform(np.zeros(WINDOW // 2, np.int32))
        return np.frombuffer(bytes(self._frames), np.uint32)

    def _pass_on(self) -> None:
        """Resample what is held, but for what the next sample needs."""
        held = self._samples[: self._held]
        out = np.empty(held.size * RATE_HZ // self._rate_hz + 2, np.int32)
        count = _resample(held, self._first, self._done, self._rate_hz, self._taps, out)
        self._done += count
        needed = self._done * self._rate_hz // RATE_HZ - self._taps.shape[1] // 2 + 1
        past = min(needed - self._first, held.size)
        self._held -= past
        self._first += past
        self._samples[: self._held] = held[past:].copy()
        self._transform(out[:count])

    def _transform(self, samples: npt.NDArray[np.int32]) -> None:
        """Make the frames that are whole with these samples."""
        low = np.concatenate([self._low, samples])
        count = max(0, (low.size - WINDOW) // HOP + 1)
        self._low = low[count * HOP :]
        if count:
            windows = np.empty((count, WINDOW))
            _windows(low, _HANN, windows)
            falls = np.concatenate([self._falls, np.empty((count, 32))])
            frames = np.empty(count, np.uint32)
            _signs(np.fft.rfft(windows), _EDGES, falls, frames)
            self._falls = falls[-LAG:]
            self._frames += frames.tobytes()
            if len(self._frames) > 4 * FRAMES_PER_SECOND * LONGEST_S:
                self._usable = False
                self._frames.clear()


def tells(frames: U32) -> bool:
    """Whether enough different frames say something: fewer, as of silence or a steady tone, match nothing."""
    return bool(np.unique(frames[frames > STEADY]).size * MOST_WRONG_PERMILLE > 1000)


@dataclass(frozen=True)
class Match:
    """How two recordings fit where they fit best.

    Attributes:
        offset: frames that the first one's begin later in the second; 0 where nothing fits.
        both: frames that say something in both.
        of: sounding frames of the one that has more.
        wrong: bits that differ in those of both.
        distinct: different values among those, of the recording that has fewer; 0 where `wrong` settles it.
    """

    offset: int
    both: int
    of: int
    wrong: int
    distinct: int

    @property
    def overlap(self) -> float:
        """Share of the longer one that says something in both."""
        return self.both / self.of if self.of else 0.0

    @property
    def error_rate(self) -> float:
        """Share of the bits that differ; 1 where there are none."""
        return self.wrong / (32 * self.both) if self.both else 1.0

    @property
    def is_verified(self) -> bool:
        """Whether they are near-duplicates."""
        return bool(_is_near(self.both, self.of, self.wrong, self.distinct))


@numba.njit(nogil=True, cache=True)
def _is_near(both: int, of: int, wrong: int, distinct: int) -> bool:
    """Whether 5 both ≥ 4 of, and wrong / (32 both) + 1 / distinct is under the limit."""
    bits = 32 * both
    return 5 * both >= 4 * of and 1000 * (wrong * distinct + bits) < MOST_WRONG_PERMILLE * bits * distinct


def compare(a: U32, b: U32) -> Match:
    """Align two recordings and count; the other way round, `offset` has the other sign or fits as well."""
    return Match(*(int(each) for each in _align(a, b)))


@numba.njit(nogil=True, cache=True)
def _ones(bits: Any) -> Any:
    """Bits that are set (Warren, Hacker's Delight, 5-1)."""
    x = np.uint32(bits)
    x = np.uint32(x - ((x >> np.uint32(1)) & np.uint32(0x55555555)))
    x = np.uint32((x & np.uint32(0x33333333)) + ((x >> np.uint32(2)) & np.uint32(0x33333333)))
    x = np.uint32((x + (x >> np.uint32(4))) & np.uint32(0x0F0F0F0F))
    return np.int64(np.uint32(x * np.uint32(0x01010101)) >> np.uint32(24))


@numba.njit(nogil=True, cache=True)
def _extent(frames: Any) -> tuple[int, int, int, int]:
    """How many frames sound, how many say something, the first and the last of those."""
    sounding, telling, first, last = 0, 0, 0, -1
    for n in range(frames.size):
        sounding += frames[n] != SILENT
        if frames[n] > STEADY:
            first = first if telling else n
            last = n
            telling += 1
    return sounding, telling, first, last


@numba.njit(nogil=True, cache=True)
def _align(a: Any, b: Any) -> tuple[int, int, int, int, int]:
    """The fields of `Match`.

    Every offset at which enough could overlap is tried on PROBES frames of `a`; where `b` says nothing, half of a frame is
    wrong, as chance has it. The least wrong one is counted in full, of several the first.
    """
    sounding_a, in_a, first_a, last_a = _extent(a)
    sounding_b, in_b, first_b, last_b = _extent(b)
    of = max(sounding_a, sounding_b)
    need = (4 * of + 4) // 5
    if min(in_a, in_b) < need or of == 0:
        return 0, 0, of, 0, 0
    probes = np.empty(min(PROBES, in_a), np.int64)  # spread evenly over those that say something
    chosen = seen = 0
    for n in range(first_a, last_a + 1):
        if a[n] > STEADY:
            if chosen < probes.size and seen == chosen * in_a // probes.size:
                probes[chosen] = n
                chosen += 1
            seen += 1
    offset, least = 0, 32 * PROBES + 1
    for tried in range(first_b - last_a + need - 1, last_b - first_a - need + 2):
        wrong = 0
        for probe in probes:
            other = probe + tried
            inside = 0 <= other < b.size and b[other] > STEADY
            wrong += _ones(a[probe] ^ b[other]) if inside else 16
            if wrong >= least:
                break
        if wrong < least:
            offset, least = tried, wrong
    values_a, values_b = np.empty(min(in_a, in_b), np.uint32), np.empty(min(in_a, in_b), np.uint32)
    both = wrong = 0
    for n in range(max(0, -offset), min(a.size, b.size - offset)):
        if a[n] > STEADY and b[n + offset] > STEADY:
            values_a[both], values_b[both] = a[n], b[n + offset]
            both += 1
            wrong += _ones(a[n] ^ b[n + offset])
    distinct = 0
    if 1000 * wrong < MOST_WRONG_PERMILLE * 32 * both:
        distinct = min(np.unique(values_a[:both]).size, np.unique(values_b[:both]).size)
    return offset, both, of, wrong, distinct


@numba.njit(nogil=True, cache=True)
def _vote(
    value: Any, values: Any, starts: Any, heads: Any, links: Any, votes: Any, voted: Any, count: int
) -> int:
    """Give a vote to each recording that is listed under a value; returns how many have one."""
    at = heads[mix(np.uint64(value)) & np.uint64(heads.size - 1)]
    while at >= 0:
        if values[at] == value:
            k = np.searchsorted(starts, at, side="right") - 1
            if votes[k] == 0:
                voted[count] = k
                count += 1
            votes[k] += 1
        at = links[at]
    return count


@numba.njit(nogil=True, cache=True)
def candidates(item: int, values: Any, starts: Any, heads: Any, links: Any, votes: Any, voted: Any) -> int:
    """The kept recordings that share enough frames with one, in order.

    Args:
        item: which one.
        values: frames of all recordings, one after the other.
        starts: (n + 1,) where each begins.
        heads: place in `values` of the last one listed under a hash, −1: none; a power of two many.
        links: for every place the one listed before it.
        votes: (n,) zeros; they are zeros again afterwards.
        voted: (n,) what is found.

    Returns:
        How many.
    """
    begin, end = starts[item], starts[item + 1]
    count = telling = 0
    for at in range(begin, end):
        value = values[at]
        if value <= STEADY:
            continue
        telling += 1
        count = _vote(value, values, starts, heads, links, votes, voted, count)
        if end - begin <= SHORT_FRAMES:
            for bit in range(32):
                near = value ^ np.uint32(np.uint32(1) << np.uint32(bit))
                count = _vote(near, values, starts, heads, links, votes, voted, count)
    found = 0
    for v in range(count):
        k = voted[v]
        if VOTES_SHARE * votes[k] >= telling:
            voted[found] = k
            found += 1
        votes[k] = 0
    voted[:found].sort()
    return found


@numba.njit(nogil=True, cache=True)
def _enlist(item: int, values: Any, starts: Any, heads: Any, links: Any) -> None:
    """List a kept recording under its values, once under each, where CROWD are not there yet."""
    for place in range(starts[item], starts[item + 1]):
        value = values[place]
        if value <= STEADY:
            continue
        slot = mix(np.uint64(value)) & np.uint64(heads.size - 1)
        at, listed = heads[slot], 0
        while at >= 0 and listed < CROWD:
            if values[at] == value:
                listed = CROWD if at >= starts[item] else listed + 1
            at = links[at]
        if listed < CROWD:
            links[place] = heads[slot]
            heads[slot] = place


@numba.njit(nogil=True, cache=True)
def _advance(first: int, last: int, values: Any, starts: Any, heads: Any, links: Any, votes: Any, voted: Any,
             original: Any, fits: Any) -> None:  # fmt: skip
    """Decide the rows first … last − 1."""
    for i in range(first, last):
        a = values[starts[i] : starts[i + 1]]
        for v in range(candidates(i, values, starts, heads, links, votes, voted)):
            k = voted[v]
            offset, both, of, wrong, distinct = _align(a, values[starts[k] : starts[k + 1]])
            if _is_near(both, of, wrong, distinct):
                original[i] = k
                fits[i, 0], fits[i, 1], fits[i, 2], fits[i, 3], fits[i, 4] = offset, both, of, wrong, distinct
                break
        if original[i] < 0:
            _enlist(i, values, starts, heads, links)


@dataclass(frozen=True)
class Decision:
    """What n recordings are.

    Attributes:
        original: (n,) row of the first kept recording it repeats; −1 where kept.
        fits: (n, 5) the fields of `Match` with it; zeros where kept.
    """

    original: I64
    fits: I64

    def match(self, row: int) -> Match:
        """How a surplus recording fits its original."""
        return Match(*(int(each) for each in self.fits[row]))


def decide(values: U32, starts: I64, tick: Callable[[], None] = lambda: None) -> Decision:
    """Kept and surplus: a recording is surplus when it has a verified pair with one that was kept before.

    It is compared with kept ones only, so a million copies of one take a million comparisons. Memory: 8 to 12 bytes
    a frame beside the frames.

    Args:
        values: frames of all recordings, one after the other, in canonical order.
        starts: (n + 1,) where each begins; one without frames is kept.
        tick: called between chunks of rows.
    """
    n = starts.size - 1
    place: Any = np.int32 if values.size < 2**31 else np.int64
    heads = np.full(1 << max(10, int(values.size).bit_length()), -1, place)
    links = np.empty(values.size, place)
    votes, voted = np.zeros(n, np.int64), np.empty(n, np.int64)
    original, fits = np.full(n, -1, np.int64), np.zeros((n, 5), np.int64)
    for first in range(0, n, _CHUNK_ROWS):
        last = min(n, first + _CHUNK_ROWS)
        _advance(first, last, values, starts, heads, links, votes, voted, original, fits)
        tick()
    return Decision(original, fits)
