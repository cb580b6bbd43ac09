"""The clauses that are words: what is there is laid out, what is absent is told; a person decides.

None of these passes on what the applicant wrote, in a file or on a platform. `attested` means: declared, with what was
given for it.
"""

from fractions import Fraction

import polars as pl

from dqv.checks.engine import MODALITY_WORDS, Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.registration import Certificate
from dqv.core.units import hours, human, parse_quantity
from dqv.core.uscc import well_formed
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


def _said(case: Case) -> Words:
    """Whose word it is."""
    return _ANSWERED if case.platform is not None else _DECLARED


def _seen(case: Case) -> Words:
    return join([Words(zh="按名称识别的文件。", en="Files told by their names."), _said(case)])


def metadata(case: Case) -> Outcome:
    """8(三) 具备规范的元数据: neither metadata files nor named fields fails, else a person looks."""
    is_file = pl.col("role") == "metadata"
    has_fields = (pl.col("role") == "data") & (pl.col("fields").list.len() > 1)
    files, with_fields = (case.objects.filter(each) for each in (is_file, has_fields))
    count = int(files.select(pl.len()).collect().item())
    broken = int(files.filter(pl.col("error_kind").is_not_null()).select(pl.len()).collect().item())
    tables = int(with_fields.select(pl.len()).collect().item())
    if not count and not tables:
        return Outcome(
            "metadata", Verdict.FAIL, method=_seen(case),
            message=join([
                Words(
                    zh="既无元数据文件（metadata.csv、croissant.json …），记录也没有元数据字段。",
                    en="There are neither metadata files (metadata.csv, croissant.json …) nor records with fields of metadata.",
                ),
                *_stated(case, "metadata"),
            ]),
            next_step=Words(zh="加入 metadata.csv 或在记录中加入元数据字段。", en="Add metadata.csv, or fields of metadata to the records."),
        )  # fmt: skip
    return Outcome(
        "metadata", Verdict.REVIEW, method=_seen(case),
        evidence=case.objects.filter(is_file | has_fields).select(
            "name", "size_bytes", pl.col("fields").list.join(", "), "error_kind", "error"
        ),
        message=join([
            Words(
                zh=f"元数据文件 {count} 份（其中 {broken} 份无法读取），含多个字段的数据对象 {tables} 个；是否规范，此版本不作评判，须人工查看。",
                en=f"{count} metadata files ({broken} of them cannot be read), {tables} data objects whose records have several fields; whether they follow a "
                "standard is not judged by this version: a person must look.",
            ),
            *_stated(case, "metadata"),
        ]),
        next_step=Words(zh="请评审人员查看所列元数据。", en="Have a reviewer look at the metadata listed."),
    )  # fmt: skip


def registration(case: Case) -> Outcome:
    """8(一) 通过数据流通交易平台完成数据集登记; and whether the dataset holds what is no known data.

    Passes where the platform itself says that the certificate is in force; a file is attested at best. The declared scale stands beside the measured one, for information.
    """
    apart, told = _apart(case)
    record = case.registration
    if record is None or record.certificate is None:
        sentences = [Words(zh="未提供平台登记信息。", en="No registration on a platform was given.")]
        verdict = Verdict.REVIEW
    else:
        invalid = _invalid(record.certificate, case)
        sentences = [_registered(record.certificate, case), *invalid]
        best = Verdict.PASS if _vouched(record.certificate, case) else Verdict.ATTESTED
        verdict = Verdict.REVIEW if told or invalid else best
    sentences += _declared_and_measured(case)
    sentences += told
    return Outcome(
        "registration", verdict, method=_said(case), evidence=apart if told else None,
        message=join(sentences),
        next_step=None if verdict is not Verdict.REVIEW else Words(
            zh="以 --registration 提供登记文件，或以 --platform 查询平台；核对证书；说明或移出无法识别的对象。",
            en="Give the registration with --registration, or ask the platform with --platform; check the certificate; explain or remove "
            "unrecognised objects.",
        ),
    )  # fmt: skip


_MUCH_BYTES = 10**6
"""Documents, metadata and indexes below this are never too much, whatever their share."""


def _apart(case: Case) -> tuple[pl.LazyFrame, list[Words]]:
    """What the dataset holds beside known data, where a person must look, and why."""
    role, why = pl.col("role"), pl.col("why")
    linked = (why == "symbolic-link") & pl.col("format").is_not_null()
    beside = role.is_in(["documentation", "metadata", "licence", "index"])
    twins = pl.col("name").is_in(_twins(case).implode())
    sizes = case.objects.select(
        twins=twins.sum(),
        unknown=(role == "other").sum(),
        unknown_bytes=pl.col("size_bytes").filter(role == "other").sum(),
        links=linked.sum(),
        beside_bytes=pl.col("size_bytes").filter(beside).sum(),
        all_bytes=pl.col("size_bytes").sum(),
    )
    row = sizes.collect(engine="streaming").row(0, named=True)
    much = row["beside_bytes"] > _MUCH_BYTES and (
        row["beside_bytes"] > case.policy.share("undeclared_share") * row["all_bytes"]
    )
    told = []
    if row["unknown"]:
        told.append(
            Words(
                zh=f"另有 {row['unknown']} 个无法识别格式的对象（{row['unknown_bytes']} 字节），须人工查看。",
                en=f"{row['unknown']} objects ({row['unknown_bytes']} bytes) are of no format known to dqv; "
                "a person must look.",
            )
        )
    if row["links"]:
        told.append(
            Words(
                zh=f"{row['links']} 个数据名称是符号链接，未跟随、未测量，须人工查看。",
                en=f"{row['links']} names of data are symbolic links, not followed and not measured; a person must look.",
            )
        )
    if row["twins"]:
        told.append(
            Words(
                zh=f"{row['twins']} 个名称仅 Unicode 形式（NFC/NFD）不同：在一些系统上会互相覆盖，须人工查看。",
                en=f"{row['twins']} names differ in nothing but their Unicode forms (NFC, NFD): some systems take them "
                "for one; a person must look.",
            )
        )
    if much:
        told.append(
            Words(
                zh=f"按名称为文档、元数据、许可或索引的对象共 {row['beside_bytes']} 字节，未作为数据测量，须人工查看。",
                en=f"Objects that are documents, metadata, licence or index by their names hold {row['beside_bytes']} "
                "bytes, which were not measured as data; a person must look.",
            )
        )
    chosen = (role == "other") | linked | twins | (beside & pl.lit(value=much))
    return case.objects.filter(chosen).select("name", "size_bytes", "role", "why"), told


def _twins(case: Case) -> pl.Series:
    """Names that differ from another in nothing but their Unicode form; few are held, for few names are not composed."""
    name, composed = pl.col("name"), pl.col("name").str.normalize("NFC")
    forms = (
        case.objects.filter(composed != name).select(composed).unique().collect(engine="streaming")["name"]
    )
    if forms.is_empty():
        return forms
    mine = case.objects.filter(composed.is_in(forms.implode())).select("name").unique()
    alike = mine.collect(engine="streaming")
    return alike.filter(composed.is_duplicated())["name"]


def _registered(certificate: Certificate, case: Case) -> Words:
    """Who says that the dataset is registered, under which number."""
    if case.platform is None:
        return Words(
            zh=f"登记文件称已登记，证书编号 {certificate.number}。",
            en=f"The registration file names certificate {certificate.number}.",
        )
    silent = not _vouched(certificate, case)
    return Words(
        zh=f"平台 {case.platform} 经 TLS 返回该登记，证书编号 {certificate.number}。{'平台未说明其是否有效。' if silent else ''}",
        en=f"The platform at {case.platform} has it, and answers over TLS with certificate {certificate.number}."
        + (" It does not say whether that is in force." if silent else ""),
    )


def _vouched(certificate: Certificate, case: Case) -> bool:
    """Whether the platform itself speaks of the certificate's force."""
    return case.platform is not None and (
        certificate.in_force is not None or certificate.valid_until is not None
    )


def _invalid(certificate: Certificate, case: Case) -> list[Words]:
    """Why a certificate does not hold on the reference date."""
    day, first, last = case.reference_date, certificate.valid_from, certificate.valid_until
    found = []
    if certificate.in_force is False:
        found.append(Words(zh="该证书并非有效状态。", en="The certificate is said not to be in force."))
    if first is not None and first > day:
        found.append(
            Words(
                zh=f"证书自 {first} 起有效，晚于基准日 {day}。",
                en=f"It is valid from {first} on, after the reference date {day}.",
            )
        )
    if last is not None and last < day:
        found.append(
            Words(
                zh=f"证书有效期至 {last}，早于基准日 {day}。",
                en=f"It was valid until {last}, before the reference date {day}.",
            )
        )
    return found


def _declared_and_measured(case: Case) -> list[Words]:
    """The scale of every declared modality as declared, and as measured where it is."""
    found = []
    for modality, declared in case.registration.modalities.items() if case.registration else ():
        name = MODALITY_WORDS[modality]
        zh, en = f"{name.zh}：申报 {declared.scale}", f"{name.en.capitalize()}: declared {declared.scale}"
        facts = case.facts[modality]
        timed = modality == "audio"
        unit = "hour" if timed else "byte"
        here = hours(facts.duration_flicks) if timed else Fraction(facts.payload_bytes)
        less = parse_quantity(declared.scale)[0] - here
        gap = human(abs(less), unit)
        difference = Words(zh="与申报一致", en="as declared")
        if less:
            difference = Words(
                zh=f"比申报{'少' if less > 0 else '多'} {gap}",
                en=f"{gap} {'less' if less > 0 else 'more'} than declared",
            )
        unread = bool(facts.unread_rows or facts.unread_anywhere)
        found.append(
            Words(
                zh=f"{zh}，测得 {human(here, unit)}{'（不含未能读取的）' if unread else ''}，{difference.zh}。",
                en=f"{en}, measured {human(here, unit)}{' without what could not be read' if unread else ''}, {difference.en}.",
            )
        )
    return found


def applicant(case: Case) -> Outcome:
    """8(一) 依法注册、具有独立法人资格的企事业单位."""
    record = case.registration
    if record is None:
        return _missing(case, "applicant", Words(zh="未提供申报单位信息。", en="The applicant is not named."))
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
        "applicant", Verdict.ATTESTED if good else Verdict.REVIEW, method=_said(case),
        message=Words(
            zh=f"申报单位：{record.applicant.name}；统一社会信用代码：{told.zh}。法人资格须人工核实。",
            en=f"Applicant: {record.applicant.name}; unified social credit code: {told.en}. Legal personality is for a person to verify.",
        ),
        next_step=None if good else Words(
            zh="更正统一社会信用代码。" if code else "补充统一社会信用代码。",
            en="Correct the unified social credit code." if code else "Give the unified social credit code.",
        ),
    )  # fmt: skip


def category(case: Case) -> Outcome:
    """8(二) 三类选择一类: a person decides, never a program."""
    record = case.registration
    if record is None or record.category is None:
        return _missing(case, "category", Words(zh="未申报类别。", en="No category is declared."))
    return Outcome(
        "category", Verdict.ATTESTED, method=_said(case),
        message=Words(zh=f"申报类别：{record.category}。是否相符由专家判断。", en=f"Declared category: {record.category}. Experts decide whether it fits."),
    )  # fmt: skip


def scenarios(case: Case) -> Outcome:
    """8(五) 不少于 2 个可落地的应用场景: too few declared fails, enough is attested."""
    limit = case.policy.rules["scenarios"].limit()
    if case.registration is None:
        return _missing(
            case,
            "scenarios",
            Words(zh="未申报应用场景。", en="No scenarios of application are declared."),
            limit=limit,
        )
    count = len({scenario.title for scenario in case.registration.scenarios})
    enough = count >= limit
    return Outcome(
        "scenarios", Verdict.ATTESTED if enough else Verdict.FAIL, method=_said(case), limit=limit,
        measured=limit * 0 + count, numerator=count,
        population=Words(zh="登记所列场景（按不同名称计）", en="scenarios in the registration, by distinct titles"),
        message=Words(
            zh=f"申报名称不同的应用场景 {count} 个，要求不少于 {limit} 个。" + ("能否落地由专家判断。" if enough else ""),
            en=f"{count} scenarios of distinct titles are declared, at least {limit} are required." + (" Experts decide whether they can be put into practice." if enough else ""),
        ),
        next_step=None if enough else Words(zh="补充可落地的应用场景。", en="Declare more scenarios that can be put into practice."),
    )  # fmt: skip


def updates(case: Case) -> Outcome:
    """8(四) 数据具有定期更新机制: one look cannot tell; a declared cadence is attested."""
    record = case.registration
    stated = _stated(case, "updates")
    if record is None or not record.cadence:
        return _missing(
            case,
            "updates",
            join([Words(zh="未申报更新周期。", en="No cadence of updates is declared."), *stated]),
        )
    return Outcome(
        "updates", Verdict.ATTESTED, method=_said(case),
        message=join([
            Words(
                zh=f"申报的更新周期：{record.cadence}。一次检查不能证实更新。",
                en=f"Declared cadence: {record.cadence}. One check cannot prove that updates happen.",
            ),
            *stated,
        ]),
    )  # fmt: skip


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
    stated = _stated(case, rule)
    why = _ATTESTED[rule]
    # nothing that could be measured later may rest on a statement now
    weak = rule in ("openness", "privacy")
    if not stated:
        return _missing(case, rule, why)
    return Outcome(
        rule, Verdict.REVIEW if weak else Verdict.ATTESTED, method=_said(case), message=join([why, *stated]),
        evidence=_documents(case, rule),
        next_step=Words(zh="请评审人员查看。", en="Have a reviewer look.") if weak else None,
    )  # fmt: skip


def _stated(case: Case, rule: str) -> list[Words]:
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


def _documents(case: Case, rule: str) -> pl.LazyFrame | None:
    """The documents of a statement with their digests, so that the report is bound to them; None without any."""
    statement = case.registration.attested(rule) if case.registration is not None else None
    if statement is None or not statement.documents:
        return None
    rows = [(document.name, document.sha256) for document in statement.documents]
    return pl.LazyFrame(rows, schema={"document": pl.String, "sha256": pl.String}, orient="row")


def _missing(case: Case, rule: str, words: Words, **more: object) -> Outcome:
    return Outcome(
        rule,
        Verdict.REVIEW,
        method=_said(case),
        message=words,
        next_step=Words(
            zh="在登记中补充，或由评审人员判断。",
            en="Add it to the registration, or have a reviewer decide.",
        ),
        **more,  # type: ignore[arg-type]
    )
