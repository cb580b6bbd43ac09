"""Tokens and shingles over Arrow buffers: no Python object per document, token or shingle.

A run of letters and digits is one token; a Chinese, Japanese, Korean, Thai, Lao, Khmer or Burmese code
point is a token of its own. Before that, each code point is folded: full-width forms to their plain form,
then upper to lower case. What nobody sees (zero-width spaces and joiners, soft hyphens, variation selectors,
tags) is as if it were not there; all else separates tokens.
"""

import unicodedata
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

SHINGLE = 5
"""Tokens in a shingle; a shorter document is one shingle of all its tokens."""

_TABLE_SIZE = 0x30000  # planes 0 to 2; beyond are private use and tags: one class for all
_SEPARATOR, _WORD, _SINGLE, _UNSEEN = 0, 1, 2, 3

_SINGLES = (
    (0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF),  # Thai, Lao, Burmese, Khmer
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303C), (0x3040, 0x30FF),
    (0x3105, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x2FFFF),
)  # fmt: skip

_UNSEEN_RANGES = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
)  # fmt: skip
"""Default-ignorable code points (Unicode 4.1) that are letters or marks; the others are of category Cf."""

U64 = npt.NDArray[np.uint64]


@cache
def tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """Folded code point and class of every code point below 0x30000."""
    fold = np.arange(_TABLE_SIZE, dtype=np.uint32)
    kind = np.zeros(_TABLE_SIZE, dtype=np.uint8)
    for point in range(0x20000):  # plane 2 holds ideographs alone, which fold to themselves
        if 0xD800 <= point <= 0xDFFF:
            continue
        char = chr(point)
        plain = unicodedata.normalize("NFKC", char)
        if len(plain) != 1:
            plain = char
        lower = plain.casefold()
        folded = ord(lower) if len(lower) == 1 else ord(plain)
        fold[point] = folded
        if unicodedata.category(char) == "Cf":
            kind[point] = _UNSEEN
        elif unicodedata.category(chr(folded))[0] in "LNM":
            kind[point] = _WORD
    for first, last in _SINGLES:
        inside = kind[first : last + 1]
        inside[(inside == _WORD) | (first >= 0x20000)] = _SINGLE
    for first, last in _UNSEEN_RANGES:
        kind[first : last + 1] = _UNSEEN
    return fold, kind


@numba.njit(nogil=True, cache=True)
def mix(x: Any) -> Any:
    """Spread 64 bits (splitmix64's finaliser, Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@numba.njit(nogil=True, cache=True)
def tokenise(data: Any, start: int, stop: int, fold: Any, kind: Any, out: Any) -> int:
    """Hash the tokens of the UTF-8 bytes data[start:stop] into `out`; returns how many.

    `out` needs room for stop − start tokens. The bytes are valid UTF-8: Arrow made them.
    """
    count = 0
    word = np.uint64(0)
    in_word = False
    i = start
    while i < stop:
        byte = data[i]
        if byte < 0x80:
            point = np.uint32(byte)
            i += 1
        elif byte < 0xE0:
            point = (np.uint32(byte & 0x1F) << 6) | np.uint32(data[i + 1] & 0x3F)
            i += 2
        elif byte < 0xF0:
            point = (
                (np.uint32(byte & 0x0F) << 12)
                | (np.uint32(data[i + 1] & 0x3F) << 6)
                | np.uint32(data[i + 2] & 0x3F)
            )
            i += 3
        else:
            point = (
                (np.uint32(byte & 0x07) << 18)
                | (np.uint32(data[i + 1] & 0x3F) << 12)
                | (np.uint32(data[i + 2] & 0x3F) << 6)
                | np.uint32(data[i + 3] & 0x3F)
            )
            i += 4
        what = kind[point] if point < kind.size else np.uint8(3 * (point >> 12 == 0xE0))  # 3: tags
        if what == 3:
            continue
        folded = np.uint64(fold[point]) if point < fold.size else np.uint64(point)
        if what == 1:
            if not in_word:
                word = np.uint64(0x9E3779B97F4A7C15)
                in_word = True
            word = (word ^ folded) * np.uint64(0x100000001B3)
            word ^= word >> np.uint64(29)
            continue
        if in_word:
            out[count] = mix(word)
            count += 1
            in_word = False
        if what == 2:
            out[count] = mix(folded + np.uint64(0x2545F4914F6CDD1D))
            count += 1
    if in_word:
        out[count] = mix(word)
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def shingle_at(tokens: Any, at: int, length: int) -> Any:
    """Hash of the `length` tokens from `at`, order kept."""
    h = np.uint64(length)
    for k in range(length):
        h = h * np.uint64(0x9DDFEA08EB382D69) + tokens[at + k]
    return mix(h)


@numba.njit(nogil=True, cache=True)
def _shingle_sets(data: Any, offsets: Any, fold: Any, kind: Any, out: Any, ends: Any) -> None:
    widest = 1
    for d in range(offsets.size - 1):
        widest = max(widest, offsets[d + 1] - offsets[d])
    tokens = np.empty(widest, np.uint64)
    held = 0
    for d in range(offsets.size - 1):
        count = tokenise(data, offsets[d], offsets[d + 1], fold, kind, tokens)
        if count > 0:
            length = min(count, 5)
            values = np.empty(count - length + 1, np.uint64)
            for at in range(values.size):
                values[at] = shingle_at(tokens, at, length)
            values.sort()
            for at in range(values.size):
                if at == 0 or values[at] != values[at - 1]:
                    out[held] = values[at]
                    held += 1
        ends[d] = held


def shingle_sets(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[U64, npt.NDArray[np.int64]]:
    """The shingle sets of documents, as sorted distinct 64-bit hashes.

    Args:
        data: UTF-8 bytes of all documents.
        offsets: n + 1 byte offsets into data.

    Returns:
        All sets one after the other, and n + 1 offsets into them.
    """
    fold, kind = tables()
    out = np.empty(max(1, int(offsets[-1] - offsets[0])), np.uint64)
    ends = np.zeros(offsets.size, np.int64)
    _shingle_sets(data, offsets, fold, kind, out, ends[1:])
    return out[: ends[-1]].copy(), ends


@numba.njit(nogil=True, cache=True)
def intersection(a: Any, b: Any) -> int:
    """How many values two sorted arrays of distinct values share."""
    i = j = shared = 0
    while i < a.size and j < b.size:
        if a[i] == b[j]:
            shared += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return shared
