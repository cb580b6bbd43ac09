"""8(四): the data is updated regularly (updates)."""

from dqv.checks.attestations import missing, said, stated
from dqv.checks.engine import Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict


def updates(case: Case) -> Outcome:
    """8(四) 数据具有定期更新机制: one look cannot tell; a declared cadence is attested."""
    record = case.registration
    words = stated(case, "updates")
    if record is None or not record.cadence:
        return missing(
            case,
            "updates",
            join([Words(zh="未申报更新周期。", en="No cadence of updates is declared."), *words]),
        )
    return Outcome(
        "updates", Verdict.ATTESTED, method=said(case),
        message=join([
            Words(
                zh=f"申报的更新周期：{record.cadence}。一次检查不能证实更新。",
                en=f"Declared cadence: {record.cadence}. One check cannot prove that updates happen.",
            ),
            *words,
        ]),
    )  # fmt: skip
