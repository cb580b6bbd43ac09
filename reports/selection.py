"""The fewest items of one modality to remove so that its duplicate rate and its share of recent data conform.

Removing a surplus item takes one from the surplus and one from the items; it makes nothing else surplus, for only kept items
are compared with. Removing an old or undated item takes its weight (bytes, or flicks of sound) from the whole alone. Three kinds
of items help: surplus and not recent (both rates), surplus and recent (the first, at the cost of the second), kept and not recent
(the second, at the cost of the first). With q surplus items and c kept ones taken,

- duplicates conform when surplus − q ≤ most · (items − q − c), which asks for more q the more c;
- recency conforms when recent ≥ least · whole over what is left. For given q and c the best choice is: surplus ones that are not
  recent, heaviest first; only when they run out recent ones, lightest first; kept ones heaviest first. Any other choice of as many
  leaves less recent data over more.

So for each c the least q follows from prefix sums, and the least c + q of all is the minimum. Of equally few items those are taken
that weigh less: exactly the lightest where recency does not bind; else a run of neighbours by weight that just suffices, its last as light as may be.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]
_MOST = 2**62
"""Above every count and weight; sums stay below 2^63."""


@dataclass(frozen=True)
class Population:
    """The totals of one modality, and its limits.

    Attributes:
        items: all of them.
        surplus: of them.
        whole: weight of all.
        recent: weight of what is dated to the window.
        most: the ceiling of surplus ÷ items; None: it is not looked at.
        least: the floor of recent ÷ whole; None: it is not looked at.
    """

    items: int
    surplus: int
    whole: int
    recent: int
    most: Fraction | None
    least: Fraction | None


def fewest(
    weights: Array, surplus: NDArray[np.bool_], recent: NDArray[np.bool_], all_: Population
) -> Array | None:
    """Choose the fewest items whose removal makes both rates conform.

    Args:
        weights: of the items that may go, below 2^62 in sum, in canonical order, which decides between equal ones.
        surplus: which of them are.
        recent: which of them are.
        all_: what they are taken from. Kept recent items never help, and need not be among the weights.

    Returns:
        Positions, ascending; None where no removal helps: nothing recent would be left.
    """
    both = _heaviest(weights, surplus & ~recent)
    fresh = _heaviest(weights, surplus & recent)[::-1]  # lightest first
    old = _heaviest(weights, ~surplus & ~recent)
    sums = [_prefix(weights[each]) for each in (both, fresh, old)]
    found = _counts(sums, all_)
    if found is None:
        return None
    q, c = found
    lightest = _heaviest(weights, surplus)[::-1][:q]
    if not c and _is_recent_enough(weights, recent, lightest, all_):
        return np.sort(lightest)
    a = min(q, len(both))
    need = _needed(all_, int(sums[1][q - a]))
    first = both[:a] if q > a else _lightest_run(both, sums[0], a, need - int(sums[2][c]))
    rest = _lightest_run(old, sums[2], c, need - int(weights[first].sum()))
    return np.sort(np.concatenate([first, fresh[: q - a], rest]))


def fewest_by_weight(weights: Array, need: Fraction) -> Array | None:
    """The fewest of some weights that come to a sum; heaviest first is the least number.

    Returns:
        Positions, ascending, of the lightest run of neighbours by weight among as few; None where all are too little.
    """
    order = _heaviest(weights, np.ones(len(weights), np.bool_))
    sums, least = _prefix(weights[order]), _ceil(need)
    count = int(np.searchsorted(sums, max(least, 0)))
    return None if count > len(weights) else np.sort(_lightest_run(order, sums, count, least))


def _heaviest(weights: Array, chosen: NDArray[np.bool_]) -> Array:
    """Positions, heaviest first; of equal weights the first first, so that the lightest run ends with later items."""
    at = np.flatnonzero(chosen)
    return at[np.argsort(-weights[at], kind="stable")]


def _prefix(weights: Array) -> Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(weights, dtype=np.int64)])


def _ceil(value: Fraction) -> int:
    return -((-value.numerator) // value.denominator)


def _needed(all_: Population, fresh: int) -> int:
    """How much that is not recent has to go when so much recent weight goes too."""
    if not all_.least:
        return 0
    return _ceil(all_.whole - fresh - (all_.recent - fresh) / all_.least)


def _all_needed(all_: Population, fresh: Array) -> Array:
    """`_needed` of each."""
    assert all_.least
    p, d = all_.least.numerator, all_.least.denominator
    start = p * all_.whole - d * all_.recent
    if p * all_.whole + 2 * d * all_.recent < _MOST:
        return -((-(start + (d - p) * fresh)) // p)
    return np.array([_needed(all_, int(each)) for each in fresh], np.int64)


def _counts(sums: list[Array], all_: Population) -> tuple[int, int] | None:
    """The least number of surplus and of kept items to take, together fewest; of equal sums fewer kept ones."""
    both, fresh, old = sums
    c = np.arange(len(old), dtype=np.int64)
    least_q = _least_surplus(c, all_)
    most_q = len(both) + len(fresh) - 2
    possible = least_q <= most_q
    q = np.minimum(least_q, most_q)
    if all_.least:
        none = _needed(all_, 0)
        # as long as surplus items that are not recent last, more of them help both rates
        enough = np.searchsorted(both, np.clip(none - old, 0, _MOST)).astype(np.int64)
        last = np.maximum(q, enough)
        beyond = last >= len(both)
        # beyond, each more is recent and only harms recency: no more than the duplicates ask for
        q = np.where(beyond, np.maximum(q, len(both) - 1), last)
        gone = fresh[np.maximum(q - (len(both) - 1), 0)]
        need = _all_needed(all_, gone[beyond])
        possible[beyond] &= (int(both[-1]) + old[beyond] >= need) & (gone[beyond] < all_.recent)
        possible &= all_.recent > 0
    if not possible.any():
        return None
    total = np.where(possible, c + q, _MOST)
    best = int(np.argmin(total))
    return int(q[best]), best


def _least_surplus(c: Array, all_: Population) -> Array:
    """How many surplus items the ceiling asks for when so many kept ones go."""
    if all_.most is None or all_.most >= 1:
        return np.zeros(len(c), np.int64)
    a, b = all_.most.numerator, all_.most.denominator
    start = b * all_.surplus - a * all_.items
    if abs(start) + a * len(c) < _MOST:
        return np.maximum(-((-(start + a * c)) // (b - a)), 0)
    return np.array([max(-((-(start + a * each)) // (b - a)), 0) for each in range(len(c))], np.int64)


def _is_recent_enough(weights: Array, recent: NDArray[np.bool_], gone: Array, all_: Population) -> bool:
    if not all_.least:
        return True
    fresh = int(weights[gone][recent[gone]].sum())
    whole, left = all_.whole - int(weights[gone].sum()), all_.recent - fresh
    return left > 0 and left >= all_.least * whole


def _lightest_run(order: Array, sums: Array, count: int, need: int) -> Array:
    """Of items ordered by falling weight the last run of so many neighbours whose sum suffices, its last as light as may be."""
    if not count:
        return order[:0]
    runs = sums[count:] - sums[: len(sums) - count]  # falling
    first = max(int(np.searchsorted(-runs, -max(need, 0), side="right")) - 1, 0)
    weights = np.diff(sums)
    least = need - int(runs[first] - weights[first + count - 1])
    last = max(int(np.searchsorted(-weights, -max(least, 0), side="right")) - 1, first + count - 1)
    return np.concatenate([order[first : first + count - 1], order[last : last + 1]])
