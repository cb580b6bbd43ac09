"""MinHash sketches (Broder 1997) and their bands (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4).

128 slots; slot j holds the least value of the j-th hash over a document's shingles, so two documents agree
in a slot with probability J, the Jaccard similarity of their shingle sets. 21 bands of 6 rows propose pairs:
1 − (1 − J⁶)²¹ = 0.998 of those with J = 0.8.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.core.schema import SKETCH_SLOTS
from dqv.neardup.tokens import mix, shingle, tables, tokenise, widest

BANDS, ROWS = 21, 6

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]


def _coefficients() -> tuple[U32, U32, U32]:
    state = np.random.Generator(np.random.PCG64(0x6A78_2025))  # fixed: sketches of all runs compare
    draw = state.integers(0, 2**32, size=(3, SKETCH_SLOTS), dtype=np.uint32)
    return draw[0] | np.uint32(1), draw[1] | np.uint32(1), draw[2]


_A, _B, _C = _coefficients()


@numba.njit(nogil=True, cache=True)
def _sketch(data: Any, offsets: Any, value: Any, kind: Any, a: Any, b: Any, c: Any, counts: Any, normal: Any,
            sketches: Any) -> None:  # fmt: skip
    tokens, shingles = np.empty(widest(offsets), np.uint64), np.empty(widest(offsets), np.uint64)
    slots = np.empty(128, np.uint32)
    for d in range(offsets.size - 1):
        count = tokenise(data, offsets[d], offsets[d + 1], value, kind, tokens)
        counts[d] = count
        high, low = np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344)
        for t in range(count):
            high = (high ^ tokens[t]) * np.uint64(0x9DDFEA08EB382D69)
            high ^= high >> np.uint64(32)
            low = (low + tokens[t]) * np.uint64(0xC2B2AE3D27D4EB4F)
            low ^= low >> np.uint64(29)
        normal[d, 0], normal[d, 1] = mix(high), mix(low)
        slots[:] = np.uint32(0xFFFFFFFF)
        for h in shingles[: shingle(tokens, count, shingles)]:
            lo, hi = np.uint32(h & np.uint64(0xFFFFFFFF)), np.uint32(h >> np.uint64(32))
            for j in range(128):
                slots[j] = min(slots[j], np.uint32(lo * a[j] + hi * b[j] + c[j]))
        sketches[d, :] = slots


def sketch(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], U64, U32]:
    """Count tokens, hash the folded text and sketch it, for n documents.

    Args:
        data: UTF-8 bytes of all documents.
        offsets: n + 1 byte offsets into data.

    Returns:
        Tokens (n,), 128-bit hash of the token sequence (n, 2), sketch (n, 128). A document without a
        token has 0 tokens and a sketch of all ones that means nothing.
    """
    n = offsets.size - 1
    counts = np.zeros(n, np.int64)
    normal = np.zeros((n, 2), np.uint64)
    sketches = np.empty((n, SKETCH_SLOTS), np.uint32)
    value, kind = tables()
    _sketch(data, offsets, value, kind, _A, _B, _C, counts, normal, sketches)
    return counts, normal, sketches


@numba.njit(nogil=True, cache=True)
def band_keys(sketches: Any) -> Any:
    """The 21 band keys of n sketches: (n, 21) uint64; equal keys of a band propose a pair."""
    out = np.empty((sketches.shape[0], 21), np.uint64)
    for d in range(sketches.shape[0]):
        for band in range(21):
            h = np.uint64(band + 1)
            for row in range(6):
                h = mix(h ^ np.uint64(sketches[d, band * 6 + row])) + h
            out[d, band] = h
    return out


@numba.njit(nogil=True, cache=True)
def agreement(a: Any, b: Any) -> int:
    """In how many of the 128 slots two sketches agree; divided by 128 it estimates J."""
    same = 0
    for j in range(128):
        same += a[j] == b[j]
    return same
