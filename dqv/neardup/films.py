"""Near-duplicate videos: a few pictures' hashes propose pairs, pictures of the same moment decide.

Where key pictures stand is the encoder's choice, and pictures of a moving shot are unlike after a tenth of a second. So
a fingerprint holds, beside the key pictures at evenly spread places, every picture of a *run* from the first one on:
however far apart key pictures are, two encodings have pictures of the same moment, even when one begins some seconds
later (`video` says how many are decoded). The pictures are hashed as `pictures` does, flat ones left out.

1. A candidate shares a hash, to 7 of 64 bits. What more than `CROWD` videos share lists only the first of them, and a
   video has at most `MOST_CANDIDATES`, those that share most.
2. The times of what is shared say by how much one is offset; where they leave it open, as a fixed camera does, an
   interval. The moment in the middle is looked for in all of it; what fits it best, and what fits hardly worse, is the
   interval from there on, which every moment that passes may narrow.
3. `MOMENTS`, evenly spread over the longer one, are compared: exactly the same moment of both is decoded, the hashes
   are at most `MOMENT_BITS` apart, and the pictures pass `pictures.same`. Flat moments are left out; one that the shorter
   video does not have fails.
4. A pair is verified when at least 2 moments, and half of them, pass. As soon as that holds or cannot hold any more,
   nothing more is decoded.

Share of 16 real videos that are proposed, of up to 12 s, with so many pictures cut off one's beginning, by pictures
between key pictures (`benchmarks/video_near.py` makes the whole table, and measures what is found):

| places | run | 12, 50: cut 0, 28, 63, 128 | 48, 50 | 50, 250 | 250, 250 |
|---|---|---|---|---|---|
| 6 | 0 | 1.00 0.81 0.73 0.60 | 1.00 0.62 0.55 0.40 | 0.94 0.56 0.55 0.40 | 0.94 0.50 0.36 0.20 |
| 12 | 0 | 1.00 0.94 0.86 0.80 | 1.00 0.62 0.55 0.40 | 0.94 0.56 0.55 0.40 | 0.94 0.50 0.36 0.20 |
| 18, 24 | 0 | 1.00 0.94 0.86 0.80 | 1.00 0.69 0.55 0.60 | 1.00 0.56 0.55 0.40 | 1.00 0.50 0.36 0.20 |
| 32 | 0 | 1.00 0.94 0.86 1.00 | 1.00 0.75 0.55 0.60 | 1.00 0.56 0.55 0.40 | 1.00 0.50 0.36 0.20 |
| 12 | 32 | 1.00 1.00 1.00 1.00 | 1.00 1.00 0.64 1.00 | 1.00 1.00 0.64 1.00 | 1.00 1.00 0.55 0.20 |
| 12 | 64, 96 | 1.00 1.00 1.00 1.00 | 1.00 1.00 1.00 1.00 | 1.00 1.00 1.00 1.00 | 1.00 1.00 1.00 0.20 |
| 12 | 128 | 1.00 1.00 1.00 1.00 | 1.00 1.00 1.00 1.00 | 1.00 1.00 1.00 1.00 | 1.00 1.00 1.00 1.00 |

More places do not help, a run does. What begins later than the run lasts is found where shots are still, or key pictures
stand at the same cuts. All is integers but for the comparison itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numba
import numpy as np
import numpy.typing as npt

from dqv.neardup import pictures
from dqv.neardup.pictures import I64, U8, U64

CELLS = 64
"""Rows and columns of what is hashed of a picture, and of what finds the same moment."""

MOMENTS = 8
"""Compared, at most. What lies between a key picture and a moment is decoded, too."""

MOMENT_BITS = 16
"""Pictures of one moment whose hashes are farther apart are not even compared. Encoded again they are up to 10 apart where
there is little contrast; what proposes must be at most 7 apart, what decides is the comparison."""

CROWD = 64
"""So many videos are listed under one hash, the first ones; more have it in common and it tells nothing."""

MOST_CANDIDATES = 8
"""Of one video, among the earlier ones; comparing two takes seconds, and a fixed camera makes all alike."""

SEARCH_MS = 5000
"""How far around the likeliest offset a moment is looked for, at most."""

NEAR_MS = 250
"""How far beside what is known of an offset: times are rounded, and a frame may be missing."""

_FEW_VOTES, _VOTE_MS = 3, 100
_ALIKE_BITS = 2
"""Of one video's hashes so near only the first is looked up: a still shot would fill the lists."""

_LISTED = 4096
"""Videos whose votes are counted for one."""

_NOISE = CELLS**2 // 4
"""Squared difference that says nothing: half a grey in every cell."""

_MOST_MS = 1 << 48

_HEAD = np.dtype([("first_ms", "<i8"), ("last_ms", "<i8"), ("keys", "<u4")])
_PICTURE = np.dtype([("time_ms", "<i8"), ("hash", "<u8")])


@dataclass(frozen=True, slots=True)
class Film:
    """A fingerprint, unpacked.

    Attributes:
        first_ms: when the first picture is displayed, as the file has it.
        last_ms: when the last one ends.
        keys: key pictures in all.
        times_ms: (n,) int64, ascending, of the pictures that are known and not flat.
        hashes: (n,) uint64.
    """

    first_ms: int
    last_ms: int
    keys: int
    times_ms: I64
    hashes: U64

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return self.last_ms - self.first_ms

    @property
    def gap_ms(self) -> int:
        """Between key pictures, on average."""
        return self.length_ms // max(1, self.keys)


def packed(first_ms: int, last_ms: int, keys: int, known: dict[int, tuple[np.uint64, bool]]) -> bytes | None:
    """The bytes of a fingerprint: `_HEAD`, then `_PICTURE` by time.

    None where fewer than two pictures tell something, or times are absurd.

    Args:
        first_ms: as in `Film`.
        last_ms: idem.
        keys: idem.
        known: time → hash and flatness.
    """
    told = sorted((time, value) for time, (value, flat) in known.items() if not flat)
    if len(told) < 2 or max(abs(first_ms), abs(last_ms)) > _MOST_MS:
        return None
    return np.array((first_ms, last_ms, keys), _HEAD).tobytes() + np.array(told, _PICTURE).tobytes()


def unpacked(fingerprint: bytes) -> Film:
    """A fingerprint as `packed` wrote it."""
    head = np.frombuffer(fingerprint, _HEAD, 1)[0]
    told = np.frombuffer(fingerprint, _PICTURE, offset=_HEAD.itemsize)
    return Film(
        int(head["first_ms"]),
        int(head["last_ms"]),
        int(head["keys"]),
        told["time_ms"].astype(np.int64),
        told["hash"].astype(np.uint64),
    )


# -- candidates ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of videos that may be near-duplicates.

    Attributes:
        pairs: (m, 2) int64, rows (earlier, later), ascending by later, then by votes downwards, then by earlier.
        votes: (m,) int64, how many pairs of different hashes they share.
        crowded: (n,) bool, videos that may have more: of a hash's crowd or their own list not all were looked at.
    """

    pairs: I64
    votes: I64
    crowded: npt.NDArray[np.bool_]


@numba.njit(nogil=True, cache=True)
def _distinct(hashes: Any, starts: Any, keep: Any) -> None:
    """Mark the hashes of each video that are more than `_ALIKE_BITS` from all of its marked ones."""
    for k in range(starts.size - 1):
        for i in range(starts[k], starts[k + 1]):
            keep[i] = True
            for j in range(starts[k], i):
                if keep[j] and pictures._bits(hashes[i] ^ hashes[j]) <= _ALIKE_BITS:
                    keep[i] = False
                    break


@numba.njit(nogil=True, cache=True)
def _listing(groups: Any, owners: Any, n_groups: int, starts: Any, members: Any, full: Any) -> None:
    """List the first CROWD owners of each group; `owners` ascend."""
    counts = np.zeros(n_groups, np.int64)
    for g in groups:
        counts[g] += 1
    for g in range(n_groups):
        starts[g + 1] = starts[g] + min(counts[g], CROWD)
        full[g] = counts[g] > CROWD
    counts[:] = 0
    for i in range(groups.size):
        g = groups[i]
        if counts[g] < CROWD:
            members[starts[g] + counts[g]] = owners[i]
            counts[g] += 1


@numba.njit(nogil=True, cache=True)
def _vote(
    item: int,
    mine: Any,
    near_starts: Any,
    near: Any,
    starts: Any,
    members: Any,
    full: Any,
    votes: Any,
    out: Any,
) -> Any:
    """Count what one video shares with earlier ones; returns how many of them are in `out`, and whether all are."""
    found, whole = 0, True
    for g in mine:
        for slot in range(near_starts[g], near_starts[g + 1]):
            h = near[slot]
            whole &= not full[h] or members[starts[h + 1] - 1] >= item
            for at in range(starts[h], starts[h + 1]):
                other = members[at]
                if other >= item:
                    break
                if votes[other] == 0:
                    if found == out.size:
                        whole = False
                        continue
                    out[found] = other
                    found += 1
                votes[other] += 1
    return found, whole


def candidates(fingerprints: Sequence[bytes | None], tick: Callable[[], None] = lambda: None) -> Candidates:
    """Pairs that share a hash, to 7 bits.

    Memory: about 100 bytes for every different hash, and 16 for every pair of hashes that are near.

    Args:
        fingerprints: in canonical order; None where there is none.
        tick: called between pieces of the work.
    """
    films = [unpacked(each) if each is not None else None for each in fingerprints]
    sizes = [film.hashes.size if film is not None else 0 for film in films]
    hashes = np.concatenate([np.empty(0, np.uint64), *(film.hashes for film in films if film is not None)])
    keep = np.zeros(hashes.size, np.bool_)
    _distinct(hashes, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), keep)
    owners = np.repeat(np.arange(len(films)), sizes)[keep]
    tick()
    distinct, groups = pictures.groups(hashes[keep])
    starts, members = np.zeros(distinct.size + 1, np.int64), np.empty(groups.size, np.int64)
    full = np.zeros(distinct.size, np.bool_)
    _listing(groups, owners, distinct.size, starts, members, full)
    near_starts, near = _neighbours(distinct, tick)
    ends = np.searchsorted(owners, np.arange(len(films) + 1))
    votes, out = np.zeros(len(films), np.int64), np.empty(_LISTED, np.int64)
    pairs, counts = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
    crowded = np.zeros(len(films), np.bool_)
    for item in range(len(films)):
        mine = groups[ends[item] : ends[item + 1]]
        found, whole = _vote(item, mine, near_starts, near, starts, members, full, votes, out)
        others = np.sort(out[:found])
        order = np.argsort(-votes[others], kind="stable")
        chosen = others[order][:MOST_CANDIDATES]
        pairs.append(np.column_stack((chosen, np.full(chosen.size, item))))
        counts.append(votes[chosen])
        crowded[item] = not whole or found > MOST_CANDIDATES
        votes[others] = 0
        tick()
    return Candidates(np.concatenate(pairs), np.concatenate(counts), crowded)


def _neighbours(distinct: U64, tick: Callable[[], None]) -> tuple[I64, I64]:
    """For each hash the rows at most 7 bits away, itself first: where each begins, and the rows."""
    itself = np.arange(distinct.size)
    one, other = [itself], [itself]
    for block in pictures.candidates(distinct):
        one += [block[:, 0], block[:, 1]]
        other += [block[:, 1], block[:, 0]]
        tick()
    rows = np.concatenate(one)
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(distinct.size + 1))
    return starts, np.concatenate(other)[order]


# -- kept and surplus ---------------------------------------------------------------------------------------------


class Decisions:
    """Kept and surplus, by the sequential definition, while pairs are compared in rounds.

    A candidate that is surplus stands for what it repeats. In a round every video that is not decided asks for one pair:
    with its first candidate that was kept, else with the first that may be. Candidates come earlier, so the first
    undecided one can always be decided or ask.

    Args:
        count: of videos, in canonical order.
        pairs: as `Candidates`.
    """

    def __init__(self, count: int, pairs: I64) -> None:
        self.original = np.full(count, -1, np.int64)
        self._decided = np.ones(count, np.bool_)
        self._decided[pairs[:, 1]] = False
        self._candidates: dict[int, list[int]] = {}
        for earlier, later in pairs.tolist():
            self._candidates.setdefault(later, []).append(earlier)
        self._told: dict[tuple[int, int], bool] = {}

    def tell(self, earlier: int, later: int, *, verified: bool) -> None:
        """The answer for a pair that was asked for."""
        self._told[earlier, later] = verified

    def asked(self) -> list[tuple[int, int]]:
        """The pairs (earlier, later) to be compared now; none once all are decided."""
        found = []
        for later, candidates in self._candidates.items():
            if not self._decided[later]:
                pair = self._decide(later, candidates)
                found += [pair] if pair is not None else []
        return found

    def _decide(self, later: int, candidates: list[int]) -> tuple[int, int] | None:
        """Decide one video, if its candidates are; the pair that it asks for."""
        stand = sorted({int(self.original[k]) if self.original[k] >= 0 else k for k in candidates})
        waits = not all(self._decided[k] for k in stand)  # what that one repeats may come before all others
        asked = None
        for k in stand:
            told = self._told.get((k, later))
            if told is None and (asked is None or (self._decided[k] and not self._decided[asked[0]])):
                asked = k, later
            if told and self._decided[k] and asked is None:
                if not waits:
                    self.original[later], self._decided[later] = k, True
                return None
        self._decided[later] = asked is None and not waits
        return asked


# -- verification -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a video.

    Attributes:
        time_ms: when it is displayed, rounded down, as in fingerprints.
        cells: (CELLS, CELLS) uint8, upright: what is hashed.
        grey: makes the picture itself, as `pictures.same` takes it.
    """

    time_ms: int
    cells: U8
    grey: Callable[[], U8]


class Source(Protocol):
    """A video that can be decoded at any time."""

    def pictures(self, first_ms: int, last_ms: int) -> Iterator[Shown]:
        """The pictures on display from the first to the last time, in order; none where they cannot be had."""


@dataclass(frozen=True, slots=True)
class Match:
    """How two videos compare.

    Attributes:
        frames: moments that pass.
        of: moments that were compared, flat ones left out, until the answer was known.
        offset_ms: by how much the first one's moments are displayed later in the second.
        difference: the largest, over the moments that pass, of `pictures.Similarity.difference` ÷ its limit.
    """

    frames: int
    of: int
    offset_ms: int
    difference: float

    @property
    def is_verified(self) -> bool:
        """Whether they are near-duplicates."""
        return self.frames >= 2 and 2 * self.frames >= self.of


def offsets(a: Film, b: Film) -> tuple[int, int] | None:
    """The least and the largest likely offset of the second video, in ms; None where no hash is shared.

    Likely is what is within `SEARCH_MS` of the offset that most pairs of near hashes have (within 100 ms) and has a
    quarter of them; all of that range where fewer than three have it.
    """
    row, column = np.nonzero(np.bitwise_count(a.hashes[:, None] ^ b.hashes[None, :]) <= pictures.MOST_BITS)
    apart = np.sort(b.times_ms[column] - a.times_ms[row])
    if not apart.size:
        return None
    votes = np.searchsorted(apart, apart + _VOTE_MS, "right") - np.searchsorted(apart, apart, "left")
    most = int(votes.max())
    best = int(apart[votes.argmax()])
    if most < _FEW_VOTES:
        return best - SEARCH_MS, best + SEARCH_MS
    likely = apart[(4 * votes >= most) & (np.abs(apart - best) <= SEARCH_MS)]
    return int(likely[0]), int(likely[-1]) + _VOTE_MS


def _moments(longer: Film, anchor: Film, offset_ms: int) -> list[int]:
    """Times in the anchor, evenly spread over the longer video, the middle first: both have it, whatever is cut off.

    Of known pictures, where one is near: mostly they need no others to be decoded.

    Args:
        longer: the video that lasts longer.
        anchor: the one whose pictures are looked for in the other.
        offset_ms: from the longer to the anchor.
    """
    times = []
    for number in (MOMENTS // 2, *range(MOMENTS // 2), *range(MOMENTS // 2 + 1, MOMENTS)):
        time = longer.first_ms + longer.length_ms * (2 * number + 1) // (2 * MOMENTS) + offset_ms
        at = int(np.abs(anchor.times_ms - time).argmin())
        known = int(anchor.times_ms[at])
        near = 4 * MOMENTS * abs(known - time) <= longer.length_ms
        times.append(known if near else time)
    return times


def verify(a: bytes, b: bytes, source_a: Source, source_b: Source) -> Match:
    """Compare two videos, moment by moment.

    Args:
        a: fingerprint of the first.
        b: of the second.
        source_a: the first one's pictures.
        source_b: idem.
    """
    first, second = unpacked(a), unpacked(b)
    likely = offsets(first, second)
    if likely is None:
        return Match(0, 0, 0, 0.0)
    if first.gap_ms >= second.gap_ms:
        return _compared(first, second, source_a, source_b, likely)
    found = _compared(second, first, source_b, source_a, (-likely[1], -likely[0]))
    return Match(found.frames, found.of, -found.offset_ms, found.difference)


def _compared(
    anchor: Film, other: Film, anchored: Source, searched: Source, likely: tuple[int, int]
) -> Match:
    """Look for the anchor's pictures in the other one, at the likely offsets."""
    low, high = likely
    longer, offset = (anchor, 0) if anchor.length_ms >= other.length_ms else (other, -(low + high) // 2)
    moments = _moments(longer, anchor, offset)
    frames = of = 0
    worst = 0.0
    seen: set[int] = set()
    aligned = False
    for left, time in zip(range(len(moments), 0, -1), moments, strict=True):
        settled = frames >= 2 and 2 * frames >= of + left
        hopeless = frames + left < 2 or 2 * (frames + left) < of + left
        if settled or hopeless:
            break
        begin, end = time + low - NEAR_MS, time + high + NEAR_MS
        common = anchor.first_ms <= time < anchor.last_ms and begin < other.last_ms and end >= other.first_ms
        picture = next(anchored.pictures(time, time), None) if common else None
        if picture is not None:
            if picture.time_ms in seen:
                continue
            seen.add(picture.time_ms)
            if pictures.fingerprint(picture.cells)[1]:
                continue
        of += 1
        if picture is None:
            continue
        found = _same_moment(picture, searched.pictures(begin, end))
        part = _difference(picture, found[0]) if found is not None else None
        if part is not None:
            frames += 1
            worst = max(worst, part)
        if found is None or (aligned and part is None):
            continue
        aligned = True
        # Of what fits badly the best alone: nothing in a fixed camera's other videos fits better than all else.
        fitting = found[1:] if part is not None else (found[0].time_ms,) * 2
        low = max(low - NEAR_MS, fitting[0] - picture.time_ms)
        high = min(high + NEAR_MS, fitting[1] - picture.time_ms)
    return Match(frames, of, (low + high) // 2, worst)


def _same_moment(picture: Shown, others: Iterator[Shown]) -> tuple[Shown, int, int] | None:
    """The picture that differs least, and between what times others differ hardly more."""
    best, least, distances, times = None, 0, [], []
    for shown in others:
        apart = picture.cells.astype(np.int64) - shown.cells
        # However much one is brighter.
        distance = int((apart * apart).sum()) - int(apart.sum()) ** 2 // apart.size
        if best is None or distance < least:
            best, least = shown, distance
        distances.append(distance)
        times.append(shown.time_ms)
    if best is None:
        return None
    fitting = [t for t, each in zip(times, distances, strict=True) if each <= 2 * least + _NOISE]
    return best, fitting[0], fitting[-1]


def _difference(one: Shown, other: Shown) -> float | None:
    """The pictures' largest local difference, as a part of what is allowed; None where they do not pass."""
    bits = int(pictures.fingerprint(one.cells)[0] ^ pictures.fingerprint(other.cells)[0]).bit_count()
    if bits > MOMENT_BITS:
        return None
    similarity = pictures.same(one.grey(), other.grey())
    return similarity.difference / similarity.limit if similarity.same else None
