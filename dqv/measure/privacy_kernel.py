"""Where personal values may stand in texts: a first pass over all bytes, that loses none and asks little.

What a run may hold is decided by `dqv.measure.privacy`, over its characters. Here runs are found, and those left out that cannot
hold anything, by necessary conditions alone: the lengths of groups of digits and their first digits.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

IDENTITY, CREDIT, CARD, MOBILE, LANDLINE, CODE, MAIL, PLATE = (1 << bit for bit in range(8))
"""What a run may hold: numbers, of one kind or several; else a code of letters and digits, an @, a plate."""

NUMBERS = IDENTITY | CREDIT | CARD | MOBILE | LANDLINE

_CHAIN = 64
"""Groups of a chain of which the lengths are held; a longer chain is given without being asked."""


@numba.njit(nogil=True, cache=True)
def _digit(data: Any, i: int, stop: int) -> tuple[int, int]:
    """The digit at a place and its width in bytes, full-width forms too; width 0: there is none."""
    byte = data[i]
    if 48 <= byte <= 57:
        return byte - 48, 1
    if byte == 0xEF and i + 2 < stop and data[i + 1] == 0xBC and 0x90 <= data[i + 2] <= 0x99:
        return data[i + 2] - 0x90, 3
    return 0, 0


@numba.njit(nogil=True, cache=True)
def _space(data: Any, i: int, stop: int) -> int:
    """Width of a space or hyphen; 0: there is none."""
    if i >= stop:
        return 0
    byte = data[i]
    if byte == 0x20 or byte == 0x2D:
        return 1
    if byte == 0xC2 and i + 1 < stop and data[i + 1] == 0xA0:
        return 2
    if byte == 0xE2 and i + 2 < stop and data[i + 1] == 0x80 and 0x90 <= data[i + 2] <= 0x95:
        return 3
    if byte == 0xE3 and i + 2 < stop and data[i + 1] == 0x80 and data[i + 2] == 0x80:
        return 3
    if byte == 0xEF and i + 2 < stop and data[i + 1] == 0xBC and data[i + 2] == 0x8D:
        return 3
    return 0


@numba.njit(nogil=True, cache=True)
def _join(data: Any, i: int, stop: int) -> int:
    """Width of what may stand between two groups of one number: a space or hyphen, with a bracket before it."""
    width = 0
    if i < stop and data[i] == 0x29:
        width = 1
    elif i + 2 < stop and data[i] == 0xEF and data[i + 1] == 0xBC and data[i + 2] == 0x89:
        width = 3
    return width + _space(data, i + width, stop)


@numba.njit(nogil=True, cache=True)
def _alone(n: int, head: int, middle: int, checked: bool) -> int:
    """What a group of digits may be by itself.

    Args:
        n: digits.
        head: the first two.
        middle: the seventh and eighth, of an identity number the century.
        checked: Luhn's digit is right.
    """
    may = 0
    if (n == 11 and 13 <= head <= 19) or (n == 13 and head == 86) or (n == 15 and head == 0):
        may |= MOBILE
    if 10 <= n <= 12 and head < 10:
        may |= LANDLINE
    if ((n == 17 or n == 18) and (middle == 19 or middle == 20)) or n == 15:
        may |= IDENTITY
    if n == 18:
        may |= CREDIT
    issued = head in (62, 95, 34, 35, 37) or 40 <= head <= 55 or 22 <= head <= 27
    return may | CARD if 15 <= n <= 19 and checked and issued else may


@numba.njit(nogil=True, cache=True)
def _may_hold(lengths: Any, heads: Any, groups: int) -> int:
    """What groups of digits may be together.

    Args:
        lengths: digits of each group.
        heads: the first two digits of each, as a number; of a single digit ten times it.
        groups: how many.
    """
    may = 0
    for k in range(groups - 1):
        n, head, after = lengths[k], heads[k], lengths[k + 1]
        if n in (3, 4) and head < 10 and after in (3, 4, 7, 8):
            may |= LANDLINE
        if ((n == 2 and head == 86) or (n == 4 and head == 0)) and after in (2, 3, 11):
            may |= MOBILE | LANDLINE
        if n == 6 and after == 13:
            may |= CARD
        if k + 2 < groups:
            third = lengths[k + 2]
            if n in (3, 5, 7) and (13 <= head <= 19 or head in (0, 86)) and after == third == 4:
                may |= MOBILE
            if n == 6 and after == 8 and third in (3, 4):
                may |= IDENTITY
            if n == 4 and (after == third == 4 or (after == 6 and third == 5)):
                may |= CARD
    return may


@numba.njit(nogil=True, cache=True)
def _chain(data: Any, i: int, stop: int, lengths: Any, heads: Any) -> tuple[int, int, int]:
    """Read the groups of digits that begin here; where the last begins and ends, and what they may hold."""
    groups, end, may = 0, i, 0
    while True:
        last = end
        count, head, middle, even, odd = 0, 0, 0, 0, 0
        while end < stop and data[end] >= 48:
            value, width = data[end] - 48, 1
            if value > 9:
                value, width = _digit(data, end, stop)
                if not width:
                    break
            if count < 2:
                head = head * 10 + value
            elif count == 6 or count == 7:
                middle = middle * 10 + value
            doubled = value * 2 - (9 if value > 4 else 0)
            even, odd = odd + value, even + doubled  # what is doubled counts from the end: all change places
            count += 1
            end += width
        head = head if count > 1 else head * 10
        may |= _alone(count, head, middle, even % 10 == 0)
        if groups < _CHAIN:
            lengths[groups], heads[groups] = count, head
        groups += 1
        width = _join(data, end, stop)
        if not width or end + width >= stop or not _digit(data, end + width, stop)[1]:
            return last, end, may | (_may_hold(lengths, heads, groups) if groups <= _CHAIN else NUMBERS)
        end += width


@numba.njit(nogil=True, cache=True)
def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122


@numba.njit(nogil=True, cache=True)
def _code(data: Any, first: int, i: int, stop: int) -> int:
    """The byte behind the letters and digits around a digit if they may be a code; 0 else."""
    end = i
    while end < stop and _is_word(data[end]) and end - first <= 18:
        end += 1
    length = end - first
    if length == 18 or (i - first in (1, 2) and 9 <= length <= 10):
        return end
    return 0


@numba.njit(nogil=True, cache=True)
def _next(data: Any, i: int, stop: int, interesting: Any) -> int:
    """The next byte that may begin something; a loop of its own, for most bytes begin nothing."""
    while i < stop and not interesting[data[i]]:
        i += 1
    return i


@numba.njit(nogil=True, cache=True)
def _skipped(data: Any, i: int, stop: int) -> int:
    """Behind the digits that begin here, if they stand alone and no number begins with so many; else where they begin."""
    end = i
    while end < stop and 48 <= data[end] <= 57:
        end += 1
    n = end - i
    if n in (4, 6) or 10 <= n <= 19 or (end < stop and (data[end] == 0xEF or _is_word(data[end]))):
        return i
    if n in (2, 3, 5, 7):
        head = (data[i] - 48) * 10 + data[i + 1] - 48
        if head == 86 or head < 10 or 13 <= head <= 19:
            return i
    return end


@numba.njit(nogil=True, cache=True)
def _runs(data: Any, offsets: Any, interesting: Any, out: Any) -> int:
    """Write the runs as far as there is room; returns how many there are."""
    lengths, heads = np.empty(_CHAIN, np.int64), np.empty(_CHAIN, np.int64)
    count = 0
    for row in range(offsets.size - 1):
        start, stop = offsets[row], offsets[row + 1]
        i = _next(data, start, stop, interesting)
        while i < stop:
            byte, first, kind, end = data[i], i, 0, i + 1
            if 48 <= byte <= 57 and (i == start or not _is_word(data[i - 1])):
                end = _skipped(data, i, stop)
                if end > i:
                    i = _next(data, end, stop, interesting)
                    continue
            if 48 <= byte <= 57 or byte == 0xEF:
                _, width = _digit(data, i, stop)
                if width:
                    while width == 1 and first > start and i - first < 18 and _is_word(data[first - 1]):
                        first -= 1
                    last, end, kind = _chain(data, i, stop, lengths, heads)
                    code = 0
                    if first < i:
                        code = _code(data, first, i, stop)
                    elif end < stop and _is_word(data[end]):
                        first, code = last, _code(data, last, last, stop)
                    if code:
                        if count < out.shape[0]:
                            out[count, 0], out[count, 1], out[count, 2], out[count, 3] = (
                                row,
                                first,
                                code,
                                CODE,
                            )
                        count += 1
                    first = i
                else:
                    end = i + 1
            elif byte == 0x40:
                kind = MAIL
            elif i - start >= 3 and data[i - 3] >= 0xE4 and data[i - 1] >= 0x80 and i + 1 < stop:
                kind, first = PLATE, i - 3  # the letter of a plate stands behind a character of three bytes
            if kind:
                if count < out.shape[0]:
                    out[count, 0], out[count, 1], out[count, 2], out[count, 3] = row, first, end, kind
                count += 1
            i = _next(data, end, stop, interesting)
    return count


_INTERESTING = np.zeros(256, np.bool_)
_INTERESTING[[*range(48, 58), *range(64, 91), 0xEF]] = True


def runs(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The runs of texts that may hold something.

    Args:
        data: UTF-8 bytes of all texts.
        offsets: n + 1 byte offsets into data.

    Returns:
        (k, 4): text, first byte and the byte behind (both of `data`), and what it may hold, as bits; in the order of the text.
    """
    out = np.empty((1024, 4), np.int64)
    count = _runs(data, offsets, _INTERESTING, out)
    if count > len(out):
        out = np.empty((count, 4), np.int64)
        _runs(data, offsets, _INTERESTING, out)
    return out[:count]
