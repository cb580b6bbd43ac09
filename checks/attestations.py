"""What the applicant declares: whose word it is, its statements and their documents.

None of the rules that rest on it passes on what the applicant wrote, in a file or on a platform. `attested` means:
declared, with what was given for it.
"""

import polars as pl

from dqv.checks.engine import Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict

_DECLARED = Words(
    zh="登记文件所述；来自申报单位，不作为通过的依据。",
    en="As the registration file says; it comes from the applicant and is no ground for a pass.",
)


_ANSWERED = Words(
    zh="平台经 TLS 返回的登记记录所述；证书由平台证实，其余为申报单位所填，不作为通过的依据。",
    en="As the platform's record says, received over TLS; the certificate is the platform's word, the rest is what the "
    "applicant wrote there and is no ground for a pass.",
)


def said(case: Case) -> Words:
    """Whose word it is."""
    return _ANSWERED if case.platform is not None else _DECLARED


def stated(case: Case, rule: str) -> list[Words]:
    """That there is a statement of the applicant, never its text; nothing where there is none."""
    statement = case.registration.attested(rule) if case.registration is not None else None
    if statement is None:
        return []
    documents = len(statement.documents)
    return [
        Words(
            zh=f"申报单位作了说明，所列证明文件 {documents} 份。",
            en=f"The applicant made a statement and names {documents} documents.",
        )
    ]


def documents(case: Case, rule: str) -> pl.LazyFrame | None:
    """The documents of a statement with their digests, so that the report is bound to them; None without any."""
    statement = case.registration.attested(rule) if case.registration is not None else None
    if statement is None or not statement.documents:
        return None
    rows = [(document.name, document.sha256) for document in statement.documents]
    return pl.LazyFrame(rows, schema={"document": pl.String, "sha256": pl.String}, orient="row")


def missing(case: Case, rule: str, words: Words, **more: object) -> Outcome:
    """What is not there, for a person to look at."""
    return Outcome(
        rule,
        Verdict.REVIEW,
        method=said(case),
        message=words,
        next_step=Words(
            zh="在登记中补充，或由评审人员判断。",
            en="Add it to the registration, or have a reviewer decide.",
        ),
        **more,  # type: ignore[arg-type]
    )


_ATTESTED = {
    "openness": Words(
        zh="是否包含已开源的数据集，须与公开数据集比对，此版本不作测量。",
        en="Whether open-sourced datasets are contained needs a comparison with them, which this version does not make.",
    ),
    "legality": Words(
        zh="来源合法、权属清晰无法由程序测量。",
        en="Lawful origin and clear ownership cannot be measured by a program.",
    ),
    "safeguards": Words(
        zh="安全防护机制无法从数据中测量。", en="A mechanism for protection cannot be measured from the data."
    ),
    "value": Words(
        zh="价值密度、模型效果与推广价值由专家判断。",
        en="Density of value, effect on models and worth are for experts to judge.",
    ),
    "privacy": Words(
        zh="此版本不检测个人信息；处理是否合规须人工查看。",
        en="This version does not look for personal data; whether processing is lawful is for a person to check.",
    ),
}


def attested(case: Case, rule: str) -> Outcome:
    """A clause of which only the applicant can speak: attested with a statement, else for review."""
    words = stated(case, rule)
    why = _ATTESTED[rule]
    # nothing that could be measured later may rest on a statement now
    weak = rule in ("openness", "privacy")
    if not words:
        return missing(case, rule, why)
    return Outcome(
        rule, Verdict.REVIEW if weak else Verdict.ATTESTED, method=said(case), message=join([why, *words]),
        evidence=documents(case, rule),
        next_step=Words(zh="请评审人员查看。", en="Have a reviewer look.") if weak else None,
    )  # fmt: skip
