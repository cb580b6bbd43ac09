"""Content-defined paragraphs of long texts: an inserted chapter moves no boundary behind it.

After Muthitacharoen, Chen and Mazières, SOSP 2001, over tokens instead of bytes: a paragraph ends behind a shingle whose hash draws it, so that case, width, spaces and line breaks, which tokens do not hold,
do not move boundaries either. It has at least `LEAST` tokens, but for the last one, and at most `MOST`; a window of bytes
bounds what holds hardly any.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.neardup.tokens import SHINGLE, shingle, tables, tokenise

LEAST, MOST = 64, 1024
"""Tokens of a paragraph: about 256, which is 1.5 kB of English and 0.8 kB of Chinese."""

_ONE_IN = 192
"""So many shingles end a paragraph."""

_WINDOW_BYTES = 1 << 16


@numba.njit(nogil=True, cache=True)
def _cut(data: Any, start: int, stop: int, value: Any, kind: Any, out: Any) -> int:
    tokens, shingles = np.empty(_WINDOW_BYTES, np.uint64), np.empty(_WINDOW_BYTES, np.uint64)
    ends = np.empty(_WINDOW_BYTES, np.int64)
    out[0] = start
    found = 1
    while start < stop:
        edge = min(stop, start + _WINDOW_BYTES)
        while edge < stop and data[edge] & 0xC0 == 0x80:
            edge -= 1
        count = tokenise(data, start, edge, value, kind, tokens, ends)
        shingle(tokens, count, shingles)
        if edge < stop:
            count -= 1  # the edge may cut a word
        begun, first = start, 0
        for t in range(count):
            held = t + 1 - first
            drawn = t + 1 >= SHINGLE and held >= LEAST and shingles[t + 1 - SHINGLE] % np.uint64(_ONE_IN) == 0
            if drawn or held >= MOST:
                start, first = ends[t], t + 1
                out[found] = start
                found += 1
        if edge == stop or start == begun:
            start = edge
            if out[found - 1] < edge:
                out[found] = edge
                found += 1
    return found


def cut(
    data: npt.NDArray[np.uint8], start: int, stop: int, *, simplified: bool = False
) -> npt.NDArray[np.int64]:
    """Cut a text into paragraphs.

    Args:
        data: UTF-8 bytes, the text's among them.
        start: where the text begins.
        stop: where it ends.
        simplified: as for `tokens.tables`.

    Returns:
        n + 1 byte offsets into data, the first is `start`, the last `stop`; none lies within a character. What
        follows the last token belongs to the last paragraph.
    """
    value, kind = tables(simplified=simplified)
    out = np.empty((stop - start) // LEAST + (stop - start) // (_WINDOW_BYTES // 2) + 3, np.int64)
    return out[: _cut(data, start, stop, value, kind, out)].copy()
