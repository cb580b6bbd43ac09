"""Kept and surplus, by the sequential definition.

Items are taken in canonical order. An item is surplus when it has a verified pair with an item that was
kept; otherwise it is kept. A pair is verified when the exact Jaccard similarity of the shingle sets is at
least 0.8; where the estimate settles that beyond doubt, it does.

Two passes: the first finds every item of a pair that may matter and that the estimate does not settle; the
shingle sets of those are then computed anew from the documents; the second pass decides with them. In the
first pass an item may be kept, surplus or *perhaps*; whoever is perhaps counts as both, so every set that
the second pass can ask for has been wanted by the first. Both passes compare an item with the kept items of
its buckets only, never with all: time grows with what is kept, not with what is alike. In a crowd that the
estimate does not settle the first pass would take everyone for perhaps kept; so there it compares an item
with a few, and wants the others unseen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.neardup.sketch import agreement
from dqv.neardup.tokens import intersection

SURE_SLOTS = 122
"""Agreeing slots of 128 from which the estimate settles that J ≥ 0.8: at J = 0.8 so many agree with
probability 6 × 10⁻⁷ at most. That is the tail of independent slots (binomial); those of the sketch spread
less. Measured over 0.4 to 2 million pairs a size, 118 slots were reached a thirtieth as often as that tail
says at 300 shingles in either, a third as often at 1,000, two thirds at 5,000."""

UNSURE_SLOTS = 79
"""Agreeing slots of 128 below which it settles that J < 0.8: at J = 0.8 so few agree with probability
6 × 10⁻⁷ at most, likewise."""

MOST_COMPARED = 256
"""Items that the first pass compares one with: so many comparisons cost less than one set computed in vain."""

_CHUNK_ROWS = 64
"""Rows between two signs of life: in a crowded bucket one row may take a while."""

NONE = -1
I64 = npt.NDArray[np.int64]


def firsts(hashes: npt.NDArray[np.uint64]) -> I64:
    """The first item with the same payload, for every item.

    Args:
        hashes: (n, 2), 128 bits each, in canonical order.

    Returns:
        (n,) row of the first with equal bits, itself where it is the first.
    """
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable: equal hashes stay in canonical order
    ordered = hashes[order]
    new = np.ones(order.size, np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    out = np.empty(order.size, np.int64)
    out[order] = order[np.flatnonzero(new)][np.cumsum(new) - 1] if order.size else order
    return out


@numba.njit(nogil=True, cache=True)
def _advance(first: int, last: int, bucket: Any, sketches: Any, starts: Any, filled: Any, room: Any, stamp: Any,
             original: Any, agree: Any, shared: Any, of: Any, perhaps: Any, wanted: Any, seen: Any, exact: bool,
             sets: Any, ends: Any, lost: Any, sure: int, unsure: int, most: int) -> int:  # fmt: skip
    """Decide the rows first … last − 1; returns how many pairs stayed unsettled for want of a set."""
    unverified = 0
    bands = bucket.shape[1]
    for i in range(first, last):
        best, unsettled, needed, pending, compared = -1, False, False, 0, 0
        for band in range(bands):
            where = bucket[i, band]
            if where < 0:
                continue
            for slot in range(starts[where], starts[where] + filled[where]):
                if not exact and (best >= 0 or compared >= most):
                    break
                k = room[slot]
                if stamp[k] == i:
                    continue
                stamp[k] = i
                if exact and best >= 0 and k > best:
                    continue  # the original is the first kept one
                compared += 1
                same = agreement(sketches[i], sketches[k])
                if same < unsure:
                    continue
                both, either = -1, -1
                if same < sure:
                    if not exact:
                        unsettled = True
                        needed = True
                        wanted[k] = True
                        continue
                    if lost[i] or lost[k]:
                        pending += 1
                        continue
                    a, b = sets[ends[i] : ends[i + 1]], sets[ends[k] : ends[k + 1]]
                    both = intersection(a, b)
                    either = a.size + b.size - both
                    if 5 * both < 4 * either:
                        continue
                if perhaps[k]:
                    unsettled = True
                elif best < 0 or k < best:
                    best = k
                    agree[i], shared[i], of[i] = same, both, either
        if best >= 0:
            original[i] = best  # whatever the pairs without a set would have said
            continue
        if not exact and compared >= most:
            unsettled = needed = True
            for band in range(bands):
                where = bucket[i, band]
                if where >= 0:
                    for slot in range(starts[where] + seen[where], starts[where] + filled[where]):
                        wanted[room[slot]] = True
                    seen[where] = filled[where]  # each is wanted once a bucket, however many ask
        unverified += pending
        wanted[i] = wanted[i] or needed
        perhaps[i] = unsettled
        for band in range(bands):
            where = bucket[i, band]
            if where >= 0:
                room[starts[where] + filled[where]] = i
                filled[where] += 1
    return unverified


@dataclass(frozen=True)
class Decision:
    """The outcome of one pass over n items; all arrays (n,).

    Attributes:
        original: row of the first kept item it repeats; −1 where kept (or, in the first pass, perhaps).
        agree: slots in agreement with it.
        shared: size of the intersection of the shingle sets; −1 where the estimate settled it.
        of: size of their union; likewise.
        wanted: whose shingle sets the second pass may need.
        unverified: pairs that could matter and could not be computed.
    """

    original: I64
    agree: I64
    shared: I64
    of: I64
    wanted: npt.NDArray[np.bool_]
    unverified: int


def decide(
    bucket: npt.NDArray[np.int32],
    sketches: npt.NDArray[np.uint32],
    sets: tuple[npt.NDArray[np.uint64], I64, npt.NDArray[np.bool_]] | None,
    tick: Callable[[], None] = lambda: None,
) -> Decision:
    """One pass over the items in canonical order.

    Args:
        bucket: (n, bands) from `buckets`.
        sketches: (n, 128).
        sets: None in the first pass; in the second the shingle sets one after the other, n + 1 offsets into
            them, and whose set is lost. A set that the first pass did not want may be empty.
        tick: called between chunks of rows.
    """
    n = bucket.shape[0]
    count = int(bucket.max(initial=-1)) + 1
    sizes = np.bincount(bucket[bucket >= 0], minlength=max(1, count)).astype(np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])[:-1]
    room = np.empty(max(1, int(sizes.sum())), np.int64)
    filled, seen = np.zeros(starts.size, np.int64), np.zeros(starts.size, np.int64)
    stamp = np.full(n, NONE, np.int64)
    original, shared, of = (np.full(n, NONE, np.int64) for _ in range(3))
    agree = np.zeros(n, np.int64)
    perhaps, wanted = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    none = (np.empty(0, np.uint64), np.zeros(n + 1, np.int64), np.zeros(n, np.bool_))
    values, ends, lost = sets if sets is not None else none
    unverified = 0
    for first in range(0, n, _CHUNK_ROWS):
        unverified += _advance(
            first, min(n, first + _CHUNK_ROWS), bucket, sketches, starts, filled, room, stamp, original, agree,
            shared, of, perhaps, wanted, seen, sets is not None, values, ends, lost, SURE_SLOTS, UNSURE_SLOTS,
            MOST_COMPARED,
        )  # fmt: skip
        tick()
    return Decision(original, agree, shared, of, wanted, unverified)
