"""8(四): at least half of the data is from the last five years (recency).

Evidence for a date, strongest first: a field of the record, sidecar metadata, embedded (EXIF, container, tags), the
name of the file. The storage time is the weakest of all: it would change with every copy, so it never counts.
"""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import NamedTuple

import polars as pl

from dqv.checks.engine import (
    DEPENDS,
    MODALITY_WORDS,
    Case,
    Outcome,
    Quantity,
    Result,
    deciding_result,
    depends_on_reading,
    doubt,
    join,
    rate,
    read_all,
)
from dqv.core.policy import Reading, Words
from dqv.core.units import FLICKS_PER_SECOND, hours, human
from dqv.core.verdicts import Verdict

_SOURCES = ("date_record", "date_sidecar", "date_embedded", "date_name")
_ORDER = (Verdict.FAIL, Verdict.INDETERMINATE, Verdict.REVIEW, Verdict.PASS)


def window_start(reference: date, years: int) -> date:
    """The first day of the window: the same day that many years before (29 February becomes 1 March)."""
    try:
        return reference.replace(year=reference.year - years)
    except ValueError:
        return date(reference.year - years, 3, 1)


def dated(items: pl.LazyFrame, reference: date) -> pl.LazyFrame:
    """Add what the sources of a date come to.

    Args:
        items: measured items with `date_*` columns.
        reference: last day of the window; a date after it is no evidence.

    Returns:
        The items with `date` and `date_source` (the strongest source that says something decides; when
        that cannot be a date, or lies after the reference date, the item is undated: no weaker source
        mends it), `date_contradicted` (two sources differ), `date_latest` (created or last modified) and
        `date_without_name` (null where only the file's name gives one).
    """
    found = [pl.col(name) for name in _SOURCES]
    said = [pl.col(name).is_not_null() | _refused(name) for name in _SOURCES]
    # one chain: the first source that says something decides, be it that it says nonsense
    strongest = pl.coalesce(*(pl.when(each).then(pl.lit(n)) for n, each in enumerate(said)))
    chosen = pl.coalesce(*(pl.when(strongest == n).then(each) for n, each in enumerate(found)))
    refused = pl.coalesce(*(pl.when(strongest == n).then(_refused(name)) for n, name in enumerate(_SOURCES)))
    holds = (chosen <= reference) & ~refused
    source = pl.coalesce(*(pl.when(strongest == n).then(pl.lit(name[5:])) for n, name in enumerate(_SOURCES)))
    changed = pl.max_horizontal(
        *(
            pl.when(pl.col(name) <= reference).then(pl.col(name))
            for name in ("date_modified", "date_sidecar_modified")
        )
    )
    stronger_than_name = pl.coalesce("date_record", "date_sidecar", "date_embedded").is_not_null()
    day = pl.when(holds).then(chosen)
    return items.with_columns(
        date=day,
        date_source=pl.when(holds).then(source),
        date_contradicted=pl.min_horizontal(*found) != pl.max_horizontal(*found),
        date_latest=pl.max_horizontal(day, changed),
        date_without_name=pl.when(stronger_than_name).then(day),
    )


def _refused(source: str) -> pl.Expr:
    """Whether something stood in that source that cannot be a date."""
    name = {"date_record": "date_refused", "date_embedded": "embedded_refused"}.get(source)
    return pl.lit(value=False) if name is None else pl.col(name).fill_null(value=False)


def recency(case: Case) -> Outcome:
    """The share of recent data in each deciding modality; the worst decides."""
    rule = case.policy.rules["recency"]
    reference, years = case.reference_date, case.policy.recency.years
    start = window_start(reference, years)
    method = Words(
        zh=f"窗口 {start} 至 {reference}（含首尾）。日期证据由强到弱：记录字段、附带元数据、内嵌（EXIF、容器、标签）、文件名；存储时间不作判定。"
        "只有年或月者取其首日。已定日期的近年数据 ÷ 全部 ≥ 阈值为符合；连同未定日期者仍不足为不符合；其余须人工判断。",
        en=f"The window runs from {start} to {reference}, both included. Evidence for a date, strongest first: a field of "
        "the record, sidecar metadata, embedded (EXIF, container, tags), the file's name; storage time does not decide. A year or month alone "
        "counts as its first day. It conforms when dated recent data reach the threshold, fails when they do not even "
        "together with the undated, else a person must look.",
    )
    if not case.deciding:
        return Outcome(
            "recency", Verdict.INDETERMINATE, method=method, limit=rule.limit(),
            message=Words(zh="没有可判定的模态。", en="There is no modality to decide on."),
        )  # fmt: skip
    found = [_judged(case, modality, start) for modality in case.deciding]
    found.sort(key=lambda each: (_ORDER.index(each.verdict), each.result.quantity.value or Fraction(0)))
    modality, verdict, result, results, _ = found[0]  # the worst; of equals the first
    sentences = [sentence for each in found for sentence in each.sentences]
    depends = depends_on_reading(results)
    if depends:
        sentences.append(DEPENDS)
    words = MODALITY_WORDS[modality]
    by = Words(zh="小时", en="hours") if modality == "audio" else Words(zh="字节", en="bytes")
    return Outcome(
        "recency",
        verdict,
        message=join(sentences),
        method=method,
        next_step=None
        if verdict is Verdict.PASS
        else Words(
            zh="为未定日期的数据补充日期（文本：original_time 等字段；图像、音频、视频：EXIF、标签、附带元数据或文件名中的日期），"
            "或增加近五年的数据。",
            en="Give the undated data a date (of text a field such as original_time; of images, audio and video EXIF, "
            "tags, sidecar metadata or a date in the file's name), or add data of the last five years.",
        ),
        population=Words(
            zh=f"全部可读的{words.zh}条目，按{by.zh}计（最差模态）",
            en=f"all items of {words.en} that could be read, by {by.en} (the worst modality)",
        ),
        measured=result.quantity.value,
        numerator=result.quantity.numerator,
        denominator=result.quantity.denominator,
        limit=result.limit,
        results=results,
        depends_on_reading=depends,
        evidence=_evidence(case, start),
    )


class _Judged(NamedTuple):
    """One modality's share, judged."""

    modality: str
    verdict: Verdict
    result: Result
    results: tuple[Result, ...]
    sentences: list[Words]


def _judged(case: Case, modality: str, start: date) -> _Judged:
    rule = case.policy.rules["recency"]
    results = read_all(rule, _measure(case, modality, start, case.reference_date))
    result = deciding_result(rule, results)
    verdict, doubts = doubt(case, modality, result.verdict)
    undated, contradicted, refused = _counts(case, modality)
    sentences = [_sentence(result, modality, undated)]
    if contradicted or refused:
        sentences.append(
            Words(
                zh=f"日期互相矛盾 {contradicted} 项，日期不成立 {refused} 项。",
                en=f"{contradicted} items have dates that contradict each other, {refused} have a date that cannot be one.",
            )
        )
    return _Judged(modality, verdict, result, results, sentences + doubts)


def _measure(case: Case, modality: str, start: date, reference: date) -> Callable[[Reading], Quantity]:
    facts, timed = case.facts[modality], modality == "audio"
    weight = pl.col("duration_flicks" if timed else "payload_bytes")

    def share(recent: pl.Expr, known: pl.Expr, by: pl.Expr) -> list[pl.Expr]:
        return [by.filter(recent.fill_null(False)).sum(), by.filter(~known).sum()]

    day, latest, no_name = pl.col("date"), pl.col("date_latest"), pl.col("date_without_name")
    first_year = date(reference.year - case.policy.recency.years + 1, 1, 1)
    one = pl.col("single").cast(pl.Int64)  # every measured row is one item
    queries = {
        "scale_days": share(day >= start, day.is_not_null(), weight),
        "items_days": share(day >= start, day.is_not_null(), one),
        "scale_years": share(day >= first_year, day.is_not_null(), weight),
        "scale_modified": share(latest >= start, latest.is_not_null(), weight),
        "scale_without_names": share(no_name >= start, no_name.is_not_null(), weight),
    }
    flat = [
        expression.alias(f"{name}.{i}") for name, pair in queries.items() for i, expression in enumerate(pair)
    ]
    row = dated(case.modality(modality), reference).select(flat).collect().row(0, named=True)

    def measure(reading: Reading) -> Quantity:
        name = reading.measure
        recent, undated = int(row[f"{name}.0"]), int(row[f"{name}.1"])
        if name == "items_days":
            return rate(recent, facts.items, facts.unread.items, doubtful=undated)
        if timed:
            whole = hours(facts.duration_flicks)
            return rate(hours(recent), whole, facts.unread.hours, doubtful=hours(undated))
        return rate(recent, facts.payload_bytes, facts.unread.payload_bytes, doubtful=undated)

    return measure


def _counts(case: Case, modality: str) -> tuple[int, int, int]:
    frame = dated(case.modality(modality), case.reference_date)
    beyond = pl.any_horizontal(*((pl.col(name) > case.reference_date).fill_null(False) for name in _SOURCES))
    row = frame.select(
        pl.col("date").is_null().sum(),
        contradicted=pl.col("date_contradicted").fill_null(False).sum(),
        refused=(pl.any_horizontal(*map(_refused, _SOURCES)) | beyond).sum(),
    ).collect()
    undated, contradicted, refused = row.row(0)
    return int(undated), int(contradicted), int(refused)


def _sentence(result: Result, modality: str, undated: int) -> Words:
    words = MODALITY_WORDS[modality]
    value = result.quantity.value
    if value is None:
        return Words(
            zh=f"{words.zh}没有可测的条目，无法确定。",
            en=f"There is no item of {words.en} to measure: it cannot be determined.",
        )
    high = result.quantity.scenarios[0][1]
    return Words(
        zh=f"{words.zh}：近五年且有日期者占 {human(value, 'ratio')}，连同未定日期者至多 {human(high, 'ratio')}（未定日期 {undated} 项），要求 ≥ {human(result.limit, 'ratio')}。",
        en=f"{words.en.capitalize()}: dated to the last five years {human(value, 'ratio')}, with the undated at most "
        f"{human(high, 'ratio')} ({undated} items undated), required ≥ {human(result.limit, 'ratio')}.",
    )


def _evidence(case: Case, start: date) -> pl.LazyFrame:
    """The items that do not count as recent."""
    items = dated(case.items.filter(pl.col("status") == "measured"), case.reference_date)
    return (
        items.filter((pl.col("date") >= start).fill_null(False).not_())
        .with_columns(duration_s=pl.col("duration_flicks") / FLICKS_PER_SECOND)
        .select(
            "object",
            "name",
            "place",
            "modality",
            "date",
            "date_source",
            "date_contradicted",
            "payload_bytes",
            "duration_s",
        )
    )
