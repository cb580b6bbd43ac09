"""Documents as blocks: headings, lines, rows of tables, with their places, whatever the format.

| format | a heading is | a table is | the place is |
|---|---|---|---|
| md | `#`, underlined, a line in bold | rows with `|` and a line of dashes; the front matter | a line |
| txt | numbered, underlined, short | - | a line |
| html | h1 … h6 | tr | a line of the source |
| docx | a style, an outline level | tbl | a paragraph |
| pdf | numbered, short | - | a page |

What is not shown (comments, front matter's own comments, scripts) is no block. Nothing is run or fetched; what a viewer
would run, unpack or fetch to put it into the document is named.
"""

import re
from collections.abc import Iterator

from dqv.connectors.containers.documents import Mark, visible
from dqv.connectors.containers.model import Job, read_document
from dqv.connectors.containers.office import read_docx_blocks
from dqv.connectors.containers.pdf import read_pages
from dqv.core.errors import ItemError
from dqv.measure import encoding
from dqv.measure.datacards import Block, plain_blocks

PLACES = {"md": "line", "txt": "line", "html": "line", "docx": "paragraph", "pdf": "page"}
"""Formats that are read as blocks, and what their places are."""

MAX_BLOCKS = 200_000
MAX_CHARACTERS = 8_000_000
"""Of one document: some thousands of pages. A card is no longer; what is longer is unread, not read in part."""

MAX_TEXT_BYTES = 4 * MAX_CHARACTERS
"""Of a document that is text as it is stored."""


def read_blocks(job: Job, form: str, active: set[str]) -> Iterator[Block]:
    """The blocks of a document, in order.

    Args:
        job: of the document.
        form: its format.
        active: gets what in it a viewer would run, unpack or put into it from elsewhere: macro, script, launch, embedded,
            form, external. Pictures from elsewhere ("pictures") change no word and are only told.

    Raises:
        ItemError: it cannot be read; "too-large" beyond MAX_BLOCKS or MAX_CHARACTERS; "empty"; "unsupported".
    """
    if form not in PLACES:
        raise ItemError(
            "unsupported", f"format {form} is not read by this version: save it as docx, PDF or Markdown"
        )
    count = characters = 0
    for block in _READ[form](job, active):
        count += 1
        characters += len(block.text)
        if count > MAX_BLOCKS or characters > MAX_CHARACTERS:
            raise ItemError(
                "too-large",
                f"more than {MAX_BLOCKS} lines or {MAX_CHARACTERS} characters: a data card is shorter",
            )
        if not count % 256:
            job.beat.tick()
        yield block
    if not count:
        raise ItemError("empty", "no text in it")


def _decoded(job: Job) -> str:
    text, job.facts.encoding = encoding.decode(read_document(job))
    return text


def _txt(job: Job, active: set[str]) -> Iterator[Block]:
    return plain_blocks(enumerate(_decoded(job).split("\n"), 1))


def _pdf(job: Job, active: set[str]) -> Iterator[Block]:
    for page, text in read_pages(job, active):
        yield from plain_blocks((page, line) for line in text.split("\n"))


# Markdown ----------------------------------------------------------------------------------------------

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}(#{1,6})(?:\s+|$)")
_BOLD = re.compile(r"\s{0,3}(?:\*\*|__)([^*_\n]{1,60})(?:\*\*|__)\s*[:：]?\s*$")
_BULLET = re.compile(r"^\s*(?:[-*+]\s+(?:\[[ xX]\]\s+)?|>\s?)+")
_IN_PAGE = re.compile(r"\s*(?:(?:[-*+]|\d{1,3}[.)])\s+)?\[[^\]\n]{0,200}\]\(#[^)\n]{0,200}\)\s*$")
_LINK = re.compile(r"!?\[([^\]\n]{0,500})\]\(([^)\n]{0,2000})\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,300}>")
_PICTURE = re.compile(
    r"!\[[^\]\n]{0,500}\]\((?:https?:)?//|<img\s[^<>]{0,300}?src\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE
)


def _md(job: Job, active: set[str]) -> Iterator[Block]:
    text = _decoded(job)
    if _PICTURE.search(text):
        active.add("pictures")
    lines = _without_comments(text).split("\n")
    start = 0
    if lines[0].strip() == "---":
        start = next((at for at in range(1, len(lines)) if lines[at].rstrip() in ("---", "...")), 0)
        yield from _front_matter(lines[1:start])
    table, in_table, fence = 0, False, ""
    held: Block | None = None
    for at in range(start + 1 if start else 0, len(lines)):
        line = lines[at]
        place = at + 1
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip("`~ \t"):
                fence = ""
            elif line.strip():
                yield Block("code", place, line.strip())
            continue
        is_rule = bool(line.strip()) and (not line.strip(" \t=") or not line.strip(" \t-"))
        if held is not None and is_rule and not line.startswith("    "):
            yield Block("heading", held.place, held.text, 1 if "=" in line else 2)
            held = None
            continue
        if held is not None:
            yield held
            held = None
        if is_rule:
            continue
        in_table = in_table and "|" in line
        if opened:
            fence = opened[1]
        elif "|" in line and (in_table or _begins_table(lines, at)):
            if not in_table:
                in_table, table = True, table + 1
            cells = () if _is_delimiter(line) else tuple(_plain(cell) for cell in _cells(line))
            if any(cells):
                yield Block("row", place, " | ".join(cells), cells=cells, table=table)
        elif heading := _HEADING.match(line):
            text = _plain(line[heading.end() :].rstrip("# \t"))
            if text:
                yield Block("heading", place, text, len(heading[1]))
        elif bold := _BOLD.match(line):
            yield Block("heading", place, bold[1].strip(), 7)
        elif not _IN_PAGE.match(line):
            shown = _plain(_BULLET.sub("", line, count=1))
            if shown:
                held = Block("text", place, shown)
                if _BULLET.match(line) or line.startswith("    "):  # no dashes below make a heading of it
                    yield held
                    held = None
    if held is not None:
        yield held


def _front_matter(lines: list[str]) -> Iterator[Block]:
    """The keys of a YAML header with all that hangs on them, as fields; it is not read as YAML, which can be a bomb."""
    key, place = "", 0
    values: list[str] = []
    for number, line in enumerate([*lines, "end:"], 2):
        name, colon, rest = line.partition(":")
        if colon and line[:1].strip() and not line.startswith(("-", "#")):
            if key:
                told = ", ".join(value for value in values if value)
                yield Block("text", place, f"{key}: {told}")
            key, values, place = name.strip(), [_scalar(rest)], number
        elif line.strip() and not line.lstrip().startswith("#"):
            values.append(_scalar(line.strip().removeprefix("-")))


def _scalar(text: str) -> str:
    text = text.strip().strip("'\"")
    return "" if text in ("|", ">", "[]", "{}", "null", "~") else text


def _without_comments(text: str) -> str:
    """The same lines without what stands in HTML comments."""
    pieces, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        pieces += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 3
    return "".join([*pieces, text[at:]]).replace("\r\n", "\n").replace("\r", "\n")


def _is_delimiter(line: str) -> bool:
    return "-" in line and not line.strip("|-: \t")


def _begins_table(lines: list[str], at: int) -> bool:
    """Whether dashes follow, or bars stand around the line, as tables without dashes have them."""
    line = lines[at].strip()
    bare = len(line) > 2 and line.startswith("|") and line.endswith("|")
    return bare or (at + 1 < len(lines) and "|" in lines[at + 1] and _is_delimiter(lines[at + 1]))


def _cells(line: str) -> list[str]:
    line = line.strip().replace("\\|", "\0")
    line = line.removeprefix("|")
    line = line.removesuffix("|")
    return [cell.replace("\0", "|").strip() for cell in line.split("|")]


def _plain(text: str) -> str:
    """Markdown without its marks, as far as terms and numbers may stand in them."""
    if "](" in text:
        text = _LINK.sub(
            lambda found: (
                found[1]
                if found[1] and not found[2].startswith(("http", "mailto"))
                else f"{found[1]} {found[2]}"
            ),
            text,
        )
    if "<" in text:
        text = _TAG.sub(" ", text)
    return " ".join(text.replace("**", "").replace("__", "").replace("`", "").split())


# HTML --------------------------------------------------------------------------------------------------

_RUN_IN_PAGE = {"script": "script", "iframe": "external", "object": "embedded", "embed": "embedded", "applet": "script", "frame": "external"}  # fmt: skip
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_SOURCE = re.compile(r"\ssrc\s*=\s*[\"']?\s*(?:https?:)?//", re.IGNORECASE)


def _html(job: Job, active: set[str]) -> Iterator[Block]:
    markup = _decoded(job)
    pieces = visible(markup, job.beat.tick, marks=True)
    line, counted = 1, 0
    level, tables, depth = 0, 0, 0
    row_line = 1
    cells: list[str] | None = None
    held: list[str] = []
    for piece in pieces:
        if not isinstance(piece, Mark):
            held.append(piece)
            continue
        tag, closing = piece.lstrip("/"), piece.startswith("/")
        if not closing and tag in _RUN_IN_PAGE:
            active.add(_RUN_IN_PAGE[tag])
        if tag == "img":
            end = markup.find(">", piece.at, piece.at + 2000)
            if _SOURCE.search(markup, piece.at, end if end >= 0 else piece.at + 2000):
                active.add("pictures")
            continue
        text = " ".join("".join(held).split())
        held = []
        if text and cells is not None:
            cells[-1:] = [f"{cells[-1]} {text}".strip()] if cells else [text]
        elif text:
            yield Block("heading" if level else "text", line, text, level)
        line += markup.count("\n", counted, piece.at)
        counted = piece.at
        if tag in _LEVELS:
            level = 0 if closing else _LEVELS[tag]
        elif tag == "table":
            depth += -1 if closing else 1
            tables += depth == 1 and not closing
            depth = max(depth, 0)
        elif tag == "tr" and depth <= 1:
            if cells and any(cells):
                yield Block("row", row_line, " | ".join(cells), cells=tuple(cells), table=tables)
            cells, row_line = None if closing else [], line
        elif tag in ("td", "th") and cells is not None and depth <= 1 and not closing:
            cells.append("")
    text = " ".join("".join(held).split())
    if cells and any(cells):
        yield Block("row", row_line, " | ".join(cells), cells=tuple(cells), table=tables)
    if text:
        yield Block("text", line, text)


_READ = {"md": _md, "txt": _txt, "html": _html, "docx": read_docx_blocks, "pdf": _pdf}
