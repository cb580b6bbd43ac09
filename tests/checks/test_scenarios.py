from typing import Any

import pytest

from dqv.core.registration import Registration
from dqv.core.verdicts import Verdict
from tests.checks.declared import ADDRESS, RECORD, SCENARIO, SCENARIOS, outcome, rows

THREE = [*SCENARIOS, {**SCENARIO, "title": "three", "user": "another"}]


@pytest.mark.parametrize(
    ("scenarios", "count", "verdict"),
    [
        ([], None, Verdict.FAIL),
        (SCENARIOS[:1], 1, Verdict.FAIL),
        (SCENARIOS, 2, Verdict.ATTESTED),
        (THREE, 3, Verdict.ATTESTED),
        ([{**each, "effect": None} for each in SCENARIOS], 0, Verdict.FAIL),
        ([SCENARIOS[0], {**SCENARIOS[1], "user": "待定"}], 1, Verdict.FAIL),
        ([SCENARIOS[0], {**SCENARIOS[1], "place": " - "}], 1, Verdict.FAIL),
        ([SCENARIOS[0], {**SCENARIOS[1], "task": "N/A"}], 1, Verdict.FAIL),
        ([SCENARIOS[0], {**SCENARIOS[1], "title": " ＯＮＥ"}], 1, Verdict.FAIL),
        ([SCENARIOS[0], {**SCENARIOS[0], "title": "two"}], 1, Verdict.FAIL),
        ([*SCENARIOS, {"title": "three"}], 2, Verdict.ATTESTED),
    ],
)
def test_two_complete_scenarios_that_differ_are_enough(
    scenarios: list[dict[str, Any]], count: int | None, verdict: Verdict
) -> None:
    found = outcome("scenarios", {"scenarios": scenarios})
    assert found.verdict is verdict
    assert found.numerator == found.measured == count
    assert found.limit == 2
    assert (found.next_step is None) is (verdict is Verdict.ATTESTED)


def test_what_a_scenario_lacks_is_told() -> None:
    found = outcome("scenarios", {"scenarios": [*SCENARIOS[:1], {"title": "two", "user": "u", "task": "t"}]})
    assert "lacking place, effect" in found.message.en
    assert "缺地点、成效" in found.message.zh
    assert rows(found, "scenario")[1] == {
        "name": "two",
        "status": "incomplete",
        "difference": "place, effect",
    }


@pytest.mark.parametrize(
    ("scenarios", "verdict"),
    [
        ([], Verdict.REVIEW),
        ([{"title": "one"}], Verdict.FAIL),
        ([{"title": "one"}, {"title": "two"}], Verdict.REVIEW),
        (SCENARIOS, Verdict.ATTESTED),
    ],
)
def test_a_platform_may_not_ask_for_all_fields(scenarios: list[dict[str, Any]], verdict: Verdict) -> None:
    assert outcome("scenarios", {"scenarios": scenarios}, platform=ADDRESS).verdict is verdict


def test_a_file_beside_the_platform_s_record_must_have_them() -> None:
    filed = Registration.model_validate({**RECORD, "scenarios": [{"title": "one"}, {"title": "two"}]})
    record = Registration.model_validate({**RECORD, "scenarios": []}).completed(filed)
    found = outcome("scenarios", registration=record, platform=ADDRESS, filed=filed)
    assert found.verdict is Verdict.FAIL


def test_without_a_registration_scenarios_are_for_review() -> None:
    assert outcome("scenarios", registration=None).verdict is Verdict.REVIEW
