"""8(五): no fewer than two scenarios of application that can be put into practice (scenarios)."""

from dqv.checks.attestations import missing, said
from dqv.checks.engine import Case, Outcome
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict


def scenarios(case: Case) -> Outcome:
    """8(五) 不少于 2 个可落地的应用场景: too few declared fails, enough is attested."""
    limit = case.policy.rules["scenarios"].limit()
    if case.registration is None:
        return missing(
            case,
            "scenarios",
            Words(zh="未申报应用场景。", en="No scenarios of application are declared."),
            limit=limit,
        )
    count = len({scenario.title for scenario in case.registration.scenarios})
    enough = count >= limit
    return Outcome(
        "scenarios", Verdict.ATTESTED if enough else Verdict.FAIL, method=said(case), limit=limit,
        measured=limit * 0 + count, numerator=count,
        population=Words(zh="登记所列场景（按不同名称计）", en="scenarios in the registration, by distinct titles"),
        message=Words(
            zh=f"申报名称不同的应用场景 {count} 个，要求不少于 {limit} 个。" + ("能否落地由专家判断。" if enough else ""),
            en=f"{count} scenarios of distinct titles are declared, at least {limit} are required." + (" Experts decide whether they can be put into practice." if enough else ""),
        ),
        next_step=None if enough else Words(zh="补充可落地的应用场景。", en="Declare more scenarios that can be put into practice."),
    )  # fmt: skip
