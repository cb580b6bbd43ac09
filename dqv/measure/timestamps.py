"""The calendar day, in Asia/Shanghai, that a date in any of the usual ways of writing says.

| written | read as |
|---|---|
| ISO 8601 with a zone; RFC 2822; C's ctime; aware datetime | that instant's day in Asia/Shanghai |
| ISO 8601 or datetime without a zone; 2023-1-5, 2023:1:5, 2023/1/5, 2023.1.5, 2023年1月5日, 20230105 | as it stands |
| 24:00 behind a date | the next day's midnight |
| 2023, 2023-05, 202305, 2023年5月 | the first day: the earliest that it can be |
| 9, 10 digits; 12, 13 digits (number or text) | seconds; milliseconds since 1970; its day in Asia/Shanghai |
| 202301051030, 20230105103000 | before that, if there is such a minute or second: as it stands |
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 1970, 2100

_DATE = re.compile(
    r"(\d{4})\s*(?:[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2})\s*日?|\s*月)?|年)(?:(?:T|\s*)(\d{1,2}[:时点].*))?",
    re.ASCII,
)
_CLOCK = str.maketrans({"时": ":", "点": ":", "分": ":", "秒": None, " ": None})
_MONTH_NAME = re.compile(r"\d\s*[-\s]\s*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
_COLONS = re.compile(r"(\d{4}):(\d{1,2}):(\d{1,2})(?=\s|T|$)", re.ASCII)  # as EXIF writes them
_CTIME = re.compile(r"[A-Z][a-z]{2} +([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d:\d\d:\d\d) +(\d{4})", re.ASCII)
_MIDNIGHT = re.compile(r"(?<=[T\s])24:00(?::00(?:\.0+)?)?(?![\d:.])", re.ASCII)
_IN_NAME = re.compile(
    r"(?<!\d)(?:(\d{4})(\d\d)(\d\d)|(\d{4})([-_.])(\d{1,2})\5(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日?)(?!\d)",
    re.ASCII,
)


def parse_day(value: object) -> date | None:
    """The day that a value says; None where nothing stands.

    Raises:
        ValueError: something stands there and cannot be a date, or an absurd one
            (before 1970 or after 2100).
    """
    if type(value) is str:
        return _from_text(value)
    if value is None:
        return None
    if isinstance(value, datetime):
        return _plausible(_day(value))
    if isinstance(value, date):
        return _plausible(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"a {type(value).__name__} is no date")
    if isinstance(value, float):
        if not -1e15 < value < 1e15:  # infinity and NaN too
            raise ValueError("a number that is no date")
        if not value.is_integer():
            return _from_epoch(value)
        value = int(value)
    return _from_text(str(value)) if abs(int(value)) < 10**15 else _refuse()


def day_in_name(path: bytes) -> date | None:
    """The date in a file's name, else in its nearest folder's; the last in a name wins. Never raises.

    Args:
        path: "/" between parts. Digits that belong to a longer number are no date.
    """
    for part in reversed(path.split(b"/")):
        try:
            name = part.decode("utf-8")
        except UnicodeDecodeError:
            name = part.decode("gb18030", "replace")
        for found in reversed(list(_IN_NAME.finditer(name))):
            year, month, day = (
                int(group) for group in found.groups() if group is not None and group.isdigit()
            )
            try:
                return _plausible(date(year, month, day))
            except ValueError:
                continue
    return None


def _refuse() -> date:
    raise ValueError("no date in any known way of writing")


def _plausible(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"absurd: a date before {FIRST_YEAR} or after {LAST_YEAR}")
    return day


def _day(moment: datetime) -> date:
    if moment.tzinfo is None:
        return moment.date()
    _plausible(moment.date())  # first: the ends of the calendar overflow when converted
    return moment.astimezone(SHANGHAI).date()


def _from_epoch(number: float) -> date:
    # Smaller numbers of seconds (before March 1973) are counters, years or mistakes.
    if 10**11 <= number < 10**13:
        number /= 1000
    elif not 10**8 <= number < 10**10:
        return _refuse()
    return _plausible(_day(datetime.fromtimestamp(number, UTC)))


def _usual(text: str) -> str:
    """EXIF's and C's ways of writing a date in ISO 8601's and RFC 2822's."""
    if found := _CTIME.fullmatch(text):
        month, day, clock, year = found.groups()
        return f"{day} {month} {year} {clock}"
    if found := _COLONS.match(text):
        return "-".join(found.groups()) + text[found.end() :]
    return text


@lru_cache(maxsize=65536)
def _from_text(text: str) -> date | None:
    text = text.strip()
    if not text:
        return None
    if len(text) > 100:
        return _refuse()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # ２０２３ is 2023
    if text.isdecimal() and text.isascii():
        return _from_digits(text)
    text = _usual(text)
    midnight = _MIDNIGHT.search(text)
    if midnight is not None:
        day = _from_text(f"{text[: midnight.start()]}00:00:00{text[midnight.end() :]}")
        return None if day is None else _plausible(day + timedelta(days=1))
    try:
        return _plausible(_day(datetime.fromisoformat(text)))
    except ValueError as error:
        if str(error).startswith("absurd"):
            raise
    found = _DATE.fullmatch(text)
    if found is not None:
        return _from_parts(found)
    if _MONTH_NAME.search(text):
        try:
            return _plausible(_day(parsedate_to_datetime(text)))
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise ValueError("not a date as RFC 2822 writes them, or an absurd one") from error
    return _refuse()


def _from_digits(text: str) -> date:
    if len(text) == 4:
        return _plausible(date(int(text), 1, 1))
    if len(text) == 6:
        return _plausible(date(int(text[:4]), int(text[4:]), 1))
    if len(text) == 8:
        return _plausible(date(int(text[:4]), int(text[4:6]), int(text[6:])))
    if len(text) == 14:
        return _plausible(datetime.strptime(text, "%Y%m%d%H%M%S").date())
    if len(text) == 12:
        try:
            return _plausible(datetime.strptime(text, "%Y%m%d%H%M").date())
        except ValueError:
            pass
    return _from_epoch(int(text)) if len(text) in (9, 10, 12, 13) else _refuse()


def _from_parts(found: re.Match[str]) -> date:
    year, month, day, clock = found.groups()
    start = _plausible(date(int(year), int(month or 1), int(day or 1)))
    if clock is None:
        return start
    if day is None:
        return _refuse()
    clock = clock.translate(_CLOCK).rstrip(":")
    if clock[1:2] in ("", ":"):
        clock = f"0{clock}"
    return _plausible(_day(datetime.fromisoformat(f"{start.isoformat()}T{clock}")))
