"""Bars are to scale, and their numbers are short."""

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.policy import Words
from dqv.reports.model import Bucket, Distribution
from dqv.reports.svg import distribution_chart, threshold_bar


def _distribution(items: list[int], label: str = "x") -> Distribution:
    buckets = [
        Bucket(label=f"{label}{place}", items=each, payload_bytes=each) for place, each in enumerate(items)
    ]
    return Distribution(name="n", title=Words(zh="标题", en="Title"), buckets=buckets)


def _bars(svg: str) -> list[float]:
    return [float(each.attrib["width"]) for each in ElementTree.fromstring(svg).iter("rect")]


def test_bars_of_a_distribution_are_to_scale() -> None:
    full, half = _bars(distribution_chart(_distribution([200, 100, 0]), "en"))
    assert full == 2 * half


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_chart_says_what_it_is(lang: str) -> None:
    root = ElementTree.fromstring(distribution_chart(_distribution([3]), "zh" if lang == "zh" else "en"))
    assert root.attrib["role"] == "img"
    assert root.findtext("title") == {"zh": "标题", "en": "Title"}[lang]
    assert root.findtext("desc") == "x0: 3"


@given(st.lists(st.integers(0, 2**53), max_size=6))
def test_any_distribution_can_be_drawn(items: list[int]) -> None:
    svg = distribution_chart(_distribution(items), "en")
    assert all(width <= 300 for width in _bars(svg))
    assert svg == distribution_chart(_distribution(items), "en")


@given(st.fractions(0, 10**13), st.fractions(0, 10**13), st.sampled_from([">=", "<="]))
def test_measured_and_threshold_stand_on_one_linear_scale(
    measured: Fraction, threshold: Fraction, sign: str
) -> None:
    svg = threshold_bar(measured, threshold, ">=" if sign == ">=" else "<=", "m", "t")
    line = float(re.findall(r'<path d="M([\d.]+) ', svg)[0])
    scale = Fraction(640) / (max(measured, threshold) * Fraction(11, 10) or 1)
    assert abs(line - threshold * scale) <= 0.005
    if measured:
        assert abs(_bars(svg)[2] - max(measured * scale, Fraction(1))) <= 0.005
    else:
        assert len(_bars(svg)) == 2
    assert not re.search(r"\d\.\d{3,}", svg)


def test_a_tiny_value_is_a_thin_bar() -> None:
    assert _bars(threshold_bar(Fraction(1), Fraction(10**12), ">=", "1 B", "1 TB"))[2] == 1


def test_labels_cannot_become_markup() -> None:
    hostile = '"><script>\u202e'
    for svg in (
        threshold_bar(Fraction(1), Fraction(2), "<=", hostile, hostile),
        distribution_chart(_distribution([1], hostile), "en"),
    ):
        assert not list(ElementTree.fromstring(svg).iter("script"))
        assert "\u202e" not in svg


def test_a_share_ends_at_the_whole() -> None:
    bars = _bars(threshold_bar(Fraction(1), Fraction(1, 2), ">=", "m", "t", largest=Fraction(1)))
    assert bars == [640, 320, 640]
