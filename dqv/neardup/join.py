"""Who shares a bucket with whom, and which items hang together through buckets: linear in the keys."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]


@numba.njit(nogil=True, cache=True)
def _crowded(keys: Any, table: Any, slot: Any, number: Any) -> int:
    mask = table.size - 1
    for i in range(keys.size):
        at = np.int64(keys[i] & np.uint64(mask))
        while table[at] >= 0 and keys[table[at]] != keys[i]:
            at = (at + 1) & mask
        if table[at] < 0:
            table[at] = i
        slot[i] = table[at]  # the first row with this key
    found = 0
    for i in range(keys.size):
        first = slot[i]
        if first != i and number[first] < 0:
            number[first] = -2  # it has company
    for i in range(keys.size):
        if number[slot[i]] == -2:
            number[slot[i]] = found
            found += 1
        number[i] = number[slot[i]]
    return found


def crowded(keys: npt.NDArray[np.uint64]) -> tuple[I64, int]:
    """Number the keys that occur more than once, by open addressing.

    Args:
        keys: (n,) well-mixed bits.

    Returns:
        (n,) number of each row's key, in the order of first rows, −1 for a key that nobody shares; how many numbers.
    """
    table = np.full(1 << max(1, 2 * keys.size - 1).bit_length(), -1, np.int64)
    number = np.full(keys.size, -1, np.int64)
    count = _crowded(keys, table, np.empty(keys.size, np.int64), number)
    return number, count


@numba.njit(nogil=True, cache=True)
def root(parent: Any, i: int) -> int:
    """The lowest row of a row's tree; the way there is shortened."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(nogil=True, cache=True)
def join(parent: Any, i: int, k: int) -> None:
    """Join the trees of two rows; the lowest row is the root."""
    a, b = root(parent, i), root(parent, k)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@numba.njit(nogil=True, cache=True)
def unite(parent: Any, groups: Any, rows: Any) -> None:
    """Join the trees of rows that stand one behind the other in one group; the lowest row is the root.

    Args:
        parent: (n,) of a forest over n rows.
        groups: (m,) number of a group, equal ones together.
        rows: (m,) of its members.
    """
    for k in range(1, groups.size):
        if groups[k] == groups[k - 1]:
            join(parent, rows[k - 1], rows[k])


@numba.njit(nogil=True, cache=True)
def roots(parent: Any) -> Any:
    """The lowest row of each row's tree, (n,)."""
    out = np.empty(parent.size, np.int64)
    for i in range(parent.size):
        out[i] = root(parent, i)
    return out


@numba.njit(nogil=True, cache=True)
def bins(parent: Any, size: int) -> Any:
    """Cut the trees of a forest into bins of at least `size` rows, but for the last one.

    A tree lies in one bin, so a bin is decided by itself; trees are taken in the order of their roots.

    Returns:
        (n,) the bin of each row.
    """
    n = parent.size
    count = np.zeros(n, np.int64)
    for i in range(n):
        count[root(parent, i)] += 1
    of_root = np.zeros(n, np.int64)
    number = held = 0
    for i in range(n):
        if count[i]:
            of_root[i] = number
            held += count[i]
            if held >= size:
                number, held = number + 1, 0
    out = np.empty(n, np.int64)
    for i in range(n):
        out[i] = of_root[root(parent, i)]
    return out
