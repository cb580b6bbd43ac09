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
from contextlib import closing, contextmanager
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
    with _opened(job) as (document, data):
        text = _text(job, document)
    yield Record(0, text, len(data))


def read_pages(job: Job, active: set[str]) -> Iterator[tuple[int, str]]:
    """The text of every page, by its number from 1 on.

    Args:
        job: of the document.
        active: gets what in it runs, hides or fetches something: "script", "launch", "embedded", "form". What is written
            in compressed parts of the file is seen where PDFium tells of it: scripts and files that the document names,
            forms of XFA, links of pages.

    Raises:
        ItemError: as `read_pdf`, but what people can read and this cannot is "unsupported": pages that show something and
            have no text (scanned), and fonts that do not tell which characters they show.
    """
    with _opened(job) as (document, data):
        raw = _pdfium().raw
        active.update(name for name, pattern in _ACTIVE.items() if pattern.search(data))
        if raw.FPDFDoc_GetJavaScriptActionCount(document.raw) > 0:
            active.add("script")
        if raw.FPDFDoc_GetAttachmentCount(document.raw) > 0:
            active.add("embedded")
        if raw.FPDF_GetFormType(document.raw) in (raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND):
            active.add("form")
        count, drawn, said = _count(document), 0, 0
        controls = characters = 0
        for number in range(count):
            job.beat.tick()
            with _broken(number, count), closing(document[number]) as page:
                drawn += raw.FPDFPage_CountObjects(page.raw) > 0
                if _launches(page):
                    active.add("launch")
                with closing(page.get_textpage()) as found:
                    text = _cleaned(found.get_text_range())
            controls += len(_CONTROLS.findall(text))
            characters += len(text)
            said += not text.isspace()
            yield number + 1, _CONTROLS.sub("", text)
        if not said and drawn:
            raise ItemError(
                "unsupported",
                f"{count} pages, of which {drawn} show something and none has text: scanned; recognise the text first",
            )
        if not said:
            raise ItemError("empty", f"{count} pages without anything on them")
        if controls * 100 > characters:
            raise ItemError(
                "unsupported", "the fonts do not tell which characters they show; recognise the text"
            )


_ACTIVE = {
    "script": re.compile(rb"/JavaScript\b"),
    "launch": re.compile(rb"/Launch\b|/SubmitForm\b|/ImportData\b|/GoToR\b"),
    "embedded": re.compile(rb"/EmbeddedFiles?\b|/RichMedia\b"),
}

_LINKS = 10_000
"""Of a page; what stands behind them is not looked at."""


def _launches(page: Any) -> bool:
    """Whether a link of a page opens another file or starts something."""
    raw = _pdfium().raw
    at, link = ctypes.c_int(0), raw.FPDF_LINK()
    for _ in range(_LINKS):
        if not raw.FPDFLink_Enumerate(page.raw, ctypes.byref(at), ctypes.byref(link)):
            return False
        kind = raw.FPDFAction_GetType(raw.FPDFLink_GetAction(link))
        if kind in (raw.PDFACTION_LAUNCH, raw.PDFACTION_REMOTEGOTO, raw.PDFACTION_EMBEDDEDGOTO):
            return True
    return False


@contextmanager
def _opened(job: Job) -> Iterator[tuple[Any, bytes]]:
    """PDFium's document, and its bytes."""
    data = read_document(job)
    _look(data)
    pdfium = _pdfium()
    try:
        with pdfium.PdfDocument(data) as document:
            yield document, data
    except pdfium.PdfiumError as error:
        if error.err_code in (pdfium.raw.FPDF_ERR_PASSWORD, pdfium.raw.FPDF_ERR_SECURITY):
            raise ItemError("unsupported", "encrypted: save it without a password") from error
        raise ItemError("document", "PDFium cannot open it; save it again") from error


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
    count, limit = _count(document), job.limits.document_bytes
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


def _count(document: Any) -> int:
    count = len(document)
    if count > MAX_PAGES:
        raise ItemError("too-large", f"{count} pages, the limit is {MAX_PAGES}")
    return count


def _page(document: Any, number: int, count: int) -> str:
    with _broken(number, count), closing(document[number]) as page, closing(page.get_textpage()) as text:
        return _cleaned(text.get_text_range())


@contextmanager
def _broken(number: int, count: int) -> Iterator[None]:
    try:
        yield
    except _pdfium().PdfiumError as error:
        raise ItemError("document", f"page {number + 1} of {count} cannot be read") from error


def _cleaned(text: str) -> str:
    return text.replace(_HYPHEN, "").replace("\r\n", "\n") + "\n"
