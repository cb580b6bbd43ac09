"""Quantities with units as a policy writes them ("30 GB", "5 %", "768 x 1024 px"), and how to show them."""

import re
from decimal import Decimal
from fractions import Fraction

_UNITS: dict[str, tuple[str, int | Fraction]] = {
    "B": ("byte", 1),
    "kB": ("byte", 10**3),
    "MB": ("byte", 10**6),
    "GB": ("byte", 10**9),
    "TB": ("byte", 10**12),
    "KiB": ("byte", 2**10),
    "MiB": ("byte", 2**20),
    "GiB": ("byte", 2**30),
    "TiB": ("byte", 2**40),
    "h": ("hour", 1),
    "min": ("hour", Fraction(1, 60)),
    "s": ("hour", Fraction(1, 3600)),
    "%": ("ratio", Fraction(1, 100)),
    "ratio": ("ratio", 1),
    "items": ("item", 1),
    "years": ("year", 1),
}
BYTE_UNITS = tuple(name for name, (base, _) in _UNITS.items() if base == "byte")
FLICKS_PER_SECOND = 705_600_000
"""A flick divides a second evenly at all usual sample and frame rates (8000 … 192000 Hz, 24 … 120 fps and their
1000/1001), so that durations add up without rounding. <https://github.com/facebookarchive/Flicks>"""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z%]+)")
_SIZE = re.compile(r"(\d+)\s*[x×]\s*(\d+)\s*px")


def parse_quantity(text: str) -> tuple[Fraction, str]:
    """Read a number with its unit.

    Returns:
        The exact value in the base unit, and the base unit: byte, hour, ratio, item or year.

    Raises:
        ValueError: no number, no unit, or an unknown unit.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a quantity with one of the units {', '.join(_UNITS)}")
    unit, factor = _UNITS[match[2]]
    return Fraction(match[1]) * factor, unit


def parse_size_px(text: str) -> tuple[int, int]:
    """Read "768 x 1024 px" as (short side, long side).

    Raises:
        ValueError: not two whole numbers and `px`.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size such as '768 x 1024 px'")
    a, b = int(match[1]), int(match[2])
    return min(a, b), max(a, b)


def hours(flicks: int) -> Fraction:
    """Flicks as hours, exactly."""
    return Fraction(flicks, 3600 * FLICKS_PER_SECOND)


def decimal_string(value: Fraction | int, places: int = 6) -> str:
    """Write a number as a plain decimal, rounded half even to `places`, without trailing zeros."""
    value = Fraction(value)
    scaled = round(value * 10**places)
    text = f"{Decimal(scaled).scaleb(-places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def human_bytes(count: int | Fraction) -> str:
    """Bytes for people, in decimal units: "1.23 GB"."""
    value = Fraction(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{decimal_string(value, 0 if unit == 'B' else 2)} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def human(value: Fraction | int, unit: str) -> str:
    """A value in its base unit for people: "1.2 GB", "3.41 %", "12 h", "7"."""
    if unit == "byte":
        return human_bytes(value)
    if unit == "ratio":
        return f"{decimal_string(Fraction(value) * 100, 3)} %"
    if unit == "hour":
        return f"{decimal_string(value, 3)} h"
    return decimal_string(value, 3)
