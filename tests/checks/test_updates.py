from datetime import date, timedelta
from typing import Any

import pytest

from dqv.core.registration import Attached, Registration
from dqv.core.verdicts import Verdict
from tests.checks.declared import ADDRESS, DAY, DIGEST, RECORD, items, outcome, rows


def months(*numbers: int, year: int = 2026) -> list[date]:
    return [date(year, number, 15) for number in numbers]


@pytest.mark.parametrize(
    ("days", "verdict", "told"),
    [
        (months(1, 2, 3, 4, 5, 6), Verdict.ATTESTED, "6 of 6 periods have data (100 %)"),
        (months(1, 3, 6), Verdict.ATTESTED, "3 of 6 periods have data (50 %)"),
        (months(1, 6), Verdict.REVIEW, "Most of the periods have no data"),
        (months(3, 4), Verdict.ATTESTED, "2 of 4 periods"),
        (months(2, 3), Verdict.REVIEW, "from 3 periods before"),
        (months(4), Verdict.REVIEW, "1 of 3 periods have data (33.333 %)"),
    ],
)
def test_the_dates_of_the_data_stand_beside_the_cadence(
    days: list[date], verdict: Verdict, told: str
) -> None:
    found = outcome("updates", items=items(*days))
    assert found.verdict is verdict
    assert told in found.message.en
    assert (found.next_step is None) is (verdict is Verdict.ATTESTED)


@pytest.mark.parametrize(
    ("cadence", "last", "verdict"),
    [
        ("每日", DAY - timedelta(2), Verdict.ATTESTED),
        ("每日", DAY - timedelta(3), Verdict.REVIEW),
        ("weekly", date(2026, 6, 15), Verdict.ATTESTED),  # a Monday, two weeks before that of 2026-06-29
        ("weekly", date(2026, 6, 14), Verdict.REVIEW),
        ("P1M", date(2026, 4, 1), Verdict.ATTESTED),
        ("P1M", date(2026, 3, 31), Verdict.REVIEW),
        ("每季度", date(2025, 10, 1), Verdict.ATTESTED),
        ("每季度", date(2025, 9, 30), Verdict.REVIEW),
        ("每半年", date(2025, 1, 1), Verdict.ATTESTED),
        ("每半年", date(2024, 12, 31), Verdict.REVIEW),
        ("yearly", date(2024, 1, 1), Verdict.ATTESTED),
        ("yearly", date(2023, 12, 31), Verdict.REVIEW),
    ],
)
def test_the_newest_data_may_be_two_periods_old(cadence: str, last: date, verdict: Verdict) -> None:
    days = [last - timedelta(number) for number in range(1000)]  # no period before is without data
    found = outcome("updates", {"cadence": cadence}, items=items(*days))
    assert found.verdict is verdict
    assert ("periods before" in found.message.en) is (verdict is Verdict.REVIEW)


def test_only_dates_in_the_window_count() -> None:
    first = date(2021, 6, 30)
    for day, told in (
        (first, "2021-06-30 to 2021-06-30"),
        (first - timedelta(1), "No data is dated to the window"),
    ):
        found = outcome("updates", {"cadence": "yearly"}, items=items(day))
        assert told in found.message.en
        assert found.verdict is Verdict.REVIEW
    beyond = outcome("updates", items=items(DAY + timedelta(1)))
    assert "1 items are undated" in beyond.message.en


def test_what_was_modified_later_was_updated() -> None:
    later = items(*months(1, 1), date_modified=[None, date(2026, 6, 1)])
    found = outcome("updates", {"cadence": "每季度"}, items=later)
    assert found.verdict is Verdict.ATTESTED
    assert [(row["name"], row.get("items")) for row in rows(found, "period")] == [
        ("2026-01-01", 2),
        ("2026-04-01", 1),
    ]


def test_periods_without_data_are_evidence_too() -> None:
    found = outcome("updates", items=items(*months(4, 6, 6), None))
    assert [(row["name"], row["items"], row["share"], row["status"]) for row in rows(found, "period")] == [
        ("2026-04-01", 1, "0.333333", "data"), ("2026-05-01", 0, "0", "none"), ("2026-06-01", 2, "0.666667", "data"),
    ]  # fmt: skip
    assert "1 items are undated" in found.message.en


NOTHING: dict[str, Any] = {"cadence": None, "attestations": []}
STATED: dict[str, Any] = {**NOTHING, "attestations": [{"rule": "updates", "statement": "monthly"}]}


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (NOTHING, Verdict.FAIL),
        (STATED, Verdict.REVIEW),
        ({"cadence": "不定期"}, Verdict.FAIL),
        ({"cadence": "as needed"}, Verdict.FAIL),
        ({"cadence": "随缘"}, Verdict.REVIEW),
        ({"cadence": "不再更新，此前每月更新"}, Verdict.REVIEW),
        ({"cadence": "Static corpus of monthly reports; no updates"}, Verdict.REVIEW),
        ({"cadence": "not updated monthly"}, Verdict.REVIEW),
        ({"cadence": "每月不更新"}, Verdict.REVIEW),
        ({**NOTHING, "cadence": "monthly"}, Verdict.ATTESTED),
    ],
)
def test_what_is_declared_of_updates(record: dict[str, Any], verdict: Verdict) -> None:
    found = outcome("updates", record)
    assert found.verdict is verdict
    assert "6 of 6 periods have data" in found.message.en
    on_a_platform = outcome("updates", record, platform=ADDRESS).verdict
    assert on_a_platform is (Verdict.REVIEW if record is NOTHING else verdict)


def test_a_file_that_says_nothing_fails_though_the_platform_answered() -> None:
    filed = Registration.model_validate({**RECORD, **NOTHING})
    assert outcome("updates", NOTHING, platform=ADDRESS, filed=filed).verdict is Verdict.FAIL


def test_without_a_registration_or_dates_a_person_looks() -> None:
    assert outcome("updates", registration=None).verdict is Verdict.REVIEW
    found = outcome("updates", items=items(None))
    assert found.verdict is Verdict.REVIEW
    assert "No date in the data lies in the window" in found.message.en


@pytest.mark.parametrize(
    ("attached", "verdict"), [({}, Verdict.FAIL), ({"a.pdf": Attached(1, DIGEST)}, Verdict.ATTESTED)]
)
def test_a_document_of_the_statement_must_be_there(attached: dict[str, Attached], verdict: Verdict) -> None:
    assert outcome("updates", attached=attached).verdict is verdict
