"""What the applicant declares: whose word it is, its statements, and the documents that must be there for them.

None of the rules that rest on it passes on what the applicant wrote, in a file or on a platform. `attested` means:
declared, with documents that are there. A document is looked for among the dataset's objects and beside the registration
file; one that is missing, empty or another than its digest says fails the rule, one that is the data itself is for review.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqv.checks.engine import Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.registration import Attestation, Document
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
_BOTH = Words(
    zh="平台记录所无者，取自登记文件。",
    en="What the record does not have is from the registration file.",
)


def said(case: Case) -> Words:
    """Whose word it is."""
    if case.platform is None:
        return _DECLARED
    return _ANSWERED if case.filed is None else join([_ANSWERED, _BOTH])


def seen(case: Case) -> Words:
    """Whose word it is, of files that are told by their names."""
    return join([Words(zh="按名称识别的文件。", en="Files told by their names."), said(case)])


def absent(case: Case) -> Verdict:
    """What it comes to that something the clause demands is not declared.

    An applicant's own file that says nothing of it fails. Without a file a person looks: nothing was filed yet, or the
    platform may not hold it.
    """
    filed = case.registration is not None and (case.platform is None or case.filed is not None)
    return Verdict.FAIL if filed else Verdict.REVIEW


_ORDER = (Verdict.FAIL, Verdict.REVIEW, Verdict.ATTESTED, Verdict.PASS)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several parts of one rule, the verdict of the worst."""
    return min(verdicts, key=_ORDER.index)


# Evidence -----------------------------------------------------------------------------------------------

_FACTS = {
    "kind": pl.String, "name": pl.String, "place": pl.String, "status": pl.String, "declared": pl.String,
    "measured": pl.String, "difference": pl.String, "items": pl.Int64, "share": pl.String,
    "different": pl.Int64, "evenness": pl.String, "size_bytes": pl.Int64,
    "sha256": pl.String,
}  # fmt: skip
"""One row per fact, alike in all rules that rest on declarations: what is meant (`kind`, `name`), where it is, what was
declared and measured (in base units, as decimal strings); of a spread how many different values, the share of the most
frequent and `diversity.Spread.evenness`."""

Fact = Mapping[str, Any]


def evidence(rows: Iterable[Fact]) -> pl.LazyFrame | None:
    """Facts as the rows behind a finding; None where there are none."""
    whole = [{name: row.get(name) for name in _FACTS} for row in rows]
    return pl.LazyFrame(whole, schema=_FACTS) if whole else None


def facts_of(rows: pl.LazyFrame, **columns: pl.Expr) -> pl.LazyFrame:
    """Rows of a table as facts, with columns of their own behind those that all have."""
    blank = {name: pl.lit(None, kind) for name, kind in _FACTS.items()}
    return rows.select(**(blank | columns)).cast(_FACTS)  # type: ignore[arg-type]


# Statements and their documents ---------------------------------------------------------------------------


def statement(case: Case, rule: str) -> Attestation | None:
    """What the applicant states for a rule."""
    return case.registration.attested(rule) if case.registration is not None else None


def stated(case: Case, rule: str) -> list[Words]:
    """That there is a statement of the applicant, never its text; nothing where there is none."""
    found = statement(case, rule)
    if found is None:
        return []
    documents = len(found.documents)
    return [
        Words(
            zh=f"申报单位作了说明，所列证明文件 {documents} 份。",
            en=f"The applicant made a statement and names {documents} documents.",
        )
    ]


@dataclass(frozen=True)
class Stated:
    """What a statement and its documents come to.

    Attributes:
        verdict: fail: a document is missing, empty or another; review: no statement, no document, one that could not be read,
            or one that is the data itself; else attested.
        words: that say so.
        rows: one fact per document.
    """

    verdict: Verdict
    words: list[Words]
    rows: list[Fact]


_FAILS = ("missing", "empty", "differs")
_STATUS = {
    "missing": Words(zh="未找到", en="not found"),
    "empty": Words(zh="为空", en="empty"),
    "differs": Words(zh="摘要不符", en="of another digest than declared"),
    "unread": Words(zh="未能读取或核对", en="not read or not compared"),
    "not-given": Words(zh="平台未给出", en="not given by the platform"),
    "data": Words(
        zh="属数据、索引或归档本身而非证明文件",
        en="of the data itself, its indexes or archives, not documents",
    ),
}
_DATA = ("data", "index", "container")
"""Roles of objects that prove nothing of themselves."""
_SHOWN = 5
_SHOWN_CHARACTERS = 80


def judge_statement(case: Case, rule: str) -> Stated:
    """Look for the documents of a rule's statement.

    Nothing is said where there is no statement.
    """
    found = statement(case, rule)
    if found is None:
        return Stated(Verdict.REVIEW, [], [])
    words = stated(case, rule)
    if not found.documents:
        none = Words(zh="没有证明文件支持该说明。", en="No document supports the statement.")
        return Stated(Verdict.REVIEW, [*words, none], [])
    rows = _documents(case, found)
    verdict = Verdict.ATTESTED
    for status, label in _STATUS.items():
        names = [row["name"] for row in rows if row["status"] == status]
        if names:
            verdict = worst([verdict, Verdict.FAIL if status in _FAILS else Verdict.REVIEW])
            shown = "、".join(name[:_SHOWN_CHARACTERS] for name in names[:_SHOWN])
            more = len(names) > _SHOWN
            words.append(
                Words(
                    zh=f"{label.zh} {len(names)} 份：{shown}{'等' if more else ''}。",
                    en=f"{len(names)} {label.en}: {shown.replace('、', ', ')}{', …' if more else ''}.",
                )
            )
    if verdict is Verdict.ATTESTED and rule == "legality" and all(row.get("card") for row in rows):
        card = Words(
            zh="证明文件只有数据说明文档本身，须人工判断。",
            en="The data's own card is the only document; a person must look.",
        )
        return Stated(Verdict.REVIEW, [*words, card], rows)
    if verdict is Verdict.ATTESTED:
        words.append(
            Words(zh="证明文件均已找到，摘要见证据。", en="All are there; their digests are in the evidence.")
        )
    return Stated(verdict, words, rows)


def _documents(case: Case, found: Attestation) -> list[Fact]:
    """Each document of a statement, with where it is and its digest."""
    filed = None if case.filed is None else case.filed.attested(found.rule)
    at_platform = case.platform is not None and filed is not found
    places = _places(case, [document.name for document in found.documents])
    return [_document(case, each, places, at_platform=at_platform) for each in found.documents]


def _document(case: Case, document: Document, places: pl.DataFrame, *, at_platform: bool) -> Fact:
    row = {"kind": "document", "name": document.name, "declared": document.sha256}
    if at_platform and document.sha256 is not None:  # it is the platform's to hold; its digest binds it
        return {**row, "place": case.platform, "status": "platform", "sha256": document.sha256}
    there = _candidates(case, document, places)
    if not there:
        return {**row, "status": "not-given" if at_platform else "missing"}
    order = ("found", "unread", "data", "differs", "empty")
    best = min(
        ({**row, **each, "status": _status(document, each)} for each in there),
        key=lambda each: order.index(each["status"]),
    )
    return {name: best[name] for name in best if name not in ("member", "data")}


def _candidates(case: Case, document: Document, places: pl.DataFrame) -> list[dict[str, Any]]:
    """What may be the document: in the dataset by its path, else by its base name; and beside the registration."""
    name = _composed(document.name)
    exact = places.filter(pl.col("name") == name)
    mine = exact if exact.height or "/" in name else places.filter(pl.col("base") == name)
    there = [
        {
            "place": row["place"],
            "size_bytes": row["size_bytes"],
            "sha256": row["sha256"].hex() if row["sha256"] is not None else None,
            "member": row["container"] is not None and row["error_kind"] is None,
            "data": row["role"] in _DATA,
            "card": row["why"] == "documentation-name",
        }
        for row in mine.iter_rows(named=True)
    ]
    beside = case.attached.get(document.name)
    if beside is not None:
        place = f"beside the registration{f' ({beside.problem})' if beside.problem else ''}"
        same = [each for each in there if beside.sha256 is not None and each["sha256"] == beside.sha256]
        there.append({
            "place": place, "size_bytes": beside.size_bytes, "sha256": beside.sha256, "member": False,
            "data": any(each["data"] for each in same), "card": any(each["card"] for each in same),
        })  # fmt: skip
    return there


def _status(document: Document, found: Mapping[str, Any]) -> str:
    if found["size_bytes"] == 0:
        return "empty"
    if found["data"] and (found["sha256"] is None or document.sha256 in (None, found["sha256"])):
        return "data"
    if (
        found["sha256"] is None
    ):  # a member of an archive is bound by the archive's digest, and compared with none
        return "found" if found["member"] and document.sha256 is None else "unread"
    return "found" if document.sha256 in (None, found["sha256"]) else "differs"


_MOST_PLACES = 10_000


def _places(case: Case, names: list[str]) -> pl.DataFrame:
    """The objects of these names: `name` and `base` composed (NFC), `place` as it is shown."""
    name, base = pl.col("name"), pl.col("name").str.extract(r"([^/]*)$")
    forms = [unicodedata.normalize(form, each) for each in names for form in ("NFC", "NFD")]
    wanted = name.is_in(forms) | base.is_in(forms)
    return (
        case.objects.filter(wanted, pl.col("role") != "ignored")
        .select(
            name.str.normalize("NFC"), base.str.normalize("NFC").alias("base"), name.alias("place"),
            "size_bytes", "sha256", "container", "error_kind", "role", "why",
        )
        .head(_MOST_PLACES)
        .collect(engine="streaming")
    )  # fmt: skip


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


# The rules that rest on a statement alone -------------------------------------------------------------------


def missing(case: Case, rule: str, words: Words, **more: object) -> Outcome:
    """What is not there: fails or is for a person, see `absent`."""
    return Outcome(
        rule,
        absent(case),
        method=said(case),
        message=words,
        next_step=Words(
            zh="在登记中补充，或由评审人员判断。",
            en="Add it to the registration, or have a reviewer decide.",
        ),
        **more,  # type: ignore[arg-type]
    )


GIVE_DOCUMENTS = Words(
    zh="在登记中作出说明，并将所列证明文件放在登记文件旁或数据集内。",
    en="State it in the registration, and put the documents that it names beside the registration or into the dataset.",
)

_SAFEGUARDS = Words(
    zh="安全防护机制无法从数据中测量。", en="A mechanism for protection cannot be measured from the data."
)


def safeguards(case: Case) -> Outcome:
    """8(二) 建立安全防护机制: a statement with documents is attested; none in a registration file fails."""
    found = judge_statement(case, "safeguards")
    if not found.words:
        none = Words(zh="登记中没有相应说明。", en="There is no statement on it.")
        return missing(case, "safeguards", join([_SAFEGUARDS, none]))
    return Outcome(
        "safeguards", found.verdict, method=said(case), message=join([_SAFEGUARDS, *found.words]),
        evidence=evidence(found.rows), next_step=None if found.verdict is Verdict.ATTESTED else GIVE_DOCUMENTS,
    )  # fmt: skip
