"""The annex to the application form: facts, whose word each is, and nothing that a name could do."""

import io
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import docx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.verdicts import Verdict
from dqv.reports.annex import Block, Paragraph, Table, annex, markdown
from dqv.reports.annex_docx import docx as written
from dqv.reports.escape import markdown as escaped
from dqv.reports.load import Loaded, load
from dqv.reports.model import Report
from dqv.reports.words import Lang
from dqv.trust import dsse, statement
from dqv.trust.keys import key_id

LANGS: tuple[Lang, ...] = ("zh", "en")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def blocks_of(report: Report, lang: Lang = "zh") -> list[Block]:
    return annex(Loaded(report, Path(), "ab" * 32), lang)


def rows_of(blocks: list[Block]) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for block in blocks if isinstance(block, Table) for row in block.rows}


def test_it_holds_what_the_form_asks_for(report: Report) -> None:
    rows = rows_of(blocks_of(report))
    subject = report.subject
    for name, value in (("数据集", subject.name), ("申报单位", subject.applicant), ("统一社会信用代码", subject.uscc),
                        ("登记证书编号", subject.certificate), ("登记规模 · 文本", "35 GB")):  # fmt: skip
        assert rows[name][0] == value
    assert ("申报类别", "行业专识数据集", "平台") in [
        row for block in blocks_of(report) if isinstance(block, Table) for row in block.rows
    ]
    assert rows["文本规模"][1:4] == ("29,999,999,999 B", "≥ 30 GB", "不符合")
    assert rows["文本重复率"][1:4] == ("3.413 %", "≤ 5 %", "符合")
    assert "421,987 / 12,365,120" in rows["文本重复率"][4]
    assert rows["近五年数据占比"][1] == "47.1 %"
    assert rows["日期跨度"][0] == "2018–2026 年"
    assert {"说明文档", "元数据", "定期更新机制", "应用场景", "不含已开源数据集", "个人信息"} <= set(rows)
    assert rows["默克尔根（SHA-256）"][0] == subject.root_sha256
    assert rows["报告摘要（规范形式的 sha256）"][0] == "ab" * 32
    assert rows["所用规则 SHA-256 摘要"][0] == report.policy.digest
    assert "音频规模" not in rows  # not applicable


@pytest.mark.parametrize(
    ("platform", "filed", "basics", "registration"),
    [
        (None, "1" * 64, "申报", "申报"),
        ("https://p.example", None, "平台", "平台"),
        ("https://p.example", "1" * 64, "平台或申报", "平台"),
    ],
)
def test_whose_word_it_is_is_marked(
    report: Report, platform: str | None, filed: str | None, basics: str, registration: str
) -> None:
    subject = report.subject.model_copy(update={"platform": platform, "registration_sha256": filed})
    rows = rows_of(blocks_of(report.model_copy(update={"subject": subject})))
    assert rows["申报单位"][-1] == basics
    assert rows["平台登记"][-1] == registration
    assert (rows["说明文档"][-1], rows["定期更新机制"][-1], rows["应用场景"][-1]) == ("查看", "申报", "申报")


def test_an_attested_registration_is_declared_even_with_a_platform(report: Report) -> None:
    findings = [
        each.model_copy(update={"verdict": Verdict.ATTESTED}) if each.rule == "registration" else each
        for each in report.findings
    ]
    assert rows_of(blocks_of(report.model_copy(update={"findings": findings})))["平台登记"][-1] == "申报"


def test_what_was_not_given_is_said(report: Report) -> None:
    subject = report.subject.model_copy(update={"name": None, "root_sha256": None})
    rows = rows_of(blocks_of(report.model_copy(update={"subject": subject, "measurements": {}})))
    assert rows["数据集"] == ("未提供", "—")
    assert rows["默克尔根（SHA-256）"][0].startswith("无：")
    text = markdown(blocks_of(report.model_copy(update={"measurements": {}})))
    assert "没有可测量的条目。" in text


@pytest.mark.parametrize("lang", LANGS)
def test_two_runs_give_the_same_bytes(report: Report, lang: Lang) -> None:
    first, second = (blocks_of(report, lang) for _ in range(2))
    assert markdown(first) == markdown(second)
    assert written(first, lang) == written(second, lang)
    with zipfile.ZipFile(io.BytesIO(written(first, lang))) as package:
        assert {each.date_time for each in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("lang", LANGS)
def test_word_reads_what_the_blocks_say(report: Report, lang: Lang) -> None:
    blocks = blocks_of(report, lang)
    document = docx.Document(io.BytesIO(written(blocks, lang)))
    tables = [block for block in blocks if isinstance(block, Table)]
    found = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    assert found == [[list(table.heads), *map(list, table.rows)] for table in tables]
    styles = [each.style.name for each in document.paragraphs if each.style is not None and each.text]
    assert styles.count("Title") == 1
    assert styles.count("Heading 1") == 6


def _parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.mark.parametrize("lang", LANGS)
def test_hostile_texts_are_neither_markup_nor_fields(
    report: Report, hostile_report: Report, lang: Lang
) -> None:
    plain, parts = (_parts(written(blocks_of(each, lang), lang)) for each in (report, hostile_report))
    assert {name: plain[name] for name in plain if name != "word/document.xml"} == {
        name: parts[name] for name in parts if name != "word/document.xml"
    }
    tags = {each.tag for each in ElementTree.fromstring(parts["word/document.xml"]).iter()}
    assert tags == {each.tag for each in ElementTree.fromstring(plain["word/document.xml"]).iter()}
    assert not any(tag in tags for tag in (f"{W}fldSimple", f"{W}instrText", f"{W}hyperlink"))
    text = markdown(blocks_of(hostile_report, lang))
    assert all(char.isprintable() or char == "\n" for char in text)
    assert not re.search(r"(?<!\\)[<`*{!]|(?<!\\)\[|[a-z]://", text)


@pytest.mark.parametrize("lang", LANGS)
def test_how_to_verify_goes_by_who_signed(tmp_path: Path, report: Report, lang: Lang) -> None:
    def told() -> dict[str, str]:
        rows = rows_of(annex(load(tmp_path), lang))
        return {name: row[0] for name, row in rows.items() if row}

    keys, verify = {"zh": ("签署密钥的标识", "复核命令"), "en": ("Ids of the keys that signed", "To verify")}[
        lang
    ]
    values = report.model_dump(mode="json", by_alias=True)
    (tmp_path / "report.json").write_text(json.dumps(values))
    unsigned = told()
    assert {"zh": "报告未签名", "en": "The report is not signed"}[lang] in unsigned[verify]
    assert keys not in unsigned
    key = Ed25519PrivateKey.generate()
    for signed in (values, values | {"notices": []}):  # the second is another report
        payload = statement.build(signed, report_sha256="0" * 64, manifest_sha256="1" * 64, bound=None)
        (tmp_path / "report.dsse.json").write_bytes(dsse.sign(payload, [key]))
        if signed is values:
            assert told()[keys] == key_id(key.public_key())
            assert told()[verify].startswith("dqv verify report.dsse.json --trust signer.pub --data SOURCE ")
        else:
            assert told() == unsigned


def test_a_cell_stays_a_cell() -> None:
    table = Table(
        ("a", "b"),
        (("x | y", "line\nfeed"), ("$x$", "a@b.com"), ("\\| z", "www.x.example https://x.example")),
        (1, 1),
    )
    lines = markdown([table]).splitlines()
    assert lines[2] == r"| x \| y | line\[U+000A\]feed |"
    assert lines[3] == r"| \$x\$ | a\@b.com |"
    assert lines[4] == r"| \\\| z | www\.x.example https\://x.example |"
    assert len(lines) == 5


@given(st.text())
def test_any_text_can_stand_in_word_and_in_markdown(text: str) -> None:
    blocks: list[Block] = [Paragraph(text), Table((text,), ((text,),), (1,))]
    document = docx.Document(io.BytesIO(written(blocks, "en")))
    assert document.tables[0].rows[1].cells[0].text == document.paragraphs[0].text
    assert "\n" not in escaped(text)
