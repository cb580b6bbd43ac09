"""What every check shares: applicability, unread items, readings, verdicts and findings, once.

A check is either *measured* (numbers that a threshold decides, in several readings) or *judged* (evidence
that is there or not, and that a person weighs). Checks are pure queries over the rows of the run; they
import neither Dask nor storage nor decoders.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property

import polars as pl

from dqv.checks.diversity import Spread, spread
from dqv.core.barred import Barred
from dqv.core.licences import Named
from dqv.core.policy import Policy, Reading, Rule, Words
from dqv.core.registration import Attached, Registration
from dqv.core.schema import MODALITIES
from dqv.core.units import FLICKS_PER_SECOND, decimal_string, hours, human
from dqv.core.verdicts import Verdict

Number = Fraction | int


@dataclass(frozen=True)
class Unread:
    """What could not be read, as it might count.

    Attributes:
        items: the most items it could hold; None: no bound.
        payload_bytes: the most payload; None: no bound.
        flicks: the longest sound or video; None: no bound.
    """

    items: int | None
    payload_bytes: int | None
    flicks: int | None = 0

    @property
    def hours(self) -> Fraction | None:
        """The longest sound or video in hours; None: no bound."""
        return None if self.flicks is None else hours(self.flicks)


@dataclass(frozen=True)
class ModalityFacts:
    """One modality in numbers; bytes are integers.

    Attributes:
        defective: rows of this modality that do not decode.
        defective_whole_bytes: stored bytes of the objects among them that may hold any number of items.
        unread_rows: rows of this modality that could not be read.
        unread_anywhere: rows that could be of any modality, and could not be read.
        unread: both, as they might count.
        duration_flicks: of sound and video, 1/705,600,000 s.
        undecoded: measured items of which only headers were read.
        flagged: measured items with a flag (`measure.media.FLAGS`).
    """

    items: int
    objects: int
    payload_bytes: int
    text_bytes: int
    stored_bytes: int
    tokens: int
    defective: int
    defective_whole_bytes: int
    unread_rows: int
    unread_stored_bytes: int
    unread_anywhere: int
    unread: Unread
    long_bytes: int
    duration_flicks: int = 0
    silent_flicks: int = 0
    undecoded: int = 0
    flagged: int = 0

    @property
    def weight_bytes(self) -> int:
        """What the modality weighs in the dataset: its payload, and what was not read as it is stored."""
        return self.payload_bytes + self.unread_stored_bytes


@dataclass(frozen=True)
class Paragraphs:
    """The paragraphs of long texts, and the texts that are not long, as one population by bytes.

    Attributes:
        repeated: rows of `core.schema.REPEATED` with `text_bytes`: what repeats another.
        text_bytes: of all of them.
        unverified: pairs that could not be computed because the data changed.
    """

    repeated: pl.LazyFrame
    text_bytes: int
    unverified: int = 0


DESCRIBED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "object": pl.Int64, "place": pl.Int64, "modality": pl.String, "id": pl.String, "licence": pl.String,
    "source": pl.String, "language": pl.String, "labels": pl.List(pl.String), "annotation_method": pl.String,
    "version": pl.String, "generated": pl.String,
}  # fmt: skip
"""What records, and metadata files, say of items; null where they say nothing."""


FOUND_PERSONAL: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "object": pl.Int64, "place": pl.Int64, "where": pl.String, "field": pl.String, "kind": pl.String, "at": pl.Int64,
    "value": pl.Binary, "count": pl.Int64,
}  # fmt: skip
"""Columns of `core.schema.PERSONAL`."""


@dataclass(frozen=True)
class Metadata:
    """What metadata are there, and what is wrong with them.

    Attributes:
        problems: rows of `core.schema.PROBLEMS`, of the standards, of records and of what contradicts each other; few.
        standards: that were found: croissant, hugging-face, sidecar, tc609.
        described: items of which a field of metadata says something.
        items: all that were measured.
        records: items that are records of TC609-5-2025-02.
        expectations: rows of `core.schema.EXPECTATIONS`; None where nothing was asked.
        unexpected: rows of `core.schema.UNEXPECTED`; likewise.
    """

    problems: pl.DataFrame
    standards: tuple[str, ...]
    described: int
    items: int
    records: int
    expectations: pl.DataFrame | None
    unexpected: pl.LazyFrame | None


@dataclass(frozen=True)
class Documents:
    """What the documents say.

    Attributes:
        read: `core.schema.DOCUMENTS`, of those that were asked for.
        aspects: `core.schema.ASPECTS`.
        statements: `core.schema.STATEMENTS`.
    """

    read: pl.DataFrame
    aspects: pl.DataFrame
    statements: pl.DataFrame


@dataclass(frozen=True)
class Case:
    """All that a check may look at.

    Attributes:
        items: rows of `core.schema.ITEMS` without sketches and fingerprints, in canonical order, and of their object
            `name`, `encoding`, `compression`, `date_sidecar`, `date_sidecar_modified`; `surplus` (bool), `verified` (how), `original_object`, `original_place`; `turned`: surplus only where
            pictures may be mirrored or turned; `linked`: of a kept item that hangs
            together with an earlier one through surplus ones, false where that may be; else null.
        objects: rows of `core.schema.OBJECTS`, sorted by `object`, with `name` (path as text), what reading them told
            (`core.schema.READ_OBJECTS`) and what their items came to: `fate` (measured, defective, unread; null without
            items), `kind` (of the first error), `texts` and their `payload_bytes`, `text_bytes`.
        deciding: the modalities whose rules decide.
        unverified: by modality, pairs that could not be computed because the data changed.
        crowded: by modality, kept items of whose many candidates the likeliest alone were compared.
        disagreements: modality → items on which an independent witness disagrees; "pairs" → near-duplicate texts.
        planted: modality → how many planted duplicates were found, of how many.
        paragraphs: None where no text is long.
        descriptions: rows of `core.schema.DESCRIPTIONS`, what describes items; see `dqv.metadata`.
        metadata: what is wrong with what describes them; None where nothing was looked at.
        documents: None where none was read, since only headers are.
        personal: rows of `core.schema.PERSONAL`, sorted by `object`.
        platform: address of the platform that gave the registration, over TLS; None of a file's.
        filed: the registration file, where a platform's record stands beside it; `registration` is then the record, and from
            the file what the record does not have.
        attached: the documents found beside the registration file, by the names of `Document`.
        barred: the bar list of 第十二条; None: none was given.
        licences: what files of the dataset say of its licence.
    """

    policy: Policy
    registration: Registration | None
    reference_date: date
    items: pl.LazyFrame
    objects: pl.LazyFrame
    deciding: tuple[str, ...]
    facts: Mapping[str, ModalityFacts]
    unverified: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    crowded: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    disagreements: Mapping[str, int] = field(default_factory=dict)
    planted: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    paragraphs: Paragraphs | None = None
    platform: str | None = None
    filed: Registration | None = None
    attached: Mapping[str, Attached] = field(default_factory=dict)
    barred: tuple[Barred, ...] | None = None
    descriptions: pl.LazyFrame = field(default_factory=lambda: pl.LazyFrame(schema=DESCRIBED))
    metadata: Metadata | None = None
    licences: tuple[Named, ...] = ()
    documents: Documents | None = None
    personal: pl.LazyFrame = field(default_factory=lambda: pl.LazyFrame(schema=FOUND_PERSONAL))

    def modality(self, modality: str) -> pl.LazyFrame:
        """The measured items of one modality."""
        return self.items.filter(pl.col("status") == "measured", pl.col("modality") == modality)

    @cached_property
    def payload_bytes(self) -> int:
        """Payload of all measured items."""
        return sum(facts.payload_bytes for facts in self.facts.values())

    @cached_property
    def spreads(self) -> Mapping[str, Spread]:
        """How what is said of items spreads, by the column of `descriptions`."""
        columns = ("licence", "source", "language", "labels", "annotation_method")
        return {name: spread(self.descriptions, pl.col(name)) for name in columns}


@dataclass(frozen=True)
class Quantity:
    """A number, and all that it could be.

    Attributes:
        numerator: with a denominator: of a rate; else the amount itself.
        denominator: of a rate; None for an amount.
        scenarios: (least, most) values; more than one when unread data could change the number: then a
            verdict holds only when it is the same in all. Within one scenario the range is doubt about what
            was read (undated data): a person must look.
    """

    numerator: Number
    denominator: Number | None
    scenarios: tuple[tuple[Number, Number], ...]

    @property
    def value(self) -> Fraction | None:
        """The number itself; None when nothing was there to measure."""
        if self.denominator is None:
            return Fraction(self.numerator)
        return Fraction(self.numerator) / Fraction(self.denominator) if self.denominator else None


_ARCHIVES = ("docx", "pdf", "xlsx")
"""Formats of text that are archives inside: unread, they may hold as much as one."""

_UNBOUNDED = 10**30
"""Beyond any threshold of a regulation: what an unread object without a bound might hold."""


def amount(value: Number, unread: Number | None) -> Quantity:
    """An amount to which what was not read could add up to `unread` (None: without bound)."""
    scenarios: list[tuple[Number, Number]] = [(value, value)]
    if unread is None:
        scenarios.append((_UNBOUNDED, _UNBOUNDED))
    elif unread:
        scenarios.append((value + unread, value + unread))
    return Quantity(value, None, tuple(scenarios))


def rate(
    numerator: Number, denominator: Number, unread: Number | None, *, doubtful: Number = 0, unsure: Number = 0
) -> Quantity:
    """A rate over what was read.

    Args:
        numerator: what counts.
        denominator: all that was read.
        unread: how much the unread could add to the denominator, and all or nothing of it to the
            numerator; None: without bound.
        doubtful: part of the denominator that may or may not count (undated): a range in every scenario.
        unsure: what could not be verified and might count too: a scenario of its own.
    """
    if not denominator:
        return Quantity(numerator, 0, ())

    def span(add: Number, more: Number) -> tuple[Number, Number]:
        total = denominator + more
        return Fraction(numerator + add) / Fraction(total), Fraction(numerator + add + doubtful) / Fraction(
            total
        )

    scenarios = [span(0, 0)]
    if unsure:
        scenarios.append(span(unsure, 0))
    if unread is None:
        scenarios += [(Fraction(0), Fraction(0)), (Fraction(1), Fraction(1))]
    elif unread:
        scenarios += [span(unsure, unread), span(unsure + unread, unread), span(0, unread)]
    return Quantity(numerator, denominator, tuple(scenarios))


def judge(quantity: Quantity, comparator: str, limit: Fraction) -> Verdict:
    """The verdict on a number, taken over all that it could be."""
    if quantity.value is None or not quantity.scenarios:
        return Verdict.INDETERMINATE

    def holds(value: Number) -> bool:
        return value >= limit if comparator == ">=" else value <= limit

    verdicts = set()
    for least, most in quantity.scenarios:
        ends = {holds(least), holds(most)}
        verdicts.add(Verdict.REVIEW if len(ends) == 2 else Verdict.PASS if ends == {True} else Verdict.FAIL)
    return verdicts.pop() if len(verdicts) == 1 else Verdict.INDETERMINATE


@dataclass(frozen=True)
class Result:
    """One reading, computed."""

    reading: Reading
    quantity: Quantity
    limit: Fraction
    verdict: Verdict


@dataclass(frozen=True)
class Outcome:
    """What a check says of its rule; the report shows it.

    Attributes:
        measured: in the base unit; None where nothing was measured.
        evidence: rows behind it, in canonical order.
        notices: sentences for the first screen.
        deciding: the reading that gave the verdict; None: the policy's.
    """

    rule: str
    verdict: Verdict
    message: Words
    method: Words
    next_step: Words | None = None
    population: Words | None = None
    measured: Fraction | None = None
    numerator: Number | None = None
    denominator: Number | None = None
    limit: Fraction | None = None
    results: tuple[Result, ...] = ()
    depends_on_reading: bool = False
    evidence: pl.LazyFrame | None = None
    notices: tuple[Words, ...] = field(default=())
    deciding: str | None = None


Check = Callable[[Case], Outcome]

MODALITY_WORDS = {
    "text": Words(zh="文本", en="text"),
    "audio": Words(zh="音频", en="audio"),
    "image": Words(zh="图像", en="images"),
    "video": Words(zh="视频", en="video"),
}


def read_all(rule: Rule, measure: Callable[[Reading], Quantity]) -> tuple[Result, ...]:
    """Compute every reading of a rule, in the policy's order."""
    assert rule.comparator is not None
    results = []
    for reading in rule.readings:
        quantity, limit = measure(reading), rule.limit(reading)
        results.append(Result(reading, quantity, limit, judge(quantity, rule.comparator, limit)))
    return tuple(results)


def deciding_result(rule: Rule, results: Sequence[Result]) -> Result:
    """The reading that decides."""
    return next(result for result in results if result.reading.name == rule.deciding)


def depends_on_reading(results: Sequence[Result]) -> bool:
    """Whether another reading would give another verdict."""
    return len({result.verdict for result in results}) > 1


DEPENDS = Words(
    zh="结论取决于对条款的解读，见各读法。",
    en="The verdict depends on how the clause is read; see the readings.",
)


def measured(
    case: Case,
    name: str,
    modality: str,
    measures: Callable[[], Callable[[Reading], Quantity]],
    *,
    method: Words,
    next_step: Callable[[Result], Words | None],
    evidence: pl.LazyFrame | None = None,
) -> Outcome:
    """The outcome of a rule on one modality, by the policy's readings.

    Whether the modality decides, what was not read or not decoded, the share of defective items, what a witness
    says and the readings are dealt with here, alike for all rules.

    Args:
        case: all of the run.
        name: of the rule.
        modality: whose rule it is.
        measures: called where there is something to measure; gives the number of each reading.
        method: how it was measured.
        next_step: what to do, of the deciding result.
        evidence: rows behind it.
    """
    rule, facts = case.policy.rules[name], case.facts[modality]
    words = MODALITY_WORDS[modality]
    population = Words(zh=f"全部可读的{words.zh}条目", en=f"all items of {words.en} that could be read")
    present = facts.items or facts.defective or facts.unread_rows
    if modality not in case.deciding and not present:
        return Outcome(
            name, Verdict.NOT_APPLICABLE, method=method, population=population,
            limit=rule.limit() if rule.threshold else None,
            message=Words(zh=f"数据集未申报{words.zh}，也未发现。", en=f"The dataset declares no {words.en}, and none was found."),
        )  # fmt: skip
    results = read_all(rule, measures())
    deciding = deciding_result(rule, results)
    verdict, next_words = deciding.verdict, next_step(deciding)
    if modality not in case.deciding:
        verdict, next_words = Verdict.REVIEW, Words(
            zh=f"申报{words.zh}，或从数据集中移出。", en=f"Declare {words.en}, or take it out of the dataset."
        )  # fmt: skip
        whole = sum(each.weight_bytes for each in case.facts.values())
        share = human(Fraction(facts.weight_bytes, whole) if whole else 0, "ratio")
        rows = facts.items + facts.defective + facts.unread_rows
        sentences = [
            Words(
                zh=f"发现未申报的{words.zh}：{rows} 项，占字节 {share}；其规则不作判定，须人工查看。",
                en=f"Undeclared {words.en} was found: {rows} items, {share} of the bytes; its rules do "
                "not decide, a person must look.",
            )
        ]
    else:
        verdict, doubts = doubt(case, modality, verdict)
        sentences = [_sentence(rule, deciding), *doubts, *_unread(facts)]
    depends = depends_on_reading(results)
    if depends:
        sentences.append(DEPENDS)
    return Outcome(
        name,
        verdict,
        message=join(sentences),
        method=method,
        population=population,
        next_step=next_words if verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE) else None,
        measured=deciding.quantity.value,
        numerator=deciding.quantity.numerator,
        denominator=deciding.quantity.denominator,
        limit=deciding.limit,
        results=results,
        depends_on_reading=depends,
        evidence=evidence,
        deciding=rule.deciding,
    )


def join(sentences: Sequence[Words]) -> Words:
    """Sentences one after the other."""
    return Words(zh="".join(each.zh for each in sentences), en=" ".join(each.en for each in sentences))


_SAYS = {
    Verdict.PASS: Words(zh="符合。", en="It conforms."),
    Verdict.FAIL: Words(zh="不符合。", en="It does not conform."),
    Verdict.REVIEW: Words(zh="须人工判断。", en="A person must look."),
    Verdict.INDETERMINATE: Words(zh="无法确定。", en="It cannot be determined."),
}


def _sentence(rule: Rule, result: Result) -> Words:
    unit = rule.unit or "ratio"
    says = _SAYS[result.verdict]
    sign = {">=": "≥", "<=": "≤"}[rule.comparator or ">="]
    value = result.quantity.value
    if value is None:
        return Words(zh=f"没有可测的条目；要求 {sign} {human(result.limit, unit)}。{says.zh}",
                     en=f"There is no item to measure; required is {sign} {human(result.limit, unit)}. {says.en}")  # fmt: skip
    shown, limit = human(value, unit), human(result.limit, unit)
    if shown == limit and value != result.limit:  # rounded alike, yet not equal
        shown, limit = decimal_string(value, 12), decimal_string(result.limit, 12)
    return Words(
        zh=f"测得 {shown}，要求 {sign} {limit}。{says.zh}",
        en=f"Measured {shown}, required {sign} {limit}. {says.en}",
    )


def doubt(case: Case, modality: str, verdict: Verdict) -> tuple[Verdict, list[Words]]:
    """A pass becomes a review where there is doubt.

    That is when more than the policy's share of the items is defective, when a witness disagrees, or when items were
    not decoded.

    Returns:
        The verdict, and a sentence for each doubt and for every defective share.
    """
    facts, sentences = case.facts[modality], []
    above = defective_share(facts) > case.policy.share("defective_share")
    if facts.defective:
        sentences.append(_defects(case, facts, above=above))
    disagreeing = case.disagreements.get(modality, 0)
    if disagreeing:
        sentences.append(
            Words(
                zh=f"独立核验软件对 {disagreeing} 项的结果与 dqv 不一致，须人工查看。",
                en=f"An independent witness disagrees on {disagreeing} items; a person must look.",
            )
        )
    if facts.undecoded:
        sentences.append(
            Words(
                zh=f"{facts.undecoded} 项只读取了文件头，内容未解码，不能据此判为符合。",
                en=f"Of {facts.undecoded} items only headers were read, nothing was decoded: that is no ground for a pass.",
            )
        )
    doubtful = above or disagreeing or facts.undecoded
    return (Verdict.REVIEW if doubtful and verdict is Verdict.PASS else verdict), sentences


def _defects(case: Case, facts: ModalityFacts, *, above: bool) -> Words:
    share, limit = defective_share(facts), case.policy.share("defective_share")
    return Words(
        zh=f"缺陷条目 {facts.defective} 项（{human(share, 'ratio')}，{'高于' if above else '不高于'}允许的 {human(limit, 'ratio')}），未计入。",
        en=f"Defective items: {facts.defective} ({human(share, 'ratio')}, {'above' if above else 'within'} the "
        f"{human(limit, 'ratio')} allowed); they do not count.",
    )


def defective_share(facts: ModalityFacts) -> Fraction:
    """The share of what does not decode: by items, or by stored bytes where whole objects broke.

    A broken array is one row, however many items it holds; so its bytes count where they weigh more.
    """
    if not facts.defective:
        return Fraction(0)
    items = Fraction(facts.defective, facts.defective + facts.items)
    whole = facts.defective_whole_bytes
    return max(items, Fraction(whole, whole + facts.stored_bytes)) if whole else items


def _unread(facts: ModalityFacts) -> list[Words]:
    rows = facts.unread_rows + facts.unread_anywhere
    if not rows:
        return []
    if facts.unread.items is None:
        return [
            Words(
                zh=f"有 {rows} 处未能读取，其规模无界。",
                en=f"{rows} entries could not be read, and nothing bounds them.",
            )
        ]
    return [
        Words(
            zh=f"有 {rows} 处未能读取，至多 {facts.unread.items} 项、{human(facts.unread.payload_bytes or 0, 'byte')}；结论已就其一切可能取值。",
            en=f"{rows} entries could not be read: at most {facts.unread.items} items and "
            f"{human(facts.unread.payload_bytes or 0, 'byte')}; the verdict is taken over all that they could be.",
        )
    ]


def distinct(rows: pl.LazyFrame, key: pl.Expr, count: int) -> int:
    """How many different values there are; where rows are many, a share of the values at a time, to bound memory.

    Args:
        rows: any.
        key: of each; null is no value.
        count: how many rows there are, about.
    """
    keys, shares = rows.select(key=key).drop_nulls(), -(-count // _DISTINCT_ROWS)
    if shares < 2:
        return int(keys.select(pl.col("key").n_unique()).collect().item())
    share = pl.col("key").hash() % shares
    found = (keys.filter(share == number).select(pl.col("key").n_unique()) for number in range(shares))
    return sum(int(each.collect().item()) for each in found)


_DISTINCT_ROWS = 2_000_000
"""Some 100 bytes each while they are told apart."""


def summarise(items: pl.LazyFrame, policy: Policy) -> dict[str, ModalityFacts]:
    """The facts of every modality, in one pass over the rows, and one more for the number of objects.

    Args:
        items: as in `Case.items`; an unread row without a modality counts as unread in all of them.
        policy: gives the factors by which an unread object may grow, and when a text is long.
    """
    measured_ = pl.col("status") == "measured"
    unread = pl.col("status") == "unread"
    packed = (
        pl.col("compression").is_not_null() | pl.col("modality").is_null() | pl.col("format").is_in(_ARCHIVES)
    )
    factor = pl.when(packed).then(policy.unread_factor_compressed).otherwise(policy.unread_factor)
    bound = pl.col("stored_bytes") * factor
    whole = (pl.col("status") == "defective") & ~pl.col("single")
    sound = pl.col("modality").is_in(["audio", "video"])
    unknown = unread | (measured_ & sound & pl.col("duration_flicks").is_null())
    longest = bound.cast(pl.Int128) * FLICKS_PER_SECOND // policy.unread_bytes_per_second
    long_text = pl.col("text_bytes") > policy.long_text.item_bytes
    table = (
        items.group_by("modality")
        .agg(
            items=measured_.sum(),
            payload_bytes=pl.col("payload_bytes").filter(measured_).sum(),
            text_bytes=pl.col("text_bytes").filter(measured_).sum(),
            stored_bytes=pl.col("stored_bytes").filter(measured_).sum(),
            tokens=pl.col("tokens").filter(measured_).sum(),
            defective=(pl.col("status") == "defective").sum(),
            defective_whole_bytes=pl.col("stored_bytes").filter(whole).sum(),
            unread_rows=unread.sum(),
            unread_stored_bytes=pl.col("stored_bytes").filter(unread).sum(),
            unbounded=(unread & pl.col("stored_bytes").is_null()).sum(),
            unread_items=pl.when(pl.col("single")).then(1).otherwise(bound).filter(unread).sum(),
            unread_payload=bound.filter(unread).sum(),
            unread_flicks=longest.filter(unknown).sum(),
            long_bytes=pl.col("text_bytes").filter(measured_ & long_text).sum(),
            duration_flicks=pl.col("duration_flicks").cast(pl.Int128).filter(measured_).sum(),
            silent_flicks=pl.col("silent_flicks").filter(measured_).sum(),
            undecoded=(measured_ & ~pl.col("decoded").fill_null(value=True)).sum(),
            flagged=(measured_ & (pl.col("flags").list.len() > 0).fill_null(value=False)).sum(),
        )
        .collect(engine="streaming")
    )
    rows = {row.pop("modality"): row for row in table.to_dicts()}
    empty = dict.fromkeys(table.columns[1:], 0)
    anywhere = rows.get(None, empty)
    facts = {}
    for modality in MODALITIES:
        row = rows.get(modality, empty)
        mine = items.filter(measured_, pl.col("modality") == modality)
        row = row | {
            "unread_anywhere": int(anywhere["unread_rows"]),
            "objects": distinct(mine, pl.col("object"), row["items"]) if row["items"] else 0,
        }
        for name in ("unbounded", "unread_items", "unread_payload", "unread_flicks"):
            row = row | {name: int(row[name]) + int(anywhere[name])}
        unbounded = row.pop("unbounded")
        most = [int(row.pop(name)) for name in ("unread_items", "unread_payload", "unread_flicks")]
        bounds = Unread(None, None, None) if unbounded else Unread(*most)
        facts[modality] = ModalityFacts(**{name: int(value) for name, value in row.items()}, unread=bounds)
    return facts


def deciding_modalities(
    registration: Registration | None,
    chosen: Sequence[str],
    facts: Mapping[str, ModalityFacts],
    policy: Policy,
) -> tuple[str, ...]:
    """Whose floor applies.

    What the registration declares; without one, what was chosen; else every modality with the policy's
    share of the payload bytes, its unread objects counted by their stored bytes.
    """
    if registration is not None:
        return tuple(modality for modality in MODALITIES if modality in registration.modalities)
    if chosen:
        return tuple(modality for modality in MODALITIES if modality in chosen)
    whole = sum(each.weight_bytes for each in facts.values())
    share = policy.share("undeclared_share")
    return tuple(name for name in MODALITIES if whole and Fraction(facts[name].weight_bytes, whole) >= share)
