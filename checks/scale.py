"""8(三): the least scale of each modality (scale.*)."""

from fractions import Fraction
from math import ceil

import polars as pl

from dqv.checks.engine import MODALITY_WORDS, NOT_MEASURED, Case, Outcome, Quantity, Result, amount, measured
from dqv.core.policy import Words
from dqv.core.units import human

_METHOD = {
    "text": Words(
        zh="逐条读取，累计每条记录全部取值的 UTF-8 字节（不含字段名）；HTML、XML 只计文字，不计标记。",
        en="Every record is read; the UTF-8 bytes of all its values are added up (field names left out); of HTML "
        "and XML the text counts, not the markup.",
    ),
}


def scale(case: Case, modality: str) -> Outcome:
    """Compare the scale of one modality with its floor.

    Args:
        case: all of the run.
        modality: text, audio, image or video.

    Returns:
        The outcome; evidence: one row per object with its items and bytes.
    """
    facts, items = case.facts[modality], case.modality(modality)
    words = MODALITY_WORDS[modality]
    unit = case.policy.rules[f"scale.{modality}"].unit or "byte"

    def measures() -> dict[str, Quantity]:
        more = facts.unread.payload_bytes
        kept = items.filter(~pl.col("surplus")).select(pl.col("payload_bytes").sum()).collect().item()
        # nothing is decoded yet, so nothing is counted
        hours = amount(0, None if facts.unread.items != 0 else 0)
        return {
            "payload_bytes": amount(facts.payload_bytes, more),
            "text_bytes": amount(facts.text_bytes, more),
            "stored_bytes": amount(facts.stored_bytes, more),
            "payload_bytes_kept": amount(int(kept), more),
            "decoded_hours": hours,
        }

    def next_step(result: Result) -> Words | None:
        missing = result.limit - Fraction(result.quantity.value or 0)
        if missing <= 0:
            return None
        exact = f"{ceil(missing):,} B" if unit == "byte" else human(missing, unit)
        return Words(zh=f"还差 {exact} 的{words.zh}数据。", en=f"Missing: {exact} of {words.en}.")

    per_object = (
        items.group_by("object")
        .agg(
            items=pl.len(), payload_bytes=pl.col("payload_bytes").sum(), text_bytes=pl.col("text_bytes").sum()
        )
        .join(case.objects.select("object", "name", "size_bytes", "format", "encoding"), on="object")
        .sort("object")
        .select("name", "format", "encoding", "size_bytes", "items", "payload_bytes", "text_bytes")
    )
    return measured(
        case,
        f"scale.{modality}",
        modality,
        measures,
        method=_METHOD.get(modality, NOT_MEASURED),
        next_step=next_step,
        evidence=per_object if facts.items else None,
    )
