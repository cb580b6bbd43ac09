"""Verdicts of findings and of a report, and how one follows from the other."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """The verdict of one finding."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    REVIEW = "review"
    ATTESTED = "attested"
    INDETERMINATE = "indeterminate"


class ReportVerdict(StrEnum):
    """The verdict of a report; dqv never says "certified": experts decide that."""

    DOES_NOT_CONFORM = "does_not_conform"
    INCOMPLETE = "incomplete"
    NEEDS_REVIEW = "needs_review"
    NO_CLAUSE_FAILS = "no_clause_fails"


_DECIDES = (
    (Verdict.FAIL, ReportVerdict.DOES_NOT_CONFORM),
    (Verdict.INDETERMINATE, ReportVerdict.INCOMPLETE),
    (Verdict.REVIEW, ReportVerdict.NEEDS_REVIEW),
)


def report_verdict(findings: Iterable[tuple[str, Verdict]]) -> tuple[ReportVerdict, list[str]]:
    """Any fail decides, else any indeterminate, else any review, else no clause fails.

    Args:
        findings: (rule, verdict) in the order of the report.

    Returns:
        The verdict and the rules that decide it, in the order given.
    """
    pairs = list(findings)
    for finding_verdict, verdict in _DECIDES:
        rules = [rule for rule, found in pairs if found is finding_verdict]
        if rules:
            return verdict, rules
    return ReportVerdict.NO_CLAUSE_FAILS, []


def exit_code(verdict: ReportVerdict, *, strict: bool) -> int:
    """0 no clause fails, 1 a clause fails, 3 incomplete; with `strict`, review is 5."""
    if verdict is ReportVerdict.DOES_NOT_CONFORM:
        return 1
    if verdict is ReportVerdict.INCOMPLETE:
        return 3
    if verdict is ReportVerdict.NEEDS_REVIEW and strict:
        return 5
    return 0
