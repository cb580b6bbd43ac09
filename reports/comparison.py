"""Two reports side by side: why they can differ, what differs, and what was declared beside what was measured.

The applicant's self-check against the bureau's verification, or one night against the next. Nothing is judged anew: every
verdict and number is one of the two reports', and a difference is B less A.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dqv.core.policy import Words
from dqv.core.units import decimal_string, parse_quantity
from dqv.core.verdicts import ReportVerdict, Verdict
from dqv.reports.load import Loaded
from dqv.reports.model import Finding, ModalityMeasurements, ReadingResult, Report

SCHEMA_ID: Literal["urn:dqv:comparison:1"] = "urn:dqv:comparison:1"

Status = Literal["new", "fixed", "changed", "unchanged"]

_WORST = (Verdict.FAIL, Verdict.INDETERMINATE, Verdict.REVIEW)
"""What leaves something to do, worst first."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(_Model):
    """One of the two reports."""

    sha256: str
    name: str | None
    role: str
    reference_date: str
    verdict: ReportVerdict
    decided_by: list[str]


class Fact(_Model):
    """One fact of how the reports came about that is not the same in both; null: absent there."""

    name: str
    a: str | None
    b: str | None


class Reason(_Model):
    """One thing in which reports may differ without the tool being wrong.

    Attributes:
        same: null where it cannot be told.
        facts: that differ.
    """

    kind: Literal[
        "data", "registration", "policy", "interpretation", "versions", "settings", "reference_date", "role",
        "assurance", "completeness", "witnesses",
    ]  # fmt: skip
    same: bool | None
    facts: list[Fact]


class Number(_Model):
    """One number in both; null where a report has none.

    Attributes:
        difference: B less A; null where one is missing.
    """

    name: str
    a: str | None
    b: str | None
    difference: str | None


class ReadingPair(_Model):
    """One reading of a rule in both reports, which differs."""

    name: str
    words: Words
    deciding: tuple[bool | None, bool | None]
    verdicts: tuple[Verdict | None, Verdict | None]
    numbers: list[Number]


class FindingPair(_Model):
    """One rule in both.

    Attributes:
        status: new: nothing was left to do in A, something is in B; fixed: the other way round; changed: anything else that
            differs; unchanged: verdict, numbers and readings are equal.
        trend: whether the verdict of B is worse or better than that of A.
        numbers: measured, threshold, numerator and denominator; those that are null in both are left out.
        readings: that differ.
        evidence: whether the evidence files are equal; null where one has none. It decides nothing: the same numbers may rest
            on other rows.
    """

    rule: str
    clause: str
    title: Words
    unit: str | None
    comparator: Literal[">=", "<="] | None
    status: Status
    trend: Literal["worse", "better", "same"]
    verdicts: tuple[Verdict | None, Verdict | None]
    numbers: list[Number]
    readings: list[ReadingPair]
    evidence: bool | None
    next_step: Words | None


class ModalityPair(_Model):
    """The measurements of one modality that differ."""

    modality: str
    same: bool
    numbers: list[Number]


class Declared(_Model):
    """What was declared of one modality beside what was measured, in each report (第十二条).

    Attributes:
        unit: byte, or hour.
        declared: as written.
        scales: the same in the unit; null where it is no quantity.
        measured: in the unit; null where the modality was not measured.
        shares: measured ÷ declared.
    """

    modality: str
    unit: str
    declared: tuple[str | None, str | None]
    scales: tuple[str | None, str | None]
    measured: tuple[str | None, str | None]
    shares: tuple[str | None, str | None]


class Comparison(_Model):
    """Two reports compared (`urn:dqv:comparison:1`).

    Attributes:
        same: verdict, findings, measurements and accounting are equal, whatever they came from.
    """

    comparison_schema: Literal["urn:dqv:comparison:1"] = Field(SCHEMA_ID, serialization_alias="schema")
    same: bool
    a: Side
    b: Side
    reasons: list[Reason]
    findings: list[FindingPair]
    measurements: list[ModalityPair]
    accounting: list[Number]
    declared: list[Declared]


def compare(a: Loaded, b: Loaded) -> Comparison:
    """Compare two reports.

    Args:
        a: the earlier one, or the applicant's.
        b: the later one, or the bureau's.
    """
    findings = _findings(a.report, b.report)
    measurements = _measurements(a.report, b.report)
    accounting = _accounting(a.report, b.report)
    return Comparison(
        same=a.report.verdict is b.report.verdict
        and all(each.status == "unchanged" for each in findings)
        and all(each.same for each in measurements)
        and all(each.a == each.b for each in accounting),
        a=_side(a),
        b=_side(b),
        reasons=_reasons(a.report, b.report),
        findings=findings,
        measurements=measurements,
        accounting=accounting,
        declared=_declared(a.report, b.report),
    )


def _side(loaded: Loaded) -> Side:
    report = loaded.report
    return Side(
        sha256=loaded.sha256,
        name=report.subject.name,
        role=report.run.role,
        reference_date=report.run.reference_date,
        verdict=report.verdict,
        decided_by=report.decided_by,
    )


# Why they can differ --------------------------------------------------------------------------------------


def _reasons(a: Report, b: Report) -> list[Reason]:
    return [
        _data(a, b),
        _reason("registration", _registration(a), _registration(b)),
        _reason("policy", *(_named(each.policy, ("id", "version", "digest")) for each in (a, b))),
        _reason("interpretation", _interpretation(a), _interpretation(b)),
        _reason("versions", a.run.versions, b.run.versions),
        _settings(a, b),
        *(
            _reason(kind, {name: getattr(a.run, name)}, {name: getattr(b.run, name)})
            for kind, name in (("reference_date",) * 2, ("role",) * 2, ("assurance",) * 2)
        ),
        _reason("completeness", _completeness(a), _completeness(b)),
        _reason("witnesses", _witnesses(a), _witnesses(b)),
    ]


def _reason(kind: Any, a: Mapping[str, str | None], b: Mapping[str, str | None]) -> Reason:
    facts = [
        Fact(name=name, a=a.get(name), b=b.get(name))
        for name in dict.fromkeys([*a, *b])
        if a.get(name) != b.get(name)
    ]
    return Reason(kind=kind, same=not facts, facts=facts)


def _data(a: Report, b: Report) -> Reason:
    """The same data has the same Merkle root; without a root, other counts show that it is other data, equal ones prove nothing."""
    found = _reason(
        "data", *(_named(each.subject, ("root_sha256", "objects", "size_bytes", "layout")) for each in (a, b))
    )
    unbound = a.subject.root_sha256 is None or b.subject.root_sha256 is None
    counted = any(each.name in ("objects", "size_bytes") for each in found.facts)
    return found.model_copy(update={"same": None}) if unbound and not counted else found


def _named(model: BaseModel, names: Iterable[str]) -> dict[str, str | None]:
    values = {name: getattr(model, name) for name in names}
    return {name: None if value is None else str(value) for name, value in values.items()}


def _registration(report: Report) -> dict[str, str | None]:
    names = (
        "name", "applicant", "uscc", "certificate", "category", "registration_sha256", "platform", "platform_sha256",
        "barred_sha256",
    )  # fmt: skip
    declared = {f"declared.{modality}": scale for modality, scale in report.subject.declared.items()}
    return _named(report.subject, names) | declared


def _interpretation(report: Report) -> dict[str, str | None]:
    """Which modalities decide, by which reading and threshold."""
    decides = {f"{name}.decides": str(each.decides).lower() for name, each in report.measurements.items()}
    readings = {
        f"{finding.rule}.{what}": value
        for finding in report.findings
        for what, value in (("deciding", _deciding(finding)), ("threshold", finding.threshold))
        if value is not None
    }
    return {**decides, **readings}


def _deciding(finding: Finding) -> str | None:
    return next((reading.name for reading in finding.readings if reading.deciding), None)


def _settings(a: Report, b: Report) -> Reason:
    found = _reason("settings", a.run.settings, b.run.settings)
    if found.facts or a.run.settings_digest == b.run.settings_digest:
        return found
    digests = ({"settings_digest": each.run.settings_digest} for each in (a, b))
    return _reason("settings", *digests)


def _completeness(report: Report) -> dict[str, str | None]:
    errors = {
        f"{outcome}.{each.modality}.{each.kind}": str(each.items)
        for outcome, all_ in (("unread", report.run.unread), ("defective", report.run.defective))
        for each in all_
    }
    tests = {f"self_test.{each.modality}": f"{each.found}/{each.planted}" for each in report.run.self_test}
    return {"complete": str(report.run.complete).lower(), **errors, **tests}


def _witnesses(report: Report) -> dict[str, str | None]:
    return {
        f"{each.name}.{each.modality}": " ".join(
            (each.status, each.version or "-", f"{each.agreed}/{each.sample}", f"-{each.disagreed}")
        )
        for each in report.run.witnesses
    }


# What differs ---------------------------------------------------------------------------------------------


def _findings(a: Report, b: Report) -> list[FindingPair]:
    left, right = ({finding.rule: finding for finding in each.findings} for each in (a, b))
    return [_pair(left.get(rule), right.get(rule)) for rule in dict.fromkeys([*left, *right])]


_FINDING_NUMBERS = ("measured", "threshold", "numerator", "denominator")


def _pair(a: Finding | None, b: Finding | None) -> FindingPair:
    one = b or a
    assert one is not None
    numbers = [each for each in _numbers(a, b, _FINDING_NUMBERS) if (each.a, each.b) != (None, None)]
    readings = _readings(a, b)
    verdicts = (a.verdict if a else None, b.verdict if b else None)
    before, after = (_badness(each) for each in verdicts)
    differs = (
        verdicts[0] is not verdicts[1] or readings or any(each.a != each.b for each in numbers)
        or (a and (a.comparator, a.unit, a.depends_on_reading)) != (b and (b.comparator, b.unit, b.depends_on_reading))
    )  # fmt: skip
    status: Status = "unchanged"
    if differs:
        status = "new" if after and not before else "fixed" if before and not after else "changed"
    files = (a and a.evidence, b and b.evidence)
    return FindingPair(
        rule=one.rule,
        clause=one.clause,
        title=one.title,
        unit=one.unit,
        comparator=one.comparator,
        status=status,
        trend="worse" if after > before else "better" if after < before else "same",
        verdicts=verdicts,
        numbers=numbers,
        readings=readings,
        evidence=files[0].digest == files[1].digest if files[0] and files[1] else None,
        next_step=b and b.next_step,
    )


def _badness(verdict: Verdict | None) -> int:
    """0: nothing is left to do; more is worse."""
    return len(_WORST) - _WORST.index(verdict) if verdict in _WORST else 0


def _readings(a: Finding | None, b: Finding | None) -> list[ReadingPair]:
    left, right = ({each.name: each for each in (finding.readings if finding else ())} for finding in (a, b))
    pairs = []
    for name in dict.fromkeys([*left, *right]):
        x, y = left.get(name), right.get(name)
        if x is None or y is None or _compared(x) != _compared(y):
            one = y or x
            assert one is not None
            pairs.append(
                ReadingPair(
                    name=name,
                    words=one.words,
                    deciding=(x and x.deciding, y and y.deciding),
                    verdicts=(x and x.verdict, y and y.verdict),
                    numbers=_numbers(x, y, _FINDING_NUMBERS),
                )
            )
    return pairs


def _compared(reading: ReadingResult) -> dict[str, Any]:
    return reading.model_dump(exclude={"words"})


def _numbers(a: BaseModel | None, b: BaseModel | None, names: Iterable[str]) -> list[Number]:
    return [
        _number(name, *(None if each is None else getattr(each, name) for each in (a, b))) for name in names
    ]


def _number(name: str, a: str | int | None, b: str | int | None) -> Number:
    apart = None if a is None or b is None else decimal_string(Fraction(b) - Fraction(a), 12)
    return Number(
        name=name, a=None if a is None else str(a), b=None if b is None else str(b), difference=apart
    )


_MEASURED = (
    "items", "objects", "stored_bytes", "payload_bytes", "text_bytes", "tokens", "hours", "silent_hours", "undecoded_items",
    "share_of_payload", "defective_items", "unread_items", "unread_bytes",
)  # fmt: skip


def _measurements(a: Report, b: Report) -> list[ModalityPair]:
    pairs = []
    for modality in dict.fromkeys([*a.measurements, *b.measurements]):
        x, y = a.measurements.get(modality), b.measurements.get(modality)
        numbers = _numbers(x, y, _MEASURED) + _flags(x, y)
        pairs.append(
            ModalityPair(
                modality=modality, same=x == y, numbers=[each for each in numbers if each.a != each.b]
            )
        )
    return pairs


def _flags(a: ModalityMeasurements | None, b: ModalityMeasurements | None) -> list[Number]:
    left, right = (each.flagged if each else {} for each in (a, b))
    return [
        _number(f"flag.{name}", left.get(name, 0), right.get(name, 0))
        for name in dict.fromkeys([*left, *right])
    ]


def _accounting(a: Report, b: Report) -> list[Number]:
    """The sums of the accounting, and the tallies that differ."""
    numbers = _numbers(a.accounting, b.accounting, ("objects", "size_bytes", "members", "member_bytes"))
    left, right = (
        {(each.outcome, each.rule): each for each in report.accounting.tallies} for report in (a, b)
    )
    for key in dict.fromkeys([*left, *right]):
        x, y = left.get(key), right.get(key)
        for name in ("objects", "size_bytes", "members", "member_bytes", "payload_bytes"):
            mine = _number(
                f"{key[0]}.{key[1]}.{name}", getattr(x, name) if x else 0, getattr(y, name) if y else 0
            )
            numbers += [mine] if mine.a != mine.b else []
    return [each for each in numbers if each.a != each.b]


def _declared(a: Report, b: Report) -> list[Declared]:
    rows = []
    for modality in dict.fromkeys([*a.subject.declared, *b.subject.declared]):
        said = (a.subject.declared.get(modality), b.subject.declared.get(modality))
        scales = (_base(said[0]), _base(said[1]))
        found = (_scale(a, modality), _scale(b, modality))
        rows.append(
            Declared(
                modality=modality,
                unit="hour" if modality == "audio" else "byte",
                declared=said,
                scales=scales,
                measured=found,
                shares=(_share(scales[0], found[0]), _share(scales[1], found[1])),
            )
        )
    return rows


def _base(declared: str | None) -> str | None:
    """A declared scale in its base unit."""
    if declared is None:
        return None
    try:
        return decimal_string(parse_quantity(declared)[0], 12)
    except ValueError:  # a report says anything
        return None


def _scale(report: Report, modality: str) -> str | None:
    """The measured scale in its base unit."""
    found = report.measurements.get(modality)
    if found is None:
        return None
    return found.hours if modality == "audio" else str(found.payload_bytes)


def _share(declared: str | None, measured: str | None) -> str | None:
    if declared is None or measured is None or not Fraction(declared):
        return None
    return decimal_string(Fraction(measured) / Fraction(declared), 12)
