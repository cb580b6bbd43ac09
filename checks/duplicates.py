"""8(三): the duplicate rate of each modality is at most 5 % (duplicates.*).

An item is surplus when it has a verified pair with an earlier item that was kept (neardup.surplus, sounds, pictures).
Of images, audio and video that is told by perception, so a surplus that rests on it alone and alone exceeds the ceiling
is for a person to look at; so is a rate that depends on items in which there is nothing to compare (flat, silent).
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil

import polars as pl

from dqv.checks.engine import (
    MODALITY_WORDS,
    Case,
    Outcome,
    Paragraphs,
    Quantity,
    Result,
    distinct,
    join,
    measured,
    rate,
)
from dqv.core.policy import NearText, Reading, Words
from dqv.core.schema import SKETCH_BANDS
from dqv.core.units import FLICKS_PER_SECOND, hours, human, parse_quantity
from dqv.core.verdicts import Verdict


def _method(near: NearText) -> Words:
    folded = Words(
        zh="，繁体字按 OpenCC 字表计为简体字" if near.simplified else "",
        en=", a traditional one as the simplified one of OpenCC's table" if near.simplified else "",
    )
    bands = "×".join(map(str, SKETCH_BANDS[near.slots]))
    return Words(
        zh=f"文本按 5 词元切片（拉丁词为一词元，汉字等每字为一词元{folded.zh}）的 Jaccard 相似度 ≥ 0.8 为近似重复："
        f"{near.slots} 槽草图（Fast Similarity Sketching，FOCS 2017）、{bands} 分带产生候选，估计值不能断定者回到原文精确计算；按规范顺序，凡与已保留条目构成已验证对者为多余项；单链读法另计经由多余项与更早条目相连的保留项。内容相同以 xxh3_128 判定。",
        en="Texts are near-duplicates when the Jaccard similarity of their 5-token shingles (a Latin word is one token, a "
        f"Chinese character is one{folded.en}) is at least 0.8: Fast Similarity Sketching (FOCS 2017) with {near.slots} slots in {bands} "
        "bands proposes pairs, and where the estimate does not settle one it is computed exactly from the documents. In "
        "canonical order an item is surplus when it has a verified pair with an item that was kept; single linkage also "
        "counts kept items that hang together with an earlier one through surplus ones. Equal payloads are told by xxh3_128.",
    )


_AUDIO = Words(
    zh="内容相同以 xxh3_128 判定（字节或解码后的采样）。近似重复：每秒 16 帧、33 个频带能量差的符号（Haitsma 与 Kalker，ISMIR 2002）"
    "产生候选；对齐后重叠不少于较长者有声帧的 80 %，且误码率与 1/不同帧数之和低于 0.2 者为近似重复。按规范顺序，凡与已保留条目构成已验证对者为多余项。",
    en="Told by xxh3_128 are equal bytes or decoded samples. Near-duplicates: signs of energy differences of 33 bands, 16 frames a "
    "second (Haitsma and Kalker, ISMIR 2002), propose pairs; two recordings are near-duplicates when, aligned, at least 80 % of the "
    "sounding frames of the longer one overlap and the share of wrong bits plus 1 / (different frames) is below 0.2. In canonical "
    "order an item is surplus when it has a verified pair with an item that was kept.",
)
_IMAGE = Words(
    zh="内容相同以 xxh3_128 判定（编码字节、去除元数据后的编码或解码后的像素）。近似重复：64 位 pHash 相差不超过 7 位者为候选（整幅、去边 2 %、灰度截至 222）；"
    "对齐（位移、缩放、色调）后比较，任何局部差异都不超过重新编码、缩放、小幅裁剪所能解释者为近似重复。候选超过 16 个时只与最接近的 16 个比较。"
    "按规范顺序，凡与已保留条目构成已验证对者为多余项。",
    en="Told by xxh3_128 are equal encoded bytes, coded pictures without metadata, or decoded pixels. Near-duplicates: 64-bit pHash (of "
    "the whole, of the picture without 2 % at its sides, and with its greys cut off at 222) at most 7 bits apart proposes pairs; two pictures are near-duplicates "
    "when, aligned (shift, scale, tone), no place differs by more than re-encoding, resizing or small crops explain. Of more than "
    "16 candidates the nearest 16 are compared. In canonical order an item is surplus when it has a verified pair with an item that was kept.",
)
_VIDEO = Words(
    zh="内容相同以 xxh3_128 判定（编码样本）。近似重复：关键画面与开头一段画面的 64 位 pHash 相差不超过 7 位者为候选（每个视频至多 8 个）；"
    "两者同一时刻的画面解码后按图像的方法对齐比较，至多 8 个时刻中至少 2 个且不少于一半通过者为近似重复，平淡画面不计。"
    "按规范顺序，凡与已保留条目构成已验证对者为多余项。",
    en="Told by xxh3_128 are equal coded samples. Near-duplicates: 64-bit pHash of key pictures and of a run from the first picture "
    "on, at most 7 bits apart, proposes pairs (at most 8 for a video); pictures of the same moments of both are decoded and "
    "compared as images are, and two videos are near-duplicates when at least 2 of up to 8 moments, and half of them, pass; flat "
    "ones are left out. In canonical order an item is surplus when it has a verified pair with an item that was kept.",
)
_METHODS = {"audio": _AUDIO, "image": _IMAGE, "video": _VIDEO}

_UNCOMPARED = (
    (pl.col("modality") != "text")
    & ~pl.col("surplus")
    & pl.col("xxh3_128").is_not_null()
    & ~pl.col("comparable").fill_null(value=False)
)
"""Of images, audio and video: what equals no other item, and has nothing by which near-duplicates are told."""


def duplicates(case: Case, modality: str) -> Outcome:
    """Compare the duplicate rate of one modality with its ceiling.

    Args:
        case: all of the run.
        modality: text, audio, image or video.

    Returns:
        The outcome; evidence: one row per surplus item with its original, their similarity and how the
        pair was verified; likewise, with `text_bytes`, for what repeats where long texts are cut into paragraphs.
    """
    name = f"duplicates.{modality}"
    facts, items = case.facts[modality], case.modality(modality)

    def next_step(result: Result) -> Words | None:
        numerator, denominator = int(result.quantity.numerator), result.quantity.denominator or 0
        if not denominator or numerator <= result.limit * denominator:
            return None
        remove = ceil((numerator - result.limit * denominator) / (1 - result.limit))
        if result.reading.measure == "paragraphs":
            return Words(
                zh=f"至少移除 {remove} 字节的重复段落或文本（见证据文件）。",
                en=f"Remove at least {remove} bytes of repeated paragraphs or texts (the evidence lists them).",
            )
        return Words(
            zh=f"至少移除 {remove} 个多余项（见证据文件）。",
            en=f"Remove at least {remove} surplus items (the evidence lists them).",
        )

    outcome = measured(
        _paragraphs_decide(case) if modality == "text" else case,
        name,
        modality,
        lambda: _measure(case, modality),
        method=_method(case.policy.near_text) if modality == "text" else _METHODS[modality],
        next_step=next_step,
        evidence=_evidence(case, items, case.paragraphs if modality == "text" else None)
        if facts.items
        else None,
    )
    if modality == "text":
        outcome = _retold(case, _little_compared(case, _say_so(case, outcome)))
    elif modality in case.deciding:
        outcome = _perceived(case, modality, _uncompared(case, modality, outcome))
    return _self_tested(case, modality, _near_alone(modality, outcome))


def _self_tested(case: Case, modality: str, outcome: Outcome) -> Outcome:
    """Nothing can be said where planted duplicates were not found."""
    found, planted = case.planted.get(modality, (0, 0))
    if found == planted or outcome.verdict is Verdict.NOT_APPLICABLE:
        return outcome
    words = Words(
        zh=f"自检：预置的 {planted} 个重复项只找到 {found} 个，本次运行不能作为依据。",
        en=f"Self-test: of {planted} planted duplicates {found} were found; this run proves nothing.",
    )
    return replace(outcome, verdict=Verdict.INDETERMINATE, message=join([words, outcome.message]))


def _retold(case: Case, outcome: Outcome) -> Outcome:
    """A person must look where datasketch finds other similarities."""
    count = case.disagreements.get("pairs", 0)
    if not count or outcome.verdict not in (Verdict.PASS, Verdict.FAIL):
        return outcome
    words = Words(
        zh=f"独立核验（datasketch）对 {count} 对文本的相似度有不同结果，须人工查看。",
        en=f"An independent witness (datasketch) finds another similarity of {count} pairs; a person must look.",
    )
    return replace(outcome, verdict=Verdict.REVIEW, message=join([outcome.message, words]))


def _measure(case: Case, modality: str) -> Callable[[Reading], Quantity]:
    facts = case.facts[modality]
    surplus = pl.col("surplus")
    weight = pl.col("duration_flicks" if modality == "audio" else "payload_bytes")
    items = case.modality(modality)
    row = (
        items.select(
            near=surplus.sum(),
            near_text=pl.col("text_bytes").filter(surplus).sum(),
            linked=pl.col("linked").sum(),
            turned=pl.col("turned").sum(),
            perhaps=(~pl.col("linked")).sum(),
            near_weight=weight.filter(surplus).sum(),
            hashed=pl.col("xxh3_128").count(),
            unhashed=pl.col("xxh3_128").null_count(),
            uncompared=_UNCOMPARED.sum(),
            uncompared_weight=weight.filter(_UNCOMPARED).sum(),
            kept_weight=weight.filter(~surplus).sum(),
        )
        .collect()
        .row(0, named=True)
    )
    n, more = facts.items, facts.unread.items
    exact = row["hashed"] - distinct(items, pl.col("xxh3_128"), n)
    # a text without a token has no normalised form; it is compared by its payload
    normalised = row["hashed"] - distinct(items, pl.coalesce("normalised", "xxh3_128"), n)
    originals = pl.struct("original_object", "original_place")
    members = row["near"] + distinct(items.filter(surplus), originals, row["near"])
    # what was not hashed may equal anything, what could not be compared resemble anything; one is always kept
    unsure = case.unverified[modality] + row["unhashed"]
    crowded = case.crowded[modality]
    doubtful = min(row["uncompared"] + crowded, max(0, n - row["near"] - row["unhashed"] - 1))
    # which items are crowded is not told: the kept ones may weigh anything
    weight_doubtful = 0 if not doubtful else row["kept_weight"] if crowded else row["uncompared_weight"]
    near: dict[str, Callable[[], Quantity]] = {
        "near": lambda: rate(row["near"], n, more, unsure=unsure, doubtful=doubtful),
        "exact": lambda: rate(exact, n, more, unsure=row["unhashed"]),
        "normalised": lambda: rate(normalised, n, more, unsure=row["unhashed"]),
        "near_bytes": lambda: _by_weight(case, modality, row["near_weight"], weight_doubtful),
        "members": lambda: rate(
            members, n, more, unsure=2 * unsure, doubtful=max(0, n - members) if doubtful else 0
        ),
        "single_linkage": lambda: rate(
            row["near"] + row["linked"],
            n,
            more,
            unsure=unsure + row["perhaps"],
        ),
        "turned": lambda: rate(row["near"] + row["turned"], n, more, unsure=unsure, doubtful=doubtful),
        "whole_set": lambda: _whole_set(case, more),
        "paragraphs": lambda: _by_paragraphs(case, row["near_text"]),
    }
    return lambda reading: near[reading.measure]()


def _by_weight(case: Case, modality: str, surplus: int, doubtful: int) -> Quantity:
    facts = case.facts[modality]
    if modality == "audio":
        return rate(
            hours(surplus), hours(facts.duration_flicks), facts.unread.hours, doubtful=hours(doubtful)
        )
    return rate(surplus, facts.payload_bytes, facts.unread.payload_bytes, doubtful=doubtful)


def _by_paragraphs(case: Case, surplus: int) -> Quantity:
    facts, found = case.facts["text"], case.paragraphs
    whole, unverified = facts.text_bytes, case.unverified["text"]
    if found is not None:
        surplus = int(found.repeated.select(pl.col("text_bytes").sum()).collect().item())
        whole, unverified = found.text_bytes, found.unverified
    # how long the paragraphs of unverified pairs are is not known
    return rate(surplus, whole, facts.unread.payload_bytes, unsure=whole - surplus if unverified else 0)


def _whole_set(case: Case, more: int | None) -> Quantity:
    row = (
        case.items.filter(pl.col("status") == "measured")
        .select(
            n=pl.len(),
            surplus=pl.col("surplus").sum(),
            unhashed=pl.col("xxh3_128").null_count(),
            uncompared=_UNCOMPARED.sum(),
        )
        .collect()
        .row(0, named=True)
    )
    unsure = sum(case.unverified.values()) + row["unhashed"]
    doubtful = min(row["uncompared"], max(0, row["n"] - row["surplus"] - row["unhashed"] - 1))
    return rate(row["surplus"], row["n"], more, unsure=unsure, doubtful=doubtful)


def _uncompared(case: Case, modality: str, outcome: Outcome) -> Outcome:
    """Say how many items had nothing to compare, or were not compared with all, where a rate below the ceiling is for review."""
    count = case.modality(modality).select(_UNCOMPARED.sum()).collect().item()
    crowded = case.crowded[modality]
    if outcome.verdict is not Verdict.REVIEW or not count + crowded:
        return outcome
    nothing = Words(
        zh=f"其中 {count} 项没有可供比较的内容（如空白画面、静音），只查找了与之相同的条目，所得为下限。",
        en=f"{count} of the items hold nothing to compare (such as flat pictures or silence): of them only equal ones "
        "were looked for, so the rate is a lower bound.",
    )
    some = Words(
        zh=f"其中 {crowded} 项与许多条目相近（如固定机位），只与最可能者比较，所得为下限。",
        en=f"{crowded} of the items resemble many others (as those of a fixed camera do) and were compared with the likeliest "
        "of them alone, so the rate is a lower bound.",
    )
    said = [words for number, words in ((count, nothing), (crowded, some)) if number]
    step = Words(zh="请人工抽查这些条目的近似重复。", en="Have a person look for near-duplicates among them.")
    return replace(outcome, message=join([outcome.message, *said]), next_step=outcome.next_step or step)


def _perceived(case: Case, modality: str, outcome: Outcome) -> Outcome:
    """A surplus that rests on perception alone and alone exceeds the ceiling is for review, unless the equal ones exceed it too."""
    near = next((each for each in outcome.results if each.reading.measure == "near"), None)
    if outcome.verdict is not Verdict.FAIL or near is None or not near.quantity.denominator:
        return outcome
    perceived, told = (
        case.modality(modality)
        .filter(pl.col("surplus"))
        .select(
            (pl.col("verified") == "aligned").sum(), (pl.col("verified") != "aligned").sum().alias("told")
        )
        .collect()
        .row(0)
    )
    most = near.limit * near.quantity.denominator
    if perceived <= most or told > most:
        return outcome
    words = Words(
        zh=f"其中 {perceived} 个多余项仅凭感知比对认定，且仅此即超过上限：须人工查看证据文件中的各对。",
        en=f"{perceived} of the surplus items rest on a comparison of what is seen or heard, and alone exceed the ceiling: "
        "a person must look at the pairs in the evidence.",
    )
    return replace(outcome, verdict=Verdict.REVIEW, message=join([outcome.message, words]))


def _paragraphs_decide(case: Case) -> Case:
    """Where long texts hold more than the policy's share, the rate over paragraphs decides."""
    facts, name = case.facts["text"], "duplicates.text"
    rule = case.policy.rules[name]
    volume = next((each.name for each in rule.readings if each.measure == "paragraphs"), None)
    if (
        volume is None
        or facts.long_bytes <= parse_quantity(case.policy.long_text.share)[0] * facts.text_bytes
    ):
        return case
    rules = {**case.policy.rules, name: rule.model_copy(update={"deciding": volume})}
    return replace(case, policy=case.policy.model_copy(update={"rules": rules}))


def _say_so(case: Case, outcome: Outcome) -> Outcome:
    """The message names why another reading than the policy's decides."""
    if outcome.deciding in (None, case.policy.rules[outcome.rule].deciding):
        return outcome
    long = human(case.facts["text"].long_bytes, "byte")
    words = Words(
        zh=f"超过 {case.policy.long_text.item} 的文本占 {long}，故按段落字节计算的重复率判定。",
        en=f"Texts over {case.policy.long_text.item} hold {long}: the rate over their paragraphs, by volume, decides.",
    )
    return replace(outcome, message=join([outcome.message, words]))


def _little_compared(case: Case, outcome: Outcome) -> Outcome:
    """A pass needs that most of the payload was compared: duplicates are told by the text fields."""
    facts, share = case.facts["text"], case.policy.share("compared_share")
    if outcome.verdict is not Verdict.PASS or facts.text_bytes >= share * facts.payload_bytes:
        return outcome
    held = human(Fraction(facts.text_bytes, facts.payload_bytes), "ratio")
    words = Words(
        zh=f"所比较的文本字段只占内容字节的 {held}，须人工查看其余字段（可用 --text-field 指定文本字段）。",
        en=f"The text fields that were compared hold only {held} of the payload; a person must look at the "
        "other fields (--text-field names another one).",
    )
    return replace(outcome, verdict=Verdict.REVIEW, message=join([outcome.message, words]))


def _near_alone(modality: str, outcome: Outcome) -> Outcome:
    """The first screen says so when near-duplicates alone exceed the ceiling."""
    verdicts = {result.reading.measure: result.verdict for result in outcome.results}
    if verdicts.get("near") is not Verdict.FAIL or verdicts.get("exact") is not Verdict.PASS:
        return outcome
    words = MODALITY_WORDS[modality]
    notice = Words(
        zh=f"{words.zh}：仅近似重复的读法超过上限；逐字节相同的重复并未超过。",
        en=f"{words.en.capitalize()}: only near-duplicates exceed the ceiling; exact duplicates do not.",
    )
    return replace(outcome, notices=(*outcome.notices, notice))


_PARTS = (pl.col("shared") * 10_000 // pl.col("of")).cast(pl.String).str.zfill(5)
_SIMILARITY = (
    pl.when(pl.col("of").is_null())
    .then(pl.lit("1.0000"))
    .otherwise(pl.concat_str(_PARTS.str.head(-4), pl.lit("."), _PARTS.str.tail(4)))
    .alias("similarity")
)
"""What both have, of all that was compared, rounded down to four digits; equal items have all."""


def _evidence(case: Case, items: pl.LazyFrame, paragraphs: Paragraphs | None) -> pl.LazyFrame:
    """The surplus items; and behind them, as a population of its own, paragraphs and short texts that repeat another."""
    columns: list[str | pl.Expr] = [
        "object",
        "name",
        "place",
        "original_object",  # shown by its name, too
        "original_place",
        _SIMILARITY,
        "verified",
        "shared",
        "of",
    ]
    length = (pl.col("duration_flicks") / FLICKS_PER_SECOND).alias("duration_s")
    found = items.filter(pl.col("surplus")).select(*columns, "detail", "payload_bytes", length)
    if paragraphs is None:
        return found
    names = case.objects.select("object", "name").set_sorted("object")
    parts = paragraphs.repeated.set_sorted("object")
    parts = parts.join(names, on="object", how="left", maintain_order="left")
    return pl.concat([found, parts.select(*columns, "part", "original_part", "text_bytes")], how="diagonal")
