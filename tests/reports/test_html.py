"""The page: complete in both languages, self-contained, and deaf to hostile text."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise

import pytest

from dqv.core.errors import DEFECTIVE_KINDS, UNREAD_KINDS
from dqv.core.policy import RULES
from dqv.core.settings import Assurance, Role
from dqv.core.verdicts import ReportVerdict, Verdict
from dqv.reports.blocks import blocks
from dqv.reports.crosswalk import crosswalk
from dqv.reports.escape import visible
from dqv.reports.evidence import SHOWN_COLUMNS, SHOWN_ROWS, Rows
from dqv.reports.html import Excerpt, render
from dqv.reports.model import Bucket, ErrorCount, Report, Subject
from dqv.reports.shown import exact, shown_value
from dqv.reports.words import LABELS, Lang
from dqv.stages import excerpts

LANGS: tuple[Lang, ...] = ("zh", "en")
VOID = {"meta", "br", "img"}
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "article",
    "footer", "h1", "h2", "h3", "h4", "p", "a", "ul", "ol", "li", "dl", "dt", "dd", "div", "span",
    "strong", "small", "bdi", "code", "pre", "br", "blockquote", "figure", "figcaption", "table",
    "thead", "tbody", "tfoot", "tr", "th", "td", "svg", "desc", "rect", "path", "text",
}  # fmt: skip
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Page(HTMLParser):
    """Every tag must close the one that is open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(params=LANGS)
def lang(request: pytest.FixtureRequest) -> Lang:
    return "zh" if request.param == "zh" else "en"


@pytest.mark.parametrize("key", LABELS)
def test_every_label_has_both_languages(key: str) -> None:
    assert LABELS[key].zh.strip()
    assert LABELS[key].en.strip()
    assert not re.search(r"[\u4e00-\u9fff]", LABELS[key].en)


def test_every_value_dqv_writes_has_a_label() -> None:
    wanted = {each.value for each in Verdict} | {f"{each.value}.means" for each in Verdict}
    wanted |= {f"report.{each.value}{end}" for each in ReportVerdict for end in ("", ".means")}
    wanted |= {f"role.{each.value}{end}" for each in Role for end in ("", ".means")}
    wanted |= {f"assurance.{each.value}{end}" for each in Assurance for end in ("", ".means")}
    wanted |= {f"kind.{each}" for each in DEFECTIVE_KINDS | UNREAD_KINDS}
    assert wanted <= LABELS.keys()


def test_tags_are_balanced_and_known(report: Report, lang: Lang) -> None:
    page = Page(render(report, lang))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert page.tags[0] == ("html", {"lang": {"zh": "zh-CN", "en": "en"}[lang]})


def test_how_to_verify_goes_by_who_signed(report: Report, lang: Lang) -> None:
    """The PDF says the same, of the same words."""
    keyid, command = f"sha256:{'a' * 64}", "dqv verify report.dsse.json --trust signer.pub"
    unsigned = getattr(LABELS["verify.unsigned"], lang)
    told = [
        (Page(render(report, lang, keyids=ids)).text, json.dumps(list(blocks(report, lang, ids)), ensure_ascii=False))
        for ids in (None, [keyid])
    ]  # fmt: skip
    for page in told[0]:
        assert unsigned in page
        assert "--trust" not in page
    for page in told[1]:
        assert command in page
        assert keyid in page
        assert unsigned not in page


def test_all_findings_and_all_of_their_words_appear(report: Report, lang: Lang) -> None:
    page = Page(render(report, lang))
    ids = {attributes.get("id") for _, attributes in page.tags}
    for finding in report.findings:
        assert finding.rule in ids
        assert finding.rule in page.text
        assert finding.clause_text.zh in page.text
        assert getattr(finding.message, lang) in page.text
        assert finding.next_step is None or getattr(finding.next_step, lang) in page.text
        assert finding.evidence is None or finding.evidence.digest in page.text
        assert lang == "zh" or finding.clause_text.en in page.text
        for reading in finding.readings:
            assert getattr(reading.words, lang) in page.text
    assert {finding.rule for finding in report.findings} == set(RULES)


@pytest.mark.parametrize("verdict", ReportVerdict)
def test_verdict_stands_in_words_and_nobody_is_certified(
    report_with: Callable[..., Report], lang: Lang, verdict: ReportVerdict
) -> None:
    page = Page(render(report_with(verdict=verdict), lang))
    for key in (f"report.{verdict.value}", f"report.{verdict.value}.means", "experts_decide"):
        assert getattr(LABELS[key], lang) in page.text


def test_two_renders_are_equal(report: Report, lang: Lang) -> None:
    assert render(report, lang) == render(report, lang)


def test_nothing_is_loaded(report: Report, lang: Lang) -> None:
    text = render(report, lang)
    page = Page(text)
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": CSP}) in page.tags
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for _, attributes in page.tags:
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        href = attributes.get("href", "#conclusion")
        assert href.startswith("#")
        assert href[1:] in ids
    assert "url(" not in text
    assert "@import" not in text


def test_ids_are_unique_and_headings_step_by_one(report: Report, lang: Lang) -> None:
    page = Page(render(report, lang))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_hostile_text_is_shown_and_never_obeyed(
    hostile_report: Report, hostile: str, report: Report, lang: Lang
) -> None:
    text = render(hostile_report, lang)
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= TAGS
    names = {name for _, attributes in page.tags for name in attributes}
    assert names <= {name for _, attributes in Page(render(report, lang)).tags for name in attributes}
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in page.tags)
    assert page.text.count(visible(hostile)) > 100
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", text)


def test_witnesses_and_flags_are_shown(
    report: Report, report_with: Callable[..., Report], lang: Lang
) -> None:
    text = Page(render(report, lang)).text
    for word in ("ffmpeg 7.1", "a/1.mp4", "duration_s", "9.5", "4.25", "0.75"):
        assert word in text
    for key in ("witness.run", "disagreed", "flag.padding", "flag.bars"):
        assert getattr(LABELS[key], lang) in text
    absent = report.run.witnesses[0].model_copy(
        update={"status": "not_run", "version": None, "sample": 0, "disagreements": []}
    )
    for witnesses, key in (([absent], "witness.not_run"), ([], "no_witnesses")):
        run = report.run.model_copy(update={"witnesses": witnesses})
        text = Page(render(report_with(run=run), lang)).text
        assert getattr(LABELS[key], lang) in text
        assert "a/1.mp4" not in text


def test_thumbnails_of_hostile_names_load_nothing(report: Report, hostile: str, lang: Lang) -> None:
    shown = {"resolution.image": [Excerpt(hostile, "767 × 1024", [b"\xff\xd8\xff"])]}
    text = render(report, lang, shown)
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= TAGS | {"img"}
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert image.keys() == {"src", "alt"}
    assert image["src"] == "data:image/jpeg;base64,/9j/"
    assert image["alt"] == visible(hostile)
    assert "767 × 1024" in page.text
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", text)


def test_sums_that_do_not_balance_are_said(
    report_with: Callable[..., Report], report: Report, lang: Lang
) -> None:
    wrong = report.accounting.model_copy(update={"objects": report.accounting.objects + 1})
    assert getattr(LABELS["unbalanced"], lang) in render(report_with(accounting=wrong), lang)
    assert getattr(LABELS["unbalanced"], lang) not in render(report, lang)


def test_an_empty_report_renders(report: Report, report_with: Callable[..., Report], lang: Lang) -> None:
    nobody = Subject(
        root_sha256=None, objects=0, size_bytes=0, name=None, applicant=None, uscc=None,
        certificate=None, registration_sha256=None, layout="folder", platform=None, platform_sha256=None, category=None, declared={},
    )  # fmt: skip
    quiet = report.run.model_copy(update={"unread": [], "defective": [], "environment": {}, "complete": True})
    bare = report_with(
        subject=nobody,
        findings=[],
        measurements={},
        decided_by=["scale.text"],
        notices=[],
        evidence=[],
        run=quiet,
    )
    page = Page(render(bare, lang))
    for key in ("no_root", "next.nothing", "no_measurements", "no_errors", "unnamed"):
        assert getattr(LABELS[key], lang) in page.text


def test_rounding_never_hides_why_something_fails() -> None:
    assert shown_value("29999999999", "30000000000", "byte") == "29,999,999,999 B"
    assert shown_value("0.050000001", "0.05", "ratio") == "5.0000001 %"
    assert shown_value("30000000000", "30000000000", "byte") == "30 GB"
    assert shown_value("12.5", "1000", "hour") == "12.5 h"
    assert shown_value(None, "1", "byte") == "—"


def test_a_number_that_is_none_is_shown_as_it_is() -> None:
    assert exact("1e999999999") == "1e999999999"
    assert exact("NaN") == "NaN"
    assert exact("1234567.50") == "1,234,567.50"
    assert exact("123456789012345678901234") == "123,456,789,012,345,678,901,234"


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [(ink, paper) for ink in ("ink", "muted", "link") for paper in ("white", "soft", "notice")]
    + [("ink", f"{name}-bg") for name in ("bad", "look", "open", "good")]
    + [(name, f"{name}-bg") for name in ("good", "bad", "look", "open", "said")]
    + [("look", "white"), ("look", "soft"), ("look", "notice"), ("white", "bad"), ("white", "link")],
)
def test_words_stand_out_from_their_paper(ink: str, paper: str) -> None:
    """WCAG 2.2 contrast (minimum), level AA."""
    style = (resources.files("dqv.reports") / "report.css").read_text("utf-8")
    colours = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6})", style)) | {
        "white": "ffffff",
        "notice": "fffaf0",
    }
    assert "background: #fffaf0" in style
    assert contrast(colours[ink], colours[paper]) >= 4.5


def test_words_in_drawings_stand_out(report: Report, lang: Lang) -> None:
    """They stand on white, beside the bars."""
    fills = set(re.findall(r'<text [^>]*fill="#([0-9a-f]{6})"', render(report, lang)))
    assert len(fills) == 3
    assert all(contrast(fill, "ffffff") >= 4.5 for fill in fills)


def test_every_drawing_says_what_it_shows(report: Report, lang: Lang) -> None:
    shown = {"duplicates.audio": [Excerpt("a.wav", "≈ b.wav", [], bytes([0, 50, 100]))]}
    text = render(report, lang, shown)
    drawings = re.findall(r"<svg [^>]*>.*?</svg>", text, re.DOTALL)
    assert len(drawings) > 8
    for drawing in drawings:
        assert 'role="img"' in drawing
        assert re.search(r"<title>[^<]+</title><desc>[^<]+</desc>", drawing)


def test_the_page_has_its_landmarks_and_says_the_language_of_a_quotation(report: Report, lang: Lang) -> None:
    page = Page(render(report, lang))
    for tag in ("header", "main", "nav", "footer", "h1"):
        assert sum(tag == each for each, _ in page.tags) == 1
    quoted = [attributes.get("lang") for tag, attributes in page.tags if tag == "p" and "lang" in attributes]
    assert set(quoted) == ({"zh-CN"} if lang == "zh" else {"zh-CN", "en"})
    labelled = {
        attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes
    }
    assert labelled <= {attributes.get("id") for _, attributes in page.tags}


def test_first_places_of_evidence_are_shown_and_their_number(
    report: Report, hostile: str, lang: Lang
) -> None:
    rows = Rows(["name", "place"], [[hostile, "7"]] * 3, 421_987)
    page = Page(text := render(report, lang, evidence={"duplicates.text": rows}))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert page.text.count(visible(hostile)) == 3
    assert getattr(LABELS["places"], lang).format("3", "421,987") in page.text
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", text)


def test_a_page_of_ten_million_items_with_all_it_can_hold_is_under_3_mb(report: Report, lang: Lang) -> None:
    """Whatever the data, each list of the page has an end: this one has them all."""
    kinds = [ErrorCount(modality=modality, kind=kind, items=10**7, stored_bytes=10**15)
             for modality in ("text", "audio", "image", "video") for kind in DEFECTIVE_KINDS | UNREAD_KINDS]  # fmt: skip
    witness = report.run.witnesses[0].model_copy(
        update={
            "disagreements": [report.run.witnesses[0].disagreements[0].model_copy(update={"name": "n" * 255})]
            * 20
        }
    )
    buckets = [
        Bucket(label=f"{each} – < {each + 1}", items=10**7, payload_bytes=10**15) for each in range(50)
    ]
    one = report.measurements["text"].distributions[0].model_copy(update={"buckets": buckets})
    measured = report.measurements["text"].model_copy(update={"items": 10**7, "distributions": [one] * 6})
    tallies = [
        report.accounting.tallies[0].model_copy(update={"rule": f"format-{each}"}) for each in range(100)
    ]
    big = report.model_copy(update={
        "run": report.run.model_copy(update={"unread": kinds, "defective": kinds, "witnesses": [witness] * 4}),
        "measurements": dict.fromkeys(("text", "audio", "image", "video"), measured),
        "accounting": report.accounting.model_copy(update={"tallies": tallies}),
        "crosswalk": crosswalk(report.findings, report.measurements),
    })  # fmt: skip
    rows = Rows(["name"] * SHOWN_COLUMNS, [["𠀀" * 80] * SHOWN_COLUMNS] * SHOWN_ROWS, 10**7)
    picture = Excerpt("n" * 80, "640 × 480", [bytes(excerpts.MOST_BYTES)])
    recording = Excerpt("n" * 80, "m" * 80, [], bytes(range(100)) * 2 + bytes(40))
    shown = {
        "resolution.image": [picture] * excerpts.MOST, "resolution.video": [picture] * excerpts.MOST,
        "duplicates.image": [picture] * 2 * excerpts.PAIRS, "duplicates.video": [picture] * 2 * excerpts.PAIRS,
        "duplicates.audio": [recording] * 2 * excerpts.PAIRS,
        "duplicates.text": [Excerpt("n" * 80, "m" * 80, [], b"", "字" * 240)] * 2 * excerpts.PAIRS,
    }  # fmt: skip
    every = {finding.rule: rows for finding in report.findings}
    assert len(render(big, lang, shown, every).encode()) < 3_000_000


def test_every_label_is_used() -> None:
    template = (resources.files("dqv.reports") / "report.html.j2").read_text("utf-8")
    used = set(re.findall(r'\bt\("([\w.]+)"\)', template)) | set(re.findall(r'filled\("([\w.]+)"', template))
    assert used <= LABELS.keys()
    families = (
        "report.",
        "role.",
        "assurance.",
        "outcome.",
        "kind.",
        "flag.",
        "witness.",
        "layout.",
        "crosswalk.",
        "pdf.",  # reports/pdf.py
    )
    values = {each.value for each in Verdict} | {f"{each.value}.means" for each in Verdict}
    values |= {"text", "audio", "image", "video", "table", "other", "unread", "defective"}
    left = {key for key in LABELS if not key.startswith(families)} - used - values
    assert left <= {"findings", "measurements", "accounting", "errors", "run"}
