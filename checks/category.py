"""8(二): one of three categories is declared (category)."""

from dqv.checks.attestations import missing, said
from dqv.checks.engine import Case, Outcome
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict


def category(case: Case) -> Outcome:
    """8(二) 三类选择一类: a person decides, never a program."""
    record = case.registration
    if record is None or record.category is None:
        return missing(case, "category", Words(zh="未申报类别。", en="No category is declared."))
    return Outcome(
        "category", Verdict.ATTESTED, method=said(case),
        message=Words(zh=f"申报类别：{record.category}。是否相符由专家判断。", en=f"Declared category: {record.category}. Experts decide whether it fits."),
    )  # fmt: skip
