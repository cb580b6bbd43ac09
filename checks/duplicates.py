"""8(三): the duplicate rate of each modality is at most 5 % (duplicates.*).

An item is surplus when it has a verified pair with an earlier item that was kept (neardup.surplus).
"""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import polars as pl

from dqv.checks.engine import NOT_MEASURED, Case, Outcome, Quantity, Result, join, measured, rate
from dqv.core.policy import Words
from dqv.core.units import human, parse_quantity
from dqv.core.verdicts import Verdict

_METHOD = Words(
    zh="文本按 5 词元切片（拉丁词为一词元，汉字等每字为一词元）的 Jaccard 相似度 ≥ 0.8 为近似重复：128 位 MinHash、21×6 分带"
    "产生候选，估计值不能断定者回到原文精确计算；按规范顺序，凡与已保留条目构成已验证对者为多余项。内容相同以 xxh3_128 判定。",
    en="Texts are near-duplicates when the Jaccard similarity of their 5-token shingles (a Latin word is one token, a "
    "Chinese character is one) is at least 0.8: MinHash with 128 slots in 21×6 bands proposes pairs, and where the "
    "estimate does not settle one it is computed exactly from the documents. In canonical order an item is surplus "
    "when it has a verified pair with an item that was kept. Equal payloads are told by xxh3_128.",
)


def duplicates(case: Case, modality: str) -> Outcome:
    """Compare the duplicate rate of one modality with its ceiling.

    Args:
        case: all of the run.
        modality: text, audio, image or video.

    Returns:
        The outcome; evidence: one row per surplus item with its original, their similarity and how the
        pair was verified.
    """
    name = f"duplicates.{modality}"
    facts, items = case.facts[modality], case.modality(modality)

    def next_step(result: Result) -> Words | None:
        numerator, denominator = int(result.quantity.numerator), result.quantity.denominator or 0
        if not denominator or numerator <= result.limit * denominator:
            return None
        remove = ceil((numerator - result.limit * denominator) / (1 - result.limit))
        return Words(
            zh=f"至少移除 {remove} 个多余项（见证据文件）。",
            en=f"Remove at least {remove} surplus items (the evidence lists them).",
        )

    outcome = measured(
        case,
        name,
        modality,
        lambda: _measures(case, modality),
        method=_METHOD if modality == "text" else NOT_MEASURED,
        next_step=next_step,
        evidence=_evidence(case, items) if facts.items else None,
    )
    return _near_alone(_little_compared(case, _long_texts(case, outcome, modality), modality))


def _measures(case: Case, modality: str) -> dict[str, Quantity]:
    facts = case.facts[modality]
    surplus = pl.col("surplus")
    original = pl.struct("original_object", "original_place")
    row = (
        case.modality(modality)
        .select(
            near=surplus.sum(),
            near_bytes=pl.col("payload_bytes").filter(surplus).sum(),
            members=surplus.sum() + original.filter(surplus).n_unique(),
            exact=pl.len() - pl.col("xxh3_128").n_unique(),
            # a text without a token has no normalised form; it is compared by its payload
            normalised=pl.len() - pl.coalesce("normalised", "xxh3_128").n_unique(),
        )
        .collect()
        .row(0, named=True)
    )
    whole = (
        case.items.filter(pl.col("status") == "measured")
        .select(pl.col("surplus").sum(), n=pl.len())
        .collect()
        .row(0)
    )
    more, unsure = facts.unread.items, case.unverified
    n = facts.items
    return {
        "near": rate(row["near"], n, more, unsure=unsure),
        "exact": rate(row["exact"], n, more),
        "normalised": rate(row["normalised"], n, more),
        "near_bytes": rate(row["near_bytes"], facts.payload_bytes, facts.unread.payload_bytes),
        "members": rate(row["members"], n, more, unsure=2 * unsure),
        "whole_set": rate(whole[0], whole[1], more, unsure=unsure),
    }


def _long_texts(case: Case, outcome: Outcome, modality: str) -> Outcome:
    """Where long texts hold more than the policy's share, a person must look.

    There the rate over paragraphs decides, which is not measured yet.
    """
    facts = case.facts[modality]
    share = parse_quantity(case.policy.long_text.share)[0]
    if modality != "text" or facts.long_bytes <= share * facts.text_bytes:
        return outcome
    if outcome.verdict not in (Verdict.PASS, Verdict.FAIL):
        return outcome
    words = Words(
        zh=f"超过 {case.policy.long_text.item} 的文本占 {human(facts.long_bytes, 'byte')}，应按段落计算重复率；此版本尚未测量段落，须人工判断。",
        en=f"Texts over {case.policy.long_text.item} hold {human(facts.long_bytes, 'byte')}: the rate over their paragraphs "
        "decides, which this version does not measure yet; a person must look.",
    )
    return replace(outcome, verdict=Verdict.REVIEW, message=join([outcome.message, words]))


def _little_compared(case: Case, outcome: Outcome, modality: str) -> Outcome:
    """A pass needs that most of the payload was compared: duplicates are told by the text fields."""
    facts, share = case.facts[modality], case.policy.share("compared_share")
    if modality != "text" or outcome.verdict is not Verdict.PASS:
        return outcome
    if facts.text_bytes >= share * facts.payload_bytes:
        return outcome
    held = human(Fraction(facts.text_bytes, facts.payload_bytes), "ratio")
    words = Words(
        zh=f"所比较的文本字段只占内容字节的 {held}，须人工查看其余字段（可用 --text-field 指定文本字段）。",
        en=f"The text fields that were compared hold only {held} of the payload; a person must look at the "
        "other fields (--text-field names another one).",
    )
    return replace(outcome, verdict=Verdict.REVIEW, message=join([outcome.message, words]))


def _near_alone(outcome: Outcome) -> Outcome:
    """The first screen says so when near-duplicates alone exceed the ceiling."""
    verdicts = {result.reading.measure: result.verdict for result in outcome.results}
    if verdicts.get("near") is not Verdict.FAIL or verdicts.get("exact") is not Verdict.PASS:
        return outcome
    notice = Words(
        zh="仅近似重复的读法超过上限；逐字节相同的重复并未超过。",
        en="Only near-duplicates exceed the ceiling; exact duplicates do not.",
    )
    return replace(outcome, notices=(*outcome.notices, notice))


def _evidence(case: Case, items: pl.LazyFrame) -> pl.LazyFrame:
    names = case.objects.select("object", "name")
    return (
        items.filter(pl.col("surplus"))
        .join(names, on="object")
        .join(names.rename({"object": "original_object", "name": "original_name"}), on="original_object")
        .sort("object", "place")
        .select("name", "place", "original_name", "original_place", "verified", "shared", "of")
    )
