from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from dqv.checks import CHECKS
from dqv.checks.engine import Case, ModalityFacts, Outcome, Unread
from dqv.core.policy import load_policy
from dqv.core.registration import Registration
from dqv.core.units import FLICKS_PER_SECOND
from dqv.core.verdicts import Verdict

DAY = date(2026, 6, 30)
RECORD: dict[str, Any] = {
    "name": "n",
    "applicant": {"name": "a", "uscc": "913304990000000006"},
    "certificate": {"number": "C-1"},
    "modalities": {"text": {"scale": "35 GB"}},
    "cadence": "monthly",
    "scenarios": [{"title": "one"}, {"title": "two"}],
}
OBJECTS = pl.LazyFrame(
    {
        "role": ["documentation", "metadata"],
        "name": ["README.md", "metadata.csv"],
        "size_bytes": [10, 10],
        "why": ["documentation-name", "metadata-name"],
        "format": [None, "csv"],
        "fields": [[], ["file_name", "date"]],
        "error_kind": [None, None],
        "error": [None, None],
    },
    schema_overrides={"error_kind": pl.String, "error": pl.String, "format": pl.String},
)


def facts(payload: int = 0, unread: int = 0) -> ModalityFacts:
    nothing = {name: 0 for name in ModalityFacts.__dataclass_fields__ if name != "unread"}
    return ModalityFacts(**{**nothing, "payload_bytes": payload, "unread_rows": unread}, unread=Unread(0, 0))


def outcome(rule: str, record: dict[str, Any] | None = None, case: dict[str, Any] | None = None) -> Outcome:
    """What a rule says of the usual registration, changed as told."""
    whole = Case(
        policy=load_policy("jiaxing-2025-65"),
        registration=Registration.model_validate({**RECORD, **(record or {})}),
        reference_date=DAY,
        items=pl.LazyFrame(),
        objects=OBJECTS,
        deciding=("text",),
        facts={name: facts() for name in ("text", "audio", "image", "video")},
    )
    return CHECKS[rule](replace(whole, **(case or {})))


@pytest.mark.parametrize(
    ("dates", "verdict", "told"),
    [
        ({"valid_until": date(2026, 6, 29)}, Verdict.REVIEW, "2026-06-29"),
        ({"valid_until": DAY}, Verdict.ATTESTED, ""),
        ({"valid_from": date(2026, 7, 1)}, Verdict.REVIEW, "2026-07-01"),
        ({"valid_from": DAY, "valid_until": DAY}, Verdict.ATTESTED, ""),
        ({}, Verdict.ATTESTED, ""),
    ],
)
def test_a_certificate_must_be_valid_on_the_reference_date(
    dates: dict[str, date], verdict: Verdict, told: str
) -> None:
    found = outcome("registration", {"certificate": {"number": "C-1", **dates}})
    assert found.verdict is verdict
    for message in (found.message.zh, found.message.en):
        assert told in message
        assert ("2026-06-30" in message) is bool(told)
    assert (found.next_step is None) is (verdict is Verdict.ATTESTED)


WORDS = [
    "metadata",
    "openness",
    "updates",
    "applicant",
    "category",
    "legality",
    "safeguards",
    "scenarios",
    "value",
    "privacy",
]
ADDRESS = "https://platform.example/api"


@pytest.mark.parametrize(
    ("certificate", "verdict", "told"),
    [
        ({"in_force": True}, Verdict.PASS, ADDRESS),
        ({"valid_until": DAY}, Verdict.PASS, ADDRESS),
        ({"in_force": True, "valid_from": DAY, "valid_until": DAY}, Verdict.PASS, ADDRESS),
        ({}, Verdict.ATTESTED, "does not say whether"),
        ({"valid_from": DAY}, Verdict.ATTESTED, "does not say whether"),
        ({"in_force": False}, Verdict.REVIEW, "not to be in force"),
        ({"in_force": False, "valid_until": DAY}, Verdict.REVIEW, "not to be in force"),
        ({"in_force": True, "valid_until": date(2026, 6, 29)}, Verdict.REVIEW, "2026-06-29"),
        ({"in_force": True, "valid_from": date(2026, 7, 1)}, Verdict.REVIEW, "2026-07-01"),
    ],
)
def test_a_certificate_passes_where_the_platform_itself_vouches_for_it(
    certificate: dict[str, Any], verdict: Verdict, told: str
) -> None:
    record = {"certificate": {"number": "C-1", **certificate}}
    found = outcome("registration", record, {"platform": ADDRESS})
    assert found.verdict is verdict
    assert told in found.message.en
    assert "over TLS" in found.method.en
    from_a_file = outcome("registration", record)
    assert from_a_file.verdict is (Verdict.REVIEW if verdict is Verdict.REVIEW else Verdict.ATTESTED)
    assert "TLS" not in from_a_file.message.en + from_a_file.method.en


def test_what_the_dataset_holds_beside_data_is_for_review_whoever_registered_it() -> None:
    objects = OBJECTS.with_columns(role=pl.lit("other"))
    record = {"certificate": {"number": "C-1", "in_force": True}}
    found = outcome("registration", record, {"platform": ADDRESS, "objects": objects})
    assert found.verdict is Verdict.REVIEW


@pytest.mark.parametrize("rule", WORDS)
def test_what_the_applicant_wrote_on_a_platform_passes_nothing(rule: str) -> None:
    record = {
        "certificate": {"number": "C-1", "in_force": True},
        "category": "行业专识数据集",
        "attestations": [
            {"rule": each, "statement": "s", "documents": ["a.pdf"]}
            for each in (
                "legality",
                "safeguards",
                "value",
                "openness",
                "updates",
                "privacy",
                "documentation",
                "metadata",
            )
        ],
    }
    found = outcome(rule, record, {"platform": ADDRESS})
    assert found.verdict is outcome(rule, record).verdict
    assert found.verdict in (Verdict.ATTESTED, Verdict.REVIEW)
    assert "received over TLS" in found.method.en
    assert "the registration file says" in outcome(rule, record).method.en


def test_documents_of_a_statement_are_evidence_with_their_digests() -> None:
    documents = ["a.pdf", {"name": "b.pdf", "sha256": "0a" * 32}]
    found = outcome(
        "legality", {"attestations": [{"rule": "legality", "statement": "s", "documents": documents}]}
    )
    assert found.evidence is not None
    assert found.evidence.collect().rows() == [("a.pdf", None), ("b.pdf", "0a" * 32)]
    without = outcome("legality", {"attestations": [{"rule": "legality", "statement": "s"}]})
    assert without.evidence is None


def test_a_code_is_well_formed_and_no_more() -> None:
    found = outcome("applicant")
    assert found.verdict is Verdict.ATTESTED
    assert "well-formed, no more" in found.message.en


def test_a_code_with_another_check_character_is_for_review() -> None:
    found = outcome("applicant", {"applicant": {"name": "a", "uscc": "91330400MA00000000"}})
    assert found.verdict is Verdict.REVIEW
    assert "GB 32100-2015" in found.message.en
    assert "GB 32100-2015" in found.message.zh
    assert found.next_step is not None


def test_without_a_code_the_applicant_is_for_review() -> None:
    found = outcome("applicant", {"applicant": {"name": "a", "uscc": "  "}})
    assert found.verdict is Verdict.REVIEW
    assert "not given" in found.message.en


def test_scenarios_count_by_distinct_titles() -> None:
    found = outcome("scenarios", {"scenarios": [{"title": "one"}, {"title": " one "}]})
    assert found.verdict is Verdict.FAIL
    assert found.numerator == found.measured == 1
    assert outcome("scenarios").verdict is Verdict.ATTESTED


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (30 * 10**9, "declared 35 GB, measured 30 GB, 5 GB less than declared"),
        (36 * 10**9, "declared 35 GB, measured 36 GB, 1 GB more than declared"),
        (35 * 10**9, "declared 35 GB, measured 35 GB, as declared"),
    ],
)
def test_declared_scale_stands_beside_the_measured_one(measured: int, told: str) -> None:
    found = outcome("registration", case={"facts": {"text": facts(measured)}})
    assert told in found.message.en
    assert "35 GB" in found.message.zh
    assert found.verdict is Verdict.ATTESTED


def test_what_was_not_read_is_not_in_the_measured_scale() -> None:
    found = outcome("registration", case={"facts": {"text": facts(10, unread=1)}})
    assert "without what could not be read" in found.message.en


def test_hours_are_compared_with_hours() -> None:
    audio = replace(facts(10), duration_flicks=1100 * 3600 * FLICKS_PER_SECOND)
    found = outcome(
        "registration", {"modalities": {"audio": {"scale": "1200 h"}}}, case={"facts": {"audio": audio}}
    )
    assert "Audio: declared 1200 h, measured 1100 h, 100 h less than declared" in found.message.en


@pytest.mark.parametrize("rule", ["updates", "metadata"])
def test_a_statement_is_told_and_changes_no_verdict(rule: str) -> None:
    statement = {"rule": rule, "statement": "secret words", "documents": ["a.pdf", "b.pdf"]}
    without, found = outcome(rule), outcome(rule, {"attestations": [statement]})
    assert found.verdict is without.verdict
    assert found.message.en == f"{without.message.en} The applicant made a statement and names 2 documents."
    assert found.message.zh == f"{without.message.zh}申报单位作了说明，所列证明文件 2 份。"


@pytest.mark.parametrize("rule", ["updates", "metadata"])
def test_a_statement_makes_nothing_of_what_is_absent(rule: str) -> None:
    record = {"cadence": None, "attestations": [{"rule": rule, "statement": "so it is"}]}
    without = outcome(rule, {"cadence": None}, {"objects": OBJECTS.head(0)})
    found = outcome(rule, record, {"objects": OBJECTS.head(0)})
    assert found.verdict is without.verdict
    assert found.message.en.endswith("names 0 documents.")


def test_names_that_differ_in_their_unicode_form_alone_are_told() -> None:
    names = ["caf\u00e9.txt", "cafe\u0301.txt", "cafe.txt", "twice.txt", "twice.txt", "alone e\u0301.txt"]
    objects = pl.LazyFrame(
        {
            "role": ["data"] * 6, "name": names, "size_bytes": [1] * 6, "why": ["format-txt"] * 6, "format": ["txt"] * 6,
            "fields": [[]] * 6, "error_kind": [None] * 6, "error": [None] * 6,
        },
        schema_overrides={"error_kind": pl.String, "error": pl.String},
    )  # fmt: skip
    found = outcome("registration", case={"objects": objects})
    assert found.verdict is Verdict.REVIEW
    assert "2 names differ in nothing but their Unicode forms" in found.message.en
    assert found.evidence is not None
    assert found.evidence.collect()["name"].to_list() == names[:2]
