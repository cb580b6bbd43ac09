"""What report.html, report.pdf and the terminal show of a report, and how its numbers are written for people."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from dqv.core.policy import RULES
from dqv.core.units import human
from dqv.core.verdicts import Verdict
from dqv.reports.model import Finding, Report, Tally

_OPEN = (Verdict.FAIL, Verdict.INDETERMINATE, Verdict.REVIEW)
_DECIMAL = re.compile(r"[0-9]{1,24}(?:\.[0-9]{1,24})?")
_SYMBOLS = {"byte": "B", "hour": "h"}
_COMPARATORS = {">=": "≥", "<=": "≤"}


def shown_value(value: str | None, against: str | None, unit: str | None) -> str:
    """A decimal string in its base unit for people; with every digit where rounding would hide a difference.

    29 999 999 999 bytes against 30 GB must not be shown as "30 GB".
    """
    if value is None:
        return "—"
    number, other = decimal_of(value), decimal_of(against)
    if number is None:
        return value
    text = human(number, unit or "")
    if other is not None and number != other and text == human(other, unit or ""):
        return _unrounded(value, unit)
    return text


def shown_threshold(finding: Finding, threshold: str | None = None) -> str:
    """The threshold of a finding, or of one of its readings, with its comparator: "≥ 30 GB"."""
    threshold = threshold or finding.threshold
    if threshold is None:
        return "—"
    sign = _COMPARATORS.get(finding.comparator or "", "")
    return f"{sign} {shown_value(threshold, None, finding.unit)}".strip()


def decimal_of(text: str | None) -> Fraction | None:
    """The number a decimal string holds; none where it holds none."""
    if text is None or _DECIMAL.fullmatch(text) is None:
        return None
    return Fraction(text)


def exact(text: str | None) -> str:
    """A decimal string with every digit, grouped by thousands."""
    if text is None:
        return "—"
    return text if decimal_of(text) is None else f"{Decimal(text):,f}"


def every_digit(value: str | None, shown: str) -> str:
    """The exact number to stand beside the one shown, where that one does not hold it."""
    return "" if exact(value) in shown else exact(value)


def _unrounded(value: str, unit: str | None) -> str:
    if unit == "ratio":
        percent = exact(f"{Decimal(value).scaleb(2):f}")
        return f"{percent.rstrip('0').rstrip('.') if '.' in percent else percent} %"
    return f"{exact(value)} {_SYMBOLS.get(unit or '', '')}".strip()


def anchors(findings: Sequence[Finding]) -> list[str]:
    """An id per finding: its rule where it is one of ours and the first of that name, else its place."""
    ids: list[str] = []
    for place, finding in enumerate(findings):
        known = finding.rule in RULES and finding.rule not in ids
        ids.append(finding.rule if known else f"finding-{place + 1}")
    return ids


def to_do(findings: Sequence[Finding]) -> list[int]:
    """Places of the findings that ask for something, what fails first."""
    return [
        place
        for verdict in _OPEN
        for place, finding in enumerate(findings)
        if finding.verdict is verdict and finding.next_step is not None
    ]


class Balance:
    """The sums of the accounting table."""

    def __init__(self, report: Report) -> None:
        tallies: list[Tally] = report.accounting.tallies
        self.objects = sum(tally.objects for tally in tallies)
        self.size_bytes = sum(tally.size_bytes for tally in tallies)
        self.members = sum(tally.members for tally in tallies)
        self.member_bytes = sum(tally.member_bytes for tally in tallies)
        said, names = report.accounting, ("objects", "size_bytes", "members", "member_bytes")
        self.holds = all(getattr(self, name) == getattr(said, name) for name in names)
