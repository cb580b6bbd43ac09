"""Formats of which one object is one document: txt, md, html, xml. Its place is 0."""

import re
import xml.sax
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from dqv.connectors.containers.model import Broken, Job, Record, read_document
from dqv.core.errors import ItemError
from dqv.measure import encoding

XML_DEPTH = 1000
UNCLOSED = 1 << 16
"""HTML markup that is not closed before the end, and has more characters than this behind it, is an error."""

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
        ItemError: "html", a tag, a comment or a declaration that is not closed; see UNCLOSED.
    """
    if not job.beat.at(0):
        return
    data = read_document(job)
    markup, job.facts.encoding = encoding.decode(data)
    yield from _document(lines(visible(markup, job.beat.tick)), data)


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
    # A str overrides the declared encoding, which is what has been decoded already.
    blocks = (markup[start : start + _CHUNK] for start in range(0, len(markup), _CHUNK))
    for _ in walk_xml(handler, blocks, "xml"):
        job.beat.tick()
    yield from _document(lines(handler.pieces), data)


def walk_xml(
    handler: ContentHandler, blocks: Iterable[str | bytes], kind: str, where: str = ""
) -> Iterator[None]:
    """Give XML to a handler, coming back after every block.

    Args:
        handler: gets the elements.
        blocks: the document, in pieces.
        kind: of error.
        where: begins the messages.

    Raises:
        ItemError: not well-formed, or a DTD.
    """
    parser = _Parser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(handler)
    try:
        for block in blocks:
            parser.feed(block)
            yield
        parser.close()
    except DefusedXmlException as error:
        what = "a DTD or an entity declaration, which dqv does not follow: take it out"
        raise ItemError(kind, f"{where}{what}") from error
    except xml.sax.SAXParseException as error:
        line = f"line {error.getLineNumber()}, column {error.getColumnNumber()}"
        raise ItemError(kind, f"{where}{line}: {error.getMessage()}") from error
    except (LookupError, ValueError) as error:  # an encoding that expat does not know
        raise ItemError(kind, f"{where}an encoding that dqv does not read: save it as UTF-8") from error
    yield  # the end may close elements, too


def _document(text: str, data: bytes) -> Iterator[Record]:
    if not text or text.isspace():
        raise ItemError("empty", f"no text in {len(data)} bytes")
    yield Record(0, text, len(data))


def lines(pieces: Iterable[str]) -> str:
    """The lines of a text that are not blank, with single spaces."""
    found = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in found if line)


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


_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_TAG_NAME = re.compile(r"</?([a-zA-Z][^ \t\n\r\f/>]*)")
_TAG_STEP = re.compile(r">|=\s*[\"']")
_MANY_DIGITS = re.compile(r"&#\d{1000,}")
_COMMENT_END = re.compile(r"--!?\s*>")
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style")}


class Mark(str):
    """Among the pieces of a page: the name of a tag, behind a slash where it ends, and where it stands."""

    __slots__ = ("at",)
    at: int


def _mark(tag: str, at: int) -> Mark:
    mark = Mark(tag)
    mark.at = at
    return mark


def visible(markup: str, tick: Callable[[], None], *, marks: bool = False) -> list[str]:
    """The pieces of visible text of an HTML page, with `marks` a `Mark` for every tag that begins a new line.

    One pass, in time linear in the length whatever the page holds, which html.parser does not give: nothing
    is looked for again once it was not found.

    Raises:
        ItemError: "html", see UNCLOSED.
    """
    pieces: list[str] = []
    dropped: dict[str, int] = {}
    at, ticked, length = 0, 0, len(markup)
    while at < length:
        if at - ticked > _CHUNK:
            tick()
            ticked = at
        found = _MARKUP.search(markup, at)
        start = found.start() if found else length
        if not dropped:
            _add_text(pieces, markup, at, start, tick)
        if found is None:
            break
        at = _markup_end(markup, start)
        if at < 0:
            if length - start > UNCLOSED:
                line = markup.count("\n", 0, start) + 1
                raise ItemError("html", f"markup that begins in line {line} is not closed before the end")
            if not dropped:  # cut off, or a stray bracket: it is text as it stands
                _add_text(pieces, markup, start, length, tick)
            break
        name = _TAG_NAME.match(markup, start, at)
        if name is None:  # a comment, a declaration
            continue
        tag = name[1].lower()
        if tag not in _INLINE and pieces[-1:] != ["\n"]:
            pieces.append("\n")
        if marks and (tag not in _INLINE or tag == "img"):
            pieces.append(_mark(f"/{tag}" if markup[start + 1] == "/" else tag, start))
        if tag not in _DROPPED:
            continue
        if markup[start + 1] == "/":
            if dropped.get(tag, 0) > 1:
                dropped[tag] -= 1
            else:
                dropped.pop(tag, None)
        elif not _closes_itself(markup[start:at]):
            dropped[tag] = dropped.get(tag, 0) + 1
            if tag in _RAW_END:  # no markup inside
                end = _RAW_END[tag].search(markup, at)
                at = end.start() if end else length
    return pieces


def _markup_end(markup: str, start: int) -> int:
    """Behind the markup that begins at `start`; -1 where it is not closed."""
    if markup.startswith("<!--", start):
        found = _COMMENT_END.search(markup, start + 2)  # <!--> is a whole one
        return found.end() if found else -1
    if markup.startswith("<![CDATA[", start):
        end = markup.find("]]>", start)
        return end + 3 if end >= 0 else -1
    if _TAG_NAME.match(markup, start) is None or markup[start + 1] == "/":
        return markup.find(">", start) + 1 or -1
    at = start
    while found := _TAG_STEP.search(markup, at):
        at = found.end()
        quote = markup[at - 1]
        if quote == ">":
            return at
        # A quote that is not closed is none; that can be so of the last one in the page only.
        at = markup.find(quote, at) + 1 or at
    return -1


def _closes_itself(tag: str) -> bool:
    """`<a b="c"/>` does; the slash of `<a b=c/>` belongs to the value."""
    last = tag.split()[-1]
    return last.endswith("/>") and ("=" not in last or last[-3] in "\"'")


def _add_text(pieces: list[str], markup: str, start: int, stop: int, tick: Callable[[], None]) -> None:
    while start < stop:
        end = markup.find("&", start + _CHUNK, stop)  # no reference is cut
        end = stop if end < 0 else end
        text = markup[start:end]
        if "&" in text:
            tick()
            try:
                text = unescape(text)
            except ValueError:  # a number of thousands of digits
                text = _MANY_DIGITS.sub(lambda found: f"&amp;{found[0][1:]}", text)
                text = unescape(text)
        # A line break in the markup is a space; only blocks begin a line.
        pieces.append(text.replace("\n", " "))
        start = end


class _Parser(DefusedExpatParser):  # type: ignore[misc]  # defusedxml has no types
    """Gives elements to the handler at once, their attributes as a dict, and text in one piece.

    Without, they go through a layer more, and every character reference and line break is a call of its own: a
    workbook takes 1.5 to 3 times as long.
    """

    def reset(self) -> None:
        super().reset()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._cont_handler.startElement
        self._parser.EndElementHandler = self._cont_handler.endElement


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
