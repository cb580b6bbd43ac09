"""8(二): the data is of lawful origin and clear ownership (legality)."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from dqv.checks.attestations import GIVE_DOCUMENTS, Fact, absent, evidence, judge_statement, said, worst
from dqv.checks.diversity import Spread
from dqv.checks.engine import Case, Outcome, join
from dqv.core.licences import is_known, names
from dqv.core.policy import Words
from dqv.core.units import decimal_string
from dqv.core.verdicts import Verdict
from dqv.measure.privacy import mask
from dqv.measure.statements import licences as families

_WHY = Words(
    zh="来源合法、权属清晰无法由程序测量。",
    en="Lawful origin and clear ownership cannot be measured by a program.",
)
_METHOD = Words(
    zh="许可：登记所列，与数据中所见（记录的许可字段、许可文件、数据卡与 Croissant）按 SPDX 标识比对，说明文档正文所称按许可名称比对。",
    en="Licences: what the registration declares is compared, by SPDX identifiers, with what the data says (licence fields of "
    "records, licence files, card, Croissant), and by the licences' names with what the words of documents state.",
)


@dataclass(frozen=True)
class Licences:
    """What the data says of its licence.

    Attributes:
        declared: in the registration.
        fields: how the licence fields of the items spread.
        rows: a fact per licence found and place of it.
        found: licences, but for texts that are none that is known.
    """

    declared: tuple[str, ...]
    fields: Spread
    rows: list[Fact]
    found: tuple[str, ...]


def declared_licences(case: Case) -> tuple[str, ...]:
    """The licences that the registration declares, as `core.licences.names` gives them."""
    record = case.registration
    return names(record.licence) if record is not None and record.licence else ()


def licences_of(case: Case) -> Licences:
    """Licences declared and found: in fields, files, card and Croissant."""
    declared = declared_licences(case)
    fields = case.spreads["licence"]
    rows: list[Fact] = []
    found: dict[str, None] = {}
    for text, items in fields.top:
        share = decimal_string(Fraction(items, fields.items), 6)
        for name in names(text):
            found[name] = None
            rows.append({
                "kind": "licence-field", "name": mask(name), "measured": mask(text), "items": items, "share": share,
                "status": _status(name, declared),
            })  # fmt: skip
    for file in case.licences:
        kind = f"licence-{file.kind}"
        for name in file.licences:
            found[name] = None
            rows.append(
                {"kind": kind, "name": mask(name), "place": file.name, "status": _status(name, declared)}
            )
        if not file.licences and (file.kind == "text" or not file.read):
            status = "not-identified" if file.read else "unread"
            rows.append({"kind": kind, "place": file.name, "status": status})
    return Licences(declared, fields, rows, tuple(sorted(found)))


def _status(name: str, declared: tuple[str, ...]) -> str:
    if not declared:
        return "not-declared"
    alike = {each.casefold() for each in declared}
    return "as-declared" if name.casefold() in alike else "contradicts"


def agrees(family: str, beside: Iterable[str], there: Iterable[str]) -> bool | None:
    """Whether a licence that a document names is one of others.

    Args:
        family: the licence, as `measure.statements` names it.
        beside: all that the document names, since one of them may be of code or of a source.
        there: as `core.licences.names` gives them.

    Returns:
        None: another of the document's is, or one of the others is none that is known.
    """
    every = list(there)
    meant = [families(name.lower()) for name in every]
    among = {each for one in meant for each in one}
    if family in among:
        return True
    unknown = any(not one and not is_known(name) for one, name in zip(meant, every, strict=True))
    return None if unknown or among & set(beside) else False


_OF_DOCUMENTS = {True: "as-declared", False: "contradicts", None: "not-compared"}


def _of_documents(case: Case, declared: tuple[str, ...]) -> list[Fact]:
    """A fact per licence that the words of a document name outside its front matter, by its family: documents seldom give a version."""
    if case.documents is None:
        return []
    read = case.documents.read.filter((pl.col("role") == "documentation") & (pl.col("status") == "read"))
    stated = case.documents.statements.filter(
        (pl.col("kind") == "licence") & pl.col("object").is_in(read["object"].implode())
    )
    if stated.is_empty():
        return []
    named = (
        stated.select("object", "what").unique(maintain_order=True).group_by("object", maintain_order=True)
    )
    wanted = case.objects.filter(pl.col("object").is_in(stated["object"].implode()))
    places = dict(wanted.select("object", "name").collect(engine="streaming").iter_rows())
    cards = {
        (file.name, each)
        for file in case.licences
        for name in file.licences
        for each in families(name.lower())
    }
    rows: list[Fact] = []
    for (number,), mine in named:
        every = mine["what"].to_list()
        for family in every:
            if (places[number], family) not in cards:
                status = _OF_DOCUMENTS[agrees(family, every, declared)] if declared else "not-declared"
                rows.append(
                    {"kind": "licence-document", "name": family, "place": places[number], "status": status}
                )
    return rows


def legality(case: Case) -> Outcome:
    """8(二) 数据来源合法、权属清晰: a statement with documents is attested where no licence found contradicts the declared one."""
    found, licences = judge_statement(case, "legality"), licences_of(case)
    words = [_WHY, *(found.words or [Words(zh="登记中没有相应说明。", en="There is no statement on it.")])]
    verdicts = [found.verdict if found.words else absent(case)]
    documents = _of_documents(case, licences.declared)
    told = _told(licences, documents)
    if told:
        words += told
        verdicts.append(Verdict.REVIEW)
    elif licences.found:
        words.append(
            Words(
                zh=f"数据中所见许可与登记一致：{listed(licences.found)}。",
                en=f"The licences that the data names are those declared: {listed(licences.found)}.",
            )
        )
    verdict = worst(verdicts)
    return Outcome(
        "legality", verdict, method=join([said(case), _METHOD]), message=join(words),
        evidence=evidence([*found.rows, *licences.rows, *documents]),
        next_step=None if verdict is Verdict.ATTESTED else _next(found.verdict, told=bool(told)),
    )  # fmt: skip


def _next(verdict: Verdict, *, told: bool) -> Words:
    licence = Words(
        zh="在登记中写明数据的许可（licence），并使数据中的许可字段与文件与之一致。",
        en="Declare the data's licence in the registration (licence), and make fields and files in the data say the same.",
    )
    steps = [*([GIVE_DOCUMENTS] if verdict is not Verdict.ATTESTED else []), *([licence] if told else [])]
    return join(steps or [GIVE_DOCUMENTS])


def _told(licences: Licences, documents: list[Fact]) -> list[Words]:
    """What of the licences a person must look at."""
    words = []
    odd = sorted({row["name"] for row in licences.rows if row["status"] == "contradicts"})
    if odd:
        items = sum(
            row["items"] for row in licences.rows if row["status"] == "contradicts" and row.get("items")
        )
        places = len([row for row in licences.rows if row["status"] == "contradicts" and row.get("place")])
        words.append(
            Words(
                zh=f"登记的许可为 {listed(licences.declared)}，数据中另有 {listed(odd)}（{items} 个条目、{places} 份文件）。",
                en=f"Declared is {listed(licences.declared)}; the data names {listed(odd)} ({items} items, {places} files).",
            )
        )
    against = [row for row in documents if row["status"] == "contradicts"]
    if against:
        stated = ", ".join(sorted({row["name"] for row in against}))
        places = len({row["place"] for row in against})
        words.append(
            Words(
                zh=f"登记的许可为 {listed(licences.declared)}，{places} 份说明文档称 {stated}。",
                en=f"Declared is {listed(licences.declared)}; {places} documents state {stated}.",
            )
        )
    if not licences.declared and licences.found:
        words.append(
            Words(
                zh=f"登记未写明许可，数据中有 {listed(licences.found)}。",
                en=f"The registration declares no licence; the data names {listed(licences.found)}.",
            )
        )
    unknown = len([row for row in licences.rows if row["status"] in ("not-identified", "unread")])
    if unknown:
        words.append(
            Words(
                zh=f"{unknown} 份许可文件未能识别为常见许可，须人工阅读。",
                en=f"{unknown} licence files are no well-known licence or could not be read; a person must read them.",
            )
        )
    if licences.fields.different > len(licences.fields.top):
        words.append(
            Words(
                zh=f"许可字段有 {licences.fields.different} 种取值，只比对了最常见的 {len(licences.fields.top)} 种。",
                en=f"Licence fields hold {licences.fields.different} different values; the {len(licences.fields.top)} most frequent "
                "were compared.",
            )
        )
    return words


_SHOWN = 5


def listed(found: Iterable[str]) -> str:
    """Identifiers; what is none is counted, for a message quotes no text of the data."""
    every = list(found)
    known = [name for name in every if is_known(name)]
    others = len(every) - len(known)
    shown = [*known[:_SHOWN], *(["…"] if len(known) > _SHOWN else [])]
    return ", ".join([*shown, *([f"{others} × non-SPDX"] if others else [])])
