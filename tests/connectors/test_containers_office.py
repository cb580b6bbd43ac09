"""Word documents and Excel workbooks."""

import io
import struct
import zipfile
from datetime import date, datetime, time
from typing import Any

import docx as python_docx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.containers import office
from dqv.connectors.containers.documents import XML_DEPTH
from dqv.connectors.containers.ooxml import DIRECTORY_BYTES
from dqv.connectors.containers.records import Broken, Facts, Record
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors import made
from tests.connectors.beats import Beats
from tests.connectors.test_containers_formats import error_kind, outcome, read_all, values

# -- Word ---------------------------------------------------------------------------------------------


def text_of(parts: dict[str, str | bytes]) -> str:
    (text,) = values(read_all(made.package(parts), "docx"))
    assert isinstance(text, str)
    return text


def test_a_word_document_is_one_text_with_its_tables_header_and_footer() -> None:
    written = python_docx.Document()
    written.sections[0].header.paragraphs[0].text = "页眉 header"
    written.sections[0].footer.paragraphs[0].text = "页脚 footer"
    written.add_heading("第一章　总则", 1)
    written.add_paragraph("公共数据 public data").add_run(", in bold").bold = True
    table = written.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "名称", "数值 7"
    written.add_paragraph("After the table & <so on>")
    sink = io.BytesIO()
    written.save(sink)
    facts = Facts()
    (found,) = read_all(sink.getvalue(), "docx", facts=facts)
    text = "页眉 header\n第一章 总则\n公共数据 public data, in bold\n名称\n数值 7\nAfter the table & <so on>\n页脚 footer"
    assert found == Record(0, text, len(sink.getvalue()))
    assert facts == Facts()


def test_notes_stand_behind_the_body_and_headers_are_those_that_it_names_once_each() -> None:
    body = made.paragraphs("body") + (
        "<w:sectPr><w:headerReference r:id='h2'/><w:headerReference r:id='h1'/><w:footerReference r:id='f'/>"
        "<w:headerReference r:id='h2'/><w:headerReference r:id='none'/></w:sectPr>"
    )
    rels = made.relations(
        n="footnotes:footnotes.xml", e="endnotes:endnotes.xml", h1="header:h1.xml", h2="header:h2.xml", h3="header:h3.xml",
        f="footer:f.xml", c="comments:comments.xml",
    )  # fmt: skip
    roots = {"footnotes": "footnotes", "endnotes": "endnotes", "h1": "hdr", "h2": "hdr", "h3": "hdr", "f": "ftr", "comments": "comments"}  # fmt: skip
    parts = {name: made.word_part(root, made.paragraphs(name)) for name, root in roots.items()}
    assert text_of(made.docx_parts(body, rels=rels, **parts)) == "h2\nh1\nbody\nfootnotes\nendnotes\nf"


def test_what_word_does_not_print_is_no_text() -> None:
    body = (
        "<w:p><w:pPr><w:tabs><w:tab w:pos='9'/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>"
        "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins><w:r><w:t xml:space='preserve'> new</w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:tab/><w:t>moved</w:t></w:r></w:moveFrom><w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<x:AlternateContent xmlns:x='x'><x:Choice><w:r><w:t>1</w:t></w:r></x:Choice><x:Fallback><w:r><w:t>1</w:t></w:r></x:Fallback></x:AlternateContent>"
        "</w:p>"
    )
    assert text_of(made.docx_parts(body)) == "a b\nc new1"


def test_a_word_document_of_the_strict_standard_is_read() -> None:
    parts = {
        name: str(part).replace("http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument").replace(made.WORD, "http://purl.oclc.org/ooxml/wordprocessingml/main").replace("w:", "")
        for name, part in made.docx_parts(made.paragraphs("严格")).items()
    }  # fmt: skip
    parts["word/document.xml"] = parts["word/document.xml"].replace("xmlns:w", "xmlns")
    assert text_of({**parts}) == "严格"


def test_macros_and_what_lies_outside_are_left_alone() -> None:
    rels = made.relations(
        t="attachedTemplate:!https://example.invalid/t.dotm", h="header:!https://example.invalid/h.xml",
        f="footer:../../../../etc/passwd", m="vbaProject:vbaProject.bin", o="oleObject:o.bin",
    )  # fmt: skip
    body = made.paragraphs("text") + "<w:sectPr><w:headerReference r:id='h'/></w:sectPr>"
    parts = made.docx_parts(body, rels=rels) | {
        "word/vbaProject.bin": b"\xd0\xcf\x11\xe0",
        "word/o.bin": b"MZ",
    }
    assert text_of(parts) == "text"
    named = made.docx_parts(body.replace("'h'", "'f'"), rels=rels)
    assert error_kind(made.package(named), "docx") == "document"  # a part of that name is not in the archive


def test_a_word_document_without_text_is_empty() -> None:
    assert error_kind(made.docx(), "docx") == "empty"
    assert error_kind(made.docx("　", " "), "docx") == "empty"


def test_a_poisoned_word_document_gives_nothing() -> None:
    assert read_all(made.docx("a"), "docx", beat=Beats(0)) == []


# -- packages -----------------------------------------------------------------------------------------

GOOD = made.package(
    made.docx_parts(
        made.paragraphs("公共数据 first") + "<w:sectPr><w:headerReference r:id='h'/></w:sectPr>",
        rels=made.relations(h="header:header.xml", n="footnotes:notes.xml"),
        header=made.word_part("hdr", made.paragraphs("header")),
        notes=made.word_part("footnotes", made.paragraphs("note")),
    )
)
READ = "header\n公共数据 first\nnote"
BOOK = made.xlsx(["正文", "n"], ["甲", "1"], ["乙", "2"])
BOOK_READ = [{"正文": "甲", "n": "1"}, {"正文": "乙", "n": "2"}]
REFUSED = ("document", "truncated", "unsupported", "bomb", "too-large")


def changed(data: bytes, name: str, *, at: int, value: bytes) -> bytes:
    """An archive in which a member's entry in the list, and its own header, say something else.

    Args:
        data: the archive.
        name: of the member.
        at: of the field in the entry of the list.
        value: of the field.
    """
    out = bytearray(data)
    for start, shift in ((b"PK\1\2", 0), (b"PK\3\4", -2)):
        place = -1
        while (place := data.find(start, place + 1)) >= 0:
            head = 46 if shift == 0 else 30
            if data[place + head :].startswith(name.encode()):
                out[place + at + shift : place + at + shift + len(value)] = value
    return bytes(out)


FLAGS, METHOD, PACKED, SIZE = 8, 10, 20, 24


@pytest.mark.parametrize("end", range(0, len(GOOD), 7))
def test_a_word_document_cut_anywhere_is_an_error(end: int) -> None:
    assert error_kind(GOOD[:end], "docx") == ("truncated" if end >= 4 else "document" if end else "empty")


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_a_flipped_bit_of_a_word_document_is_an_error_or_changes_nothing(bit: int) -> None:
    data = bytearray(GOOD)
    data[bit // 8] ^= 1 << bit % 8
    assert outcome(bytes(data), "docx") in ([READ], *REFUSED)


@given(st.integers(0, len(BOOK) * 8 - 1))
def test_a_flipped_bit_of_a_workbook_is_an_error_or_changes_nothing(bit: int) -> None:
    data = bytearray(BOOK)
    data[bit // 8] ^= 1 << bit % 8
    assert outcome(bytes(data), "xlsx") in (BOOK_READ, *REFUSED)


@given(
    st.binary(max_size=200).filter(lambda each: not each.startswith(b"<")),
    st.sampled_from(["word/document.xml", "_rels/.rels", "word/_rels/document.xml.rels"]),
)
def test_any_bytes_as_a_part_are_an_error(content: bytes, name: str) -> None:
    parts = made.docx_parts(made.paragraphs("x"), rels=made.relations()) | {name: content}
    assert error_kind(made.package(parts), "docx") == "document"


@pytest.mark.parametrize("format", ["docx", "xlsx"])
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{\\rtf1 text}", "document"), (b"<html>", "document"), (made.package({}), "document"),
        (GOOD + b"x", "document"), (b"x" + GOOD, "document"), (GOOD[:-1], "truncated"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "unsupported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16-le"), "unsupported"),
        (changed(GOOD, "word/document.xml", at=FLAGS, value=b"\1\0"), "unsupported"),
        (changed(GOOD, "word/document.xml", at=METHOD, value=b"\x0e\0"), "unsupported"),
    ],
)  # fmt: skip
def test_what_is_no_package_is_refused(data: bytes, kind: str, format: str) -> None:
    assert error_kind(data, format) == kind


def test_that_it_is_encrypted_is_said() -> None:
    for data in (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        changed(GOOD, "word/document.xml", at=FLAGS, value=b"\1\0"),
    ):
        with pytest.raises(ItemError, match="encrypted"):
            read_all(data, "docx")


def test_a_document_is_no_workbook_and_the_other_way_round() -> None:
    assert error_kind(GOOD, "xlsx") == "document"
    assert error_kind(BOOK, "docx") == "document"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["word/document.xml", "WORD/Document.XML"])
def test_two_members_of_one_name_are_refused(twin: str) -> None:
    sink = io.BytesIO(GOOD)
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr(twin, made.word_part("document", made.paragraphs("another text")))
    assert error_kind(sink.getvalue(), "docx") == "document"


@pytest.mark.parametrize("claim", [1, 499, 501, 10_000])
def test_a_member_that_lies_about_its_size_is_an_error(claim: int) -> None:
    lie = changed(GOOD, "word/document.xml", at=SIZE, value=struct.pack("<I", claim))
    assert lie != GOOD
    assert error_kind(lie, "docx") == "document"


def test_a_claim_of_500_megabytes_in_a_small_file_is_a_bomb() -> None:
    lie = changed(GOOD, "word/document.xml", at=SIZE, value=struct.pack("<I", 500_000_000))
    assert error_kind(lie, "docx") == "bomb"


def test_a_package_that_expands_too_far_is_a_bomb_whatever_part_it_is() -> None:
    parts = made.docx_parts(made.paragraphs("text")) | {"word/media/a.png": bytes(70_000_000)}
    data = made.package(parts)
    factor = 70_000_000 // len(data)
    assert error_kind(data, "docx", limits=Limits(expansion=factor)) == "bomb"
    assert len(read_all(data, "docx", limits=Limits(expansion=factor + 1))) == 1


def test_members_that_share_their_bytes_are_an_error_or_a_bomb() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in made.docx_parts(made.paragraphs("text")).items():
            archive.writestr(name, content)
        archive.writestr("a0", bytes(1_000_000))
        shared = archive.infolist()[-1]
        for number in range(1, 200):
            twin = zipfile.ZipInfo(f"a{number}")
            for name in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(twin, name, getattr(shared, name))
            archive.filelist.append(twin)
    assert error_kind(sink.getvalue(), "docx") in ("document", "bomb")


def test_the_list_of_members_is_bounded() -> None:
    for size, kind in ((DIRECTORY_BYTES + 1, "too-large"), (DIRECTORY_BYTES, "document")):
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, size, 4, 0)
        assert error_kind(b"PK\3\4" + bytes(size) + end, "docx") == kind


def test_a_zip64_archive_is_unsupported() -> None:
    data = b"PK\3\4" + b"PK\6\7" + bytes(16) + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, 20, 4, 0)
    assert error_kind(data, "docx") == "unsupported"


def test_a_document_over_the_limit_is_too_large_stored_or_expanded() -> None:
    parts = made.docx_parts(made.paragraphs("x" * 10_000))
    packed, plain = made.package(parts), made.package(parts, zipfile.ZIP_STORED)
    size = len(plain)
    assert len(read_all(plain, "docx", limits=Limits(document_bytes=size))) == 1
    assert error_kind(plain, "docx", limits=Limits(document_bytes=size - 1)) == "too-large"
    held = sum(len(part) for part in parts.values())
    assert len(packed) < held < size
    assert len(read_all(packed, "docx", limits=Limits(document_bytes=held))) == 1
    assert error_kind(packed, "docx", limits=Limits(document_bytes=held - 1)) == "too-large"


BOMB = "<!DOCTYPE w [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]>"


@pytest.mark.parametrize(
    "doctype", [BOMB, "<!DOCTYPE w>", "<!DOCTYPE w SYSTEM 'file:///etc/passwd'>", "<!DOCTYPE w [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"]
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["word/document.xml", "_rels/.rels"])
def test_a_document_with_a_dtd_is_refused(doctype: str, encoding: str, name: str) -> None:
    parts = made.docx_parts(made.paragraphs("text"))
    part = str(parts[name]).replace('<?xml version="1.0" encoding="UTF-8"?>', "")
    assert values(read_all(made.package(parts | {name: part.encode(encoding)}), "docx")) == ["text"]
    refused = made.package(parts | {name: (doctype + part).encode(encoding)})
    with pytest.raises(ItemError, match=r"document: .*DTD"):
        read_all(refused, "docx")


def test_the_depth_of_elements_is_bounded() -> None:
    for depth, good in ((XML_DEPTH - 4, True), (XML_DEPTH - 3, False)):  # document, body, p, r … t
        nested = "<w:s>" * (depth - 1) + "<w:t>x</w:t>" + "</w:s>" * (depth - 1)
        data = made.package(made.docx_parts(f"<w:p><w:r>{nested}</w:r></w:p>"))
        if good:
            assert values(read_all(data, "docx")) == ["x"]
        else:
            assert error_kind(data, "docx") == "document"


def test_an_encoding_that_expat_does_not_know_is_refused() -> None:
    part = '<?xml version="1.0" encoding="gbk"?><w:document xmlns:w="w"/>'
    for each in (part, part.replace("gbk", "none-such")):
        parts = made.docx_parts("") | {"word/document.xml": each}
        assert error_kind(made.package(parts), "docx") == "document"


# -- Excel --------------------------------------------------------------------------------------------


def test_a_workbook_gives_a_record_a_row_as_it_shows() -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.append(["编号", "正文", "日期", "at", "hour", "数值", "yes"])
    first.append(
        [7, "公共数据 & more", date(2024, 5, 6), datetime(2024, 5, 6, 7, 8, 9), time(12, 30), 0.1 + 0.2, True]
    )
    first.append([])
    first.append([123456789012345, "x\ny", None, None, None, -1.5e-7, False])
    first.append([None, "=1+1"])
    other = book.create_sheet("第二")
    other.append(["a", "a"])
    other.append(["1", "2"])
    other.sheet_state = "hidden"
    sink = io.BytesIO()
    book.save(sink)
    facts = Facts()
    found = read_all(sink.getvalue(), "xlsx", facts=facts)
    assert values(found) == [
        {"编号": "7", "正文": "公共数据 & more", "日期": "2024-05-06", "at": "2024-05-06T07:08:09", "hour": "12:30:00", "数值": "0.3", "yes": "TRUE"},
        {"编号": "123456789012345", "正文": "x\ny", "数值": "-1.5e-07", "yes": "FALSE"},
        {"a": "1", "a_2": "2"},
    ]  # fmt: skip
    assert [row.place for row in found] == [0, 1, 2]
    assert facts.encoding is None
    assert facts.fields == {"编号", "正文", "日期", "at", "hour", "数值", "yes", "a", "a_2"}


@given(
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)).map(lambda each: each.replace(microsecond=0))
)
def test_a_date_comes_back_as_it_was_written(moment: datetime) -> None:
    book = openpyxl.Workbook()
    book.active.append(["at"])
    book.active.append([moment])
    sink = io.BytesIO()
    book.save(sink)
    ((row,),) = [values(read_all(sink.getvalue(), "xlsx"))]
    assert datetime.fromisoformat(row["at"]) == moment


STYLES = (
    "<numFmts><numFmt numFmtId='165' formatCode='yyyy&quot;年&quot;m&quot;月&quot;'/><numFmt numFmtId='166' formatCode='[h]:mm'/>"
    "<numFmt numFmtId='167' formatCode='0&quot; days&quot;'/><numFmt numFmtId='168' formatCode='[$-804]e;@'/>"
    "<numFmt numFmtId='169' formatCode='[Red]0.0\\d'/><numFmt numFmtId='170' formatCode='[$-804]aaaa d'/></numFmts>"
    "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
    "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='57'/><xf numFmtId='165'/><xf numFmtId='166'/><xf numFmtId='167'/>"
    "<xf numFmtId='168'/><xf numFmtId='169'/><xf numFmtId='170'/></cellXfs>"
)  # fmt: skip


def sheet_of(*cells: str, **more: str) -> list[Record | Broken]:
    """What is read of a sheet with one row of these cells (XML) under as many names."""
    head = made.rows([f"c{number}" for number in range(len(cells))])
    return read_all(made.package(made.xlsx_parts(head + f"<row>{''.join(cells)}</row>", **more)), "xlsx")


def cell(text: str, **attrs: str) -> str:
    named = " ".join(f"{name}='{value}'" for name, value in attrs.items())
    return f"<c {named}><v>{text}</v></c>"


def shown(*cells: str, **more: str) -> list[str]:
    """What these cells show."""
    ((record),) = values(sheet_of(*cells, **more))
    return [record.get(f"c{number}", "") for number in range(len(cells))]


@pytest.mark.parametrize(
    ("text", "style", "seen"),
    [
        ("45418", "0", "45418"), ("45418", "1", "2024-05-06"), ("45418.5", "2", "2024-05-06T12:00:00"), ("45418", "3", "2024-05-06"),
        ("1.5", "4", "1.5"), ("45418", "5", "45418"), ("45418", "6", "45418"), ("2.5", "7", "2.5"), ("45418", "8", "2024-05-06"),
        ("0.25", "1", "06:00:00"), ("0", "1", "00:00:00"), ("1", "1", "1900-01-01"), ("59", "1", "1900-02-28"), ("61", "1", "1900-03-01"),
        ("-1", "1", "-1"), ("2958465", "1", "9999-12-31"), ("2958466", "1", "2958466"), ("0.9999999", "1", "1900-01-01"),
        ("1E+20", "0", "1e+20"), ("0.30000000000000004", "0", "0.3"), ("007", "0", "007"), ("45418", "99", "45418"), ("45418", "x", "45418"),
    ],
)  # fmt: skip
def test_a_number_shows_as_its_style_says(text: str, style: str, seen: str) -> None:
    assert shown(cell(text, s=style), styles=STYLES) == [seen]


def test_days_are_counted_from_1904_where_the_workbook_says_so() -> None:
    for book, day in (
        ("<workbookPr date1904='1'/>", "2028-05-07"),
        ("<workbookPr date1904='0'/>", "2024-05-06"),
    ):
        assert shown(cell("45418", s="1"), styles=STYLES, book=book) == [day]


def test_a_cell_shows_its_text_whichever_way_it_is_stored() -> None:
    strings = (
        "<si><t>共享</t></si><si><r><t>rich </t></r><r><rPr/><t>text</t></r><rPh><t>hidden</t></rPh></si>"
        "<si><t>a_x000D_b_x005F_x000D_c_x4E2D_</t></si>"
    )
    cells = [
        cell("0", t="s"), cell("1", t="s"), cell("2", t="s"), cell("结果", t="str"), cell("1", t="b"), cell("#DIV/0!", t="e"),
        cell("2024-05-06", t="d"), "<c t='inlineStr'><is><r><t>in</t></r><r><t>line</t></r><rPh><t>no</t></rPh></is></c>",
        "<c><f>1+1</f><v>2</v></c>", "<c><f>1+1</f></c>",
    ]  # fmt: skip
    assert shown(*cells, strings=strings) == [
        "共享", "rich text", "a b_x000D_c_x4E2D_", "结果", "TRUE", "#DIV/0!", "2024-05-06", "inline", "2", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        cell("1", t="s"), cell("-1", t="s"), cell("x", t="s"), cell("", t="s"), cell("nan"), cell("1e999"), cell("1_0"), cell("0x1"),
        cell("9" * 65), cell("2", t="b"), cell("x", t="other"),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_what_it_says_costs_its_row(broken: str) -> None:
    row = made.rows(["a"])
    sheet = made.rows(["name"]) + row + f"<row>{broken}</row>" + row
    found = read_all(made.package(made.xlsx_parts(sheet, strings="<si><t>x</t></si>")), "xlsx")
    assert [type(each).__name__ for each in found] == ["Record", "Broken", "Record"]
    assert isinstance(found[1], Broken)
    assert found[1].error.kind == "document"
    assert "column 1" in found[1].error.detail
    assert found[1].single


def test_the_first_row_that_holds_something_names_the_fields_of_its_sheet() -> None:
    blank = "<row><c s='1'/></row><row/>"
    first = blank + made.rows(["a", "", "a"]) + blank + made.rows(["1", "", "2", "3"], ["", "4"])
    second = made.rows(["1", "2.5"], ["3", "4"])
    facts = Facts()
    found = read_all(made.package(made.xlsx_parts(first, blank, second)), "xlsx", facts=facts)
    assert values(found) == [
        {"a": "1", "a_2": "2", "column_4": "3"},
        {"column_2": "4"},
        {"column_1": "1", "column_2": "2.5"},
        {"column_1": "3", "column_2": "4"},
    ]
    assert facts.fields == {"a", "a_2", "column_1", "column_2", "column_4"}
    assert [row.place for row in found] == [0, 1, 2, 3]


def test_cells_stand_in_the_column_that_they_name() -> None:
    head = "".join(cell(name, t="str", r=f"{column}1") for name, column in (("甲", "A"), ("乙", "C")))
    body = "".join(
        cell(name, t="str", r=f"{column}2") for name, column in (("2", "C"), ("1", "A"), ("9", "AB"))
    )
    (record,) = values(read_all(made.package(made.xlsx_parts(f"<row>{head}</row><row>{body}</row>")), "xlsx"))
    assert record == {"甲": "1", "乙": "2", "column_28": "9"}


def test_a_sheet_has_no_more_columns_than_excel_has() -> None:
    for name, good in (("XFD1", True), ("XFE1", False), ("A" * 300_000, False), ("é1", False), ("a1", False)):
        data = made.package(made.xlsx_parts(f"<row>{cell('x', t='str', r=name)}</row>"))
        if good:
            assert read_all(data, "xlsx") == []  # names alone
        else:
            assert error_kind(data, "xlsx") == "document"


def test_a_row_over_the_limit_is_too_large_whichever_way_it_is_stored() -> None:
    strings = f"<si><t>{'x' * 50}</t></si>"
    for each in (cell("0", t="s"), cell("x" * 50, t="str")):
        data = made.package(
            made.xlsx_parts(made.rows(["a", "b"]) + f"<row>{each * 2}</row>", strings=strings)
        )
        assert len(read_all(data, "xlsx", limits=Limits(record_bytes=102))) == 1
        assert error_kind(data, "xlsx", limits=Limits(record_bytes=99)) == "too-large"


def test_texts_that_cells_repeat_without_end_are_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = made.rows(["a"]) + f"<row>{cell('0', t='s')}</row>" * 100
    data = made.package(made.xlsx_parts(sheet, strings=f"<si><t>{'x' * 10_000}</t></si>"))
    assert len(read_all(data, "xlsx", limits=Limits(expansion=1))) == 100
    monkeypatch.setattr(office, "FREE_BYTES", 100 * 10_000)
    assert error_kind(data, "xlsx", limits=Limits(expansion=1)) == "bomb"
    monkeypatch.setattr(office, "FREE_BYTES", 100 * 10_000 + 1)
    assert len(read_all(data, "xlsx", limits=Limits(expansion=1))) == 100


def test_sheets_of_charts_are_passed_over_and_a_sheet_that_is_not_there_is_an_error() -> None:
    parts = made.xlsx_parts(made.rows(["a"], ["1"]), made.rows(["no"], ["rows"]))
    rels = str(parts["xl/_rels/workbook.xml.rels"])
    chart = rels.replace("worksheet' Target='sheets/1", "chartsheet' Target='sheets/1")
    assert values(read_all(made.package(parts | {"xl/_rels/workbook.xml.rels": chart}), "xlsx")) == [
        {"a": "1"}
    ]
    for lost in (rels.replace("s1", "s9"), rels.replace("sheets/1.xml", "sheets/9.xml")):
        assert error_kind(made.package(parts | {"xl/_rels/workbook.xml.rels": lost}), "xlsx") == "document"


def test_a_workbook_in_which_nothing_stands_is_empty() -> None:
    for sheets in ((), ("",), ("<row><c/></row>", "<row/>")):
        assert error_kind(made.package(made.xlsx_parts(*sheets)), "xlsx") == "empty"


def test_a_workbook_that_breaks_off_is_an_error_of_all_of_it() -> None:
    parts = made.xlsx_parts(made.rows(["a"], ["1"], ["2"]))
    sheet = str(parts["xl/sheets/0.xml"])
    assert error_kind(made.package(parts | {"xl/sheets/0.xml": sheet[:-40]}), "xlsx") == "document"


def test_poisoned_rows_are_left_out_and_each_is_announced_once() -> None:
    beat = Beats(0)
    data = made.package(
        made.xlsx_parts("<row/>" + made.rows(["a"], ["x"], [], ["y"]), made.rows(["a"], ["z"]))
    )
    assert values(read_all(data, "xlsx", beat=beat)) == [{"a": "y"}, {"a": "z"}]
    assert beat.seen == [0, 1, 2]


def test_every_block_of_a_workbook_ticks() -> None:
    counts = []
    for count in (1, 100_000):
        beat = Beats()
        read_all(made.package(made.xlsx_parts(made.rows(["a"], *[["x" * 50]] * count))), "xlsx", beat=beat)
        counts.append(beat.ticks)
    assert counts[1] >= counts[0] + 3


def test_a_workbook_is_read_as_another_library_reads_it() -> None:
    values_ = [["甲", 1, 2.5, True], ["乙", -3, 1e-9, False], ["a & <b>", 10**14, 0.1, True]]
    book = openpyxl.Workbook()
    for row in [["w", "x", "y", "z"], *values_]:
        book.active.append(row)
    sink = io.BytesIO()
    book.save(sink)
    sheet: Any = openpyxl.load_workbook(sink, read_only=True).active
    theirs = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
    ours = [list(row.values()) for row in values(read_all(sink.getvalue(), "xlsx"))]
    assert [[str(each).upper() if isinstance(each, bool) else format(each, ".15g") if isinstance(each, float) else str(each) for each in row] for row in theirs] == ours  # fmt: skip
