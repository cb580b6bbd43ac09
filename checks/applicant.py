"""8(一): who files (applicant)."""

from dqv.checks.attestations import missing, said
from dqv.checks.engine import Case, Outcome
from dqv.core.policy import Words
from dqv.core.uscc import well_formed
from dqv.core.verdicts import Verdict


def applicant(case: Case) -> Outcome:
    """8(一) 依法注册、具有独立法人资格的企事业单位."""
    record = case.registration
    if record is None:
        return missing(case, "applicant", Words(zh="未提供申报单位信息。", en="The applicant is not named."))
    code = record.applicant.uscc
    good = bool(code) and well_formed(code or "")
    if not code:
        told = Words(zh="未提供", en="not given")
    elif good:
        told = Words(zh=f"{code}（仅格式与校验码相符）", en=f"{code} (well-formed, no more)")
    else:
        told = Words(
            zh=f"{code}（不符合 GB 32100-2015 的格式或校验码）",
            en=f"{code} (its form or check character is not that of GB 32100-2015)",
        )
    return Outcome(
        "applicant", Verdict.ATTESTED if good else Verdict.REVIEW, method=said(case),
        message=Words(
            zh=f"申报单位：{record.applicant.name}；统一社会信用代码：{told.zh}。法人资格须人工核实。",
            en=f"Applicant: {record.applicant.name}; unified social credit code: {told.en}. Legal personality is for a person to verify.",
        ),
        next_step=None if good else Words(
            zh="更正统一社会信用代码。" if code else "补充统一社会信用代码。",
            en="Correct the unified social credit code." if code else "Give the unified social credit code.",
        ),
    )  # fmt: skip
