"""From measurements and outcomes to the report model; no number is made here that is not in the rows."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import polars as pl

from dqv.checks.engine import Case, Outcome, Result
from dqv.checks.recency import dated
from dqv.core.errors import DEFECTIVE_KINDS
from dqv.core.policy import Policy, Words
from dqv.core.schema import MODALITIES
from dqv.core.settings import Settings
from dqv.core.units import decimal_string
from dqv.core.verdicts import report_verdict
from dqv.reports import evidence
from dqv.reports.model import (
    SCHEMA_ID,
    Accounting,
    Bucket,
    Distribution,
    ErrorCount,
    EvidenceRef,
    Finding,
    ModalityMeasurements,
    PolicyRef,
    ReadingResult,
    Report,
    Run,
    Subject,
    Tally,
)


def build(
    case: Case,
    outcomes: Sequence[Outcome],
    settings: Settings,
    *,
    out: Path,
    root_sha256: str | None,
    registration_sha256: str | None,
    versions: Mapping[str, str],
    environment: Mapping[str, str],
) -> Report:
    """Write the evidence and put the report together."""
    findings = [_finding(case, outcome, out) for outcome in outcomes]
    errors = _errors(case)
    files = [finding.evidence for finding in findings if finding.evidence is not None]
    files += [evidence.write(_error_rows(case, status), out, status) for status in errors if errors[status]]
    verdict, decided_by = report_verdict((finding.rule, finding.verdict) for finding in findings)
    values = {
        "schema": SCHEMA_ID,
        "subject": _subject(case, root_sha256, registration_sha256),
        "policy": _policy_ref(case.policy),
        "run": Run(
            role=settings.role,
            assurance=settings.measuring.assurance,
            reference_date=case.reference_date.isoformat(),
            settings_digest=settings.digest(case.reference_date),
            settings=_shown_settings(settings),
            versions=dict(versions),
            complete=not errors["unread"] and not case.unverified,
            unread=errors["unread"],
            defective=errors["defective"],
            environment=dict(environment),
        ),
        "accounting": _accounting(case),
        "measurements": _measurements(case),
        "findings": findings,
        "verdict": verdict,
        "decided_by": decided_by,
        "notices": _notices(settings, outcomes),
        "evidence": sorted(files, key=lambda file: file.path),
    }
    return Report.model_validate(values)


def _shown_settings(settings: Settings) -> dict[str, str]:
    values = {
        "assurance": settings.measuring.assurance.value,
        "text_field": settings.measuring.text_field,
        "date_field": settings.measuring.date_field,
        "modality": ", ".join(settings.modalities) or None,
    }
    limits = {f"limit.{name}": f"{value:g}" if isinstance(value, float) else str(value)
              for name, value in settings.measuring.limits}  # fmt: skip
    return {name: value for name, value in values.items() if value is not None} | limits


def _notices(settings: Settings, outcomes: Sequence[Outcome]) -> list[Words]:
    notices = [notice for outcome in outcomes for notice in outcome.notices]
    if settings.measuring.assurance == "identity":
        notices.append(
            Words(
                zh="保证级别为 identity：未读取内容，本报告不得用于申报或认定。",
                en="Assurance is identity: no content was read; this report cannot be used to file or certify.",
            )
        )
    return notices


def _finding(case: Case, outcome: Outcome, out: Path) -> Finding:
    rule = case.policy.rules[outcome.rule]
    file: EvidenceRef | None = None
    if outcome.evidence is not None:
        file = evidence.write(outcome.evidence, out, outcome.rule)
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
        readings=[_reading(result, rule.deciding) for result in outcome.results],
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


def _subject(case: Case, root_sha256: str | None, registration_sha256: str | None) -> Subject:
    objects, size = case.objects.select(pl.len(), pl.col("size_bytes").sum()).collect().row(0)
    record = case.registration
    certificate = record.certificate.number if record and record.certificate else None
    return Subject(
        root_sha256=root_sha256,
        objects=objects,
        size_bytes=size,
        name=record.name if record else None,
        applicant=record.applicant.name if record else None,
        uscc=record.applicant.uscc if record else None,
        certificate=certificate,
        registration_sha256=registration_sha256,
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
    return (
        case.items.filter(pl.col("status") == status)
        .join(case.objects.select("object", "name"), on="object")
        .sort("object", "place")
        .select("name", "place", "modality", "format", "error_kind", "error", "stored_bytes")
    )


def _accounting(case: Case) -> Accounting:
    """Each object ends in exactly one tally."""
    fates = case.items.group_by("object").agg(
        fate=pl.when((pl.col("status") == "measured").any())
        .then(pl.lit("measured"))
        .when((pl.col("status") == "defective").any())
        .then(pl.lit("defective"))
        .otherwise(pl.lit("unread")),
        kind=pl.col("error_kind").drop_nulls().first(),
    )
    role, why = pl.col("role"), pl.col("why")
    data = role == "data"
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
    table = (
        case.objects.join(fates, on="object", how="left")
        .group_by(outcome=outcome, rule=rule)
        .agg(objects=pl.len(), size_bytes=pl.col("size_bytes").sum())
        .sort("outcome", "rule")
        .collect()
    )
    tallies = [Tally.model_validate(row) for row in table.iter_rows(named=True)]
    objects, size = case.objects.select(pl.len(), pl.col("size_bytes").sum()).collect().row(0)
    if (sum(each.objects for each in tallies), sum(each.size_bytes for each in tallies)) != (objects, size):
        raise AssertionError("the accounting does not balance")
    return Accounting(objects=objects, size_bytes=size, tallies=tallies)


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
            share_of_payload=decimal_string(share, 12),
            defective_items=facts.defective,
            unread_items=facts.unread_rows,
            unread_bytes=facts.unread_stored_bytes,
            distributions=_distributions(case, modality) if facts.items else [],
        )
    return found


def _distributions(case: Case, modality: str) -> list[Distribution]:
    encodings = case.objects.select("object", "encoding")
    items = dated(case.modality(modality), case.reference_date).join(encodings, on="object", how="left")
    year = pl.col("date").dt.year().cast(pl.String).fill_null("—")
    power = pl.col("tokens").cast(pl.Float64).log(10).floor().cast(pl.Int64)
    length = (
        pl.when(pl.col("tokens") == 0).then(pl.lit("0"))
        .otherwise(pl.lit("10^") + power.cast(pl.String) + pl.lit(" … 10^") + (power + 1).cast(pl.String))
    )  # fmt: skip
    return [
        _distribution(items, "format", Words(zh="格式", en="format"), pl.col("format")),
        _distribution(items, "year", Words(zh="年份（— 为未定日期）", en="year (— is undated)"), year),
        _distribution(items, "encoding", Words(zh="编码", en="encoding"), pl.col("encoding").fill_null("—")),
        _distribution(items, "tokens", Words(zh="每条词元数", en="tokens per item"), length),
    ]


def _distribution(items: pl.LazyFrame, name: str, title: Words, label: pl.Expr) -> Distribution:
    table = (
        items.group_by(label=label)
        .agg(items=pl.len(), payload_bytes=pl.col("payload_bytes").sum())
        .sort("label")
        .collect()
    )
    return Distribution(
        name=name, title=title, buckets=[Bucket(**row) for row in table.iter_rows(named=True)]
    )
