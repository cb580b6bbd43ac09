"""Dates in every usual way of writing."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure.timestamps import day_in_name, parse_day

DAY = date(2023, 1, 5)


@pytest.mark.parametrize(
    "value",
    [
        "2023-01-05", "2023-1-5", "2023/1/5", "2023.1.5", "20230105", "2023年1月5日", "２０２３年１月５日",
        " 2023-01-05 ", "2023-01-05T23:59:59", "2023-01-05 08:00:00.123456+08:00", "2023-01-04T16:00:00Z",
        "2023/1/5 9:05:03", "2023年1月5日 10时30分", "2023年1月5日10:00", "2023-1-5 3时", "20230105235959",
        "2023:01:05 10:00:00", "2023:01:05", "2023:1:5", "2023:1:5 9:05:03", "Thu Jan  5 10:00:00 2023",
        "2023-01-04 24:00", "2023-01-04T24:00:00", "2023:01:04 24:00:00", "2023-01-04T24:00:00+08:00",
        "Wed Jan  4 24:00:00 2023", "Wed, 04 Jan 2023 20:00:00 +0000", "5 Jan 2023 10:00:00", "1672876800", "1672876800000",
        1672876800, 1672876800000, 1672876800.5, 20230105, 202301051030, DAY, datetime(2023, 1, 5, 23),
        datetime(2023, 1, 4, 16, tzinfo=UTC),
    ],
)  # fmt: skip
def test_every_way_of_writing_is_read(value: object) -> None:
    assert parse_day(value) == DAY


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2023", date(2023, 1, 1)), (2023, date(2023, 1, 1)), ("2023年", date(2023, 1, 1)),
        ("2023-05", date(2023, 5, 1)), ("2023年5月", date(2023, 5, 1)), ("202305", date(2023, 5, 1)),
        ("2023/5", date(2023, 5, 1)), ("1612121212123", date(2021, 2, 1)),
        (946684800, date(2000, 1, 1)), (946684800000, date(2000, 1, 1)),
    ],
)  # fmt: skip
def test_a_month_or_year_is_its_first_day(value: object, day: date) -> None:
    assert parse_day(value) == day


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_nothing_is_no_date(value: object) -> None:
    assert parse_day(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "hello", "2023-13-01", "2023-02-30", "99999999", "2023-01-05T25:00", "2020-2023", "2023-", "1" * 99,
        "x" * 10**6, True, 5, 0, -1, 1.5, float("nan"), float("inf"), 10**40, [], {}, b"2023", "2023-W99-1",
        "2023-01-05 24:01", "2023:13:01", "2023:01", "2023:01:05:10", "2100-12-31 24:00", "0000-00-00", "32 Jan 2023 00:00:00",
    ],
)  # fmt: skip
def test_what_cannot_be_a_date_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        parse_day(value)


@pytest.mark.parametrize(
    "value",
    [
        "1969-12-31", "2101-01-01", "0001-01-01", "0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00",
        date(1900, 1, 1), datetime(9999, 12, 31, tzinfo=UTC), "1899", 22000101,
    ],
)  # fmt: skip
def test_absurd_dates_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="absurd"):
        parse_day(value)


MOMENTS = st.datetimes(datetime(1973, 4, 1), datetime(2100, 12, 30))


@given(MOMENTS, st.integers(-12, 14))
def test_an_instant_is_its_day_in_shanghai(moment: datetime, hours: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    day = parse_day(aware)
    assert parse_day(aware.isoformat()) == day
    if aware.year > 1991:  # no summer time since
        assert day == aware.astimezone(timezone(timedelta(hours=8))).date()
    assert parse_day(int(aware.timestamp())) == parse_day(aware.replace(microsecond=0))
    assert parse_day(moment.isoformat(sep=" ")) == moment.date()


@given(
    st.text()
    | st.integers()
    | st.floats()
    | st.from_regex(r"\d{1,8}([-/.年]\d{1,2}){0,2}( \d{1,2}[:时].{0,9})?")
)
def test_anything_is_a_day_or_nothing_or_refused(value: object) -> None:
    try:
        day = parse_day(value)
    except ValueError:
        return
    assert day is None or 1970 <= day.year <= 2100


@pytest.mark.parametrize(
    ("path", "day"),
    [
        (b"a/20230105/x.txt", DAY),
        (b"20200101/20230105/x.txt", DAY),
        (b"a/2020-01-01_v2_2023_01_05.jsonl", DAY),
        ("2023年1月5日.txt".encode(), DAY),
        ("2023年1月5日.txt".encode("gb18030"), DAY),
        (b"IMG_20230105_101112.txt", DAY),
        (b"20230105101112.txt", None),
        (b"99999999.txt", None),
        (b"20231301.txt", None),
        (b"19000101.txt", None),
        (b"x\xff\xfe/\n", None),
        (b"", None),
    ],
)
def test_dates_in_names(path: bytes, day: date | None) -> None:
    assert day_in_name(path) == day


@given(st.binary())
def test_a_name_never_raises(path: bytes) -> None:
    day_in_name(path)
