"""Near-duplicate pictures: a hash proposes pairs, an aligned comparison decides.

The hash is pHash (Zauner 2010; imagehash's reading of it): a picture reduced to 32 × 32 by area, the 8 × 8 lowest
frequencies of its DCT, one bit each for being above their median. All in integers: every machine finds the same.
Pairs at most 7 of 64 bits apart are found by multi-index hashing (Norouzi, Punjani, Fleet 2012).

Pictures of one fixed scene hash alike and differ in what matters, so a pair is aligned (Lucas and Kanade 1981, from
coarse to fine: shift and scale of either axis, and a tone curve, fitted robustly) and judged by its *largest local*
difference, never by a mean. That part is float64 in a fixed order of operations, without BLAS or LAPACK.

benchmarks/images_near.py measures what the limits below let through.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from dqv.neardup.join import join, roots, unite

MOST_BITS = 7
"""Hashes farther apart propose nothing."""

CROPPED = 0.02
"""Cut from each side for the inner hash: the hash of a picture cropped by 2 % is more than 7 bits from the whole one's for one picture in seven and
never from the inner one's (144 pictures)."""

BRIGHTENED = 222
"""White ÷ 1.15. Brightening by 15 % makes white of all that is above, and where most of a picture is nearly white, its
hash goes with it: one picture in seventeen was lost, screenshots before all. So a picture is hashed cut off at this grey,
too: that hash differs from the brightened one's by rounding alone."""

_CELLS, _LOW = 32, 8
_COSINES = np.rint(
    np.cos(np.pi * np.outer(np.arange(_LOW), 2 * np.arange(_CELLS) + 1) / (2 * _CELLS)) * (1 << 14)
).astype(np.int64)
_FLAT = 1 << 38
"""Twice the median distance of the coefficients from their median, below which a picture is flat. Gradients under noise
stay under 0.6 of it and move 12 bits or more when re-encoded; from 1.2 of it on, none of the real pictures moved more
than 6."""

_SHIFT = 12
_PARTS = 1 << _SHIFT
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


def _reduced(grey: U8, *, inner: bool = False) -> I64:
    """The 32 × 32 mean greys of a picture, in 1/64."""
    edges = [_edges(side, _CELLS, -CROPPED * 2 if inner else 0.0) for side in grey.shape]
    area = np.outer(np.diff(edges[0]), np.diff(edges[1]))
    means: I64 = (128 * _sums(grey, edges[0], edges[1], _PARTS) + area) // (2 * area)
    return means


def coefficients(grey: U8, *, inner: bool = False) -> I64:
    """The 8 × 8 lowest frequencies of a picture: all that is hashed of it.

    Args:
        grey: (h, w), upright, of any size; reduced beforehand or not.
        inner: of the picture without 2 % on each side.

    Returns:
        (8, 8) int64, vertical frequency first, of the 32 × 32 mean greys (in 1/64) × 2²⁸.
    """
    return _lowest(_reduced(grey, inner=inner))


def _lowest(means: I64) -> I64:
    low: I64 = _COSINES @ means @ _COSINES.T
    return low


@numba.njit(nogil=True, cache=True)
def _edges(side_px: int, cells: int, stretch: float = 0.0, shift: float = 0.0) -> Any:
    """Edges of equal cells over a side, in 1/_PARTS pixels, mirrored alike.

    Stretch and shift are parts of half the side.
    """
    half = side_px * (_PARTS // 2)
    out = np.empty(cells + 1, np.int64)
    for i in range(cells + 1):
        at = (2 * i - cells) / cells
        out[i] = half + np.int64(np.rint((shift + at + stretch * at) * half))
    return out


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
def _near(mine: Any, before: int, held: Any, rows: Any, starts: Any, ends: Any, out: Any) -> int:
    """Write the rows before this one at most 7 bits from a hash, in no order.

    Args:
        mine: the hash.
        before: rows from here on are left out.
        held: (4, n) hashes in the order of `rows`.
        rows: (4, n) by block and the block's value, ascending within.
        starts: (4, 65536 or more) first slot of each value.
        ends: likewise, behind the last slot in use.
        out: what found rows are written to.

    Returns:
        How many there are, room or not.
    """
    found = 0
    for block in range(4):
        shift = np.uint64(16 * block)
        value = np.int64((mine >> shift) & np.uint64(0xFFFF))
        for near in range(17):  # the block itself, and each of its bits turned
            bucket = value if near == 16 else value ^ (1 << near)
            for slot in range(starts[block, bucket], ends[block, bucket]):
                apart = mine ^ held[block, slot]
                if _bits(apart) > MOST_BITS:
                    continue
                other = rows[block, slot]
                if other >= before:
                    break
                seen = False  # by an earlier block
                for earlier in range(block):
                    seen |= _bits((apart >> np.uint64(16 * earlier)) & np.uint64(0xFFFF)) <= 1
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
        found = _near(hashes[row], row, held, rows, starts, starts[:, 1:], earlier[filled:])
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


_TURNS = 8
_KINDS = 3
_HASHES_BYTES = _KINDS * _TURNS * 8
HEAD_BYTES = _HASHES_BYTES + 1
"""Of a stored fingerprint, all that `components` needs."""

PRINT_BYTES = HEAD_BYTES + _CELLS * _CELLS
"""Of a stored fingerprint: 8 hashes of each kind (whole, inner, cut off at `BRIGHTENED`) in the order of `orientations`,
little-endian; 1 where flat; the cells, a signed byte each."""

_CONTRAST, _MOST_CONTRAST = 24, 127
"""Mean distance of the cells from their mean, and where they are cut off."""


def fingerprint_bytes(grey: U8) -> bytes:
    """What is stored of a picture (`coefficients` says of which): `PRINT_BYTES`."""
    whole = _reduced(grey)
    low, inner = _lowest(whole), coefficients(grey, inner=True)
    cut = coefficients(np.minimum(grey, np.uint8(BRIGHTENED)))
    kinds = (low, inner, low if is_flat(cut) else cut)  # all that is nearly white would hash alike
    hashes = np.concatenate([orientations(each) for each in kinds])
    above = whole.size * whole - whole.sum()
    total = max(1, int(np.abs(above).sum()))
    cells = (2 * _CONTRAST * whole.size * above + total) // (2 * total)
    clipped = cells.clip(-_MOST_CONTRAST, _MOST_CONTRAST).astype(np.int8)
    return b"".join((hashes.astype("<u8").tobytes(), bytes([is_flat(low)]), clipped.tobytes()))


def hashes_of(prints: U8) -> U64:
    """Hashes of (n, HEAD_BYTES or more) stored fingerprints: (n, 3, 8), by kind and orientation."""
    packed = np.ascontiguousarray(prints[:, :_HASHES_BYTES])
    return packed.view("<u8").astype(np.uint64).reshape(-1, _KINDS, _TURNS)


def flat_of(prints: U8) -> Inside:
    """Which of (n, HEAD_BYTES or more) stored fingerprints are of flat pictures: (n,)."""
    flat: Inside = prints[:, _HASHES_BYTES] != 0
    return flat


def cells_of(prints: U8) -> npt.NDArray[np.int8]:
    """Cells of (n, PRINT_BYTES) stored fingerprints, mean removed and contrast evened out: (n, 32, 32)."""
    return np.ascontiguousarray(prints[:, HEAD_BYTES:]).view(np.int8).reshape(-1, _CELLS, _CELLS)


@numba.njit(nogil=True, cache=True)
def _unite_near(asked: Any, asking: Any, held: Any, rows: Any, starts: Any, holder: Any, parent: Any) -> None:
    """Join the tree of each who asks with those of who holds a near hash; `holder` by row."""
    out = np.empty(holder.size, np.int64)
    for i in range(asked.size):
        for row in out[: _near(asked[i], holder.size, held, rows, starts, starts[:, 1:], out)]:
            join(parent, asking[i], holder[row])


def components(prints: U8, *, turned: bool = False) -> I64:
    """Which pictures hang together through pairs that their hashes propose: only they can matter to one another.

    Time grows with the pairs of distinct hashes, memory with the pictures.

    Args:
        prints: (n, HEAD_BYTES or more) stored fingerprints.
        turned: pairs of mirrored and rotated pictures, too.

    Returns:
        (n,) the lowest row of the component; −1 for who is alone. Flat pictures are.
    """
    hashes, kept = hashes_of(prints), np.flatnonzero(~flat_of(prints))
    parent = np.arange(prints.shape[0])
    upright, holder = _collapsed(hashes[kept, :, 0], kept, parent)
    asked, asking = (
        _collapsed(hashes[kept].reshape(-1, _KINDS * _TURNS), kept, parent) if turned else (upright, holder)
    )
    rows, starts = _tables(upright)
    _unite_near(asked, asking, upright[rows], rows, starts, holder, parent)
    root: I64 = roots(parent)
    root[np.bincount(root, minlength=root.size)[root] == 1] = -1
    return root


def _collapsed(hashes: U64, owners: I64, parent: I64) -> tuple[U64, I64]:
    """Join the trees of who shares a hash.

    Args:
        hashes: (m, k).
        owners: (m,).
        parent: (n,) of a forest over the owners.

    Returns:
        The distinct hashes, and the first owner of each.
    """
    distinct, group = groups(hashes.ravel())
    order = np.argsort(group, kind="stable")
    owner = owners[order // max(1, hashes.shape[1])]
    unite(parent, group[order], owner)
    return distinct, owner[np.searchsorted(group[order], np.arange(distinct.size))]


MOST_COMPARED = 16
"""Kept pictures that one is compared with: of more candidates the nearest by their cells."""


@dataclass(frozen=True)
class Decision:
    """The outcome over n pictures in canonical order.

    Attributes:
        original: (n,) row of the first kept one it is verified against; −1 where kept.
        turn: (n,) how it was turned before, as a place in `orientations`; 0 where kept.
        similarity: of each surplus one with its original, by row.
        crowded: how many kept ones had more than `MOST_COMPARED` candidates.
    """

    original: I64
    turn: I64
    similarity: dict[int, "Similarity"]
    crowded: int


def oriented(grey: U8, turn: int) -> U8:
    """A picture in the orientation at this place in `orientations`."""
    side = grey.T if turn >= 4 else grey
    down, across = ((1, 1), (1, -1), (-1, -1), (-1, 1))[turn % 4]
    return np.ascontiguousarray(side[::down, ::across])


@numba.njit(nogil=True, cache=True)
def _apart(a: Any, b: Any, most: int) -> Any:
    """Sum of absolute differences of cells; more than `most` is only known to be more."""
    total = np.int64(0)
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            total += abs(np.int64(a[y, x]) - np.int64(b[y, x]))
        if total > most:
            break
    return total


@numba.njit(nogil=True, cache=True)
def _nearest(row: int, hashes: Any, cells: Any, turns: int, held: Any, rows: Any, starts: Any, ends: Any, near: Any,
             seen: Any, best: Any) -> int:  # fmt: skip
    """Find the candidates among the kept ones that are nearest by their cells.

    Args:
        row: whose.
        hashes: (n, 3, 8).
        cells: (n, 32, 32).
        turns: how many orientations.
        held: as `_near` takes it, of the hashes of all kinds by turns; so are the next three.
        rows: idem.
        starts: idem.
        ends: idem.
        near: (3 n,) room.
        seen: (n,) what was asked last of each; below 8 × row.
        best: (MOST_COMPARED, 3) what is found: distance, row and turn, ascending.

    Returns:
        How many candidates there are.
    """
    found = 0
    for turn in range(turns):
        mine = cells[row].T if turn >= 4 else cells[row]
        if turn % 4 in (2, 3):
            mine = mine[::-1]
        if turn % 4 in (1, 2):
            mine = mine[:, ::-1]
        mine = np.ascontiguousarray(mine)
        for kind in range(_KINDS):
            count = _near(hashes[row, kind, turn], _KINDS * row, held, rows, starts, ends, near)
            for entry in near[:count]:
                other = entry // _KINDS
                if seen[other] == 8 * row + turn:
                    continue
                seen[other] = 8 * row + turn
                last = min(found, best.shape[0] - 1)
                full = found >= best.shape[0]
                found += 1
                apart = _apart(mine, cells[other], best[last, 0] if full else 1 << 30)
                if full and (apart, other, turn) > (best[last, 0], best[last, 1], best[last, 2]):
                    continue
                while last > 0 and (apart, other, turn) < (
                    best[last - 1, 0],
                    best[last - 1, 1],
                    best[last - 1, 2],
                ):
                    best[last] = best[last - 1]
                    last -= 1
                best[last, 0], best[last, 1], best[last, 2] = apart, other, turn
    return found


@numba.njit(nogil=True, cache=True)
def _keep(row: int, hashes: Any, held: Any, rows: Any, ends: Any) -> None:
    """Let later ones find this one."""
    for kind in range(_KINDS):
        mine = hashes[row, kind, 0]
        for block in range(4):
            value = np.int64((mine >> np.uint64(16 * block)) & np.uint64(0xFFFF))
            slot = ends[block, value]
            held[block, slot], rows[block, slot] = mine, _KINDS * row + kind
            ends[block, value] += 1


def decide(
    prints: U8,
    greys: Callable[[int], U8],
    tick: Callable[[], None] = lambda: None,
    *,
    turned: bool = False,
) -> Decision:
    """Take pictures in canonical order: surplus is who is verified against an earlier one that was kept.

    Only kept pictures are candidates, at most `MOST_COMPARED` of them (each in each orientation counts) are compared,
    so pictures of one fixed scene cost no comparison of each with each.

    Args:
        prints: (n, PRINT_BYTES) stored fingerprints, of whole components at least.
        greys: gives the picture of a row as `same` takes it; asked for whom hashes propose alone, and again each time.
        tick: called before each picture and each comparison.
        turned: mirrored and rotated copies are surplus, too.
    """
    n = prints.shape[0]
    hashes, cells, flat = hashes_of(prints), cells_of(prints), flat_of(prints)
    rows, starts = _tables(np.ascontiguousarray(hashes[:, :, 0]).ravel())
    held, ends = np.empty(rows.shape, np.uint64), starts[:, :-1].copy()
    near, seen = np.empty(_KINDS * n, np.int64), np.full(n, -1, np.int64)
    best = np.empty((MOST_COMPARED, 3), np.int64)
    out = Decision(np.full(n, -1, np.int64), np.zeros(n, np.int64), {}, 0)
    crowded = 0
    for row in np.flatnonzero(~flat).tolist():
        tick()
        count = _nearest(
            row, hashes, cells, _TURNS if turned else 1, held, rows, starts, ends, near, seen, best
        )
        if count and _surplus(row, best[:count], greys, tick, out):
            continue
        crowded += count > MOST_COMPARED
        _keep(row, hashes, held, rows, ends)
    return replace(out, crowded=crowded)


def _surplus(
    row: int, best: I64, greys: Callable[[int], U8], tick: Callable[[], None], out: Decision
) -> bool:
    """Compare with the candidates, the first in canonical order first; the first that passes is the original."""
    grey = greys(row)
    for _, other, turn in sorted(best.tolist(), key=lambda found: (found[1], found[0], found[2])):
        tick()
        similarity = same(greys(other), oriented(grey, turn) if turn else grey)
        if similarity.same:
            out.original[row], out.turn[row], out.similarity[row] = other, turn, similarity
            return True
    return False


LIMIT = 8.5
"""The largest local difference that re-encoding, resizing and small crops explain."""

TONING = 0.3
"""How much of the largest change of tone the limit rises by: with their clipping, colours do what no curve does."""

MOST_TONING = 45.0
"""The largest change of tone of a copy, in greys: 15 % brighter or darker is up to 40. Steeper curves made star clusters
pass for one another, and phases of the moon, for they drown what differs."""

TEXTURE, EDGES = 0.15, 0.05
"""How much of the local texture (standard deviation over 7 × 7, or over 11 × 11) is added to one grey as the unit of
difference: codecs and resizing change most where there is most. It is the lower one of both pictures: what stands in
one of them alone does not excuse itself. Without the second, one drawing of 256 px in twenty is lost at JPEG q50, whose
blocks carry a line's ringing as far as that."""

LEAST_OVERLAP = 0.93
"""Of either side of both pictures: crops of up to 3 % on each side."""

_SHORT_PX, _LONG_PX, _LEAST_PX = 256, 1024, 16
"""The frame of comparison: at most so large, at least the last; the coarsest level of alignment has it, too."""

_MOST_MOVE = 0.12
_STEPS = 6
_STARTS = (0.0, 0.04, -0.04)
"""Stretches that alignment begins with at the coarsest level: none, and crops of 2 % of either picture."""

_ALIKE = 0.01
"""Alignments at one level that differ by less come to the same: a sixth of a cell where a side has 32."""

_GREYS = 127.5
_NOISE = 2 / _GREYS
_RIDGE, _STIFF = 1e-3, 1e6
LEAST_GAIN = 0.5


@dataclass(frozen=True, slots=True)
class Similarity:
    """How two pictures compare; parts are of the first one's sides.

    Attributes:
        same: nothing differs but by what re-encoding, resizing, small crops and a change of tone explain.
        difference: the largest local one, in units of 1 grey (of 255) + `TEXTURE` of the local texture; infinite where
            the pictures cannot be aligned, or only by too great a change of tone.
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
def _residual(a: Any, b: Any, box: Any, tone: Any) -> Any:
    """What `b` is above `a` after the tone curve, which ends at black and white, and the mean size of that."""
    out, sizes = np.zeros(a.shape), np.zeros(a.shape[1])
    top, bottom, left, right = box
    for y in range(top, bottom):
        for x in range(left, right):
            expected = tone[0] + tone[1] * a[y, x] + tone[2] * a[y, x] * a[y, x]
            out[y, x] = b[y, x] - min(1.0, max(-1.0, expected))
            sizes[x] += abs(out[y, x])
    total = 0.0
    for x in range(left, right):
        total += sizes[x]
    return out, total / max(1, (bottom - top) * (right - left))


@numba.njit(nogil=True, cache=True)
def _curve(a: Any, b: Any, residual: Any, tone: Any, width: float, weights: Any, none: Any, once: Any, twice: Any,
           value: Any) -> None:  # fmt: skip
    """Over a row: the weights, how the residual depends on the tone curve, and what is to be explained.

    At black or white nothing depends on the curve.
    """
    for x in range(a.size):
        r, t = residual[x] / width, a[x]
        weights[x] = 1.0 / ((1.0 + r * r) * (1.0 + r * r))
        bent = abs(tone[0] + tone[1] * t + tone[2] * t * t) <= 1.0
        none[x] = -1.0 if bent else 0.0
        once[x] = none[x] * t
        twice[x] = once[x] * t
        value[x] = b[x] if bent else residual[x]


@numba.njit(nogil=True, cache=True)
def _slopes(before: Any, after: Any, scale: float, out: Any) -> None:
    for x in range(out.size):
        out[x] = (after[x] - before[x]) * scale


@numba.njit(nogil=True, cache=True)
def _add_products(out: Any, a: Any, b: Any, held: float) -> None:
    """Add products to `held` times what is there."""
    for x in range(out.size):
        out[x] = held * out[x] + a[x] * b[x]


_PLACES = (0, 1, 2, 2, 3, 4, 5)
_ACROSS = 3


@numba.njit(nogil=True, cache=True)
def _step(a: Any, b: Any, box: Any, residual: Any, tone: Any, width: float, stiffness: float) -> Any:
    """Least squares for the motion that remains and the tone curve, (7,); residuals beyond `width` weigh little.

    The weights are Geman and McClure's. A ridge keeps what the pictures do not show at no motion and the plain tone.
    Sums run down the columns first: in this order, which is the same on every machine, vectors can be used.
    """
    rows, columns = a.shape
    top, bottom, left, right = box[0] + 1, box[1] - 1, box[2] + 1, box[3] - 1
    size = max(0, right - left)
    by, weighted, sums = np.zeros((7, size)), np.zeros((6, size)), np.zeros((6, 7, size))
    weights = np.empty(size)
    for y in range(top, bottom):
        tones, values, errors = a[y, left:right], b[y, left:right], residual[y, left:right]
        _curve(tones, values, errors, tone, width, weights, by[3], by[4], by[5], by[6])
        _slopes(b[y - 1, left:right], b[y + 1, left:right], rows / 4, by[0])
        _slopes(b[y, left - 1 : right - 1], b[y, left + 1 : right + 1], columns / 4, by[2])
        high = (2 * y + 1) / rows - 1
        for x in range(size):
            by[1, x] = by[0, x] * high
        for i in range(6):
            _add_products(weighted[i], weights, by[i], 0.0)
            for j in range(i, 7):
                _add_products(sums[i, j], weighted[i], by[j], 1.0)
    matrix, total = np.zeros((7, 7)), np.zeros(7)
    for i in range(7):
        for x in range(size):
            wide = (2 * (left + x) + 1) / columns - 1
            mine = wide if i == _ACROSS else 1.0
            total[i] -= mine * sums[_PLACES[i], 6, x]
            for j in range(i + 1):
                matrix[i, j] += mine * (wide if j == _ACROSS else 1.0) * sums[_PLACES[j], _PLACES[i], x]
    used = max(0, bottom - top) * size
    for i in range(7):
        matrix[i, i] += (stiffness if i < 4 else _RIDGE) * (used + 1)
    total[5] += _RIDGE * (used + 1)
    return _solve(matrix, total)


@numba.njit(nogil=True, cache=True)
def _mean(field: Any, radius: int) -> Any:
    """Mean over the square of this radius around each cell, of what lies in the field; by running sums."""
    rows, columns = field.shape
    out, line = np.empty(field.shape), np.zeros(columns)
    for y in range(-radius, rows):
        if y + radius < rows:
            for x in range(columns):
                line[x] += field[y + radius, x]
        if y > radius:
            for x in range(columns):
                line[x] -= field[y - radius - 1, x]
        if y < 0:
            continue
        high = min(rows, y + radius + 1) - max(0, y - radius)
        total = 0.0
        for x in range(-radius, columns):
            if x + radius < columns:
                total += line[x + radius]
            if x > radius:
                total -= line[x - radius - 1]
            if x >= 0:
                out[y, x] = total / (high * (min(columns, x + radius + 1) - max(0, x - radius)))
    return out


@numba.njit(nogil=True, cache=True)
def _summed(grey: Any) -> Any:
    """Sums of all greys above and to the left, (h + 1, w + 1) int64."""
    rows, columns = grey.shape
    out = np.zeros((rows + 1, columns + 1), np.int64)
    for y in range(rows):
        line = np.int64(0)
        for x in range(columns):
            line += grey[y, x]
            out[y + 1, x + 1] = out[y, x + 1] + line
    return out


@numba.njit(nogil=True, cache=True)
def _over(summed: Any, shape: Any, move: Any) -> Any:
    """A picture over a frame, −1 … 1 for black … white, and the box of its cells that lie in the picture.

    Exact in integers up to the division: within a pixel sums of greys are linear in either edge.

    Args:
        summed: (h + 1, w + 1) from `_summed`.
        shape: rows and columns of the frame.
        move: shift and stretch down, shift and stretch across.

    Returns:
        (rows, columns) float64; first and last + 1 row, first and last + 1 column.
    """
    down, top, bottom = _within(summed.shape[0] - 1, shape[0], move[0], move[1])
    across, left, right = _within(summed.shape[1] - 1, shape[1], move[2], move[3])
    rows, columns = shape
    out = np.empty((rows, columns))
    lines, widths = np.empty((2, columns + 1), np.int64), np.diff(across)
    last_y, last_x = summed.shape[0] - 1, summed.shape[1] - 1
    for i in range(rows + 1):
        y, part = down[i] // _PARTS, down[i] % _PARTS
        under = min(y + 1, last_y)
        mine, above = lines[i % 2], lines[1 - i % 2]
        for j in range(columns + 1):
            x, rest = across[j] >> _SHIFT, across[j] & (_PARTS - 1)
            beside = min(x + 1, last_x)
            upper = (_PARTS - rest) * summed[y, x] + rest * summed[y, beside]
            lower = (_PARTS - rest) * summed[under, x] + rest * summed[under, beside]
            mine[j] = (_PARTS - part) * upper + part * lower
        if i:
            high, cells = down[i] - down[i - 1], out[i - 1]
            for j in range(columns):
                area = max(1, high * widths[j])
                cells[j] = (mine[j + 1] - mine[j] - above[j + 1] + above[j]) / (area * _GREYS) - 1.0
    return out, (top, bottom, left, right)


@numba.njit(nogil=True, cache=True)
def _within(side_px: int, cells: int, shift: float, stretch: float) -> Any:
    """Edges of cells, cut off at the picture's, and the first and last + 1 of those cells that lie in it."""
    ends = side_px * _PARTS
    at = _edges(side_px, cells, stretch, shift)
    first, last = 0, cells
    while first < cells and at[first] < -_PARTS // 4:
        first += 1
    while last > first and at[last] > ends + _PARTS // 4:
        last -= 1
    return np.minimum(np.maximum(at, 0), ends), first, last


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


def _aligned(a: I64, b: I64, shape: tuple[int, int], start: _Fit) -> _Fit:
    """Improve an alignment of pictures from `_summed` at one level; never makes it worse there.

    A first step finds the tone alone: motion found under a wrong tone leads away.
    """
    fixed, _ = _over(a, shape, np.zeros(4))
    best, move, tone = None, start.move, start.tone
    width = 3 * start.residual + _NOISE
    for number in range(_STEPS):
        moved, box = _over(b, shape, move)
        residual, mean = _residual(fixed, moved, box, tone)
        if number:
            if best is not None and mean >= best.residual:
                break
            best, width = _Fit(mean, move, tone), 3 * mean + _NOISE
        step = _step(fixed, moved, box, residual, tone, width, _RIDGE if number else _STIFF)
        move, tone = np.clip(move + step[:4], -_MOST_MOVE, _MOST_MOVE), step[4:]
    return best or start


def _distinct(fits: list[_Fit]) -> list[_Fit]:
    """Alignments that did not come to the same, the better ones."""
    out: list[_Fit] = []
    for fit in sorted(fits, key=lambda fit: fit.residual):
        if all(np.abs(fit.move - other.move).max() > _ALIKE for other in out):
            out.append(fit)
    return out


def same(a: U8, b: U8) -> Similarity:
    """Compare two pictures after alignment.

    The tone curve leads from the darker picture to the brighter one: where whites are clipped, none leads back.

    Small edits are invisible in small pictures: give at least 256 px a side where there are as many. Time grows with
    what is given, and more than 1024 px a side adds nothing.

    Args:
        a: (h, w), upright.
        b: idem; either may be the larger, the brighter or the cropped one.
    """
    if int(a.sum()) * b.size > int(b.sum()) * a.size:
        return _exchanged(same(b, a))
    shape = _frame(a, b)
    if min(shape) < _LEAST_PX:  # too small to judge
        equal = a.shape == b.shape and bool((a == b).all())
        return Similarity(same=equal, difference=0.0 if equal else np.inf)
    one, other = _summed(a), _summed(b)
    fits = [_Fit(0.1, np.array([0.0, start, 0.0, start]), np.array([0.0, 1.0, 0.0])) for start in _STARTS]
    for divisor in (8, 4, 2):
        if min(shape) // divisor >= _LEAST_PX:
            level = shape[0] // divisor, shape[1] // divisor
            fits = _distinct([_aligned(one, other, level, fit) for fit in fits])
    fit = _aligned(one, other, shape, min(fits, key=lambda fit: fit.residual))
    return _judged(one, other, shape, fit)


def _exchanged(found: Similarity) -> Similarity:
    """The same comparison with its pictures exchanged."""
    side_x, side_y = 1 + found.stretch_x, 1 + found.stretch_y
    return replace(
        found,
        x=0.5 + found.shift_x + (found.x - 0.5) * side_x,
        y=0.5 + found.shift_y + (found.y - 0.5) * side_y,
        shift_x=-found.shift_x / side_x,
        shift_y=-found.shift_y / side_y,
        stretch_x=1 / side_x - 1,
        stretch_y=1 / side_y - 1,
        gain=1 / found.gain if found.gain else np.inf,
    )


def _judged(a: I64, b: I64, shape: tuple[int, int], fit: _Fit) -> Similarity:
    """Find the largest local difference of aligned pictures."""
    fixed, _ = _over(a, shape, np.zeros(4))
    whole, (top, bottom, left, right) = _over(b, shape, fit.move)
    residual, _ = _residual(fixed, whole, (top, bottom, left, right), fit.tone)
    inside = (slice(top, bottom), slice(left, right))
    plain, moved = np.zeros(shape), np.zeros(shape)
    plain[inside], moved[inside] = fixed[inside], whole[inside]
    toned = moved - residual
    # A colour that is clipped keeps its grey: whatever lies between the plain and the toned grey is explained.
    excess = moved - np.clip(moved, np.minimum(plain, toned), np.maximum(plain, toned))
    gain = float(fit.tone[1])
    local = np.abs(_mean(_mean(excess, 1), 1)) * (_GREYS / min(1.0, max(gain, LEAST_GAIN)))
    near, wide = (np.minimum(_deviation(toned, radius), _deviation(moved, radius)) for radius in (3, 5))
    local /= 1.0 + _GREYS * np.maximum(TEXTURE * near, EDGES * wide)
    at = int(local.argmax())
    toning = _GREYS * float(np.abs(toned - plain).max())
    fits = (
        _overlap(fit.move) >= LEAST_OVERLAP and LEAST_GAIN <= gain <= 1 / LEAST_GAIN and toning <= MOST_TONING
    )
    difference = float(local.ravel()[at]) if fits else np.inf
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


def _deviation(field: F64, radius: int) -> F64:
    deviation: F64 = np.sqrt(np.maximum(_mean(field * field, radius) - _mean(field, radius) ** 2, 0.0))
    return deviation


def _overlap(move: F64) -> float:
    """The least part of a side, of either picture, that lies in the other."""
    parts = []
    for shift, stretch in ((move[0], move[1]), (move[2], move[3])):
        side = 1.0 + stretch
        common = (min(1.0, shift + side) - max(-1.0, shift - side)) / 2
        parts += [common, common / side]
    return float(min(parts))
