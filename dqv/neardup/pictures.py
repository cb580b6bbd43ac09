"""Near-duplicate pictures: a hash proposes pairs, an aligned comparison decides.

The hash is pHash (Zauner 2010; imagehash's reading of it): a picture reduced to 32 × 32 by area, the 8 × 8 lowest
frequencies of its DCT, one bit each for being above their median. All in integers: every machine finds the same.
Pairs at most 7 of 64 bits apart are found by multi-index hashing (Norouzi, Punjani, Fleet 2012).

Pictures of one fixed scene hash alike and differ in what matters, so a pair is aligned (Lucas and Kanade 1981, from
coarse to fine: shift and scale of either axis, and a tone curve, fitted robustly) and judged by its *largest local*
difference, never by a mean. That part is float64 in a fixed order of operations, without BLAS or LAPACK.

benchmarks/images_near.py measures what the limits below let through.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

MOST_BITS = 7
"""Hashes farther apart propose nothing."""

CROPPED = 0.02
"""Cut from each side for the inner hash: the hash of a picture cropped by 2 % is more than 7 bits from the whole one's for one picture in seven and
never from the inner one's (144 pictures)."""

_CELLS, _LOW = 32, 8
_COSINES = np.rint(
    np.cos(np.pi * np.outer(np.arange(_LOW), 2 * np.arange(_CELLS) + 1) / (2 * _CELLS)) * (1 << 14)
).astype(np.int64)
_FLAT = 1 << 38
"""Twice the median distance of the coefficients from their median, below which a picture is flat. Gradients under noise
stay under 0.6 of it and move 12 bits or more when re-encoded; from 1.2 of it on, none of the real pictures moved more
than 6."""

_PARTS = 1 << 12
"""Edges of cells lie at multiples of this part of a pixel."""

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]


@numba.njit(nogil=True, cache=True)
def _sums(grey: Any, top: Any, left: Any, unit: int) -> Any:
    """Add up greys over cells, exactly.

    Args:
        grey: (h, w) uint8.
        top: (rows + 1,) ascending edges of the cells within the picture, in 1/unit pixels.
        left: (columns + 1,) idem.
        unit: parts of a pixel.

    Returns:
        (rows, columns) int64: grey × area, in 1/unit² pixels.
    """
    rows, columns = top.size - 1, left.size - 1
    sums = np.zeros((rows, columns), np.int64)
    line = np.empty(grey.shape[1], np.int64)
    for row in range(rows):
        line[:] = 0
        for y in range(top[row] // unit, (top[row + 1] - 1) // unit + 1):
            weight = min(top[row + 1], (y + 1) * unit) - max(top[row], y * unit)
            for x in range(line.size):
                line[x] += weight * grey[y, x]
        for column in range(columns):
            first, last = left[column], left[column + 1]
            for x in range(first // unit, (last - 1) // unit + 1):
                sums[row, column] += (min(last, (x + 1) * unit) - max(first, x * unit)) * line[x]
    return sums


def coefficients(grey: U8, *, inner: bool = False) -> I64:
    """The 8 × 8 lowest frequencies of a picture: all that is hashed of it.

    Args:
        grey: (h, w), upright, of any size; reduced beforehand or not.
        inner: of the picture without 2 % on each side.

    Returns:
        (8, 8) int64, vertical frequency first, of the 32 × 32 mean greys (in 1/64) × 2²⁸.
    """
    edges = [_edges(side, _CELLS, -CROPPED * 2 if inner else 0.0) for side in grey.shape]
    area = np.outer(np.diff(edges[0]), np.diff(edges[1]))
    greys = (128 * _sums(grey, edges[0], edges[1], _PARTS) + area) // (2 * area)
    low: I64 = _COSINES @ greys @ _COSINES.T
    return low


def _edges(side_px: int, cells: int, stretch: float = 0.0, shift: float = 0.0) -> I64:
    """Edges of equal cells over a side, in 1/_PARTS pixels, mirrored alike.

    Stretch and shift are parts of half the side.
    """
    at = np.arange(-cells, cells + 1, 2) / cells
    half = side_px * (_PARTS // 2)
    return half + np.rint((shift + at + stretch * at) * half).astype(np.int64)


def _above(low: I64) -> I64:
    """Twice how far each coefficient is above their median, (64,)."""
    values = low.ravel()
    above: I64 = 2 * values - np.sort(values)[31:33].sum()
    return above


def phash(low: I64) -> np.uint64:
    """The hash of a picture with these coefficients; the lowest frequency is the highest bit."""
    return np.uint64(int.from_bytes(np.packbits(_above(low) > 0).tobytes(), "big"))


def is_flat(low: I64) -> bool:
    """Whether so little is in the picture that its hash means nothing."""
    return bool(np.sort(np.abs(_above(low)))[32] < _FLAT)


def fingerprint(grey: U8) -> tuple[np.uint64, bool]:
    """The perceptual hash of a picture as `coefficients` takes it, and whether it is flat."""
    low = coefficients(grey)
    return phash(low), is_flat(low)


def orientations(low: I64) -> U64:
    """The hashes of a picture in its 8 orientations, from its coefficients.

    A mirror turns the sign of the odd frequencies, a transposition swaps the axes; both are exact.

    Returns:
        (8,) uint64: upright, mirrored, turned by 180°, upside down, and the same four of the transposed picture.
    """
    odd = np.where(np.arange(_LOW) % 2, -1, 1)
    across, down = odd[None, :], odd[:, None]
    return np.array(
        [phash(turned * signs) for turned in (low, low.T) for signs in (1, across, across * down, down)],
        np.uint64,
    )


_ROOM = 1 << 20
"""Pairs found before they are handed on."""


@numba.njit(nogil=True, cache=True)
def _bits(x: Any) -> Any:
    """How many bits of 64 are set (Warren, Hacker's Delight, 5-1)."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@numba.njit(nogil=True, cache=True)
def _tables(hashes: Any) -> Any:
    """For each of the 4 blocks of 16 bits: rows sorted by the block's value, ascending within, and where each starts."""
    starts = np.zeros((4, (1 << 16) + 1), np.int64)
    rows = np.empty((4, hashes.size), np.int64)
    for block in range(4):
        shift, start = np.uint64(16 * block), starts[block]
        for h in hashes:
            start[np.int64((h >> shift) & np.uint64(0xFFFF)) + 1] += 1
        for value in range(1 << 16):
            start[value + 1] += start[value]
        free = start.copy()
        for row in range(hashes.size):
            mine = np.int64((hashes[row] >> shift) & np.uint64(0xFFFF))
            rows[block, free[mine]] = row
            free[mine] += 1
    return rows, starts


@numba.njit(nogil=True, cache=True)
def _earlier(hashes: Any, held: Any, rows: Any, starts: Any, row: int, out: Any) -> int:
    """Write the rows before `row` at most 7 bits from it, in no order; returns how many there are, room or not."""
    found = 0
    mine = hashes[row]
    for block in range(4):
        shift = np.uint64(16 * block)
        value = np.int64((mine >> shift) & np.uint64(0xFFFF))
        for near in range(17):  # the block itself, and each of its bits turned
            bucket = value if near == 16 else value ^ (1 << near)
            for slot in range(starts[block, bucket], starts[block, bucket + 1]):
                apart = mine ^ held[block, slot]
                if _bits(apart) > MOST_BITS:
                    continue
                other = rows[block, slot]
                if other >= row:
                    break
                seen = False  # by an earlier block
                for before in range(block):
                    seen |= _bits((apart >> np.uint64(16 * before)) & np.uint64(0xFFFF)) <= 1
                if not seen:
                    if found < out.size:
                        out[found] = other
                    found += 1
    return found


@numba.njit(nogil=True, cache=True)
def _fill(hashes: Any, held: Any, rows: Any, starts: Any, row: int, earlier: Any, later: Any) -> Any:
    """Write the pairs of whole rows from `row` on while there is room; returns the next row, and how many pairs."""
    filled = 0
    while row < hashes.size:
        found = _earlier(hashes, held, rows, starts, row, earlier[filled:])
        if filled + found > earlier.size:
            break
        earlier[filled : filled + found].sort()
        later[filled : filled + found] = row
        filled += found
        row += 1
    return row, filled


def groups(hashes: U64) -> tuple[U64, I64]:
    """Collapse equal hashes.

    Returns:
        The distinct hashes in order of first appearance, and the row among them of each of `hashes`.
    """
    distinct, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    return distinct[order], rank[inverse]


def candidates(distinct: U64) -> Iterator[I64]:
    """Pairs of hashes at most 7 bits apart: in one of 4 blocks of 16 bits such a pair is at most 1 bit apart.

    Args:
        distinct: (n,) from `groups`; members of one group are pairs anyway. To find cropped pictures too, give
            `groups` the hashes of whole and inner pictures, one after the other.

    Yields:
        (m, 2) rows (earlier, later), ascending by later, then earlier; all pairs of a later row in one array, of
        bounded size unless one row has more.
    """
    rows, starts = _tables(distinct)
    held = distinct[rows]
    row, room = 0, _ROOM
    while row < distinct.size:
        earlier, later = np.empty(room, np.int64), np.empty(room, np.int64)
        following, filled = _fill(distinct, held, rows, starts, row, earlier, later)
        if following == row:  # more than there is room for
            room *= 2
            continue
        row = following
        if filled:
            yield np.column_stack((earlier[:filled], later[:filled]))


LIMIT = 8.5
"""The largest local difference that re-encoding, resizing and small crops explain."""

TONING = 0.4
"""How much of the largest change of tone the limit rises by: done to colours, with their clipping, it is no curve of
grey."""

TEXTURE = 0.1
"""How much of the local texture (standard deviation over 7 × 7) is added to one grey as the unit of difference: codecs
and resizing change most where there is most."""

LEAST_OVERLAP = 0.93
"""Of either side of both pictures: crops of up to 3 % on each side."""

_SHORT_PX, _LONG_PX, _LEAST_PX = 256, 1024, 16
"""The frame of comparison: at most so large, at least the last; the coarsest level of alignment has it, too."""

_MOST_MOVE = 0.12
_STEPS = 6
_STARTS = (0.0, 0.04, -0.04)
"""Stretches that alignment begins with at the coarsest level: none, and crops of 2 % of either picture."""

_GREYS = 127.5
_NOISE = 2 / _GREYS
_RIDGE, _STIFF = 1e-3, 1e6
LEAST_GAIN = 0.5


@dataclass(frozen=True, slots=True)
class Similarity:
    """How two pictures compare; parts are of the first one's sides.

    Attributes:
        same: nothing differs but by what re-encoding, resizing, small crops and a change of tone explain.
        difference: the largest local one, in units of 1 grey (of 255) + a tenth of the local texture; infinite where
            the pictures cannot be aligned.
        limit: of the difference.
        x: where it is, 0 … 1 from the left.
        y: idem from the top.
        shift_x: of the second picture's middle.
        shift_y: idem.
        stretch_x: of the second picture: 0.04 where the first is cropped by 2 % on each side.
        stretch_y: idem.
        gain: slope of the tone curve at middle grey, second against first.
        toning: largest change by the tone curve, in greys.
    """

    same: bool
    difference: float
    limit: float = LIMIT
    x: float = 0.0
    y: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    stretch_x: float = 0.0
    stretch_y: float = 0.0
    gain: float = 1.0
    toning: float = 0.0


@numba.njit(nogil=True, cache=True)
def _solve(matrix: Any, right: Any) -> Any:
    """Solve a small positive definite system (Cholesky), in one order of operations on every machine."""
    n = right.size
    low, out = np.zeros((n, n)), right.copy()
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i, j]
            for k in range(j):
                rest -= low[i, k] * low[j, k]
            low[i, j] = np.sqrt(rest) if i == j else rest / low[j, j]
    for i in range(n):
        for k in range(i):
            out[i] -= low[i, k] * out[k]
        out[i] /= low[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            out[i] -= low[k, i] * out[k]
        out[i] /= low[i, i]
    return out


@numba.njit(nogil=True, cache=True)
def _residual(a: Any, b: Any, inside: Any, tone: Any) -> Any:
    """What `b` is above `a` after the tone curve, which ends at black and white."""
    out = np.zeros(a.shape)
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            if inside[y, x]:
                expected = tone[0] + tone[1] * a[y, x] + tone[2] * a[y, x] * a[y, x]
                out[y, x] = b[y, x] - min(1.0, max(-1.0, expected))
    return out


@numba.njit(nogil=True, cache=True)
def _step(a: Any, b: Any, inside: Any, residual: Any, tone: Any, width: float, stiffness: float) -> Any:
    """Least squares for the motion that remains and the tone curve, (7,); residuals beyond `width` weigh little.

    The weights are Geman and McClure's. A ridge keeps what the pictures do not show at no motion and the plain tone.
    """
    rows, columns = a.shape
    matrix, right, by = np.zeros((7, 7)), np.zeros(7), np.empty(7)
    used = 0
    for y in range(1, rows - 1):
        for x in range(1, columns - 1):
            if not (inside[y - 1, x] and inside[y + 1, x] and inside[y, x - 1] and inside[y, x + 1]):
                continue
            used += 1
            r, t = residual[y, x] / width, a[y, x]
            weight = 1.0 / ((1.0 + r * r) * (1.0 + r * r))
            down = (b[y + 1, x] - b[y - 1, x]) * rows / 4
            across = (b[y, x + 1] - b[y, x - 1]) * columns / 4
            by[0], by[1] = down, down * ((2 * y + 1) / rows - 1)
            by[2], by[3] = across, across * ((2 * x + 1) / columns - 1)
            value = b[y, x]
            if abs(tone[0] + tone[1] * t + tone[2] * t * t) <= 1.0:
                by[4], by[5], by[6] = -1.0, -t, -t * t
            else:  # at black or white nothing depends on the curve
                by[4], by[5], by[6] = 0.0, 0.0, 0.0
                value = residual[y, x]
            for i in range(7):
                right[i] -= weight * by[i] * value
                for j in range(i + 1):
                    matrix[i, j] += weight * by[i] * by[j]
    for i in range(7):
        matrix[i, i] += (stiffness if i < 4 else _RIDGE) * (used + 1)
    right[5] += _RIDGE * (used + 1)
    return _solve(matrix, right)


@numba.njit(nogil=True, cache=True)
def _mean(field: Any, radius: int) -> Any:
    """Mean over the square of this radius around each cell, of what lies in the field."""
    rows, columns = field.shape
    lines, out = np.empty(field.shape), np.empty(field.shape)
    for y in range(rows):
        for x in range(columns):
            first, last = max(0, x - radius), min(columns, x + radius + 1)
            total = 0.0
            for k in range(first, last):
                total += field[y, k]
            lines[y, x] = total / (last - first)
    for y in range(rows):
        first, last = max(0, y - radius), min(rows, y + radius + 1)
        for x in range(columns):
            total = 0.0
            for k in range(first, last):
                total += lines[k, x]
            out[y, x] = total / (last - first)
    return out


def _over(grey: U8, shape: tuple[int, int], move: F64) -> tuple[F64, Inside]:
    """A picture over a frame, −1 … 1 for black … white, and which cells of the frame lie in the picture.

    Args:
        grey: (h, w).
        shape: rows and columns of the frame.
        move: shift and stretch down, shift and stretch across.
    """
    edges, inside = [], []
    for axis in (0, 1):
        ends = grey.shape[axis] * _PARTS
        at = _edges(grey.shape[axis], shape[axis], move[2 * axis + 1], move[2 * axis])
        within = (at >= -_PARTS // 4) & (at <= ends + _PARTS // 4)
        edges.append(np.clip(at, 0, ends))
        inside.append(within[1:] & within[:-1])
    area = np.maximum(np.outer(np.diff(edges[0]), np.diff(edges[1])), 1)
    return _sums(grey, edges[0], edges[1], _PARTS) / (area * _GREYS) - 1.0, np.outer(inside[0], inside[1])


def _frame(a: U8, b: U8) -> tuple[int, int]:
    """Rows and columns of the comparison: of a's shape, no larger than either picture."""
    scale = min(1.0, min(b.shape) / min(a.shape), _SHORT_PX / min(a.shape), _LONG_PX / max(a.shape))
    return round(a.shape[0] * scale), round(a.shape[1] * scale)


@dataclass(frozen=True, slots=True)
class _Fit:
    """An alignment found: mean residual in half-ranges, motion as `_over` takes it, tone curve."""

    residual: float
    move: F64
    tone: F64


def _aligned(a: U8, b: U8, shape: tuple[int, int], start: _Fit) -> _Fit:
    """Improve an alignment at one level; never makes it worse there.

    A first step finds the tone alone: motion found under a wrong tone leads away.
    """
    fixed, _ = _over(a, shape, np.zeros(4))
    best, move, tone = None, start.move, start.tone
    width = 3 * start.residual + _NOISE
    for number in range(_STEPS):
        moved, inside = _over(b, shape, move)
        if number:
            mean = _mean_of(np.abs(_residual(fixed, moved, inside, tone)), inside)
            if best is not None and mean >= best.residual:
                break
            best, width = _Fit(mean, move, tone), 3 * mean + _NOISE
        residual = _residual(fixed, moved, inside, tone)
        step = _step(fixed, moved, inside, residual, tone, width, _RIDGE if number else _STIFF)
        move, tone = np.clip(move + step[:4], -_MOST_MOVE, _MOST_MOVE), step[4:]
    return best or start


@numba.njit(nogil=True, cache=True)
def _mean_of(field: Any, inside: Any) -> float:
    total = 0.0
    count = 0
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            if inside[y, x]:
                total += field[y, x]
                count += 1
    return total / max(1, count)


def same(a: U8, b: U8) -> Similarity:
    """Compare two pictures after alignment.

    Small edits are invisible in small pictures: give at least 256 px a side where there are as many. Time grows with
    what is given, and more than 1024 px a side adds nothing.

    Args:
        a: (h, w), upright.
        b: idem; either may be the larger, the brighter or the cropped one.
    """
    shape = _frame(a, b)
    if min(shape) < _LEAST_PX:  # too small to judge
        equal = a.shape == b.shape and bool((a == b).all())
        return Similarity(same=equal, difference=0.0 if equal else np.inf)
    fits = [_Fit(0.1, np.array([0.0, start, 0.0, start]), np.array([0.0, 1.0, 0.0])) for start in _STARTS]
    for divisor in (8, 4, 2):
        if min(shape) // divisor >= _LEAST_PX:
            fits = [_aligned(a, b, (shape[0] // divisor, shape[1] // divisor), fit) for fit in fits]
    fit = _aligned(a, b, shape, min(fits, key=lambda fit: fit.residual))
    return _judged(a, b, shape, fit)


def _judged(a: U8, b: U8, shape: tuple[int, int], fit: _Fit) -> Similarity:
    """Find the largest local difference of aligned pictures."""
    fixed, _ = _over(a, shape, np.zeros(4))
    moved, inside = _over(b, shape, fit.move)
    residual = _residual(fixed, moved, inside, fit.tone)
    toned, moved = np.where(inside, moved - residual, 0.0), np.where(inside, moved, 0.0)
    gain = float(fit.tone[1])
    local = np.abs(_mean(_mean(residual, 1), 1)) * (_GREYS / min(1.0, max(gain, LEAST_GAIN)))
    local /= 1.0 + TEXTURE * _GREYS * np.maximum(_deviation(toned), _deviation(moved))
    at = int(local.argmax())
    fits = _overlap(fit.move) >= LEAST_OVERLAP and LEAST_GAIN <= gain <= 1 / LEAST_GAIN
    difference = float(local.ravel()[at]) if fits else np.inf
    toning = _GREYS * float(np.abs(toned - fixed)[inside].max(initial=0.0))
    limit = LIMIT + TONING * toning
    return Similarity(
        same=difference <= limit,
        difference=difference,
        limit=limit,
        x=(at % shape[1] + 0.5) / shape[1],
        y=(at // shape[1] + 0.5) / shape[0],
        shift_x=float(fit.move[2]) / 2,
        shift_y=float(fit.move[0]) / 2,
        stretch_x=float(fit.move[3]),
        stretch_y=float(fit.move[1]),
        gain=gain,
        toning=toning,
    )


def _deviation(field: F64) -> F64:
    deviation: F64 = np.sqrt(np.maximum(_mean(field * field, 3) - _mean(field, 3) ** 2, 0.0))
    return deviation


def _overlap(move: F64) -> float:
    """The least part of a side, of either picture, that lies in the other."""
    parts = []
    for shift, stretch in ((move[0], move[1]), (move[2], move[3])):
        side = 1.0 + stretch
        common = (min(1.0, shift + side) - max(-1.0, shift - side)) / 2
        parts += [common, common / side]
    return float(min(parts))
