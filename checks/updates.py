"""8(四): the data is updated regularly (updates).

One check cannot see an update happen. What it sees is when the data is from: a declared cadence that the dates contradict is
for a person; the storage's times are in `run.environment`, for they change with every copy.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import polars as pl

from dqv.checks.attestations import (
    GIVE_DOCUMENTS,
    Fact,
    Stated,
    absent,
    evidence,
    judge_statement,
    said,
    statement,
    worst,
)
from dqv.checks.engine import Case, Outcome, join
from dqv.checks.recency import dated, window_start
from dqv.core.cadence import Cadence, irregular, parse_cadence
from dqv.core.policy import Words
from dqv.core.units import decimal_string, human
from dqv.core.verdicts import Verdict

LEAST_SHARE = Fraction(1, 2)
"""Of the periods since the first with data in the window; data from fewer contradicts the cadence."""

LATE_PERIODS = 2
"""The newest data may be from so many periods before that of the reference date; older contradicts it."""

_MONTHLY = Cadence("month", 1)
"""By which the dates are laid out where no cadence is declared."""


@dataclass(frozen=True)
class Seen:
    """When the data in the window is from.

    Attributes:
        items: with data of each period, by its number (`Cadence.number`).
        first: day seen in the window; None: there is none.
        last: idem.
        undated: items without any date.
        newest: number of the reference date's period.
    """

    items: Counter[int]
    first: date | None
    last: date | None
    undated: int
    newest: int

    @property
    def periods(self) -> int:
        """From the first with data to the reference date's."""
        return self.newest - min(self.items) + 1 if self.items else 0

    @property
    def age(self) -> int:
        """Periods between the newest with data and the reference date's."""
        return self.newest - max(self.items) if self.items else 0


def updates(case: Case) -> Outcome:
    """8(四) 数据具有定期更新机制: nothing declared fails; a cadence that the data does not contradict is attested."""
    record = case.registration
    text = record.cadence if record is not None else None
    cadence = parse_cadence(text) if text else None
    seen = _seen(case, cadence or _MONTHLY)
    found = judge_statement(case, "updates")
    verdict, told, step = _judged(case, text, cadence, seen)
    verdicts = [verdict]
    if (
        statement(case, "updates") is not None and found.rows
    ):  # a cadence needs no document; one that is named must be there
        verdicts.append(found.verdict)
    verdict = worst(verdicts)
    steps = [*([step] if step is not None else []), *([GIVE_DOCUMENTS] if _needs_documents(found) else [])]
    return Outcome(
        "updates", verdict, method=join([said(case), _method(case)]),
        message=join([*told, *_facts(seen, cadence or _MONTHLY), *_statements(found)]),
        evidence=evidence([*found.rows, *_rows(seen, cadence or _MONTHLY)]),
        next_step=None if verdict is Verdict.ATTESTED else join(steps),
    )  # fmt: skip


def _needs_documents(found: Stated) -> bool:
    return bool(found.rows) and found.verdict is not Verdict.ATTESTED


def _statements(found: Stated) -> list[Words]:
    """What is said of a statement; that it has no document is nothing here."""
    return found.words if found.rows else found.words[:1]


def _method(case: Case) -> Words:
    start = window_start(case.reference_date, case.policy.recency.years)
    return Words(
        zh=f"日期为近五年数据所用的证据（含最后修改），窗口 {start} 至 {case.reference_date}；自首个有数据的周期起，有数据的周期少于一半，或最新数据早于"
        f"基准日所在周期 {LATE_PERIODS} 个周期以上，即与申报的周期相矛盾。存储时间见 run.environment，不作判定。",
        en=f"Dates are those by which recent data is told, and the last modification, from {start} to {case.reference_date}. The cadence "
        "is contradicted where fewer than half of the periods have data, from the first with data on, or where there is none from the "
        f"period of the reference date and the {LATE_PERIODS} before it. Storage times are in run.environment and do not decide.",
    )


def _judged(
    case: Case, text: str | None, cadence: Cadence | None, seen: Seen
) -> tuple[Verdict, list[Words], Words | None]:
    """The declared cadence, and what the dates say of it."""
    declare = Words(
        zh="在登记中写明更新周期，如“每季度”。",
        en="Declare how often the data is updated, such as “quarterly”, in the registration.",
    )
    if not text:
        none = Words(zh="未申报更新周期。", en="No cadence of updates is declared.")
        stated = statement(case, "updates") is not None
        return (Verdict.REVIEW if stated else absent(case)), [none], declare
    said_ = Words(
        zh=f"申报的更新周期：{text[:80]}。一次检查不能证实更新。",
        en=f"Declared cadence: {text[:80]}. One check cannot prove that updates happen.",
    )
    if cadence is None and irregular(text):
        not_regular = Words(
            zh="所述并非定期更新，不符合。", en="That is no regular update: it does not conform."
        )
        return Verdict.FAIL, [said_, not_regular], declare
    if cadence is not None and irregular(text):
        both = Words(
            zh="既写明周期，又称没有定期更新，须人工判断。",
            en="It names a period and also says that there are no regular updates; a person must look.",
        )
        return Verdict.REVIEW, [said_, both], declare
    if cadence is None:
        unclear = Words(
            zh="所述未能读作周期，须人工判断。", en="It cannot be read as a period; a person must look."
        )
        return Verdict.REVIEW, [said_, unclear], declare
    look = Words(
        zh="说明更新情况，或更正更新周期。", en="Explain how the data is updated, or correct the cadence."
    )
    if not seen.items:
        none = Words(
            zh="数据中没有窗口内的日期可与之对照，须人工判断。",
            en="No date in the data lies in the window to compare it with; a person must look.",
        )
        return Verdict.REVIEW, [said_, none], look
    words = _contradictions(seen)
    return (Verdict.REVIEW if words else Verdict.ATTESTED), [said_, *words], look


def _contradictions(seen: Seen) -> list[Words]:
    words = []
    if Fraction(len(seen.items), seen.periods) < LEAST_SHARE:
        words.append(
            Words(
                zh="多数周期没有数据，与申报的周期相矛盾，须人工判断。",
                en="Most of the periods have no data, which contradicts the cadence; a person must look.",
            )
        )
    if seen.age > LATE_PERIODS:
        words.append(
            Words(
                zh=f"最新数据早于基准日所在周期 {seen.age} 个周期，与申报的周期相矛盾，须人工判断。",
                en=f"The newest data is from {seen.age} periods before that of the reference date, which contradicts the cadence; a person "
                "must look.",
            )
        )
    return words


def _facts(seen: Seen, cadence: Cadence) -> list[Words]:
    if not seen.items:
        return [
            Words(
                zh=f"窗口内没有数据的日期；未定日期 {seen.undated} 项。",
                en=f"No data is dated to the window; {seen.undated} items are undated.",
            )
        ]
    share = human(Fraction(len(seen.items), seen.periods), "ratio")
    every = _named(cadence)
    return [
        Words(
            zh=f"数据日期 {seen.first} 至 {seen.last}，按{every.zh}计 {seen.periods} 个周期中 {len(seen.items)} 个有数据（{share}）；未定日期 {seen.undated} 项。",
            en=f"The data is dated {seen.first} to {seen.last}: by {every.en}, {len(seen.items)} of {seen.periods} periods have data ({share}); "
            f"{seen.undated} items are undated.",
        )
    ]


_PERIODS = {
    "day": Words(zh="天", en="days"),
    "week": Words(zh="周", en="weeks"),
    "month": Words(zh="个月", en="months"),
    "year": Words(zh="年", en="years"),
}


def _named(cadence: Cadence) -> Words:
    words, count = _PERIODS[cadence.period], cadence.count
    if count == 1:
        return Words(zh=f"每{words.zh.removeprefix('个')}", en=words.en.removesuffix("s"))
    return Words(zh=f"每 {count} {words.zh}", en=f"{count} {words.en}")


def _seen(case: Case, cadence: Cadence) -> Seen:
    """The days of the window from which there is data, created or last modified, and how many items each has."""
    start = window_start(case.reference_date, case.policy.recency.years)
    items = dated(case.items.filter(pl.col("status") == "measured"), case.reference_date)
    day, latest = pl.col("date"), pl.col("date_latest")
    # what was created and modified on two days was there on both
    created = items.group_by(day=day).agg(items=pl.len())
    modified = items.filter(latest.ne_missing(day)).group_by(day=latest).agg(items=pl.len())
    tables = pl.collect_all(
        [created, modified, items.select((day.is_null() & latest.is_null()).sum())], engine="streaming"
    )
    days: Counter[date] = Counter()
    for table in tables[:2]:
        days.update({each: count for each, count in table.iter_rows() if each is not None and each >= start})
    periods: Counter[int] = Counter()
    for each, count in days.items():
        periods[cadence.number(each)] += count
    undated = int(tables[2].item())
    return Seen(
        periods,
        min(days, default=None),
        max(days, default=None),
        undated,
        cadence.number(case.reference_date),
    )


def _rows(seen: Seen, cadence: Cadence) -> list[Fact]:
    """A fact per period, those without data too."""
    if not seen.items:
        return []
    whole = sum(seen.items.values())
    return [
        {
            "kind": "period", "name": cadence.first_day(number).isoformat(), "items": seen.items[number],
            "share": decimal_string(Fraction(seen.items[number], whole), 6), "status": "data" if seen.items[number] else "none",
        }
        for number in range(min(seen.items), seen.newest + 1)
    ]  # fmt: skip
