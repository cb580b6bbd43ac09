import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import generate
from conformance.case import REFERENCE, USUAL, Case
from dqv import pipeline
from dqv.core.policy import RULES, dump_policy, load_policy
from dqv.core.settings import Assurance, Measuring, Settings
from dqv.reports.model import Report
from dqv.trust import coherence

CASES = generate.cases()

_FAST = 2
"""So many cases of each verdict of a rule run in `make test`; the others in `make integration`."""


def _marked() -> Iterator[Any]:
    """The cases as parameters of a test."""
    seen = Counter[tuple[str, str]]()
    for case in CASES:
        seen[case.rule, case.verdict] += 1
        late = seen[case.rule, case.verdict] > _FAST
        yield pytest.param(case, id=case.name, marks=[pytest.mark.integration] if late else [])


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy-small.toml"
    path.write_text(dump_policy(generate.small_policy()), "utf-8")
    return path


@pytest.fixture(scope="session")
def reports() -> dict[object, Report]:
    """What was reported already: several cases look at one dataset from different sides."""
    return {}


@pytest.fixture(scope="session")
def folders() -> dict[object, Path]:
    """Where a dataset was measured already: with another registration, a run goes on from its parts."""
    return {}


def _checked(case: Case, folder: Path, tmp_path: Path, policy: Path, scheduler: str) -> Report:
    generate.write(case, tmp_path)
    settings = Settings(
        source=str(folder / "dataset"),
        out=folder / "out",
        policy=str(policy),
        registration=None if case.registration is None else tmp_path / "registration.toml",
        barred=None if case.barred is None else tmp_path / "barred.csv",
        reference_date=REFERENCE,
        scheduler=scheduler,
        measuring=Measuring(limits=case.limits, assurance=Assurance(case.assurance)),
    )
    return pipeline.check(settings)


@pytest.mark.parametrize("case", list(_marked()))
def test_the_report_says_what_is_known(
    case: Case,
    tmp_path: Path,
    policy: Path,
    scheduler: str,
    reports: dict[object, Report],
    folders: dict[object, Path],
) -> None:
    data = (frozenset(case.files.items()), frozenset(case.links.items()), case.limits, case.assurance)
    same = (data, repr(case.registration), frozenset(case.beside.items()), case.barred)
    report = reports.get(same)
    if report is None:
        folder = folders.setdefault(data, tmp_path)
        report = reports[same] = _checked(case, folder, tmp_path, policy, scheduler)
    found = {finding.rule: finding for finding in report.findings}
    assert {rule: finding.verdict.value for rule, finding in found.items()} == case.verdicts
    assert {rule: (found[rule].numerator, found[rule].denominator) for rule in case.numbers} == case.numbers
    assert {
        rule: {
            each.name: (each.verdict.value, each.numerator)
            for each in found[rule].readings
            if each.name in readings
        }
        for rule, readings in case.readings.items()
    } == case.readings
    verdicts = set(case.verdicts.values())
    expected = (
        "does_not_conform" if "fail" in verdicts else "incomplete" if "indeterminate" in verdicts else "needs_review"
    )  # fmt: skip
    assert report.verdict == expected
    values = report.model_dump(mode="json", by_alias=True)
    coherence.follows(values)  # or no signature on it would verify
    coherence.of_policy(values, load_policy(str(policy)))


def test_names_are_unique_and_say_the_verdict() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.verdicts[case.rule] == case.verdict, case.name


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(RULES)
    assert set(USUAL) == set(RULES)


def test_every_measured_rule_is_seen_with_every_verdict() -> None:
    for rule in RULES:
        if rule.startswith(("scale", "resolution", "duplicates", "recency")):
            assert {case.verdicts[rule] for case in CASES} >= {"pass", "review", "fail", "indeterminate"}, (
                rule
            )


def test_the_small_policy_has_the_real_clauses() -> None:
    real, small = (each.model_dump() for each in (load_policy("jiaxing-2025-65"), generate.small_policy()))
    scales = {rule: small["rules"][rule]["threshold"] for rule in RULES if rule.startswith("scale.")}
    assert scales == {
        "scale.text": "3000 B", "scale.audio": "0.0001 h", "scale.image": "3000 B", "scale.video": "800000 B",
    }  # fmt: skip
    for policy in (real, small):
        del policy["id"], policy["title"], policy["long_text"]
        for rule in list(policy["rules"]):
            if rule.startswith("scale."):
                del policy["rules"][rule]
    assert small == real


def test_the_command_writes_every_case_and_always_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance.generate", str(tmp_path / "out")]
    subprocess.run(command, cwd=Path(generate.__file__).parent.parent, check=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "policy-small.toml",
        *(case.name for case in CASES),
    }
    for case in CASES:
        for name, content in case.files.items():
            assert (tmp_path / "out" / case.name / "dataset" / name).read_bytes() == content, (
                case.name,
                name,
            )
    expected = json.loads((tmp_path / "out" / CASES[0].name / "expected.json").read_text("utf-8"))
    assert expected["verdicts"] == CASES[0].verdicts
