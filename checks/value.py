"""8(五): a high density of value, worth spreading (value): the facts an expert wants."""

from fractions import Fraction

import polars as pl

from dqv.checks.attestations import GIVE_DOCUMENTS, Fact, evidence, judge_statement, said
from dqv.checks.diversity import Spread, facts
from dqv.checks.engine import MODALITY_WORDS, Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.schema import MODALITIES
from dqv.core.units import decimal_string, hours, human
from dqv.core.verdicts import Verdict

_WHY = Words(
    zh="价值密度、模型效果与推广价值由专家判断。",
    en="Density of value, effect on models and worth are for experts to judge.",
)
_METHOD = Words(
    zh="供专家参考的事实：去除重复之后的规模；语言、来源、标签的取值数、最常见者占比与均匀度（归一化香农熵）；说明所附的证明文件（如评测结果）。",
    en="Facts for experts: scale after removing duplicates; of languages, sources and labels how many different values, the share of "
    "the most frequent and evenness (normalised Shannon entropy); the documents of the statement, such as results of benchmarks.",
)

KINDS = {
    "language": Words(zh="语言", en="languages"),
    "source": Words(zh="来源", en="sources"),
    "labels": Words(zh="标签", en="labels"),
}
"""What the diversity of a dataset is told by: columns of its descriptions."""


def value(case: Case) -> Outcome:
    """8(五) 较高的价值密度、较强推广价值: attested with documents that are there, else for review; the facts beside it."""
    found = judge_statement(case, "value")
    spreads = {kind: case.spreads[kind] for kind in KINDS}
    kept = kept_scale(case)
    words = [_WHY, *(found.words or [Words(zh="登记中没有相应说明。", en="There is no statement on it.")])]
    words += [_scale(row) for row in kept]
    words += [_diversity(kind, each) for kind, each in spreads.items()]
    rows = [
        *found.rows,
        *kept,
        *(row for kind, each in spreads.items() if each.items for row in facts(kind, each)),
    ]
    return Outcome(
        "value", found.verdict, method=join([said(case), _METHOD]), message=join(words), evidence=evidence(rows),
        next_step=None if found.verdict is Verdict.ATTESTED else GIVE_DOCUMENTS,
    )  # fmt: skip


def kept_scale(case: Case) -> list[Fact]:
    """Of each modality that is there, what is left of it without its near-duplicates.

    `measured` is bytes, of audio hours; `declared` the same before; `items` what is kept; `share` of all items.
    """
    kept = ~pl.col("surplus")
    table = (
        case.items.filter(pl.col("status") == "measured")
        .group_by("modality")
        .agg(
            items=kept.sum(),
            payload_bytes=pl.col("payload_bytes").filter(kept).sum(),
            duration_flicks=pl.col("duration_flicks").cast(pl.Int128).filter(kept).sum(),
        )
        .collect(engine="streaming")
    )
    rows = {row["modality"]: row for row in table.iter_rows(named=True)}
    found: list[Fact] = []
    for modality in MODALITIES:
        facts_, row = case.facts[modality], rows.get(modality)
        if row is None or not facts_.items:
            continue
        timed = modality == "audio"
        before = hours(facts_.duration_flicks) if timed else Fraction(facts_.payload_bytes)
        after = hours(int(row["duration_flicks"])) if timed else Fraction(row["payload_bytes"])
        found.append({
            "kind": "scale-after-duplicates", "name": modality, "measured": decimal_string(after, 12),
            "difference": decimal_string(before - after, 12), "items": int(row["items"]),
            "share": decimal_string(Fraction(int(row["items"]), facts_.items), 6),
        })  # fmt: skip
    return found


def _scale(row: Fact) -> Words:
    words, unit = MODALITY_WORDS[row["name"]], "hour" if row["name"] == "audio" else "byte"
    size, share = human(Fraction(row["measured"]), unit), human(Fraction(row["share"]), "ratio")
    return Words(
        zh=f"{words.zh}去除重复之后 {row['items']} 项（{share}）、{size}。",
        en=f"{words.en.capitalize()} without duplicates: {row['items']} items ({share}), {size}.",
    )


def _diversity(kind: str, found: Spread) -> Words:
    words = KINDS[kind]
    if not found.items:
        return Words(zh=f"数据未说明{words.zh}。", en=f"The data does not tell its {words.en}.")
    top = human(found.top_share, "ratio")
    even = found.evenness
    return Words(
        zh=f"{words.zh} {found.different} 种，最常见者占 {top}{f'，均匀度 {even}' if even else ''}。",
        en=f"{found.different} {words.en}, the most frequent {top}{f', evenness {even}' if even else ''}.",
    )
