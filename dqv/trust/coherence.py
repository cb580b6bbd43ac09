"""Whether a report says one thing: its verdict follows from its findings, these from their numbers and from the policy.

A signature says who wrote a report, not that dqv did: the holder of a trusted key can sign any. What is looked at here can be
told from the report alone. Doubt makes a review of what would pass, so it is a pass alone (or what is attested or does not
apply) that a number contradicts.
"""

from collections import Counter
from fractions import Fraction
from typing import Any

from dqv.core.errors import TrustError
from dqv.core.policy import RULES, Policy, Reading, Rule
from dqv.core.units import decimal_string
from dqv.core.verdicts import Verdict, report_verdict

_PLACES = 12
"""After the point, of numbers in a report. Rounding keeps the order, so what is rounded alike can be compared."""

_MOST_SHOWN = 200
"""Characters of what differs."""

_UNHARMED = (Verdict.PASS, Verdict.ATTESTED, Verdict.NOT_APPLICABLE)


def follows(report: dict[str, Any]) -> None:
    """Whatever the policy: findings do not contradict their own numbers, and the verdict follows from them.

    Args:
        report: keeps its schema.

    Raises:
        TrustError: names the rule and what differs.
    """
    for finding in report["findings"]:
        _number(finding)
    pairs = [(each["rule"], Verdict(each["verdict"])) for each in report["findings"]]
    verdict, decided_by = report_verdict(pairs)
    if report["verdict"] != verdict:
        raise TrustError(
            f"the report's verdict is {report['verdict']}, and its findings come to {verdict.value}"
            + (f" by {', '.join(decided_by)}" if decided_by else "")
        )
    if report["decided_by"] != decided_by:
        raise TrustError(
            f"the report is decided by {_told(report['decided_by'])}, and by its findings it is by {_told(decided_by)}"
        )


def of_policy(report: dict[str, Any], policy: Policy) -> None:
    """The findings are the policy's rules, each once, with its clauses, thresholds, comparators and readings.

    Args:
        report: keeps its schema.
        policy: that it was measured by.

    Raises:
        TrustError: names the rule and what differs.
    """
    found = Counter(finding["rule"] for finding in report["findings"])
    for rule in RULES:
        if found[rule] != 1:
            raise TrustError(f"the report has {found[rule]} findings of the policy's rule {rule}, not one")
    for finding in report["findings"]:
        name = finding["rule"]
        if name not in policy.rules:
            raise TrustError(f"the report has a finding {name!r}, which is no rule of the policy")
        _rule(finding, policy, policy.rules[name])


def _number(finding: dict[str, Any]) -> None:
    """What was measured, and the integers behind a rate, against the threshold that the finding itself names."""
    verdict, threshold, comparator = Verdict(finding["verdict"]), finding["threshold"], finding["comparator"]
    if verdict not in _UNHARMED or threshold is None or comparator is None:
        return
    if verdict is Verdict.PASS and finding["measured"] is None:
        raise TrustError(f"the finding {finding['rule']} is pass, and nothing was measured")
    limit = Fraction(threshold)
    values = [(finding["measured"], finding["measured"])]
    numerator, denominator = finding["numerator"], finding["denominator"]
    if _whole(numerator) and _whole(denominator) and int(denominator):
        share = decimal_string(Fraction(int(numerator), int(denominator)), _PLACES)
        values.append((share, f"{numerator} / {denominator}"))
    for value, shown in values:
        if value is None:
            continue
        holds = Fraction(value) >= limit if comparator == ">=" else Fraction(value) <= limit
        if not holds:
            raise TrustError(
                f"the finding {finding['rule']} is {verdict.value}, and {shown} is not {comparator} {threshold}"
            )


def _whole(number: str | None) -> bool:
    """Hours are rounded, so a quotient of them is not exact."""
    return number is not None and "." not in number


def _rule(finding: dict[str, Any], policy: Policy, rule: Rule) -> None:
    name, readings = finding["rule"], finding["readings"]
    _same(name, "clause", finding["clause"], rule.clause)
    _same(name, "clause_text", finding["clause_text"], policy.clauses[rule.clause].model_dump())
    _same(name, "title", finding["title"], rule.title.model_dump())
    _same(name, "comparator", finding["comparator"], rule.comparator)
    _same(name, "unit", finding["unit"], rule.unit)
    if not readings:
        if rule.readings and finding["verdict"] in (Verdict.PASS, Verdict.FAIL):
            raise TrustError(f"the finding {name} is {finding['verdict']}, and has no readings")
        _same(name, "threshold", finding["threshold"], _limit(rule))
        return
    _same(name, "readings", [each["name"] for each in readings], [each.name for each in rule.readings])
    for each, reading in zip(readings, rule.readings, strict=True):
        _same(name, f"threshold of the reading {reading.name}", each["threshold"], _limit(rule, reading))
        if each["deciding"]:
            _same(name, "threshold", finding["threshold"], each["threshold"])
            _same(name, "measured", finding["measured"], each["measured"])
            if finding["verdict"] == Verdict.PASS:
                _same(name, f"verdict of the reading {reading.name}", each["verdict"], Verdict.PASS.value)
    deciding = [each["name"] for each in readings if each["deciding"]]
    # Where long texts hold much of the data, the reading over paragraphs decides.
    may = [each.name for each in rule.readings if each.name == rule.deciding or each.measure == "paragraphs"]
    if len(deciding) != 1 or deciding[0] not in may:
        raise TrustError(
            f"of the finding {name} {_told(deciding)} decides, by the policy it is {' or '.join(may)}"
        )


def _limit(rule: Rule, reading: Reading | None = None) -> str | None:
    return None if rule.threshold is None else decimal_string(rule.limit(reading), _PLACES)


def _same(rule: str, what: str, found: object, wanted: object) -> None:
    if found != wanted:
        shown, policy_has = (f"{each!r}"[:_MOST_SHOWN] for each in (found, wanted))
        raise TrustError(
            f"the finding {rule} has another {what} than follows from the policy: {shown}, not {policy_has}"
        )


def _told(names: list[str]) -> str:
    return ", ".join(names) or "none"
