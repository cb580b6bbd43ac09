"""Documents as blocks: headings, lines, rows of tables, with their places; and what is in them that a viewer would run."""

import io

import docx as python_docx
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.containers import blocks
from dqv.connectors.containers.blocks import PLACES
from dqv.core.errors import ItemError
from dqv.measure.card_terms import BY_NAME
from dqv.measure.datacards import Block, read_card
from tests.connectors import made
from tests.connectors.documents_made import CHINESE, ENGLISH, blocks_of


def shown(document: str | bytes, form: str) -> list[tuple[str, int, str, int]]:
    return [(block.kind, block.place, block.text, block.level) for block in blocks_of(document, form)]


def active_of(document: str | bytes, form: str) -> set[str]:
    active: set[str] = set()
    list(blocks_of(document, form, active))
    return active


def kind_of(document: str | bytes, form: str) -> str:
    with pytest.raises(ItemError) as caught:
        list(blocks_of(document, form))
    return caught.value.kind


def found(document: str | bytes, form: str) -> set[str]:
    return {each.aspect for each in read_card(blocks_of(document, form)).found if each.strength != "empty"}


# Markdown ----------------------------------------------------------------------------------------------


def test_markdown_gives_headings_lines_code_and_rows_with_their_lines() -> None:
    text = (
        "# One #\nSetext\n---\ntext **bold** `code`\n- item\n\n```py\n# no heading\n```\n**Bold heading**\n"
        "| a | b\\|c |\n|---|---|\n| 1 | 2 |\nx | y\n\n| bare | row |\n"
    )
    assert shown(text, "md") == [
        ("heading", 1, "One", 1), ("heading", 2, "Setext", 2), ("text", 4, "text bold code", 0), ("text", 5, "item", 0),
        ("code", 8, "# no heading", 0), ("heading", 10, "Bold heading", 7), ("row", 11, "a | b|c", 0), ("row", 13, "1 | 2", 0),
        ("row", 14, "x | y", 0), ("row", 16, "bare | row", 0),
    ]  # fmt: skip
    assert [block.table for block in blocks_of(text, "md") if block.kind == "row"] == [1, 1, 1, 2]


def test_the_front_matter_is_fields_and_no_yaml_is_read() -> None:
    text = "---\nlicense: mit\ntags:\n- a\n- b\n# no field\nbomb: &a [*a, *a]\nempty: null\n---\n# T\n"
    assert shown(text, "md") == [
        ("text", 2, "license: mit", 0), ("text", 3, "tags: a, b", 0), ("text", 7, "bomb: &a [*a, *a]", 0), ("text", 8, "empty: ", 0),
        ("heading", 10, "T", 1),
    ]  # fmt: skip
    assert shown("---\nno end\n", "md") == [("text", 2, "no end", 0)]


def test_comments_and_links_inside_the_page_are_not_shown_and_lines_keep_their_numbers() -> None:
    text = "<!-- License: MIT\n\n-->\n# T\n- [License](#license)\n[x](https://a.b/c) <b>y</b>\n<!-- open"
    assert shown(text, "md") == [
        ("heading", 4, "T", 1),
        ("text", 6, "x https://a.b/c y", 0),
        ("text", 7, "<!-- open", 0),
    ]


# HTML --------------------------------------------------------------------------------------------------


def test_html_gives_headings_rows_and_lines_of_the_source() -> None:
    page = (
        "<html><body>\n<h2>Data <b>format</b></h2>\n<p>JSONL\n<table>\n<tr><th>a<th>b\n<tr><td>1</td><td><p>2</p><p>3</p></td></tr>\n"
        "</table>\n<script>var License = 1</script>\nend</body></html>"
    )
    assert shown(page, "html") == [
        ("heading", 2, "Data format", 2), ("text", 3, "JSONL", 0), ("row", 5, "a | b", 0), ("row", 6, "1 | 2 3", 0), ("text", 8, "end", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "kind"),
    [("<script>x</script>", "script"), ("<iframe src='a.html'></iframe>", "external"), ("<object data='a'></object>", "embedded"),
     ("<embed src='a'>", "embedded"), ("<img src='https://a.b/c.png'>", "pictures"), ("<img alt='' src=//a.b/c.png>", "pictures")],
)  # fmt: skip
def test_what_a_browser_would_run_or_fetch_is_named(markup: str, kind: str) -> None:
    assert active_of(f"<p>text{markup}</p>", "html") == {kind}
    assert active_of("<p>text<img src='c.png'><a href='https://a.b'>x</a></p>", "html") == set()


# Word --------------------------------------------------------------------------------------------------


def word(text: str) -> bytes:
    """A card in Markdown as Word has it."""
    document = python_docx.Document()
    rows: list[Block] = []

    def table() -> None:
        if rows:
            made_table = document.add_table(len(rows), max(len(row.cells) for row in rows))
            for at, row in enumerate(rows):
                for column, cell in enumerate(row.cells):
                    made_table.cell(at, column).text = cell
            rows.clear()

    for block in blocks_of(text, "md"):
        if block.kind == "row":
            rows.append(block)
            continue
        table()
        if block.kind == "heading":
            document.add_heading(block.text, block.level)
        else:
            document.add_paragraph(block.text)
    table()
    sink = io.BytesIO()
    document.save(sink)
    return sink.getvalue()


def test_word_gives_headings_by_their_styles_and_rows_of_tables() -> None:
    assert shown(word("# A\n## B\ntext\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"), "docx") == [
        ("heading", 1, "A", 1), ("heading", 2, "B", 2), ("text", 3, "text", 0), ("row", 5, "a | b", 0), ("row", 7, "1 | 2", 0),
    ]  # fmt: skip


def test_a_heading_is_told_by_its_outline_level_and_by_the_name_of_a_style_whatever_its_id() -> None:
    styles = made.word_part(
        "styles",
        "<w:style w:styleId='1'><w:name w:val='heading 1'/></w:style><w:style w:styleId='x'><w:name w:val='own'/><w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style>"
        "<w:style w:styleId='t'><w:name w:val='toc 1'/></w:style>",
    )
    body = "".join(
        f"<w:p><w:pPr>{style}</w:pPr><w:r><w:t>{name}</w:t></w:r></w:p>"
        for name, style in [("a", "<w:pStyle w:val='1'/>"), ("b", "<w:pStyle w:val='x'/>"), ("c", "<w:outlineLvl w:val='4'/>"), ("d", "<w:pStyle w:val='t'/>"), ("e", "<w:outlineLvl w:val='9'/>")]
    )  # fmt: skip
    data = made.package(made.docx_parts(body, rels=made.relations(s="styles:styles.xml"), styles=styles))
    assert shown(data, "docx") == [
        ("heading", 1, "a", 1),
        ("heading", 2, "b", 3),
        ("heading", 3, "c", 5),
        ("text", 5, "e", 0),
    ]


def test_a_card_in_word_html_and_plain_text_says_what_it_says_in_markdown() -> None:
    assert found(word(CHINESE), "docx") == set(BY_NAME)
    page = "".join(
        f"<h{block.level}>{block.text}</h{block.level}>" if block.kind == "heading"
        else "<table><tr>" + "".join(f"<td>{cell}</td>" for cell in block.cells) + "</tr></table>" if block.kind == "row"
        else f"<p>{block.text}</p>"
        for block in blocks_of(ENGLISH, "md") if block.level < 7
    )  # fmt: skip
    assert found(page, "html") >= found(ENGLISH, "md") - {"distribution"}
    plain = CHINESE.replace("#", "").replace("*", "")
    assert set(BY_NAME) - found(plain, "txt") <= {"labels"}


def test_macros_embedded_objects_and_templates_from_elsewhere_are_named() -> None:
    body = made.paragraphs("text")
    assert active_of(made.docx("text"), "docx") == set()
    macro = made.docx_parts(body, rels=made.relations(m="vbaProject:vbaProject.bin")) | {
        "word/vbaProject.bin": b"\xd0\xcf"
    }
    assert active_of(made.package(macro), "docx") == {"macro"}
    assert active_of(made.package(made.docx_parts(body) | {"word/embeddings/o.bin": b"x"}), "docx") == {
        "macro"
    }
    for kind in ("attachedTemplate", "oleObject", "subDocument", "frame"):
        outside = made.docx_parts(body, rels=made.relations(t=f"{kind}:!https://example.invalid/t"))
        assert active_of(made.package(outside), "docx") == {"external"}
    settings = made.docx_parts(body, rels=made.relations(s="settings:settings.xml")) | {
        "word/settings.xml": made.word_part("settings", ""),
        "word/_rels/settings.xml.rels": made.relations(t="attachedTemplate:!https://example.invalid/t.dotm"),
    }
    assert active_of(made.package(settings), "docx") == {"external"}
    harmless = made.docx_parts(body, rels=made.relations(h="hyperlink:!https://example.invalid/"))
    assert active_of(made.package(harmless), "docx") == set()


# PDF ---------------------------------------------------------------------------------------------------


def test_pdf_gives_lines_by_their_pages_and_numbered_ones_are_headings() -> None:
    data = made.pdf(["1. License", "MIT"], ["二、数据来源", "来自工单。"])
    assert shown(data, "pdf") == [
        ("heading", 1, "1. License", 2), ("text", 1, "MIT", 0), ("heading", 2, "二、数据来源", 1), ("text", 2, "来自工单。", 0),
    ]  # fmt: skip
    assert found(data, "pdf") == {"licence", "source"}


def test_a_scanned_pdf_is_unread_and_one_with_nothing_on_it_is_empty() -> None:
    content = b"q 100 0 0 100 0 0 cm 0 0 1 1 re f Q"
    scanned = made.assembled(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<<>>/Contents 4 0 R>>",
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        ]
    )
    with pytest.raises(ItemError, match="scanned") as caught:
        list(blocks_of(scanned, "pdf"))
    assert caught.value.status == "unread"
    assert kind_of(made.pdf([], []), "pdf") == "empty"


def test_what_people_can_read_and_dqv_cannot_is_unread() -> None:
    assert kind_of(made.pdf(["公共数据 第一章"], mapped=False), "pdf") == "unsupported"
    pictures = made.docx_parts("<w:p/>") | {"word/media/1.png": b"x"}
    assert kind_of(made.package(pictures), "docx") == "unsupported"
    assert kind_of(made.package(made.docx_parts("<w:p/>")), "docx") == "empty"


def test_an_encrypted_pdf_is_unread() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(made.pdf(["x"])))
    writer.encrypt("user", "owner", algorithm="AES-256")
    sink = io.BytesIO()
    writer.write(sink)
    with pytest.raises(ItemError, match="encrypted") as caught:
        list(blocks_of(sink.getvalue(), "pdf"))
    assert caught.value.status == "unread"


def test_scripts_files_and_actions_of_a_pdf_are_named() -> None:
    named = "/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(x)>>]>>>>"
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(made.pdf(["x"], head=named)))
    writer.add_attachment("a.exe", b"MZ")
    sink = io.BytesIO()
    writer.write(sink)
    assert active_of(sink.getvalue(), "pdf") == {"script", "embedded"}
    assert active_of(made.pdf(["x"], head="/OpenAction<</S/Launch/F(a.exe)>>"), "pdf") == {"launch"}
    assert active_of(made.pdf(["x"], head="/OpenAction<</S/JavaScript/JS(x)>>"), "pdf") == {"script"}
    assert active_of(made.pdf(["x"]), "pdf") == set()


# Limits and damage -------------------------------------------------------------------------------------


def test_limits_are_kept_to_the_last_block_and_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_BLOCKS", 3)
    assert len(shown("a\n\nb\n\nc", "md")) == 3
    assert kind_of("a\n\nb\n\nc\n\nd", "md") == "too-large"
    monkeypatch.setattr(blocks, "MAX_BLOCKS", 300)
    monkeypatch.setattr(blocks, "MAX_CHARACTERS", 5)
    assert len(shown("abc\n\nde", "txt")) == 2
    assert kind_of("abc\n\ndef", "txt") == "too-large"


@pytest.mark.parametrize("form", sorted(PLACES))
def test_nothing_is_empty_in_every_format(form: str) -> None:
    assert kind_of(b"", form) == "empty"


def test_other_formats_are_unread() -> None:
    assert kind_of(b"\xd0\xcf\x11\xe0", "doc") == "unsupported"
    assert (
        kind_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "docx")
        == "unsupported"
    )


@pytest.mark.parametrize("form", ["docx", "pdf"])
def test_a_document_cut_anywhere_is_an_error(form: str) -> None:
    data = made.docx("许可：MIT") if form == "docx" else made.pdf(["许可：MIT"])
    for end in range(0, len(data) - 2, 37):
        with pytest.raises(ItemError):
            list(blocks_of(data[:end], form))


@given(st.binary(max_size=200), st.sampled_from(["md", "txt", "html"]))
def test_any_bytes_are_blocks_or_an_error_of_the_item(data: bytes, form: str) -> None:
    kinds, places = set(), [0]
    try:
        places = [block.place for block in blocks_of(data, form)]
    except ItemError as error:
        kinds.add(error.kind)
    assert kinds <= {"empty", "encoding", "html"}
    assert places == sorted(places)


@given(st.text(alphabet="<>/abhtrd1 \n=\"'!-", max_size=200))
def test_any_markup_gives_places_in_order(markup: str) -> None:
    found_places = [block.place for block in blocks_of(markup, "html", empty=True)]
    assert found_places == sorted(found_places)
    assert all(1 <= place <= markup.count("\n") + 1 for place in found_places)


def test_markdown_takes_time_linear_in_its_length() -> None:
    import time

    for piece in (
        "<!--",
        "<!---->",
        "[",
        "![a](",
        "| ",
        "<a ",
        "`",
        "- ",
        "**a",
        "|-",
        "\n|",
        "---\n",
        "[x](#y",
    ):
        began = time.process_time()
        list(blocks_of("# x\n" + piece * (300_000 // len(piece)), "md", empty=True))
        assert time.process_time() - began < 20, piece  # with the square of the length it is minutes


def test_every_format_that_is_said_to_be_read_has_a_reader() -> None:
    assert set(blocks._READ) == set(PLACES)
