"""8(一): the dataset is registered on a platform; and whether it holds what is no known data (registration)."""

import re
from fractions import Fraction

import polars as pl

from dqv.checks.attestations import Fact, absent, evidence, facts_of, said, worst
from dqv.checks.engine import MODALITY_WORDS, Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.registration import Certificate
from dqv.core.units import decimal_string, hours, human, parse_quantity
from dqv.core.verdicts import Verdict


def registration(case: Case) -> Outcome:
    """8(一) 通过数据流通交易平台完成数据集登记; and whether the dataset holds what is no known data.

    Passes where the platform itself says that the certificate is in force, fails where it says that it is not, or a
    registration file names none or another; a file alone is attested at best. Less than the declared scale, beyond what the
    declared number was rounded by, is for review: it may be another dataset.
    """
    apart, told = _apart(case)
    record = case.registration
    if record is None or record.certificate is None:
        sentences = [Words(zh="未提供平台登记信息。", en="No registration on a platform was given.")]
        verdicts = [absent(case)]
    else:
        invalid = _invalid(record.certificate, case)
        sentences = [_registered(record.certificate, case), *invalid]
        verdicts = [Verdict.PASS if _vouched(record.certificate, case) else Verdict.ATTESTED]
        if invalid:  # of a file it may be a slip; the platform knows
            verdicts.append(Verdict.REVIEW if case.platform is None else Verdict.FAIL)
        other = _other_certificate(case)
        if other is not None:
            sentences.append(other)
            verdicts.append(Verdict.FAIL)
    scales = _scales(case)
    sentences += [words for _, _, words in scales]
    if told or any(short for _, short, _ in scales):
        verdicts.append(Verdict.REVIEW)
    verdict = worst(verdicts)
    sentences += told
    rows = evidence(row for row, _, _ in scales)
    parts = [*([rows] if rows is not None else []), *([apart] if told else [])]
    return Outcome(
        "registration", verdict, method=said(case), evidence=pl.concat(parts) if parts else None,
        message=join(sentences),
        next_step=None if verdict in (Verdict.PASS, Verdict.ATTESTED) else Words(
            zh="以 --registration 提供登记文件，或以 --platform 查询平台；核对证书与申报规模；说明或移出无法识别的对象。",
            en="Give the registration with --registration, or ask the platform with --platform; check the certificate and the declared "
            "scale; explain or remove unrecognised objects.",
        ),
    )  # fmt: skip


def _other_certificate(case: Case) -> Words | None:
    """That the registration file names another certificate than the platform's record."""
    filed = case.filed.certificate if case.filed is not None else None
    record = case.registration.certificate if case.registration is not None else None
    if filed is None or record is None or filed.number == record.number:
        return None
    return Words(
        zh=f"登记文件所列证书编号为 {filed.number[:80]}，与平台记录不一致。",
        en=f"The registration file names certificate {filed.number[:80]}: another than the platform's record.",
    )


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
    rows = facts_of(
        case.objects.filter(chosen), kind=pl.lit("object"), name=pl.col("name"), size_bytes=pl.col("size_bytes"),
        measured=role, status=why,
    )  # fmt: skip
    return rows, told


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


def _scales(case: Case) -> list[tuple[Fact, bool, Words]]:
    """Of every declared modality the declared beside the measured scale: a fact, whether it falls short, a sentence."""
    found: list[tuple[Fact, bool, Words]] = []
    for modality, declared in case.registration.modalities.items() if case.registration else ():
        name = MODALITY_WORDS[modality]
        facts = case.facts[modality]
        timed = modality == "audio"
        unit = "hour" if timed else "byte"
        here = hours(facts.duration_flicks) if timed else Fraction(facts.payload_bytes)
        whole = parse_quantity(declared.scale)[0]
        less = whole - here
        gap = human(abs(less), unit)
        difference = Words(zh="与申报一致", en="as declared")
        if less:
            difference = Words(
                zh=f"比申报{'少' if less > 0 else '多'} {gap}",
                en=f"{gap} {'less' if less > 0 else 'more'} than declared",
            )
        more = facts.unread.hours if timed else facts.unread.payload_bytes
        short = more is not None and less - more > rounding(declared.scale)
        unread = bool(facts.unread_rows or facts.unread_anywhere)
        words = Words(
            zh=f"{name.zh}：申报 {declared.scale}，测得 {human(here, unit)}{'（不含未能读取的）' if unread else ''}，{difference.zh}"
            f"{'，须人工查看' if short else ''}。",
            en=f"{name.en.capitalize()}: declared {declared.scale}, measured {human(here, unit)}"
            f"{' without what could not be read' if unread else ''}, {difference.en}{': a person must look' if short else ''}.",
        )
        row = {
            "kind": "scale", "name": modality, "declared": decimal_string(whole, 12), "measured": decimal_string(here, 12),
            "difference": decimal_string(here - whole, 12), "items": facts.items, "status": "short" if short else "covers",
        }  # fmt: skip
        found.append((row, short, words))
    return found


def rounding(scale: str) -> Fraction:
    """By how much a declared quantity may have been rounded: half of one in its last written place ("35 GB": 0.5 GB).

    In the base unit; of the number as it is written, so that "35.0 GB" says more than "35 GB".
    """
    number = re.match(r"[\d.]+", scale.strip())
    assert number is not None  # the registration holds quantities
    unit, places = scale.strip()[number.end() :], len(number[0].partition(".")[2])
    return parse_quantity(f"1 {unit}")[0] / Fraction(2 * 10**places)
