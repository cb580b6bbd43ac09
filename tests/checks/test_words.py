from typing import Any

import pytest

from dqv.core.verdicts import Verdict
from tests.checks.declared import OBJECTS, outcome


@pytest.mark.parametrize("rule", ["metadata"])
def test_a_statement_is_told_and_changes_no_verdict(rule: str) -> None:
    statement = {"rule": rule, "statement": "secret words", "documents": ["a.pdf", "b.pdf"]}
    without, found = outcome(rule, {"attestations": []}), outcome(rule, {"attestations": [statement]})
    assert found.verdict is without.verdict
    assert found.message.en == f"{without.message.en} The applicant made a statement and names 2 documents."
    assert found.message.zh == f"{without.message.zh}申报单位作了说明，所列证明文件 2 份。"


@pytest.mark.parametrize("rule", ["metadata"])
def test_a_statement_makes_nothing_of_what_is_absent(rule: str) -> None:
    record: dict[str, Any] = {"attestations": [{"rule": rule, "statement": "so it is"}]}
    found = outcome(rule, record, objects=OBJECTS.head(0))
    assert found.verdict is Verdict.FAIL
    assert found.message.en.endswith("names 0 documents.")
