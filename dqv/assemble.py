"""From measurements and outcomes to the report model; no number is made here that is not in the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import polars as pl

from dqv.checks.engine import Case, Outcome, Result
from dqv.checks.recency import dated
from dqv.core.errors import DEFECTIVE_KINDS
from dqv.core.files import sha256_file
from dqv.core.policy import Policy, Words
from dqv.core.schema import MODALITIES
from dqv.core.settings import Layout, Settings
from dqv.core.units import FLICKS_PER_SECOND, decimal_string, hours
from dqv.core.verdicts import report_verdict
from dqv.measure import witness
from dqv.neardup.witness import TOLERANCE
from dqv.reports import evidence
from dqv.reports.crosswalk import crosswalk
from dqv.reports.model import (
    SCHEMA_ID,
    Accounting,
    Bucket,
    Disagreement,
    Distribution,
    ErrorCount,
    EvidenceRef,
    Finding,
    ModalityMeasurements,
    PolicyRef,
    ReadingResult,
    Report,
    Run,
    SelfTest,
    Subject,
    Tally,
    Witness,
)
from dqv.trust.manifest import Bound


@dataclass(frozen=True)
class Witnessed:
    """What the system's FFmpeg said.

    Attributes:
        version: of it, or several where workers differ; None: there is none, and nothing was asked.
        seed: that drew the sample.
        asked: modality of each item of the sample.
        facts: rows of `stages.witness.WITNESS`; None where nothing was asked.
    """

    version: str | None
    seed: int
    asked: Sequence[str]
    facts: pl.DataFrame | None

    @property
    def disagreements(self) -> dict[str, int]:
        """Modality → items on which it disagrees."""
        if self.facts is None:
            return {}
        differ = self.facts.filter(~pl.col("agrees")).group_by("modality").agg(pl.col("object").n_unique())
        return dict(sorted(differ.iter_rows()))


@dataclass(frozen=True)
class Retold:
    """What datasketch said of pairs of texts.

    Attributes:
        version: of it.
        seed: that drew the sample.
        facts: rows of `stages.witness.RETOLD`.
    """

    version: str
    seed: int
    facts: pl.DataFrame

    @property
    def disagreements(self) -> dict[str, int]:
        """Under "pairs", of how many it disagrees, if of any."""
        differ = self.facts.filter(~pl.col("agrees")).height
        return {"pairs": differ} if differ else {}


def build(
    case: Case,
    outcomes: Sequence[Outcome],
    settings: Settings,
    *,
    out: Path,
    bound: Bound | None,
    registration_sha256: str | None,
    platform_sha256: str | None = None,
    barred_sha256: str | None = None,
    versions: Mapping[str, str],
    environment: Mapping[str, str],
    witnessed: Witnessed | None = None,
    retold: Retold | None = None,
) -> Report:
    """Write the evidence and put the report together."""
    findings = [_finding(case, outcome, out) for outcome in outcomes]
    errors, accounting = _errors(case), _accounting(case)
    files = [finding.evidence for finding in findings if finding.evidence is not None]
    names = case.objects.select("object", "name")
    files += [
        evidence.write(_error_rows(case, status), out, status, names) for status in errors if errors[status]
    ]
    if witnessed is not None and witnessed.facts is not None:
        files.append(evidence.write(_witness_rows(case, witnessed.facts), out, "witness", names))
    measurements = _measurements(case)
    verdict, decided_by = report_verdict((finding.rule, finding.verdict) for finding in findings)
    values = {
        "schema": SCHEMA_ID,
        "subject": _subject(case, settings, bound, registration_sha256, platform_sha256, barred_sha256),
        "policy": _policy_ref(case.policy),
        "run": Run(
            role=settings.role,
            assurance=settings.measuring.assurance,
            reference_date=case.reference_date.isoformat(),
            settings_digest=settings.digest(case.reference_date),
            settings=_shown_settings(settings),
            versions=dict(versions),
            complete=not errors["unread"]
            and not any(each.outcome == "unread" for each in accounting.tallies)
            and not any(case.unverified.values())
            and all(hits == planted for hits, planted in case.planted.values())
            and settings.measuring.assurance == "full",
            self_test=[
                SelfTest(modality=modality, planted=planted, found=hits)
                for modality, (hits, planted) in sorted(case.planted.items())
            ],
            witnesses=[
                *(_witnesses(case, witnessed) if witnessed is not None else []),
                *([_jaccard_witness(case, retold)] if retold is not None else []),
            ],
            unread=errors["unread"],
            defective=errors["defective"],
            environment=dict(environment) | _read(case),
        ),
        "accounting": accounting,
        "measurements": measurements,
        "findings": findings,
        "verdict": verdict,
        "decided_by": decided_by,
        "notices": _notices(settings, outcomes),
        "evidence": sorted(files, key=lambda file: file.path),
        "crosswalk": crosswalk(findings, measurements),
    }
    return Report.model_validate(values)


def _shown_settings(settings: Settings) -> dict[str, str]:
    values = {
        "assurance": settings.measuring.assurance.value,
        "text_field": settings.measuring.text_field,
        "date_field": settings.measuring.date_field,
        "modality": ", ".join(settings.modalities) or None,
        "expectations_sha256": sha256_file(settings.expectations) if settings.expectations else None,
    }
    limits = {f"limit.{name}": f"{value:g}" if isinstance(value, float) else str(value)
              for name, value in settings.measuring.limits}  # fmt: skip
    return {name: value for name, value in values.items() if value is not None} | limits


def _read(case: Case) -> dict[str, str]:
    """What was asked of the storage to measure; it depends on where the data lies, so it is no part of the rest."""
    row = case.objects.select(pl.col("bytes_read").sum(), pl.col("requests").sum()).collect().row(0)
    return dict(zip(("bytes_read", "requests"), map(str, row), strict=True)) | _stored(case)


def _stored(case: Case) -> dict[str, str]:
    """What the storage's times say of updates; another copy of the same data has others."""
    day = pl.from_epoch(pl.col("mtime_ns"), time_unit="ns").dt.date()
    told = pl.col("container").is_null() & (pl.col("mtime_ns") > 0) & (pl.col("role") != "ignored")
    first, last, months = (
        case.objects.filter(told)
        .select(
            day.min().alias("first"),
            day.max().alias("last"),
            day.dt.truncate("1mo").n_unique().alias("months"),
        )
        .collect(engine="streaming")
        .row(0)
    )
    if first is None:
        return {}
    return {"stored_first": first.isoformat(), "stored_last": last.isoformat(), "stored_months": str(months)}


def _witness_rows(case: Case, facts: pl.DataFrame) -> pl.LazyFrame:
    return (
        facts.lazy()
        .join(_names(case, facts), on="object", maintain_order="left")
        .select("name", "place", "modality", "field", "ours", "theirs", "agrees")
    )


def _names(case: Case, facts: pl.DataFrame) -> pl.LazyFrame:
    """The names of a few objects."""
    mine = pl.col("object").is_in(facts["object"].unique().implode())
    return case.objects.select("object", "name").filter(mine)


_MOST_DISAGREEMENTS = 20


def _witnesses(case: Case, witnessed: Witnessed) -> list[Witness]:
    found = []
    for modality in dict.fromkeys(sorted(witnessed.asked)):
        asked = witnessed.asked.count(modality)
        agreed = unanswered = disagreed = 0
        listed: list[Disagreement] = []
        if witnessed.facts is not None:
            facts = witnessed.facts.filter(pl.col("modality") == modality)
            per_item = facts.group_by("object").agg(
                differs=(~pl.col("agrees")).any(), unanswered=pl.col("agrees").is_null().any()
            )
            disagreed = int(per_item["differs"].fill_null(value=False).sum())
            unanswered = int(per_item["unanswered"].sum())
            agreed = asked - disagreed - unanswered
            differing = (
                _witness_rows(case, facts.filter(~pl.col("agrees"))).head(_MOST_DISAGREEMENTS).collect()
            )
            listed = [
                Disagreement(
                    name=row["name"],
                    place=row["place"],
                    fact=row["field"],
                    ours=row["ours"],
                    theirs=row["theirs"],
                )
                for row in differing.iter_rows(named=True)
            ]
        found.append(
            Witness(
                name="ffmpeg",
                version=witnessed.version,
                modality=modality,
                status="not_run" if witnessed.version is None else "run",
                seed=witnessed.seed,
                sample=0 if witnessed.version is None else asked,
                agreed=agreed,
                disagreed=disagreed,
                unanswered=unanswered,
                tolerance=_TOLERANCE,
                disagreements=listed,
            )
        )
    return found


def _jaccard_witness(case: Case, retold: Retold) -> Witness:
    """Datasketch's estimates beside ours; pairs that were planted are counted, and not listed."""
    facts = retold.facts.with_columns(
        difference=pl.col("ours").cast(pl.Decimal(6, 4)) - pl.col("theirs").cast(pl.Decimal(6, 4))
    )
    answered = facts.filter(pl.col("agrees").is_not_null())
    total = sum(map(Fraction, answered["difference"].to_list()), Fraction(0))
    differing = facts.filter(~pl.col("agrees"))
    listed = differing.join(_names(case, differing).collect(), on="object", maintain_order="left")
    agreed = int(facts["agrees"].sum())
    return Witness(
        name="datasketch",
        version=retold.version,
        modality="text",
        status="run",
        seed=retold.seed,
        sample=facts.height,
        agreed=agreed,
        disagreed=answered.height - agreed,
        unanswered=facts.height - answered.height,
        mean_difference=decimal_string(total / answered.height, 4) if answered.height else None,
        tolerance=_JACCARD_TOLERANCE,
        disagreements=[
            Disagreement(
                name=row["name"], place=row["place"], fact="jaccard", ours=row["ours"], theirs=row["theirs"]
            )
            for row in listed.head(_MOST_DISAGREEMENTS).iter_rows(named=True)
        ],
    )


_JACCARD_TOLERANCE = Words(
    zh=f"近似重复文本对的 Jaccard 相似度：相差不超过 {TOLERANCE}",
    en=f"Jaccard similarity of near-duplicate texts: at most {TOLERANCE} apart",
)

_SECONDS, _PERCENT = float(witness.TOLERANCE_S), int(100 * witness.TOLERANCE_SHARE)
_TOLERANCE = Words(
    zh=f"时长相差不超过 {_SECONDS} 秒与 {_PERCENT} % 之较大者；宽高各不超过 {witness.TOLERANCE_PX} 像素；采样率与声道数须相同；"
    f"音频至多解码前 {witness.MOST_AUDIO_S} 秒，视频至多前 {witness.MOST_VIDEO_S} 秒。",
    en=f"Durations within the greater of {_SECONDS} s and {_PERCENT} %; width and height within {witness.TOLERANCE_PX} pixel "
    f"each; rate and channels equal; of audio at most the first {witness.MOST_AUDIO_S} s are decoded, of video the first "
    f"{witness.MOST_VIDEO_S} s.",
)


def _notices(settings: Settings, outcomes: Sequence[Outcome]) -> list[Words]:
    notices = [notice for outcome in outcomes for notice in outcome.notices]
    if settings.measuring.assurance == "identity":
        notices.append(
            Words(
                zh="保证级别为仅文件头（identity）：只读取了图像、音频、视频的文件头，其余未读取；本报告不得用于申报或认定。",
                en="Assurance is identity: of images, audio and video only headers were read, of all else nothing; this "
                "report cannot be used to file or certify.",
            )
        )
    return notices


def _finding(case: Case, outcome: Outcome, out: Path) -> Finding:
    rule = case.policy.rules[outcome.rule]
    file: EvidenceRef | None = None
    if outcome.evidence is not None:
        names = case.objects.select("object", "name")
        file = evidence.write(outcome.evidence, out, outcome.rule, names)
    return Finding(
        rule=outcome.rule,
        clause=rule.clause,
        clause_text=case.policy.clauses[rule.clause],
        title=rule.title,
        verdict=outcome.verdict,
        measured=_decimal(outcome.measured),
        threshold=_decimal(outcome.limit),
        comparator=rule.comparator,
        unit=rule.unit,
        numerator=_decimal(outcome.numerator),
        denominator=_decimal(outcome.denominator),
        population=outcome.population,
        readings=[_reading(result, outcome.deciding or rule.deciding) for result in outcome.results],
        depends_on_reading=outcome.depends_on_reading,
        method=outcome.method,
        evidence=file,
        message=outcome.message,
        next_step=outcome.next_step,
    )


def _reading(result: Result, deciding: str | None) -> ReadingResult:
    nothing = result.quantity.value is None
    return ReadingResult(
        name=result.reading.name,
        words=result.reading.words,
        deciding=result.reading.name == deciding,
        measured=_decimal(result.quantity.value),
        numerator=None if nothing else _decimal(result.quantity.numerator),
        denominator=None if nothing else _decimal(result.quantity.denominator),
        threshold=decimal_string(result.limit, 12),
        verdict=result.verdict,
    )


def _decimal(value: Fraction | int | None) -> str | None:
    return None if value is None else decimal_string(value, 12)


_TABLES = r"(^|/)metadata\.(csv|jsonl|parquet)$"
_SHARDS = r"(^|/)[^/]+-\d{5}-of-\d{5}\."


def _layout(case: Case) -> Layout:
    """How the dataset is laid out: the first that is found, from the most telling."""
    name, role = pl.col("name"), pl.col("role")
    data = role == "data"
    signs = {
        "webdataset": pl.col("sample").is_not_null(),
        "croissant": (role == "metadata") & name.str.contains(r"(^|/)croissant\.json$"),
        "tc609": data & pl.col("fields").list.contains("data_content"),
        "imagefolder": (role == "metadata") & name.str.contains(_TABLES),
        "huggingface": data & name.str.contains(_SHARDS),
        "images": data & (pl.col("modality") == "image"),
    }
    found = case.objects.select(**{sign: there.fill_null(value=False).any() for sign, there in signs.items()})
    there = found.collect(engine="streaming").row(0, named=True)
    there["imagefolder"] &= there["images"]
    order: tuple[Layout, ...] = ("webdataset", "croissant", "tc609", "imagefolder", "huggingface")
    return next((each for each in order if there[each]), "folder")


def _subject(
    case: Case,
    settings: Settings,
    bound: Bound | None,
    registration_sha256: str | None,
    platform_sha256: str | None,
    barred_sha256: str | None,
) -> Subject:
    stored = case.objects.filter(pl.col("container").is_null())
    objects, size = stored.select(pl.len(), pl.col("size_bytes").sum()).collect().row(0)
    record = case.registration
    certificate = record.certificate.number if record and record.certificate else None
    return Subject(
        root_sha256=bound.root_sha256 if bound is not None else None,
        root_sm3=bound.root_sm3 if bound is not None else None,
        objects=objects,
        size_bytes=size,
        layout=settings.measuring.layout or _layout(case),
        name=record.name if record else None,
        applicant=record.applicant.name if record else None,
        uscc=record.applicant.uscc if record else None,
        certificate=certificate,
        registration_sha256=registration_sha256,
        platform=case.platform,
        platform_sha256=platform_sha256,
        barred_sha256=barred_sha256,
        category=record.category if record else None,
        declared={name: each.scale for name, each in record.modalities.items()} if record else {},
    )


def _policy_ref(policy: Policy) -> PolicyRef:
    until = policy.in_force_until
    return PolicyRef(
        id=policy.id,
        version=policy.version,
        digest=policy.digest,
        document=policy.document,
        title=policy.title,
        status=policy.status,
        in_force_from=policy.in_force_from.isoformat(),
        in_force_until=until.isoformat() if until else None,
    )


def _errors(case: Case) -> dict[str, list[ErrorCount]]:
    table = (
        case.items.filter(pl.col("status") != "measured")
        .group_by("status", pl.col("modality").fill_null("any"), pl.col("error_kind").alias("kind"))
        .agg(items=pl.len(), stored_bytes=pl.col("stored_bytes").sum())
        .sort("status", "modality", "kind")
        .collect()
    )
    found: dict[str, list[ErrorCount]] = {"defective": [], "unread": []}
    for row in table.iter_rows(named=True):
        found[row.pop("status")].append(ErrorCount(**row))
    return found


def _error_rows(case: Case, status: str) -> pl.LazyFrame:
    return case.items.filter(pl.col("status") == status).select(
        "object", "name", "place", "modality", "format", "error_kind", "error", "stored_bytes"
    )


def _accounting(case: Case) -> Accounting:
    """Each object, and each member of an archive, ends in exactly one tally."""
    role, why = pl.col("role"), pl.col("why")
    # an archive is measured by its members, unless it could not be read itself
    data = (role == "data") | ((role == "container") & pl.col("error_kind").is_null())
    outcome = (
        pl.when(role == "ignored").then(pl.lit("ignored"))
        .when(~data & pl.col("error_kind").is_in(sorted(DEFECTIVE_KINDS))).then(pl.lit("defective"))
        .when(~data & pl.col("error_kind").is_not_null()).then(pl.lit("unread"))
        .when(~data).then(pl.lit("not_data"))
        .otherwise(pl.col("fate").fill_null("measured"))  # an object that was read and holds no record
    )  # fmt: skip
    rule = (
        pl.when(role == "ignored").then(why)
        .when(role == "other").then(pl.coalesce("error_kind", why))
        .when(~data).then(pl.coalesce("error_kind", role))
        .when(pl.col("fate").is_in(["defective", "unread"])).then(pl.col("kind"))
        .otherwise(pl.col("format"))
    )  # fmt: skip
    size, member = pl.col("size_bytes"), pl.col("container").is_not_null()
    counts = {
        "objects": (~member).sum(),
        "size_bytes": size.filter(~member).sum(),
        "members": member.sum(),
        "member_bytes": size.filter(member).sum(),
    }
    table = (
        case.objects.group_by(outcome=outcome, rule=rule)
        .agg(**counts, payload_bytes=pl.col("item_bytes").sum())
        .sort("outcome", "rule")
        .collect()
    )
    tallies = [Tally.model_validate(row) for row in table.iter_rows(named=True)]
    source = case.objects.select(**counts).collect().row(0, named=True)
    if any(sum(getattr(each, name) for each in tallies) != source[name] for name in counts):
        raise AssertionError("the accounting does not balance")
    return Accounting(**source, tallies=tallies)


def _measurements(case: Case) -> dict[str, ModalityMeasurements]:
    found = {}
    for modality in MODALITIES:
        facts = case.facts[modality]
        declared = case.registration is not None and modality in case.registration.modalities
        if not (facts.items or facts.defective or facts.unread_rows or declared):
            continue
        share = Fraction(facts.payload_bytes, case.payload_bytes) if case.payload_bytes else 0
        found[modality] = ModalityMeasurements(
            declared=declared,
            decides=modality in case.deciding,
            items=facts.items,
            objects=facts.objects,
            stored_bytes=facts.stored_bytes,
            payload_bytes=facts.payload_bytes,
            text_bytes=facts.text_bytes,
            tokens=facts.tokens,
            hours=decimal_string(hours(facts.duration_flicks), 12)
            if modality in ("audio", "video")
            else None,
            silent_hours=decimal_string(hours(facts.silent_flicks), 12) if modality == "audio" else None,
            undecoded_items=facts.undecoded,
            flagged=_flags(case, modality) if facts.flagged else {},
            share_of_payload=decimal_string(share, 12),
            defective_items=facts.defective,
            unread_items=facts.unread_rows,
            unread_bytes=facts.unread_stored_bytes,
            distributions=_distributions(case, modality) if facts.items else [],
        )
    return found


def _flags(case: Case, modality: str) -> dict[str, int]:
    flags = case.modality(modality).explode("flags").drop_nulls("flags")
    return dict(flags.group_by("flags").len().sort("flags").collect().iter_rows())


def _distributions(case: Case, modality: str) -> list[Distribution]:
    items = dated(case.modality(modality), case.reference_date)
    year = pl.col("date").dt.year()
    short, seconds = (
        pl.min_horizontal("width_px", "height_px"),
        pl.col("duration_flicks") // FLICKS_PER_SECOND,
    )
    rate, tokens, size = pl.col("sample_rate_hz"), pl.col("tokens"), pl.col("payload_bytes")
    charts = {
        "format": (Words(zh="格式", en="format"), pl.col("format"), None),
        "codec": (Words(zh="编码方式", en="codec"), pl.col("codec"), None),
        "year": (Words(zh="年份（— 为未定日期）", en="year (— is undated)"), year.cast(pl.String), year),
        "encoding": (Words(zh="编码", en="encoding"), pl.col("encoding"), None),
        "size": (Words(zh="条目大小（字节）", en="size of an item in bytes"), _power(size), size),
        "tokens": (Words(zh="每条词元数", en="tokens per item"), _power(tokens), tokens),
        "short_side": (Words(zh="短边像素", en="short side in pixels"), _side(short), short),
        "sample_rate": (Words(zh="采样率", en="sample rate"), rate.cast(pl.String) + " Hz", rate),
        "duration": (Words(zh="时长（秒）", en="duration in seconds"), _power(seconds), seconds),
    }
    return [_distribution(items, name, *charts[name]) for name in _CHARTS[modality]]


_CHARTS = {
    "text": ("format", "size", "year", "encoding", "tokens"),
    "audio": ("format", "codec", "size", "year", "sample_rate", "duration"),
    "image": ("format", "codec", "size", "year", "short_side"),
    "video": ("format", "codec", "size", "year", "short_side", "duration"),
}
_MOST_BUCKETS = 50
"""Of a distribution: a hostile dataset may have as many sample rates as recordings."""

_SIDES = (480, 720, 768, 1080, 2160)


def _side(short: pl.Expr) -> pl.Expr:
    """Between which usual sizes a picture's short side lies."""
    step = pl.lit(f"< {_SIDES[0]}")
    for side in _SIDES:
        step = pl.when(short >= side).then(pl.lit(f"≥ {side}")).otherwise(step)
    return step


def _power(number: pl.Expr) -> pl.Expr:
    """Between which powers of ten a whole number lies."""
    step = pl.lit(f"≥ {10**18:,}")
    for power in range(18, 0, -1):
        least, end = 10 ** (power - 1), 10**power
        step = pl.when(number < end).then(pl.lit(f"{least:,} – < {end:,}")).otherwise(step)
    return pl.when(number < 1).then(pl.lit("< 1")).when(number.is_not_null()).then(step)


def _distribution(
    items: pl.LazyFrame, name: str, title: Words, label: pl.Expr, order: pl.Expr | None
) -> Distribution:
    """Items by a label, in the order of a number where there is one; those without come last."""
    table = (
        items.group_by(label=label.fill_null("—"))
        .agg(
            items=pl.len(),
            payload_bytes=pl.col("payload_bytes").sum(),
            order=pl.lit(0) if order is None else order.min(),
        )
        .sort("order", "label", nulls_last=True)
        .drop("order")
        .collect()
    )
    if table.height > _MOST_BUCKETS:
        most = table.sort("items", "label", descending=[True, False])["label"].head(_MOST_BUCKETS - 1)
        kept = pl.col("label").is_in(most.implode())
        table = table.with_columns(label=pl.when(kept).then("label").otherwise(pl.lit("…")))
        table = table.group_by("label", maintain_order=True).agg(pl.col("items", "payload_bytes").sum())
        table = pl.concat([table.filter(pl.col("label") != "…"), table.filter(pl.col("label") == "…")])
    return Distribution(
        name=name, title=title, buckets=[Bucket(**row) for row in table.iter_rows(named=True)]
    )
