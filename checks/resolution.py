"""8(三): the least size of pictures (resolution.image, resolution.video)."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import polars as pl

from dqv.checks.engine import MODALITY_WORDS, Case, Outcome, Quantity, Result, amount, measured, rate
from dqv.core.policy import Reading, Words

_METHOD = {
    "image": Words(
        zh="逐张解码；宽高为按 EXIF 方向旋转之后的像素数，与规格比较。损坏的图像不在统计之内。",
        en="Every image is decoded; width and height are pixels after the EXIF rotation, compared with the floor. "
        "Defective images stand outside.",
    ),
    "video": Words(
        zh="宽高为显示时的像素数：旋转之后，并按像素宽高比折算为方形像素。损坏的视频不在统计之内。",
        en="Width and height are pixels as displayed: after rotation, and with square pixels by the sample aspect "
        "ratio. Defective videos stand outside.",
    ),
}

_width, _height = pl.col("width_px"), pl.col("height_px")
_short, _long = pl.min_horizontal(_width, _height), pl.max_horizontal(_width, _height)

FLOORS: Mapping[str, Callable[[int, int], pl.Expr]] = {
    "share_at_floor": lambda short, long: (_short >= short) & (_long >= long),
    "share_width_height": lambda short, long: (_width >= short) & (_height >= long),
    "share_height": lambda short, _: _height >= short,
    "share_pixels": lambda short, long: _width * _height >= short * long,
    "share_either_side": lambda short, long: (_short >= short) | (_long >= long),
}
"""Measure → what meets it, given short and long side of the floor in pixels."""


def at_floor(case: Case, modality: str) -> pl.Expr:
    """What meets the floor as the policy's deciding reading has it."""
    rule = case.policy.rules[f"resolution.{modality}"]
    reading = next(each for each in rule.readings if each.name == rule.deciding)
    floor = FLOORS.get(reading.measure, FLOORS["share_at_floor"])
    return floor(*rule.floor_px(reading)).fill_null(value=False)


def resolution(case: Case, modality: str) -> Outcome:
    """Compare the pictures of one modality with the floor.

    Args:
        case: all of the run.
        modality: image or video.

    Returns:
        The outcome; numerator: items that meet the floor, denominator: items; evidence: one row per item below it.
    """
    words = MODALITY_WORDS[modality]

    def next_step(result: Result) -> Words | None:
        short = Fraction(result.quantity.denominator or 0) - Fraction(result.quantity.numerator)
        if result.reading.measure not in FLOORS or not short:
            return None
        return Words(
            zh=f"替换或移除 {short} 项低于规格的{words.zh}（见证据文件）。",
            en=f"Replace or remove {short} items of {words.en} below the floor (the evidence lists them).",
        )

    return measured(
        case,
        f"resolution.{modality}",
        modality,
        lambda: _measure(case, modality),
        method=_METHOD[modality],
        next_step=next_step,
        evidence=below_floor(case, modality),
    )


def _measure(case: Case, modality: str) -> Callable[[Reading], Quantity]:
    rule, scale = (case.policy.rules[f"{family}.{modality}"] for family in ("resolution", "scale"))
    facts, items = case.facts[modality], case.modality(modality)

    def measure(reading: Reading) -> Quantity:
        if reading.measure == "scale_at_floor":
            chosen = items.filter(at_floor(case, modality)).select(pl.col("payload_bytes").sum())
            found, limit = amount(int(chosen.collect().item()), facts.unread.payload_bytes), scale.limit()
            shares = tuple((low / limit, high / limit) for low, high in found.scenarios)
            return Quantity(found.numerator, limit, shares)
        meets = FLOORS[reading.measure](*rule.floor_px(reading)).fill_null(value=False)
        count = int(items.select(meets.sum()).collect().item())
        return rate(count, facts.items, facts.unread.items)

    return measure


def below_floor(case: Case, modality: str) -> pl.LazyFrame | None:
    """The items below the floor, in canonical order; None where nothing was measured."""
    if not case.facts[modality].items:
        return None
    return (
        case.modality(modality)
        .filter(~at_floor(case, modality))
        .select("object", "name", "place", "width_px", "height_px", "codec", "payload_bytes")
    )
