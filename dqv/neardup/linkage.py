"""Single linkage: which kept items hang together with an earlier one through verified pairs.

A cluster is a connected component over the verified pairs of all candidates, surplus items among them; the reading calls
every item of a cluster surplus but its first. Two items of one component need no comparison, so a crowd of near-equal items
costs its number, not its pairs: components of a group are compared with one another until a pair verifies.

A group may still hold many components that resemble each other and never verify. What one group may cost is bounded; where
the bound cuts, and where a shingle set is lost, the answer is a range: a group that was not looked through may be one
cluster.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.neardup.join import join, root
from dqv.neardup.sketch import agreement
from dqv.neardup.surplus import I64, SURE_SLOTS, UNSURE_SLOTS, Decision
from dqv.neardup.tokens import intersection

GROUP_PAIRS = 10**7
"""Pairs that are compared within one group, at most: 0.2 s."""

GROUP_SHINGLES = 2 * 10**8
"""Shingles that are read for the exact answers of one group, at most, but for its last pair."""


@numba.njit(nogil=True, cache=True)
def _by_group(bucket: Any, count: int) -> Any:
    """The rows of every group one behind the other, and count + 1 offsets into them."""
    starts = np.zeros(count + 1, np.int64)
    for i in range(bucket.shape[0]):
        for band in range(bucket.shape[1]):
            if bucket[i, band] >= 0:
                starts[bucket[i, band] + 1] += 1
    starts = np.cumsum(starts)
    rows, filled = np.empty(starts[count], np.int32), starts[:count].copy()
    for i in range(bucket.shape[0]):
        for band in range(bucket.shape[1]):
            group = bucket[i, band]
            if group >= 0:
                rows[filled[group]] = i
                filled[group] += 1
    return rows, starts


@numba.njit(nogil=True, cache=True)
def _met_before(i: int, k: int, group: int, bucket: Any) -> bool:
    """Whether two rows of a group share one of an earlier band, too."""
    for band in range(bucket.shape[1]):
        if bucket[i, band] >= 0 and bucket[i, band] == bucket[k, band]:
            return bool(bucket[i, band] != group)
    return False


@numba.njit(nogil=True, cache=True)
def _sweep(first: int, rows: Any, starts: Any, bucket: Any, sketches: Any, settle: bool, exact: bool, sets: Any,
           ends: Any, lost: Any, parent: Any, most: Any, wanted: Any, pairs: int, shingles: int, sure: int,
           unsure: int) -> int:  # fmt: skip
    """Compare the components of groups from `first` on, until so many pairs were compared; returns the next group.

    Without `settle` only what estimates settle counts; with it the rest is asked for, or looked up when `exact`.
    """
    spent = 0
    for group in range(first, starts.size - 1):
        if spent >= pairs:
            return group
        mine = rows[starts[group] : starts[group + 1]]
        lowest = np.empty(mine.size, np.int64)
        for at in range(mine.size):
            lowest[at] = root(parent, mine[at])
        spent += mine.size
        if (lowest == lowest[0]).all() or (not exact and wanted[mine].all()):
            continue
        order = np.argsort(lowest, kind="mergesort")
        mine, lowest = mine[order], lowest[order]
        cut = np.flatnonzero(np.append(lowest[1:] != lowest[:-1], True)) + 1  # where each component ends
        compared = read = 0
        for b in range(1, cut.size):
            for a in range(b):
                if compared >= pairs or read >= shingles:
                    break
                compared += 1
                if root(parent, lowest[cut[a] - 1]) == root(parent, lowest[cut[b] - 1]):
                    continue
                found = False
                for y in range(cut[b - 1], cut[b]):
                    i = mine[y]
                    for x in range(0 if a == 0 else cut[a - 1], cut[a]):
                        k = mine[x]
                        if compared >= pairs or read >= shingles:
                            break
                        compared += 1
                        if _met_before(i, k, group, bucket):
                            continue
                        same = agreement(sketches[i], sketches[k])
                        if same < unsure or (same < sure and not settle):
                            continue
                        if same < sure:
                            if not exact:
                                wanted[i] = wanted[k] = True
                                continue
                            if lost[i] or lost[k]:
                                join(most, i, k)
                                continue
                            one, other = sets[ends[i] : ends[i + 1]], sets[ends[k] : ends[k + 1]]
                            both = intersection(one, other)
                            read += one.size + other.size
                            if 5 * both < 4 * (one.size + other.size - both):
                                continue
                        join(parent, i, k)
                        join(most, i, k)
                        found = True
                        break
                    if found:
                        break
        if settle and (compared >= pairs or read >= shingles):
            for at in range(1, mine.size):
                join(most, mine[at - 1], mine[at])
        spent += compared
    return int(starts.size - 1)


@dataclass(frozen=True)
class Linkage:
    """The clusters of n items; all arrays (n,).

    Attributes:
        linked: kept, and not the first of its cluster.
        perhaps: kept, and only the first if what was not compared is not near.
        wanted: whose shingle sets the second pass may need, here or for its decision.
    """

    linked: npt.NDArray[np.bool_]
    perhaps: npt.NDArray[np.bool_]
    wanted: npt.NDArray[np.bool_]


def link(
    bucket: npt.NDArray[np.int32],
    sketches: npt.NDArray[np.uint32],
    sets: tuple[npt.NDArray[np.uint64], I64, npt.NDArray[np.bool_]] | None,
    decision: Decision,
    tick: Callable[[], None] = lambda: None,
) -> Linkage:
    """The clusters of the items after `surplus.decide` in the same pass.

    What estimates settle is joined first, in both passes alike, so that the second asks for no pair for which the first
    has not wanted the sets, unless a bound cut.

    Args:
        bucket: (n, bands), as for `surplus.decide`.
        sketches: likewise.
        sets: likewise.
        decision: what `surplus.decide` gave for them.
        tick: called every second or so.
    """
    n, slots = bucket.shape[0], sketches.shape[1]
    surplus = decision.original >= 0
    parent = np.where(surplus, decision.original, np.arange(n))
    most, wanted = parent.copy(), decision.wanted.copy()
    none = (np.empty(0, np.uint64), np.zeros(n + 1, np.int64), np.zeros(n, np.bool_))
    values, ends, lost = none if sets is None else sets
    rows, starts = _by_group(bucket, int(bucket.max(initial=-1)) + 1)
    for settle in (False, True):
        group = 0
        while group < starts.size - 1:
            group = _sweep(
                group, rows, starts, bucket, sketches, settle, sets is not None, values, ends, lost,
                parent, most, wanted, GROUP_PAIRS, GROUP_SHINGLES, SURE_SLOTS[slots],
                UNSURE_SLOTS[slots],
            )  # fmt: skip
            tick()
    linked, perhaps = (~surplus & ~_first(forest) for forest in (parent, most))
    return Linkage(linked, perhaps & ~linked, wanted)


def _first(parent: I64) -> npt.NDArray[np.bool_]:
    """Which rows are the first of their component: they are its root."""
    return np.asarray(parent == np.arange(parent.size))
