"""A report that a trusted key signed and that contradicts itself, or its policy, does not verify."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dqv.core.policy import RULES, load_policy
from dqv.core.units import decimal_string
from tests.trust.signed import assert_fails_at, findings, make, report, verify

NEAR = RULES.index("duplicates.text")
Findings = list[dict[str, Any]]


def measured(
    verdict: str, value: str | None, *, numerator: str | None = None, denominator: str | None = None
) -> Findings:
    """All findings, that on duplicates of text measured and of this verdict."""
    rule = load_policy("jiaxing-2025-65").rules["duplicates.text"]
    found = findings()
    numbers = {"measured": value, "numerator": numerator, "denominator": denominator}
    holds = value is not None and float(value) <= 0.05
    found[NEAR] |= numbers | {
        "verdict": verdict,
        "readings": [
            numbers
            | {
                "name": each.name, "words": each.words.model_dump(), "deciding": each.name == rule.deciding,
                "threshold": decimal_string(rule.limit(each), 12), "verdict": "pass" if holds else "fail",
            }
            for each in rule.readings
        ],
    }  # fmt: skip
    return found


def changed(**changes: Any) -> Callable[[Findings], Any]:
    return lambda found: found[NEAR].update(changes)


@pytest.mark.parametrize(
    ("verdict", "value", "comes_to"),
    [
        ("pass", "0.05", "no_clause_fails"),
        ("fail", "0.35", "does_not_conform"),
        ("review", "0.35", "needs_review"),
        ("review", "0.01", "needs_review"),
        ("indeterminate", "0.01", "incomplete"),
        ("indeterminate", None, "incomplete"),
    ],
)
def test_what_follows_verifies(tmp_path: Path, verdict: str, value: str | None, comes_to: str) -> None:
    decided_by = [] if verdict == "pass" else ["duplicates.text"]
    path = make(tmp_path, findings=measured(verdict, value), verdict=comes_to, decided_by=decided_by)
    result = verify(path)
    assert result.holds, result.steps[-1]
    assert result.steps[5].holds is True
    assert comes_to in result.steps[5].detail


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed(verdict="pass"), "duplicates.text is pass, and 0.35 is not <= 0.05"),
        (changed(verdict="attested"), "duplicates.text is attested, and 0.35 is not <= 0.05"),
        (changed(verdict="not_applicable"), "duplicates.text is not_applicable, and 0.35 is not <= 0.05"),
        (changed(verdict="pass", measured="0.03"), "duplicates.text is pass, and 35 / 100 is not <= 0.05"),
        (changed(verdict="pass", measured=None), "duplicates.text is pass, and nothing was measured"),
        (
            changed(verdict="pass", threshold="0.5"),
            "duplicates.text has another threshold than follows from the policy",
        ),
        (
            changed(verdict="pass", comparator=">="),
            "duplicates.text has another comparator than follows from the policy: '>=', not '<='",
        ),
        (
            changed(verdict="pass", measured="0", numerator=None, denominator=None),
            "duplicates.text has another measured than follows from the policy: '0', not '0.35'",
        ),
        (
            changed(verdict="pass", measured="0", numerator=None, readings=[]),
            "duplicates.text is pass, and has no readings",
        ),
        (changed(clause="8(四)"), "another clause"),
        (changed(title={"zh": "x", "en": "x"}), "another title"),
        (changed(clause_text={"zh": "数据重复率不高于 50%", "en": "x"}), "another clause_text"),
        (changed(unit="byte"), "another unit"),
        (lambda found: found.clear(), "0 findings of the policy's rule scale.text, not one"),
        (lambda found: found.pop(NEAR), "0 findings of the policy's rule duplicates.text"),
        (lambda found: found.append(found[NEAR]), "2 findings of the policy's rule duplicates.text"),
        (lambda found: found.append(found[NEAR] | {"rule": "x"}), "'x', which is no rule of the policy"),
        (lambda found: found[NEAR]["readings"].pop(), "another readings"),
        (
            lambda found: found[NEAR]["readings"][1].update(threshold="0.5"),
            "duplicates.text has another threshold of the reading exact",
        ),
        (lambda found: found[NEAR]["readings"][0].update(deciding=False), "none decides, by the policy"),
        (
            lambda found: [each.update(deciding=each["name"] == "exact") for each in found[NEAR]["readings"]],
            "exact decides, by the policy it is near or paragraphs",
        ),
    ],
)
def test_what_contradicts_itself_or_its_policy_is_refused(
    tmp_path: Path, change: Callable[[Findings], Any], said: str
) -> None:
    found = measured("fail", "0.35", numerator="35", denominator="100")
    change(found)
    fails = [each["rule"] for each in found if each["verdict"] == "fail"]
    verdict = "does_not_conform" if fails else "no_clause_fails"
    path = make(tmp_path, findings=found, verdict=verdict, decided_by=fails)
    assert_fails_at(verify(path), 6, said)


def test_a_pass_over_the_reading_of_paragraphs_verifies(tmp_path: Path) -> None:
    found = measured("pass", "0.01")
    for each in found[NEAR]["readings"]:
        each["deciding"] = each["name"] == "paragraphs"
    assert verify(make(tmp_path, findings=found)).holds


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"verdict": "no_clause_fails", "decided_by": []},
            "verdict is no_clause_fails, and its findings come to does_not_conform by duplicates.text",
        ),
        (
            {"verdict": "does_not_conform", "decided_by": ["recency"]},
            "decided by recency, and by its findings it is by duplicates.text",
        ),
    ],
)
@pytest.mark.parametrize("policy", ["jiaxing-2025-65", "own"])
def test_a_verdict_that_does_not_follow_is_refused_whatever_the_policy(
    tmp_path: Path, changes: dict[str, Any], said: str, policy: str
) -> None:
    ref = report(None)["policy"] | {"id": policy}
    path = make(tmp_path, findings=measured("fail", "0.35"), policy=ref, **changes)
    assert_fails_at(verify(path), 6, said)


def test_a_pass_against_its_own_numbers_is_refused_whatever_the_policy(tmp_path: Path) -> None:
    ref = report(None)["policy"] | {"id": "own"}
    assert_fails_at(verify(make(tmp_path, findings=measured("pass", "0.35"), policy=ref)), 6, "0.35 is not")


def test_hours_are_rounded_and_their_quotient_is_not_held_against_a_pass(tmp_path: Path) -> None:
    found = measured("pass", "0.05", numerator="0.000000000001", denominator="0.00000000001")
    assert verify(make(tmp_path, findings=found)).holds
