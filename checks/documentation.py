"""8(三) 具备准确、清晰的说明文档: what the documents say, and whether the measurements bear it out (documentation).

Absent or empty fails. What was read is for a person to judge, who gets the twenty aspects of TC609-5-2025-04's 说明文档
with their places, and every statement that the measurements contradict with both numbers. Nothing passes on what the
documents say. What could not be read could be good or nothing: alone, it leaves the rule indeterminate.

A statement is compared with *readings*: all that was measured which it could mean (items or objects, of a modality, a
format or a folder; sizes as stored, as data, in decimal and binary units). It agrees when one of them is near. It is
contradicted only when none is near and either it speaks of the whole, or it claims more of a part than there is of the
whole, or the dataset is said to have far more than that; not when the other statements of its section add up with it to a reading, and not where data could not be read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

import polars as pl

from dqv.checks.engine import MODALITY_WORDS, Case, Documents, Outcome, join
from dqv.checks.legality import agrees, declared_licences, listed
from dqv.checks.recency import dated
from dqv.core.licences import names as licences_in
from dqv.core.policy import Words
from dqv.core.schema import MODALITIES
from dqv.core.units import decimal_string, hours, human
from dqv.core.verdicts import Verdict
from dqv.measure.card_terms import ASPECTS, BY_NAME
from dqv.measure.datacards import rank

TOLERANCE = Fraction(5, 100)
"""By which a number may differ: cards round, and are written some days before the data is final."""

ABOUT = Fraction(15, 100)
"""The same where it says about (约, approximately)."""

COARSE = Fraction(25, 100)
"""The most that half of the last digit stated may be of a number ("1 million"); else TOLERANCE is too strict for it."""

FAR = 2
"""So many times what is there: what the dataset is said to have, all or some of it, and cannot be counted in another way."""

Row = dict[str, Any]

_MOST_TOLD = 6
"""Contradictions and documents in the message; all are in the evidence."""

_MOST_FOLDERS = 1000
"""Folders whose items are readings of their own."""


@dataclass(frozen=True)
class Compared:
    """A statement beside what was measured.

    Attributes:
        stated: made of the numbers read, never the document's own words.
        measured: the nearest reading; None where there is none.
        reading: which one.
        agrees: None: it could not be compared.
    """

    object: int
    unit: str
    place: int
    kind: str
    stated: Words
    measured: Words | None
    reading: str
    agrees: bool | None


def documentation(case: Case) -> Outcome:
    """8(三) 具备准确、清晰的说明文档: absent or empty fails, what was read is for a person with its contradictions."""
    there = case.objects.filter(pl.col("role") == "documentation")
    count = int(there.select(pl.len()).collect(engine="streaming").item())
    if not count:
        return _outcome(
            case, Verdict.FAIL, None,
            [Words(zh="未发现说明文档（README、数据卡、说明…）。", en="No documentation was found (README, data card, 说明 …).")],
            Words(zh="在数据集根目录加入说明文档，如 README.md；dqv init --card 可由测量结果生成模板。",
                  en="Add a document such as README.md at the root of the dataset; dqv init --card makes a template from the measurements."),
        )  # fmt: skip
    found = case.documents
    if found is None:
        return _outcome(
            case, Verdict.INDETERMINATE, None,
            [Words(zh=f"按名称发现 {count} 份说明文档；未读取其内容。", en=f"{count} documents were found by their names; they were not read.")],
            Words(zh="以 --assurance full 重新检查。", en="Check again with --assurance full."),
        )  # fmt: skip
    documents = found.read.filter(pl.col("role") == "documentation")
    good = documents.filter((pl.col("status") == "read") & (pl.col("content") > 0))
    silent = documents.filter(
        (pl.col("status") == "defective") | ((pl.col("status") == "read") & (pl.col("content") == 0))
    )
    names = _Names(case, found)
    aspects = _aspects(found, good)
    compared = Comparison(case, found, good, names).compare() if good.height else []
    told = [
        Words(
            zh=f"发现 {count} 份说明文档，读取 {good.height} 份。",
            en=f"{count} documents were found, {good.height} of them were read.",
        )
    ]
    if good.height:
        told += [*_told_aspects(aspects), *_told_comparison(compared, names)]
    told += _told_unread(documents, count, names)
    if good.height:
        verdict = Verdict.REVIEW
    else:
        verdict = Verdict.FAIL if silent.height == count else Verdict.INDETERMINATE
    return _outcome(
        case, verdict, _evidence(found, aspects, compared, names, documents), told, _next(verdict, aspects, compared),
        numerator=sum(each is not None and each["strength"] != "empty" for each in aspects.values()) if good.height else None,
    )  # fmt: skip


def _outcome(
    case: Case, verdict: Verdict, evidence: pl.LazyFrame | None, told: Sequence[Words], next_step: Words, *, numerator: int | None = None
) -> Outcome:  # fmt: skip
    statement = case.registration.attested("documentation") if case.registration is not None else None
    if statement is not None:
        documents = len(statement.documents)
        told = [
            *told,
            Words(
                zh=f"申报单位作了说明，所列证明文件 {documents} 份。",
                en=f"The applicant made a statement and names {documents} documents.",
            ),
        ]
    return Outcome(
        "documentation", verdict, method=_METHOD if case.platform is None else join([_METHOD, _ANSWERED]),
        evidence=evidence, message=join(told), next_step=next_step, numerator=numerator,
        denominator=None if numerator is None else len(ASPECTS),
        population=None if numerator is None else Words(zh="TC609-5-2025-04 说明文档的要点", en="aspects of a data card in TC609-5-2025-04"),
    )  # fmt: skip


_METHOD = Words(
    zh="按名称识别说明文档，读取其标题、表格、字段与措辞，查找 TC609-5-2025-04 的 20 项要点（仅供参考，据二手资料）；将其所述数量、大小、时长、"
    f"分辨率、格式、模态、时间范围、许可与测量值比较，容差 {human(TOLERANCE, 'ratio')}，“约”为 {human(ABOUT, 'ratio')}。"
    "文档来自申报单位，不作为通过的依据。",
    en="Documents are told by their names; their headings, tables, fields and wording are searched for the 20 aspects of TC609-5-2025-04 "
    "(informative, known second-hand); counts, sizes, hours, resolutions, formats, modalities, spans of time and licences that they state are "
    f"compared with what was measured, within {human(TOLERANCE, 'ratio')}, or {human(ABOUT, 'ratio')} where they say about. What they "
    "say is the applicant's word and no ground for a pass.",
)
_ANSWERED = Words(
    zh="登记记录由平台经 TLS 返回。",
    en="The registration is the platform's record, received over TLS.",
)


class _Names:
    """The names of the documents, as text that can be shown."""

    def __init__(self, case: Case, found: Documents) -> None:
        wanted = found.read["object"].implode()
        rows = case.objects.filter(pl.col("object").is_in(wanted)).select("object", "name").collect()
        self._names: dict[int, str] = dict(rows.iter_rows())

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def short(self, number: int) -> str:
        """For a sentence."""
        name = self._names[number]
        return name if len(name) <= 60 else f"…{name[-59:]}"


def _aspects(found: Documents, good: pl.DataFrame) -> dict[str, Row | None]:
    """The best place of each aspect in what was read; None: nowhere named."""
    best: dict[str, Row | None] = dict.fromkeys(BY_NAME)
    for row in found.aspects.filter(pl.col("object").is_in(good["object"].implode())).iter_rows(named=True):
        old = best[row["aspect"]]
        if old is None or rank(row["strength"], row["how"]) > rank(old["strength"], old["how"]):
            best[row["aspect"]] = row
    return best


def _list(names: Iterable[str]) -> Words:
    words = [BY_NAME[name].words for name in names]
    return Words(zh="、".join(each.zh for each in words), en=", ".join(each.en for each in words))


def _told_aspects(aspects: Mapping[str, Row | None]) -> list[Words]:
    by = {
        strength: [name for name, row in aspects.items() if row is not None and row["strength"] == strength]
        for strength in ("strong", "weak", "empty")
    }
    absent = [name for name, row in aspects.items() if row is None]
    here = len(by["strong"]) + len(by["weak"])
    told = [
        Words(
            zh=f"说明文档的 {len(aspects)} 项要点中找到 {here} 项"
            + (f"（其中 {len(by['weak'])} 项仅凭措辞：{_list(by['weak']).zh}）。" if by["weak"] else "。"),
            en=f"Of the {len(aspects)} aspects of a data card {here} were found"
            + (f" ({len(by['weak'])} of them by their wording alone: {_list(by['weak']).en})." if by["weak"] else "."),
        )
    ]  # fmt: skip
    if by["empty"]:
        listed = _list(by["empty"])
        told.append(
            Words(zh=f"有标题而无内容：{listed.zh}。", en=f"Named with nothing beneath: {listed.en}.")
        )
    if absent:
        listed = _list(absent)
        told.append(Words(zh=f"未找到：{listed.zh}。", en=f"Not found: {listed.en}."))
    return told


_UNITS = {
    "line": Words(zh="第 {} 行", en="line {}"),
    "page": Words(zh="第 {} 页", en="page {}"),
    "paragraph": Words(zh="第 {} 段", en="paragraph {}"),
}


def _told_comparison(compared: Sequence[Compared], names: _Names) -> list[Words]:
    against = [each for each in compared if each.agrees is False]
    agreeing = sum(each.agrees is True for each in compared)
    told = [
        Words(
            zh=f"可核对的陈述 {agreeing + len(against)} 处，与测量相符 {agreeing} 处，不符 {len(against)} 处；另有 {len(compared) - agreeing - len(against)} 处无从比较。",
            en=f"Of {agreeing + len(against)} statements that can be compared {agreeing} agree with the measurements and {len(against)} do not; "
            f"{len(compared) - agreeing - len(against)} more cannot be compared.",
        )
    ]
    for each in against[:_MOST_TOLD]:
        name, unit = names.short(each.object), _UNITS[each.unit]
        told.append(
            Words(
                zh=f"{name}（{unit.zh.format(each.place)}）称 {each.stated.zh}，测得 {(each.measured or _NONE).zh}。",
                en=f"{name}, {unit.en.format(each.place)}, states {each.stated.en}; measured: {(each.measured or _NONE).en}.",
            )
        )
    return told


_ACTIVE = {
    "macro": Words(zh="宏或嵌入对象", en="macros or embedded objects"),
    "script": Words(zh="脚本", en="scripts"),
    "launch": Words(zh="启动外部文件的动作", en="actions that open other files"),
    "embedded": Words(zh="嵌入的文件", en="embedded files"),
    "form": Words(zh="动态表单", en="a dynamic form"),
    "external": Words(zh="由外部载入的内容", en="content from elsewhere"),
}


def _told_unread(documents: pl.DataFrame, count: int, names: _Names) -> list[Words]:
    """Every document that does not count as read, and why."""
    told = []
    for row in documents.iter_rows(named=True):
        if row["status"] == "active":
            kinds = [_ACTIVE[kind] for kind in row["active"] if kind in _ACTIVE]
            why = Words(
                zh=f"含{'、'.join(each.zh for each in kinds)}",
                en=f"it holds {', '.join(each.en for each in kinds)}",
            )
        elif row["status"] != "read":
            why = Words(zh=f"{row['error_kind']}：{row['error']}", en=f"{row['error_kind']}: {row['error']}")
        elif not row["content"]:
            why = Words(zh="只有标题或待填写之处", en="nothing but headings and blanks")
        else:
            continue
        name = names.short(row["object"])
        told.append(
            Words(zh=f"{name} 不计为已读：{why.zh}。", en=f"{name} does not count as read: {why.en}.")
        )
    more = len(told) - _MOST_TOLD
    told = told[:_MOST_TOLD]
    if more > 0:
        told.append(Words(zh=f"另有 {more} 份，见证据。", en=f"So it is with {more} more; see the evidence."))
    elsewhere = int(documents["active"].list.contains("pictures").sum())
    if elsewhere:
        told.append(
            Words(
                zh=f"{elsewhere} 份文档引用外部图片，未获取。",
                en=f"{elsewhere} documents show pictures from elsewhere, which were not fetched.",
            )
        )
    if count > documents.height:
        told.append(
            Words(
                zh=f"另有 {count - documents.height} 份未读取：至多读取 {documents.height} 份。",
                en=f"{count - documents.height} more were not read: at most {documents.height} are.",
            )
        )
    return told


def _next(verdict: Verdict, aspects: Mapping[str, Row | None], compared: Sequence[Compared]) -> Words:
    if verdict is Verdict.FAIL:
        return Words(zh="填写说明文档；dqv init --card 可由测量结果生成模板。",
                     en="Write the documentation; dqv init --card makes a template from the measurements.")  # fmt: skip
    if verdict is Verdict.INDETERMINATE:
        return Words(zh="提供可读取的说明文档：不加密、不扫描、不含宏，如 Markdown。",
                     en="Give documentation that can be read: without a password, scans or macros, such as Markdown.")  # fmt: skip
    sentences = []
    if any(each.agrees is False for each in compared):
        sentences.append(Words(zh="更正与测量不符的陈述。", en="Correct what the measurements contradict."))
    if any(row is None or row["strength"] == "empty" for row in aspects.values()):
        sentences.append(Words(zh="补充未找到的要点。", en="Add the aspects that were not found."))
    sentences.append(Words(zh="请评审人员阅读所列文档。", en="Have a reviewer read the documents listed."))
    return join(sentences)


_EVIDENCE = {
    "name": pl.String, "unit": pl.String, "place": pl.Int64, "kind": pl.String, "subject": pl.String, "how": pl.String,
    "status": pl.String, "stated": pl.String, "measured": pl.String, "agrees": pl.Boolean, "detail": pl.String,
}  # fmt: skip


def _evidence(
    found: Documents,
    aspects: Mapping[str, Row | None],
    compared: Sequence[Compared],
    names: _Names,
    documents: pl.DataFrame,
) -> pl.LazyFrame:
    """One row a document, one an aspect of each document, one an aspect that is nowhere, one a statement."""
    rows: list[Row] = []
    for each in documents.iter_rows(named=True):
        silent = each["status"] == "read" and not each["content"]
        rows.append(
            {"name": names[each["object"]], "kind": "document", "subject": each["format"],
             "status": "empty" if silent else each["status"],
             "detail": f"{each['error_kind']}: {each['error']}" if each["error_kind"] else ", ".join(each["active"]) or None}
        )  # fmt: skip
    shown = found.aspects.filter(pl.col("object").is_in(documents["object"].implode()))
    for each in shown.iter_rows(named=True):
        rows.append(
            {"name": names[each["object"]], "unit": each["unit"], "place": each["place"], "kind": "aspect",
             "subject": f"{BY_NAME[each['aspect']].group} {each['aspect']}", "how": each["how"], "status": each["strength"]}
        )  # fmt: skip
    rows += [
        {"kind": "aspect", "subject": f"{BY_NAME[name].group} {name}", "status": "absent"}
        for name, row in aspects.items()
        if row is None
    ]
    rows += [
        {"name": names[each.object], "unit": each.unit, "place": each.place, "kind": "statement", "subject": each.kind,
         "stated": each.stated.en, "measured": each.measured.en if each.measured else None, "agrees": each.agrees, "detail": each.reading or None}
        for each in compared
    ]  # fmt: skip
    return pl.LazyFrame(rows, schema=_EVIDENCE)


# Statements beside measurements ------------------------------------------------------------------------

Reading = tuple[str, Fraction]
"""What was measured, and how much."""


class Comparison:
    """Compares what the documents that were read state with what was measured; asks only what is needed."""

    def __init__(self, case: Case, found: Documents, good: pl.DataFrame, names: _Names) -> None:
        self.case = case
        self.found = found
        self.names = names
        self.rows = found.statements.filter(pl.col("object").is_in(good["object"].implode()))

    def compare(self) -> list[Compared]:
        """Every statement once, in the order of the documents."""
        compare: Mapping[str, Callable[[Row], Compared | None]] = {
            "items": self._number, "bytes": self._number, "hours": self._number, "pixels": self._pixels, "span": self._span,
            "format": self._format, "modality": self._modality, "licence": self._licence,
        }  # fmt: skip
        compared: list[Compared] = []
        seen: set[tuple[object, ...]] = set()
        for row in self.rows.iter_rows(named=True):
            key = (row["object"], *(row[name] for name in ("kind", "what", "least", "most", "bound")))
            if key in seen:
                continue
            found = compare[row["kind"]](row)
            if found is not None:
                seen.add(key)
                compared.append(found)
        return compared

    def _said(
        self, row: Row, stated: Words, measured: Words | None, reading: str, agrees: bool | None
    ) -> Compared:
        return Compared(
            row["object"], row["unit"], row["place"], row["kind"], stated, measured, reading, agrees
        )  # fmt: skip

    # numbers

    def _number(self, row: Row) -> Compared:
        kind, what = row["kind"], row["what"]
        least = Fraction(row["least"])
        most = Fraction(row["most"]) if row["most"] is not None else None
        bound, step = row["bound"], Fraction(row["step"])
        unit = {"bytes": "byte", "hours": "hour", "items": ""}[kind]
        stated = _shown_number(least, most, bound, unit, what if kind == "items" else "")
        readings = self._readings(kind, what)
        if not readings:
            return self._absent(row, stated, kind, what)
        near = min(readings, key=lambda reading: _distance(reading[1], least, most, bound))
        measured = _same(human(near[1], unit))
        if _fits(near[1], least, most, bound, step):
            return self._said(row, stated, measured, near[0], True)
        largest = max(readings, key=lambda reading: reading[1])
        unread = any(facts.unread_rows or facts.unread_anywhere for facts in self.case.facts.values())
        exceeds = _exceeds(largest[1], least, most, bound, step)
        if self._adds_up(row, readings) or (unread and exceeds):
            return self._said(row, stated, measured, near[0], None)
        far = row["own"] and _exceeds(FAR * largest[1], least, most, bound, step)
        if row["whole"] or far or (exceeds and row["part"]):
            return self._said(row, stated, measured, near[0], False)
        return self._said(row, stated, measured, near[0], None)

    def _absent(self, row: Row, stated: Words, kind: str, what: str) -> Compared:
        """What there is none of: contradicted where the dataset is said to have it, and nothing else is there so often."""
        none = self._said(row, stated, None, "", None)
        if what not in _RECORDED or not (row["whole"] or row["own"]) or row["bound"] == "most":
            return none
        facts = self.case.facts[what]
        if (
            facts.items
            or facts.defective
            or any(each.unread_rows or each.unread_anywhere for each in self.case.facts.values())
        ):
            return none
        least, step = Fraction(row["least"]), Fraction(row["step"])
        most = Fraction(row["most"]) if row["most"] is not None else None
        counts = [reading[1] for _, reading in self._counts] if kind == "items" else []
        if any(_fits(each, least, most, row["bound"], step) for each in counts):
            return none  # a text to each picture that lies elsewhere
        name = MODALITY_WORDS[what]
        measured = Words(zh=f"{name.zh} 0 项", en=f"{name.en} 0 items")
        return self._said(row, stated, measured, "items by modality", False)

    def _adds_up(self, row: Row, readings: Sequence[Reading]) -> bool:
        """Whether what the section states of one kind comes together to a reading, with or without a total among it."""
        alike = self.rows.filter(
            (pl.col("object") == row["object"]) & (pl.col("section") == row["section"]) & (pl.col("kind") == row["kind"])
            & (pl.col("bound").is_in(["exact", "about"]))
        )  # fmt: skip
        values = [Fraction(each) for each in alike["least"].to_list()]
        if len(values) < 2:
            return False
        sums = (sum(values), sum(values) - max(values))
        return any(
            _fits(value, each, None, "exact", Fraction(0)) for _, value in readings for each in sums if each
        )

    def _readings(self, kind: str, what: str) -> list[Reading]:
        if kind == "bytes":
            return self._sizes
        if kind == "hours":
            return self._hours
        counts = self._counts
        if what in MODALITIES:
            mine = [reading for modality, reading in counts if modality == what]
            if not any(value for _, value in mine):
                return []  # it may speak of what the data was made from
            return mine
        if what == "file":
            return self._files
        return [*(reading for _, reading in counts), *self._files]

    @cached_property
    def _counts(self) -> list[tuple[str, Reading]]:
        """Items by modality, by format and by folder, and of all."""
        found: list[tuple[str, Reading]] = []
        for modality, facts in self.case.facts.items():
            name = MODALITY_WORDS[modality].en
            found.append((modality, (f"items of {name}", Fraction(facts.items))))
            found.append((modality, (f"objects of {name}", Fraction(facts.objects))))
            if facts.defective:
                every = facts.items + facts.defective
                found.append((modality, (f"items of {name}, defective ones too", Fraction(every))))
        whole = sum(facts.items for facts in self.case.facts.values())
        found.append(("", ("items", Fraction(whole))))
        measured = self.case.items.filter(pl.col("status") == "measured")
        by_format = (
            measured.group_by("modality", "format")
            .len()
            .sort("modality", "format")
            .collect(engine="streaming")
        )
        found += [(row[0], (f"items of {row[1]}", Fraction(row[2]))) for row in by_format.iter_rows()]
        folder = pl.col("name").str.extract(r"^(.*)/[^/]*$").fill_null("")
        by_folder = (
            measured.group_by("modality", folder=folder)
            .agg(items=pl.len(), objects=pl.col("object").n_unique())
            .collect(engine="streaming")
        )
        if by_folder.height <= _MOST_FOLDERS:
            for row in by_folder.sort("modality", "folder").iter_rows(named=True):
                found.append((row["modality"], ("items in a folder", Fraction(row["items"]))))
                found.append((row["modality"], ("objects in a folder", Fraction(row["objects"]))))
        objects = self.case.objects.filter((pl.col("role") == "data") & (pl.col("texts") > 0)).select("texts")
        few = objects.head(_MOST_FOLDERS + 1).collect()
        if few.height <= _MOST_FOLDERS:  # a file for each split
            found += [("text", ("items in a file", Fraction(value))) for value in few["texts"].to_list()]
        return found

    @cached_property
    def _files(self) -> list[Reading]:
        role = pl.col("role")
        kept = role != "ignored"
        outside = pl.col("container").is_null()
        row = self.case.objects.select(
            data=(role == "data").sum(), every=kept.sum(), outside=(kept & outside).sum(), archives=(role == "container").sum()
        ).collect(engine="streaming").row(0, named=True)  # fmt: skip
        names = {
            "data": "files of data",
            "every": "all files",
            "outside": "files outside archives",
            "archives": "archives",
        }
        return [(names[name], Fraction(value)) for name, value in row.items() if value]

    @cached_property
    def _sizes(self) -> list[Reading]:
        """Bytes as stored and as data, of each modality and of all; binary units are a reading of their own."""
        found: list[Reading] = []
        totals = [0, 0]
        for modality, facts in self.case.facts.items():
            name = MODALITY_WORDS[modality].en
            for at, (what, value) in enumerate(
                (("data", facts.payload_bytes), ("stored", facts.stored_bytes))
            ):
                totals[at] += value
                if value:
                    found.append((f"bytes of {name}, {what}", Fraction(value)))
        found += [("bytes of data", Fraction(totals[0])), ("bytes of what holds data", Fraction(totals[1]))]
        outside = self.case.objects.filter(pl.col("container").is_null() & (pl.col("role") != "ignored"))
        stored = int(outside.select(pl.col("size_bytes").sum()).collect(engine="streaming").item())
        found.append(("bytes of all objects", Fraction(stored)))
        steps = [Fraction(1000**power, 1024**power) for power in range(1, 5)]
        return [
            *found,
            *(
                (f"{name}, binary units", value * steps[_power(value) - 1])
                for name, value in found
                if value >= 1024
            ),
        ]

    @cached_property
    def _hours(self) -> list[Reading]:
        found = [
            (f"hours of {MODALITY_WORDS[name].en}", hours(self.case.facts[name].duration_flicks))
            for name in ("audio", "video")
            if self.case.facts[name].duration_flicks
        ]
        return [*found, ("hours", sum((value for _, value in found), Fraction(0)))] if found else []

    # pictures

    def _pixels(self, row: Row) -> Compared:
        short, what, bound = Fraction(row["least"]), row["what"], row["bound"]
        long = Fraction(row["most"]) if row["most"] is not None else None
        sign = {"least": "≥ ", "most": "≤ "}.get(bound, "")
        stated = _same(f"{sign}{short}P" if what == "side" else f"{sign}{short} × {long}")
        seen = self._frames
        if not seen.height:
            return self._said(row, stated, None, "", None)
        s, lines = pl.col("short"), int(short)
        if what == "side":
            test = {"least": s >= lines, "most": s <= lines}.get(bound, s == lines)
        else:
            far, span = pl.col("long"), int(long or 0)
            test = {"least": (s >= lines) & (far >= span), "most": (s <= lines) & (far <= span)}.get(
                bound, (s == lines) & (far == span)
            )
        count, whole = int(seen.filter(test)["items"].sum()), int(seen["items"].sum())
        measured = _same(f"{human(Fraction(count, whole), 'ratio')} ({count} / {whole})")
        if bound == "exact" or row["part"]:
            agrees = True if count else None if row["part"] else False
        else:
            agrees = count >= (1 - TOLERANCE) * whole
        return self._said(row, stated, measured, "pictures and videos of that size", agrees)

    @cached_property
    def _frames(self) -> pl.DataFrame:
        """Sizes of images and videos, turned so that the short side is first, and how many have each."""
        short, long = (each("width_px", "height_px") for each in (pl.min_horizontal, pl.max_horizontal))
        measured = self.case.items.filter(
            (pl.col("status") == "measured")
            & pl.col("modality").is_in(["image", "video"])
            & pl.col("width_px").is_not_null()
        )
        return measured.group_by(short=short, long=long).agg(items=pl.len()).collect(engine="streaming")

    # time

    def _span(self, row: Row) -> Compared:
        first, last = (date.fromordinal(int(Fraction(str(row[name])))) for name in ("least", "most"))
        stated = _same(f"{first} – {last}" if last.year < 2100 else f"{first} –")
        days = self._days.sort("date")
        count = int(days["items"].sum())
        if not count:
            return self._said(row, stated, None, "", None)
        inside = int(days.filter(pl.col("date").is_between(first, last))["items"].sum())
        first_seen, last_seen = days["date"].to_list()[0], days["date"].to_list()[-1]
        measured = _same(f"{first_seen} – {last_seen} ({inside} / {count})")
        agrees = inside >= (1 - TOLERANCE) * count if row["whole"] else True if inside else None
        return self._said(row, stated, measured, "dated items, of which so many lie within", agrees)

    @cached_property
    def _days(self) -> pl.DataFrame:
        measured = self.case.items.filter(pl.col("status") == "measured")
        days = dated(measured, self.case.reference_date).filter(pl.col("date").is_not_null())
        return days.group_by("date").agg(items=pl.len()).collect(engine="streaming")

    # names

    def _format(self, row: Row) -> Compared:
        what = row["what"]
        measured = self._formats
        agrees = bool(_SAME.get(what, frozenset({what})) & measured)
        shown = _same(", ".join(sorted(measured)[:12]))
        return self._said(row, _same(what), shown, "formats and suffixes", agrees)

    @cached_property
    def _formats(self) -> set[str]:
        """Formats of what was measured, and suffixes of all names."""
        suffix = (
            pl.col("name")
            .str.to_lowercase()
            .str.extract_all(r"\.[a-z0-9]{1,8}")
            .list.eval(pl.element().str.slice(1))
        )
        kept = self.case.objects.filter(
            pl.col("role").is_in(["data", "metadata", "container", "other", "index"])
        )
        names = kept.select(suffix.alias("s")).explode("s").drop_nulls().group_by("s").len().head(1000)
        found = set(names.collect(engine="streaming")["s"])
        formats = self.case.items.select("format").unique().collect(engine="streaming")["format"].drop_nulls()
        if not self.case.objects.filter(pl.col("sample").is_not_null()).head(1).collect().is_empty():
            found.add("webdataset")
        return found | set(formats)

    def _modality(self, row: Row) -> Compared:
        what = row["what"]
        facts = self.case.facts[what]
        unread = facts.unread_rows or facts.unread_anywhere or facts.defective
        here = {name: each.items for name, each in self.case.facts.items() if each.items}
        measured = Words(
            zh="、".join(f"{MODALITY_WORDS[name].zh} {count} 项" for name, count in here.items()) or "0",
            en=", ".join(f"{MODALITY_WORDS[name].en} {count} items" for name, count in here.items()) or "0",
        )
        agrees = True if what in here else None if unread else False
        return self._said(row, MODALITY_WORDS[what], measured, "items by modality", agrees)

    def _licence(self, row: Row) -> Compared:
        """A licence beside those of the data itself, and the registered one; a document is not compared with its own front matter."""
        mine = self.rows.filter((pl.col("object") == row["object"]) & (pl.col("kind") == "licence"))["what"]
        name = self.names[row["object"]]
        files = [each for file in self.case.licences if file.name != name for each in file.licences]
        spread, fields, registered = self.case.spreads["licence"], self._fields, declared_licences(self.case)
        own = [*files, *fields]
        of_data = agrees(row["what"], mine, own) if own else None
        if of_data is False and spread.different > len(spread.top):
            of_data = None  # values of fields that are not counted may name it
        of_record = agrees(row["what"], mine, registered) if registered else None
        shown = []
        if fields:
            every = listed(fields)
            items = sum(count for _, count in spread.top)
            shown.append(Words(zh=f"{every}（{items} 个条目）", en=f"{every} ({items} items)"))
        if files:
            every = listed(dict.fromkeys(files))
            shown.append(
                Words(zh=f"{every}（许可文件与数据描述）", en=f"{every} (licence files and descriptions)")
            )
        if registered:
            every = listed(registered)
            shown.append(Words(zh=f"登记 {every}", en=f"registered {every}"))
        measured = (
            Words(zh="；".join(each.zh for each in shown), en="; ".join(each.en for each in shown))
            if shown
            else None
        )
        found = (of_data, of_record)
        verdict = False if False in found else True if True in found else None
        return self._said(
            row,
            _same(row["what"]),
            measured,
            "licences of the data, and registered" if shown else "",
            verdict,
        )

    @cached_property
    def _fields(self) -> list[str]:
        """The licences that the fields of items name, each once."""
        top = self.case.spreads["licence"].top
        return list(dict.fromkeys(each for text, _ in top for each in licences_in(text)))


_SAME = {
    "jpg": frozenset({"jpg", "jpeg"}), "tiff": frozenset({"tif", "tiff"}), "jsonl": frozenset({"jsonl", "ndjson", "json"}),
    "json": frozenset({"json", "jsonl", "ndjson"}), "html": frozenset({"html", "htm", "xhtml"}), "heic": frozenset({"heic", "heif"}),
    "arrow": frozenset({"arrow", "feather", "ipc"}), "tar": frozenset({"tar", "tgz", "webdataset"}), "mp4": frozenset({"mp4", "m4v"}),
    "tfrecord": frozenset({"tfrecord", "tfrecords"}), "hdf5": frozenset({"hdf5", "h5"}), "txt": frozenset({"txt", "text"}),
    "ogg": frozenset({"ogg", "oga"}), "lmdb": frozenset({"lmdb", "mdb"}),
}  # fmt: skip
"""Format as stated → as it may be measured or called."""


_RECORDED = ("audio", "image", "video")
"""A text may be what a picture shows, and is no statement of what is there."""


def _power(value: Fraction) -> int:
    """Of 1000, that a size is stated in."""
    power = 1
    while power < 4 and value >= 1024 ** (power + 1):
        power += 1
    return power


def _tolerance(least: Fraction, bound: str, step: Fraction) -> Fraction:
    """By how much a value may differ."""
    share = max(ABOUT if bound == "about" else TOLERANCE, min(step / least, COARSE) if least else Fraction(0))
    return share * least


def _ends(
    least: Fraction, most: Fraction | None, bound: str, step: Fraction
) -> tuple[Fraction, Fraction | None]:
    """The smallest and largest that fit a statement; None: without end."""
    slack = _tolerance(least, bound, step)
    if bound == "least":
        return least - slack, None
    if bound == "most":
        return Fraction(0), least + slack
    upper = most if most is not None else least
    return least - slack, upper + _tolerance(upper, bound, step)


def _fits(value: Fraction, least: Fraction, most: Fraction | None, bound: str, step: Fraction) -> bool:
    low, high = _ends(least, most, bound, step)
    return low <= value and (high is None or value <= high)


def _exceeds(largest: Fraction, least: Fraction, most: Fraction | None, bound: str, step: Fraction) -> bool:
    """Whether it claims more than there is."""
    return bound != "most" and largest < _ends(least, most, bound, step)[0]


def _distance(value: Fraction, least: Fraction, most: Fraction | None, bound: str) -> Fraction:
    if _fits(value, least, most, bound, Fraction(0)) and bound in ("least", "most", "range"):
        return Fraction(0)
    return min(abs(value - least), abs(value - (most if most is not None else least)))


def _shown_number(least: Fraction, most: Fraction | None, bound: str, unit: str, what: str) -> Words:
    sign = {"least": "≥ ", "most": "≤ ", "about": "≈ "}.get(bound, "")
    number = human(least, unit) if unit else decimal_string(least)
    if most is not None:
        number = f"{number} – {human(most, unit) if unit else decimal_string(most)}"
    noun = _NOUNS[what]
    return Words(zh=f"{sign}{number}{noun.zh}", en=f"{sign}{number}{noun.en}")


_NOUNS = {
    "": Words(zh="", en=""),
    "any": Words(zh=" 条", en=" items"),
    "file": Words(zh=" 个文件", en=" files"),
    "image": Words(zh=" 张图像", en=" images"),
    "audio": Words(zh=" 段音频", en=" recordings"),
    "video": Words(zh=" 个视频", en=" videos"),
    "text": Words(zh=" 篇文本", en=" texts"),
}
_NONE = Words(zh="无", en="nothing")


def _same(text: str) -> Words:
    """What reads alike in both languages."""
    return Words(zh=text, en=text)
