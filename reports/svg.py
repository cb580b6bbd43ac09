"""Inline SVG: bars drawn to scale. Pure functions; the same input gives the same bytes.

Coordinates carry at most two decimals. Every scale is linear and starts at zero. Colours stand in the
attributes, so that a picture reads the same without the report's style sheet.
"""

import unicodedata
from fractions import Fraction
from typing import Literal

from markupsafe import escape

from dqv.core.units import decimal_string, human_bytes
from dqv.reports.escape import visible
from dqv.reports.model import Distribution

_WIDTH = 640
_LABEL_WIDTH = 170
_BAR_WIDTH = 300
_ROW = 26
_INK, _MUTED, _BAR, _TRACK, _GOOD = "#1c2733", "#55616d", "#3f6b94", "#edf0f3", "#d7ebdd"


def distribution_chart(distribution: Distribution, lang: Literal["zh", "en"]) -> str:
    """A horizontal bar per bucket, its length the number of items, with count and payload bytes."""
    title = distribution.title.zh if lang == "zh" else distribution.title.en
    most = max((bucket.items for bucket in distribution.buckets), default=0)
    counts = "; ".join(f"{bucket.label}: {bucket.items:,}" for bucket in distribution.buckets)
    parts = []
    for row, bucket in enumerate(distribution.buckets):
        top = row * _ROW + 4
        label = _fitted(bucket.label, _LABEL_WIDTH - 10)
        parts.append(_text(_LABEL_WIDTH - 10, top + 13, label, "end", _INK))
        length = Fraction(bucket.items * _BAR_WIDTH, most) if most else Fraction(0)
        if bucket.items:
            parts.append(_rect(_LABEL_WIDTH, top, max(length, Fraction(1)), _ROW - 8, _BAR))
        count = f"{bucket.items:,} · {human_bytes(bucket.payload_bytes)}"
        parts.append(_text(_LABEL_WIDTH + length + 8, top + 13, count, "start", _MUTED))
    axis = f'<path d="M{_LABEL_WIDTH} 0V{len(distribution.buckets) * _ROW}" stroke="{_MUTED}"/>'
    return _svg("chart", len(distribution.buckets) * _ROW + 2, title, counts, [*parts, axis])


def threshold_bar(
    measured: Fraction,
    threshold: Fraction,
    comparator: Literal[">=", "<="],
    measured_label: str,
    threshold_label: str,
    largest: Fraction | None = None,
) -> str:
    """The measured value as a bar against the threshold as a line; the side that conforms is shaded.

    Args:
        measured: in the base unit, ≥ 0; above zero it is always at least a thin bar.
        threshold: in the base unit, ≥ 0.
        comparator: on which side of the threshold the rule is met.
        measured_label: its words and number, as people read it.
        threshold_label: idem.
        largest: what cannot be exceeded (1 for a share), where the scale then ends at the latest.
    """
    bar, line = (share * _WIDTH for share in scaled(measured, threshold, largest))
    good = (line, _WIDTH - line) if comparator == ">=" else (Fraction(0), line)
    parts = [
        _rect(0, 20, _WIDTH, 18, _TRACK),
        _rect(good[0], 20, good[1], 18, _GOOD),
        *([_rect(0, 24, max(bar, Fraction(1)), 10, _BAR)] if measured > 0 else []),
        f'<path d="M{_number(line)} 16V42" stroke="{_INK}" stroke-width="2"/>',
        _placed(bar, 12, measured_label, _BAR),
        _placed(line, 56, threshold_label, _INK),
    ]
    return _svg("bar", 60, measured_label, threshold_label, parts)


def waveform(heights: bytes, title: str, description: str) -> str:
    """A recording from left to right, the loudest sample of each span as a line.

    Args:
        heights: 0 to 100 each.
        title: for those who do not see it.
        description: idem.
    """
    width, step = 240, Fraction(240, len(heights) or 1)
    lines = "".join(
        f"M{_number((column + Fraction(1, 2)) * step)} {_number(30 - Fraction(height * 28, 100))}"
        f"v{_number(max(Fraction(height * 56, 100), Fraction(1)))}"
        for column, height in enumerate(heights)
    )
    return (
        f'<svg class="wave" role="img" viewBox="0 0 {width} 60" width="{width}" height="60">'
        f"<title>{escape(visible(title))}</title><desc>{escape(visible(description))}</desc>"
        f'<path d="{lines}" stroke="{_BAR}"/></svg>'
    )


def scaled(
    measured: Fraction, threshold: Fraction, largest: Fraction | None = None
) -> tuple[Fraction, Fraction]:
    """Where both stand on one linear scale from zero, as shares of its length.

    Args:
        measured: in the base unit, ≥ 0.
        threshold: idem.
        largest: what cannot be exceeded (1 for a share), where the scale then ends at the latest.
    """
    most = max(measured, threshold) * Fraction(11, 10) or Fraction(1)
    if largest is not None:
        most = max(min(most, largest), measured, threshold)
    return measured / most, threshold / most


def _svg(kind: str, height: int, title: str, description: str, parts: list[str]) -> str:
    return (
        f'<svg class="{kind}" role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-size="12.5"><title>{escape(visible(title))}</title>'
        f"<desc>{escape(visible(description))}</desc>{''.join(parts)}</svg>"
    )


def _rect(x: Fraction | int, y: int, width: Fraction | int, height: int, fill: str) -> str:
    return (
        f'<rect x="{_number(x)}" y="{y}" width="{_number(width)}" height="{height}" rx="1.5" fill="{fill}"/>'
    )


def _text(x: Fraction | int, y: int, text: str, anchor: str, fill: str) -> str:
    return (
        f'<text x="{_number(x)}" y="{y}" text-anchor="{anchor}" fill="{fill}">{escape(visible(text))}</text>'
    )


def _placed(x: Fraction, y: int, text: str, fill: str) -> str:
    """Text centred on x, as far as the edges allow."""
    text = _fitted(text, _WIDTH)
    half = Fraction(_columns(visible(text)) * 7, 2)
    if x < half:
        return _text(0, y, text, "start", fill)
    if x > _WIDTH - half:
        return _text(_WIDTH, y, text, "end", fill)
    return _text(x, y, text, "middle", fill)


def _fitted(text: str, width: int) -> str:
    """The text, cut with an ellipsis where it would be wider than so many pixels."""
    text = visible(text)
    if _columns(text) * 7 <= width:
        return text
    kept, room = "", width // 7 - 1
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept += character
    return kept + "…"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _number(value: Fraction | int) -> str:
    return decimal_string(value, 2)
