"""report.json (`urn:dqv:report:1`): the truth; everything else shows it.

Numbers: item counts and byte counts are integers below 2^53; measured values, thresholds, numerators
and denominators are decimal strings (RFC 8785 knows no other safe form). No floats anywhere.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dqv.core.policy import Words
from dqv.core.settings import Layout
from dqv.core.verdicts import ReportVerdict, Verdict

SCHEMA_ID = "urn:dqv:report:1"

DecimalString = Annotated[str, Field(pattern=r"^-?[0-9]+([.][0-9]+)?$", max_length=64)]
"""A number as RFC 8785 cannot bend it, and of a length that anyone can calculate with."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(_Model):
    """What was checked: the dataset's binding and what its registration says of it."""

    root_sha256: str | None = Field(
        description="RFC 9162 Merkle root over path, size, sha256; null unless every object was read"
    )
    root_sm3: str | None = Field(None, description="of the same records, by SM3; null where the other is")
    objects: int
    size_bytes: int
    layout: Layout = Field(description="how the dataset is laid out")
    name: str | None
    applicant: str | None
    uscc: str | None
    certificate: str | None
    registration_sha256: str | None = Field(description="of the registration file, hex")
    platform: str | None = Field(
        description="address of the platform that gave the registration over TLS; null without one"
    )
    platform_sha256: str | None = Field(
        description="of the platform's answers as received, hex: the RFC 8785 form of each, one a line, in the order asked"
    )
    barred_sha256: str | None = Field(
        None, description="of the bar list (第十二条), hex; null where none was given"
    )
    category: str | None
    declared: dict[str, str] = Field(description="modality → declared scale")


class PolicyRef(_Model):
    """The rule book used."""

    id: str
    version: str
    digest: str
    document: str
    title: Words
    status: Words
    in_force_from: str
    in_force_until: str | None


class ErrorCount(_Model):
    """Items of one modality with one kind of error."""

    modality: str
    kind: str
    items: int
    stored_bytes: int


class Disagreement(_Model):
    """One fact that a witness sees otherwise."""

    name: str
    place: int
    fact: str
    ours: str
    theirs: str


class Witness(_Model):
    """What other software says of a sample of one modality, measured anew."""

    name: str
    version: str | None
    modality: str
    status: Literal["run", "not_run"]
    seed: int = Field(description="draws the sample, with the data")
    sample: int = Field(description="items asked about")
    agreed: int
    disagreed: int
    unanswered: int
    mean_difference: str | None = Field(None, description="of pairs of texts: mean of ours less theirs")
    tolerance: Words
    disagreements: list[Disagreement] = Field(description="at most 20; all are in evidence/witness.parquet")


class SelfTest(_Model):
    """Planted duplicates of one modality that went through the same stages as the data, and were not counted."""

    modality: str
    planted: int
    found: int = Field(description="where it is less, the run is not complete")


class Run(_Model):
    """How it was measured.

    Only `environment` may differ between two runs over the same data; `witnesses` too where the system's FFmpeg is
    another, is missing, or did not answer in time.
    """

    role: str
    assurance: str
    reference_date: str
    settings_digest: str
    settings: dict[str, str]
    versions: dict[str, str]
    complete: bool
    self_test: list[SelfTest] = []
    witnesses: list[Witness] = []
    unread: list[ErrorCount]
    defective: list[ErrorCount]
    environment: dict[str, str]


class Tally(_Model):
    """Objects and members of archives that ended one way."""

    outcome: Literal["measured", "defective", "unread", "not_data", "ignored"]
    rule: str = Field(description="the named rule, role or format behind it")
    objects: int
    size_bytes: int = Field(description="of the objects, as they are stored")
    members: int = Field(0, description="inside archives")
    member_bytes: int = Field(0, description="of the members, as they come out of their archives")
    payload_bytes: int = Field(0, description="of the items measured in them")


class Accounting(_Model):
    """Every object, and every member of an archive, ends in exactly one tally; the sums equal the source."""

    objects: int
    size_bytes: int
    members: int = 0
    member_bytes: int = 0
    tallies: list[Tally]


class Bucket(_Model):
    """One bar of a distribution."""

    label: str
    items: int
    payload_bytes: int


class Distribution(_Model):
    """How a modality's measured items spread over one property."""

    name: str
    title: Words
    buckets: list[Bucket]


class ModalityMeasurements(_Model):
    """One modality, measured."""

    declared: bool
    decides: bool
    items: int
    objects: int
    stored_bytes: int
    payload_bytes: int
    text_bytes: int
    tokens: int
    hours: DecimalString | None = Field(None, description="of sound and video")
    silent_hours: DecimalString | None = Field(None, description="below the level of silence; of audio alone")
    undecoded_items: int = Field(0, description="of which only headers were read")
    flagged: dict[str, int] = Field({}, description="flag → items: padding, static, looped, bars")
    share_of_payload: DecimalString
    defective_items: int
    unread_items: int
    unread_bytes: int
    distributions: list[Distribution]


class ReadingResult(_Model):
    """One way to read the rule, computed."""

    name: str
    words: Words
    deciding: bool
    measured: DecimalString | None
    numerator: DecimalString | None
    denominator: DecimalString | None
    threshold: DecimalString
    verdict: Verdict


class EvidenceRef(_Model):
    """A Parquet file beside the report."""

    path: str
    digest: str = Field(description="sha256 of the file, hex")
    rows: int
    total: int = Field(description="rows there would be without a cap")


class Finding(_Model):
    """One rule's result."""

    rule: str
    clause: str
    clause_text: Words
    title: Words
    verdict: Verdict
    measured: DecimalString | None
    threshold: DecimalString | None
    comparator: Literal[">=", "<="] | None
    unit: str | None
    numerator: DecimalString | None
    denominator: DecimalString | None
    population: Words | None
    readings: list[ReadingResult]
    depends_on_reading: bool
    method: Words
    evidence: EvidenceRef | None
    message: Words
    next_step: Words | None


class CrosswalkRow(_Model):
    """One indicator of another standard, and what this report says of it."""

    standard: str
    indicator: str = Field(description="its number there; empty where it has none")
    title: Words
    status: Literal["measured", "attested", "not_assessed"]
    rules: list[str] = Field(description="whose findings speak to it")
    measurements: list[str] = Field([], description="what else of the report does")
    note: Words | None = None


class Crosswalk(_Model):
    """Indicators of other standards beside this report: informative, no verdict rests on it."""

    informative: Literal[True] = True
    source: Words = Field(description="where the indicators are from, and what that is worth")
    rows: list[CrosswalkRow]


class Report(_Model):
    """A whole report."""

    report_schema: Literal["urn:dqv:report:1"] = Field(alias="schema")
    subject: Subject
    policy: PolicyRef
    run: Run
    accounting: Accounting
    measurements: dict[str, ModalityMeasurements]
    findings: list[Finding]
    verdict: ReportVerdict
    decided_by: list[str]
    notices: list[Words] = Field(description="what the first screen must say besides the verdict")
    evidence: list[EvidenceRef]
    crosswalk: Crosswalk | None = Field(None, description="null in reports of before it was there")
