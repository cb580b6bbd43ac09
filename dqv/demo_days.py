"""The window of the demo's two reports, and days inside and before it."""

from datetime import date, timedelta
from random import Random

REFERENCE = date(2026, 6, 30)
"""Last day of the window in both reports: a fixed one, so that the truth does not age."""

WINDOW = date(2021, 6, 30)
"""First day of the window."""

FUTURE = date(2062, 3, 1)
"""A day that is yet to come is no date."""


def age(day: date | None) -> str:
    """Recent, old or undated."""
    if day is None or day > REFERENCE:
        return "undated"
    return "recent" if day >= WINDOW else "old"


def recent(random: Random) -> date:
    """Any day of the window."""
    return WINDOW + timedelta(days=random.randrange((REFERENCE - WINDOW).days + 1))


def old(random: Random) -> date:
    """Any day of the ten years before it."""
    return WINDOW - timedelta(days=random.randint(1, 3650))
