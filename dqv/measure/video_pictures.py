"""What the sampled pictures of a video have in common: the same picture, borders, a cycle.

The levels and shares were set by measurement; `video` says what each means.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

CELLS, CELL_PX = 32, 12
SAME_LEVELS = 6
BAR_LEVELS = 16
BAR_SHARE = 0.02
BAR_EDGE = 0.4
BAR_GROUND = 0.1
BAR_SIDE_PX = 640


class _Borders(NamedTuple):
    """Constant lines at two opposite sides of a picture.

    Attributes:
        share: of the dimension, at the side that has fewer.
        level: their grey level.
        edge: share of the first line inside that has another level, at the side that has less;
            0 where the ground goes on between other things, as on a slide.
    """

    share: float
    level: float
    edge: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, as far as it is kept.

    Attributes:
        cells: grey levels, at most 32 × 32.
        bars: the borders at top and bottom, and at left and right; None for a picture of one colour.
    """

    width_px: int
    height_px: int
    degrees: float
    cells: np.ndarray
    bars: tuple[_Borders, _Borders] | None


def picture(frame: Any) -> Picture:
    """What is kept of a decoded frame."""
    cells = (min(CELLS, max(1, side // CELL_PX)) for side in (frame.width, frame.height))
    grey = frame.reformat(*cells, "gray", interpolation="AREA", threads=1).to_ndarray()
    scale = min(1.0, BAR_SIDE_PX / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = frame.reformat(width, height, "gray", interpolation="AREA", threads=1).to_ndarray()
    bars = None if np.ptp(small) <= BAR_LEVELS else (_borders(small), _borders(small.T))
    return Picture(frame.width, frame.height, frame.rotation, grey.astype(np.int16), bars)


def _borders(grey: np.ndarray) -> _Borders:
    """The borders at top and bottom; their level is the first line's."""
    low, high = int(grey[0].min()), int(grey[0].max())
    level = (low + high) / 2
    other: np.ndarray = np.abs(grey - level) > BAR_LEVELS / 2
    plain = np.count_nonzero(other, axis=1) == 0
    if plain.all():
        return _Borders(0.0, level, 0.0)
    top, bottom = int(np.argmin(plain)), int(np.argmin(plain[::-1]))
    if plain[top : len(plain) - bottom].mean() > BAR_GROUND:
        return _Borders(min(top, bottom) / len(grey), level, 0.0)
    inside = other[min(top + 1, len(grey) - 1)], other[max(len(grey) - bottom - 2, 0)]
    return _Borders(min(top, bottom) / len(grey), level, min(float(line.mean()) for line in inside))


def barred(pictures: list[Picture]) -> bool:
    """Whether all pictures that are not of one colour have the same borders on two opposite sides."""
    kept = [each.bars for each in pictures if each.bars is not None]
    for side in (0, 1):
        borders = [bars[side] for bars in kept]
        levels = [each.level for each in borders]
        if (
            borders
            and min(each.share for each in borders) >= BAR_SHARE
            and max(levels) - min(levels) <= BAR_LEVELS
            and np.median([each.edge for each in borders]) >= BAR_EDGE
        ):
            return True
    return False


def same(one: Picture, other: Picture) -> bool:
    """Whether two pictures are the same, but for noise."""
    return one.cells.shape == other.cells.shape and int(np.abs(one.cells - other.cells).max()) <= SAME_LEVELS


def periodic(places: list[tuple[int, Picture | None]]) -> bool:
    """Whether the pictures at the places repeat, with at least two different ones in a period.

    Args:
        places: number of the key picture and what was decoded of it, in order of time.
    """
    if any(picture is None for _, picture in places):
        return False
    known = [(key, picture) for key, picture in places if picture is not None]
    for period in range(2, len(places) // 2 + 1):
        pairs = list(zip(known, known[period:], strict=False))
        if all(one[0] != other[0] and same(one[1], other[1]) for one, other in pairs) and not all(
            same(known[0][1], each[1]) for each in known[1:period]
        ):
            return True
    return False
