"""How what is said of items spreads: different values, the most frequent, evenness; in bounded memory."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import polars as pl

from dqv.core.units import decimal_string
from dqv.measure.privacy import mask

_ROWS = 2_000_000
"""So many rows are counted at a time; where values differ in more, a share of the values."""

TOP = 50
"""Values that are named."""


@dataclass(frozen=True)
class Spread:
    """How values spread over items.

    Attributes:
        items: that say something; of labels, what they say counts once each.
        different: values.
        top: the most frequent values and how many items have each; of equals by their text.
        evenness: Shannon entropy by that of as many equally frequent values, 0 to 1, in four decimals; None of fewer than two.
    """

    items: int
    different: int
    top: tuple[tuple[str, int], ...]
    evenness: str | None

    @property
    def top_share(self) -> Fraction:
        """Of the most frequent value."""
        return Fraction(self.top[0][1], self.items) if self.items else Fraction(0)


def spread(rows: pl.LazyFrame, value: pl.Expr) -> Spread:
    """How a value spreads over rows; null and blank count for nothing.

    Args:
        rows: any.
        value: text, or a list of texts of which each counts.
    """
    is_list = _is_list(rows, value)

    def values(part: pl.LazyFrame) -> pl.LazyFrame:
        found = part.select(value=value)
        return found.explode("value") if is_list else found

    table = _table(rows, values)
    if table is not None:
        sizes = Counter(dict(table["items"].value_counts(name="values").iter_rows()))
        return _spread(sizes, _first(table))
    sizes = Counter[int]()
    top: list[tuple[str, int]] = []
    texts = values(rows).select(value=_TEXT).filter(pl.col("value") != "")
    shares = -(-int(texts.select(pl.len()).collect(engine="streaming").item()) // _ROWS)
    for number in range(shares):
        mine = texts.filter(pl.col("value").hash() % shares == number)
        table = mine.group_by("value").agg(items=pl.len()).collect(engine="streaming")
        top = sorted([*top, *_first(table)], key=lambda pair: (-pair[1], pair[0]))[:TOP]
        sizes.update(dict(table["items"].value_counts(name="values").iter_rows()))
    return _spread(sizes, top)


_TEXT = pl.col("value").str.strip_chars().str.slice(0, 256)


def _table(rows: pl.LazyFrame, values: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame | None:
    """Different values and how many items have each, part by part of the rows; None where they are more than _ROWS."""
    count = int(rows.select(pl.len()).collect(engine="streaming").item())
    found = pl.DataFrame(schema={"value": pl.String, "items": pl.UInt64})
    for first in range(0, count, _ROWS):
        part = (
            values(rows.slice(first, _ROWS)).group_by("value").agg(items=pl.len()).collect(engine="streaming")
        )
        part = part.select(_TEXT, pl.col("items").cast(pl.UInt64)).filter(pl.col("value") != "")
        found = pl.concat([found, part]).group_by("value").agg(pl.col("items").sum())
        if len(found) > _ROWS:
            return None
    return found


def _first(table: pl.DataFrame) -> list[tuple[str, int]]:
    return list(table.sort("items", "value", descending=[True, False]).head(TOP).iter_rows())


def _spread(sizes: Counter[int], top: list[tuple[str, int]]) -> Spread:
    """From how many values have how many items each."""
    count = sum(size * many for size, many in sizes.items())
    return Spread(count, sum(sizes.values()), tuple(top), _evenness(count, sizes))


def _is_list(rows: pl.LazyFrame, value: pl.Expr) -> bool:
    return isinstance(rows.select(value=value).collect_schema()["value"], pl.List)


def _evenness(items: int, sizes: Counter[int]) -> str | None:
    """From how many values have how many items each; summed exactly, so that no order matters."""
    different = sum(sizes.values())
    if different < 2:
        return None
    entropy = (
        math.log(items) - math.fsum(many * size * math.log(size) for size, many in sizes.items()) / items
    )
    return decimal_string(Fraction(entropy / math.log(different)), 4)


def facts(kind: str, found: Spread) -> list[Mapping[str, Any]]:
    """A spread as evidence (`attestations.Fact`): one row for the whole, one for each of the most frequent values."""
    whole: Mapping[str, Any] = {
        "kind": kind, "status": "spread", "items": found.items, "different": found.different,
        "share": decimal_string(found.top_share, 6), "evenness": found.evenness,
    }  # fmt: skip
    return [
        whole,
        *(
            {
                "kind": kind,
                "name": mask(value),
                "items": items,
                "share": decimal_string(Fraction(items, found.items), 6),
            }
            for value, items in found.top
        ),
    ]
