"""How often data is updated, from the words of a registration: 每季度, every two weeks, P3M (ISO 8601)."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

Period = Literal["day", "week", "month", "year"]


@dataclass(frozen=True)
class Cadence:
    """One update in so many days, weeks, months or years; what is more frequent counts as daily.

    Attributes:
        count: at least 1.
    """

    period: Period
    count: int

    def number(self, day: date) -> int:
        """The number of the period that holds a day: calendar days, weeks from Monday, months, years, from year 1 on."""
        whole = {
            "day": day.toordinal() - 1,
            "week": (day.toordinal() - 1) // 7,
            "month": 12 * (day.year - 1) + day.month - 1,
            "year": day.year - 1,
        }[self.period]
        return whole // self.count

    def first_day(self, number: int) -> date:
        """The first day of a period."""
        at = number * self.count
        if self.period in ("day", "week"):
            return date.fromordinal(at * (7 if self.period == "week" else 1) + 1)
        if self.period == "month":
            return date(at // 12 + 1, at % 12 + 1, 1)
        return date(at + 1, 1, 1)


_MOST: dict[Period, int] = {"day": 1000, "week": 522, "month": 120, "year": 10}
"""What is rarer than about every ten years is no cadence."""

_DURATION = re.compile(r"p(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(t(?:\d+[hms])+)?")
_ZH_NUMBERS = {name: number for number, name in enumerate("一二三四五六七八九十", 1)} | {"两": 2, "双": 2}
_EN_NUMBERS = {
    name: number
    for number, name in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 1
    )
} | {"other": 2, "a": 1, "an": 1, "second": 2, "third": 3}
_UNITS: dict[str, tuple[Period, int]] = {
    "天": ("day", 1), "日": ("day", 1), "周": ("week", 1), "星期": ("week", 1), "礼拜": ("week", 1), "旬": ("day", 10),
    "月": ("month", 1), "季": ("month", 3), "季度": ("month", 3), "半年": ("month", 6), "半月": ("day", 15),
    "半个月": ("day", 15), "年": ("year", 1), "年度": ("year", 1),
    "day": ("day", 1), "week": ("week", 1), "fortnight": ("week", 2), "month": ("month", 1), "quarter": ("month", 3),
    "half year": ("month", 6), "year": ("year", 1), "hour": ("day", 0), "minute": ("day", 0), "小时": ("day", 0), "分钟": ("day", 0),
}  # fmt: skip
"""A count of 0: more often than daily."""
_WORDS: dict[str, tuple[Period, int]] = {
    "实时": ("day", 1), "real-time": ("day", 1), "realtime": ("day", 1), "continuously": ("day", 1), "hourly": ("day", 1),
    "daily": ("day", 1), "weekly": ("week", 1), "fortnightly": ("week", 2), "monthly": ("month", 1),
    "quarterly": ("month", 3), "bi-weekly": ("week", 2), "biweekly": ("week", 2), "twice a week": ("day", 4),
    "twice a month": ("day", 15), "half yearly": ("month", 6), "semi-annually": ("month", 6), "semiannually": ("month", 6),
    "semi-annual": ("month", 6), "semiannual": ("month", 6), "twice a year": ("month", 6), "yearly": ("year", 1),
    "annually": ("year", 1), "annual": ("year", 1),
}  # fmt: skip
_ZH_UNIT = "|".join(sorted((unit for unit in _UNITS if not unit.isascii()), key=len, reverse=True))
_EN_UNIT = "|".join(unit for unit in _UNITS if unit.isascii())
_NO_MORE = r"(?<![一二三四五六七八九十百千两\d年月])"
"""Before a number or a unit: it is no end of a longer number, and no part of a date."""
_WORD = "|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True))
_TEXT = re.compile(
    rf"(?P<times>(?:每|{_NO_MORE}一)(?P<times_unit>{_ZH_UNIT})(?:更新)?(?P<often>[一两二三四六]|\d+)次(?!性))"
    rf"|{_NO_MORE}(?P<once>[一二三四五六七八九十两]|\d+(?!月))?个?(?P<once_unit>{_ZH_UNIT})(?:更新)?[一1]次(?!性)"
    rf"|每(?:隔)?\s*(?P<zh>[一二三四五六七八九十两双]|\d+)?\s*个?(?P<zh_unit>{_ZH_UNIT})"
    rf"|(?P<by>[按逐双])(?P<by_unit>{_ZH_UNIT})"
    rf"|{_NO_MORE}(?P<brief>(?:日|周|月|季|半年|年)(?=度?更)|(?:月|季|半年|年)(?=度))"
    rf"|(?<![a-z])(?<![a-z]-)(?P<word>{_WORD})(?![a-z])"
    rf"|(?<![a-z])(?:every|once an?|once per|once every|per|each)\s+(?:(?P<en>\d+|{'|'.join(_EN_NUMBERS)})\s+)?(?P<en_unit>{_EN_UNIT})s?(?![a-z])"
)
_NONE = re.compile(
    r"不再|不定期|非定期|[不无未](?:会|作|做|予|进行|需|曾|定期)?更新|没有(?:定期)?更新|(?:停止|终止|中止|暂停)更新|停更|一次性|静态|按需"
    rf"|(?:不是?|非|未能?|没有?)(?=[每逐]|按(?:{_ZH_UNIT}))"
    r"|irregular|as needed|ad[ -]hoc|\b(?:never|none|static|discontinued|ceased|stopped)\b|no longer"
    r"|\b(?:no|without)(?: (?!later|less)\w+)? updates?\b|(?:\bnot|n't)(?: \w+)? update"
    rf"|(?:\bnot|n't) (?:every|each|per|once|{_WORD})\b"
)


def parse_cadence(text: str) -> Cadence | None:
    """Read a cadence from free words; the first that is found counts, None where none is.

    Chinese (每日, 每两周, 每3个月, 按季度, 季更, 年度, 半年一次, 每年两次), English (daily, every two weeks, once a month, half-yearly)
    and ISO 8601 durations (P1M, P1Y6M, PT12H). What is rarer than every ten years is none. Whether the words also say the
    contrary, `irregular` tells.
    """
    text = _plain(text).replace("half-year", "half year")
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return _of_duration(duration)
    found = _TEXT.search(text)
    if found is None:
        return None
    if found["times"]:
        return _times(found["times_unit"], found["often"])
    if found["word"]:
        return Cadence(*_WORDS[found["word"]])
    unit = found["once_unit"] or found["zh_unit"] or found["by_unit"] or found["brief"] or found["en_unit"]
    period, size = _UNITS[unit]
    named = found["once"] or found["zh"] or found["en"] or ("双" if found["by"] == "双" else "一")
    count = _number(named)
    return _cadence(period, size * count if count is not None else None)


def irregular(text: str) -> bool:
    """Whether the words say that there are no regular updates: 不定期, 一次性, 不再, as needed, never, not monthly."""
    return _NONE.search(_plain(text)) is not None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _number(text: str) -> int | None:
    if text.isdecimal():
        return int(text) if len(text) <= 4 else None
    return _ZH_NUMBERS.get(text) or _EN_NUMBERS.get(text)


def _cadence(period: Period, count: int | None) -> Cadence | None:
    """None for a number that is too large, or none where one is needed; 0 is more often than daily."""
    if count is None or count > _MOST[period]:
        return None
    return Cadence(period, max(count, 1))


def _times(unit: str, often: str) -> Cadence | None:
    """So many times a year, a month or a week; None where that is no whole number of months or weeks."""
    period, size = _UNITS[unit]
    count = _number(often)
    if not count:
        return None
    if count == 1:
        return _cadence(period, size)
    months = size * {"year": 12, "month": 1}.get(period, 0)
    if months and months % count == 0:
        return Cadence("month", months // count)
    if period == "day" and size <= 1:
        return Cadence("day", 1)
    if (period, size) == ("week", 1):
        return Cadence("day", -(-7 // count))
    return Cadence("day", 15) if (period, size, count) == ("month", 1, 2) else None


def _of_duration(found: re.Match[str]) -> Cadence | None:
    if any(part is not None and len(part) > 4 for part in found.groups()[:4]):
        return None
    years, months, weeks, days = (int(part or 0) for part in found.groups()[:4])
    calendar, short = 12 * years + months, 7 * weeks + days
    if calendar and not short:
        return _cadence("year", years) if years and not months else _cadence("month", calendar)
    if short and not calendar:
        return _cadence("week", weeks) if weeks and not days else _cadence("day", short)
    return Cadence("day", 1) if found[5] and not calendar else None
