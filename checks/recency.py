"""8(四): at least half of the data is from the last five years (recency).

Evidence for a date, strongest first: a field of the record, sidecar metadata, embedded, the name of the
file. Storage time is weak and never decides.
"""

from datetime import date
from fractions import Fraction

import polars as pl

from dqv.checks.engine import (
    DEPENDS,
    MODALITY_WORDS,
    Case,
    Outcome,
    Quantity,
    Result,
    deciding_result,
    defective_share,
    depends_on_reading,
    join,
    rate,
    read_all,
)
from dqv.core.policy import Words
from dqv.core.units import human
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
    strongest = pl.coalesce(*found)
    holds = (strongest <= reference) & ~pl.col("date_refused").fill_null(value=False)
    source = pl.coalesce(*(pl.when(pl.col(name).is_not_null()).then(pl.lit(name[5:])) for name in _SOURCES))
    changed = pl.max_horizontal(
        *(
            pl.when(pl.col(name) <= reference).then(pl.col(name))
            for name in ("date_modified", "date_sidecar_modified")
        )
    )
    stronger_than_name = pl.coalesce("date_record", "date_sidecar", "date_embedded").is_not_null()
    day = pl.when(holds).then(strongest)
    return items.with_columns(
        date=day,
        date_source=pl.when(holds).then(source),
        date_contradicted=pl.min_horizontal(*found) != pl.max_horizontal(*found),
        date_latest=pl.max_horizontal(day, changed),
        date_without_name=pl.when(stronger_than_name).then(day),
    )


def recency(case: Case) -> Outcome:
    """The share of recent data in each deciding modality; the worst decides."""
    rule = case.policy.rules["recency"]
    reference, years = case.reference_date, case.policy.recency.years
    start = window_start(reference, years)
    method = Words(
        zh=f"窗口 {start} 至 {reference}（含首尾）。日期证据由强到弱：记录字段、附带元数据、内嵌、文件名；存储时间不作判定。"
        "只有年或月者取其首日。已定日期的近年数据 ÷ 全部 ≥ 阈值为符合；连同未定日期者仍不足为不符合；其余须人工判断。",
        en=f"The window runs from {start} to {reference}, both included. Evidence for a date, strongest first: a field of "
        "the record, sidecar metadata, embedded, the file's name; storage time does not decide. A year or month alone "
        "counts as its first day. It conforms when dated recent data reach the threshold, fails when they do not even "
        "together with the undated, else a person must look.",
    )
    if not case.deciding:
        return Outcome(
            "recency", Verdict.INDETERMINATE, method=method, limit=rule.limit(),
            message=Words(zh="没有可判定的模态。", en="There is no modality to decide on."),
        )  # fmt: skip
    outcomes = [
        (modality, read_all(rule, _measures(case, modality, start, reference))) for modality in case.deciding
    ]

    def badness(outcome: tuple[str, tuple[Result, ...]]) -> tuple[int, Fraction]:
        found = deciding_result(rule, outcome[1])
        return _ORDER.index(found.verdict), found.quantity.value or Fraction(0)

    modality, results = min(outcomes, key=badness)
    result = deciding_result(rule, results)
    undated, contradicted, refused = _counts(case, modality)
    verdict = result.verdict
    facts = case.facts[modality]
    sentences = [_sentence(result, modality, undated)]
    if contradicted or refused:
        sentences.append(
            Words(
                zh=f"日期互相矛盾 {contradicted} 项，日期不成立 {refused} 项。",
                en=f"{contradicted} items have dates that contradict each other, {refused} have a date that cannot be one.",
            )
        )
    if verdict is Verdict.PASS and defective_share(facts) > case.policy.share("defective_share"):
        verdict = Verdict.REVIEW
        sentences.append(
            Words(zh="缺陷条目过多，须人工判断。", en="Too many items are defective; a person must look.")
        )
    depends = depends_on_reading(results)
    if depends:
        sentences.append(DEPENDS)
    words = MODALITY_WORDS[modality]
    return Outcome(
        "recency",
        verdict,
        message=join(sentences),
        method=method,
        next_step=None
        if verdict is Verdict.PASS
        else Words(
            zh="为未定日期的数据补充日期（如 original_time 字段），或增加近五年的数据。",
            en="Give the undated data a date (such as a field original_time), or add data of the last five years.",
        ),
        population=Words(
            zh=f"全部可读的{words.zh}条目（最差模态）",
            en=f"all items of {words.en} that could be read (the worst modality)",
        ),
        measured=result.quantity.value,
        numerator=result.quantity.numerator,
        denominator=result.quantity.denominator,
        limit=result.limit,
        results=results,
        depends_on_reading=depends,
        evidence=_evidence(case, start),
    )


def _measures(case: Case, modality: str, start: date, reference: date) -> dict[str, Quantity]:
    facts = case.facts[modality]
    weight = pl.col("payload_bytes")  # bytes are the unit of scale of every modality measured so far

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
    return {
        name: rate(
            int(row[f"{name}.0"]),
            facts.items if name == "items_days" else facts.payload_bytes,
            facts.unread.items if name == "items_days" else facts.unread.payload_bytes,
            doubtful=int(row[f"{name}.1"]),
        )
        for name in queries
    }


def _counts(case: Case, modality: str) -> tuple[int, int, int]:
    frame = dated(case.modality(modality), case.reference_date)
    beyond = pl.any_horizontal(*((pl.col(name) > case.reference_date).fill_null(False) for name in _SOURCES))
    row = frame.select(
        pl.col("date").is_null().sum(),
        contradicted=pl.col("date_contradicted").fill_null(False).sum(),
        refused=(pl.col("date_refused").fill_null(False) | beyond).sum(),
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
        .join(case.objects.select("object", "name"), on="object")
        .sort("object", "place")
        .select("name", "place", "modality", "date", "date_source", "date_contradicted", "payload_bytes")
    )
