"""report.pdf: all that the page says, an archive's format, and deaf to hostile text."""

import io
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest

from dqv.core.errors import DEFECTIVE_KINDS, UNREAD_KINDS
from dqv.core.verdicts import ReportVerdict
from dqv.reports import pdf
from dqv.reports.crosswalk import crosswalk
from dqv.reports.escape import visible
from dqv.reports.model import Report
from dqv.reports.words import LABELS, Lang

ENVELOPE = b'{"payload":"\xe6\x95\xb0","payloadType":"application/vnd.in-toto+json","signatures":[]}'
_SHOWN_OTHERWISE = {
    "schema", "verdict", "outcome", "comparator", "unit", "status", "layout", "kind", "role", "assurance", "measured",
    "threshold", "numerator", "denominator", "modality", "hours", "silent_hours", "share_of_payload",
}  # fmt: skip
"""Fields of which the page shows a label, or the number with its unit; tests of their own look at these."""


@pytest.fixture(params=["zh", "en"])
def lang(request: pytest.FixtureRequest) -> Lang:
    return "zh" if request.param == "zh" else "en"


def made(report: Report, lang: Lang) -> bytes:
    return pdf.render(report, lang, ("report.dsse.json", ENVELOPE))


def text_of(content: bytes) -> str:
    """All text of a document, without spaces and ends of lines: where a line ends is the layout's."""
    document = pypdfium2.PdfDocument(content)
    pages = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    return bare("".join(pages))


def bare(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFC", text))


def texts(value: Any, lang: Lang, key: str = "") -> Iterator[str]:
    """Every text of a report that a page in this language has to show."""
    if isinstance(value, dict):
        if value.keys() == {"zh", "en"}:
            yield value[lang]
            if key == "clause_text":
                yield value["zh"]
            return
        for name, each in value.items():
            if name == "name" and "buckets" in value:
                continue  # the chart has a title
            if key in ("settings", "versions", "environment"):
                yield name
            yield from texts(each, lang, name)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, lang, key)
    elif isinstance(value, str) and key not in _SHOWN_OTHERWISE:
        yield value


def test_every_text_of_the_report_is_there(report: Report, lang: Lang) -> None:
    report = report.model_copy(update={"crosswalk": crosswalk(report.findings, report.measurements)})
    found, wanted = (
        text_of(made(report, lang)),
        list(texts(report.model_dump(mode="json", by_alias=True), lang)),
    )
    assert len(wanted) > 200
    assert [each for each in wanted if bare(each) not in found] == []


def test_numbers_stand_beside_their_thresholds(report: Report, lang: Lang) -> None:
    found = text_of(made(report, lang))
    for shown in (
        "29,999,999,999B", "≥30GB", "29,999,999,999", "3.413%", "0.034127", "≤5%", "421,987/12,365,120", "100,000", "75,400,556,789",
        "12,365,120", "0.75h", "4,120,331·2.1GB",
    ):  # fmt: skip
        assert shown in found


@pytest.mark.parametrize("verdict", ReportVerdict)
def test_verdict_stands_in_words_and_nobody_is_certified(
    report_with: Callable[..., Report], lang: Lang, verdict: ReportVerdict
) -> None:
    found = text_of(made(report_with(verdict=verdict), lang))
    for key in (f"report.{verdict.value}", f"report.{verdict.value}.means", "experts_decide"):
        assert bare(getattr(LABELS[key], lang)) in found


def test_every_label_of_a_modality_and_an_error_is_used(report: Report, lang: Lang) -> None:
    found = text_of(made(report, lang))
    for key in (
        "text",
        "image",
        "video",
        "kind.io",
        "kind.json",
        "outcome.measured",
        "layout.folder",
        "pdf.signed",
    ):
        assert bare(getattr(LABELS[key], lang)) in found
    assert {f"kind.{each}" for each in DEFECTIVE_KINDS | UNREAD_KINDS} <= LABELS.keys()


def test_hostile_text_is_shown_and_never_obeyed(hostile_report: Report, hostile: str, lang: Lang) -> None:
    run = hostile_report.run.model_copy(update={"reference_date": "2026-03-01"})
    found = text_of(made(hostile_report.model_copy(update={"run": run}), lang))
    assert found.count(bare(visible(hostile))) > 100
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", found)


@pytest.mark.parametrize(
    "text",
    [
        '#import "@preview/x:1.0.0": y', "#read(\"/etc/hostname\")", "$ x^2 $ ] [ } {", "= Heading", "- item", "*bold* _it_ `raw`",
        "<label> @label", "// comment", "/* open", "\\u{41} \\", "https://example.com", "a" * 3000, "-" * 500, "é e\u0301 ﷽ 가",
        "\"}], \"kind\": \"x", "%PDF-1.7 endobj (", "a\u00adb c\u00a0d", "\u2028\u2029\ufeff\ufffe\ufffd\ue000",
    ],
)  # fmt: skip
def test_text_of_the_data_is_never_typst(report: Report, text: str) -> None:
    subject = report.subject.model_copy(update={"name": text, "applicant": text})
    content = made(report.model_copy(update={"subject": subject}), "en")
    assert bare(pdf.Writable().text(text)) in text_of(content)
    information = pypdf.PdfReader(io.BytesIO(content)).metadata
    assert information is not None
    assert str(information["/Title"]).startswith(pdf.Writable().text(text)[:40])


def test_what_the_font_lacks_is_written_as_a_number_and_counted(report: Report, lang: Lang) -> None:
    name = "😀 ok 😀 \U0001f600 ا.txt"
    assert not {ord("😀"), ord("ا")} & pdf.characters()
    content = made(
        report.model_copy(update={"subject": report.subject.model_copy(update={"name": name})}), lang
    )
    found = text_of(content)
    assert "[U+1F600]ok[U+1F600][U+1F600][U+0627].txt" in found
    said = getattr(LABELS["pdf.glyphs"], lang)
    # four in the name, which stands in the title, the footer, the heading, and the subject
    assert bare(said.replace("{}", "16")) in found
    assert bare(said.replace("{}", "0")) in text_of(made(report, lang))


@pytest.mark.slow
def test_every_character_that_is_left_as_it_is_can_be_written(report: Report) -> None:
    """Else one odd name would cost the whole document."""
    written = pdf.Writable()
    every = "".join(chr(code) for code in sorted(pdf.characters()) if written.text(chr(code)) == chr(code))
    assert len(every) > 25_000
    run = report.run.model_copy(
        update={"environment": {str(at): every[at : at + 500] for at in range(0, len(every), 500)}}
    )
    found = text_of(made(report.model_copy(update={"run": run}), "zh"))
    assert len(found) > len(every)


def test_the_fonts_characters_are_those_of_its_table() -> None:
    found = pdf.characters()
    assert {ord(character) for character in "aZ09数据集〔〕≥≤×·—“”…①㊣éя"} <= found
    assert 0xFFFF not in found
    assert 0 not in found
    assert 25_000 < len(found) < 45_000


def test_it_is_pdf_a_3a_and_tagged_and_says_its_language(report: Report, lang: Lang) -> None:
    content = made(report, lang)
    reader = pypdf.PdfReader(io.BytesIO(content))
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert re.search(r"<pdfaid:part>3</pdfaid:part>", xmp)
    assert re.search(r"<pdfaid:conformance>A</pdfaid:conformance>", xmp)
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith(lang)
    assert "/OutputIntents" in root
    headings = [each.title for each in reader.outline if not isinstance(each, list)]
    assert headings == [report.subject.name]
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():  # type: ignore[attr-defined]
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & descriptor.keys()
            assert "NotoSansSC" in descriptor["/FontName"]


@pytest.mark.parametrize(
    ("name", "content"), [("report.dsse.json", ENVELOPE), ("report.json", b"{\n  \"a\": 1\n}\n")]
)  # fmt: skip
def test_the_envelope_is_attached_byte_for_byte(
    report: Report, lang: Lang, name: str, content: bytes
) -> None:
    made_of = pdf.render(report, lang, (name, content))
    document = pypdfium2.PdfDocument(made_of)
    assert document.count_attachments() == 1
    attachment = document.get_attachment(0)
    assert attachment.get_name() == name
    assert bytes(attachment.get_data()) == content
    key = "pdf.signed" if content is ENVELOPE else "pdf.unsigned"
    assert bare(getattr(LABELS[key], lang)) in text_of(made_of)
    root: Any = pypdf.PdfReader(io.BytesIO(made_of)).trailer["/Root"]
    (associated,) = root["/AF"]
    assert associated.get_object()["/AFRelationship"] == "/Source"


def test_its_date_is_the_reference_date(report: Report) -> None:
    information = pypdf.PdfReader(io.BytesIO(made(report, "zh"))).metadata
    assert information is not None
    assert str(information["/CreationDate"]).startswith("D:20260301")


def test_two_processes_make_the_same_bytes(report: Report, lang: Lang, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(report.model_dump_json(by_alias=True), "utf-8")
    code = (
        "import sys, pathlib; from dqv.reports import pdf; from dqv.reports.model import Report;"
        "report = Report.model_validate_json(pathlib.Path(sys.argv[1]).read_bytes());"
        f"sys.stdout.buffer.write(pdf.render(report, {lang!r}, ('report.dsse.json', {ENVELOPE!r})))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "report.json"],
        capture_output=True, check=True, cwd=tmp_path, env={"TZ": "Asia/Tokyo", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )  # fmt: skip
    assert other.stdout == made(report, lang)


def test_sums_that_do_not_balance_are_said(
    report_with: Callable[..., Report], report: Report, lang: Lang
) -> None:
    wrong = report.accounting.model_copy(update={"objects": report.accounting.objects + 1})
    assert bare(getattr(LABELS["unbalanced"], lang)) in text_of(made(report_with(accounting=wrong), lang))
    assert bare(getattr(LABELS["unbalanced"], lang)) not in text_of(made(report, lang))


def test_an_empty_report_renders(report: Report, report_with: Callable[..., Report], lang: Lang) -> None:
    nobody = report.subject.model_copy(update=dict.fromkeys(
        ("root_sha256", "name", "applicant", "uscc", "certificate", "platform", "platform_sha256", "category")
    ) | {"declared": {}})  # fmt: skip
    quiet = report.run.model_copy(
        update={"unread": [], "defective": [], "environment": {}, "complete": True, "witnesses": []}
    )
    bare_report = report_with(
        subject=nobody,
        findings=[],
        measurements={},
        decided_by=["scale.text"],
        notices=[],
        evidence=[],
        run=quiet,
    )
    found = text_of(made(bare_report, lang))
    for key in ("no_root", "next.nothing", "no_measurements", "no_errors", "unnamed", "no_witnesses"):
        assert bare(getattr(LABELS[key], lang)) in found


def test_the_licence_of_the_font_comes_with_it() -> None:
    files = metadata.files("pylopdf-fonts-zh-cn") or []
    (licence,) = (file for file in files if file.name == "LICENSE")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence.read_text()


def test_the_template_holds_no_text_of_its_own_and_fetches_nothing() -> None:
    template = (Path(pdf.__file__).parent / "report.typ").read_text("utf-8")
    assert not re.search(r"#?(import|include|read|eval|image|plugin)\b", re.sub(r"//.*", "", template))
