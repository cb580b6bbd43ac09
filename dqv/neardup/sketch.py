"""Sketches of shingle sets and their bands (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4).

Fast Similarity Sketching (Dahlgaard, Knudsen and Thorup, FOCS 2017) with t = 128 or 256 slots and 2t rounds. In
round i < t every element falls into a slot drawn by its hash, in round t + j into slot j; a slot keeps the
least pair of round and hash that fell into it. Two sets then agree in a slot with probability J, the Jaccard
similarity, as with MinHash (Broder 1997), and the share of slots in agreement spreads no wider; but an
element is hashed once for each round that is needed, not t times. A round that begins when every slot
holds something changes none, so stopping there gives what all the rounds would: the estimate has no bias.

Of 128 slots 21 bands of 6 rows propose pairs: 1 − (1 − J⁶)²¹ = 0.998 of those with J = 0.8. Of 256 it is 36 bands of 7:
0.9998 there, and no more pairs with J ≤ 0.5 (32 bands of 8 would miss 0.997).
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.core.schema import SKETCH_BANDS, SKETCH_SLOTS
from dqv.neardup.tokens import mix, next_window, room, tables, window_shingles

BANDS, ROWS = SKETCH_BANDS[SKETCH_SLOTS]

_EMPTY = np.uint64(2**64 - 1)

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]


@numba.njit(nogil=True, cache=True)
def fill(elements: Any, slots: Any) -> None:
    """Sketch a set, given as 64-bit hashes in any order and number, into 128 or 256 uint64 `slots`.

    A slot holds the round in its top 8 or 9 bits, then bits of the hash, whose 7 or 8 top bits draw the slot.

    The elements are spent: each round hashes them anew, in place. Of a slot the low 32 bits are worth
    keeping: those of different elements are equal by chance alone.
    """
    slots[:] = _EMPTY
    empty = slots.size
    top = np.uint64(57 if slots.size == 128 else 56)
    low = (np.uint64(1) << (top - np.uint64(1))) - np.uint64(1)
    for number in range(2 * slots.size):
        lead = np.uint64(number) << (top - np.uint64(1))
        for element in elements:
            slot = element >> top if number < slots.size else np.uint64(number - slots.size)
            empty -= slots[slot] == _EMPTY
            slots[slot] = min(slots[slot], lead | (element & low))
        if empty == 0:
            return
        for at in range(elements.size):
            elements[at] = mix(elements[at] + np.uint64(0x9E3779B97F4A7C15))


@numba.njit(nogil=True, cache=True)
def _sketch(data: Any, offsets: Any, value: Any, kind: Any, counts: Any, normal: Any, sketches: Any) -> None:
    tokens, shingles = np.empty(room(offsets), np.uint64), np.empty(room(offsets), np.uint64)
    slots, more = np.empty(sketches.shape[1], np.uint64), np.empty(sketches.shape[1], np.uint64)
    for d in range(offsets.size - 1):
        high, low = np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344)
        start, stop, kept, found = offsets[d], offsets[d + 1], 0, 0
        slots[:] = _EMPTY
        while start < stop:
            start, count = next_window(data, start, stop, value, kind, tokens, kept)
            counts[d] += count - kept
            for t in range(kept, count):
                high = (high ^ tokens[t]) * np.uint64(0x9DDFEA08EB382D69)
                high ^= high >> np.uint64(32)
                low = (low + tokens[t]) * np.uint64(0xC2B2AE3D27D4EB4F)
                low ^= low >> np.uint64(29)
            held, kept = window_shingles(tokens, count, start == stop and found == 0, shingles)
            if found == 0:
                fill(shingles[:held], slots)
            elif held:  # the sketch of a union is the least of its parts
                fill(shingles[:held], more)
                slots[:] = np.minimum(slots, more)
            found += held
        normal[d, 0], normal[d, 1] = mix(high), mix(low)
        for j in range(slots.size):
            sketches[d, j] = np.uint32(slots[j] & np.uint64(0xFFFFFFFF))


def sketch(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    slots: int = SKETCH_SLOTS,
    *,
    simplified: bool = False,
) -> tuple[npt.NDArray[np.int64], U64, U32]:
    """Count tokens, hash the folded text and sketch it, for n documents.

    Args:
        data: UTF-8 bytes of all documents.
        offsets: n + 1 byte offsets into data.
        slots: 128 or 256.
        simplified: as for `tokens.tables`.

    Returns:
        Tokens (n,), 128-bit hash of the token sequence (n, 2), sketch (n, slots). A document without a
        token has 0 tokens and a sketch of all ones that means nothing.
    """
    n = offsets.size - 1
    counts = np.zeros(n, np.int64)
    normal = np.zeros((n, 2), np.uint64)
    sketches = np.empty((n, slots), np.uint32)
    value, kind = tables(simplified=simplified)
    _sketch(data, offsets, value, kind, counts, normal, sketches)
    return counts, normal, sketches


@numba.njit(nogil=True, cache=True)
def _band_keys(sketches: Any, rows: int, out: Any) -> None:
    for d in range(out.shape[0]):
        for band in range(out.shape[1]):
            h = np.uint64(band + 1)
            for row in range(rows):
                h = mix(h ^ np.uint64(sketches[d, band * rows + row])) + h
            out[d, band] = h


def band_keys(sketches: U32) -> U64:
    """The band keys of n sketches: (n, bands) uint64; equal keys of a band propose a pair."""
    bands, rows = SKETCH_BANDS[sketches.shape[1]]
    out = np.empty((sketches.shape[0], bands), np.uint64)
    _band_keys(sketches, rows, out)
    return out


@numba.njit(nogil=True, cache=True)
def agreement(a: Any, b: Any) -> int:
    """In how many slots two sketches agree; divided by all of them it estimates J."""
    same = 0
    for j in range(a.size):
        same += a[j] == b[j]
    return same
