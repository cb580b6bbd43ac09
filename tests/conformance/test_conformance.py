import json
from pathlib import Path

import pytest

from conformance import generate
from conformance.generate import Case
from dqv import pipeline
from dqv.core.policy import RULES, dump_policy, load_policy
from dqv.core.settings import Measuring, Settings

CASES = generate.cases()


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy-small.toml"
    path.write_text(dump_policy(generate.small_policy()), "utf-8")
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_report_says_what_is_known(case: Case, tmp_path: Path, policy: Path, scheduler: str) -> None:
    generate.write(case, tmp_path)
    settings = Settings(
        source=str(tmp_path / "dataset"),
        out=tmp_path / "out",
        policy=str(policy),
        registration=None if case.registration is None else tmp_path / "registration.toml",
        reference_date=generate.REFERENCE,
        scheduler=scheduler,
        measuring=Measuring(limits=case.limits),
    )
    report = pipeline.check(settings)
    found = {finding.rule: finding for finding in report.findings}
    assert {rule: finding.verdict.value for rule, finding in found.items()} == case.verdicts
    assert {rule: (found[rule].numerator, found[rule].denominator) for rule in case.numbers} == case.numbers
    verdicts = set(case.verdicts.values())
    expected = (
        "does_not_conform" if "fail" in verdicts else "incomplete" if "indeterminate" in verdicts else "needs_review"
    )  # fmt: skip
    assert report.verdict == expected


def test_names_are_unique_and_say_the_verdict() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.verdicts[case.rule] == case.verdict, case.name


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(RULES)
    assert set(generate.USUAL) == set(RULES)


def test_the_small_policy_has_the_real_clauses() -> None:
    real, small = (each.model_dump() for each in (load_policy("jiaxing-2025-65"), generate.small_policy()))
    assert small["rules"]["scale.text"]["threshold"] == "3000 B"
    for policy in (real, small):
        del policy["id"], policy["title"], policy["long_text"]
        for rule in list(policy["rules"]):
            if rule.startswith("scale."):
                del policy["rules"][rule]
    assert small == real


def test_the_command_writes_every_case(tmp_path: Path) -> None:
    assert generate.main([str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "policy-small.toml",
        *(case.name for case in CASES),
    }
    expected = json.loads((tmp_path / "out" / CASES[0].name / "expected.json").read_text("utf-8"))
    assert expected["verdicts"] == CASES[0].verdicts
