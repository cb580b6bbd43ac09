from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.cadence import Cadence, Period, irregular, parse_cadence


@pytest.mark.parametrize(
    ("text", "period", "count"),
    [
        ("每日", "day", 1), ("每天更新", "day", 1), ("每周", "week", 1), ("每两周", "week", 2), ("双周更新", "week", 2),
        ("每月", "month", 1), ("每 3 个月", "month", 3), ("每半个月", "day", 15), ("每旬", "day", 10), ("月度更新", "month", 1),
        ("每季度更新一次", "month", 3), ("按季度", "month", 3), ("季更", "month", 3), ("每半年", "month", 6),
        ("每年", "year", 1), ("每年两次", "month", 6), ("每年4次", "month", 3), ("每月两次", "day", 15), ("实时更新", "day", 1),
        ("每小时", "day", 1), ("daily", "day", 1), ("Weekly", "week", 1), ("monthly", "month", 1), ("QUARTERLY", "month", 3),
        ("half-yearly", "month", 6), ("every half year", "month", 6), ("every half-year", "month", 6), ("twice a year", "month", 6), ("yearly", "year", 1), ("annually", "year", 1),
        ("every two weeks", "week", 2), ("every other month", "month", 2), ("once a week", "week", 1), ("every 10 days", "day", 10),
        ("per quarter", "month", 3), ("P1D", "day", 1), ("P2W", "week", 2), ("P1M", "month", 1), ("p3m", "month", 3),
        ("P1Y", "year", 1), ("P1Y6M", "month", 18), ("PT12H", "day", 1), ("P1000D", "day", 1000), ("不定期，但每年至少一次", "year", 1),
        ("半年一次", "month", 6), ("一年一次", "year", 1), ("三个月更新一次", "month", 3), ("10天一次", "day", 10), ("一年两次", "month", 6),
        ("每周两次", "day", 4), ("每周更新7次", "day", 1), ("每月1次", "month", 1), ("每季度三次", "month", 1), ("月度", "month", 1),
        ("季度", "month", 3), ("半年度", "month", 6), ("年度", "year", 1), ("bi-weekly", "week", 2), ("Biweekly", "week", 2),
        ("twice a week", "day", 4), ("P10Y", "year", 10), ("P120M", "month", 120), ("每年5月更新一次", "year", 1), ("十年一次", "year", 10),
    ],
)  # fmt: skip
def test_words_and_durations_are_read(text: str, period: Period, count: int) -> None:
    assert parse_cadence(text) == Cadence(period, count)


@pytest.mark.parametrize(
    "text",
    [
        "随缘",
        "",
        "biannual",
        "bi-monthly",
        "二十年一次",
        "2026年5月更新一次",
        "2026年5月更新",
        "一年一次性交付",
        "2025年度",
        "P11Y",
        "P1000Y",
        "P121M",
        "每11年",
        "P",
        "P0D",
        "P1M1D",
        "P1001D",
        "P99999D",
        "every 1001 days",
        "每年5次",
        "每月5次",
        "dailyish",
    ],
)
def test_what_is_no_period_is_none(text: str) -> None:
    assert parse_cadence(text) is None


@pytest.mark.parametrize(
    "text", ["不定期", "一次性交付", "按需更新", "irregular", "as needed", "Never", "ad hoc"]
)
def test_words_that_say_there_is_no_regularity(text: str) -> None:
    assert parse_cadence(text) is None
    assert irregular(text)


@pytest.mark.parametrize(
    "text",
    [
        "不再更新，此前每月更新", "Static corpus of daily conversations; no updates", "not updated monthly", "每月不更新",
        "不定期，但每年至少一次", "每月不进行更新", "不按月更新", "并非每月更新", "已停止更新（原每季度）", "It isn't updated every year", "not monthly",
        "was updated weekly, no longer", "no further updates; monthly before", "2025年度一次性交付，每年",
    ],
)  # fmt: skip
def test_a_period_does_not_hide_that_there_is_no_regularity(text: str) -> None:
    assert parse_cadence(text) is not None
    assert irregular(text)


@pytest.mark.parametrize(
    "text",
    [
        "每月",
        "monthly",
        "随缘",
        "每季度更新",
        "不少于每月一次",
        "monthly, not later than the 5th",
        "季度更新，不延期",
    ],
)
def test_other_words_do_not(text: str) -> None:
    assert not irregular(text)


@given(st.text())
def test_any_text_is_read_or_not(text: str) -> None:
    found = parse_cadence(text)
    assert found is None or 1 <= found.count <= 1000


cadences = st.builds(Cadence, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 24))


@given(cadences, st.dates(date(1970, 1, 1), date(2100, 12, 31)))
def test_periods_follow_each_other_without_a_gap(cadence: Cadence, day: date) -> None:
    number = cadence.number(day)
    first, after = cadence.first_day(number), cadence.first_day(number + 1)
    assert first <= day < after
    assert cadence.number(first) == number
    assert cadence.number(after - timedelta(1)) == number


def test_quarters_and_weeks_are_those_of_the_calendar() -> None:
    quarter, week = Cadence("month", 3), Cadence("week", 1)
    assert quarter.first_day(quarter.number(date(2026, 6, 30))) == date(2026, 4, 1)
    assert week.first_day(week.number(date(2026, 6, 28))) == date(
        2026, 6, 22
    )  # Sunday belongs to its Monday's
