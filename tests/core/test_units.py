from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.units import decimal_string, human, parse_quantity, parse_size_px


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [("30 GB", 30 * 10**9, "byte"), ("8TB", 8 * 10**12, "byte"), ("30 GiB", 30 * 2**30, "byte"), ("1000 h", 1000, "hour"),
     ("3.6 s", Fraction(1, 1000), "hour"), ("5 %", Fraction(1, 20), "ratio"), ("0.1 %", Fraction(1, 1000), "ratio"),
     ("2 items", 2, "item")],
)  # fmt: skip
def test_a_quantity_is_exact(text: str, value: Fraction, unit: str) -> None:
    assert parse_quantity(text) == (value, unit)


@pytest.mark.parametrize("text", ["", "30", "GB", "30 gb", "-1 GB", "1e3 B", "30 GB extra", "NaN GB"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


def test_a_size_is_short_by_long() -> None:
    assert parse_size_px("1024 x 768 px") == parse_size_px("768 × 1024 px") == (768, 1024)
    with pytest.raises(ValueError, match="not a size"):
        parse_size_px("768 px")


@given(st.fractions(min_value=0, max_value=10**15))
def test_a_decimal_string_is_within_half_of_its_last_place(value: Fraction) -> None:
    text = decimal_string(value, 12)
    assert "e" not in text.lower()
    assert abs(Fraction(text) - value) <= Fraction(1, 2 * 10**12)


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (10, "10"), (Fraction(1, 20), "0.05"), (100, "100")])
def test_a_decimal_string_keeps_whole_numbers_whole(value: Fraction, text: str) -> None:
    assert decimal_string(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0, "byte", "0 B"), (999, "byte", "999 B"), (1000, "byte", "1 kB"), (30 * 10**9, "byte", "30 GB"),
     (Fraction(1, 20), "ratio", "5 %"), (1000, "hour", "1000 h"), (2, "item", "2")],
)  # fmt: skip
def test_numbers_for_people(value: Fraction, unit: str, text: str) -> None:
    assert human(value, unit) == text
