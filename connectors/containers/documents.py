"""Formats of which one object is one document: txt, md, html, xml. Its place is 0."""

import re
import xml.sax
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from dqv.connectors.containers.model import Broken, Job, Record, read_document
from dqv.core.errors import ItemError
from dqv.measure import encoding

XML_DEPTH = 1000
_CHUNK = 1 << 18  # characters between two ticks

_DROPPED = frozenset({"script", "style", "template"})
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "img", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
"""Everything else begins a new line."""

_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CHINESE = frozenset({"gb2312", "gbk", "cp936", "gb18030", "gb_2312-80", "euc-cn"})
_KNOWN = re.compile(
    r"iso-8859-\d{1,2}|windows-125\d|big5(-hkscs)?|shift_jis|euc-jp|euc-kr|us-ascii|koi8-[ru]", re.IGNORECASE
)


def read_text(job: Job) -> Iterator[Record | Broken]:
    """txt, md: the whole text."""
    if not job.beat.at(0):
        return
    data = read_document(job)
    text, job.facts.encoding = encoding.decode(data)
    yield from _document(text, data)


def read_html(job: Job) -> Iterator[Record | Broken]:
    """The visible text: without scripts and styles, one line per block.

    Raises:
        ItemError: "html", a declaration that the parser gives up on.
    """
    if not job.beat.at(0):
        return
    data = read_document(job)
    markup, job.facts.encoding = encoding.decode(data)
    parser = _VisibleText()
    try:
        for start in range(0, len(markup), _CHUNK):
            parser.feed(markup[start : start + _CHUNK])
            job.beat.tick()
        parser.close()
    except AssertionError as error:  # how the stdlib's parser reports a broken declaration
        raise ItemError("html", f"broken markup near line {parser.getpos()[0]}") from error
    yield from _document(_lines(parser.pieces), data)


def read_xml(job: Job) -> Iterator[Record | Broken]:
    """All character data, one line per element.

    Raises:
        ItemError: "xml", not well-formed, a DTD, over XML_DEPTH deep; "encoding", not as it declares.
    """
    if not job.beat.at(0):
        return
    data = read_document(job)
    markup, job.facts.encoding = _decode_xml(data)
    handler = _CharacterData()
    parser: Any = DefusedExpatParser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(handler)
    try:
        for start in range(0, len(markup), _CHUNK):
            # A str overrides the declared encoding, which is what has been decoded already.
            parser.feed(markup[start : start + _CHUNK])
            job.beat.tick()
        parser.close()
    except DefusedXmlException as error:
        raise ItemError(
            "xml", "a DTD or an entity declaration, which dqv does not follow: take it out"
        ) from error
    except xml.sax.SAXParseException as error:
        where = f"line {error.getLineNumber()}, column {error.getColumnNumber()}"
        raise ItemError("xml", f"{where}: {error.getMessage()}") from error
    yield from _document(_lines(handler.pieces), data)


def _document(text: str, data: bytes) -> Iterator[Record]:
    if not text or text.isspace():
        raise ItemError("empty", f"no text in {len(data)} bytes")
    yield Record(0, text, len(data))


def _lines(pieces: list[str]) -> str:
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _decode_xml(data: bytes) -> tuple[str, str]:
    declared = _DECLARED.match(data)
    name = declared[1].decode("ascii").lower() if declared else ""
    if name in _CHINESE:
        name = "gb18030"  # the whole of which they are parts
    elif not _KNOWN.fullmatch(name):
        # UTF-8 and UTF-16, declared or not; any other name must at least be one of these in fact.
        return encoding.decode(data)
    try:
        return data.decode(name), name
    except (UnicodeDecodeError, LookupError) as error:
        raise ItemError("encoding", f"not {name}, as its XML declaration says") from error


class _VisibleText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._dropped: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropped[tag] = self._dropped.get(tag, 0) + 1
        if tag not in _INLINE:
            self.pieces.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._dropped.get(tag, 0) > 1:
            self._dropped[tag] -= 1
        else:
            self._dropped.pop(tag, None)
        if tag not in _INLINE:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            # A line break in the markup is a space; only blocks begin a line.
            self.pieces.append(data.replace("\n", " "))


class _CharacterData(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._depth = 0

    def startElement(self, name: str, attrs: object) -> None:
        self._depth += 1
        if self._depth > XML_DEPTH:
            raise ItemError("xml", f"elements nested more than {XML_DEPTH} deep")
        self.pieces.append("\n")

    def endElement(self, name: str) -> None:
        self._depth -= 1
        self.pieces.append("\n")

    def characters(self, content: str) -> None:
        self.pieces.append(content)
