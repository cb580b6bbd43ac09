"""The conformance cases: `python -m conformance.generate OUT` writes every one of them.

The usual dataset is 20 records of 150 bytes, all different, all recent, with a README and a registration in
which nothing is missing; under the small policy (text ≥ 3000 B) no clause fails. Every case says in what it
differs, in its files and in its verdicts.
"""

import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli_w

from conformance import media
from conformance.case import (
    BESIDE,
    NOT_DECLARED,
    REFERENCE,
    REGISTRATION,
    TIGHT,
    USUAL_FILES,
    Case,
    Files,
    jsonl,
    record,
    records,
    texts,
    unread_line,
    words,
)
from dqv.core.policy import LongText, Policy, dump_policy, load_policy
from dqv.demo import scaled


def small_policy() -> Policy:
    """The real clauses with scale divided by ten million, and texts long from 1 kB on."""
    policy = scaled(load_policy("jiaxing-2025-65"), 10**7, "small")
    return policy.model_copy(update={"long_text": LongText(item="1 kB", share=policy.long_text.share)})


def write(case: Case, folder: Path) -> None:
    """Write `dataset/` and, where there is one, `registration.toml` with its documents, and `barred.csv`."""
    for name, content in case.files.items():
        path = folder / "dataset" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name, target in case.links.items():
        (folder / "dataset" / name).hardlink_to(folder / "dataset" / target)
    if case.registration is not None:
        (folder / "registration.toml").write_text(tomli_w.dumps(case.registration), "utf-8")
        for name, content in case.beside.items():
            (folder / name).write_bytes(content)
    if case.barred is not None:
        (folder / "barred.csv").write_text(case.barred, "utf-8")


_NOT_READ = ("unread", "defective", "truncated", "archive-", "unknown-codec", "undeclared-raw", "raw-ends")
"""In the names of cases in which something cannot be read, and is therefore not searched for personal values."""


def cases() -> list[Case]:
    """Every case, in the order of a report."""
    return [
        replace(case, changed={"privacy": "review", **case.changed})
        if any(word in case.name for word in _NOT_READ)
        else case
        for case in _cases()
    ]


def _cases() -> list[Case]:
    return [
        *_scale(),
        *media.cases(),
        *_duplicates(),
        *_recency(),
        *_defective(),
        *_documents(),
        *_declared(),
    ]


# The rules ---------------------------------------------------------------------------------------------


def _scale() -> Iterator[Case]:
    rule = "scale.text"
    for name, last in (("pass-at-limit", 150), ("fail-one-byte-less", 149), ("pass-one-byte-more", 151)):
        files = jsonl([*records(19), record(19, last)])
        changed = {rule: name.split("-")[0]}
        yield Case(f"{rule}-{name}", files, changed, {rule: (str(2850 + last), None)})
    # An unread object may hold ten times its bytes: 201 bytes of it leave 2010 open.
    for name, size, verdict in (
        ("indeterminate-unread-could-just-reach-it", 110, "indeterminate"),
        ("fail-unread-could-not-reach-it", 109, "fail"),
    ):
        files = jsonl([*records(8, 110), record(8, size)])
        files = {**files, "more.jsonl": unread_line(201)}
        changed = {rule: verdict, "duplicates.text": "indeterminate", "recency": "indeterminate"}
        yield Case(f"{rule}-{name}", files, changed, {rule: (str(880 + size), None)}, limits=TIGHT)
    files = {**USUAL_FILES, "more.jsonl": unread_line(201)}
    yield Case(f"{rule}-pass-unread-can-only-add", files, {}, {rule: ("3000", None)}, limits=TIGHT)


def _duplicates() -> Iterator[Case]:
    rule = "duplicates.text"

    def case(name: str, files: Files, surplus: int, items: int = 20, **more: Any) -> Case:
        verdict = name.split("-")[0]
        changed = {**more.pop("changed", {}), rule: verdict}
        return Case(f"{rule}-{name}", files, changed, {rule: (str(surplus), str(items))}, **more)

    def with_copies(*texts: str) -> Files:
        rows = [{"text": text, "original_time": "2026-01-15"} for text in texts]
        return jsonl([*records(20 - len(rows), 250), *rows])

    one, two = records(1, seed=50)[0]["text"], records(1, seed=51)[0]["text"]
    yield case("pass-none", USUAL_FILES, 0)
    yield case("pass-at-five-percent", with_copies(one, one), 1)
    yield case("fail-two-of-twenty", with_copies(one, one, two, two), 2)
    yield case("fail-three-copies", with_copies(one, one, one), 2)
    yield case(
        "fail-case-width-and-punctuation",
        with_copies(one, one.upper(), two, two.replace(" ", "，").translate({ord("e"): "ｅ"})),
        2,
    )
    # So many shingles of 40 words are 36; with the last four words changed, two texts share 32 of 40.
    yield case("fail-near-at-four-fifths", with_copies(*_alike(60, 40), *_alike(61, 40)), 2)
    yield case("pass-near-just-under-four-fifths", with_copies(*_alike(60, 39), *_alike(61, 39)), 0)
    first, second = _alike(60, 40)
    third = " ".join([*words(62, 4), *second.split()[4:]])
    yield case("pass-chain-whose-middle-was-not-kept", with_copies(first, second, third), 1)
    across = {**jsonl([*records(18, 250), {"text": one}]), "b.txt": one.encode()}
    yield case("pass-copy-in-another-format", across, 1)
    named, links = (
        texts("doc-{}-20260115.txt"),
        {f"again-{n}.txt": f"doc-{n:02d}-20260115.txt" for n in range(5)},
    )
    yield case("pass-hard-links-are-no-copies", named, 0, links=links, changed={"metadata": "fail"})
    # One line that was not read may or may not be a copy: 0 or 1 of 21 more.
    unread = {"more.jsonl": unread_line(201)}
    yield case("pass-unread-could-not-change-it", {**USUAL_FILES, **unread}, 0, limits=TIGHT)
    copied = jsonl([*records(19), record(18)])
    yield case("indeterminate-unread-could-change-it", {**copied, **unread}, 1, limits=TIGHT)
    archive = {**USUAL_FILES, "more.rar": b"x" * 50}  # it may hold anything; images are not said to be there
    yield case("indeterminate-archive-not-read", archive, 0, changed={"recency": "indeterminate"})
    # Texts over 1 kB: the rate over their paragraphs, by volume, decides where they hold more than a tenth.
    for name, size, whole in (
        ("pass-long-texts-hold-a-tenth", 1001, 22),
        ("pass-long-texts-hold-more", 1002, 21 * 429 + 1002),
    ):
        yield case(name, jsonl([*records(21, 439), record(21, size + 10)]), 0, whole)
    long, longer = record(21, 5010), record(22, 50_010)
    yield case("fail-a-long-text-twice", jsonl([*records(20, 439), long, long]), 5000, 20 * 429 + 2 * 5000)
    twice = [*records(18, 439), *records(2, 439), longer]
    yield case("pass-copies-of-short-texts-beside-a-long-one", jsonl(twice), 2 * 429, 20 * 429 + 50_000)
    yield case("pass-text-of-just-the-long-size", jsonl([*records(19), record(19, 1010)]), 0)


def _alike(seed: int, count: int) -> tuple[str, str]:
    """Two texts of so many words that differ in the last four."""
    first = words(seed, count)
    return " ".join(first), " ".join([*first[:-4], *words(seed + 1000, 4)])


def _recency() -> Iterator[Case]:
    rule = "recency"

    def case(name: str, files: Files, recent: int, size: int = 3000, **changed: str) -> Case:
        changed = {**changed, rule: name.split("-")[0]}
        return Case(f"{rule}-{name}", files, changed, {rule: (str(recent), str(size))})

    def half(recent: int, last: int, undated: int = 0) -> Files:
        """Recent records, one more recent one of `last` bytes, undated ones; the rest is old."""
        rest = 19 - recent - undated
        return jsonl([
            *records(recent),
            record(99, last),
            *records(undated, day=None, seed=100),
            *records(rest, day="2015-01-01", seed=200),
        ])  # fmt: skip

    yield case("pass-at-half", half(9, 150), 1500)
    # One byte less of recent data, and the whole is one byte less too: 1499 of 2999.
    yield case("fail-one-byte-less", half(9, 149), 1499, 2999, **{"scale.text": "fail"})
    yield case("pass-half-without-the-undated", half(9, 150, 10), 1500)
    yield case("review-half-with-the-undated", half(8, 150, 1), 1350)
    yield case("fail-less-than-half-with-the-undated", half(7, 150, 1), 1200)
    for name, day, recent in (
        ("pass-first-day-of-the-window", "2021-06-30", 3000),
        ("fail-day-before-the-window", "2021-06-29", 0),
        ("pass-reference-date", "2026-06-30", 3000),
        ("review-day-after-the-reference-date", "2026-07-01", 0),
        ("review-absurd-date", "9999-12-31", 0),
        ("pass-instant-on-the-first-day-in-shanghai", "2021-06-29T16:00:00Z", 3000),
        ("fail-second-before-the-window-in-shanghai", "2021-06-29T15:59:59Z", 0),
    ):
        late: dict[str, Any] = (
            {} if day == "2026-06-30" else {"updates": "review"}
        )  # for half a year's cadence
        yield case(name, jsonl(records(day=day)), recent, **late)
    yield case("review-storage-time-alone", texts(), 0, metadata="fail", updates="review")
    yield case("pass-date-in-the-name", texts("doc-{}-20260115.txt"), 3000, metadata="fail")
    rows = "".join(f"doc-{number:02d}.txt,2026-01-15\n" for number in range(20))
    yield case("pass-sidecar", {**texts(), "metadata.csv": f"file_name,date\n{rows}".encode()}, 3000)
    old = jsonl(records(day="2015-01-01"), "data-20260115.jsonl")
    yield case("fail-record-outweighs-name", old, 0, updates="review")
    stale = rows.replace("2026", "2015")
    files = {**texts("doc-{}-20260115.txt"), "metadata.csv": f"file_name,date\n{stale}".encode()}
    files["metadata.csv"] = files["metadata.csv"].replace(b".txt", b"-20260115.txt")
    yield case("fail-sidecar-outweighs-name", files, 0, updates="review")


def _defective() -> Iterator[Case]:
    """One broken line in a thousand is let pass, one in 999 is not."""
    for good, verdict, what in (
        (999, "pass", "one-in-1000-defective"),
        (998, "review", "one-in-999-defective"),
    ):
        files = jsonl(records(good))
        files = {**files, "data.jsonl": files["data.jsonl"] + b'{"text": "broken\n'}
        numbers = {
            "scale.text": (str(150 * good), None),
            "duplicates.text": ("0", str(good)),
            "recency": (str(150 * good), str(150 * good)),
        }
        for rule in numbers:
            yield Case(f"{rule}-{verdict}-{what}", files, dict.fromkeys(numbers, verdict), numbers)


_CARD = """\
---
license: cc-by-4.0
size_categories:
- n<1K
---
# 示例文本

## 数据规模
共 20 条记录，数据量 3 kB，1 个文件。
## 数据格式
JSONL
## 文件结构
每行一条记录：text 为正文，original_time 为日期。
## 获取方式
经登记平台申请。
## 联系方式
data@example.cn
## 模态
文本
## 数据划分
不划分。
## 标签统计
无标签。
## 样例
一条记录是若干随机单词。
## 局限性
不是自然语言。
## 数据来源
由程序生成。
## 采集方式
采集时间：2026年1月至2026年2月。
## 数据处理
不作处理。
## 标注规范
不标注。
## 版本
1.0.0
## 应用场景
检验本软件。
## 评估方法
与预期结论比对。
## 基准结果
全部相符。
## 应用案例
本仓库的测试。
"""
"""A whole card of the usual dataset: all twenty aspects, and nothing that is not so."""

_HEADINGS = "\n\n".join(line for line in _CARD.splitlines() if line.startswith("#")) + "\n\nTODO\n"

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")


def _docx(text: str, **more: bytes) -> bytes:
    """A Word document of one paragraph, with more parts beside it."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": f"<Relationships xmlns='{_PACKAGE}'><Relationship Id='a' Type='{_RELATIONS}/officeDocument' "
        "Target='word/document.xml'/></Relationships>",
        "word/document.xml": f"<w:document xmlns:w='{_WORD}'><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>",
        **{f"word/{name}.bin": part for name, part in more.items()},
    }  # fmt: skip
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)  # of 1980: always the same bytes
    return sink.getvalue()


def _documents() -> Iterator[Case]:
    bare = {"data.jsonl": USUAL_FILES["data.jsonl"]}
    wrong = _CARD.replace("共 20 条", "共 22 条").replace("3 kB", "30 GB").replace("JSONL\n", "CSV\n")
    for name, files, found in (
        ("fail-absent", bare, None),
        ("fail-empty", {**bare, "README.md": b""}, None),
        ("fail-headings-alone", {**bare, "README.md": _HEADINGS.encode()}, None),
        ("fail-broken", {**bare, "docs/guide.pdf": b"%PDF"}, None),
        ("indeterminate-encrypted", {**bare, "README.docx": _ENCRYPTED}, None),
        ("indeterminate-macros", {**bare, "README.docx": _docx("许可：MIT", vbaProject=b"x")}, None),
        ("review-present", USUAL_FILES, 0),
        ("review-in-a-folder", {**bare, "docs/guide.docx": _docx("许可：CC BY 4.0")}, 1),
        ("review-chinese-name", {**bare, "数据说明.md": "许可：CC BY 4.0".encode()}, 1),
        ("review-encrypted-beside-one-that-is-read", {**USUAL_FILES, "readme.docx": _ENCRYPTED}, 0),
        ("review-whole-card", {**bare, "README.md": _CARD.encode()}, 20),
        ("review-card-that-the-data-contradicts", {**bare, "README.md": wrong.encode()}, 20),
    ):
        told = {"documentation": (None, None) if found is None else (str(found), "20")}
        yield Case(f"documentation-{name}", files, {"documentation": name.split("-")[0]}, told)
    named = texts("doc-{}-20260115.txt")
    yield Case("metadata-fail-absent", named, {"metadata": "fail"})
    yield Case(
        "metadata-fail-text-field-alone",
        jsonl(records(day=None)),
        {"metadata": "fail", "recency": "review", "updates": "review"},
    )
    yield Case("metadata-review-fields", USUAL_FILES)
    yield Case("metadata-review-file", {**named, "metadata.csv": b"file_name,author\ndoc.txt,A\n"})
    card = b"---\nlicense: mit\nsize_categories: n>1T\n---\n# a\n"
    other = {"legality": "review"}  # the card names another licence than the registration
    yield Case("metadata-review-card-alone", {**named, "README.md": card}, other)
    broken = b"---\nlicense: [mit\n---\n# a\n"
    yield Case("metadata-review-broken-card-alone", {**named, "README.md": broken}, other)
    described = [
        {**row, "id": f"r{n % 19}", "license": "mit", "source": "s"} for n, row in enumerate(records(20, 160))
    ]
    yield Case("metadata-review-unmet-and-contradicting", {**jsonl(described), "README.md": card}, other)
    remote = b'{"@context": "http://127.0.0.1:9/x", "@type": "sc:Dataset"}'
    yield Case("metadata-review-croissant-from-elsewhere", {**USUAL_FILES, "croissant.json": remote})
    belied = (
        b'{"@type": "sc:Dataset", "datePublished": "2031-01-01", "distribution": [{"@type": "cr:FileObject", "@id": "a", '
        b'"contentUrl": "data.jsonl", "contentSize": "12 GB", "encodingFormat": "text/csv"}]}'
    )
    yield Case("metadata-review-croissant-that-the-files-belie", {**USUAL_FILES, "croissant.json": belied})


def _declared() -> Iterator[Case]:
    """The rules that rest on the registration."""

    def without(key: str) -> Mapping[str, Any]:
        return {name: value for name, value in REGISTRATION.items() if name != key}

    def case(name: str, registration: Mapping[str, Any] | None = REGISTRATION, /, **changed: str) -> Case:
        return Case(name, USUAL_FILES, changed, {}, registration)

    for rule in (
        "updates",
        "registration",
        "applicant",
        "category",
        "legality",
        "safeguards",
        "scenarios",
        "value",
    ):
        yield case(f"{rule}-attested-declared")
        yield case(f"{rule}-review-no-registration", None, **NOT_DECLARED)
    yield case("registration-fail-no-certificate", without("certificate"), registration="fail")
    for name, dates in (
        ("attested-valid-for-the-day", {"valid_from": REFERENCE, "valid_until": REFERENCE}),
        ("review-expired-the-day-before", {"valid_until": REFERENCE - timedelta(days=1)}),
        ("review-valid-from-the-day-after", {"valid_from": REFERENCE + timedelta(days=1)}),
    ):
        certificate = {**REGISTRATION["certificate"], **dates}
        verdict = name.split("-")[0]
        yield case(f"registration-{name}", {**REGISTRATION, "certificate": certificate}, registration=verdict)
    # A declared number may be rounded by half of its last place: of 3.0 kB, by 50 bytes.
    rounded = {**REGISTRATION, "modalities": {"text": {"scale": "3.0 kB"}}}
    for name, last in (("attested-declared-within-rounding", 100), ("review-declared-beyond-rounding", 99)):
        files = jsonl([*records(19), record(19, last)])
        changed = {"registration": name.split("-")[0], "scale.text": "fail"}
        yield Case(f"registration-{name}", files, changed, {}, rounded)
    odd = {**USUAL_FILES, "model.xyz": b"?"}
    yield Case("registration-review-unknown-format", odd, {"registration": "review"})
    yield case("category-fail-none", without("category"), category="fail")
    yield from _applicants()
    yield from _scenarios()
    yield from _updates()
    yield from _documented()
    yield from _licences()
    yield from _privacy()


def _applicants() -> Iterator[Case]:
    for name, who in (
        ("review-no-code", {"name": "someone"}),
        ("review-wrong-check-character", {"name": "someone", "uscc": "913304990000000007"}),
        ("fail-individual-business", {"name": "someone", "uscc": "923304990000000003"}),
        ("review-social-association", {"name": "someone", "uscc": "51330499000000000A"}),
        ("attested-public-institution", {"name": "someone", "uscc": "12330499000000000B"}),
        ("fail-individual-business-in-small-letters", {"name": "someone", "uscc": "92330499ma00000006"}),
    ):
        yield Case(
            f"applicant-{name}",
            USUAL_FILES,
            {"applicant": name.split("-")[0]},
            {},
            {**REGISTRATION, "applicant": who},
        )
    code = REGISTRATION["applicant"]["uscc"]
    for name, day in (
        ("fail-barred-on-the-last-day-of-two-years", "2024-07-01"),
        ("review-two-years-are-over-but-not-the-calendar-year", "2024-06-30"),
        ("attested-two-calendar-years-are-over", "2023-12-31"),
        ("attested-decided-after-the-reference-date", "2026-07-01"),
    ):
        yield Case(
            f"applicant-{name}",
            USUAL_FILES,
            {"applicant": name.split("-")[0]},
            barred=f"code,date\n{code},{day}\n",
        )
    yield Case("applicant-attested-another-is-barred", USUAL_FILES, barred="name,year\nanother,2025\n")
    named = REGISTRATION["applicant"]["name"]
    yield Case(
        "applicant-review-barred-with-another-code",
        USUAL_FILES,
        {"applicant": "review"},
        barred=f"code,name,year\n12330499000000000B,{named},2025\n",
    )
    yield Case(
        "applicant-fail-barred-as-a-spreadsheet-writes-it",
        USUAL_FILES,
        {"applicant": "fail"},
        barred=f"序号;统一社会信用代码;决定日期;备注\n1;{code};2025/3/1;x\n",
    )


def _scenarios() -> Iterator[Case]:
    one, two = REGISTRATION["scenarios"]
    for name, count, declared in (
        ("fail-none", None, []),
        ("fail-one", 1, [one]),
        ("fail-one-title-twice", 1, [one, {**one, "user": "others"}]),
        ("fail-one-under-two-titles", 1, [one, {**one, "title": "two"}]),
        ("fail-one-without-an-effect", 1, [one, {**two, "effect": "待定"}]),
        ("attested-two", 2, [one, two]),
        ("attested-three", 3, [one, two, {**one, "title": "three", "task": "draw"}]),
    ):
        changed = {"scenarios": name.split("-")[0]}
        numbers = {"scenarios": (None if count is None else str(count), None)}
        yield Case(
            f"scenarios-{name}", USUAL_FILES, changed, numbers, {**REGISTRATION, "scenarios": declared}
        )


def _updates() -> Iterator[Case]:
    def case(name: str, cadence: str | None, files: Files = USUAL_FILES, stated: str | None = None) -> Case:
        declared = {key: value for key, value in REGISTRATION.items() if key != "cadence"}
        if cadence is not None:
            declared["cadence"] = cadence
        if stated is not None:
            more = {"rule": "updates", "statement": stated}
            declared["attestations"] = [more, *REGISTRATION["attestations"]]
        return Case(f"updates-{name}", files, {"updates": name.split("-")[0]}, {}, declared)

    yield case("fail-no-cadence", None)
    yield case("review-statement-alone", None, stated="every month")
    yield case("fail-irregular", "不定期")
    yield case("review-words-that-are-no-period", "as the wind blows")
    yield case("review-period-and-its-contrary", "不再更新，此前每季度更新")
    yield case("review-more-than-ten-years", "P1000Y")
    yield case("attested-a-year", "一年一次")
    # The usual data is from 2026-01-15, the reference date 2026-06-30: two periods of a quarter, one with data.
    yield case("attested-half-of-the-periods", "每季度")
    yield case("review-less-than-half-of-the-periods", "every two months")
    for name, months in (
        ("attested-two-periods-late", (1, 2, 3, 4)),
        ("review-three-periods-late", (1, 2, 3)),
    ):
        rows = [
            row
            for month in months
            for row in records(20 // len(months) + 1, day=f"2026-{month:02d}-01", seed=50 * month)
        ]
        yield case(name, "monthly", jsonl(rows))


def _documented() -> Iterator[Case]:
    """Statements whose documents are there, missing, empty or another."""
    for rule, absent in (("legality", "fail"), ("safeguards", "fail"), ("value", "review")):
        others = [each for each in REGISTRATION["attestations"] if each["rule"] != rule]

        def case(name: str, documents: list[Any] | None, files: Files = USUAL_FILES, *, rule: str = rule,
                 others: list[Any] = others, **more: Any) -> Case:  # fmt: skip
            mine = (
                [] if documents is None else [{"rule": rule, "statement": "so it is", "documents": documents}]
            )
            declared = {**REGISTRATION, "attestations": [*mine, *others]}
            return Case(f"{rule}-{name}", files, {rule: name.split("-")[0]}, {}, declared, **more)

        yield case(f"{absent}-no-statement", None)
        yield case("review-statement-without-documents", [])
        yield case("fail-document-missing", ["proof.txt", "none.pdf"])
        yield case("fail-document-empty", ["empty.pdf"], beside={**BESIDE, "empty.pdf": b""})
        yield case(
            "attested-digest-as-declared", [{"name": "proof.txt", "sha256": sha256(b"proof").hexdigest()}]
        )
        yield case("fail-another-digest", [{"name": "proof.txt", "sha256": sha256(b"Proof").hexdigest()}])
        inside = {**USUAL_FILES, "docs/proof.pdf": b"%PDF"}
        data = next(name for name in USUAL_FILES if name.endswith(".jsonl"))
        yield case("attested-document-in-the-dataset", ["docs/proof.pdf"], inside)
        yield case("review-the-data-as-its-own-document", [data])
    yield Case("openness-review-with-a-statement", USUAL_FILES)  # a statement is no measurement
    yield Case("privacy-attested-nothing-found", USUAL_FILES)
    for rule in ("openness", "privacy"):
        kept = [each for each in REGISTRATION["attestations"] if each["rule"] != rule]
        undeclared = {**REGISTRATION, "attestations": kept}
        yield Case(f"{rule}-review-no-statement", USUAL_FILES, {rule: "review"}, {}, undeclared)
    missing = [
        {**each, "documents": ["none.pdf"]} if each["rule"] == "openness" else each
        for each in REGISTRATION["attestations"]
    ]
    yield Case(
        "openness-fail-document-missing",
        USUAL_FILES,
        {"openness": "fail"},
        {},
        {**REGISTRATION, "attestations": missing},
    )


PERSONAL = {
    "id": ("11010519491231002X", "110105194912310021"),
    "mobile": ("13812345678", "14012345678"),
    "landline": ("0573-82111111", "0573-12111111"),
    "card": ("6222021234567890128", "6222021234567890127"),
    "email": ("a.b@c.cn", "a.b@c"),
    "plate": ("浙F12345", "浙F1234"),
    "passport": ("护照E12345678", "型号E12345678"),
}
"""Of each kind what is one, and what only looks like one."""


def _privacy() -> Iterator[Case]:
    """A value in one record of twenty, and what looks like one."""
    for kind, (value, alike) in PERSONAL.items():
        for text, side, hit in ((value, "review", "1"), (alike, "attested", "0")):
            rows = records()
            rows[7] = {**rows[7], "text": f"{rows[7]['text']} {text} {rows[7]['text']}"}
            numbers = {"privacy": (hit, "20")}
            yield Case(f"privacy-{side}-{kind}", jsonl(rows), {"privacy": side}, numbers)
    more: Any
    for where, more, hit in (
        ("key", {"contacts": {"13812345678": "a"}}, "1"),
        ("field", {"13812345678": "a"}, "0"),
        ("number-with-a-point", {"phone": "13812345678.0"}, "1"),
    ):
        rows = records()
        rows[7] = {**rows[7], **more}
        yield Case(f"privacy-review-a-{where}", jsonl(rows), {"privacy": "review"}, {"privacy": (hit, "20")})
    for case, name in (
        ("review-a-name", "13812345678.txt"),
        ("review-a-name-with-underscore", "身份证_11010519491231002X.txt"),
        ("attested-a-picture-of-the-web", "14526359573_0e7c9a2e2b_z.txt"),
    ):
        named = {**USUAL_FILES, name: record(99)["text"].encode()}
        yield Case(f"privacy-{case}", named, {"privacy": case.partition("-")[0]}, {"privacy": ("0", "21")})


def _licences() -> Iterator[Case]:
    """What files of the dataset say of its licence."""
    by, mit = b"Attribution 4.0 International", b"SPDX-License-Identifier: MIT"
    for name, files in (
        ("attested-licence-file-as-declared", {"LICENSE": by}),
        ("review-another-licence-file", {"LICENSE": mit}),
        ("review-licence-file-of-no-known-licence", {"LICENSE": b"ask us"}),
        ("attested-card-as-declared", {"README.md": b"---\nlicense: cc-by-4.0\n---\n# What this is\n"}),
        ("review-another-licence-in-croissant", {"croissant.json": b'{"license": "MIT"}'}),
        ("review-croissant-that-cannot-be-read", {"croissant.json": b"[]"}),
        ("review-another-licence-in-the-card", {"README.md": b"---\nlicense: mit\n---\n# What this is\n"}),
        (
            "attested-licence-in-words-as-declared",
            {"README.md": "# 许可\n\n采用 CC BY 4.0 许可。\n".encode()},
        ),
        ("review-another-licence-in-words", {"README.md": b"# License\n\nReleased under the MIT license.\n"}),
    ):
        yield Case(f"legality-{name}", {**USUAL_FILES, **files}, {"legality": name.split("-")[0]})
    undeclared = {key: value for key, value in REGISTRATION.items() if key != "licence"}
    yield Case(
        "legality-review-licence-found-and-none-declared",
        {**USUAL_FILES, "LICENSE": by},
        {"legality": "review"},
        {},
        undeclared,
    )
    yield Case("legality-attested-no-licence-declared-or-found", USUAL_FILES, {}, {}, undeclared)


def main(arguments: list[str]) -> int:
    """Write the policy and every case with what is expected of it."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m conformance.generate OUT\n")
        return 2
    out = Path(arguments[0])
    out.mkdir(parents=True)
    (out / "policy-small.toml").write_text(dump_policy(small_policy()), "utf-8")
    for case in cases():
        write(case, out / case.name)
        expected = {
            "reference_date": REFERENCE.isoformat(),
            "verdicts": case.verdicts,
            "numbers": case.numbers,
            "readings": case.readings,
            "assurance": case.assurance,
            "limits": case.limits.model_dump(exclude_defaults=True),
        }
        (out / case.name / "expected.json").write_text(json.dumps(expected, indent=1) + os.linesep, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
