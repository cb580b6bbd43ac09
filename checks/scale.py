"""8(三): the least scale of each modality (scale.*)."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil

import polars as pl

from dqv.checks.engine import (
    MODALITY_WORDS,
    Case,
    Outcome,
    Quantity,
    Result,
    amount,
    deciding_result,
    join,
    measured,
    read_all,
)
from dqv.checks.resolution import at_floor
from dqv.core.policy import Reading, Words
from dqv.core.schema import FLAG_WORDS
from dqv.core.units import FLICKS_PER_SECOND, hours, human
from dqv.core.verdicts import Verdict

_METHOD = {
    "text": Words(
        zh="逐条读取，累计每条记录全部取值的 UTF-8 字节（不含字段名）；HTML、XML 只计文字，不计标记。",
        en="Every record is read; the UTF-8 bytes of all its values are added up (field names left out); of HTML "
        "and XML the text counts, not the markup.",
    ),
    "audio": Words(
        zh="逐个解码，累计采样数 ÷ 采样率；20 毫秒窗口内的振幅（不计直流偏移）低于 −60 dBFS 者为静音。只读文件头时取其所述时长。",
        en="Every recording is decoded; samples ÷ rate are added up; windows of 20 ms whose amplitude, "
        "without a constant offset, is below −60 dBFS are silence. "
        "Where only headers are read, the duration that they state.",
    ),
    "image": Words(
        zh="逐张解码，累计编码字节；图像结尾之后的字节不计；图像之外的字节（元数据、填充）过多时亦不计。",
        en="Every image is decoded; its encoded bytes are added up; what stands behind the image's end is not, nor "
        "metadata and padding beside it where they are much.",
    ),
    "video": Words(
        zh="逐个读取全部数据包，累计画面与声音的编码样本字节；填充与其他字节不计，同一字节至多计一次。抽取若干关键帧解码。",
        en="All packets of every video are read; the bytes of its coded pictures and sound are added up, padding and "
        "all else are not, and no byte counts twice. Key frames are decoded by sample.",
    ),
}

_HOURS = {
    "decoded_hours": pl.col("duration_flicks"),
    "decoded_hours_kept": pl.col("duration_flicks").filter(~pl.col("surplus")),
    "decoded_hours_loud": pl.col("duration_flicks") - pl.col("silent_flicks").fill_null(0),
}


def scale(case: Case, modality: str) -> Outcome:
    """Compare the scale of one modality with its floor.

    Args:
        case: all of the run.
        modality: text, audio, image or video.

    Returns:
        The outcome; evidence: one row per object of text, one per item of the others.
    """
    facts = case.facts[modality]
    words = MODALITY_WORDS[modality]
    unit = case.policy.rules[f"scale.{modality}"].unit or "byte"

    def next_step(result: Result) -> Words | None:
        missing = result.limit - Fraction(result.quantity.value or 0)
        if missing <= 0:
            return None
        exact = f"{ceil(missing):,} B" if unit == "byte" else human(missing, unit)
        return Words(zh=f"还差 {exact} 的{words.zh}数据。", en=f"Missing: {exact} of {words.en}.")

    outcome = measured(
        case,
        f"scale.{modality}",
        modality,
        lambda: _measure(case, modality, case.modality(modality)),
        method=_METHOD[modality],
        next_step=next_step,
        evidence=_evidence(case, modality) if facts.items else None,
    )
    return _flagged(case, modality, outcome)


def _measure(case: Case, modality: str, items: pl.LazyFrame) -> Callable[[Reading], Quantity]:
    facts = case.facts[modality]
    bytes_ = {
        "payload_bytes": pl.col("payload_bytes"),
        "text_bytes": pl.col("text_bytes"),
        "stored_bytes": pl.col("stored_bytes"),
        "payload_bytes_kept": pl.col("payload_bytes").filter(~pl.col("surplus")),
    }
    if modality in ("image", "video"):
        bytes_["payload_bytes_at_floor"] = pl.col("payload_bytes").filter(at_floor(case, modality))
    sums = {name: each.sum().alias(name) for name, each in (bytes_ | _HOURS).items()}
    row = items.select(sums.values()).collect().row(0, named=True)

    def measure(reading: Reading) -> Quantity:
        name = reading.measure
        if name in _HOURS:
            return amount(hours(int(row[name])), facts.unread.hours)
        return amount(int(row[name]), facts.unread.payload_bytes)

    return measure


def _flagged(case: Case, modality: str, outcome: Outcome) -> Outcome:
    """Say what is flagged; where the scale is reached only with it, a person must look."""
    facts = case.facts[modality]
    if not facts.flagged or modality not in case.deciding:
        return outcome
    has_flags, rule = pl.col("flags").list.len() > 0, case.policy.rules[outcome.rule]
    flagged, others = (case.modality(modality).filter(each) for each in (has_flags, ~has_flags))
    each = flagged.explode("flags").group_by("flags").len().sort("flags").collect()
    kinds = [(FLAG_WORDS[name], count) for name, count in each.iter_rows()]
    unit = rule.unit or "byte"
    column = "duration_flicks" if unit == "hour" else "payload_bytes"
    total = int(flagged.select(pl.col(column).sum()).collect().item())
    held = human(hours(total) if unit == "hour" else total, unit)
    words = Words(
        zh=f"{facts.flagged} 项带有标记（{'、'.join(f'{name.zh} {n}' for name, n in kinds)}），共 {held}。",
        en=f"{facts.flagged} items are flagged ({', '.join(f'{name.en} {n}' for name, n in kinds)}); they hold "
        f"{held}.",
    )
    without = deciding_result(rule, read_all(rule, _measure(case, modality, others)))
    if outcome.verdict is not Verdict.PASS or without.verdict is Verdict.PASS:
        return replace(outcome, message=join([outcome.message, words]))
    looked = Words(
        zh="不计这些项则达不到规模，须人工查看（见证据文件的 flags 列）。",
        en="Without them the scale is not reached; a person must look (column flags of the evidence).",
    )
    return replace(
        outcome, verdict=Verdict.REVIEW, message=join([outcome.message, words, looked]), next_step=looked
    )


def _evidence(case: Case, modality: str) -> pl.LazyFrame:
    items = case.modality(modality)
    if modality == "text":
        return case.objects.filter(pl.col("texts") > 0).select(
            "name",
            "format",
            "encoding",
            "size_bytes",
            pl.col("texts").alias("items"),
            "payload_bytes",
            "text_bytes",
        )
    pictures = [] if modality == "audio" else ["width_px", "height_px", "frames"]
    timed = [] if modality == "image" else ["duration_s", "sample_rate_hz", "channels"]
    only = {"audio": ["silent_s"], "image": [], "video": ["frame_rate", "bytes_per_second"]}[modality]
    per_pixel = ["bytes_per_megapixel"] if pictures else []
    return (
        items.with_columns(
            duration_s=pl.col("duration_flicks") / FLICKS_PER_SECOND,
            silent_s=pl.col("silent_flicks") / FLICKS_PER_SECOND,
            flags=pl.col("flags").list.join(", "),
        )
        .select(
            "object", "name", "place", "codec", "mode", *pictures, *timed, *only, "stored_bytes", "payload_bytes", *per_pixel,
            "flags", "surplus", "decoded",
        )
    )  # fmt: skip
