"""PDF: one document, the text layer of its pages in order. Nothing in it is run, opened or followed.

PDFium is four times as fast as pypdf (800 pages of English a second against 170, `benchmarks/documents.py`)
and comes as one library without dependencies. It is started without the fonts of the system, so that the text
does not depend on the machine: where Chinese fonts are not embedded five times as fast, with the same text.

PDF has no checksums: what damage PDFium can work around (a broken list of objects, a stream that breaks off,
too small a count of pages) is not seen, but for the end of the file, which must be there. What opens without
a password is read, whatever it forbids. What takes all memory or never ends (forms in forms, streams of
gigabytes) costs the child.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any

from dqv.connectors.containers.documents import lines
from dqv.connectors.containers.model import Broken, Job, Record, read_document
from dqv.core.errors import ItemError

MAX_PAGES = 100_000
"""Of one document."""

_TAIL_BYTES = 1024
_END = re.compile(rb"startxref\s+(\d{1,20})\s+%%EOF")
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f]")
_HYPHEN = "\ufffe"
"""PDFium's mark for a hyphen at the end of a line, whose word goes on behind it."""


def read_pdf(job: Job) -> Iterator[Record | Broken]:
    """The text of all pages.

    Raises:
        ItemError: "empty", no page has text; "truncated", the end is missing; "encoding", the fonts do not tell
            which characters they show; "unsupported", encrypted; "too-large"; "document", anything else.
    """
    if not job.beat.at(0):
        return
    data = read_document(job)
    _look(data)
    pdfium = _pdfium()
    try:
        with pdfium.PdfDocument(data) as document:
            text = _text(job, document)
    except pdfium.PdfiumError as error:
        if error.err_code in (pdfium.raw.FPDF_ERR_PASSWORD, pdfium.raw.FPDF_ERR_SECURITY):
            raise ItemError("unsupported", "encrypted: save it without a password") from error
        raise ItemError("document", "PDFium cannot open it; save it again") from error
    yield Record(0, text, len(data))


def _look(data: bytes) -> None:
    """Refuse what PDFium would mend by guessing: a file of which a part is missing."""
    if b"%PDF-" not in data[:_TAIL_BYTES]:
        raise ItemError("document", "no PDF: its first bytes do not say so")
    found = _END.findall(data[-_TAIL_BYTES:])
    if not found:
        raise ItemError("truncated", f"the end is missing behind byte {len(data)}")
    if not 0 < int(found[-1]) < len(data):  # 0 ends the first part of a file made for the web
        raise ItemError("truncated", f"the list of objects is not in its {len(data)} bytes")


@cache
def _pdfium() -> Any:
    """The library, which is loaded where it is needed only, without the fonts of the system."""
    import pypdfium2

    raw = pypdfium2.raw
    no_fonts = (ctypes.POINTER(ctypes.c_char) * 1)()  # a list of folders that ends at once
    raw.FPDF_DestroyLibrary()
    raw.FPDF_InitLibraryWithConfig(raw.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=no_fonts))
    return pypdfium2


def _text(job: Job, document: Any) -> str:
    count, limit = len(document), job.limits.document_bytes
    if count > MAX_PAGES:
        raise ItemError("too-large", f"{count} pages, the limit is {MAX_PAGES}")
    pages: list[str] = []
    size = 0
    for number in range(count):
        job.beat.tick()
        pages.append(_page(document, number, count))
        size += len(pages[-1])
        if size > limit:
            raise ItemError("too-large", f"{number + 1} of {count} pages have more than {limit} characters")
    text = lines(pages)
    if not text:
        raise ItemError("empty", f"{count} pages without text: scanned? recognise the text first")
    if len(_CONTROLS.findall(text)) * 100 > len(text):
        raise ItemError("encoding", "the fonts do not tell which characters they show; recognise the text")
    return _CONTROLS.sub("", text)


def _page(document: Any, number: int, count: int) -> str:
    try:
        with closing(document[number]) as page, closing(page.get_textpage()) as text:
            found: str = text.get_text_range()
    except _pdfium().PdfiumError as error:
        raise ItemError("document", f"page {number + 1} of {count} cannot be read") from error
    return found.replace(_HYPHEN, "").replace("\r\n", "\n") + "\n"
