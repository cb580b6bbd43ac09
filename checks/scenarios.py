"""8(五): no fewer than two scenarios of application that can be put into practice (scenarios)."""

import re
import unicodedata

from dqv.checks.attestations import Fact, evidence, missing, said
from dqv.checks.engine import Case, Outcome
from dqv.core.policy import Words
from dqv.core.registration import Scenario
from dqv.core.verdicts import Verdict

FIELDS = {
    "user": Words(zh="使用者", en="user"),
    "place": Words(zh="地点", en="place"),
    "task": Words(zh="任务", en="task"),
    "effect": Words(zh="成效", en="effect"),
}
"""What makes a scenario 可落地: who uses it, where, for what, to what effect."""

_NOTHING = re.compile(r"[\W_]*|无|暂无|待定|待补充|未定|略|n/?a|none|nil|tbd|todo|tba", re.IGNORECASE)
"""What stands in a form for nothing."""


def _plain(text: str | None) -> str:
    """For comparing: width, case and blanks make no difference; what says nothing is empty."""
    flat = "".join(unicodedata.normalize("NFKC", text or "").casefold().split())
    return "" if _NOTHING.fullmatch(flat) else flat


def _lacking(scenario: Scenario) -> list[str]:
    return [name for name in ("title", *FIELDS) if not _plain(getattr(scenario, name))]


def _judged(scenarios: tuple[Scenario, ...]) -> list[tuple[Scenario, str, list[str]]]:
    """Each scenario: `complete`, `incomplete` or `repeats` (an earlier complete one's title, or all of its fields)."""
    found, titles, contents = [], set(), set()
    for each in scenarios:
        lacking = _lacking(each)
        title, content = _plain(each.title), tuple(_plain(getattr(each, name)) for name in FIELDS)
        status = "incomplete" if lacking else "complete"
        if not lacking and (title in titles or content in contents):
            status = "repeats"
        if status == "complete":
            titles.add(title)
            contents.add(content)
        found.append((each, status, lacking))
    return found


def scenarios(case: Case) -> Outcome:
    """8(五) 不少于 2 个可落地的应用场景: too few complete, different ones fail; enough are attested.

    Where the platform alone gives them and they are there but lack fields, a person looks: it may not ask for these.
    """
    limit = case.policy.rules["scenarios"].limit()
    record = case.registration
    if record is None or not record.scenarios:
        none = Words(zh="未申报应用场景。", en="No scenarios of application are declared.")
        return missing(case, "scenarios", none, limit=limit)
    judged = _judged(record.scenarios)
    count = sum(status == "complete" for _, status, _ in judged)
    incomplete = sum(status == "incomplete" for _, status, _ in judged)
    repeats = len(judged) - count - incomplete
    verdict = Verdict.ATTESTED if count >= limit else Verdict.FAIL
    unasked = case.platform is not None and (case.filed is None or not case.filed.scenarios)
    if verdict is Verdict.FAIL and unasked and count + incomplete >= limit:
        verdict = Verdict.REVIEW
    lacking = [name for name in FIELDS if any(name in without for _, _, without in judged)]
    zh, en = "、".join(FIELDS[name].zh for name in lacking), ", ".join(FIELDS[name].en for name in lacking)
    return Outcome(
        "scenarios", verdict, method=said(case), limit=limit, measured=limit * 0 + count, numerator=count,
        population=Words(
            zh="登记所列场景，要素齐全（名称、使用者、地点、任务、成效）且互不相同",
            en="scenarios in the registration that are complete (title, user, place, task, effect) and differ from each other",
        ),
        evidence=evidence(_fact(*each) for each in judged),
        message=Words(
            zh=f"要素齐全且互不相同的应用场景 {count} 个，要求不少于 {limit} 个；要素不全 {incomplete} 个{f'（缺{zh}）' if lacking else ''}，"
            f"重复 {repeats} 个。" + ("能否落地由专家判断。" if count >= limit else ""),
            en=f"{count} scenarios are complete and differ from each other, at least {limit} are required; {incomplete} are "
            f"incomplete{f' (lacking {en})' if lacking else ''}, {repeats} repeat another."
            + (" Experts decide whether they can be put into practice." if count >= limit else ""),
        ),
        next_step=None if verdict is Verdict.ATTESTED else Words(
            zh="补充可落地的应用场景，各写明使用者、地点、任务与成效。",
            en="Declare scenarios that can be put into practice, each with its user, place, task and effect.",
        ),
    )  # fmt: skip


def _fact(scenario: Scenario, status: str, lacking: list[str]) -> Fact:
    return {
        "kind": "scenario",
        "name": scenario.title[:200],
        "status": status,
        "difference": ", ".join(lacking) or None,
    }
