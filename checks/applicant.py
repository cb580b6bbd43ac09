"""8(一): who files (applicant), and 第十二条: who may not."""

from dqv.checks.attestations import Fact, evidence, missing, said, worst
from dqv.checks.engine import Case, Outcome, join
from dqv.core.barred import Barred, code_of, plain
from dqv.core.policy import Words
from dqv.core.registration import Applicant
from dqv.core.uscc import Unit, unit, well_formed
from dqv.core.verdicts import Verdict

_METHOD = Words(
    zh="统一社会信用代码按 GB 32100-2015 核对格式与校验码，前两位示登记管理部门与机构类别；代码是否确属该单位、法人资格是否独立，须人工核实。",
    en="The unified social credit code is held to GB 32100-2015 (form, check character); its first two characters tell who registers "
    "the unit and of which kind it is. Whether the code is this unit's, and whether its legal personality is independent, a person verifies.",
)


def applicant(case: Case) -> Outcome:
    """8(一) 依法注册、具有独立法人资格的企事业单位.

    A kind of unit without legal personality fails, and so does one that is barred or has another code on the platform.
    """
    record = case.registration
    if record is None:
        return missing(case, "applicant", Words(zh="未提供申报单位信息。", en="The applicant is not named."))
    verdict, told, step = _coded(case, record.applicant)
    name = Words(zh=f"申报单位：{record.applicant.name}；", en=f"Applicant: {record.applicant.name};")
    parts = [(verdict, told, step), _against_the_platform(case), _against_the_list(case, record.applicant)]
    steps = [each for _, _, each in parts if each is not None]
    return Outcome(
        "applicant", worst(each for each, _, _ in parts), method=join([said(case), _METHOD]),
        message=join([name, *(words for _, words, _ in parts if words is not None)]),
        evidence=evidence(_rows(case, record.applicant)), next_step=join(steps) if steps else None,
    )  # fmt: skip


_Part = tuple[Verdict, Words | None, Words | None]
"""Verdict, what is told, what to do."""

_CORRECT = Words(zh="更正统一社会信用代码。", en="Correct the unified social credit code.")


def _coded(case: Case, who: Applicant) -> _Part:
    """What the code says."""
    code = code_of(who.uscc or "")
    label = Words(zh="统一社会信用代码：", en="unified social credit code:")

    def told(words: Words) -> Words:
        return join([label, words])

    if not code:
        step = Words(zh="补充统一社会信用代码。", en="Give the unified social credit code.")
        return Verdict.REVIEW, told(Words(zh="未提供。", en="not given.")), step
    if not well_formed(code):
        words = Words(
            zh=f"{code}（不符合 GB 32100-2015 的格式或校验码）。",
            en=f"{code} (its form or check character is not that of GB 32100-2015).",
        )
        return Verdict.REVIEW, told(words), _CORRECT
    found = unit(code)
    if found is None:
        words = Words(
            zh=f"{code}（格式与校验码相符，但 GB 32100-2015 未设前两位 {code[:2]}）。",
            en=f"{code} (well-formed, but GB 32100-2015 has no units that begin with {code[:2]}).",
        )
        return Verdict.REVIEW, told(words), _CORRECT
    good = Words(
        zh=f"{code}（仅格式与校验码相符），{found.body.zh}登记的{found.kind.zh}。",
        en=f"{code} (well-formed, no more), of a unit registered by {found.body.en}: {found.kind.en}.",
    )
    verdict, standing, next_step = _standing(found)
    return verdict, join([told(good), standing]), next_step


def _standing(found: Unit) -> tuple[Verdict, Words, Words | None]:
    """Whether the kind of unit may be an 企事业单位 with independent legal personality."""
    if found.standing == "sole":
        return (
            Verdict.FAIL,
            Words(
                zh="个体工商户不具有独立法人资格，不符合。",
                en="An individual business has no independent legal personality: it does not conform.",
            ),
            Words(
                zh="由具有独立法人资格的企事业单位申报。",
                en="Have an enterprise or institution with legal personality file.",
            ),
        )
    if found.standing == "other":
        return (
            Verdict.REVIEW,
            Words(
                zh="该类机构是否属企事业单位，须人工判断。",
                en="Whether it is an enterprise or institution is for a person to judge.",
            ),
            Words(zh="核实单位性质。", en="Verify the kind of unit."),
        )
    return (
        Verdict.ATTESTED,
        Words(
            zh="法人资格须人工核实（分支机构、合伙企业等不具有独立法人资格，代码不能区分）。",
            en="Legal personality is for a person to verify (branches and partnerships have none, and the code does not tell).",
        ),
        None,
    )


def _against_the_platform(case: Case) -> _Part:
    """The registration file beside the platform's record: another code fails, another name is for a person."""
    if case.filed is None or case.registration is None:
        return Verdict.ATTESTED, None, None
    filed, record = case.filed.applicant, case.registration.applicant
    other_code = filed.uscc and record.uscc and code_of(filed.uscc) != code_of(record.uscc)
    if not other_code and plain(filed.name) == plain(record.name):
        return Verdict.ATTESTED, None, None
    words = Words(
        zh=f"登记文件中的申报单位为 {filed.name}（{filed.uscc or '无代码'}），与平台记录不一致。",
        en=f"The registration file names {filed.name} ({filed.uscc or 'no code'}): not as the platform's record does.",
    )
    step = Words(
        zh="核对申报单位与平台登记主体。",
        en="Compare the applicant with the unit registered on the platform.",
    )
    return (Verdict.FAIL if other_code else Verdict.REVIEW), words, step


def _against_the_list(case: Case, who: Applicant) -> _Part:
    """第十二条: 弄虚作假 bars for the two following years."""
    if case.barred is None:
        return Verdict.ATTESTED, None, None
    hits = _hits(case, who)
    if not case.barred:
        return (
            Verdict.ATTESTED,
            Words(
                zh="第十二条名单没有任何条目，未作比对。",
                en="The bar list of article 12 has no entries: nothing was compared.",
            ),
            None,
        )
    if not hits:
        words = Words(
            zh=f"第十二条名单（{len(case.barred)} 条）中，基准日 {case.reference_date} 无该单位。",
            en=f"The bar list of article 12 ({len(case.barred)} entries) does not bar it on {case.reference_date}.",
        )
        return Verdict.ATTESTED, words, None
    entry, holds = hits[0]
    decided = entry.decided.isoformat() if entry.decided is not None else str(entry.year)
    who_is = entry.name or entry.code
    if holds == "barred":
        words = Words(
            zh=f"第十二条名单列有 {who_is}（{decided} 决定），其后两年内不得申报，不符合。",
            en=f"The bar list of article 12 has {who_is} (decided {decided}): barred for the two following years; it does not conform.",
        )
    elif holds == "another-code":
        words = Words(
            zh=f"第十二条名单以另一代码 {entry.code} 列有 {who_is}（{decided} 决定）；是否同一单位，须人工判断。",
            en=f"The bar list of article 12 names {who_is} with another code, {entry.code} (decided {decided}): whether it is the same unit, a "
            "person must look.",
        )
    else:
        words = Words(
            zh=f"第十二条名单列有 {who_is}（{decided} 决定）；基准日是否仍在其后两年内，取决于解读或决定的日期，须人工判断。",
            en=f"The bar list of article 12 has {who_is} (decided {decided}); whether {case.reference_date} is within the two following "
            "years depends on how they are read, or on the day of the decision: a person must look.",
        )
    step = Words(zh="核对名单与决定。", en="Look at the list and the decision.")
    return (Verdict.FAIL if holds == "barred" else Verdict.REVIEW), words, step


def _hits(case: Case, who: Applicant) -> list[tuple[Barred, str]]:
    """The entries that bar the applicant, or its other name in the registration file; those that surely do first.

    What an entry does: `barred`, `doubtful` by its date, or `another-code`, where it has the name alone.
    """
    units = [who, *([case.filed.applicant] if case.filed is not None else [])]
    found: list[tuple[Barred, str]] = []
    for entry in case.barred or ():
        told = {entry.names(each.name, each.uscc) for each in units}
        holds = entry.holds(case.reference_date)
        if holds is not None and told != {None}:
            found.append((entry, holds if "names" in told else "another-code"))
    return sorted(found, key=lambda hit: ("barred", "doubtful", "another-code").index(hit[1]))


def _rows(case: Case, who: Applicant) -> list[Fact]:
    code = code_of(who.uscc or "")
    rows: list[Fact] = []
    if code and well_formed(code):
        found = unit(code)
        if found is not None:
            rows += [
                {"kind": "registering-body", "name": found.body.zh, "declared": code, "measured": code[:1]},
                {
                    "kind": "kind-of-unit",
                    "name": found.kind.zh,
                    "declared": code,
                    "measured": code[:2],
                    "status": found.standing,
                },
            ]
    for entry, holds in _hits(case, who):
        decided = entry.decided.isoformat() if entry.decided is not None else str(entry.year)
        rows.append(
            {
                "kind": "bar-list",
                "name": entry.name,
                "declared": entry.code,
                "measured": decided,
                "status": holds,
            }
        )
    return rows
