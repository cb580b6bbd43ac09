"""Kept and surplus, by the sequential definition.

Items are taken in canonical order. An item is surplus when it has a verified pair with an item that was
kept; otherwise it is kept. A pair is verified when the exact Jaccard similarity of the shingle sets is at
least 0.8; where the estimate settles that beyond doubt, it does.

Two passes: the first finds every pair that may matter and that the estimate does not settle; those are
then computed exactly from the documents; the second pass decides with them. In the first pass an item may
be kept, surplus or *perhaps*; whoever is perhaps counts as both, so every pair that the second pass can
ask for has been found by the first.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.core.schema import SKETCH_SLOTS

THRESHOLD = (4, 5)
"""J ≥ 4/5, compared in whole numbers: 5 × shared ≥ 4 × of."""

SURE_SLOTS = 122
"""Agreeing slots of 128 from which the estimate settles that J ≥ 0.8: at J = 0.8 so many agree with
probability 6 × 10⁻⁷ (binomial tail)."""

UNSURE_SLOTS = 79
"""Agreeing slots of 128 below which it settles that J < 0.8: at J = 0.8 so few agree with probability
6 × 10⁻⁷."""

NONE = -1
I64 = npt.NDArray[np.int64]


def settle(shared: Any, of: Any) -> Any:
    """Whether two shingle sets are near-duplicates.

    Args:
        shared: size of the intersection; a number or an array.
        of: size of the union, alike.
    """
    return THRESHOLD[1] * shared >= THRESHOLD[0] * of


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


def buckets(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Number the buckets that hold two items or more.

    Args:
        keys: (n, bands) band keys, rows in canonical order.

    Returns:
        (n, bands) bucket numbers, distinct over all bands; −1: nobody else is there.
    """
    out = np.full(keys.shape, NONE, np.int32)
    offset = 0
    for band in range(keys.shape[1]):
        _, inverse, counts = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        crowded = counts > 1
        number = np.full(counts.size, NONE, np.int64)
        number[crowded] = np.arange(offset, offset + crowded.sum())
        offset += int(crowded.sum())
        out[:, band] = number[inverse]
    return out


@numba.njit(nogil=True, cache=True)
def _pass(bucket: Any, sketches: Any, ids: Any, starts: Any, room: Any, known_a: Any, known_b: Any,
          known_yes: Any, sure: int, unsure: int) -> Any:  # fmt: skip
    n, bands = bucket.shape
    filled = np.zeros(starts.size, np.int64)
    original = np.full(n, -1, np.int64)
    agree = np.zeros(n, np.int64)
    perhaps = np.zeros(n, np.bool_)
    stamp = np.full(n, -1, np.int64)
    asked_a, asked_b = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for i in range(n):
        best, best_agree, unsettled = np.int64(-1), 0, False
        first_asked = len(asked_a)
        for band in range(bands):
            where = bucket[i, band]
            if where < 0:
                continue
            for slot in range(starts[where], starts[where] + filled[where]):
                k = room[slot]
                if stamp[k] == i:
                    continue
                stamp[k] = i
                same = 0
                for j in range(sketches.shape[1]):
                    same += sketches[i, j] == sketches[k, j]
                if same < unsure:
                    continue
                if same < sure:
                    at = np.searchsorted(known_a, ids[i], side="left")
                    verdict = -1
                    while at < known_a.size and known_a[at] == ids[i]:
                        if known_b[at] == ids[k]:
                            verdict = 1 if known_yes[at] else 0
                            break
                        at += 1
                    if verdict == 0:
                        continue
                    if verdict < 0:
                        asked_a.append(ids[i])
                        asked_b.append(ids[k])
                        unsettled = True
                        continue
                if perhaps[k]:
                    unsettled = True
                elif best < 0 or k < best:
                    best, best_agree = k, same
        if best >= 0:
            original[i], agree[i] = best, best_agree
            while len(asked_a) > first_asked:  # it is surplus whatever these pairs say
                asked_a.pop()
                asked_b.pop()
            continue
        perhaps[i] = unsettled
        for band in range(bands):
            where = bucket[i, band]
            if where >= 0:
                room[starts[where] + filled[where]] = i
                filled[where] += 1
    return original, agree, asked_a, asked_b


def decide(
    bucket: npt.NDArray[np.int32],
    sketches: npt.NDArray[np.uint32],
    ids: I64,
    known: tuple[I64, I64, npt.NDArray[np.bool_]] | None,
) -> tuple[I64, I64, I64, I64]:
    """One pass over the items in canonical order.

    Args:
        bucket: (n, bands) from `buckets`.
        sketches: (n, 128).
        ids: (n,) ascending; by these pairs are named.
        known: pairs computed exactly: later id, earlier id, near-duplicate or not; sorted by both ids.

    Returns:
        `original` (n,): row of the first kept item it repeats, −1 where kept. `agree` (n,): slots in
        agreement with it. `asked_a`, `asked_b`: ids of the pairs (later, earlier) that need an exact
        answer; empty when all were known.
    """
    count = int(bucket.max(initial=-1)) + 1
    sizes = np.bincount(bucket[bucket >= 0], minlength=max(1, count)).astype(np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])[:-1]
    room = np.empty(max(1, int(sizes.sum())), np.int64)
    empty = np.empty(0, np.int64)
    known_a, known_b, known_yes = known if known is not None else (empty, empty, np.empty(0, np.bool_))
    original, agree, asked_a, asked_b = _pass(
        bucket, sketches, ids, starts, room, known_a, known_b, known_yes, SURE_SLOTS, UNSURE_SLOTS
    )
    assert sketches.shape[1] == SKETCH_SLOTS
    return original, agree, np.array(asked_a, np.int64), np.array(asked_b, np.int64)
