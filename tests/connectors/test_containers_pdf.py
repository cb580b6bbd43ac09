"""PDF: the text layer."""

import io
import re

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.containers import pdf
from dqv.connectors.containers.records import Facts, Record
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors import made
from tests.connectors.beats import Beats
from tests.connectors.test_containers_formats import error_kind, outcome, read_all, values

GOOD = made.pdf(["公共数据 public data", "第二行"], [], ["page 3"])
READ = "公共数据 public data\n第二行\npage 3"


def message(data: bytes) -> str:
    with pytest.raises(ItemError) as caught:
        read_all(data, "pdf")
    return str(caught.value)


def rewritten(data: bytes, *, user: str | None = None, owner: str = "o", algorithm: str = "RC4-128") -> bytes:
    """The same PDF as pypdf writes it, encrypted where a user's password is given."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    if user is not None:
        writer.encrypt(user, owner, algorithm=algorithm)
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


def test_a_pdf_is_one_document_of_the_text_of_its_pages() -> None:
    facts = Facts()
    assert read_all(GOOD, "pdf", facts=facts) == [Record(0, READ, len(GOOD))]
    assert facts == Facts()


def test_a_pdf_that_another_library_wrote_reads_alike() -> None:
    assert values(read_all(rewritten(GOOD), "pdf")) == [READ]


def test_another_library_finds_the_same_text() -> None:
    theirs = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(GOOD)).pages)
    assert theirs.split() == READ.split()


def test_a_word_broken_at_the_end_of_a_line_is_one_word() -> None:
    (text,) = values(read_all(made.pdf(["an exam-", "ple, and a well-known 𠮷 😀"]), "pdf"))
    assert text == "an example, and a well-known 𠮷 😀"


def test_a_pdf_without_text_is_empty_and_its_pages_are_told() -> None:
    assert message(made.pdf([], [])).startswith("empty: 2 pages without text")
    assert message(made.pdf([" "])).startswith("empty: 1 pages")


def test_a_pdf_whose_fonts_do_not_tell_their_characters_is_defective() -> None:
    assert error_kind(made.pdf(["公共数据 第一章"], mapped=False), "pdf") == "encoding"


def test_single_control_characters_are_taken_out() -> None:
    (text,) = values(read_all(made.pdf(["a\x03b " + "text " * 40]), "pdf"))
    assert text.startswith("ab text")


@pytest.mark.parametrize("end", range(0, len(GOOD.rstrip()), 31))
def test_a_pdf_cut_anywhere_is_an_error(end: int) -> None:
    assert error_kind(GOOD[:end], "pdf") == ("truncated" if end > 4 else "document" if end else "empty")


def test_a_pdf_cut_behind_a_first_end_that_belongs_to_all_of_it_is_truncated() -> None:
    for_the_web = re.sub(rb"startxref\n\d+", b"startxref\n0", GOOD)
    assert error_kind(for_the_web, "pdf") == "truncated"
    beyond = re.sub(rb"startxref\n\d+", b"startxref\n%d" % len(GOOD), GOOD)
    assert error_kind(beyond, "pdf") == "truncated"


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_a_flipped_bit_of_a_pdf_is_an_error_or_text(bit: int) -> None:
    data = bytearray(GOOD)
    data[bit // 8] ^= 1 << bit % 8
    found = outcome(bytes(data), "pdf")
    if isinstance(found, list):
        assert found[0].encode()
    else:
        assert found in ("document", "truncated", "unsupported", "encoding", "empty")


@given(st.binary(max_size=400), st.binary(max_size=40))
def test_any_bytes_in_a_pdf_are_an_error(inner: bytes, tail: bytes) -> None:
    data = b"%PDF-1.7\n" + inner + b"\nstartxref\n9\n%%EOF" + tail
    assert error_kind(data, "pdf") in ("document", "truncated", "unsupported", "empty")


@pytest.mark.parametrize("data", [b"text", b"<html>%PDF", GOOD.replace(b"%PDF", b"%PDE"), b"x" * 1024 + GOOD])
def test_what_does_not_begin_as_a_pdf_is_none(data: bytes) -> None:
    assert error_kind(data, "pdf") == "document"


def test_a_pdf_behind_other_bytes_is_read_as_viewers_do() -> None:
    assert values(read_all(b"\r\n" * 50 + GOOD, "pdf")) == [READ]


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_a_pdf_under_a_password_is_unsupported_and_one_without_is_read(algorithm: str) -> None:
    assert message(rewritten(GOOD, user="secret", algorithm=algorithm)).startswith("unsupported: encrypted")
    assert values(read_all(rewritten(GOOD, user="", algorithm=algorithm), "pdf")) == [READ]


def test_nothing_in_a_pdf_is_run_or_followed() -> None:
    actions = (
        "/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/AA<</WC<</S/Launch/F(/bin/sh)>>>>"
        "/Names<</EmbeddedFiles<</Names[(a)<</F(a)/EF<<>>>>]>>>>/AcroForm<</XFA(x)/Fields[]>>"
    )
    assert values(read_all(made.pdf(["text"], head=actions), "pdf")) == ["text"]


def test_the_pages_of_a_pdf_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 3)
    assert len(read_all(GOOD, "pdf")) == 1
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    assert error_kind(GOOD, "pdf") == "too-large"


def test_a_pdf_that_claims_more_pages_than_it_has_is_an_error_or_read_as_it_is() -> None:
    assert error_kind(GOOD.replace(b"/Count 3", b"/Count 9"), "pdf") == "document"
    absurd = GOOD.replace(b"/Count 3", b"/Count 999999999")
    assert values(read_all(absurd, "pdf")) == [READ]  # PDFium counts them itself


def test_a_pdf_over_the_limit_is_too_large_stored_or_as_text() -> None:
    data = made.pdf(["x" * 1000] * 50)
    assert error_kind(data, "pdf", limits=Limits(document_bytes=len(data) - 1)) == "too-large"
    assert len(data) < 50_000
    assert error_kind(data, "pdf", limits=Limits(document_bytes=50_000)) == "too-large"  # with its line ends
    assert len(read_all(data, "pdf", limits=Limits(document_bytes=50_100))) == 1


def test_a_poisoned_pdf_gives_nothing() -> None:
    assert read_all(GOOD, "pdf", beat=Beats(0)) == []


def test_every_page_of_a_pdf_ticks() -> None:
    beat = Beats()
    read_all(made.pdf(*[["a"]] * 20), "pdf", beat=beat)
    assert beat.ticks >= 20
