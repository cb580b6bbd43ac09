from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from dqv.checks.engine import Unread
from dqv.checks.registration import rounding
from dqv.core.registration import Registration
from dqv.core.units import FLICKS_PER_SECOND
from dqv.core.verdicts import Verdict
from tests.checks.declared import ADDRESS, DAY, OBJECTS, RECORD, facts, objects, outcome, rows


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


@pytest.mark.parametrize(
    ("certificate", "verdict", "told"),
    [
        ({"in_force": True}, Verdict.PASS, ADDRESS),
        ({"valid_until": DAY}, Verdict.PASS, ADDRESS),
        ({"in_force": True, "valid_from": DAY, "valid_until": DAY}, Verdict.PASS, ADDRESS),
        ({}, Verdict.ATTESTED, "does not say whether"),
        ({"valid_from": DAY}, Verdict.ATTESTED, "does not say whether"),
        ({"in_force": False}, Verdict.FAIL, "not to be in force"),
        ({"in_force": False, "valid_until": DAY}, Verdict.FAIL, "not to be in force"),
        ({"in_force": True, "valid_until": date(2026, 6, 29)}, Verdict.FAIL, "2026-06-29"),
        ({"in_force": True, "valid_from": date(2026, 7, 1)}, Verdict.FAIL, "2026-07-01"),
    ],
)
def test_the_platform_s_word_on_the_certificate_passes_and_fails(
    certificate: dict[str, Any], verdict: Verdict, told: str
) -> None:
    record = {"certificate": {"number": "C-1", **certificate}}
    found = outcome("registration", record, platform=ADDRESS)
    assert found.verdict is verdict
    assert told in found.message.en
    assert "over TLS" in found.method.en
    from_a_file = outcome("registration", record)
    assert from_a_file.verdict is (Verdict.REVIEW if verdict is Verdict.FAIL else Verdict.ATTESTED)
    assert "TLS" not in from_a_file.message.en + from_a_file.method.en


def test_a_registration_file_without_a_certificate_fails() -> None:
    assert outcome("registration", {"certificate": None}).verdict is Verdict.FAIL
    assert outcome("registration", registration=None).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("number", "verdict"), [("C-1", Verdict.PASS), ("C-2", Verdict.FAIL), (None, Verdict.PASS)]
)
def test_a_file_must_not_name_another_certificate_than_the_platform(
    number: str | None, verdict: Verdict
) -> None:
    certificate = None if number is None else {"number": number}
    filed = Registration.model_validate({**RECORD, "certificate": certificate})
    record = {"certificate": {"number": "C-1", "in_force": True}}
    found = outcome("registration", record, platform=ADDRESS, filed=filed)
    assert found.verdict is verdict
    assert ("C-2" in found.message.en) is (number == "C-2")


def test_what_the_dataset_holds_beside_data_is_for_review_whoever_registered_it() -> None:
    record = {"certificate": {"number": "C-1", "in_force": True}}
    odd = OBJECTS.with_columns(role=pl.lit("other"))
    found = outcome("registration", record, platform=ADDRESS, objects=odd)
    assert found.verdict is Verdict.REVIEW
    assert [row["name"] for row in rows(found, "object")] == ["README.md", "metadata.csv"]


@pytest.mark.parametrize(
    ("measured", "told", "verdict"),
    [
        (
            30 * 10**9,
            "declared 35 GB, measured 30 GB, 5 GB less than declared: a person must look",
            Verdict.REVIEW,
        ),
        (36 * 10**9, "declared 35 GB, measured 36 GB, 1 GB more than declared.", Verdict.ATTESTED),
        (35 * 10**9, "declared 35 GB, measured 35 GB, as declared.", Verdict.ATTESTED),
        (345 * 10**8, "measured 34.5 GB, 500 MB less than declared.", Verdict.ATTESTED),
        (345 * 10**8 - 1, "less than declared: a person must look", Verdict.REVIEW),
    ],
)
def test_declared_scale_stands_beside_the_measured_one(measured: int, told: str, verdict: Verdict) -> None:
    found = outcome("registration", facts={"text": facts(measured)})
    assert told in found.message.en
    assert "35 GB" in found.message.zh
    assert found.verdict is verdict
    (row,) = rows(found, "scale")
    assert (row["declared"], row["measured"]) == ("35000000000", str(measured))
    assert row["difference"] == str(measured - 35 * 10**9)


@pytest.mark.parametrize(
    ("scale", "half"),
    [("35 GB", 5 * 10**8), ("35.0 GB", 5 * 10**7), ("1200 h", Fraction(1, 2)), ("3kB", 500)],
)
def test_a_declared_number_may_be_rounded_by_half_of_its_last_place(scale: str, half: Fraction) -> None:
    assert rounding(scale) == half


@pytest.mark.parametrize(
    ("more", "verdict"),
    [(4 * 10**9, Verdict.REVIEW), (45 * 10**8, Verdict.ATTESTED), (None, Verdict.ATTESTED)],
)
def test_what_was_not_read_may_be_what_the_measured_scale_lacks(more: int | None, verdict: Verdict) -> None:
    unread = facts(30 * 10**9, unread=1, bound=Unread(1, more))
    found = outcome("registration", facts={"text": unread})
    assert "without what could not be read" in found.message.en
    assert found.verdict is verdict


def test_hours_are_compared_with_hours() -> None:
    audio = replace(facts(10), duration_flicks=1100 * 3600 * FLICKS_PER_SECOND)
    found = outcome("registration", {"modalities": {"audio": {"scale": "1200 h"}}}, facts={"audio": audio})
    assert "Audio: declared 1200 h, measured 1100 h, 100 h less than declared" in found.message.en
    assert rows(found, "scale")[0]["difference"] == "-100"


def test_names_that_differ_in_their_unicode_form_alone_are_told() -> None:
    names = ["caf\u00e9.txt", "cafe\u0301.txt", "cafe.txt", "twice.txt", "twice.txt", "alone e\u0301.txt"]
    found = outcome("registration", objects=objects(*({"name": name, "format": "txt"} for name in names)))
    assert found.verdict is Verdict.REVIEW
    assert "2 names differ in nothing but their Unicode forms" in found.message.en
    assert [row["name"] for row in rows(found, "object")] == names[:2]
